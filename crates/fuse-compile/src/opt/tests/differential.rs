//! Raw against optimized, over random formulas and values.
//!
//! One fixed seed: a failure repeats. A mismatch prints the formula, the inputs' bits, both results and
//! the optimized graph.

use fuse_ir::DType;

use super::evaluator::{LANES, Values, evaluate};
use super::{Mode, OptConfig, optimize_with, raw, try_raw};
use crate::graph::{Graph, NodeId};
use crate::opt::rounding::{Products, Term, expand};
use crate::opt::{GROWTH, OptReport, RULES, RuleClass, RuleName, optimize};

/// xorshift64*, seeded.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() >> 33) as usize % n
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

const FLOATS: &[&str] = &["x", "y", "z", "s", "t", "f64(f)", "f64(i)"];
const SINGLES: &[&str] = &["f", "g"];
const INTEGERS: &[&str] = &["i", "j", "k", "i64(m)"];
const NUMBERS: &[&str] = &["0", "1", "2", "3", "17", "0.1", "0.2", "0.5", "5", "-1", "-0.0", "8"];
const WHOLE: &[&str] = &["0", "1", "2", "3", "17", "-1", "-5", "8"];

/// A random formula: floats of one width, or integers.
fn formula(random: &mut Random, leaves: &[&str], depth: usize, roots: bool) -> String {
    let integers = leaves == INTEGERS;
    let numbers = if integers { WHOLE } else { NUMBERS };
    if depth == 0 || random.below(8) == 0 {
        let from = if random.below(4) == 0 { numbers } else { leaves };
        return random.pick(from).to_string();
    }
    let part = |random: &mut Random| formula(random, leaves, depth - 1, roots);
    let (a, b) = (part(random), part(random));
    match random.below(if roots { 22 } else { 16 }) {
        0..=4 => format!("({a} + {b})"),
        5 | 6 => format!("({a} - {b})"),
        7..=10 => format!("({a} * {b})"),
        11 if !integers => format!("({a} / {})", random.pick(&["3", "5", "2", "0.1", "8"])),
        11 | 12 => format!("({a} * {})", random.pick(numbers)),
        13 => format!("(-{a})"),
        14 | 15 => format!("({a})**{}", 2 + random.below(5)),
        16 => format!("abs({a})"),
        17 if !integers => format!("sqrt({a})"),
        18 if !integers => format!("({a} / {b})"),
        21 => format!("maximum({a}, {a})"),
        18 => format!("where({a} < {b}, {b}, {a})"),
        19 => format!("minimum({a}, {b})"),
        20 if !integers => format!("floor({a})"),
        _ => format!("where({b} <= {a}, {b}, {a})"),
    }
}

const SPECIAL: &[f64] = &[
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    2.0,
    3.0,
    1e-310,
    5e-324,
    1e300,
    -1e300,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
    0.1,
    1e16,
];

/// Values of every input: `float` gives the next float.
fn inputs(
    graph: &Graph,
    random: &mut Random,
    float: &mut dyn FnMut(&mut Random) -> f64,
) -> Vec<Values> {
    let values = |input: &fuse_ir::ProgramInput| {
        let scalar = input.ty.axes.is_empty();
        let mut values: Values = std::array::from_fn(|_| match input.ty.dtype {
            DType::F64 => float(random).to_bits(),
            DType::F32 => u64::from((float(random) as f32).to_bits()),
            DType::Bool => random.next() & 1,
            DType::I32 => u64::from(random.next() as u32 >> random.below(30)),
            _ => random.next() >> random.below(64),
        });
        if scalar {
            values = [values[0]; LANES];
        }
        values
    };
    graph.inputs().iter().map(values).collect()
}

fn special(random: &mut Random) -> f64 {
    if random.below(2) == 0 {
        SPECIAL[random.below(SPECIAL.len())]
    } else {
        f64::from_bits(random.next())
    }
}

/// Numbers whose products collide: small multiples of a tenth, a third or 1.
fn moderate(random: &mut Random) -> f64 {
    let unit = [1.0, 0.1, 1.0 / 3.0, 1e-9][random.below(4)];
    (random.below(41) as f64 - 20.0) * unit
}

fn as_float(dtype: DType, bits: u64) -> f64 {
    if dtype == DType::F32 { f64::from(f32::from_bits(bits as u32)) } else { f64::from_bits(bits) }
}

/// Equal bits, or both NaN.
fn same(dtype: DType, a: u64, b: u64) -> bool {
    a == b || (dtype.is_float() && as_float(dtype, a).is_nan() && as_float(dtype, b).is_nan())
}

/// The first lane in which two graphs differ.
fn difference(raw: &Graph, other: &Graph, inputs: &[Values]) -> Option<(usize, u64, u64)> {
    let (a, b) = (evaluate(raw, inputs), evaluate(other, inputs));
    let dtype = raw.dtype(raw.results[0]);
    (0..LANES).find(|&lane| !same(dtype, a[lane], b[lane])).map(|lane| (lane, a[lane], b[lane]))
}

fn describe(formula: &str, graph: &Graph, inputs: &[Values], lane: usize) -> String {
    let values: Vec<String> = graph
        .inputs()
        .iter()
        .zip(inputs)
        .map(|(input, values)| format!("{} = {:#x}", input.name, values[lane]))
        .collect();
    format!("{formula}\n{}\n{graph}", values.join(", "))
}

/// The exact rules alone, on a graph that relaxed mode resolved (strict mode refuses most powers of
/// floats, which here stay nodes).
fn exactly_optimized(raw: &Graph) -> Graph {
    optimize(raw, Mode::Strict).0
}

#[test]
fn exact_rules_keep_every_bit() {
    let mut random = Random(0x1234_5678_9abc_def1);
    let mut fired = 0;
    for round in 0..6000 {
        let leaves = [FLOATS, SINGLES, INTEGERS][round % 3];
        let text = formula(&mut random, leaves, 4, true);
        let Ok(raw) = try_raw(&text, Mode::Relaxed) else { continue };
        let (graph, report) = optimize(&raw, Mode::Strict);
        fired += report.total();
        let inputs = inputs(&raw, &mut random, &mut special);
        if let Some((lane, a, b)) = difference(&raw, &graph, &inputs) {
            let what = describe(&text, &graph, &inputs, lane);
            panic!("{a:#x} became {b:#x}\n{what}\n{report}");
        }
    }
    assert!(fired > 5000, "only {fired} rewrites");
}

#[test]
fn integers_keep_every_bit_in_relaxed_mode() {
    let mut random = Random(0xfeed_5678_9abc_def1);
    let mut fired = Fired::default();
    for _ in 0..3000 {
        let text = formula(&mut random, INTEGERS, 5, false);
        let Ok(raw) = try_raw(&text, Mode::Relaxed) else { continue };
        let (graph, report) = optimize(&raw, Mode::Relaxed);
        let inputs = inputs(&raw, &mut random, &mut special);
        if let Some((lane, a, b)) = difference(&raw, &graph, &inputs) {
            panic!("{a:#x} became {b:#x}\n{}\n{report}", describe(&text, &graph, &inputs, lane));
        }
        fired.add(&raw, &graph, &report);
    }
    use RuleName::{IntegerHorner, IntegerOutward, IntegerPower, IntegerProduct, IntegerSum};
    fired.at_least(15, &[IntegerHorner, IntegerOutward, IntegerPower, IntegerProduct, IntegerSum]);
}

/// How often rules fired over a run, and that no graph grew beyond the stated factor.
#[derive(Default)]
struct Fired(std::collections::BTreeMap<RuleName, u32>);

impl Fired {
    fn add(&mut self, raw: &Graph, graph: &Graph, report: &OptReport) {
        assert!(graph.len() <= raw.len() * GROWTH, "{raw}\n{graph}");
        for &(rule, count) in &report.fired {
            *self.0.entry(rule).or_default() += count;
        }
    }

    fn at_least(&self, least: u32, rules: &[RuleName]) {
        for rule in rules {
            let count = self.0.get(rule).copied().unwrap_or(0);
            assert!(count >= least, "{rule} fired {count} times: {:?}", self.0);
        }
    }
}

/// The monomials of a graph over its inputs alone, if it is a polynomial.
fn monomials(graph: &Graph) -> Option<Vec<Term>> {
    use crate::graph::Node;
    let is_input = |id: NodeId| matches!(graph.node(id), Node::Input(_));
    let expansion = expand(graph, graph.results[0], &is_input, Products::Distribute)?;
    let leaves = || expansion.terms.iter().flat_map(|term| &term.factors);
    leaves().all(|&(leaf, _)| is_input(leaf)).then_some(expansion.terms)
}

/// The exact value and Σ γ_r·|m| in units of f32, from f64 arithmetic.
fn bound(graph: &Graph, terms: &[Term], inputs: &[Values], lane: usize) -> (f64, f64) {
    use crate::graph::Node;
    use crate::opt::coefficient::Coefficient;
    let unit = 2f64.powi(-24);
    terms.iter().fold((0.0, 0.0), |(sum, bound), term| {
        let Coefficient::Float { numerator, denominator, roundings } = term.coefficient else {
            unreachable!("a float graph")
        };
        let monomial = term.factors.iter().fold(
            numerator.value() / denominator.value(),
            |product, &(leaf, n)| {
                let Node::Input(input) = graph.node(leaf) else { unreachable!("an input") };
                product * as_float(DType::F32, inputs[input as usize][lane]).powi(n)
            },
        );
        let count = f64::from(term.roundings + roundings) * unit;
        (sum + monomial, bound + count / (1.0 - count) * monomial.abs())
    })
}

#[test]
fn relaxed_rules_stay_within_the_bound_of_the_written_form() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (mut checked, mut changed) = (0, 0);
    let mut fired = Fired::default();
    for _ in 0..12_000 {
        let text = formula(&mut random, SINGLES, 4, false);
        let Ok(raw) = try_raw(&text, Mode::Relaxed) else { continue };
        if raw.dtype(raw.results[0]) != DType::F32 {
            continue;
        }
        let Some(terms) = monomials(&raw) else { continue };
        let (graph, report) = optimize(&raw, Mode::Relaxed);
        let inputs = inputs(&raw, &mut random, &mut |random| {
            let bits = random.next();
            let magnitude = 0.5 + (bits >> 40) as f64 / 2f64.powi(24);
            if bits & 1 == 0 { magnitude } else { -magnitude }
        });
        let result = evaluate(&graph, &inputs);
        let differs = difference(&raw, &graph, &inputs).is_some();
        changed += usize::from(differs);
        fired.add(&raw, &graph, &report);
        checked += 1;
        for (lane, &bits) in result.iter().enumerate() {
            let (exact, bound) = bound(&raw, &terms, &inputs, lane);
            let value = as_float(DType::F32, bits);
            let slack = 1e-40 + exact.abs() * 1e-12 + bound * 1e-6;
            if !(exact.is_finite() && bound < 1e30) {
                continue;
            }
            if (value - exact).abs() > bound + slack {
                let what = describe(&text, &graph, &inputs, lane);
                panic!("{value:e} for {exact:e} ± {bound:e}\n{what}\n{report}");
            }
        }
    }
    assert!(checked > 2000 && changed > 300, "{checked} checked, {changed} changed");
    use RuleName::{ConstantProduct, ConstantSum, Contract, Horner, Power};
    fired.at_least(15, &[ConstantProduct, ConstantSum, Contract, Horner, Power]);
}

/// Is a result finite as written and NaN or infinite when relaxed, on inputs without overflow?
fn lost(text: &str, random: &mut Random, report: bool) -> usize {
    let Ok(raw) = try_raw(text, Mode::Relaxed) else { return 0 };
    let (relaxed, strict) = (optimize(&raw, Mode::Relaxed).0, exactly_optimized(&raw));
    let inputs = inputs(&raw, random, &mut moderate);
    let (a, b) = (evaluate(&strict, &inputs), evaluate(&relaxed, &inputs));
    let dtype = raw.dtype(raw.results[0]);
    let lost = (0..LANES).filter(|&lane| {
        as_float(dtype, a[lane]).is_finite() && !as_float(dtype, b[lane]).is_finite()
    });
    let lanes: Vec<usize> = lost.collect();
    if let (Some(&lane), true) = (lanes.first(), report) {
        panic!(
            "finite as written, lost when relaxed:\n{}",
            describe(text, &relaxed, &inputs, lane)
        );
    }
    lanes.len()
}

#[test]
fn nothing_finite_is_lost_in_relaxed_mode() {
    let mut random = Random(0x0dd0_5eed_0dd0_5eed);
    for round in 0..8000 {
        let leaves = [FLOATS, SINGLES][round % 2];
        let inner = formula(&mut random, leaves, 3, true);
        let text = match round % 4 {
            0 | 1 => format!("sqrt({inner})"),
            2 => format!("sqrt({inner} - {})", formula(&mut random, leaves, 2, false)),
            _ => formula(&mut random, leaves, 4, true),
        };
        lost(&text, &mut random, true);
    }
}

/// Formulas at the edge of a root's domain: x and y are such that the operand is 0 or next to it.
#[test]
fn known_edges_keep_their_numbers() {
    type Edge = (&'static str, fn(f64) -> (f64, f64));
    let edges: [Edge; 8] = [
        ("sqrt(x*x - y*y)", |v| (v, v)),
        ("sqrt(x*x - y)", |v| (v, v * v)),
        ("sqrt(y - x*x)", |v| (v, v * v)),
        ("sqrt(x**2 - 2*x + 1 + 0*y)", |v| (1.0 + v * f64::EPSILON, 0.0)),
        ("sqrt(x**2 - 2*x*y + y**2)", |v| (v, v * (1.0 + f64::EPSILON))),
        ("sqrt(x*9/5 - y)", |v| (v, v * 9.0 / 5.0)),
        ("sqrt(x + 1 - 1 + 0*y)", |v| (-v.abs() * 1e-18, 0.0)),
        ("sqrt(1 - (x*x + y*y))", |v| (v / 21.0, (1.0 - v * v / 441.0).sqrt())),
    ];
    for (text, point) in edges {
        let raw = raw(text, Mode::Relaxed);
        let relaxed = optimize(&raw, Mode::Relaxed).0;
        let mut random = Random(77);
        for _ in 0..100 {
            let points: [(f64, f64); LANES] = std::array::from_fn(|_| point(moderate(&mut random)));
            let named = |input: &fuse_ir::ProgramInput| {
                points.map(|(x, y)| if input.name == "x" { x.to_bits() } else { y.to_bits() })
            };
            let inputs: Vec<Values> = raw.inputs().iter().map(named).collect();
            assert_eq!(difference(&raw, &relaxed, &inputs), None, "{text}");
        }
    }
}

#[test]
fn the_quadratic_formula_keeps_its_double_roots() {
    let mut random = Random(4711);
    let raw = raw("(-b + sqrt(b*b - 4*a*c)) / (2*a)", Mode::Relaxed);
    let relaxed = optimize(&raw, Mode::Relaxed).0;
    let position = |name: &str| raw.inputs().iter().position(|input| input.name == name);
    let (a, b, c) = (position("a"), position("b"), position("c"));
    let mut kept = 0;
    while kept < 1000 {
        let mut inputs = vec![[0; LANES]; 3];
        for lane in 0..LANES {
            // a(x - r)² with a of few bits: b and c are exact or the nearest.
            let scale = (1 + random.below(9)) as f64;
            let root = moderate(&mut random);
            let numbers = [(a, scale), (b, -2.0 * scale * root), (c, scale * root * root)];
            for (position, value) in numbers {
                let input: &mut Values = &mut inputs[position.expect("an input")];
                input[lane] = value.to_bits();
            }
        }
        assert_eq!(evaluate(&raw, &inputs), evaluate(&relaxed, &inputs));
        kept += LANES;
    }
}

#[test]
fn the_fault_of_every_rule_is_caught() {
    for row in RULES {
        let raw = raw(row.witness, Mode::Relaxed);
        let config = OptConfig { sabotaged: Some(row.rule), ..OptConfig::default() };
        let wrong = optimize_with(&raw, config).0;
        let mut random = Random(99);
        let inputs = inputs(&raw, &mut random, &mut |random| 1.0 + random.below(100) as f64);
        let far = (0..LANES).any(|lane| {
            let dtype = raw.dtype(raw.results[0]);
            let (a, b) = (evaluate(&raw, &inputs)[lane], evaluate(&wrong, &inputs)[lane]);
            let exact = row.class == RuleClass::Exact && !same(dtype, a, b);
            let (x, y) = (as_float(dtype, a), as_float(dtype, b));
            exact || (dtype.is_float() && (x - y).abs() > 1e-3 * x.abs())
        });
        assert!(far, "{}: {}", row.name, row.witness);
    }
    assert_eq!(RULES.len(), RuleName::SumOfProducts as usize + 1);
}

#[test]
fn sabotage_is_caught_by_the_random_formulas_too() {
    // The exact rules that random formulas reach: a sign flipped in one shows within the same run.
    for rule in [RuleName::Fold, RuleName::Doubling, RuleName::NegatedFactor, RuleName::PlusNegated]
    {
        let mut random = Random(0x1234_5678_9abc_def1);
        let caught = (0..2000).any(|round| {
            let text = formula(&mut random, [FLOATS, INTEGERS][round % 2], 4, true);
            let Ok(raw) = try_raw(&text, Mode::Relaxed) else { return false };
            let config =
                OptConfig { mode: Mode::Strict, sabotaged: Some(rule), ..OptConfig::default() };
            let graph = optimize_with(&raw, config).0;
            let inputs = inputs(&raw, &mut random, &mut special);
            difference(&raw, &graph, &inputs).is_some()
        });
        assert!(caught, "{rule}");
    }
}
