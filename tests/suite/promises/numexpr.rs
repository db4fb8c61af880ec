//! What numexpr's users write: the formulas of numexpr 2.14's own tests (`test_numexpr.py`) and of its
//! README. They compile, for arrays of the dtypes that numexpr tests.

use fuse::{DType, ErrorKind, Formula, InputType};

/// The formulas that stand there one by one.
const WRITTEN: &[&str] = &[
    "a + copy(b+c)",
    "a + ones_like(b+c)",
    "a + conj(b+c)",
    "where((a-10).real != 0.0, a, 2)",
    "(a+1j).imag + real(complex(a, b))",
    "1.5j",
    "sqrt(a*1j) + arctanh(a*0.1j) ** 2",
    "sum(x+2,axis=None)",
    "sum(x+2,axis=0)",
    "prod(x)",
    "prod(x,axis=0)",
    "min(x)",
    "max(x,axis=0)",
    // README and user guide.
    "a + 1",
    "a * b - 4.1 * a > 2.5 * b",
    "sin(a) + arcsinh(a/b)",
    "2*a + 3*b",
    "2*a + 3*b*c",
    "a**2 + b**2 + 2*a*b",
    "sin(a)**2 + cos(a)**2",
    "where(a > 0.5, a, b)",
    "2 * sqrt(a)",
    "a < b",
    "(a > 1) & (b < 9)",
    "sum(a)",
    "sum(a**2 + b)",
    ".25*a**3 + .75*a**2 - 1.5*a - 2",
    // MISC of `test_expressions`.
    "b*c+d*e",
    "2*a+3*b",
    "-a",
    "sinh(a)",
    "2*a + (cos(3)+5)*sinh(cos(b))",
    "2*a + arctan2(a, b)",
    "arcsin(0.5)",
    "where(a != 0.0, 2, a)",
    "where(a > 10, b < a, b > a)",
    "0.25 * (a < 5) + 0.33 * (a >= 5)",
    "cos(1+1)",
    "1+1",
    "1",
    "cos(a)",
    // One by one elsewhere.
    "(a + 2.0*b) / (1 + a + 4*b*b)",
    "(a + 2*b) / (1 + a + 4*b*b)",
    "a",
    "2**40",
    "a+b",
    "x/2",
    "x*y",
    "tan(x + y)",
    "tanh(x + y)",
    "maximum(x,y)",
    "minimum(x,y)",
    "sign(x)",
    "round(x)",
    "sqrt(c) > 1.",
    "log10(c)",
    "2.0*a+3.0*c",
    "(a + 1)*(a - 1)",
    "((.25*a + .75)*a - 1.5)*a - 2",
    "a*2.e-5",
    "a*2.e+5",
    "a*2e-5",
    "a*2E-5",
    "a*2.0e5",
    "a*2.2e5",
    "2.+a",
    "a % x",
    "a // x",
    "a ** -1.0",
    "isnan(a)",
    "isfinite(a)",
    "isinf(a)",
    "signbit(a)",
    "a**3",
    "a+a",
    "a > 0",
    "x + 3",
    "(x - 3) * y + (x - 3)",
    "x**2+2",
    "sum(x**2+2)",
    "min(x)",
    "max(x - 1)",
    "(x > 1) & (x < 9)",
    "where(a > b, a, b) + ifelse(a > b, a, b)",
];

const INTEGERS_ONLY: &[&str] = &["x << 2", "x >> 2", "x << y", "x & y", "x ^ y", "x | y", "~x"];

const FUNCTIONS: &[&str] = &[
    "sqrt", "sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "arcsinh",
    "arccosh", "arctanh", "log", "log1p", "log10", "log2", "exp", "expm1", "abs", "ceil", "floor",
    "round", "trunc", "sign",
];

const FUNCTIONS_OF_TWO: &[&str] = &["arctan2", "fmod", "hypot", "nextafter", "copysign"];

/// OPERATIONS, COMPARISONS, 1_ARG_FUNCS, 2_ARG_FUNCS and POW_TESTS of `test_expressions`.
fn generated() -> Vec<String> {
    let mut formulas = Vec::new();
    for op in ["+", "-", "*", "/", "%", "**"] {
        for operands in [
            "(a+1) @ (b+3)",
            "3 @ (b+3)",
            "(a+1) @ 4",
            "2 @ (b+3)",
            "(a+1) @ 2",
            "(a+1) @ -1",
            "(a+1) @ 0.5",
            "(a+1) @ 0",
        ] {
            formulas.push(operands.replace('@', op));
        }
    }
    for op in ["<", "<=", "==", ">=", ">", "!="] {
        for operands in ["a/2+5 @ b", "a/2+5 @ 7", "7 @ b", "7.0 @ 5"] {
            formulas.push(operands.replace('@', op));
        }
    }
    formulas.extend(FUNCTIONS.iter().map(|function| format!("a + {function}(b+c)")));
    for function in FUNCTIONS_OF_TWO {
        for args in ["b+c, d+1", "b+c, 1", "1, d+1"] {
            formulas.push(format!("a + {function}({args})"));
        }
    }
    let powers = ["-7", "-2.5", "-1.5", "-1.3", "-.5", "0", "0.0", "1", "2.3", "2.5", "3"];
    formulas.extend(powers.iter().map(|power| format!("(a+1)**{power}")));
    formulas
}

/// The error's kind, for arrays of one dtype.
fn outcome(text: &str, dtype: DType) -> Result<(), ErrorKind> {
    let formula: Formula = text.parse().map_err(|error: fuse::Error| error.kind())?;
    let types: Vec<_> = formula.names().map(|name| (name, InputType::array(dtype, &[3]))).collect();
    formula.outputs(&types).map(|_| ()).map_err(|error| error.kind())
}

#[test]
fn numexpr_formulas_compile() {
    let formulas: Vec<String> =
        generated().into_iter().chain(WRITTEN.iter().map(ToString::to_string)).collect();
    assert!(formulas.len() > 150);
    for formula in &formulas {
        // Of integers an error in numexpr too.
        let is_refused = formula == "(a+1) ** -1" || formula == "(a+1)**-7";
        for dtype in [DType::F64, DType::F32] {
            assert_eq!(outcome(formula, dtype), Ok(()), "{formula} of {dtype}");
        }
        for dtype in [DType::I64, DType::I32] {
            let expected = if is_refused { Err(ErrorKind::Type) } else { Ok(()) };
            assert_eq!(outcome(formula, dtype), expected, "{formula} of {dtype}");
        }
    }
    for formula in INTEGERS_ONLY {
        assert_eq!(outcome(formula, DType::I64), Ok(()), "{formula}");
    }
}

/// Those of `test_strings`, for byte strings as numexpr has them.
#[test]
fn numexpr_formulas_of_strings_compile() {
    for formula in [
        "str1 == str2",
        "str1 >= b'bla' ",
        "b'abc' < str1",
        "(str1 == b'spam') & (b > 2)",
        "contains(str1, str2)",
        "contains(str1, b'sum')",
        "contains(b'abc', str1)",
        "where(contains(str1, b'x'), b, -b)",
        "sum(contains(str1, b'x'))",
    ] {
        let formula: Formula = formula.parse().expect("it parses");
        let ty = |name: &str| if name == "b" { DType::F64 } else { DType::Bytes(5) };
        let types: Vec<_> =
            formula.names().map(|name| (name, InputType::array(ty(name), &[3]))).collect();
        formula.outputs(&types).expect("it compiles");
    }
}
