//! Time to parse grows as the text does, time to compile as the formula does, and no pass recurses. CPU time
//! is measured, so that a busy machine changes little; a quadratic step would exceed the limits many times.
//!
//! `.ci/extended` runs larger sizes: `FUSE_BYTES=1000000`, `FUSE_TERMS=64000`.

use std::time::Duration;

use fuse::{Backend, DType, Engine, InputType, Limits, Stage, vars};
use fuse_syntax::SyntaxLimits;

use super::hostile::on_small_stack;
use super::system::{process_time, thread_time};

fn size(variable: &str, usual: usize) -> usize {
    std::env::var(variable).map_or(usual, |text| text.parse().expect("a number"))
}

/// Least time of three runs.
fn least(clock: fn() -> Duration, run: impl Fn()) -> f64 {
    let once = || {
        let start = clock();
        run();
        (clock() - start).as_secs_f64()
    };
    (0..3).map(|_| once()).fold(f64::INFINITY, f64::min)
}

/// What is repeated, from expressions over brackets that nobody closes to no formula at all.
const PATHOLOGICAL: &[&str] = &[
    "(",
    ")",
    "[",
    "(]",
    "-",
    "not ",
    "f(",
    "a[1:",
    "x**",
    "1 if x else ",
    "~",
    "x+",
    "x<",
    "f(a),",
    "a;",
    "a=b\n",
    "9",
    "é",
    "# c\n",
    "'",
    "\"\"\"",
    "'t' ",
    "a.b",
    " ",
    "\n",
    "1e",
    "0x",
    "_1",
    "\\",
    "\\\n",
    "f(x) = ",
    "\u{301}",
    "😀",
    "\0",
];

#[test]
fn time_to_parse_grows_with_the_text() {
    let long = size("FUSE_BYTES", 64 << 10);
    let short = long / 16;
    let limits =
        SyntaxLimits { source_bytes: usize::MAX, nodes: usize::MAX, ..SyntaxLimits::default() };
    let parse = |text: &str| drop(std::hint::black_box(fuse_syntax::parse(text, &limits)));
    for shape in PATHOLOGICAL {
        let [short, long] = [short, long].map(|bytes| shape.repeat(bytes / shape.len()));
        let of_short = least(thread_time, || (0..16).for_each(|_| parse(&short)));
        let of_long = least(thread_time, || parse(&long));
        // Half a millisecond is noise; a step that is quadratic takes 16 times as long.
        let limit = of_short * 5.0 + 0.0005;
        assert!(
            of_long < limit,
            "{shape:?}: 16 short ones {of_short:.6} s, a long one {of_long:.6} s"
        );
    }
}

#[test]
fn time_to_compile_grows_with_the_formula() {
    super::alone("growth::time_to_compile_grows_with_the_formula", compile);
}

/// Four times the terms take at most 4^1.3 times as long.
fn compile() {
    let terms = size("FUSE_TERMS", 2000);
    let text = |terms: usize| {
        let terms: Vec<String> = (0..terms).map(|k| format!("(x + {k}.5)*(y - {k})")).collect();
        terms.join(" + ")
    };
    let array = InputType::array(DType::F64, &[1000]);
    let types = [("x", array.clone()), ("y", array)];
    let mut limits = Limits::default();
    (limits.nodes, limits.source_bytes) = (1 << 20, 1 << 24);
    let prepare = |text: &str| {
        let engine = Engine::builder().limits(limits).threads(1).build().expect("an engine");
        let prepared = engine.formula(text).and_then(|formula| formula.prepare(&types));
        drop(prepared.unwrap_or_else(|error| panic!("{error}")));
    };
    let [few, many] = [terms / 4, terms].map(text);
    let of_few = least(process_time, || prepare(&few));
    let of_many = least(process_time, || prepare(&many));
    let exponent = (of_many / of_few).log(4.0);
    println!(
        "{terms} terms: {of_many:.3} s, a quarter of them {of_few:.3} s, exponent {exponent:.2}"
    );
    assert!(exponent < 1.3, "{terms} terms {of_many:.3} s, a quarter {of_few:.3} s: {exponent:.2}");
}

/// A tree that is 65 000 nodes deep, on a stack of 256 KiB: parsed, printed at every stage that is a text of
/// nodes, compared, computed, dropped.
#[test]
fn a_chain_of_65_000_links_passes_through_every_stage() {
    let links = "d = d*x + y\n".repeat(32_500);
    let text = format!("d = x\n{links}d");
    let mut limits = Limits::default();
    (limits.nodes, limits.source_bytes) = (1 << 20, 1 << 24);
    on_small_stack(move || {
        let builder = Engine::builder().limits(limits).backend(Backend::Interp);
        let engine = builder.build().expect("an engine");
        let formula = engine.formula(&text).expect("parses");
        let array = InputType::array(DType::F64, &[2]);
        let types = [("x", array.clone()), ("y", array)];
        for stage in [Stage::Ast, Stage::Graph, Stage::Opt, Stage::Kernel] {
            let shown = formula.explain(&types, stage).unwrap_or_else(|error| panic!("{error}"));
            assert!(shown.len() > 300_000, "{}: {} bytes", stage.name(), shown.len());
        }
        let (x, y) = ([1.0, 0.5], [1.0, 1.0]);
        let found = formula.clone().evaluate(vars! { x, y }).expect("evaluates");
        // 1 + 1 + …; the limit of d = d/2 + 1.
        assert_eq!(found.as_slice::<f64>(), Some([32_501.0, 2.0].as_slice()));
        let negations = format!("d = x\n{}d", "d = -d\n".repeat(10_000));
        let found = engine.evaluate(&negations, vars! { x }).expect("evaluates");
        assert_eq!(found.as_slice::<f64>(), Some(x.as_slice()));
        drop((formula, engine));
    });
}
