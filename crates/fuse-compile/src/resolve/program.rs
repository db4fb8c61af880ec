//! Statements: assignments bind values, functions are checked when they are defined and inlined where
//! they are called, the last statement gives the results.
//!
//! Nothing changes in place: `x += y` binds a new value, that of `x + y`, to the name `x`. A plain
//! number stays plain under its name, so that `n = 3; x**n` is a literal power, and `k = 2.5; f*k` of
//! an f32 array is f32, as it is with Python's numbers.
//!
//! *Method.* A loop over the nodes of a statement, in postfix order, with a stack of the bodies that
//! are being inlined: see `function`. *Cost.* Linear in the nodes of the statements and of the
//! bodies, as often as they are inlined; no recursion.

use std::ops::Range;

use fuse_ir::DType;
use fuse_syntax::{BinaryOp, Code, Diagnostic, NameId, Node as Syntax, NodeId as SyntaxId};
use fuse_syntax::{Span, Statement, quoted};

use super::function::Inlined;
use super::names::is_function;
use super::scope::{Meaning, statements};
use super::{Resolver, Value};

/// Nodes that are being resolved: a statement's, or a function's body at one of its calls.
pub(super) struct Frame {
    /// Position of the next node.
    pub(super) next: usize,
    /// Position after the last one.
    pub(super) end: usize,
    /// The call, if it is a function's body.
    pub(super) inlined: Option<Inlined>,
}

/// What later statements refer to, by the position of the statement.
#[derive(Clone, Debug)]
pub(super) enum Bound {
    /// An assignment's value.
    Value(Value),
    /// A function: positions of its body.
    Function(Range<usize>),
}

impl Resolver<'_> {
    /// Resolves all statements.
    pub(super) fn program(&mut self) {
        for (position, (statement, range)) in statements(self.ast).enumerate() {
            let bound = match statement {
                Statement::Assign { name, target, op, value } => {
                    self.free_to_bind(name, target);
                    self.nodes(range);
                    Bound::Value(match op {
                        Some(op) => self.augmented(position, name, target, op, value),
                        None => self.values[value.index()],
                    })
                }
                Statement::Function { name, target, .. } => {
                    self.free_to_bind(name, target);
                    self.definition(name, range)
                }
                Statement::Results(_) => {
                    self.limit_results(self.ast.results().len());
                    self.nodes(range);
                    Bound::Value(Value::Error)
                }
            };
            self.bound.push(bound);
        }
    }

    fn limit_results(&mut self, count: usize) {
        let span = self.ast.statement_spans().last().map_or(Span::default(), |last| last.1);
        let limit = self.options.max_results;
        if count > limit {
            let message = format!("{count} results, {limit} are allowed");
            self.error(
                Diagnostic::new(Code::TooManyResults, message)
                    .at(span, "")
                    .help("evaluate some of them in a second formula"),
            );
        }
    }

    /// What the last statement lists becomes the graph's results, each of its own dtype and shape.
    pub(super) fn results(&mut self) {
        let ast = self.ast;
        for &result in ast.results() {
            let (value, span) = self.operand(result);
            if self.is_text(value) {
                self.text_result((value, span));
                continue;
            }
            if let Some((id, _)) = self.concrete(value, span) {
                self.graph.results.push(id);
            }
        }
    }

    /// Resolves the nodes at these positions, and what they inline.
    fn nodes(&mut self, range: Range<usize>) {
        self.frames.push(Frame { next: range.start, end: range.end, inlined: None });
        while let Some(frame) = self.frames.last_mut() {
            if frame.next == frame.end {
                self.leave();
                continue;
            }
            let position = frame.next;
            frame.next += 1;
            let Some(id) = self.ast.id(position) else { continue };
            let node = self.ast.node(id);
            let called = (node, self.scope.of(id));
            let value = if let (Syntax::Call { args, .. }, Meaning::Function(function)) = called {
                self.enter(id, function, args)
            } else {
                Some(self.node(id, node))
            };
            // A call whose body comes next gets its value when that ends.
            if let Some(value) = value {
                self.values[position] = value;
            }
        }
    }

    /// A name that is read: bound by the program, or given from outside.
    pub(super) fn name(&mut self, id: SyntaxId, name: NameId, span: Span) -> Value {
        self.meant(self.scope.of(id), name, span)
    }

    fn meant(&mut self, meaning: Meaning, name: NameId, span: Span) -> Value {
        match meaning {
            Meaning::Outer => self.given(name, span),
            Meaning::Type => self.dtype_named(self.ast.name(name), span),
            Meaning::Parameter(position) => {
                let inlined = self.frames.last().and_then(|frame| frame.inlined.as_ref());
                inlined.map_or(Value::Error, |inlined| inlined.args[position])
            }
            Meaning::Assigned(statement) => match self.bound[statement] {
                Bound::Value(value) => value,
                Bound::Function(_) => Value::Error,
            },
            Meaning::Function(_) | Meaning::Itself => {
                let name = self.ast.name(name);
                let message = format!("{} is a function", quoted(name));
                let help = format!("call it, as in `{name}(x)`");
                let error = Diagnostic::new(Code::UnknownName, message);
                self.error(error.at(span, "expected a value").help(help))
            }
        }
    }

    /// `x += y`: the value of `x + y`.
    fn augmented(
        &mut self,
        position: usize,
        name: NameId,
        target: Span,
        op: BinaryOp,
        value: SyntaxId,
    ) -> Value {
        let before = self.meant(self.scope.target(position), name, target);
        let operand = self.operand(value);
        self.binary(op, [(before, target), operand], target.to(operand.1))
    }

    /// A statement cannot take the name of a function of the language.
    fn free_to_bind(&mut self, name: NameId, target: Span) {
        let name = self.ast.name(name);
        if is_function(name) {
            let what = DType::from_name(name).map_or("function", |_| "dtype");
            let message = format!("{} is a built-in {what}", quoted(name));
            self.error(
                Diagnostic::new(Code::ShadowedFunction, message)
                    .at(target, "cannot be defined anew")
                    .help(format!("choose another name, such as `{name}_`")),
            );
        }
    }
}
