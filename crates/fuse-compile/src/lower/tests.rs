//! Which passes a formula becomes, and what their kernels hold.

use fuse_ir::{DType, InputClass, InputType, Pass, Program, Reach, Sink, Source, Strength};
use fuse_syntax::{SyntaxLimits, parse};

use super::KERNEL_BUDGET;
use crate::opt::Mode;
use crate::{Options, compile, variable};

/// Compiles a formula; a variable is `(name, dtype, extents)`.
fn program(formula: &str, variables: &[(&str, DType, &[usize])]) -> Program {
    let ast = parse(formula, &SyntaxLimits::default()).expect("it parses");
    let variables: Vec<_> = variables
        .iter()
        .map(|&(name, dtype, extents)| variable(name, InputType::array(dtype, extents)))
        .collect();
    let options = Options { mode: Mode::Strict, ..Options::default() };
    compile(&ast, &variables, options).expect("it compiles").program
}

fn f64s(formula: &str, variables: &[(&'static str, &'static [usize])]) -> Program {
    let variables: Vec<_> = variables.iter().map(|&(name, e)| (name, DType::F64, e)).collect();
    program(formula, &variables)
}

fn arithmetic(pass: &Pass) -> (usize, usize) {
    (pass.kernel.uniform.arithmetic(), pass.kernel.lane.arithmetic())
}

fn sources(views: &[fuse_ir::OperandView]) -> Vec<Source> {
    views.iter().map(|view| view.source).collect()
}

#[test]
fn an_elementwise_formula_is_one_pass() {
    let program = f64s("a*b + a", &[("a", &[5]), ("b", &[5])]);
    assert_eq!(program.passes.len(), 1);
    let pass = &program.passes[0];
    assert_eq!((pass.operands.len(), arithmetic(pass)), (2, (0, 2)));
    assert_eq!(pass.outputs, [Sink::Result(0)]);
    assert_eq!(program.shape_rules.len(), 1);
}

#[test]
fn questions_about_texts_are_sources_of_bools() {
    let texts: [(&str, DType, &[usize]); 3] =
        [("s", DType::Text(3), &[5]), ("t", DType::Text(7), &[5]), ("x", DType::F64, &[5])];
    let same = program("(s == t) & (t == s) & (s == 'ab') & (s == 'ab')", &texts);
    assert_eq!(same.predicates.len(), 2);
    let pass = &same.passes[0];
    assert_eq!(sources(&pass.operands), [Source::Predicate(0), Source::Predicate(1)]);
    let sliced = program("where((s < t)[1:], x[1:], 0)", &texts);
    assert_eq!((sliced.passes.len(), sliced.temporaries.len()), (1, 0));
    let fuse_ir::TextOperand::View(view) = &sliced.predicates[0].operands[0] else {
        panic!("a view of an input");
    };
    assert_eq!((view.source, view.picks.len()), (Source::Input(0), 1));
    let constant = program("x + contains('abc', 'bc')", &texts);
    assert!(constant.predicates.is_empty());
}

/// What broadcasts is asked once, not once for each element of the loop.
#[test]
fn an_answer_that_broadcasts_is_kept() {
    let program = program(
        "contains(s, 'ab')[:, None] & (x > 0)",
        &[("s", DType::Text(3), &[5]), ("x", DType::F64, &[5, 7])],
    );
    assert_eq!(program.temporaries.len(), 1);
    assert_eq!(sources(&program.passes[0].operands), [Source::Predicate(0)]);
    assert_eq!(sources(&program.passes[1].operands)[0], Source::Temporary(0));
}

#[test]
fn scalars_are_computed_once_a_call() {
    let program = f64s("(x - m) + sqrt(2*m)*m", &[("x", &[5]), ("m", &[])]);
    let pass = &program.passes[0];
    assert_eq!(arithmetic(pass), (3, 2), "2*m, sqrt and product are uniform");
    assert_eq!(sources(&pass.scalars), [Source::Input(1)]);
}

#[test]
fn dividing_by_a_scalar_takes_its_reciprocal_once() {
    let program = f64s("x / s", &[("x", &[5]), ("s", &[])]);
    let kernel = &program.passes[0].kernel;
    let divisions = |region: &fuse_ir::Region| {
        let division =
            |node: &&fuse_ir::Node| matches!(node, fuse_ir::Node::Prim(fuse_ir::Prim::FDiv, _));
        region.nodes.iter().filter(division).count()
    };
    assert_eq!(divisions(&kernel.uniform), 1);
    assert_eq!(divisions(&kernel.lane), 0);
    assert_eq!(divisions(&kernel.regions[0]), 1, "the rare region divides");
}

#[test]
fn an_outer_product_computes_its_factors_at_their_own_rate() {
    let program = f64s("sqrt(a) * sqrt(b)", &[("a", &[5, 1]), ("b", &[1, 7])]);
    assert_eq!(program.passes.len(), 3);
    assert_eq!(program.temporaries.len(), 2);
    let product = &program.passes[2];
    assert_eq!(arithmetic(product), (0, 1));
    let classes: Vec<InputClass> = product.kernel.inputs.iter().map(|input| input.class).collect();
    assert!(classes.contains(&InputClass::Splat) && classes.contains(&InputClass::Stream));
}

#[test]
fn what_costs_no_more_than_a_load_is_computed_again() {
    let program = f64s("(a + 1) * b", &[("a", &[5, 1]), ("b", &[1, 7])]);
    assert_eq!(program.passes.len(), 1);
}

#[test]
fn a_reduction_inside_a_formula_is_a_pass_before_it() {
    let program = f64s("x / sum(x*x)", &[("x", &[5])]);
    assert_eq!(program.passes.len(), 2);
    assert_eq!(program.passes[0].folds, [[[Sink::Temporary(0)]]]);
    assert_eq!(sources(&program.passes[1].scalars), [Source::Temporary(0)]);
}

#[test]
fn a_reduction_that_is_the_result_needs_no_temporary() {
    let program = f64s("sum(x)", &[("x", &[5])]);
    assert!(program.temporaries.is_empty());
    assert_eq!(program.passes[0].folds, [[[Sink::Result(0)]]]);
}

#[test]
fn two_reductions_over_one_array_share_a_pass() {
    let program = f64s("sum(x) + sum(x*x)", &[("x", &[5])]);
    assert_eq!(program.passes.len(), 2);
    assert_eq!(program.passes[0].folds.len(), 2);
}

#[test]
fn inputs_and_constants_can_be_results() {
    assert_eq!(f64s("x", &[("x", &[5])]).passes[0].operands.len(), 1);
    assert_eq!(f64s("k", &[("k", &[])]).passes[0].scalars.len(), 1);
    assert_eq!(f64s("pi", &[]).passes[0].outputs, [Sink::Result(0)]);
}

#[test]
fn a_very_large_formula_is_cut_into_kernels_of_bounded_size() {
    let terms: Vec<String> = (0..10_000).map(|k| format!("(x + {k}.5)*(y - {k}.25)")).collect();
    let program = f64s(&terms.join(" + "), &[("x", &[5]), ("y", &[5])]);
    assert!(program.passes.len() > 1);
    let locals: usize = program.nests.iter().map(|nest| nest.locals.len()).sum();
    let arrays = program.temporaries.len() - locals;
    assert!(arrays <= 6, "{arrays} whole arrays between passes");
    assert!(program.nests.iter().all(|nest| nest.locals.len() <= 32), "tiles would be short");
    for pass in &program.passes {
        assert!(pass.kernel.size() <= KERNEL_BUDGET + 100, "{}", pass.kernel.size());
        assert!(pass.operands.len() <= 8, "{} operands cross a cut", pass.operands.len());
    }
}

#[test]
fn roots_weigh_in_rates_not_in_the_size_of_kernels() {
    let terms: Vec<String> = (0..250).map(|k| format!("sqrt(x + {k}.5)")).collect();
    assert_eq!(f64s(&terms.join(" + "), &[("x", &[5])]).passes.len(), 2);
}

#[test]
fn weak_scalars_take_on_the_array_s_type_under_a_fit_rule() {
    let ast = parse("i + k", &SyntaxLimits::default()).expect("it parses");
    let k = InputType::scalar(DType::I64, Strength::Weak);
    let variables = [variable("i", InputType::array(DType::I32, &[5])), variable("k", k)];
    let program = compile(&ast, &variables, Options::default()).expect("it compiles").program;
    assert_eq!(program.results[0].dtype, DType::I32);
    assert_eq!(program.fit_rules.len(), 1);
}

#[test]
fn results_of_one_shape_share_a_pass() {
    let program = f64s("a + b, a - b, a", &[("a", &[5]), ("b", &[5])]);
    assert_eq!(program.passes.len(), 1);
    let pass = &program.passes[0];
    assert_eq!((pass.operands.len(), arithmetic(pass)), (2, (0, 2)));
    let mut written = pass.outputs.clone();
    written.sort_by_key(|&sink| program_result(sink));
    assert_eq!(written, [Sink::Result(0), Sink::Result(1), Sink::Result(2)]);
    let later = f64s("a + 1, b + 1, a*b", &[("a", &[5]), ("b", &[5])]);
    assert_eq!(later.passes.len(), 1, "a*b says that both have one shape");
    let apart = f64s("a + 1, b + 1", &[("a", &[5]), ("b", &[5])]);
    assert_eq!(apart.passes.len(), 2, "nothing says that both have one shape");
}

fn program_result(sink: Sink) -> u32 {
    match sink {
        Sink::Result(position) | Sink::Part(position, _) => position,
        Sink::Temporary(position) => panic!("temporary {position} is no result"),
    }
}

#[test]
fn one_value_can_be_several_results() {
    let program = f64s("x*x, x, x*x", &[("x", &[5])]);
    assert_eq!(program.passes.len(), 1);
    let pass = &program.passes[0];
    assert_eq!((arithmetic(pass), pass.outputs.len()), ((0, 1), 3));
    let program = f64s("sum(x), sum(x)", &[("x", &[5])]);
    assert!(program.temporaries.is_empty());
    assert_eq!(program.passes[0].folds, [[[Sink::Result(0), Sink::Result(1)]]]);
}

#[test]
fn reductions_beside_elementwise_results_share_their_pass() {
    let program = f64s("x*x, sum(x), sum(x*x), x + 1", &[("x", &[5])]);
    assert_eq!((program.passes.len(), program.temporaries.len()), (1, 0));
    let pass = &program.passes[0];
    assert_eq!((pass.operands.len(), pass.outputs.len(), pass.folds.len()), (1, 2, 2));
    assert_eq!(arithmetic(pass), (0, 2));
}

#[test]
fn a_reduction_that_is_read_again_is_a_result_and_a_temporary() {
    let program = f64s("sum(x), x / sum(x)", &[("x", &[5])]);
    assert_eq!(program.passes[0].folds, [[[Sink::Result(0), Sink::Temporary(0)]]]);
    assert_eq!(program.passes[1].outputs, [Sink::Result(1)]);
}

#[test]
fn results_of_other_shapes_have_passes_of_their_own() {
    let program = f64s("a*b, a + 1, k*2, 3", &[("a", &[5, 1]), ("b", &[1, 7]), ("k", &[])]);
    let spaces: Vec<usize> = program.passes.iter().map(|pass| pass.space.len()).collect();
    assert_eq!(program.passes.len(), 3, "{spaces:?}");
    let ranks: Vec<usize> = program.results.iter().map(|result| result.shape.len()).collect();
    assert_eq!(ranks, [2, 2, 0, 0]);
    assert_eq!(program.results[3].dtype, DType::I64);
}

#[test]
fn what_a_fold_keeps_is_the_domain_of_the_passes_after_it() {
    let points = [("p", [5, 3].as_slice()), ("q", &[7, 3])];
    let program = f64s("sqrt(sum((p[:,None,:] - q[None,:,:])**2, axis=2))", &points);
    let [nest] = program.nests.as_slice() else { panic!("one nest: {:?}", program.nests) };
    assert_eq!(
        (nest.passes.clone(), nest.domain.len(), nest.locals.as_slice()),
        (0..2, 2, &[0][..])
    );

    let softmax = "e = exp(m - max(m, axis=1, keepdims=True)); e / sum(e, axis=1, keepdims=True)";
    let program = f64s(softmax, &[("m", &[5, 7])]);
    let [nest] = program.nests.as_slice() else { panic!("one nest: {:?}", program.nests) };
    assert_eq!((nest.passes.end as usize, nest.domain.len()), (program.passes.len(), 1));
    assert_eq!(nest.locals.len(), program.temporaries.len());
}

#[test]
fn what_is_read_elsewhere_is_no_local() {
    // What a column sums to is read in every row; the sum of all has no axis to cut.
    for formula in ["m - sum(m, axis=0)", "m - sum(m)", "m / sum(m, axis=1)[None, :]"] {
        assert_eq!(f64s(formula, &[("m", &[5, 5])]).nests, [], "{formula}");
    }
}

#[test]
fn a_stencil_on_a_dear_value_reaches_beyond_its_tile() {
    let program = f64s("d = exp(x); d[2:] - 2*d[1:-1] + d[:-2]", &[("x", &[50])]);
    let [nest] = program.nests.as_slice() else { panic!("one nest: {:?}", program.nests) };
    assert_eq!(nest.reach, [Reach { low: 0, high: 2 }, Reach::default()]);
    assert_eq!(nest.locals, [0]);
    // Rows that are far apart are not kept with a tile; nor is what is read backwards.
    for formula in ["d = exp(x); d[100:] - d[:-100]", "d = exp(x); d - d[::-1]"] {
        assert_eq!(f64s(formula, &[("x", &[50])]).nests, [], "{formula}");
    }
}

/// The axes that each pass reduces, and how many folds it has.
fn folds(program: &Program) -> Vec<(Vec<u32>, usize)> {
    program.passes.iter().map(|pass| (pass.reduced.to_vec(), pass.folds.len())).collect()
}

#[test]
fn independent_reductions_share_a_pass() {
    let program = f64s("(x - mean(x)) / std(x)", &[("x", &[5])]);
    assert_eq!(folds(&program), [(vec![0], 2), (vec![], 0)]);
    let program = f64s("sum(x, axis=0) + sum(x*x, axis=0)", &[("x", &[5, 7])]);
    assert_eq!(folds(&program), [(vec![0], 2), (vec![], 0)]);
    let program = f64s("sum(x, axis=0), sum(x, axis=1), x*x", &[("x", &[5, 7])]);
    assert_eq!(folds(&program), [(vec![0], 1), (vec![1], 1)]);
    assert_eq!(program.passes.iter().map(|pass| pass.outputs.len()).sum::<usize>(), 1);
}

#[test]
fn what_is_reduced_is_computed_in_the_reduction_s_pass() {
    let program = f64s("max(abs(a - b), axis=1)", &[("a", &[5, 7]), ("b", &[1, 7])]);
    assert_eq!((folds(&program), program.temporaries.len()), (vec![(vec![1], 1)], 0));
    let program = f64s("argmin(x)", &[("x", &[5])]);
    assert_eq!((program.passes.len(), program.temporaries.len()), (1, 0), "the place is computed");
    let program = f64s("argmin(x, axis=1)", &[("x", &[5, 7])]);
    let shapes: Vec<usize> = program.temporaries.iter().map(|spec| spec.shape.len()).collect();
    assert_eq!((program.passes.len(), shapes), (2, vec![2]), "places along the axis, once");
}

#[test]
fn a_pass_over_some_axes_never_asks_where_it_is() {
    for formula in ["argmin(x, axis=0)", "x + arange(5)[:, None], sum(x, axis=0)"] {
        let program = f64s(formula, &[("x", &[5, 1])]);
        for pass in program.passes.iter().filter(|pass| !pass.folds.is_empty()) {
            let asks = |node: &fuse_ir::Node| {
                matches!(node, fuse_ir::Node::Prim(fuse_ir::Prim::LaneIndex, _))
            };
            assert_eq!(pass.reduced.as_slice(), [0], "{formula}");
            assert!(!pass.kernel.lane.nodes.iter().any(asks), "{formula}");
        }
    }
}

#[test]
fn kept_axes_have_extent_one() {
    let shape = |formula: &str| {
        let program = f64s(formula, &[("x", &[5, 7, 3])]);
        program.results[0].shape.iter().map(|dim| *dim == fuse_ir::Dim::One).collect::<Vec<_>>()
    };
    assert_eq!(shape("sum(x, axis=(0, -1))"), [false]);
    assert_eq!(shape("sum(x, axis=(0, -1), keepdims=True)"), [true, false, true]);
    assert_eq!(shape("std(x, 1, keepdims=True)"), [false, true, false]);
    assert_eq!(shape("mean(x, keepdims=True)"), [true, true, true]);
    assert!(shape("mean(x)").is_empty());
}
