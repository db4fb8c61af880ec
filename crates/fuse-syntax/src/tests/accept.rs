//! What formulas mean: hand-written trees, and Python's own.

use super::{brackets, check_invariants, parse};
use crate::{Node, SyntaxLimits};

/// Formula, and the same with all brackets written.
const CASES: &[(&str, &str)] = &[
    // Literals.
    ("42", "42"),
    ("0x1F + 0b1 + 0o7 + 1_000 + 0x_f + 00", "(((((31 + 1) + 7) + 1000) + 15) + 0)"),
    ("170141183460469231731687303715884105727", "170141183460469231731687303715884105727"),
    ("1e3 + .5 + 2. + 1_0.5e-1_0", "(((1000.0 + 0.5) + 2.0) + 1.05e-9)"),
    ("1e999 + 1e-999", "(inf + 0.0)"),
    ("1.5j + 2J + 1e3j", "((1.5j + 2.0j) + 1000.0j)"),
    ("True & False", "(True & False)"),
    ("3.5f64 + 7i32 + 0x1fu8 + 2j64", "(((3.5f64 + 7i32) + 31u8) + 2j64)"),
    ("1if a else 1.else 2", "error"),
    ("1if a else 2", "(1 if a else 2)"),
    ("'te\\x41\\n' == \"q'\\\"\"", "(\"teA\\n\" == \"q'\\\"\")"),
    ("b'\\xff\\0a' != rb'\\x' ", "(b\"\\xff\\x00a\" != b\"\\\\x\")"),
    ("r'\\q' == u'\\u00e9\\U0001F600\\101'", "(\"\\\\q\" == \"é😀A\")"),
    ("'# no comment; (' == a", "(\"# no comment; (\" == a)"),
    // Names.
    (
        "é + _x1 + notx + iff + orx + inf + isnan(is_)",
        "((((((é + _x1) + notx) + iff) + orx) + inf) + isnan(is_))",
    ),
    ("ﬁ + fi", "(fi + fi)"),
    ("np.sin(numpy.pi) + math.e + np.linalg.norm(x)", "((sin(pi) + e) + norm(x))"),
    ("np . sin ( x )", "sin(x)"),
    ("np + x.np.sin", "(np + x.np.sin)"),
    // Precedence beyond what Python's cases cover.
    ("-a**2", "(- (a ** 2))"),
    ("a**-b", "(a ** (- b))"),
    ("a**-b**c * d", "((a ** (- (b ** c))) * d)"),
    ("not a == b", "(not (a == b))"),
    ("not not a and b", "((not (not a)) and b)"),
    ("x if c else y if d else z", "(x if c else (y if d else z))"),
    ("a < b <= c == d != e >= f > g", "(a < b <= c == d != e >= f > g)"),
    ("(a < b) < c", "((a < b) < c)"),
    ("a < b and c < d < e", "((a < b) and (c < d < e))"),
    // Calls, methods, attributes, subscripts, tuples.
    ("f() + f(a,) + f(a, k=1, j=2,)", "((f() + f(a)) + f(a, k=1, j=2))"),
    ("x.sum(axis=(0, -1)).real[0].T", "x.sum(axis=(0, (- 1),)).real[0].T"),
    ("sum(x, axis=None)", "sum(x, axis=None)"),
    ("x[1:, ::2, :, :-1, a:b:c, -1]", "x[1::, ::2, ::, :(- 1):, a:b:c, (- 1)]"),
    ("x[:, None, ..., np.newaxis, 0,]", "x[::, None, ..., None, 0]"),
    ("() + (a,) + (a, b) + (a)", "(((() + (a,)) + (a, b,)) + a)"),
    ("zeros((2, 3))[0][1](2)", "error"),
    // Programs.
    ("d = x - y; r = sqrt(d*d); r, d", "d = (x - y); r = sqrt((d * d)); r, d"),
    ("f(x, y) = x*y + x\nf(a, b)", "f(x, y) = ((x * y) + x); f(a, b)"),
    ("f() = 1; f(),", "f() = 1; f()"),
    (
        "x += 1; x -= 1; x *= 1; x /= 1; x //= 1; x %= 1; x",
        "x += 1; x -= 1; x *= 1; x /= 1; x //= 1; x %= 1; x",
    ),
    (
        "x **= 1; x &= 1; x |= 1; x ^= 1; x <<= 1; x >>= 1; x",
        "x **= 1; x &= 1; x |= 1; x ^= 1; x <<= 1; x >>= 1; x",
    ),
    ("\u{feff}; ;a = 1 # one; 'two\r\n\n  a\r\n", "a = 1; a"),
    ("(a\n  # inside ) (\n - b)", "(a - b)"),
    ("a + \\\n b", "(a + b)"),
    ("f(\n a,\r\n b\n)[\n 0]", "f(a, b)[0]"),
];

#[test]
fn trees_are_as_written() {
    for &(source, expected) in CASES {
        match parse(source) {
            Ok(ast) => {
                assert_eq!(brackets(&ast), expected, "{source}");
                check_invariants(&ast);
            }
            Err(errors) => assert_eq!("error", expected, "{source}: {}", errors[0]),
        }
    }
}

/// `tests-data/python.txt` is what `tests-data/python.py` prints: formulas, and how Python reads
/// them.
#[test]
fn python_agrees() {
    let mut trees = 0;
    for line in include_str!("../../tests-data/python.txt").lines() {
        let (source, expected) = line.split_once('\t').expect("two columns");
        let found = match parse(source) {
            Ok(ast) => {
                check_invariants(&ast);
                trees += 1;
                brackets(&ast)
            }
            Err(_) => "error".to_owned(),
        };
        assert_eq!(found, expected, "{source}");
    }
    assert!(trees > 500, "{trees}");
}

/// A tree with every kind of node reads back as it was written, and prints every kind.
#[test]
fn text_of_every_kind() {
    let source = "f(x) = -x; y = 2; y += 0x3i8; \
        f(a)[1:2, ::3, None, ..., 0].T.sum(axis=0, k=None) if 'a' < b'b' <= 1.5 else (True, 2j)";
    let ast = parse(source).expect("parses");
    let expected = "\
%0 = name x
%1 = - %0
f(x) = %1
%2 = 2
y = %2
%3 = 3
%4 = suffix i8 %3
y += %4
%5 = name a
%6 = f(%5)
%7 = 1
%8 = 2
%9 = 3
%10 = 0
%11 = %6[%7:%8, ::%9, None, ..., %10]
%12 = %11.T
%13 = 0
%14 = None
%15 = %12.sum(axis=%13, k=%14)
%16 = text \"a\"
%17 = bytes \"b\"
%18 = 1.5
%19 = %16 < %17 <= %18
%20 = True
%21 = 2.0j
%22 = tuple (%20, %21)
%23 = %15 if %19 else %22
results %23
";
    assert_eq!(ast.to_text(), expected);
    assert_eq!(ast.clone().to_string(), expected);
}

#[test]
fn a_list_of_results_may_stand_in_brackets() {
    let results = |source: &str| {
        let ast = parse(source).expect("parses");
        let spans = ast.results().iter().map(|&id| ast.span(id).slice(source).to_owned());
        spans.collect::<Vec<_>>()
    };
    assert_eq!(results("s = a; (s + 1,\n s - 1)"), ["s + 1", "s - 1"]);
    assert_eq!(results("(a,)"), ["a"]);
    assert_eq!(results("()"), ["()"]);
    // Not those of a tuple inside.
    assert_eq!(results("(a, b), c"), ["(a, b)", "c"]);
    assert_eq!(results("((a, b), c)"), ["(a, b)", "c"]);
}

#[test]
fn spans_and_brackets() {
    let ast = parse("y = 1\n(a & b) * -x.real[1:, 0] > g(c)  if k else 2").expect("parses");
    let texts: Vec<_> = ast
        .iter()
        .map(|(id, _)| (ast.span(id).slice(ast.source()), ast.token_span(id).slice(ast.source())))
        .collect();
    assert!(texts.contains(&("a & b", "&")));
    assert!(texts.contains(&("(a & b) * -x.real[1:, 0]", "*")));
    assert!(texts.contains(&("-x.real[1:, 0]", "-")));
    assert!(texts.contains(&("x.real", "real")) && texts.contains(&("g(c)", "g")));
    assert!(texts.contains(&("x.real[1:, 0]", "[")));
    assert!(texts.contains(&("(a & b) * -x.real[1:, 0] > g(c)", ">")));
    let bracketed: Vec<_> = ast.iter().filter(|(id, _)| ast.parenthesised(*id)).collect();
    assert!(matches!(bracketed[..], [(_, Node::Binary { .. })]));
    let items = ast.iter().find_map(|(_, node)| match node {
        Node::Subscript { items, .. } => Some(items),
        _ => None,
    });
    let spans = ast.item_spans(items.expect("a subscript"));
    assert_eq!(spans.iter().map(|s| s.slice(ast.source())).collect::<Vec<_>>(), ["1:", "0"]);
    assert_eq!(ast.statement_spans()[0].1.slice(ast.source()), "y = 1");
}

#[test]
fn sizes() {
    assert_eq!(size_of::<Node>(), 24);
    assert_eq!(size_of::<crate::ast::NodeInfo>(), 20);
}

#[test]
fn long_but_flat_is_accepted() {
    let sum = vec!["a"; 60_000].join("+");
    let ast = parse(&sum).expect("parses");
    assert_eq!(ast.nodes().len(), 119_999);
    check_invariants(&ast);
    let chain = vec!["a"; 30_000].join(" < ");
    assert_eq!(parse(&chain).expect("parses").nodes().len(), 30_001);
    let lines = "x = x**2 + 1.5\n".repeat(10_000) + "x";
    assert_eq!(parse(&lines).expect("parses").statements().len(), 10_001);
    let powers = vec!["a**2**b"; 15_000].join("-");
    assert!(parse(&powers).is_ok());
    let calls = "f(a)[0].T".to_owned() + &".real[0]".repeat(20_000);
    assert!(parse(&calls).is_ok());
    let untrusted = SyntaxLimits::untrusted();
    assert!(crate::parse("a + b", &untrusted).is_ok() && crate::parse(&sum, &untrusted).is_err());
}
