//! Random trees of complex numbers.

use fuse_ir::DType;
use fuse_ops::COMPLEX;

use super::generate::{Generator, name_of};
use super::{Form, Tree};

use DType::{Bool, C64, C128, F32, F64, I32};

impl Generator {
    /// A tree with complex numbers in it, itself complex as a rule.
    pub(super) fn complex_root(&mut self, budget: usize) -> Tree {
        match self.random.below(10) {
            0..4 => self.tree(C128, budget),
            4..7 => self.tree(C64, budget),
            7 => self.part_of(F64, C128, budget),
            8 => self.part_of(F32, C64, budget),
            _ => {
                let args = self.two(C128, C64, budget);
                Tree::new(Bool, Form::Infix(self.random.pick(&["==", "!="])), args)
            }
        }
    }

    /// A real number made of a complex one.
    fn part_of(&mut self, part: DType, dtype: DType, budget: usize) -> Tree {
        if self.random.percent(30) {
            let names: &[&str] = &["norm", "norm", "var", "std", "nanvar", "nanstd"];
            let names = if self.has_elements() { names } else { &names[..1] };
            return self.complex_reduction(part, dtype, names, budget);
        }
        let arg = self.tree(dtype, budget);
        let name = self.random.pick(&["abs", "real", "imag", "arg"]);
        Tree::new(part, Form::Call(name), vec![arg])
    }

    /// A node of a complex dtype.
    pub(super) fn complex(&mut self, dtype: DType, budget: usize) -> Tree {
        let part = if dtype == C64 { F32 } else { F64 };
        match self.random.below(100) {
            0..6 => {
                let names: &[&str] = &["sum", "prod", "nansum", "nanprod", "mean", "nanmean"];
                let names = if self.has_elements() { names } else { &names[..4] };
                self.complex_reduction(dtype, dtype, names, budget)
            }
            6..35 => {
                let (a, b) = self.complex_pair(dtype);
                let args = self.two(a, b, budget);
                Tree::new(dtype, Form::Infix(self.random.pick(&["+", "-", "*", "*", "/"])), args)
            }
            35..60 => self.complex_function(dtype, budget),
            60..66 => {
                let arg = self.tree(dtype, budget);
                Tree::new(dtype, Form::Prefix("-"), vec![arg])
            }
            66..72 => {
                let arg = self.tree(dtype, budget);
                Tree::new(dtype, Form::Call("conj"), vec![arg])
            }
            72..78 => {
                let args = self.two(part, part, budget.min(8));
                Tree::new(dtype, Form::Call("complex"), args)
            }
            78..86 => {
                let condition = self.complex_truth(budget / 3);
                let (a, b) = self.complex_pair(dtype);
                let mut args = vec![condition];
                args.extend(self.two(a, b, budget * 2 / 3));
                Tree::new(dtype, Form::Call("where"), args)
            }
            86..91 => {
                let from = self.random.pick(&[C64, C128, F32, F64, I32, Bool]);
                let arg = self.tree(from, budget.min(10));
                Tree::new(dtype, Form::Call(name_of(dtype)), vec![arg])
            }
            91..96 => {
                let arg = self.tree(dtype, budget);
                let exponent = self.random.pick(&["2", "3", "-1", "0.5", "5", "-2"]);
                Tree::new(dtype, Form::Power(exponent), vec![arg])
            }
            _ => {
                let arg = self.tree(dtype, budget);
                let text = self.random.pick(&["1j", "0.5", "2", "2.5j", "-3"]);
                let literal = Tree::new(dtype, Form::Literal(text), Vec::new());
                let op = self.random.pick(&["+", "*", "-", "/"]);
                Tree::new(dtype, Form::Infix(op), vec![arg, literal])
            }
        }
    }

    fn has_elements(&self) -> bool {
        self.shape.iter().all(|&extent| extent > 0)
    }

    /// A reduction of complex numbers, over all axes or some.
    fn complex_reduction(
        &mut self,
        result: DType,
        dtype: DType,
        names: &[&'static str],
        budget: usize,
    ) -> Tree {
        let name = self.random.pick(names);
        let arg = self.tree(dtype, budget);
        // Of a value whose axes are not known here, only a reduction over all of them is safe.
        let mut parameters = self.rank(&arg).map_or_else(String::new, |rank| self.axes(rank));
        if (name.contains("var") || name.contains("std")) && self.random.percent(50) {
            parameters.push_str(", ddof=1");
        }
        Tree::new(result, Form::Reduction(name, parameters), vec![arg])
    }

    /// Two dtypes that promote to this one.
    fn complex_pair(&mut self, dtype: DType) -> (DType, DType) {
        if dtype == C64 {
            return self.random.pick(&[(C64, C64), (C64, C64), (C64, F32), (C64, Bool)]);
        }
        self.random.pick(&[
            (C128, C128),
            (C128, C128),
            (C128, F64),
            (C64, C128),
            (C64, F64),
            (C128, I32),
        ])
    }

    fn complex_truth(&mut self, budget: usize) -> Tree {
        let name = self.random.pick(&["isnan", "isinf", "isfinite"]);
        let dtype = self.random.pick(&[C64, C128]);
        let arg = self.tree(dtype, budget);
        Tree::new(Bool, Form::Call(name), vec![arg])
    }

    /// Any function of complex numbers.
    fn complex_function(&mut self, dtype: DType, budget: usize) -> Tree {
        let rows: Vec<_> = COMPLEX.iter().filter(|row| row.is_function()).collect();
        let row = self.random.pick(&rows).op.row();
        let args = match row.arity {
            1 => vec![self.tree(dtype, budget)],
            _ => self.two(dtype, dtype, budget),
        };
        Tree::new(dtype, Form::Call(row.name), args)
    }
}
