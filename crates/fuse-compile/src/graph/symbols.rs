//! The integers of a graph that a call binds: interned, folded, in one form where several are equal.
//!
//! ```text
//! x[1:], x[:-1]          both of extent less(n, 1)
//! x[1:-1], x[2:]         both of extent less(n, 2)
//! x[3:10]                min(less(n, 3), 7)
//! ```
//!
//! One form matters: values of one extent are computed in one loop, and need no rule that says so.

use fuse_ir::{Dim, Symbol, SymbolOp, index_u32};

use super::Graph;

/// An end of a slice, on an axis of extent n.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// min(k, n), k ≥ 0.
    Front(i64),
    /// max(n - k, 0), k ≥ 0.
    Back(i64),
    /// A symbol in 0 ..= n.
    Position(u32),
}

impl Graph {
    /// A symbol, new or known.
    pub fn symbol(&mut self, symbol: Symbol) -> u32 {
        if let Some(&known) = self.symbol_ids.get(&symbol) {
            return known;
        }
        let id = index_u32(self.symbols.len());
        self.symbols.push(symbol);
        self.representatives.push(id);
        self.symbol_ids.insert(symbol, id);
        id
    }

    /// A number as a symbol.
    pub fn literal_symbol(&mut self, value: i64) -> u32 {
        self.symbol(Symbol::Literal(value))
    }

    /// The number that a symbol always is, if it is one.
    pub fn symbol_value(&self, symbol: u32) -> Option<i64> {
        match self.symbols[symbol as usize] {
            Symbol::Literal(value) => Some(value),
            Symbol::Axis { .. } | Symbol::Scalar(_) | Symbol::Apply(..) => None,
        }
    }

    /// An operation on symbols, folded and simplified.
    pub fn combine(&mut self, op: SymbolOp, a: u32, b: u32) -> u32 {
        let representative = |symbol: u32| self.representatives[symbol as usize];
        let (a, b) = (representative(a), representative(b));
        match (self.symbol_value(a), self.symbol_value(b)) {
            (Some(a), Some(b)) => self.literal_symbol(op.apply(a, b)),
            (_, Some(b)) => self.combine_literal(op, a, b),
            _ => self.symbol(Symbol::Apply(op, a, b)),
        }
    }

    /// As [`Graph::combine`], for a literal b.
    fn combine_literal(&mut self, op: SymbolOp, a: u32, b: i64) -> u32 {
        use SymbolOp::{Add, CeilDiv, FloorDiv, Less, Min, Mul, Sub};
        let inner = match self.symbols[a as usize] {
            Symbol::Apply(inner, x, c) => self.symbol_value(c).map(|c| (inner, x, c)),
            Symbol::Axis { .. } | Symbol::Literal(_) | Symbol::Scalar(_) => None,
        };
        match (op, b, inner) {
            (Add | Sub, 0, _) | (Mul | FloorDiv | CeilDiv, 1, _) => a,
            (Less, 0, _) if self.is_extent(a) => a,
            (Less, 1.., Some((Less, x, c @ 0..))) => {
                self.combine_literal(Less, x, b.saturating_add(c))
            }
            (Min, 0, _) if self.is_extent(a) => self.literal_symbol(0),
            (Min, _, Some((Min, x, c))) => self.combine_literal(Min, x, b.min(c)),
            _ => {
                let b = self.literal_symbol(b);
                self.symbol(Symbol::Apply(op, a, b))
            }
        }
    }

    /// Is it known not to be negative?
    pub(crate) fn is_extent(&self, symbol: u32) -> bool {
        match self.symbols[symbol as usize] {
            Symbol::Axis { .. } => true,
            Symbol::Literal(value) => value >= 0,
            Symbol::Apply(op, a, b) => match op {
                SymbolOp::Less => true,
                SymbolOp::Min => self.symbol_value(b).is_some_and(|b| b >= 0) && self.is_extent(a),
                SymbolOp::CeilDiv => {
                    self.symbol_value(b).is_some_and(|b| b > 0) && self.is_extent(a)
                }
                SymbolOp::Add | SymbolOp::Mul => self.is_extent(a) && self.is_extent(b),
                SymbolOp::Sub | SymbolOp::FloorDiv | SymbolOp::Mod => false,
                SymbolOp::Max | SymbolOp::Wrap | SymbolOp::Narrow | SymbolOp::Broadcast => false,
            },
            Symbol::Scalar(_) => false,
        }
    }

    /// The extent of an axis as a symbol.
    pub fn dim_symbol(&mut self, dim: Dim) -> u32 {
        match self.canonical(dim) {
            Dim::One => self.literal_symbol(1),
            Dim::Symbol(symbol) => symbol,
        }
    }

    /// A symbol as the extent of an axis.
    pub fn symbol_dim(&self, symbol: u32) -> Dim {
        if self.symbol_value(symbol) == Some(1) { Dim::One } else { Dim::Symbol(symbol) }
    }

    /// The position that an end of a slice is on an axis of extent `n`.
    pub fn position(&mut self, bound: Bound, n: u32) -> u32 {
        match bound {
            Bound::Front(0) => self.literal_symbol(0),
            Bound::Front(k) => {
                let k = self.literal_symbol(k);
                self.combine(SymbolOp::Min, n, k)
            }
            Bound::Back(k) => {
                let k = self.literal_symbol(k);
                self.combine(SymbolOp::Less, n, k)
            }
            Bound::Position(symbol) => symbol,
        }
    }

    /// How many elements lie between two ends, the first included.
    pub fn run_length(&mut self, low: Bound, high: Bound, n: u32) -> u32 {
        match (low, high) {
            (Bound::Front(a), Bound::Back(b)) => {
                let less = self.literal_symbol(a.saturating_add(b));
                self.combine(SymbolOp::Less, n, less)
            }
            (Bound::Front(a), Bound::Front(b)) => self.at_most(n, a, b.saturating_sub(a)),
            (Bound::Back(a), Bound::Back(b)) => self.at_most(n, b, a.saturating_sub(b)),
            (Bound::Front(_) | Bound::Back(_) | Bound::Position(_), _) => {
                let (low, high) = (self.position(low, n), self.position(high, n));
                self.combine(SymbolOp::Less, high, low)
            }
        }
    }

    /// min(max(n - less, 0), most), 0 for negative `most`.
    fn at_most(&mut self, n: u32, less: i64, most: i64) -> u32 {
        let less = self.literal_symbol(less);
        let rest = self.combine(SymbolOp::Less, n, less);
        let most = self.literal_symbol(most.max(0));
        self.combine(SymbolOp::Min, rest, most)
    }

    /// The extent that axes side by side broadcast to, each in one form whatever their order.
    pub(super) fn broadcast_dims(&mut self, dims: &[Dim]) -> Dim {
        let mut symbols: Vec<u32> = Vec::new();
        let mut open: Vec<u32> = Vec::new();
        for &dim in dims {
            if let Dim::Symbol(symbol) = self.canonical(dim) {
                open.push(symbol);
            }
        }
        while let Some(symbol) = open.pop() {
            match self.symbols[symbol as usize] {
                Symbol::Apply(SymbolOp::Broadcast, a, b) => open.extend([a, b]),
                Symbol::Apply(..)
                | Symbol::Axis { .. }
                | Symbol::Literal(_)
                | Symbol::Scalar(_) => {
                    symbols.push(symbol);
                }
            }
        }
        symbols.sort_unstable();
        symbols.dedup();
        let certain = symbols.iter().find(|&&symbol| !self.symbols[symbol as usize].may_be_one());
        match (certain, symbols.split_first()) {
            (Some(&symbol), _) => Dim::Symbol(symbol),
            (None, None) => Dim::One,
            (None, Some((&first, rest))) => Dim::Symbol(rest.iter().fold(first, |all, &symbol| {
                self.symbol(Symbol::Apply(SymbolOp::Broadcast, all, symbol))
            })),
        }
    }
}
