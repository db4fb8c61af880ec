//! What the random formulas were made of, and the least that they must be made of.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use fuse::DType;
use fuse_compile::Compiled;
use fuse_compile::graph::{Graph, Node, NodeId};
use fuse_ir::{Kernel, Prim};
use fuse_ops::table::TABLE;
use fuse_ops::{Accuracy, Op};
use fuse_runtime::{Array, F16};
use fuse_testkit::formulas::Subject;

use crate::corpus::coverage::{COMPUTABLE, corpus_primitives};

/// Counts over many formulas.
#[derive(Clone, Debug, Default)]
pub(super) struct Histogram {
    sizes: Vec<usize>,
    primitives: BTreeMap<Prim, usize>,
    pairs: BTreeMap<(DType, DType), usize>,
    /// Formulas that an operator stands in.
    operators: BTreeMap<Op, usize>,
    /// Elements of float results, and those that are NaN.
    results: usize,
    nans: usize,
    operands: usize,
    non_contiguous: usize,
    elements: usize,
    special: usize,
    programs: usize,
    constant: usize,
}

impl Histogram {
    pub(super) fn add_operands(&mut self, subject: &Subject) {
        self.sizes.push(subject.tree.len());
        for operand in subject.operands.iter().filter(|operand| !operand.is_scalar) {
            self.operands += 1;
            self.non_contiguous += usize::from(!operand.is_contiguous());
            // Bool has no special values.
            if operand.dtype != DType::Bool {
                self.elements += operand.len();
                self.special += operand.n_special;
            }
        }
    }

    pub(super) fn add_program(&mut self, compiled: &Compiled) {
        self.programs += 1;
        let result = compiled.optimized.results[0];
        self.constant += usize::from(compiled.optimized.as_constant(result).is_some());
        for pass in &compiled.program.passes {
            for prim in primitives(pass.kernel.kernel()) {
                *self.primitives.entry(prim).or_default() += 1;
            }
        }
        for pair in pairs(&compiled.graph) {
            *self.pairs.entry(pair).or_default() += 1;
        }
        for op in operators(&compiled.graph) {
            *self.operators.entry(op).or_default() += 1;
        }
    }

    pub(super) fn add_result(&mut self, array: &Array) {
        let mut add = |values: &mut dyn Iterator<Item = bool>| {
            values.for_each(|is_nan| {
                self.results += 1;
                self.nans += usize::from(is_nan);
            });
        };
        if let Some(values) = array.as_slice::<f64>() {
            add(&mut values.iter().map(|value| value.is_nan()));
        }
        if let Some(values) = array.as_slice::<F16>() {
            add(&mut values.iter().map(|value| value.to_f64().is_nan()));
        }
        if let Some(values) = array.as_slice::<f32>() {
            add(&mut values.iter().map(|value| value.is_nan()));
        }
    }

    pub(super) fn merge(&mut self, other: &Histogram) {
        self.sizes.extend(&other.sizes);
        for (prim, n) in &other.primitives {
            *self.primitives.entry(*prim).or_default() += n;
        }
        for (pair, n) in &other.pairs {
            *self.pairs.entry(*pair).or_default() += n;
        }
        for (op, n) in &other.operators {
            *self.operators.entry(*op).or_default() += n;
        }
        self.results += other.results;
        self.nans += other.nans;
        self.operands += other.operands;
        self.non_contiguous += other.non_contiguous;
        self.elements += other.elements;
        self.special += other.special;
        self.programs += other.programs;
        self.constant += other.constant;
    }

    fn median(&self) -> usize {
        let mut sizes = self.sizes.clone();
        sizes.sort_unstable();
        sizes.get(sizes.len() / 2).copied().unwrap_or(0)
    }

    /// The numbers that style.md asks for. Primitives count once a place in a kernel: each is run on
    /// every element.
    pub(super) fn assert(&self) {
        assert!(self.median() >= 15, "median {} nodes", self.median());
        for prim in corpus_primitives() {
            let n = self.primitives.get(&prim).copied().unwrap_or(0);
            assert!(n >= 500, "{prim:?} was executed by {n} formulas' kernels");
        }
        for (position, &a) in COMPUTABLE.iter().enumerate() {
            for &b in &COMPUTABLE[position..] {
                let n = self.pairs.get(&(a, b)).copied().unwrap_or(0);
                assert!(n >= 100, "{a} met {b} {n} times");
            }
        }
        for row in TABLE.iter().filter(|row| matches!(row.accuracy, Accuracy::Ulp(_))) {
            let n = self.operators.get(&row.op).copied().unwrap_or(0);
            assert!(n >= 100, "{} stood in {n} formulas", row.name);
        }
        assert!(2 * self.nans < self.results, "{self}");
        assert!(5 * self.non_contiguous >= self.operands, "{self}");
        assert!(10 * self.special >= self.elements, "{self}");
        assert!(20 * self.constant < self.programs, "{self}");
    }
}

/// Every primitive of a kernel, once for each place it stands in.
pub(crate) fn primitives(kernel: &Kernel) -> Vec<Prim> {
    let nodes = kernel.all_regions().flat_map(|(_, region)| &region.nodes);
    nodes
        .filter_map(|node| match node {
            fuse_ir::Node::Prim(prim, _) => Some(*prim),
            _ => None,
        })
        .collect()
}

/// The operators of a formula.
fn operators(graph: &Graph) -> BTreeSet<Op> {
    let applied = |node| match node {
        Node::Apply(op, _) | Node::Reduce(op, ..) => Some(op),
        Node::Input(_) | Node::Const(_) | Node::Power(..) | Node::Symbol(_) => None,
        Node::Index { .. } | Node::Expand(..) | Node::View(..) => None,
        Node::Text(_) | Node::Predicate(..) => None,
    };
    graph.iter().filter_map(|(_, node)| applied(node)).collect()
}

/// The pairs of dtypes that meet in an operator, before the casts that typing wrote, each ordered.
fn pairs(graph: &Graph) -> BTreeSet<(DType, DType)> {
    let written = |id: NodeId| match graph.node(id) {
        Node::Apply(Op::Cast, args) => graph.dtype(args[0]),
        _ => graph.dtype(id),
    };
    let mut pairs = BTreeSet::new();
    for (_, node) in graph.iter() {
        let Node::Apply(op, _) = node else { continue };
        let args = if op == Op::Where { &node.args()[1..] } else { node.args() };
        if let [a, b] = args {
            let (a, b) = (written(*a), written(*b));
            let place = |dtype| COMPUTABLE.iter().position(|&other| other == dtype);
            pairs.insert(if place(a) <= place(b) { (a, b) } else { (b, a) });
        }
    }
    pairs
}

impl fmt::Display for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |part: usize, whole: usize| 100.0 * part as f64 / whole.max(1) as f64;
        writeln!(
            f,
            "{} formulas, median {} nodes; {:.0}% of the operands not contiguous, {:.0}% special \
             values, {:.1}% fold to a constant, {:.0}% of the float results are NaN",
            self.sizes.len(),
            self.median(),
            percent(self.non_contiguous, self.operands),
            percent(self.special, self.elements),
            percent(self.constant, self.programs),
            percent(self.nans, self.results),
        )?;
        for (prim, n) in &self.primitives {
            writeln!(f, "{:<14} {n:>8}", prim.mnemonic())?;
        }
        for (op, n) in &self.operators {
            writeln!(f, "{:<14} {n:>8}", op.row().name)?;
        }
        for ((a, b), n) in &self.pairs {
            writeln!(f, "{:<14} {n:>8}", format!("{a} {b}"))?;
        }
        Ok(())
    }
}
