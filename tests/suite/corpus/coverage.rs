//! Nothing is left out: every row of the operator table meets every dtype it accepts, and every rule
//! of the optimizer fires in some case.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use fuse::{DType, Mode};
use fuse_compile::graph::{Graph, Node, NodeId};
use fuse_compile::opt::RULES;
use fuse_compile::{Compiled, Options, Variable};
use fuse_ops::table::{Row, Syntax, TABLE};
use fuse_ops::{ArgType, FORMS, Op};
use fuse_syntax::SyntaxLimits;

use super::format::{Case, Expect, cases, themes};

/// The dtypes that formulas compute on.
pub(crate) static COMPUTABLE: LazyLock<Vec<DType>> =
    LazyLock::new(|| DType::ALL.iter().copied().filter(|dtype| dtype.mem().is_some()).collect());

/// All cases that have a value, compiled.
pub(crate) fn compiled_cases() -> Vec<(Case, Compiled)> {
    let all = themes().into_iter().flat_map(|theme| cases(&theme));
    let with_value = all.filter(|case| matches!(case.expect, Expect::Values(_)));
    with_value.filter_map(|case| compile(&case).map(|compiled| (case, compiled))).collect()
}

fn compile(case: &Case) -> Option<Compiled> {
    let ast = fuse_syntax::parse(&case.formula, &SyntaxLimits::default()).ok()?;
    let types = case.types();
    let variables: Vec<Variable<'_>> =
        types.iter().map(|(name, ty)| fuse_compile::variable(name, ty.clone())).collect();
    let options = Options { mode: case.mode, ..Options::default() };
    fuse_compile::compile(&ast, &variables, options).ok()
}

/// An operator on a dtype, before the casts that typing wrote.
type Use = (Op, DType);

fn uses(graph: &Graph) -> BTreeSet<Use> {
    let written = |id: NodeId| match graph.node(id) {
        Node::Apply(Op::Cast, args) => graph.dtype(args[0]),
        Node::Apply(..) | Node::Input(_) | Node::Const(_) | Node::Power(..) => graph.dtype(id),
        Node::Symbol(_) | Node::Index { .. } | Node::Expand(..) | Node::View(..) => graph.dtype(id),
        Node::Reduce(..) | Node::Text(_) | Node::Predicate(..) => graph.dtype(id),
    };
    let mut uses = BTreeSet::new();
    for (id, node) in graph.iter() {
        match node {
            Node::Apply(Op::Cast, args) => {
                uses.insert((Op::Cast, graph.dtype(args[0])));
            }
            Node::Apply(op, _) | Node::Reduce(op, ..) => {
                let args = node.args();
                let args = if op == Op::Where { &args[1..] } else { args };
                uses.extend(
                    args.iter().flat_map(|&arg| [(op, written(arg)), (op, graph.dtype(arg))]),
                );
            }
            Node::Power(..) => {
                uses.insert((Op::Pow, graph.dtype(id)));
            }
            Node::Input(_) | Node::Const(_) | Node::Symbol(_) | Node::Index { .. } => {}
            Node::Expand(..) | Node::View(..) | Node::Text(_) | Node::Predicate(..) => {}
        }
    }
    uses
}

/// Does a row take arguments of this dtype?
fn accepts(row: &Row, dtype: DType) -> bool {
    let mut args = vec![ArgType::strong(dtype); row.arity];
    if row.op == Op::Where {
        args[0] = ArgType::strong(DType::Bool);
    }
    match row.op {
        // f16 is computed in f32.
        Op::Fma | Op::SumOfProducts => dtype.is_float() && dtype != DType::F16,
        Op::SquaredDeviations | Op::DeviationsOfNumbers | Op::Norm => dtype.is_float(),
        op => op.typed(&args).is_ok(),
    }
}

#[test]
fn every_row_of_the_operator_table_has_a_case_for_each_dtype() {
    let mut covered = BTreeSet::new();
    for (_, compiled) in compiled_cases() {
        covered.extend(uses(&compiled.graph));
        let by_optimizer = |used: &Use| matches!(used.0, Op::Fma | Op::SumOfProducts);
        covered.extend(uses(&compiled.optimized).into_iter().filter(by_optimizer));
    }
    let mut missing = Vec::new();
    for row in TABLE {
        for &dtype in COMPUTABLE.iter().chain(&[DType::C64, DType::C128]) {
            if accepts(row, dtype) && !covered.contains(&(row.op, dtype)) {
                missing.push(format!("{} of {dtype}", row.name));
            }
        }
    }
    assert!(missing.is_empty(), "no corpus case for: {}", missing.join(", "));
}

/// Names and aliases are two spellings of one row; some case writes each operator, or calls it.
#[test]
fn every_spelling_is_written_in_some_formula() {
    let formulas: Vec<String> =
        themes().iter().flat_map(|theme| cases(theme)).map(|case| case.formula).collect();
    let is_written = |word: &str| formulas.iter().any(|formula| formula.contains(word));
    for row in TABLE {
        let (word, call) = match row.syntax {
            Syntax::Infix(symbol) | Syntax::Prefix(symbol) => (symbol, false),
            Syntax::Function => (row.name, true),
            Syntax::Internal => continue,
        };
        let text = if call { format!("{word}(") } else { word.to_string() };
        assert!(is_written(&text), "no case writes `{text}`");
    }
    for form in FORMS {
        assert!(is_written(&format!("{}(", form.name)), "no case writes `{}(`", form.name);
    }
    // Each reduction with each of its parameters.
    let written = TABLE.iter().filter(|row| row.syntax != Syntax::Internal);
    let rows = written.map(|row| (row.name, row.op.parameters()));
    let forms = FORMS.iter().map(|form| (form.name, form.parameters));
    for (name, parameters) in rows.chain(forms) {
        for parameter in parameters {
            let with = |formula: &&String| {
                formula.contains(&format!("{name}("))
                    && formula.contains(&format!("{}=", parameter.name()))
            };
            let parameter = parameter.name();
            assert!(formulas.iter().any(|formula| with(&formula)), "no case: {name}, {parameter}=");
        }
    }
}

#[test]
fn every_rule_of_the_optimizer_fires_in_some_case() {
    let fired: BTreeSet<_> = compiled_cases()
        .iter()
        .flat_map(|(_, compiled)| {
            compiled.report.fired.iter().map(|(rule, _)| *rule).collect::<Vec<_>>()
        })
        .collect();
    let silent: Vec<&str> =
        RULES.iter().filter(|rule| !fired.contains(&rule.rule)).map(|rule| rule.name).collect();
    assert!(silent.is_empty(), "no corpus case makes these rules fire: {}", silent.join(", "));
}

/// In strict mode only exact rules may fire.
#[test]
fn relaxed_rules_never_fire_in_strict_mode() {
    for (case, compiled) in compiled_cases() {
        if case.mode == Mode::Strict {
            for (rule, _) in &compiled.report.fired {
                let class = rule.row().class;
                assert_eq!(class, fuse_compile::opt::RuleClass::Exact, "{}: {rule}", case.name);
            }
        }
    }
}

/// Every primitive that some case's kernels hold.
pub(crate) fn corpus_primitives() -> BTreeSet<fuse_ir::Prim> {
    let cases = compiled_cases();
    let passes = cases.iter().flat_map(|(_, compiled)| &compiled.program.passes);
    passes.flat_map(|pass| crate::formulas::histogram::primitives(pass.kernel.kernel())).collect()
}
