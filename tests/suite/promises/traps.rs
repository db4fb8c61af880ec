//! What traps, or is undefined, on some machine: division by zero and of the least integer by -1, conversion of
//! what does not fit, shifts beyond the width, misaligned elements, bools that are neither 0 nor 1. On every
//! back end; a signal would end the process, and the test with it. Expected values are Python's integers,
//! wrapped, computed here in 128 bits.

use std::sync::Arc;

use fuse::raw::{ByteOrder, ScalarValue};
use fuse::{DType, Engine, Input, Layout, Vars, View, ViewMut};

use crate::backends::{self, Watched};

const SIGNED: [DType; 4] = [DType::I8, DType::I16, DType::I32, DType::I64];
const UNSIGNED: [DType; 4] = [DType::U8, DType::U16, DType::U32, DType::U64];

fn integers() -> impl Iterator<Item = DType> {
    SIGNED.into_iter().chain(UNSIGNED)
}

fn engines() -> Vec<(Arc<Watched>, Engine)> {
    let with_engine = |backend: Arc<Watched>| {
        let engine = Engine::builder().host_backend(backend.clone()).threads(1).build();
        (backend, engine.expect("the back end is given"))
    };
    backends::all().into_iter().map(with_engine).collect()
}

fn bits(dtype: DType) -> u32 {
    u32::try_from(dtype.size() * 8).expect("small")
}

fn least(dtype: DType) -> i128 {
    if SIGNED.contains(&dtype) { -(1 << (bits(dtype) - 1)) } else { 0 }
}

fn most(dtype: DType) -> i128 {
    least(dtype) + (1 << bits(dtype)) - 1
}

/// The number of a dtype that is equal modulo its range.
fn wrapped(number: i128, dtype: DType) -> i128 {
    (number - least(dtype)).rem_euclid(1 << bits(dtype)) + least(dtype)
}

fn encoded(numbers: &[i128], dtype: DType) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()[..dtype.size()].to_vec()).collect()
}

fn decoded(bytes: &[u8], dtype: DType) -> Vec<i128> {
    let number = |element: &[u8]| {
        let mut wide = [0; 16];
        wide[..element.len()].copy_from_slice(element);
        wrapped(i128::from_le_bytes(wide), dtype)
    };
    bytes.chunks_exact(dtype.size()).map(number).collect()
}

/// A vector at any address.
fn vector(bytes: &[u8], dtype: DType, offset: usize, len: usize) -> View<'_> {
    let (extents, strides) = ([len], [dtype.size().cast_signed()]);
    let layout = Layout { dtype, order: ByteOrder::Native, extents: &extents, strides: &strides };
    View::from_bytes(bytes, &layout, offset).expect("inside")
}

fn array(bytes: &[u8], dtype: DType) -> Input<'_> {
    Input::array(vector(bytes, dtype, 0, bytes.len() / dtype.size()))
}

fn scalar(number: i128, dtype: DType) -> Input<'static> {
    let low = u64::try_from(number & i128::from(u64::MAX)).expect("64 bits");
    Input::scalar(ScalarValue::new(dtype, low).expect("an integer"))
}

/// Evaluates to integers of a dtype.
fn numbers<'a>(
    engine: &Engine,
    formula: &str,
    vars: impl Into<Vars<'a>>,
    dtype: DType,
) -> Vec<i128> {
    let found = engine.evaluate(formula, vars).unwrap_or_else(|error| panic!("{}", error.render()));
    assert_eq!(found.dtype(), dtype, "{formula}");
    decoded(found.as_bytes(), dtype)
}

/// An exact operation of two integers.
type Exact = fn(i128, i128) -> i128;

/// `//`, `%` and `fmod`: of nothing by zero 0, rounded down or toward zero, wrapped.
const DIVISIONS: [(&str, Exact); 3] = [
    ("a // b", |a, b| if b == 0 { 0 } else { floored(a, b) }),
    ("a % b", |a, b| if b == 0 { 0 } else { a - floored(a, b) * b }),
    ("fmod(a, b)", |a, b| if b == 0 { 0 } else { a % b }),
];

fn floored(a: i128, b: i128) -> i128 {
    a.div_euclid(b) - i128::from(b < 0 && a.rem_euclid(b) != 0)
}

#[test]
fn division_of_all_pairs_of_edges_by_all() {
    for (backend, engine) in engines() {
        for dtype in integers() {
            let (min, max) = (least(dtype), most(dtype));
            let edges: Vec<i128> = [min, min + 1, -1, 0, 1, 2, max - 1, max]
                .into_iter()
                .filter(|edge| (min..=max).contains(edge))
                .collect();
            for (formula, divide) in DIVISIONS {
                divide_edges(&engine, formula, divide, dtype, &edges);
            }
        }
        backend.assert_took_all();
    }
}

/// Arrays by arrays, by typed scalars and by numbers in the text, and scalars and numbers by arrays.
fn divide_edges(
    engine: &Engine,
    formula: &str,
    divide: fn(i128, i128) -> i128,
    dtype: DType,
    edges: &[i128],
) {
    let pairs: Vec<(i128, i128)> =
        edges.iter().flat_map(|&a| edges.iter().map(move |&b| (a, b))).collect();
    let (lhs, rhs): (Vec<i128>, Vec<i128>) = pairs.iter().copied().unzip();
    let expected: Vec<i128> = pairs.iter().map(|&(a, b)| wrapped(divide(a, b), dtype)).collect();
    let (lhs, rhs, all) = (encoded(&lhs, dtype), encoded(&rhs, dtype), encoded(edges, dtype));
    let vars = [("a", array(&lhs, dtype)), ("b", array(&rhs, dtype))];
    assert_eq!(numbers(engine, formula, vars, dtype), expected, "{formula} of {dtype}");
    for &edge in edges {
        let by: Vec<i128> = edges.iter().map(|&a| wrapped(divide(a, edge), dtype)).collect();
        let of: Vec<i128> = edges.iter().map(|&b| wrapped(divide(edge, b), dtype)).collect();
        let (number, k) = (|| array(&all, dtype), scalar(edge, dtype));
        let found = numbers(engine, formula, [("a", number()), ("b", k.clone())], dtype);
        assert_eq!(found, by, "{formula} of {dtype} by the scalar {edge}");
        let found = numbers(engine, formula, [("a", k), ("b", number())], dtype);
        assert_eq!(found, of, "{formula} of the scalar {edge} by {dtype}");
        // The least integers cannot be written: a sign is an operator.
        if edge == least(dtype) && edge < 0 {
            continue;
        }
        let literal = format!("({edge})");
        let written = formula.replace('b', &literal);
        let found = numbers(engine, &written, [("a", number())], dtype);
        assert_eq!(found, by, "{written} of {dtype}");
        // `fmod` has an a.
        let written =
            formula.replace("a ", &format!("{literal} ")).replace("(a,", &format!("({literal},"));
        let found = numbers(engine, &written, [("b", number())], dtype);
        assert_eq!(found, of, "{written} by {dtype}");
    }
}

/// Rust's `as` saturates, and takes NaN to 0.
#[test]
fn conversions_of_what_does_not_fit_saturate() {
    let powers = [7, 8, 15, 16, 31, 32, 63, 64].map(|n| 2f64.powi(n));
    let around = powers.iter().flat_map(|&p| [p, -p, p - 1.0, p + 1.0, -p - 1.0, p.next_down()]);
    let special =
        [f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, 0.9, -0.9, 5e-324];
    let x: Vec<f64> = around.chain(special).chain([1e300, -1e300, 254.9, -128.9]).collect();
    let f: Vec<f32> = x.iter().map(|&x| x as f32).collect();
    let saturated = |x: f64, dtype: DType| match x {
        x if x.is_nan() => 0,
        x => (x as i128).clamp(least(dtype), most(dtype)),
    };
    for (backend, engine) in engines() {
        for dtype in integers() {
            let formula = |name: &str| format!("{dtype}({name})");
            let expected: Vec<i128> = x.iter().map(|&x| saturated(x, dtype)).collect();
            assert_eq!(numbers(&engine, &formula("x"), fuse::vars! { x }, dtype), expected);
            let expected: Vec<i128> = f.iter().map(|&f| saturated(f.into(), dtype)).collect();
            assert_eq!(numbers(&engine, &formula("f"), fuse::vars! { f }, dtype), expected);
        }
        backend.assert_took_all();
    }
}

/// Below 0 and from the width on, `<<` gives 0 and `>>` the sign.
#[test]
fn shifts_by_any_amount_are_total() {
    let shift = |formula: &str, a: i128, n: i128, width: i128| match (formula, 0 <= n && n < width)
    {
        ("a << n", true) => a << n,
        ("a << n", false) => 0,
        (_, true) => a >> n,
        (_, false) => -i128::from(a < 0),
    };
    for (backend, engine) in engines() {
        for dtype in integers() {
            let amounts: Vec<i128> = (-70..=70).filter(|n| (least(dtype)..).contains(n)).collect();
            let edges = [least(dtype), wrapped(-1, dtype), 1, 37, most(dtype)];
            let cases: Vec<(i128, i128)> =
                edges.iter().flat_map(|&a| amounts.iter().map(move |&n| (a, n))).collect();
            let (a, n): (Vec<i128>, Vec<i128>) = cases.iter().copied().unzip();
            let (a, n) = (encoded(&a, dtype), encoded(&n, dtype));
            for formula in ["a << n", "a >> n"] {
                let width = i128::from(bits(dtype));
                let expected = |&(a, n): &(i128, i128)| wrapped(shift(formula, a, n, width), dtype);
                let expected: Vec<i128> = cases.iter().map(expected).collect();
                let vars = [("a", array(&a, dtype)), ("n", array(&n, dtype))];
                assert_eq!(
                    numbers(&engine, formula, vars, dtype),
                    expected,
                    "{formula} of {dtype}"
                );
                let all = encoded(&edges, dtype);
                for &amount in &amounts {
                    let vars = [("a", array(&all, dtype)), ("n", scalar(amount, dtype))];
                    let expected = |&a: &i128| wrapped(shift(formula, a, amount, width), dtype);
                    let expected: Vec<i128> = edges.iter().map(expected).collect();
                    let found = numbers(&engine, formula, vars, dtype);
                    assert_eq!(found, expected, "{formula} of {dtype} by {amount}");
                }
            }
        }
        backend.assert_took_all();
    }
}

/// The same bits wherever input and output begin.
#[test]
fn elements_of_any_alignment_are_read_and_written() {
    const N: usize = 77;
    let noise: Vec<u8> = (0..16 * N + 16).map(|k| (k * 89 % 251) as u8).collect();
    for (backend, engine) in engines() {
        for &dtype in DType::ALL.iter().filter(|dtype| dtype.mem().is_some() || dtype.is_complex())
        {
            let formula = if dtype == DType::Bool { "a & a" } else { "a + a" };
            let bytes = N * dtype.size();
            for offset in 0..16 {
                let mut moved = vec![0; offset];
                moved.extend(&noise[..bytes]);
                let aligned = [("a", array(&noise[..bytes], dtype))];
                let expected = engine.evaluate(formula, aligned).expect("evaluates");
                let input = Input::array(vector(&moved, dtype, offset, N));
                let mut out = vec![0xa5; bytes + 32];
                let (extents, strides) = ([N], [dtype.size().cast_signed()]);
                let layout = Layout {
                    dtype,
                    order: ByteOrder::Native,
                    extents: &extents,
                    strides: &strides,
                };
                let mut view = ViewMut::from_bytes(&mut out, &layout, 15 - offset).expect("inside");
                engine.evaluate_into(formula, [("a", input)], &mut view).expect("evaluates");
                let (before, rest) = out.split_at(15 - offset);
                let (found, after) = rest.split_at(bytes);
                assert!(found == expected.as_bytes(), "{dtype} at {offset}");
                assert!(
                    before.iter().chain(after).all(|&byte| byte == 0xa5),
                    "{dtype} at {offset}"
                );
            }
        }
        backend.assert_took_all();
    }
}

/// A byte that is not 0 is true, and results are 0 and 1.
#[test]
fn bools_of_any_byte_are_true_or_false() {
    let bytes: Vec<u8> = (0..=255).collect();
    let truth: Vec<bool> = bytes.iter().map(|&byte| byte != 0).collect();
    let b = || ("b", array(&bytes, DType::Bool));
    type OfBool = fn(bool) -> bool;
    let cases: [(&str, OfBool); 8] = [
        ("b", |b| b),
        ("~b", |b| !b),
        ("b & True", |b| b),
        ("b ^ True", |b| !b),
        ("b == True", |b| b),
        ("b[::-1][::-1]", |b| b),
        ("where(b, b, False)", |b| b),
        ("not b or b", |_| true),
    ];
    for (backend, engine) in engines() {
        for (formula, expected) in cases {
            let found = engine.evaluate(formula, [b()]).expect("evaluates");
            let expected: Vec<u8> = truth.iter().map(|&b| u8::from(expected(b))).collect();
            assert_eq!(found.as_bytes(), expected, "{formula}");
        }
        for dtype in integers() {
            let expected: Vec<i128> = truth.iter().map(|&b| i128::from(b)).collect();
            let formula = format!("{dtype}(b)*{dtype}(b)");
            assert_eq!(numbers(&engine, &formula, [b()], dtype), expected);
        }
        assert_eq!(numbers(&engine, "sum(b)", [b()], DType::I64), [255]);
        assert_eq!(numbers(&engine, "argmin(b)", [b()], DType::I64), [0]);
        assert_eq!(numbers(&engine, "b[7:9].sum()*b[2]", [b()], DType::I64), [2]);
        let picked = engine.evaluate("where(b, 1.5, -1.5)", [b()]).expect("evaluates");
        let expected: Vec<f64> = truth.iter().map(|&b| if b { 1.5 } else { -1.5 }).collect();
        assert_eq!(picked.as_slice::<f64>(), Some(expected.as_slice()));
        backend.assert_took_all();
    }
}
