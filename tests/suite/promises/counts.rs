//! How much work a formula becomes: loads, stores and operations of its kernels.

use fuse::{DType, Engine, Formula, InputType, KernelCounts, Mode, Stage};
use fuse_ir::Strength;

use super::power_sum;
use crate::backends;

fn engine(mode: Mode) -> Engine {
    Engine::builder().mode(mode).build().expect("an engine")
}

fn array(dtype: DType) -> InputType {
    InputType::array(dtype, &[1000])
}

/// The counts of a formula's only kernel; variables of one letter: m s are scalars, f is f32, i is
/// i64, the rest are f64 arrays.
fn counts(formula: &str, mode: Mode) -> KernelCounts {
    let formula: Formula = engine(mode).formula(formula).expect("parses");
    // `pi` may be a variable; here it is the constant.
    let given = formula.names().filter(|&name| name != "pi");
    let names: Vec<String> = given.map(str::to_string).collect();
    let ty = |name: &str| match name {
        "m" | "s" => InputType::scalar(DType::F64, Strength::Strong),
        "f" => array(DType::F32),
        "i" => array(DType::I64),
        _ => array(DType::F64),
    };
    let types: Vec<_> = names.iter().map(|name| (name.as_str(), ty(name))).collect();
    let counts = formula.kernel_counts(&types).expect("compiles");
    assert_eq!(counts.len(), 1, "one pass: {}", formula.source());
    counts[0]
}

fn relaxed(formula: &str) -> KernelCounts {
    counts(formula, Mode::Relaxed)
}

#[test]
fn the_headline_formula_is_seven_fma() {
    for x in ["x", "f"] {
        let found = relaxed(&power_sum(x, 8));
        assert_eq!((found.loads, found.stores, found.arith), (1, 1, 7), "{x}");
    }
    let nested = "x*(1 + x*(1 + x*(1 + x*(1 + x*(1 + x*(1 + x*(1 + x)))))))";
    assert_eq!(relaxed(nested), relaxed(&power_sum("x", 8)));
}

#[test]
fn the_headline_formula_on_integers_nests_in_either_mode() {
    for mode in [Mode::Strict, Mode::Relaxed] {
        let found = counts(&power_sum("i", 8), mode);
        assert_eq!((found.loads, found.stores), (1, 1));
        assert!(found.arith <= 14, "{mode:?}: 7 products and 7 sums, not {}", found.arith);
    }
}

#[test]
fn constants_of_a_sum_are_one_addition() {
    let seventeens = " + 17".repeat(100);
    assert_eq!(relaxed(&format!("x{seventeens}")).arith, 1);
    for mode in [Mode::Strict, Mode::Relaxed] {
        assert_eq!(counts(&format!("i{seventeens}"), mode).arith, 1, "{mode:?}");
    }
}

/// Each line reads what the line before has bound; none of them costs a pass or an array.
#[test]
fn nine_additions_in_nine_statements_are_one() {
    for statement in ["result = result + 17", "result += 17"] {
        let lines = format!("{statement}\n").repeat(9);
        let found = relaxed(&format!("result = x\n{lines}result"));
        assert_eq!((found.loads, found.stores, found.arith), (1, 1, 1), "{statement}");
    }
    let text = format!("result = x; {}result", "result += 17; ".repeat(9));
    let formula = engine(Mode::Relaxed).formula(&text).expect("parses");
    let kernel = formula.explain(&[("x", array(DType::F64))], Stage::Kernel).expect("compiles");
    let seventeens = (9.0_f64 * 17.0).to_bits();
    assert!(kernel.contains(&format!("{seventeens:x}")) || kernel.contains("153"), "{kernel}");
}

#[test]
fn statements_and_calls_cost_what_the_written_out_formula_costs() {
    for mode in [Mode::Strict, Mode::Relaxed] {
        for (program, formula) in [
            ("d = a - b; r = sqrt(d*d); r + d", "sqrt((a - b)*(a - b)) + (a - b)"),
            ("f(x, y) = x*y + x; f(a, f(b, a))", "a*(b*a + b) + a"),
            ("f(u) = sqrt(u + 1); f(a) + f(a)*b", "sqrt(a + 1) + sqrt(a + 1)*b"),
            ("unused = a/b; a + 1", "a + 1"),
            ("n = 2; a**n", "a*a"),
        ] {
            assert_eq!(counts(program, mode), counts(formula, mode), "{program} {mode:?}");
        }
    }
}

#[test]
fn equal_subexpressions_are_computed_once() {
    for mode in [Mode::Strict, Mode::Relaxed] {
        let found = counts("a*b + b*a", mode);
        assert_eq!((found.loads, found.arith), (2, 2), "one product, one sum; {mode:?}");
        assert_eq!(counts("sqrt(a + b) * sqrt(b + a)", mode).arith, 3);
    }
}

#[test]
fn functions_of_one_angle_share_its_reduction() {
    let kernel = |text: &str| {
        let formula = engine(Mode::Relaxed).formula(text).expect("parses");
        formula.explain(&[("x", array(DType::F64))], Stage::Kernel).expect("explains")
    };
    let reductions = |text: &str| kernel(text).matches("= rare ").count();
    assert_eq!(reductions("sin(x)"), 1);
    assert_eq!(reductions("sin(x)**2 + cos(x)**2"), 1, "{}", kernel("sin(x)**2 + cos(x)**2"));
    assert_eq!(reductions("sin(x) + cos(x)*tan(x)"), 1);
    assert_eq!(reductions("sin(x) + cos(2*x)"), 2);
    let [both, sine, cosine] = ["sin(x)**2 + cos(x)**2", "sin(x)", "cos(x)"].map(relaxed);
    assert!(both.arith < sine.arith + 10, "{both:?}, {sine:?}, {cosine:?}");
}

#[test]
fn a_conversion_of_units_below_a_reduction_is_one_multiply_add() {
    let text = "max(c*9/5 + 32)";
    let found = relaxed(text);
    assert_eq!((found.loads, found.stores, found.arith), (1, 0, 1), "{found:?}");
    let formula = engine(Mode::Relaxed).formula(text).expect("parses");
    let kernel = formula.explain(&[("c", array(DType::F64))], Stage::Kernel).expect("explains");
    assert_eq!(kernel.matches("fma.f64").count(), 1, "{kernel}");
    assert_eq!(kernel.matches("fdiv").count(), 0, "{kernel}");
}

#[test]
fn what_depends_on_scalars_alone_runs_once_a_call() {
    let product = relaxed("x*x + sqrt(2*pi)*s");
    assert_eq!((product.arith, product.uniform), (2, 1), "the product: {product:?}");
    let found = relaxed("(x - m)/s + sqrt(2*pi)*s");
    assert!(found.uniform >= 2, "product and reciprocal: {found:?}");
    let text = explained("(x - m)/s + sqrt(2*pi)*s");
    // A division is left in the rare region, none in the loop.
    let (_, lane) = text.split_once("\nlane(").expect("a lane region");
    assert!(!lane.contains("fsqrt") && !lane.contains("fdiv"), "{text}");
}

fn explained(formula: &str) -> String {
    let formula = engine(Mode::Relaxed).formula(formula).expect("parses");
    let scalar = InputType::scalar(DType::F64, Strength::Strong);
    let types = [("x", array(DType::F64)), ("m", scalar.clone()), ("s", scalar)];
    formula.explain(&types, Stage::Kernel).expect("compiles")
}

/// Seven packed fma for each vector, and no other packed arithmetic.
#[cfg(target_arch = "x86_64")]
#[test]
fn the_headline_formula_is_seven_fma_a_vector_in_machine_code() {
    if !std::arch::is_x86_feature_detected!("fma") {
        fuse_testkit::skip!("fma: this CPU has none");
    }
    for compiler in backends::compilers() {
        let label = compiler.label();
        let engine = Engine::builder().host_backend(compiler).build().expect("it is given");
        for (dtype, x, suffix) in [(DType::F64, "x", "pd"), (DType::F32, "f", "ps")] {
            let formula = engine.formula(&power_sum(x, 8)).expect("parses");
            let text = formula.explain(&[(x, array(dtype))], Stage::Asm).expect("has a listing");
            let lines = || text.lines().map(str::trim);
            let with = |part: &str| lines().filter(|line| line.contains(part)).count();
            let is_fma = |line: &&str| line.contains("vfmadd") && line.contains(suffix);
            let fma = lines().filter(is_fma).count();
            assert!(fma > 0 && fma % 7 == 0, "{label}: {fma} packed fma:\n{text}");
            for other in ["vmul", "vadd"] {
                assert_eq!(
                    with(&format!("{other}{suffix}")),
                    0,
                    "{label}: {other}{suffix}:\n{text}"
                );
            }
        }
    }
}
