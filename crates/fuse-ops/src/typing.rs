//! Promotion and typing rules.
//!
//! [`promote`] is NumPy 2's `result_type` (NEP 50). Python's plain numbers are *weak*: they take on
//! the dtype of what they meet, within their kind. A [`Typing`] rule is what a row of the operator
//! table refers to: from the arguments' types it gives the dtype each argument is cast to and the
//! dtype of the result, or says what was expected.

use fuse_ir::{DType, DTypeKind, Strength};

use crate::complex::ComplexRow;
use crate::table::Op;

/// What typing knows of an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArgType {
    /// Its dtype; for weak ones `I64`, `F64` or `C128`.
    pub dtype: DType,
    /// Does it give way?
    pub strength: Strength,
}

impl ArgType {
    /// A strong argument.
    pub fn strong(dtype: DType) -> ArgType {
        ArgType { dtype, strength: Strength::Strong }
    }

    /// A weak argument.
    pub fn weak(dtype: DType) -> ArgType {
        ArgType { dtype, strength: Strength::Weak }
    }
}

/// The outcome of typing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typed {
    /// The dtype that each argument is cast to.
    pub args: Vec<DType>,
    /// The dtype computed in: what the expansion sees as the operands'.
    pub operand: DType,
    /// The dtype of the result.
    pub result: DType,
    /// Weak when all arguments were.
    pub strength: Strength,
}

/// Why arguments are refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeIssue {
    /// Position of the argument that is at fault.
    pub arg: usize,
    /// What it was expected to be.
    pub expected: &'static str,
    /// How to say it instead.
    pub hint: Option<&'static str>,
}

/// How the types of arguments give the type of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typing {
    /// Promoted; bool stays bool (`+` is or, `*` is and).
    Arithmetic,
    /// Promoted; bool is refused with the hint.
    NotBool(&'static str),
    /// Promoted; integers and bool become f64 (`/`, sqrt).
    Floating,
    /// Promoted, truth values too (abs, minimum, floor).
    Any,
    /// bool or integers.
    Bits,
    /// Integers, a bool beside them too.
    Integers,
    /// Promoted; the result is bool.
    Comparison,
    /// Any number; the result is bool.
    Predicate,
    /// Integers, and bool as one bit; the result is u8, which holds any number of bits.
    BitCount,
    /// bool only.
    Logical,
    /// A bool, then two promoted.
    Choice,
    /// The reductions `sum` and `prod`: bool and signed integers become i64, unsigned ones u64, floats
    /// stay.
    Sum,
    /// Anything, taken as a truth: the operands become bool, as the result is.
    Truth,
    /// As [`Typing::Truth`], the result i64.
    Count,
    /// Two real numbers, as floats of one dtype; the result is complex.
    Parts,
    /// Written by the compiler, which states the result: casts.
    Stated,
}

/// NumPy's result type of two strong dtypes; `None` for text with numbers.
pub fn promote(a: DType, b: DType) -> Option<DType> {
    use DTypeKind as K;
    if a == b {
        return Some(a);
    }
    let (low, high) = if a.kind() <= b.kind() { (a, b) } else { (b, a) };
    match (low.kind(), high.kind()) {
        (K::Bytes, K::Bytes) => Some(DType::Bytes(byte_len(low).max(byte_len(high)))),
        (K::Text, K::Text) => Some(DType::Text(byte_len(low).max(byte_len(high)))),
        (_, K::Bytes | K::Text) => None,
        (K::Bool, _) => Some(high),
        (x, y) if x == y => Some(if low.size() >= high.size() { low } else { high }),
        (K::Int, K::UInt) => Some(signed_holding(low, high)),
        (K::Int | K::UInt, K::Float) => Some(float_holding(low, high)),
        (K::Int | K::UInt | K::Float, K::Complex) => Some(complex_holding(low, high)),
        (K::Int | K::UInt | K::Float | K::Complex | K::Bytes | K::Text, _) => None,
    }
}

/// Length of a text dtype.
fn byte_len(dtype: DType) -> u32 {
    match dtype {
        DType::Bytes(n) | DType::Text(n) => n,
        _ => 0,
    }
}

/// The smallest signed integer that holds both, or f64 beside u64.
fn signed_holding(int: DType, uint: DType) -> DType {
    match int.size().max(uint.size() * 2) {
        1 | 2 => DType::I16,
        4 => DType::I32,
        8 => DType::I64,
        _ => DType::F64,
    }
}

/// The float that NumPy gives an integer and a float: at least as wide as holds the integer's range.
fn float_holding(int: DType, float: DType) -> DType {
    let needed = match int.size() {
        1 => 2,
        2 => 4,
        _ => 8,
    };
    match needed.max(float.size()) {
        2 => DType::F16,
        4 => DType::F32,
        _ => DType::F64,
    }
}

/// The complex dtype that NumPy gives a real and a complex.
fn complex_holding(real: DType, complex: DType) -> DType {
    let float = if real.is_float() { real } else { float_holding(real, DType::F16) };
    if float == DType::F64 { DType::C128 } else { complex }
}

/// The common dtype of arguments, weak ones giving way to all strong ones: those are promoted first.
///
/// # Errors
/// Where one cannot be combined with the others.
pub fn common(args: &[ArgType]) -> Result<ArgType, TypeIssue> {
    let of = |strength| args.iter().enumerate().filter(move |(_, arg)| arg.strength == strength);
    let mut acc = None;
    for (position, &arg) in of(Strength::Strong).chain(of(Strength::Weak)) {
        let combined = acc.map_or(Some(arg), |acc| combine(acc, arg));
        acc = Some(combined.ok_or(TypeIssue {
            arg: position,
            expected: "a number",
            hint: Some("text can only be compared with text"),
        })?);
    }
    Ok(acc.expect("operators have arguments"))
}

fn combine(a: ArgType, b: ArgType) -> Option<ArgType> {
    match (a.strength, b.strength) {
        (Strength::Strong, Strength::Strong) => promote(a.dtype, b.dtype).map(ArgType::strong),
        (Strength::Weak, Strength::Weak) => promote(a.dtype, b.dtype).map(ArgType::weak),
        (Strength::Strong, Strength::Weak) => yielding(a.dtype, b.dtype).map(ArgType::strong),
        (Strength::Weak, Strength::Strong) => yielding(b.dtype, a.dtype).map(ArgType::strong),
    }
}

/// The dtype of a strong value beside a weak one: its own if its kind holds the weak one's.
fn yielding(strong: DType, weak: DType) -> Option<DType> {
    use DTypeKind as K;
    match (strong.kind(), weak.kind()) {
        (K::Bytes | K::Text, _) => None,
        (K::Bool, _) => Some(weak),
        (K::Int | K::UInt, K::Float) => Some(DType::F64),
        (K::Int | K::UInt, K::Complex) => Some(DType::C128),
        (K::Float, K::Complex) => Some(complex_holding(strong, DType::C64)),
        (K::Int | K::UInt | K::Float | K::Complex, _) => Some(strong),
    }
}

impl Typing {
    /// Applies the rule.
    ///
    /// # Errors
    /// The argument at fault, what was expected, and a hint where there is one.
    pub fn apply(self, args: &[ArgType]) -> Result<Typed, TypeIssue> {
        match self {
            Typing::Arithmetic | Typing::Any => Ok(uniform(args, common(args)?)),
            Typing::NotBool(hint) => {
                let common = common(args)?;
                if common.dtype == DType::Bool {
                    return Err(TypeIssue { arg: 0, expected: "numbers", hint: Some(hint) });
                }
                Ok(uniform(args, common))
            }
            Typing::Floating => Ok(uniform(args, floating(common(args)?))),
            Typing::Bits => bits(args, "bool or integers"),
            Typing::Integers => {
                let typed = bits(args, "integers")?;
                if typed.operand == DType::Bool {
                    refuse(args, "integers", |dtype| dtype.is_integer())?;
                }
                Ok(typed)
            }
            Typing::Comparison => Ok(to_bool(uniform(args, common(args)?))),
            Typing::BitCount => {
                let number = bits(args, "bool or integers")?;
                let counted =
                    if number.operand == DType::Bool { DType::U8 } else { number.operand };
                let counted = uniform(args, ArgType::strong(counted));
                Ok(Typed { result: DType::U8, ..counted })
            }
            Typing::Predicate => Ok(to_bool(uniform(args, args[0]))),
            Typing::Logical => {
                refuse(args, "bool", |dtype| dtype == DType::Bool)?;
                Ok(uniform(args, args[0]))
            }
            Typing::Choice => choice(args),
            Typing::Sum => {
                let operand = args[0].dtype;
                let result = match operand.kind() {
                    DTypeKind::Bool | DTypeKind::Int => DType::I64,
                    DTypeKind::UInt => DType::U64,
                    DTypeKind::Float | DTypeKind::Complex | DTypeKind::Bytes | DTypeKind::Text => {
                        operand
                    }
                };
                Ok(Typed { args: vec![operand], operand, result, strength: Strength::Strong })
            }
            Typing::Truth => {
                let truth = ArgType { dtype: DType::Bool, strength: Strength::Strong };
                Ok(uniform(args, truth))
            }
            Typing::Count => Ok(Typed { result: DType::I64, ..Typing::Truth.apply(args)? }),
            Typing::Parts => {
                refuse(args, "real numbers", |dtype| !dtype.is_complex())?;
                let common = floating(common(args)?);
                let (result, part) = match common.dtype {
                    DType::F16 | DType::F32 => (DType::C64, DType::F32),
                    _ => (DType::C128, DType::F64),
                };
                Ok(Typed { result, ..uniform(args, ArgType { dtype: part, ..common }) })
            }
            Typing::Stated => Ok(uniform(args, args[0])),
        }
    }
}

/// All arguments cast to one dtype, which is the result's.
fn uniform(args: &[ArgType], common: ArgType) -> Typed {
    let dtype = common.dtype;
    let strength = common.strength;
    Typed { args: vec![dtype; args.len()], operand: dtype, result: dtype, strength }
}

fn floating(common: ArgType) -> ArgType {
    match common.dtype.kind() {
        DTypeKind::Bool | DTypeKind::Int | DTypeKind::UInt => {
            ArgType { dtype: DType::F64, ..common }
        }
        DTypeKind::Float | DTypeKind::Complex | DTypeKind::Bytes | DTypeKind::Text => common,
    }
}

fn to_bool(typed: Typed) -> Typed {
    Typed { result: DType::Bool, strength: Strength::Strong, ..typed }
}

fn bits(args: &[ArgType], expected: &'static str) -> Result<Typed, TypeIssue> {
    refuse(args, expected, |dtype| dtype == DType::Bool || dtype.is_integer())?;
    let common = common(args)?;
    if common.dtype.is_float() {
        let hint = Some("no integer holds both i64 and u64: convert one, as in `i64(x)`");
        return Err(TypeIssue { arg: 1, expected: "integers of one sign", hint });
    }
    Ok(uniform(args, common))
}

fn choice(args: &[ArgType]) -> Result<Typed, TypeIssue> {
    refuse(&args[..1], "bool", |dtype| dtype == DType::Bool)?;
    let branches = common(&args[1..]).map_err(|issue| TypeIssue { arg: issue.arg + 1, ..issue })?;
    let typed = uniform(&args[1..], branches);
    Ok(Typed { args: [&[DType::Bool], typed.args.as_slice()].concat(), ..typed })
}

/// The first argument whose dtype does not fit is at fault.
fn refuse(
    args: &[ArgType],
    expected: &'static str,
    fits: impl Fn(DType) -> bool,
) -> Result<(), TypeIssue> {
    match args.iter().position(|arg| !fits(arg.dtype)) {
        None => Ok(()),
        Some(arg) => Err(TypeIssue { arg, expected, hint: hint_for(expected, args[arg].dtype) }),
    }
}

fn hint_for(expected: &str, found: DType) -> Option<&'static str> {
    match (expected, found.kind()) {
        ("bool", DTypeKind::Complex) => Some("compare it, as in `z != 0`"),
        (_, DTypeKind::Complex) => Some("take a part, `z.real` or `z.imag`, or `abs(z)`"),
        ("bool", DTypeKind::Int | DTypeKind::UInt | DTypeKind::Float) => {
            Some("compare it, as in `x != 0`")
        }
        (_, DTypeKind::Float) => Some("convert it, as in `i64(x)`; for powers write `**`"),
        (_, DTypeKind::Bool) => Some("convert it, as in `i64(x)`"),
        _ => None,
    }
}

impl Op {
    /// Types an application of the operator: its row's rule, and whether it takes complex numbers.
    ///
    /// # Errors
    /// The argument at fault, what was expected, and a hint where there is one.
    pub fn typed(self, args: &[ArgType]) -> Result<Typed, TypeIssue> {
        let typed = self.row().typing.apply(args)?;
        if !(typed.operand.is_complex() || typed.result.is_complex()) {
            return Ok(typed);
        }
        let Some(row) = ComplexRow::of(self) else {
            let arg = args.iter().position(|arg| arg.dtype.is_complex()).unwrap_or(0);
            let hint = match self {
                Op::Lt | Op::Le | Op::Gt | Op::Ge => "compare `abs(z)` or `z.real`",
                _ => "take a part, `z.real` or `z.imag`, or `abs(z)`",
            };
            return Err(TypeIssue { arg, expected: "real numbers", hint: Some(hint) });
        };
        match typed.operand.part() {
            Some(part) if row.is_real() => Ok(Typed { result: part, ..typed }),
            Some(_) | None => Ok(typed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use DType::*;

    #[test]
    fn promotion_is_numpys() {
        // Checked over all pairs against NumPy by the suite's promotion table.
        assert_eq!(promote(I32, F32), Some(F64));
        assert_eq!(promote(I16, F32), Some(F32));
        assert_eq!(promote(I8, F16), Some(F16));
        assert_eq!(promote(I64, U64), Some(F64));
        assert_eq!(promote(U8, I8), Some(I16));
        assert_eq!(promote(F64, C64), Some(C128));
        assert_eq!(promote(I16, C64), Some(C64));
        assert_eq!(promote(Bool, U8), Some(U8));
        assert_eq!(promote(Text(3), F64), None);
    }

    #[test]
    fn weak_numbers_give_way_within_their_kind() {
        let strong_with = |strong, weak| {
            common(&[ArgType::strong(strong), ArgType::weak(weak)]).expect("numbers").dtype
        };
        assert_eq!(strong_with(F32, F64), F32);
        assert_eq!(strong_with(I32, I64), I32);
        assert_eq!(strong_with(I32, F64), F64);
        assert_eq!(strong_with(Bool, I64), I64);
        assert_eq!(strong_with(F32, C128), C64);
        let three = [ArgType::strong(Bool), ArgType::weak(I64), ArgType::strong(I8)];
        assert_eq!(common(&three).expect("numbers"), ArgType::strong(I8));
    }
}
