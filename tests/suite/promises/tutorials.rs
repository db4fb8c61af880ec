//! The tutorials' formulas: passes, loads and stores, nests, and memory beside inputs and outputs.
//!
//! Passes and nests are those of the program that runs. Memory is the most that all threads held during
//! a first call, counted by the suite's allocator in a process of its own, at sizes where one array of
//! an intermediate value would be 8 MiB or more; the promise is 1 MiB a thread.

use fuse::{DType, Engine, Input, InputType, Mode, Vars, View, ViewMut};
use fuse_compile::Options;
use fuse_ir::Program;
use fuse_syntax::SyntaxLimits;

use crate::allocator::peak;

const VARIANCE: &str = "diff = arr - arr.mean(); diff **= 2; diff.sum()/arr.size";
const STANDARDIZE: &str = "(x - mean(x))/std(x)";
const DISTANCES: &str = "sqrt(sum((p[:,None,:] - q[None,:,:])**2, axis=2))";
const PRODUCT: &str = "sum(a[:,:,None]*b[None,:,:], axis=1)";
const SOFTMAX: &str = "e = exp(m - max(m, axis=1, keepdims=True)); e/sum(e, axis=1, keepdims=True)";
const STENCIL: &str = "x[2:] - 2*x[1:-1] + x[:-2]";
const OUTER: &str = "exp(a[:,None])*exp(b[None,:])";

type Shapes<'a> = &'a [(&'a str, &'a [usize])];

fn program(formula: &str, shapes: Shapes<'_>) -> Program {
    let ast = fuse_syntax::parse(formula, &SyntaxLimits::default()).expect("parses");
    let variables: Vec<_> = shapes
        .iter()
        .map(|(name, shape)| fuse_compile::variable(name, InputType::array(DType::F64, shape)))
        .collect();
    let options = Options { mode: Mode::Relaxed, ..Options::default() };
    let compiled = fuse_compile::compile(&ast, &variables, options);
    compiled.unwrap_or_else(|found| panic!("{formula}: {found:?}")).program
}

/// Loads, stores and primitives of each pass, as `fuse explain --json` has them.
fn counts(formula: &str, shapes: Shapes<'_>) -> Vec<(usize, usize, usize)> {
    let formula = Engine::builder().build().expect("an engine").formula(formula).expect("parses");
    let types: Vec<_> =
        shapes.iter().map(|&(name, shape)| (name, InputType::array(DType::F64, shape))).collect();
    let counts = formula.kernel_counts(&types).expect("compiles");
    counts.iter().map(|pass| (pass.loads, pass.stores, pass.arith)).collect()
}

/// How many passes each nest has, and how many temporaries a thread keeps a tile at a time.
fn nests(program: &Program) -> Vec<(usize, usize)> {
    program.nests.iter().map(|nest| (nest.passes.len(), nest.locals.len())).collect()
}

#[test]
fn one_pass_reads_an_array_once() {
    let vector: Shapes<'_> = &[("x", &[1000])];
    for formula in ["sum(x**2)", "max(x*9/5 + 32)", STENCIL] {
        assert_eq!(program(formula, vector).passes.len(), 1, "{formula}");
    }
    // What follows a whole reduction is one number, and so is its pass.
    let magnitude = counts("np.abs(x).mean()", vector);
    assert_eq!(magnitude, [(1, 0, 1), (0, 1, 0)], "loads, stores, arithmetic");
    assert_eq!(counts("prod(exp(-((x - 0.25)/2)**2/2)/sqrt(2*pi)/2)", vector).len(), 1);
    assert_eq!(counts("sum(-((x - 0.25)/2)**2/2 - log(2) - log(2*pi)/2)", vector).len(), 1);
    let product: Shapes<'_> = &[("a", &[50, 30]), ("b", &[30, 40])];
    // The product is part of the fold's step: a multiply-add.
    assert_eq!(counts(PRODUCT, product), [(2, 0, 0)], "the sum is the result");
}

#[test]
fn what_needs_a_mean_first_reads_twice() {
    assert_eq!(counts(VARIANCE, &[("arr", &[1000])]), [(1, 0, 0), (1, 0, 1), (0, 1, 0)]);
    let found = counts(STANDARDIZE, &[("x", &[1000])]);
    assert_eq!(found.len(), 2, "mean and deviation in one pass, then the quotient");
    let loads_and_stores: Vec<_> =
        found.iter().map(|&(loads, stores, _)| (loads, stores)).collect();
    assert_eq!(loads_and_stores, [(1, 0), (1, 1)]);
}

#[test]
fn distances_and_softmax_are_one_nest_each() {
    let points: Shapes<'_> = &[("p", &[100, 3]), ("q", &[90, 3])];
    let distances = program(DISTANCES, points);
    assert_eq!(nests(&distances), [(2, 1)], "{distances}");
    assert_eq!(counts(DISTANCES, points), [(2, 0, 1), (1, 1, 1)], "a difference; a root");
    let softmax = program(SOFTMAX, &[("m", &[50, 40])]);
    let found = nests(&softmax);
    assert_eq!((found.len(), found[0].0), (1, softmax.passes.len()), "{softmax}");
    let exponential = counts("exp(a)", &[("a", &[50])])[0].2;
    let found: Vec<usize> =
        counts(SOFTMAX, &[("m", &[50, 40])]).iter().map(|pass| pass.2).collect();
    let expected = [0, exponential + 1, 0, 1];
    assert_eq!(found, expected, "maximum; exponentials, once; their sum; quotient");
}

/// N + M exponentials: the expansion stands in passes over the vectors, a product alone over the matrix.
#[test]
fn an_outer_product_computes_each_exponential_once() {
    let shapes: Shapes<'_> = &[("a", &[200]), ("b", &[300])];
    let program = program(OUTER, shapes);
    let ranks: Vec<usize> = program
        .passes
        .iter()
        .map(|pass| pass.space.iter().filter(|dim| **dim != fuse_ir::Dim::One).count())
        .collect();
    assert_eq!(ranks, [1, 1, 2], "{program}");
    let exponential = counts("exp(a)", &shapes[..1])[0].2;
    let found: Vec<usize> = counts(OUTER, shapes).iter().map(|pass| pass.2).collect();
    assert_eq!(found, [exponential, exponential, 1]);
}

/// A formula, its inputs, its result's shape, and the bytes of its largest intermediate array.
struct Work {
    formula: &'static str,
    inputs: Shapes<'static>,
    result: &'static [usize],
    temporary: usize,
}

const WORK: &[Work] = &[
    Work { formula: "sum(a**2)", inputs: &[("a", &[1 << 21])], result: &[], temporary: 16 << 20 },
    Work { formula: VARIANCE, inputs: &[("arr", &[1 << 21])], result: &[], temporary: 16 << 20 },
    Work {
        formula: STANDARDIZE,
        inputs: &[("x", &[1 << 21])],
        result: &[1 << 21],
        temporary: 16 << 20,
    },
    Work {
        formula: DISTANCES,
        inputs: &[("p", &[1100, 3]), ("q", &[1000, 3])],
        result: &[1100, 1000],
        temporary: 1100 * 1000 * 8,
    },
    Work {
        formula: PRODUCT,
        inputs: &[("a", &[100, 120]), ("b", &[120, 100])],
        result: &[100, 100],
        temporary: 100 * 120 * 100 * 8,
    },
    Work {
        formula: SOFTMAX,
        inputs: &[("m", &[1100, 1000])],
        result: &[1100, 1000],
        temporary: 1100 * 1000 * 8,
    },
    Work {
        formula: STENCIL,
        inputs: &[("x", &[(1 << 21) + 2])],
        result: &[1 << 21],
        temporary: 16 << 20,
    },
];

/// N + M exponentials are kept: a formula that does need an array of its own, which must be seen.
const KEEPING: Work = Work {
    formula: OUTER,
    inputs: &[("a", &[1 << 20]), ("b", &[2])],
    result: &[1 << 20, 2],
    temporary: 8 << 20,
};

/// The most bytes that a first call held beside inputs, output and compiled code.
fn held(work: &Work, threads: usize) -> usize {
    let engine = Engine::builder().threads(threads).build().expect("an engine");
    let types: Vec<_> = work
        .inputs
        .iter()
        .map(|&(name, shape)| (name, InputType::array(DType::F64, shape)))
        .collect();
    let formula = engine.formula(work.formula).expect("parses");
    let prepared = formula.prepare(&types).expect("compiles");
    let len = |shape: &[usize]| shape.iter().product::<usize>();
    let element = |i: usize| (i % 1013) as f64 / 512.0;
    let arrays: Vec<Vec<f64>> =
        work.inputs.iter().map(|(_, shape)| (0..len(shape)).map(element).collect()).collect();
    let mut out = vec![0.0; len(work.result)];
    let (done, bytes) = peak(|| {
        let views = work.inputs.iter().zip(&arrays).map(|(input, array)| {
            let view = View::from_shaped(array.as_slice(), input.1).expect("fits");
            (input.0, Input::array(view))
        });
        let vars: Vars<'_> = views.collect();
        let mut out = ViewMut::from_shaped(&mut out, work.result).expect("fits");
        prepared.evaluate_into(vars, &mut out)
    });
    done.unwrap_or_else(|error| panic!("{}: {error:?}", work.formula));
    bytes
}

/// The same on a thread that has no scratch memory yet.
fn on_new_thread(work: &Work, threads: usize) -> usize {
    std::thread::scope(|scope| scope.spawn(|| held(work, threads)).join().expect("no panic"))
}

#[test]
fn no_formula_needs_more_than_a_mebibyte_a_thread() {
    super::alone("tutorials::no_formula_needs_more_than_a_mebibyte_a_thread", check_memory);
}

fn check_memory() {
    let (kept, bytes) = peak(|| vec![0_u8; 3 << 20]);
    assert!(bytes >= kept.len(), "the allocator counts: {bytes}");
    let bytes = on_new_thread(&KEEPING, 1);
    assert!(bytes >= KEEPING.temporary, "the exponentials of a: {bytes}");
    let mut failures = Vec::new();
    for work in WORK {
        assert!(work.temporary >= 8 << 20, "{}: nothing to see", work.formula);
        for threads in [1, 2] {
            let bytes = on_new_thread(work, threads);
            println!("{bytes:>10} bytes, {threads} threads: {}", work.formula);
            if bytes > threads << 20 {
                failures.push(format!("{}: {bytes} bytes on {threads} threads", work.formula));
            }
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}
