//! Monomials, and how often each is rounded.
//!
//! A value built from `+ - *`, fma, small powers and constants is a sum of monomials: products of
//! *leaves*, which are values that are not looked into. r(m) is the number of roundings that the
//! monomial m passes on its way to the result. One for each `+ - * /` and each fma; none for a negation
//! and for a product by ±2^k; a factor brings its own: x^n, as a product of squares, is rounded n-1
//! times, since x^2k has twice the roundings of x^k and one more.
//!
//! ```text
//! x + x**2 + x**3      x: 2     x**2: 1 + 2     x**3: 2 + 1
//! fma(x, fma(x, x, x), x)  x: 1     x**2: 2         x**3: 2
//! ```
//!
//! The computed value lies within Σ γ_r(m)·|m| of the exact one, γ_k = k·u/(1 - k·u). So a rewrite with
//! r′(m) ≤ r(m) for every m is no less accurate, for any input in range. This is what every relaxed rule
//! has to show, and what [`no_worse`] checks.
//!
//! **Limits.** A sum of products is expanded over one factor that is a monomial, `x*(1 + x*(…))`, never
//! over two sums, so that the number of terms is at most that of the nodes; more than [`MAX_TERMS`]
//! terms are not expanded at all. Cost: a constant number of steps for each term.

use fuse_ir::DType;
use fuse_ops::Op;
use smallvec::SmallVec;

use super::coefficient::{Coefficient, is_power_of_two};
use crate::graph::{Graph, Node, NodeId};

/// Sums of more terms are left alone.
pub const MAX_TERMS: usize = 128;

/// Values of more sums and products are left alone.
const MAX_INTERIOR: usize = 4 * MAX_TERMS;

/// Products of more factors are leaves.
const MAX_FACTORS: usize = 32;

/// Exponents beyond this are not followed.
const MAX_DEGREE: i32 = 1024;

/// Leaves with their exponents, sorted by leaf.
pub type Factors = SmallVec<[(NodeId, i32); 2]>;

/// A monomial of an expanded value.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// The leaves.
    pub factors: Factors,
    /// The constants.
    pub coefficient: Coefficient,
    /// How often the monomial is rounded.
    pub roundings: u32,
    /// How many of these roundings lie between the term's own node and the root.
    pub path: u32,
    /// The node that computes the term, and whether it is subtracted; `None` for terms that a product
    /// with a sum distributes over.
    pub source: Option<(NodeId, bool)>,
}

/// A value as a sum of monomials, in the order in which they are written.
#[derive(Clone, Debug, PartialEq)]
pub struct Expansion {
    /// The monomials.
    pub terms: Vec<Term>,
    /// Sums and products that were looked into, the root first.
    pub interior: Vec<NodeId>,
}

/// Whether products with sums are expanded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Products {
    /// `x*(a + b)` is two terms.
    Distribute,
    /// `x*(a + b)` is one leaf.
    Keep,
}

/// What a part of the walk is multiplied by.
#[derive(Clone)]
struct Outer {
    factors: Factors,
    coefficient: Coefficient,
    roundings: u32,
    path: u32,
    /// Only sums so far: is the part subtracted?
    subtracted: Option<bool>,
}

/// A product of leaves and constants.
struct Monomial {
    factors: Factors,
    coefficient: Coefficient,
    roundings: u32,
}

/// Expands a value; `None` where it has too many terms.
pub fn expand(
    graph: &Graph,
    root: NodeId,
    is_leaf: &dyn Fn(NodeId) -> bool,
    products: Products,
) -> Option<Expansion> {
    let dtype = graph.dtype(root);
    let walk = Walk { graph, dtype, is_leaf, products };
    let mut expansion = Expansion { terms: Vec::new(), interior: Vec::new() };
    let outer = Outer {
        factors: Factors::new(),
        coefficient: Coefficient::one(dtype),
        roundings: 0,
        path: 0,
        subtracted: Some(false),
    };
    let mut stack = vec![(root, outer)];
    while let Some((id, outer)) = stack.pop() {
        let is_root = id == root && expansion.interior.is_empty();
        walk.step(id, outer, is_root, &mut stack, &mut expansion);
        let n_terms = expansion.terms.len() + stack.len();
        if n_terms > MAX_TERMS || expansion.interior.len() > MAX_INTERIOR {
            return None;
        }
    }
    Some(expansion)
}

struct Walk<'a> {
    graph: &'a Graph,
    dtype: DType,
    is_leaf: &'a dyn Fn(NodeId) -> bool,
    products: Products,
}

impl Walk<'_> {
    fn step(
        &self,
        id: NodeId,
        outer: Outer,
        is_root: bool,
        stack: &mut Vec<(NodeId, Outer)>,
        expansion: &mut Expansion,
    ) {
        let node = self.graph.node(id);
        let Node::Apply(op, args) = node else { return self.emit(id, outer, is_root, expansion) };
        if !is_root && (self.is_leaf)(id) {
            return self.emit(id, outer, is_root, expansion);
        }
        match op {
            Op::Add | Op::Sub if op == Op::Sub || args[0] != args[1] => {
                stack.push((args[1], outer.clone().added(op == Op::Sub)));
                stack.push((args[0], outer.added(false)));
            }
            Op::Neg => stack.push((args[0], outer.negated())),
            Op::Fma => {
                let Some((factor, other)) = self.one_monomial(args) else {
                    return self.emit(id, outer, is_root, expansion);
                };
                stack.push((args[2], outer.clone().added(false)));
                stack.push((other, outer.multiplied(&factor, 1)));
            }
            _ => match self.distributed(op, args, &outer) {
                Some(inner) => stack.push(inner),
                None => return self.emit(id, outer, is_root, expansion),
            },
        }
        expansion.interior.push(id);
    }

    /// The sum inside a product with a monomial or a quotient by a constant, with what it is multiplied
    /// by; `None` where it is a monomial as a whole, or a product of two sums.
    fn distributed(&self, op: Op, args: [NodeId; 3], outer: &Outer) -> Option<(NodeId, Outer)> {
        if self.products == Products::Keep {
            return None;
        }
        if op == Op::Mul {
            let (factor, other) = self.one_monomial(args)?;
            self.monomial(other).is_none().then_some(())?;
            let rounds = u32::from(!factor.is_exact_scale());
            return Some((other, outer.clone().multiplied(&factor, rounds)));
        }
        let divisor = self.graph.as_constant(args[1]).filter(|_| op == Op::Div)?;
        self.monomial(args[0]).is_none().then_some(())?;
        let inverse = Coefficient::one(self.dtype).over(Coefficient::of(divisor)?);
        let factor = Monomial { factors: Factors::new(), coefficient: inverse, roundings: 0 };
        Some((args[0], outer.clone().multiplied(&factor, 1)))
    }

    /// The first two operands as a monomial and another value, whichever is the monomial.
    fn one_monomial(&self, args: [NodeId; 3]) -> Option<(Monomial, NodeId)> {
        match self.monomial(args[0]) {
            Some(factor) => Some((factor, args[1])),
            None => self.monomial(args[1]).map(|factor| (factor, args[0])),
        }
    }

    fn emit(&self, id: NodeId, outer: Outer, is_root: bool, expansion: &mut Expansion) {
        let own = if is_root { self.product(id, true) } else { self.monomial(id) };
        let own = own.unwrap_or_else(|| self.leaf(id));
        let (path, subtracted) = (outer.path, outer.subtracted);
        let all = outer.multiplied(&own, 0);
        expansion.terms.push(Term {
            factors: all.factors,
            coefficient: all.coefficient,
            roundings: all.roundings,
            path,
            source: subtracted.map(|subtracted| (id, subtracted)),
        });
    }

    fn leaf(&self, id: NodeId) -> Monomial {
        let factors = [(id, 1)].into_iter().collect();
        Monomial { factors, coefficient: Coefficient::one(self.dtype), roundings: 0 }
    }

    /// A product of leaves; `None` for sums.
    fn monomial(&self, id: NodeId) -> Option<Monomial> {
        self.product(id, false)
    }

    fn product(&self, id: NodeId, opened: bool) -> Option<Monomial> {
        let mut product = Monomial {
            factors: Factors::new(),
            coefficient: Coefficient::one(self.dtype),
            roundings: 0,
        };
        let mut stack: SmallVec<[(NodeId, i32); 8]> = [(id, 1)].into_iter().collect();
        let mut steps = 0;
        while let Some((part, times)) = stack.pop() {
            steps += 1;
            if steps > MAX_FACTORS || times > MAX_DEGREE {
                return None;
            }
            let open = opened && part == id && steps == 1;
            self.factor(part, times, open, &mut product, &mut stack)?;
        }
        Some(product)
    }

    /// One factor of a product, to the power `times`.
    fn factor(
        &self,
        id: NodeId,
        times: i32,
        open: bool,
        product: &mut Monomial,
        stack: &mut SmallVec<[(NodeId, i32); 8]>,
    ) -> Option<()> {
        let leaf = !open && (self.is_leaf)(id);
        match self.graph.node(id) {
            _ if leaf => product.add(id, times),
            Node::Const(constant) => {
                let constant = Coefficient::of(constant).filter(|_| times == 1)?;
                product.coefficient = product.coefficient.times(constant);
            }
            Node::Power(base, exponent) if exponent > 0 => {
                product.roundings += (exponent - 1).unsigned_abs() * times.unsigned_abs();
                stack.push((base, times.saturating_mul(exponent)));
            }
            Node::Apply(Op::Mul, args) => {
                product.roundings += u32::from(!self.scales(args)) * times.unsigned_abs();
                stack.push((args[1], times));
                stack.push((args[0], times));
            }
            Node::Apply(Op::Neg, args) if times == 1 => {
                product.coefficient = product.coefficient.minus();
                stack.push((args[0], times));
            }
            Node::Apply(Op::Add, args) if args[0] == args[1] && times == 1 => {
                let two = Coefficient::of(self.number(2.0))?;
                product.coefficient = product.coefficient.times(two);
                stack.push((args[0], times));
            }
            Node::Apply(Op::Div, args) if times == 1 && self.is_constant(args[1]) => {
                let divisor = Coefficient::of(self.graph.as_constant(args[1])?)?;
                product.coefficient = product.coefficient.over(divisor);
                product.roundings += 1;
                stack.push((args[0], times));
            }
            Node::Apply(Op::Add | Op::Sub | Op::Fma, _) if times == 1 => return None,
            Node::Input(_) | Node::Apply(..) | Node::Power(..) => product.add(id, times),
            Node::Symbol(_) | Node::Index { .. } | Node::Expand(..) | Node::View(..) => {
                product.add(id, times);
            }
            Node::Reduce(..) | Node::Text(_) | Node::Predicate(..) => {
                product.add(id, times);
            }
        }
        Some(())
    }

    fn is_constant(&self, id: NodeId) -> bool {
        self.graph.as_constant(id).is_some()
    }

    fn number(&self, value: f64) -> crate::graph::Constant {
        use crate::graph::Constant;
        if self.dtype.is_float() {
            Constant::float(self.dtype, value)
        } else {
            Constant::int(self.dtype, value as i64)
        }
    }

    /// Is one of two factors ±2^k?
    fn scales(&self, args: [NodeId; 3]) -> bool {
        args[..2].iter().any(|&arg| {
            let value = self.graph.as_constant(arg).and_then(|constant| constant.as_float());
            value.is_some_and(is_power_of_two)
        })
    }
}

impl Monomial {
    fn add(&mut self, leaf: NodeId, times: i32) {
        insert(&mut self.factors, leaf, times);
    }

    /// Is it ±2^k alone?
    fn is_exact_scale(&self) -> bool {
        match self.coefficient {
            Coefficient::Float { numerator, denominator, roundings } => {
                let exact = numerator.is_power_of_two() && denominator.is_power_of_two();
                self.factors.is_empty() && exact && roundings == 0
            }
            Coefficient::Int(_) => true,
        }
    }
}

impl Outer {
    fn added(mut self, subtracted: bool) -> Outer {
        self.roundings += 1;
        self.path += 1;
        if subtracted { self.negated() } else { self }
    }

    fn negated(mut self) -> Outer {
        self.coefficient = self.coefficient.minus();
        self.subtracted = self.subtracted.map(|subtracted| !subtracted);
        self
    }

    fn multiplied(mut self, factor: &Monomial, rounds: u32) -> Outer {
        for &(leaf, times) in &factor.factors {
            insert(&mut self.factors, leaf, times);
        }
        self.coefficient = self.coefficient.times(factor.coefficient);
        self.roundings += factor.roundings + rounds;
        self.subtracted = None;
        self
    }
}

fn insert(factors: &mut Factors, leaf: NodeId, times: i32) {
    match factors.binary_search_by_key(&leaf, |factor| factor.0) {
        Ok(position) => factors[position].1 += times,
        Err(position) => factors.insert(position, (leaf, times)),
    }
}

/// A monomial with its rounding count, the constants' own roundings included.
pub type Counted = (Factors, u32);

/// Is r′ ≤ r for every monomial? A monomial written more than once counts as its best.
pub fn no_worse(before: &[Counted], after: &[Counted]) -> bool {
    after.iter().all(|(factors, roundings)| {
        let same = before.iter().filter(|(other, _)| other == factors);
        same.map(|(_, count)| *count).min().is_some_and(|least| *roundings <= least)
    })
}
