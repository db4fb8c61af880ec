//! Bindings of `check`, `explain` and `bench`: types with shapes, where `eval` has values.
//!
//! ```text
//! VALUE = number | DTYPE,… [":" SHAPE] ["@" LO ".." HI] | what eval takes
//! SHAPE = n "x" n …  |  "()"                             1000x3, 1e7
//! ```
//! Several dtypes are alternatives, which only `check` takes. Without a shape an array is a vector.

use std::ffi::{OsStr, OsString};
use std::ops::Range;

use fuse::{DType, InputType};

use crate::binding::{self, Binding, Source, split};
use crate::failure::Failure;
use crate::number::{self, parse_count, parse_float};
use crate::suggest;
use crate::text::quoted;
use crate::value::{Access, Value};

/// Elements of a vector whose length is not given.
const DEFAULT_LEN: usize = 1_000_000;

/// A variable by its type, or by its value.
#[derive(Clone, Debug)]
pub(crate) struct Variable {
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

/// What is known of a variable.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Typed(Typed),
    Given(Source),
}

/// An array that need not exist.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Typed {
    /// Alternatives; at least one.
    pub(crate) dtypes: Vec<DType>,
    pub(crate) shape: Vec<usize>,
    /// Where its elements are drawn from.
    pub(crate) range: Option<Range<f64>>,
}

/// Reads all bindings of a command line.
pub(crate) fn parse_all(arguments: &[OsString]) -> Result<Vec<Variable>, Failure> {
    let mut variables: Vec<Variable> = Vec::new();
    for argument in arguments {
        let new = match binding::all_members(argument) {
            Some(members) => members?.into_iter().map(Variable::from).collect(),
            None => vec![Variable::parse(argument)?],
        };
        for variable in new {
            add(&mut variables, variable)?;
        }
    }
    Ok(variables)
}

fn add(variables: &mut Vec<Variable>, variable: Variable) -> Result<(), Failure> {
    if variables.iter().any(|known| known.name == variable.name) {
        let message = format!("the variable `{}` is given twice", variable.name);
        return Err(Failure::Usage(message));
    }
    variables.push(variable);
    Ok(())
}

impl From<Binding> for Variable {
    fn from(binding: Binding) -> Variable {
        Variable { name: binding.name, kind: Kind::Given(binding.source) }
    }
}

impl Variable {
    fn parse(argument: &OsStr) -> Result<Variable, Failure> {
        let (name, value) = split(argument)?;
        let typed =
            value.to_str().filter(|text| number::parse(text).is_none()).and_then(Typed::parse);
        let kind =
            match typed {
                Some(typed) => Kind::Typed(typed.map_err(|message| {
                    Failure::Usage(format!("{}: {message}", quoted(argument)))
                })?),
                None => Kind::Given(Binding::parse(argument)?.source),
            };
        if let Kind::Given(Source::File(path)) = &kind
            && !path.exists()
        {
            let what = quoted(value);
            let message =
                format!("{what} is neither a dtype (as in `{name}=f64:1000x3`) nor a file");
            return Err(match suggest::near_dtype_or_file(path) {
                Some(help) => Failure::Corrected { message, help },
                None => Failure::Usage(message),
            });
        }
        Ok(Variable { name: name.to_string(), kind })
    }

    /// Its possible types.
    pub(crate) fn types(&self) -> Result<Vec<InputType>, Failure> {
        match &self.kind {
            Kind::Typed(typed) => Ok(typed
                .dtypes
                .iter()
                .map(|&dtype| InputType::array(dtype, &typed.shape))
                .collect()),
            Kind::Given(source) => Ok(vec![Value::load(source, Access::MAP)?.as_input()?.ty()]),
        }
    }

    /// Its one type.
    pub(crate) fn ty(&self) -> Result<InputType, Failure> {
        let mut types = self.types()?;
        match (types.pop(), types.is_empty()) {
            (Some(ty), true) => Ok(ty),
            _ => Err(several_dtypes(&self.name)),
        }
    }
}

/// A usage error.
pub(crate) fn several_dtypes(name: &str) -> Failure {
    Failure::Usage(format!("`{name}` has several dtypes; only `fuse check` takes alternatives"))
}

impl Typed {
    /// Reads `f64:1000x3@0..1`; `None` where the text does not begin with a dtype.
    pub(crate) fn parse(text: &str) -> Option<Result<Typed, String>> {
        let end = text.find([':', '@']).unwrap_or(text.len());
        let dtypes: Option<Vec<DType>> = text[..end].split(',').map(DType::from_name).collect();
        let dtypes = dtypes?;
        let (shape, range) = match text[end..].split_once('@') {
            Some((shape, range)) => (shape, Some(range)),
            None => (&text[end..], None),
        };
        Some(Typed::with(dtypes, shape, range))
    }

    fn with(dtypes: Vec<DType>, shape: &str, range: Option<&str>) -> Result<Typed, String> {
        let shape = match shape.strip_prefix(':') {
            None => vec![DEFAULT_LEN],
            Some("()") => Vec::new(),
            Some(extents) => {
                let extents: Option<Vec<usize>> = extents.split('x').map(parse_count).collect();
                extents.ok_or("expected a shape such as 1000x3, 1e7 or () behind `:`")?
            }
        };
        let range = range.map(parse_range).transpose()?;
        Ok(Typed { dtypes, shape, range })
    }
}

fn parse_range(text: &str) -> Result<Range<f64>, String> {
    let (low, high) = text.split_once("..").unwrap_or((text, ""));
    match (parse_float(low), parse_float(high)) {
        (Some(low), Some(high)) if low < high && (high - low).is_finite() => Ok(low..high),
        _ => Err("expected a range such as 0..1 behind `@`".to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str) -> Typed {
        Typed::parse(text).expect(text).expect(text)
    }

    #[test]
    fn types_have_shapes_and_ranges() {
        assert_eq!(typed("f64").shape, [DEFAULT_LEN]);
        assert_eq!(typed("f64:1000x3").shape, [1000, 3]);
        assert!(typed("f64:()").shape.is_empty());
        assert_eq!(typed("float32:1e7@0..1").shape, [10_000_000]);
        assert_eq!(typed("f32@-1.5..2").range, Some(-1.5..2.0));
        assert_eq!(typed("f64,f32").dtypes, [DType::F64, DType::F32]);
    }

    #[test]
    fn what_begins_with_no_dtype_is_something_else() {
        for text in ["x.npy", "0:1:5", "f46", "f64,x"] {
            assert_eq!(Typed::parse(text), None, "{text}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        for (text, part) in [
            ("f64:", "a shape"),
            ("f64:3x", "a shape"),
            ("f64@1", "a range"),
            ("f64@2..1", "a range"),
        ] {
            let message = Typed::parse(text).expect(text).expect_err(text);
            assert!(message.contains(part), "{text}: {message}");
        }
    }
}
