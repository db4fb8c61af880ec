//! Typed expressions and their text.

use fuse_ir::DType;

/// How a node is written.
#[derive(Clone, Debug, PartialEq)]
pub enum Form {
    /// The operand of that number: `v0`, `v1`, ...
    Variable(usize),
    /// A number that gives way, or one with a suffix.
    Literal(&'static str),
    /// `(a op b)`.
    Infix(&'static str),
    /// `(op a)`.
    Prefix(&'static str),
    /// `name(a, ...)`.
    Call(&'static str),
    /// `name(a, axis=0)`: a reduction, and what stands behind its operand.
    Reduction(&'static str, String),
    /// `(a)[::-1]`: a subscript that keeps the shape.
    Subscript(&'static str),
    /// `(a if c else b)`, the condition first among the arguments.
    Conditional,
    /// `(a ** n)`.
    Power(&'static str),
    /// `(a op b op c)`.
    Chain(&'static str, &'static str),
    /// `a[1:, None].T`: what follows a.
    View(String),
    /// `arange(9)`: an array that is no variable.
    Generated(String),
}

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Tree {
    /// Its dtype; for plain literals the dtype they take on.
    pub dtype: DType,
    /// How it is written.
    pub form: Form,
    /// Its arguments.
    pub args: Vec<Tree>,
}

impl Tree {
    /// A node.
    pub fn new(dtype: DType, form: Form, args: Vec<Tree>) -> Tree {
        Tree { dtype, form, args }
    }

    /// Number of nodes.
    pub fn len(&self) -> usize {
        1 + self.args.iter().map(Tree::len).sum::<usize>()
    }

    /// Never: a tree has a root.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Is it a number that takes on the dtype of what it meets?
    pub fn is_literal(&self) -> bool {
        matches!(self.form, Form::Literal(_))
    }

    /// The formula's text, with all brackets.
    pub fn text(&self) -> String {
        let mut out = String::new();
        self.write(&mut out, "", |index| format!("v{index}"));
        out
    }

    /// The text with every variable replaced by its absolute value and every `-` by `+`: for sums,
    /// differences and products it bounds the sum of the monomials' magnitudes.
    pub fn magnitude_text(&self) -> String {
        let mut out = String::new();
        self.write(&mut out, "-", |index| format!("abs(v{index})"));
        out
    }

    fn write(&self, out: &mut String, dropped: &str, name: fn(usize) -> String) {
        let symbol = |symbol: &'static str| if symbol == dropped { "+" } else { symbol };
        let arg = |position: usize, out: &mut String| self.args[position].write(out, dropped, name);
        match &self.form {
            Form::Variable(index) => out.push_str(&name(*index)),
            Form::Literal(text) if dropped.is_empty() => out.push_str(&format!("({text})")),
            Form::Literal(text) => out.push_str(text.trim_start_matches('-')),
            Form::Infix(op) => bracketed(out, |out| {
                arg(0, out);
                out.push_str(&format!(" {} ", symbol(op)));
                arg(1, out);
            }),
            Form::Prefix(op) => bracketed(out, |out| {
                out.push_str(&format!("{} ", symbol(op)));
                arg(0, out);
            }),
            Form::Call(function) => {
                out.push_str(function);
                bracketed(out, |out| {
                    for position in 0..self.args.len() {
                        out.push_str(if position == 0 { "" } else { ", " });
                        arg(position, out);
                    }
                });
            }
            Form::Reduction(name, parameters) => {
                out.push_str(name);
                bracketed(out, |out| {
                    arg(0, out);
                    out.push_str(parameters);
                });
            }
            Form::Subscript(items) => {
                bracketed(out, |out| arg(0, out));
                out.push_str(items);
            }
            Form::Conditional => bracketed(out, |out| {
                arg(1, out);
                out.push_str(" if ");
                arg(0, out);
                out.push_str(" else ");
                arg(2, out);
            }),
            Form::View(subscript) => {
                arg(0, out);
                out.push_str(subscript);
            }
            Form::Generated(text) => out.push_str(text),
            Form::Power(exponent) => bracketed(out, |out| {
                arg(0, out);
                out.push_str(&format!("**{exponent}"));
            }),
            Form::Chain(first, second) => bracketed(out, |out| {
                arg(0, out);
                out.push_str(&format!(" {first} "));
                arg(1, out);
                out.push_str(&format!(" {second} "));
                arg(2, out);
            }),
        }
    }
}

fn bracketed(out: &mut String, inside: impl FnOnce(&mut String)) {
    out.push('(');
    inside(out);
    out.push(')');
}
