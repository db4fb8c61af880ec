//! `fuse explain`: the stages of a formula as text, exactly that text; or what an error code means.

use std::ffi::OsStr;
use std::io::Write as _;

use fuse::raw::LEAST_CAPABILITY;
use fuse::{Declined, ErrorKind, Formula, InputType, KernelCode, KernelCounts, Stage};
use serde::Serialize;

use crate::args::{ExplainArgs, StageChoice};
use crate::failure::Failure;
use crate::text::quoted;
use crate::{codes, engine, signature};

pub(crate) fn run(args: &ExplainArgs) -> Result<(), Failure> {
    let (text, arguments) = args.formula.resolve()?;
    if arguments.is_empty() && codes::names_codes(&text) {
        return codes::explain(&text);
    }
    let stages = stages(args)?;
    let formula = engine::without_device(&args.engine)?.formula(&text)?;
    let variables = signature::parse_all(&arguments)?;
    let mut types = Vec::new();
    for variable in &variables {
        types.push((variable.name.as_str(), variable.ty()?));
    }
    let text = match (args.json, args.stage) {
        (false, _) => listing(&formula, &types, stages)?,
        (true, StageChoice::Asm) => code_facts(&formula, &types)?,
        (true, _) => counts(&formula, &types)?,
    };
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    if !text.ends_with('\n') {
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// The text in lines of at most 80 characters.
pub(crate) fn filled(text: &str) -> String {
    const WIDTH: usize = 80;
    let mut out = String::new();
    let mut column = 0;
    for word in text.split_whitespace() {
        let width = word.chars().count();
        if column > 0 && column + 1 + width > WIDTH {
            out.push('\n');
            column = 0;
        } else if column > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += width;
    }
    out
}

/// The stages to print.
fn stages(args: &ExplainArgs) -> Result<&'static [Stage], Failure> {
    if let Some(target) = &args.target {
        check_target(target, args.stage)?;
    }
    if args.json && !matches!(args.stage, StageChoice::Kernel | StageChoice::Asm) {
        let message = "--json is built in for `--stage kernel` and `--stage asm` only";
        return Err(Failure::Usage(message.to_string()));
    }
    Ok(match args.stage {
        StageChoice::Ast => &[Stage::Ast],
        StageChoice::Graph => &[Stage::Graph],
        StageChoice::Opt => &[Stage::Opt],
        StageChoice::Kernel => &[Stage::Kernel],
        StageChoice::Clif => &[Stage::Clif],
        StageChoice::Asm => &[Stage::Asm],
        StageChoice::Ptx => &[Stage::Ptx],
        StageChoice::All => Stage::ALL,
    })
}

/// The text of the stage `ptx` is for the oldest devices, and newer ones take it: a target changes nothing.
fn check_target(target: &str, stage: StageChoice) -> Result<(), Failure> {
    let (major, minor) = LEAST_CAPABILITY;
    let refused = |why: &str| {
        let target = quoted(OsStr::new(target));
        Err(Failure::Usage(format!("--target {target}: {why}")))
    };
    let Some(version) = target.strip_prefix("cuda:") else {
        return refused("other targets than cuda:sm_NN are not built in");
    };
    match version.strip_prefix("sm_").and_then(|number| number.parse::<u32>().ok()) {
        None => refused("expected cuda:sm_NN, as in cuda:sm_80"),
        Some(number) if number < 10 * major + minor => {
            refused(&format!("fuse needs sm_{major}{minor} or newer"))
        }
        Some(_) if matches!(stage, StageChoice::Clif | StageChoice::Asm) => {
            refused("the stages clif and asm are the CPU's; `--stage ptx` is the text for cuda")
        }
        Some(_) => Ok(()),
    }
}

/// One stage as it is; several under headings.
fn listing(
    formula: &Formula,
    types: &[(&str, InputType)],
    stages: &[Stage],
) -> Result<String, Failure> {
    if let [only] = stages {
        return Ok(formula.explain(types, *only)?);
    }
    let mut text = String::new();
    for &stage in stages {
        let body = match formula.explain(types, stage) {
            Err(error) if error.kind() == ErrorKind::Codegen => format!("({error})"),
            other => other?,
        };
        let gap = if text.is_empty() { "" } else { "\n" };
        text.push_str(&format!("{gap}== {} ==\n{}\n", stage.name(), body.trim_end()));
    }
    Ok(text)
}

/// Counts of one kernel, as users and tests read them.
#[derive(Serialize)]
struct Counts {
    loads: usize,
    stores: usize,
    arith: usize,
    uniform: usize,
    granule: usize,
}

impl From<KernelCounts> for Counts {
    fn from(counts: KernelCounts) -> Counts {
        let KernelCounts { loads, stores, arith, uniform, granule, .. } = counts;
        Counts { loads, stores, arith, uniform, granule }
    }
}

/// An object; an array of objects where there are several kernels.
fn counts(formula: &Formula, types: &[(&str, InputType)]) -> Result<String, Failure> {
    let mut kernels: Vec<Counts> =
        formula.kernel_counts(types)?.into_iter().map(Counts::from).collect();
    match (kernels.pop(), kernels.is_empty()) {
        (Some(only), true) => json(&only),
        (last, _) => {
            kernels.extend(last);
            json(&kernels)
        }
    }
}

/// What the machine code of one pass's kernel takes; `null` what its back end does not know.
#[derive(Serialize)]
struct PassCode {
    backend: &'static str,
    isa: String,
    registers: Option<usize>,
    mask_registers: Option<usize>,
    spills: Option<usize>,
    bytes: Option<usize>,
    elements: Option<usize>,
    cycles_per_element: Option<f64>,
    declined: Vec<Reason>,
}

/// Why a back end does not run a kernel, and which one does.
#[derive(Serialize)]
struct Reason {
    reason: String,
    taken_by: &'static str,
}

impl From<KernelCode> for PassCode {
    fn from(code: KernelCode) -> PassCode {
        let KernelCode { backend, isa, facts, declined } = code;
        let reason = |Declined { reason, taken_by }| Reason { reason, taken_by };
        PassCode {
            backend,
            isa,
            registers: facts.map(|facts| facts.registers),
            mask_registers: facts.map(|facts| facts.mask_registers),
            spills: facts.map(|facts| facts.spills),
            bytes: facts.map(|facts| facts.bytes),
            elements: facts.map(|facts| facts.elements),
            cycles_per_element: facts.map(|facts| facts.cycles_per_element),
            declined: declined.into_iter().map(reason).collect(),
        }
    }
}

/// An array with an object for each pass.
fn code_facts(formula: &Formula, types: &[(&str, InputType)]) -> Result<String, Failure> {
    let passes = formula.prepare(types)?.kernel_code()?;
    json(&passes.into_iter().map(PassCode::from).collect::<Vec<PassCode>>())
}

/// A value as one line of JSON.
pub(crate) fn json(value: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string(value)
        .map_err(|error| Failure::Run(format!("cannot write JSON: {error}")))
}
