//! Polynomials inside sums: which value is the variable, and what its coefficients are.
//!
//! An expanded sum is split into a polynomial in one variable, any value that is not a constant, and
//! the *other* terms, which stay as they were written. A coefficient is a constant; or a value that no
//! rounded product hides in: an input, or a scalar that is not a product, quotient, root or fma (the
//! conditions of contraction, `docs/numerics.md`); the leading one may be any value, since nothing is
//! added to its product but such. A second term of the same degree merges when both coefficients are
//! constants whose sum is exact, and is an other term otherwise.

use fuse_ir::DType;
use fuse_ops::Op;

use super::coefficient::Coefficient;
use super::rounding::{Expansion, Term};
use crate::graph::{Constant, Graph, Node, NodeId};

/// Variables tried for one sum.
const MAX_TRIED: usize = 4;

/// A coefficient.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Factor {
    /// 1.
    One,
    /// A constant, and how often it is rounded.
    Constant(Constant, u32),
    /// A value.
    Value(NodeId),
}

/// A term of a polynomial.
#[derive(Clone, Debug)]
pub(super) struct Power {
    pub(super) degree: i32,
    pub(super) factor: Factor,
    /// The least rounding count of the written terms of this degree.
    pub(super) roundings: u32,
}

/// A term outside of the polynomial.
#[derive(Clone, Copy, Debug)]
pub(super) struct Other {
    pub(super) node: NodeId,
    pub(super) subtracted: bool,
    pub(super) roundings: u32,
}

/// A polynomial in a variable, highest degree first, and what is added to it.
#[derive(Clone, Debug)]
pub(super) struct Polynomial {
    pub(super) variable: NodeId,
    pub(super) powers: Vec<Power>,
    pub(super) others: Vec<Other>,
    /// The fewest additions that a term of the polynomial passed.
    pub(super) path: u32,
}

/// The polynomials that an expanded sum may be seen as, best first: by the variable's frequency, then
/// by its first occurrence.
pub(super) fn polynomials(graph: &Graph, expansion: &Expansion) -> Vec<Polynomial> {
    let mut counts: Vec<(NodeId, usize)> = Vec::new();
    for &(leaf, exponent) in expansion.terms.iter().flat_map(|term| &term.factors) {
        match counts.iter_mut().find(|(known, _)| *known == leaf) {
            _ if exponent < 1 => {}
            Some((_, count)) => *count += 1,
            None => counts.push((leaf, 1)),
        }
    }
    counts.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    let candidates = counts.iter().take(MAX_TRIED);
    candidates
        .filter_map(|&(variable, _)| polynomial(graph, expansion, variable, &counts))
        .collect()
}

fn polynomial(
    graph: &Graph,
    expansion: &Expansion,
    variable: NodeId,
    counts: &[(NodeId, usize)],
) -> Option<Polynomial> {
    let dtype = graph.dtype(variable);
    let mut split = Split { graph, dtype, counts, parts: Vec::new(), others: Vec::new() };
    for term in &expansion.terms {
        split.add(term, variable)?;
    }
    split.leading_value();
    let mut powers =
        split.parts.iter().map(|part| part.power(dtype)).collect::<Option<Vec<_>>>()?;
    powers.sort_by_key(|power| std::cmp::Reverse(power.degree));
    let nested = powers.len() >= 2 && powers[0].degree >= 2;
    let in_range = constants_are_in_range(dtype, &powers);
    let path = split.parts.iter().map(|part| part.path).min()?;
    let others = split.others;
    (nested && in_range).then_some(Polynomial { variable, powers, others, path })
}

/// The horner form adds values that the written form multiplies by small powers first: the guarantee
/// needs Σ|coefficients| < 2^1023 (2^127 for f32), as far as they are known.
fn constants_are_in_range(dtype: DType, powers: &[Power]) -> bool {
    let magnitude = |power: &Power| match power.factor {
        Factor::Constant(constant, _) => constant.as_float().map_or(0.0, f64::abs),
        Factor::One | Factor::Value(_) => 1.0,
    };
    let limit = if dtype == DType::F32 { 2f64.powi(127) } else { 2f64.powi(1023) };
    powers.iter().map(magnitude).sum::<f64>() < limit
}

/// Terms of one degree.
struct Part {
    degree: i32,
    coefficient: Coefficient,
    value: Option<NodeId>,
    roundings: u32,
    source: Option<(NodeId, bool)>,
    path: u32,
}

impl Part {
    fn power(&self, dtype: DType) -> Option<Power> {
        let factor = match self.value {
            Some(value) => Factor::Value(value),
            None if self.coefficient.is_one() => Factor::One,
            None => {
                let (constant, roundings) = self.coefficient.constant(dtype)?;
                Factor::Constant(constant, roundings)
            }
        };
        Some(Power { degree: self.degree, factor, roundings: self.roundings })
    }
}

struct Split<'a> {
    graph: &'a Graph,
    dtype: DType,
    counts: &'a [(NodeId, usize)],
    parts: Vec<Part>,
    others: Vec<Other>,
}

impl Split<'_> {
    /// Puts a term into the polynomial or beside it; `None` where it fits neither.
    fn add(&mut self, term: &Term, variable: NodeId) -> Option<()> {
        let degree = term.factors.iter().find(|(leaf, _)| *leaf == variable).map_or(0, |f| f.1);
        let mut rest = term.factors.iter().filter(|(leaf, _)| *leaf != variable);
        let value = match (rest.next(), rest.next()) {
            (None, _) => None,
            (Some(&(leaf, 1)), None) if term.coefficient.is_one() => Some(leaf),
            (Some(_), _) => return self.beside(term),
        };
        // A value that occurs in other terms is the variable of a polynomial of its own.
        let stays_out = |value| !may_be_added(self.graph, value) || self.occurs_again(value);
        if degree < 0 || (degree == 0 && value.is_some_and(stays_out)) {
            return self.beside(term);
        }
        match self.parts.iter_mut().find(|part| part.degree == degree) {
            None => {
                let &Term { coefficient, roundings, source, path, .. } = term;
                self.parts.push(Part { degree, coefficient, value, roundings, source, path });
                Some(())
            }
            Some(part) => {
                let sum = part.coefficient.plus(term.coefficient, self.dtype);
                let constants = value.is_none() && part.value.is_none();
                match sum.filter(|_| constants) {
                    None => self.beside(term),
                    Some(sum) => {
                        part.coefficient = sum;
                        part.roundings = part.roundings.min(term.roundings);
                        part.path = part.path.min(term.path);
                        part.source = None;
                        Some(())
                    }
                }
            }
        }
    }

    fn beside(&mut self, term: &Term) -> Option<()> {
        let (node, subtracted) = term.source?;
        self.others.push(Other { node, subtracted, roundings: term.path });
        Some(())
    }

    /// All but the leading coefficient are added to a product.
    fn leading_value(&mut self) {
        let top = self.parts.iter().map(|part| part.degree).max();
        let (graph, others) = (self.graph, &mut self.others);
        self.parts.retain(|part| {
            let Some(value) = part.value.filter(|_| Some(part.degree) != top) else { return true };
            let Some((node, subtracted)) = part.source else { return true };
            let stays = may_be_added(graph, value);
            if !stays {
                others.push(Other { node, subtracted, roundings: part.path });
            }
            stays
        });
    }

    fn occurs_again(&self, value: NodeId) -> bool {
        self.counts.iter().any(|&(leaf, count)| leaf == value && count > 1)
    }
}

/// May a product be contracted with the addition of this value, whatever their signs? Inputs and
/// constants; scalars unless they are rounded products, quotients or roots themselves; integers always.
pub(super) fn may_be_added(graph: &Graph, value: NodeId) -> bool {
    if !graph.dtype(value).is_float() {
        return true;
    }
    match graph.node(value) {
        Node::Input(_) | Node::Const(_) | Node::Symbol(_) | Node::Index { .. } => true,
        Node::Expand(..) | Node::View(..) | Node::Text(_) | Node::Predicate(..) => true,
        Node::Power(..) => false,
        Node::Reduce(..) => graph.ty(value).shape.is_empty(),
        Node::Apply(Op::Add | Op::Sub, _) => graph.ty(value).shape.is_empty(),
        Node::Apply(op, args) => {
            // An f16 array is computed on in f32, which is the same input.
            let half =
                graph.dtype(args[0]) == DType::F16 && matches!(graph.node(args[0]), Node::Input(_));
            let is_scalar = graph.ty(value).shape.is_empty();
            op == Op::Cast && may_be_added(graph, args[0]) && (half || is_scalar)
        }
    }
}
