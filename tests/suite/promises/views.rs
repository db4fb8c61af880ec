//! Slices and generators: one pass and no copy, numbers beyond any array, sizes that compile in linear
//! time.

use std::time::{Duration, Instant};

use fuse::{Array, DType, Engine, Error, ErrorKind, Formula, InputType, Stage, Strength, vars};

use super::hostile::on_small_stack;
use crate::allocator::counted;

const STENCIL: &str = "x[2:] - 2*x[1:-1] + x[:-2]";

fn formula(text: &str) -> Formula {
    Engine::builder().threads(1).build().and_then(|engine| engine.formula(text)).expect("parses")
}

fn array() -> InputType {
    InputType::array(DType::F64, &[1000])
}

/// The program's text: how many passes, and what they read and write.
fn program(text: &str, types: &[(&str, InputType)]) -> (usize, String) {
    let formula = formula(text);
    let kernels = formula.explain(types, Stage::Kernel).expect("compiles");
    (formula.kernel_counts(types).expect("compiles").len(), kernels)
}

#[test]
fn a_stencil_is_one_pass_over_one_array() {
    let (passes, kernels) = program(STENCIL, &[("x", array())]);
    assert_eq!(passes, 1, "{kernels}");
    assert!(kernels.contains("reads x[2:], x[1:-1], x[:-2]") || !kernels.contains("temporary"));
    assert!(!kernels.contains("temporary"), "{kernels}");
    let counts = formula(STENCIL).kernel_counts(&[("x", array())]).expect("compiles")[0];
    assert_eq!((counts.loads, counts.stores), (3, 1), "three views of x, and the result");
    for (text, passes) in [
        ("(x*x + 1)[1:] - (x*x + 1)[:-1]", 1),
        ("d = x - y; d[1:] + d[:-1], d[2:]*d[:-2]", 2),
        ("u = x; u = u[1:] + u[:-1]; u = u[1:] + u[:-1]; u", 1),
        ("x[:, None]*y", 1),
        ("(x[:, None]*y)[3]", 1),
        ("sum(x[1:]*x[:-1]), max(x[1:])", 1),
        ("arange(x.size)*x + linspace(0, 1, x.size)", 1),
        ("zeros(x.shape) + full(x.size, 3)*x", 1),
    ] {
        let (found, kernels) = program(text, &[("x", array()), ("y", array())]);
        assert_eq!(found, passes, "{text}: {kernels}");
        assert!(!kernels.contains("temporary"), "{text}: {kernels}");
    }
}

/// Work that a slice leaves out is not done, and a costly value at two offsets is computed once.
#[test]
fn only_what_a_slice_leaves_is_computed() {
    let work = |text: &str| {
        let types = [("x", array())];
        let counts = formula(text).kernel_counts(&types).expect("compiles");
        counts.iter().map(|counts| counts.arith).sum::<usize>()
    };
    assert_eq!(work("sqrt(x)[0]"), 0, "of one element: in the uniform region");
    assert_eq!(work("d = exp(x); d[1:] - d[:-1]"), work("exp(x)") + 1);
    let (_, kernels) = program("d = exp(x); d[1:] - d[:-1]", &[("x", array())]);
    assert!(kernels.contains("temporary 0"), "{kernels}");
}

/// A stencil on contiguous memory asks for no memory: its operands are read in place.
#[test]
fn a_prepared_stencil_asks_for_no_memory() {
    let prepared = formula(STENCIL).prepare(&[("x", array())]).expect("compiles");
    let x: Vec<f64> = (0..1000).map(|k| f64::from(k * k)).collect();
    let mut out = vec![0.0; 998];
    let mut call = || prepared.evaluate_into(vars! { x = &x[..] }, &mut out[..]).expect("runs");
    call();
    assert_eq!(counted(call).1, 0);
    assert!(out.iter().all(|&second| second == 2.0));
}

/// One value, or the error's kind.
fn kind(text: &str, k: i64) -> Result<Array, ErrorKind> {
    let x = [1.0, 2.0, 3.0, 4.0, 5.0];
    fuse::evaluate(text, vars! { x, k }).map_err(|error: Error| error.kind())
}

#[test]
fn ends_beyond_every_array_are_cut_off_or_refused() {
    for k in [i64::MAX, i64::MAX - 1, i64::MIN, i64::MIN + 1, 1 << 53, -(1 << 53)] {
        let whole = if k > 0 { [5, 0] } else { [0, 5] };
        for (text, expected) in [
            ("x[:k] + k*0", whole[0]),
            ("x[k:]", whole[1]),
            ("x[k::-1]", whole[0]),
            ("x[:k:-1]", whole[1]),
            ("x[:k][k:]", 0),
            ("x[k:k]", 0),
            ("x[k - 1:][k + 1:]", if k < -4 { 5 } else { 0 }),
        ] {
            // i64's own ends wrap in k - 1 or k + 1, as the value does.
            if text.contains("k - 1") && (k == i64::MIN || k == i64::MAX) {
                continue;
            }
            let found = kind(text, k).unwrap_or_else(|kind| panic!("{text} of {k}: {kind:?}"));
            assert_eq!(found.shape(), [expected], "{text} of {k}");
        }
        for text in ["x[k]", "x[::-1][k]", "(x + 1)[1:][k]", "sum(x) + x[k]"] {
            assert_eq!(kind(text, k).err(), Some(ErrorKind::Shape), "{text} of {k}");
        }
    }
    for text in [
        "x[-9223372036854775808]",
        "x[9223372036854775807]",
        "x[-170141183460469231731687303715884105727]",
        "zeros(-9223372036854775808)",
    ] {
        assert_eq!(kind(text, 0).err(), Some(ErrorKind::Shape), "{text}");
    }
    for text in [
        "x[-9223372036854775808:9223372036854775807]",
        "x[99999999999999999999:-99999999999999999999:-1]",
        "x[::9223372036854775807][:1]",
        "x[::-9223372036854775808][:1]",
        "x[::4611686018427387904][::4611686018427387904]",
        "arange(9223372036854775807)[::9223372036854775807]",
        "arange(-9223372036854775808, 9223372036854775807, 9223372036854775807)[:1]",
    ] {
        let found = kind(text, 0).unwrap_or_else(|kind| panic!("{text}: {kind:?}"));
        assert!([1, 5].contains(&found.shape()[0]), "{text}: {:?}", found.shape());
    }
}

#[test]
fn arrays_beyond_memory_are_errors() {
    for text in [
        "arange(2**62)",
        "zeros((2**31, 2**31))",
        "ones((2**40, 2**40)) + arange(k)",
        "x + zeros((2**62, 5))",
        "arange(9223372036854775807)*2",
        "linspace(0, 1, 4611686018427387904)",
        "x[:, None, None]*zeros((2**31, 2**31))",
        "exp(arange(2**62))[1:] + exp(arange(2**62))[:-1]",
    ] {
        let kind = kind(text, 5).expect_err(text);
        assert!(
            matches!(kind, ErrorKind::Alloc | ErrorKind::Limit | ErrorKind::Shape),
            "{text}: {kind:?}"
        );
    }
    let limits = fuse::Limits::untrusted();
    let engine = Engine::builder().limits(limits).build().expect("an engine");
    for text in ["sum(arange(2**62))", "sum(zeros((2**31, 2**31)))", "zeros(2**40)"] {
        let error = engine.evaluate(text, vars! {}).expect_err(text);
        assert!(matches!(error.kind(), ErrorKind::WorkLimit | ErrorKind::Limit), "{text}: {error}");
    }
}

/// Random numbers as ends, indices and counts: a result or an error with a place.
#[test]
fn no_bound_makes_a_call_panic() {
    let formulas = [
        "x[j:k]*x[j:k]",
        "x[j:][:k]",
        "x[j:k:-1][k:j]",
        "x[j]",
        "x[j:k][j]",
        "arange(j, k)[j:]",
        "zeros(j % 9)[k:]",
        "x[j*k:]",
        "x[j//k:k//j]",
        "x[minimum(j, k):][::-3]",
        "x[-j:-k:7]",
        "(x + x[0])[j::2]",
        "x[None, j:k, None]",
        "arange(k - j % 7, k)*2",
        "x[i8(j):u16(k)]",
        "x[:j] + x[:k]",
        "sum(x[j:k])",
        "max(x[j:k])",
        "exp(x)[j:] + exp(x)[:k]",
        "linspace(0, 1, k % 50)[j:]",
        "x[None][:j] + x",
        "x[x.size - j:len(x)*k]",
    ];
    let x: Vec<f64> = (0..40).map(f64::from).collect();
    let prepared: Vec<_> = formulas
        .iter()
        .map(|text| {
            let scalar = InputType::scalar(DType::I64, Strength::Strong);
            let types =
                [("x", InputType::array(DType::F64, &[40])), ("j", scalar.clone()), ("k", scalar)];
            formula(text).prepare(&types).unwrap_or_else(|error| panic!("{text}: {error}"))
        })
        .collect();
    let mut random = fuse_testkit::Random::new(5);
    let mut ran = 0;
    for _ in 0..20_000 {
        let at = random.below(formulas.len());
        let mut number = || match random.below(4) {
            0 => [i64::MAX, i64::MIN, i64::MIN + 1, i64::MAX - 1, 0, -1, 40, -40][random.below(8)],
            1 => random.bits().cast_signed(),
            _ => (random.bits() % 99).cast_signed() - 49,
        };
        let (j, k) = (number(), number());
        match prepared[at].evaluate(vars! { x = &x[..], j, k }) {
            Ok(_) => ran += 1,
            Err(error) => {
                let kind = error.kind();
                let known = matches!(kind, ErrorKind::Shape | ErrorKind::Alloc | ErrorKind::Limit);
                assert!(known, "{}, {j}, {k}: {error}", formulas[at]);
            }
        }
    }
    assert!(ran > 8000, "{ran} calls gave a value");
}

/// 5000 slices of an expression of 2000 nodes: as long as twice the time of half of them, and more
/// memory for a node of the formula, not for each slice of each node.
#[test]
fn slices_of_large_expressions_compile() {
    let text = |nodes: usize, slices: usize| {
        let terms: Vec<String> = (1..=nodes / 2).map(|k| format!("x*{k}.5")).collect();
        let uses: Vec<String> =
            (0..slices).map(|k| format!("d[{}:-{}]", k % 97, 97 - k % 97)).collect();
        format!("d = {}\n{}", terms.join(" + "), uses.join(" + "))
    };
    on_small_stack(move || {
        let compile = |text: String| {
            let begin = Instant::now();
            let formula = formula(&text);
            let outputs = formula.outputs(&[("x", array())]).expect("compiles");
            assert_eq!(outputs.len(), 1);
            begin.elapsed()
        };
        let half = compile(text(2000, 2500));
        let whole = compile(text(2000, 5000));
        assert!(whole < 6 * half + Duration::from_millis(500), "{half:?} for half, {whole:?}");
    });
    // Sliced again in each line, of a new axis, and nested: no recursion.
    for line in
        ["v = v[1:] + v[:-1]", "v = v[None][0][1:]", "v = v[::-1]", "v = (v*2)[1:]", "v = v.T"]
    {
        let text = format!("v = x\n{}v", format!("{line}\n").repeat(400));
        on_small_stack(move || {
            formula(&text).outputs(&[("x", array())]).unwrap_or_else(|error| panic!("{error}"));
        });
    }
    let doubled = format!("k = j + j\n{}x[:k]", "k = k + k\n".repeat(400));
    let deep = format!("v = x\n{}v[{}0]", "v = v[None][:j]\n".repeat(60), "0, ".repeat(60));
    for text in [doubled, deep] {
        on_small_stack(move || {
            let types = [("x", array()), ("j", InputType::scalar(DType::I64, Strength::Strong))];
            formula(&text).outputs(&types).unwrap_or_else(|error| panic!("{error}"));
        });
    }
}
