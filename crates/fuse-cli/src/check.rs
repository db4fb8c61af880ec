//! `fuse check`: types only, no data, nothing compiled to machine code.

use std::ffi::OsString;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;

use fuse::{DType, Engine, Formula, InputType, Mode, ResultType};

use crate::args::CheckArgs;
use crate::binding;
use crate::failure::Failure;
use crate::signature::{self, Variable};
use crate::suggest::dtype_named;

/// The most combinations of dtypes that are checked.
const MAX_COMBINATIONS: usize = 10_000;

pub(crate) fn run(args: &CheckArgs) -> Result<(), Failure> {
    let (text, arguments) = args.formula.resolve()?;
    let mode = if args.strict { Mode::Strict } else { Mode::Relaxed };
    let formula = Engine::builder().mode(mode).build()?.formula(&text)?;
    let (named, bare): (Vec<OsString>, Vec<OsString>) =
        arguments.into_iter().partition(|argument| {
            argument.as_bytes().contains(&b'=') || binding::all_members(argument).is_some()
        });
    let variables = signature::parse_all(&named)?;
    let alternatives = alternatives(&formula, &variables, bare_dtype(&bare)?)?;
    let mut out = std::io::stdout().lock();
    for types in combinations(&alternatives)? {
        let results = formula.outputs(&types)?;
        let results: Vec<String> = results.iter().map(result_text).collect();
        let given = choices(&types, &alternatives);
        writeln!(out, "{given}{}", results.join("; "))?;
    }
    Ok(())
}

/// The dtype of all variables that are not named: `fuse check 'a*b' f32`.
fn bare_dtype(bare: &[OsString]) -> Result<Option<DType>, Failure> {
    match bare {
        [] => Ok(None),
        [only] => dtype_named(&only.to_string_lossy()).map(Some),
        [_, second, ..] => {
            let message = format!("expected NAME=DTYPE, found {}", crate::text::quoted(second));
            Err(Failure::Usage(message))
        }
    }
}

/// A name and its possible types.
type Alternatives = Vec<(String, Vec<InputType>)>;

fn alternatives(
    formula: &Formula,
    variables: &[Variable],
    bare: Option<DType>,
) -> Result<Alternatives, Failure> {
    let mut all = Alternatives::new();
    for variable in variables {
        all.push((variable.name.clone(), variable.types()?));
    }
    let Some(dtype) = bare else { return Ok(all) };
    for name in formula.names() {
        let is_constant = matches!(name, "pi" | "e" | "inf" | "nan");
        if !is_constant && !all.iter().any(|(known, _)| known == name) {
            all.push((name.to_string(), vec![InputType::array(dtype, &[0])]));
        }
    }
    Ok(all)
}

/// Each choice of one type for each name.
fn combinations(all: &Alternatives) -> Result<Vec<Vec<(&str, InputType)>>, Failure> {
    let count = all.iter().try_fold(1_usize, |count, (_, types)| count.checked_mul(types.len()));
    if count.is_none_or(|count| count > MAX_COMBINATIONS) {
        let message = format!("more than {MAX_COMBINATIONS} combinations of dtypes");
        return Err(Failure::Usage(message));
    }
    let mut chosen: Vec<Vec<(&str, InputType)>> = vec![Vec::new()];
    for (name, types) in all {
        let mut extended = Vec::with_capacity(chosen.len() * types.len());
        for prefix in &chosen {
            for ty in types {
                extended.push([prefix.as_slice(), &[(name.as_str(), ty.clone())]].concat());
            }
        }
        chosen = extended;
    }
    Ok(chosen)
}

/// `x=f32: ` where there was a choice.
fn choices(types: &[(&str, InputType)], all: &Alternatives) -> String {
    let chosen = types.iter().zip(all).filter(|(_, (_, alternatives))| alternatives.len() > 1);
    let chosen: Vec<String> =
        chosen.map(|((name, ty), _)| format!("{name}={}", ty.dtype)).collect();
    if chosen.is_empty() { String::new() } else { format!("{}: ", chosen.join(" ")) }
}

/// `f64, rank 1`.
pub(crate) fn result_text(result: &ResultType) -> String {
    match result.rank {
        0 => format!("{}, scalar", result.dtype),
        rank => format!("{}, rank {rank}", result.dtype),
    }
}
