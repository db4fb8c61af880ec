//! Texts that would exhaust a naive compiler, on a thread with a 256 KiB stack: an error with a
//! place, or a result; never a crash.

use fuse::{Engine, ErrorKind, Limits, vars};

/// Runs on a 256 KiB stack.
pub(super) fn on_small_stack<R: Send + 'static>(call: impl FnOnce() -> R + Send + 'static) -> R {
    let thread = std::thread::Builder::new().stack_size(256 << 10).spawn(call).expect("a thread");
    thread.join().expect("no panic")
}

/// The error's kind; the error has a place in the text.
fn refusal(text: String) -> ErrorKind {
    on_small_stack(move || {
        let x = [0.5, 1.5];
        let error = fuse::evaluate(&text, vars! { x }).expect_err("is refused");
        assert!(error.span().is_some() || !error.render().is_empty());
        assert!(error.render().len() < 10_000, "the message shows a part of the text");
        error.kind()
    })
}

#[test]
fn million_fold_nesting_is_an_error() {
    let n = 1_000_000;
    for text in [
        "(".repeat(n),
        "-".repeat(n) + "x",
        "(".repeat(n) + "x" + &")".repeat(n),
        "not ".repeat(n / 4) + "x",
        "f(".repeat(n / 2),
        "x**".repeat(n / 3) + "x",
        "1 if x else ".repeat(n / 12) + "x",
        "~".repeat(n) + "x",
        "[".repeat(n),
    ] {
        let kind = refusal(text);
        assert!(matches!(kind, ErrorKind::Limit | ErrorKind::Syntax), "{kind:?}");
    }
}

#[test]
fn nesting_below_a_megabyte_is_an_error_or_works() {
    for depth in [255, 256, 257, 10_000, 65_000] {
        for (open, close) in [("(", ")"), ("-", ""), ("sqrt(", ")"), ("x**", "")] {
            let text = open.repeat(depth) + "x" + &close.repeat(depth);
            let limit = on_small_stack(move || {
                let x = [0.5, 1.5];
                match fuse::evaluate(&text, vars! { x }) {
                    Ok(_) => true,
                    Err(error) => matches!(error.kind(), ErrorKind::Limit | ErrorKind::Unsupported),
                }
            });
            assert!(limit, "{depth} times {open}");
        }
    }
}

#[test]
fn a_sum_of_500_000_terms_is_an_error() {
    let terms: Vec<&str> = std::iter::repeat_n("x", 500_000).collect();
    assert_eq!(refusal(terms.join("+")), ErrorKind::Limit);
    assert_eq!(refusal(terms.join(" + ")), ErrorKind::Limit);
}

#[test]
fn a_sum_of_10_000_terms_works() {
    let different: Vec<String> = (0..10_000).map(|k| format!("x*{k}")).collect();
    for text in [["x"; 10_000].join("+"), different.join(" + "), different.join(" - ")] {
        let values = on_small_stack(move || {
            let x = [1.0, 2.0];
            fuse::evaluate(&text, vars! { x }).map(|array| array.into_vec::<f64>().expect("f64"))
        });
        let values = values.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(values[1], 2.0 * values[0]);
    }
}

#[test]
fn constants_that_would_take_forever_are_folded_or_refused() {
    for text in ["9**9**9", "9**9**9**9", "2**1000000000", "1<<10**9", "x + 9**9**9", "7**7**7 * x"]
    {
        let kind = refusal(text.to_string());
        assert!(
            matches!(kind, ErrorKind::Limit | ErrorKind::Type | ErrorKind::Syntax),
            "{text}: {kind:?}"
        );
    }
    assert_eq!(refusal("1".repeat(400)), ErrorKind::Syntax);
}

/// Powers that are too large to expand: refused in this version, or computed.
#[test]
fn towers_of_powers_do_not_blow_up() {
    for text in ["x**1000000000", "((x**99)**99)**99", "((x**64)**64)**64", "(((x**8)**8)**8)**8"] {
        let text = text.to_string();
        on_small_stack(move || {
            let x = [1.0, 2.0];
            match fuse::evaluate(&text, vars! { x }) {
                Ok(array) => assert_eq!(array.as_slice::<f64>().expect("f64")[0], 1.0, "{text}"),
                Err(error) => assert!(error.span().is_some(), "{text}: {error}"),
            }
        });
    }
    let i = [1_i64, -1, 3];
    let wraps = fuse::evaluate("((i**99)**99)**99", vars! { i }).expect("integers wrap");
    assert_eq!(wraps.as_slice::<i64>().expect("i64")[..2], [1, -1]);
}

/// Statements whose formulas, written out, would have 2^200 terms: a name is a value, not a text.
#[test]
fn statements_that_double_are_linear() {
    for step in ["d + d", "d*d", "d*d + d", "d*x + d", "sqrt(d) + sin(d)", "d**3 - d", "d/x + x/d"]
    {
        let text = format!("d = x\n{}d", format!("d = {step}\n").repeat(200));
        let calls: String =
            (1..200).map(|k| format!("g{k}(d) = g{0}(d) + g{0}(d)\n", k - 1)).collect();
        let calls = format!("g0(d) = {step}\n{calls}g199(x)");
        on_small_stack(move || {
            let x = [0.5, 1.5];
            for text in [text, calls] {
                let found =
                    fuse::evaluate(&text, vars! { x }).unwrap_or_else(|error| panic!("{error}"));
                assert_eq!(found.shape(), [2]);
            }
        });
    }
}

#[test]
fn calls_that_multiply_are_refused() {
    let chain = |calls: &str, n: usize| {
        let step = |k: usize| format!("g{k}(v) = {}\n", calls.replace('g', &format!("g{}", k - 1)));
        format!("g0(v) = v + 1\n{}g{n}(x)", (1..=n).map(step).collect::<String>())
    };
    for calls in ["g(v*2) + g(v*3)", "g(g(v)) + 1", "g(v + 1)*g(v)*g(v - 1)"] {
        assert_eq!(refusal(chain(calls, 100)), ErrorKind::Limit, "{calls}");
    }
    let deep = chain("g(v)", 10_000);
    let found = on_small_stack(move || {
        let x = [0.5, 1.5];
        fuse::evaluate(&deep, vars! { x }).map(|array| array.into_vec::<f64>().expect("f64"))
    });
    assert_eq!(found.expect("ten thousand calls deep"), [1.5, 2.5]);
}

#[test]
fn a_program_of_50_000_statements_compiles() {
    let statement = |k: usize| match k % 4 {
        0 => format!("v{k} = d*{k}\n"),
        1 => format!("d += v{}\n", k - 1),
        2 => format!("f{k}(u) = u + {k}\n"),
        _ => format!("d = minimum(d, f{}(x))\n", k - 1),
    };
    let text = format!("d = x\n{}d", (0..50_000).map(statement).collect::<String>());
    let mut limits = Limits::default();
    (limits.nodes, limits.source_bytes) = (1 << 20, 1 << 24);
    on_small_stack(move || {
        let engine = Engine::builder().limits(limits).build().expect("an engine");
        let formula = engine.formula(&text).expect("parses");
        let types = [("x", fuse::InputType::array(fuse::DType::F64, &[2]))];
        assert_eq!(formula.outputs(&types).expect("compiles").len(), 1);
        assert_eq!(formula.names().collect::<Vec<_>>(), ["x"]);
    });
}

/// Programs of random tokens that mostly parse: a result or an error with a place, and no panic.
#[test]
fn random_programs_do_not_panic() {
    const TOKENS: &[&str] = &[
        "x",
        "y",
        "d",
        "f",
        "g",
        "sum",
        "pi",
        "f32",
        "2",
        "0.5",
        "True",
        "'f32'",
        "(",
        ")",
        ",",
        ";",
        "\n",
        "=",
        "+=",
        "**=",
        "<<=",
        "&=",
        "+",
        "-",
        "*",
        "**",
        "<",
        "&",
        "not ",
        " if ",
        " else ",
        ".sum()",
        ".astype(f32)",
        ".T",
        ".ndim",
        ".clip(0, 1)",
        "[1:]",
        "f(x) = ",
        "g(a, b) = ",
        "f(",
        "g(",
        "d = ",
        "x += ",
        "dtype=",
        "; d",
        "; f(x)",
        "a",
        "b",
        "None",
        "...",
        ":",
        "# c",
    ];
    const SHAPES: &[&str] =
        &["d = @; d", "f(a) = @\nf(@)", "d = x; d += @; d", "f(a, b) = @; g(a) = @; @", "@"];
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move |n: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(state >> 33).expect("31 bits") % n
    };
    let mut compiled = 0;
    for _ in 0..10_000 {
        let shape = SHAPES[next(SHAPES.len())];
        let mut text = String::new();
        for piece in shape.split_inclusive('@') {
            text.push_str(piece.trim_end_matches('@'));
            let n = if piece.ends_with('@') { 1 + next(6) } else { 0 };
            (0..n).for_each(|_| text.push_str(TOKENS[next(TOKENS.len())]));
        }
        let Ok(formula) = text.parse::<fuse::Formula>() else { continue };
        let names: Vec<String> = formula.names().map(str::to_string).collect();
        let dtypes = [fuse::DType::F64, fuse::DType::Bool, fuse::DType::I32];
        let mut ty = |_: &String| fuse::InputType::array(dtypes[next(3)], &[3]);
        let types: Vec<_> = names.iter().map(|name| (name.as_str(), ty(name))).collect();
        match formula.outputs(&types) {
            Ok(_) => compiled += 1,
            Err(error) => assert!(error.span().is_some(), "{text}: {error}"),
        }
    }
    assert!(compiled > 300, "only {compiled} programs compiled");
}

#[test]
fn untrusted_limits_are_tighter() {
    let engine = Engine::builder().limits(Limits::untrusted()).build().expect("an engine");
    let x = [1.0];
    let kind = |text: &str| engine.evaluate(text, vars! { x }).map_err(|error| error.kind());
    assert!(kind(&["x"; 100].join("+")).is_ok());
    assert_eq!(kind(&"x + ".repeat(2000)).err(), Some(ErrorKind::Limit), "longer than 4 KiB");
    let nested = "(".repeat(65) + "x" + &")".repeat(65);
    assert_eq!(kind(&nested).err(), Some(ErrorKind::Limit));
    let big = vec![0.5_f64; 1 << 16];
    let broadcast = fuse::View::from_shaped(&big, &[1 << 16, 1]).expect("a column");
    let row = fuse::View::from_shaped(&big, &[1, 1 << 16]).expect("a row");
    let error = engine.evaluate("a + b", vars! { a = broadcast, b = row }).expect_err("32 GiB");
    assert!(matches!(error.kind(), ErrorKind::Limit | ErrorKind::WorkLimit), "{error}");
}

#[test]
fn texts_that_are_not_formulas_are_errors() {
    for text in
        ["", " ", "\0", "\u{202e}x", "x\u{0}", "\\", "'", "\"\"\"", "x;;", "#", "\u{feff}", "𝔵 + ½"]
    {
        let text = text.to_string();
        on_small_stack(move || {
            let x = [1.0];
            if let Err(error) = fuse::evaluate(&text, vars! { x }) {
                assert!(!error.render().contains('\u{202e}'), "invisible characters are escaped");
            }
        });
    }
}
