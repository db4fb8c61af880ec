//! Subscripts and generators of a wanted shape, as text.
//!
//! An axis of extent t is what a slice leaves of an axis that is longer; an axis of extent 1 may also be
//! new, and axes may be there that an integer index removes.

use fuse_ir::DType;

use super::generate::Generator;
use super::{Form, Operand, Tree};

/// A subscript and the extents that it is applied to.
pub(super) struct Subscript {
    pub(super) text: String,
    pub(super) extents: Vec<usize>,
}

impl Generator {
    /// What gives `target` when it is applied to an array of the extents.
    pub(super) fn subscript(&mut self, target: &[usize]) -> Subscript {
        let transposed = target.len() > 1 && self.random.percent(15);
        let mut wanted = target.to_vec();
        if transposed {
            wanted.reverse();
        }
        let (mut items, mut extents) = (Vec::new(), Vec::new());
        for &extent in &wanted {
            if self.random.percent(8) {
                self.indexed_axis(&mut items, &mut extents);
            }
            if extent == 1 && self.random.percent(40) {
                items.push("None".to_string());
            } else {
                let (item, n) = self.slice(extent);
                items.push(item);
                extents.push(n);
            }
        }
        if items.is_empty() || self.random.percent(8) {
            self.indexed_axis(&mut items, &mut extents);
        }
        let transpose = if transposed { ".T" } else { "" };
        Subscript { text: format!("[{}]{transpose}", items.join(", ")), extents }
    }

    /// An axis of which one element is taken.
    fn indexed_axis(&mut self, items: &mut Vec<String>, extents: &mut Vec<usize>) {
        let n = 1 + self.random.below(4);
        let at = self.random.below(n);
        items.push(self.end(at, n));
        extents.push(n);
    }

    /// A slice that leaves so many elements, and of how many.
    fn slice(&mut self, count: usize) -> (String, usize) {
        if count == 0 {
            let n = self.random.below(4);
            return (self.random.pick(&["2:1", "3:3", "0:0", "1:1:-1", "99:"]).to_string(), n);
        }
        let step = self.random.pick(&[1, 1, 1, 1, 2, 3, -1, -1, -2]);
        let size = isize::unsigned_abs(step);
        let (before, after) = (self.random.below(4), self.random.below(4));
        let last = before + (count - 1) * size;
        let n = last + 1 + after;
        let (start, stop) =
            if step > 0 { (before, Some(last + 1)) } else { (last, before.checked_sub(1)) };
        let whole = start == if step > 0 { 0 } else { n - 1 };
        let start =
            if whole && self.random.percent(60) { String::new() } else { self.end(start, n) };
        let stop = match stop {
            Some(stop) if stop < n => self.end(stop, n),
            Some(_) if self.random.percent(30) => (n + self.random.below(5)).to_string(),
            Some(_) | None => String::new(),
        };
        let step = if step == 1 { String::new() } else { format!(":{step}") };
        (format!("{start}:{stop}{step}"), n)
    }

    /// A position within an axis of n: counted from either end, or an integer scalar.
    fn end(&mut self, at: usize, n: usize) -> String {
        let value = if self.random.percent(50) { at as i64 } else { at as i64 - n as i64 };
        if !self.random.percent(15) {
            return value.to_string();
        }
        let mut scalar = Operand::scalar(DType::I64, self.family, &mut self.random);
        scalar.bytes = value.to_le_bytes().to_vec();
        (scalar.n_special, scalar.order) = (0, fuse_ir::ByteOrder::Native);
        format!("v{}", self.add(scalar, None))
    }

    /// A variable of which a part is read.
    pub(super) fn sliced_leaf(&mut self, dtype: DType, extents: &[usize]) -> Tree {
        let Subscript { text, extents } = self.subscript(extents);
        let operand = Operand::random(dtype, &extents, self.family, &mut self.random);
        let index = self.add(operand, Some(usize::MAX));
        let variable = Tree::new(dtype, Form::Variable(index), Vec::new());
        Tree::new(dtype, Form::View(text), vec![variable])
    }

    /// A part of an expression of a larger shape.
    pub(super) fn sliced_tree(&mut self, dtype: DType, budget: usize) -> Tree {
        let shape = self.shape.clone();
        let Subscript { text, extents } = self.subscript(&shape);
        let (outer, scope) = (std::mem::replace(&mut self.shape, extents), self.scope);
        self.n_scopes += 1;
        self.scope = self.n_scopes;
        let inner = self.tree(dtype, budget);
        // The operands of `inner` may all broadcast; this one has every axis.
        let full = Operand::random(dtype, &self.shape, self.family, &mut self.random);
        let full = Form::Variable(self.add(full, Some(self.scope)));
        let op = if dtype == DType::Bool { "|" } else { "+" };
        let both = vec![inner, Tree::new(dtype, full, Vec::new())];
        let tree = Tree::new(dtype, Form::Infix(op), both);
        (self.shape, self.scope) = (outer, scope);
        Tree::new(dtype, Form::View(text), vec![tree])
    }

    /// Positions along an axis of the shape (i64), or numbers at equal distances (f64).
    pub(super) fn generated(&mut self, dtype: DType) -> Tree {
        let rank = self.shape.len();
        let axis = if rank == 0 { 0 } else { self.random.below(rank) };
        let n = self.shape.get(axis).copied().unwrap_or(3);
        let text = match (dtype == DType::F64, self.random.below(4)) {
            (true, 0) => format!("full({n}, 2.5)"),
            (true, 1) => format!("arange({n})/4"),
            (true, _) => format!("linspace(-2, {}, {n})", self.random.below(5)),
            (false, 0) => {
                let step = self.random.pick(&[1_i64, 2, 3, 7, -1, -5]);
                let start = self.random.below(100) as i64 - 50;
                format!("arange({start}, {}, {step})", start + step * n as i64)
            }
            (false, 1) => format!("arange({n})[::-1]"),
            (false, _) => {
                let mut scalar = Operand::scalar(DType::I64, self.family, &mut self.random);
                scalar.bytes = (n as i64).to_le_bytes().to_vec();
                scalar.n_special = 0;
                format!("arange(v{})", self.add(scalar, None))
            }
        };
        let axes = ", None".repeat(rank.saturating_sub(axis + 1));
        let place = if rank == 0 { "[1]".to_string() } else { format!("[:{axes}]") };
        Tree::new(dtype, Form::Generated(format!("({text}){place}")), Vec::new())
    }
}
