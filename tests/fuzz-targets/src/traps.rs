//! Target `traps`: integer operations and casts on the values at which instructions trap.
//!
//! The expected values of `//`, `%`, shifts and casts are computed here in 128 bits, by what
//! `docs/language.md` says of them; other operations are compared with the interpreter.

use std::sync::Arc;

use fuse::{DType, Mode};
use fuse_ir::{ByteOrder, contiguous_strides};
use fuse_runtime::{Array, Executable, Threads};
use fuse_testkit::Random;
use fuse_testkit::formulas::Operand;

use crate::PLANTED;
use crate::formula::{assert_same, compiled, cut, interpreted, run, short};
use crate::hosts::hosts;

use DType::{F32, F64, I8, I16, I32, I64, U8, U16, U32, U64};

const INTEGERS: &[DType] = &[I8, I16, I32, I64, U8, U16, U32, U64];

/// What is done: with a value of its own, or only alike everywhere.
#[derive(Clone, Copy, Debug)]
enum Operation {
    Exact(&'static str),
    Cast,
    Alike(&'static str),
}

use Operation::{Alike, Cast, Exact};

const OPERATIONS: &[Operation] = &[
    Exact("//"),
    Exact("//"),
    Exact("%"),
    Exact("%"),
    Exact("<<"),
    Exact(">>"),
    Cast,
    Cast,
    Alike("fmod(a, b)"),
    Alike("a // b * b + a % b"),
    Alike("gcd(a, b)"),
    Alike("lcm(a, b)"),
    Alike("a ** b"),
    Alike("abs(a) // -b"),
    Alike("(a << b) >> b"),
    Alike("sum(a // b) % 7"),
    Alike("a / b"),
    Alike("-a % b"),
];

/// One operation on up to 70 values, on every back end.
///
/// # Panics
/// When a result is not what it should be. A trap ends the process.
pub fn traps(bytes: &[u8]) {
    let mut random = Random::of_bytes(bytes);
    let operation = random.pick(OPERATIONS);
    let dtype = random.pick(INTEGERS);
    let from = if let Cast = operation { random.pick(&[F32, F64, I64, U64]) } else { dtype };
    let form = random.below(5);
    let n = 1 + random.below(70);
    let mut values =
        |n: usize, dtype| -> Vec<u64> { (0..n).map(|_| extreme(dtype, &mut random)).collect() };
    let a = values(if form == 3 { 1 } else { n }, from);
    let b = values(if (1..3).contains(&form) { 1 } else { n }, dtype);
    let scalar_b = form == 1;
    let literal = |bits| format!("({})", signed(dtype, bits));
    let is_cast = matches!(operation, Cast);
    let name_a = if form == 3 && !is_cast { literal(a[0]) } else { "v0".to_string() };
    let name_b = if form == 2 { literal(b[0]) } else { "v1".to_string() };
    let text = match operation {
        Exact(op) => format!("{name_a} {op} {name_b}"),
        Cast => format!("{dtype}(v0)"),
        Alike(template) => filled(template, &name_a, &name_b),
    };
    let operands = [operand(from, &a, false), operand(dtype, &b, scalar_b)];
    let expected = expected(operation, dtype, from, &a, &b);
    planted(operation, dtype, &a, &b);
    check(&text, &operands, expected.as_deref());
}

/// The template with operands for `a` and `b` where these stand alone.
fn filled(template: &str, a: &str, b: &str) -> String {
    let mut out = String::new();
    let letters: Vec<char> = template.chars().collect();
    for (at, &letter) in letters.iter().enumerate() {
        let beside = |at: Option<usize>| {
            at.and_then(|at| letters.get(at)).is_some_and(|other| other.is_ascii_alphanumeric())
        };
        let alone = !beside(at.checked_sub(1)) && !beside(Some(at + 1));
        match letter {
            'a' if alone => out.push_str(a),
            'b' if alone => out.push_str(b),
            _ => out.push(letter),
        }
    }
    out
}

/// An end of the range, a number around 0 or around an edge of a width, or any bits.
fn extreme(dtype: DType, random: &mut Random) -> u64 {
    let ones = ones(dtype);
    let size = 8 * dtype.size();
    if dtype == F64 || dtype == F32 {
        let edge = 2f64.powi(random.pick(&[7, 8, 15, 16, 31, 32, 53, 63, 64, 65]));
        let value = match random.below(9) {
            0 => f64::NAN,
            1 => f64::INFINITY,
            2 => -0.5,
            3 => edge.next_down(),
            4 => edge + 1.0,
            5 => f64::MAX,
            6 => random.below(300) as f64 - 150.5,
            _ => edge,
        };
        let value = if random.percent(50) { -value } else { value };
        return if dtype == F64 { value.to_bits() } else { u64::from((value as f32).to_bits()) };
    }
    let smallest = 1_u64 << (size - 1);
    let bits = match random.below(9) {
        0 => smallest,
        1 => smallest.wrapping_add(1),
        2 => smallest.wrapping_sub(1),
        3 => u64::MAX,
        4 => 0,
        5 => random.below(5) as u64,
        6 => (random.below(140) as u64).wrapping_sub(70),
        7 => 1 << random.below(size),
        _ => random.bits(),
    };
    bits & ones
}

fn ones(dtype: DType) -> u64 {
    u64::MAX >> (64 - 8 * dtype.size())
}

/// The number that bits are.
fn signed(dtype: DType, bits: u64) -> i128 {
    let (low, _) = dtype.integer_range().expect("an integer");
    let is_negative = low < 0 && bits >> (8 * dtype.size() - 1) == 1;
    i128::from(bits) - if is_negative { 1 << (8 * dtype.size()) } else { 0 }
}

/// The low bits of a number.
fn wrapped(dtype: DType, value: i128) -> u64 {
    let low = value & i128::from(ones(dtype));
    u64::try_from(low).expect("at most 64 bits")
}

fn operand(dtype: DType, values: &[u64], is_scalar: bool) -> Operand {
    let size = dtype.size();
    let extents = if is_scalar { vec![] } else { vec![values.len()] };
    Operand {
        dtype,
        is_scalar,
        strides: contiguous_strides(&extents, size).to_vec(),
        extents,
        offset: 0,
        order: ByteOrder::Native,
        bytes: values.iter().flat_map(|bits| bits.to_le_bytes()[..size].to_vec()).collect(),
        n_special: 0,
    }
}

/// The result's bits, where they are known.
fn expected(
    operation: Operation,
    dtype: DType,
    from: DType,
    a: &[u64],
    b: &[u64],
) -> Option<Vec<u64>> {
    let n = if let Cast = operation { a.len() } else { a.len().max(b.len()) };
    let pair = |i: usize| {
        let [a, b] = [a, b].map(|values| signed(dtype, values[i % values.len()]));
        (a, b)
    };
    let of = |value: &dyn Fn(usize) -> i128| {
        Some((0..n).map(|i| wrapped(dtype, value(i))).collect::<Vec<u64>>())
    };
    match operation {
        Cast => of(&|i| cast(dtype, from, a[i])),
        Exact(op) => of(&|i| {
            let (a, b) = pair(i);
            exact(op, a, b, 8 * dtype.size() as i128)
        }),
        Alike(_) => None,
    }
}

fn exact(op: &str, a: i128, b: i128, width: i128) -> i128 {
    let shifts = 0 <= b && b < width;
    match op {
        "//" if b == 0 => 0,
        "//" => (a - modulo(a, b)) / b,
        "%" if b == 0 => 0,
        "%" => modulo(a, b),
        "<<" => {
            if shifts {
                a << b
            } else {
                0
            }
        }
        ">>" => a >> if shifts { b } else { 100 },
        _ => unreachable!("one of four"),
    }
}

/// The remainder with the sign of the divisor.
fn modulo(a: i128, b: i128) -> i128 {
    let rest = a % b;
    if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest }
}

/// Integers keep their low bits; floats are truncated and saturate.
fn cast(dtype: DType, from: DType, bits: u64) -> i128 {
    let value = match from {
        F64 => f64::from_bits(bits),
        F32 => f64::from(f32::from_bits(u32::try_from(bits).expect("32 bits"))),
        _ => return signed(from, bits),
    };
    let (low, high) = dtype.integer_range().expect("an integer");
    (value as i128).clamp(low, high)
}

fn check(text: &str, operands: &[Operand; 2], expected: Option<&[u64]>) {
    let Some(compiled) = compiled(text, operands, Mode::Strict) else {
        assert!(expected.is_none(), "refused: {text}");
        return;
    };
    let program = Arc::new(compiled.program);
    let oracle = run(&interpreted(&program), operands, Threads::Inline, cut());
    let oracle = oracle.expect("shapes fit");
    if let Some(expected) = expected {
        check_values(text, operands, &oracle[0], expected);
    }
    for host in hosts() {
        let native = Executable::compile(Arc::clone(&program), &host.fenced);
        for tuning in [cut(), short()] {
            let got = run(&native, operands, Threads::Inline, tuning).expect("shapes fit");
            assert_same(&oracle, &got, &|| format!("{}: {text}", host.name));
        }
    }
}

fn check_values(text: &str, operands: &[Operand; 2], got: &Array, expected: &[u64]) {
    assert_eq!(got.len(), expected.len(), "{text}");
    let size = got.dtype().size();
    for (i, (bytes, &bits)) in got.as_bytes().chunks(size).zip(expected).enumerate() {
        let value = |operand: &Operand| operand.bits(i % operand.len());
        let [a, b] = [value(&operands[0]), value(&operands[1])];
        assert_eq!(bytes, &bits.to_le_bytes()[..size], "{text} of {a:#x} and {b:#x}");
    }
}

/// Defect: quotients and remainders are computed by an instruction that traps.
fn planted(operation: Operation, dtype: DType, a: &[u64], b: &[u64]) {
    let divides = matches!(operation, Exact("//" | "%"));
    let (smallest, _) = dtype.integer_range().expect("an integer");
    if !PLANTED || !divides || smallest == 0 {
        return;
    }
    for i in 0..a.len().max(b.len()) {
        let value = |values: &[u64]| signed(dtype, values[i % values.len()]);
        assert!(value(a) != smallest || value(b) != -1, "planted");
    }
}
