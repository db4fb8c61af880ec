//! Local functions: `f(x, y) = x*y + x; f(a, b)`.
//!
//! A call resolves the function's body with the arguments' values in place of the parameters. A body
//! sees only what is bound before its function, so that inlining ends. Calls with the same values are
//! resolved once, and the nodes of inlined bodies are limited: a chain of functions, each calling the
//! one before it twice, would otherwise cost 2^n.
//!
//! Names of a body are checked where the function is defined, types at each call; an error in a body
//! points at the body, and at the call.

use std::ops::Range;

use fuse_ir::{DType, Strength};
use fuse_syntax::{Argument, Code, Diagnostic, List, NameId, Node as Syntax, NodeId as SyntaxId};
use fuse_syntax::{Span, Statement, quoted};
use rustc_hash::{FxHashMap, FxHashSet};

use super::names::is_function;
use super::program::{Bound, Frame};
use super::scope::{Meaning, statements};
use super::{Operand, Resolver, Value};
use crate::graph::NodeId;

/// A function's body at one of its calls.
pub(super) struct Inlined {
    /// The call: where the value goes.
    call: SyntaxId,
    /// Values of the parameters.
    pub(super) args: Vec<Value>,
    key: CallKey,
}

/// The statement that defines a function, and the values of the parameters.
pub(super) type CallKey = (usize, Vec<ValueKey>);

/// A value that can be compared and hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum ValueKey {
    Node(NodeId, Strength),
    Int(i128),
    Float(u64),
    Type(DType),
    Shape(NodeId),
    Tuple(u32),
    None,
    Error,
}

fn key(value: Value) -> ValueKey {
    match value {
        Value::Node(id, strength) => ValueKey::Node(id, strength),
        Value::Int(value) => ValueKey::Int(value),
        Value::Float(value) => ValueKey::Float(value.to_bits()),
        Value::Type(dtype) => ValueKey::Type(dtype),
        Value::Shape(id) => ValueKey::Shape(id),
        Value::Tuple(tuple) => ValueKey::Tuple(tuple),
        Value::None => ValueKey::None,
        Value::Error => ValueKey::Error,
    }
}

fn is_parameter(meaning: Meaning) -> bool {
    matches!(meaning, Meaning::Parameter(_))
}

impl Resolver<'_> {
    /// Checks the names of a body, types unknown. Calls of a function with an error have none.
    pub(super) fn definition(&mut self, function: NameId, body: Range<usize>) -> Bound {
        let errors = self.errors.len();
        for id in body.clone().filter_map(|position| self.ast.id(position)) {
            let (node, meaning) = (self.ast.node(id), self.scope.of(id));
            if let Syntax::Call { callee, .. } = node {
                self.callee(id, callee, meaning, function);
            } else if let (Syntax::Name(name), false) = (node, is_parameter(meaning)) {
                self.name(id, name, self.ast.span(id));
            }
        }
        if self.errors.len() == errors { Bound::Function(body) } else { Bound::Value(Value::Error) }
    }

    /// Checks what a body calls.
    fn callee(&mut self, id: SyntaxId, callee: NameId, meaning: Meaning, function: NameId) {
        let (name, place) = (self.ast.name(callee), self.ast.token_span(id));
        match meaning {
            Meaning::Function(_) | Meaning::Type => {}
            Meaning::Outer if is_function(name) => {}
            Meaning::Outer if self.reaches(callee, function) => {
                let message = format!(
                    "{} calls itself through {}",
                    quoted(self.ast.name(function)),
                    quoted(name)
                );
                self.recursion(message, place);
            }
            Meaning::Itself => {
                self.recursion(format!("{} calls itself", quoted(name)), place);
            }
            Meaning::Outer => {
                self.unknown_function(callee, place);
            }
            Meaning::Assigned(_) | Meaning::Parameter(_) => {
                self.not_a_function(callee, place);
            }
        }
    }

    fn recursion(&mut self, message: String, place: Span) -> Value {
        let error = Diagnostic::new(Code::RecursiveFunction, message)
            .at(place, "would have no end")
            .help("functions are inlined: write out as many steps as you need");
        self.error(error)
    }

    pub(super) fn not_a_function(&mut self, callee: NameId, place: Span) -> Value {
        let message = format!("{} is not a function", quoted(self.ast.name(callee)));
        let error = Diagnostic::new(Code::UnknownFunction, message)
            .at(place, "this name is bound to a value")
            .help("multiplication is written `*`");
        self.error(error)
    }

    /// Does a function of one name call one of the other name, if only through others? Asked of names
    /// that are errors already.
    fn reaches(&self, from: NameId, to: NameId) -> bool {
        if self.enough_errors() {
            return false;
        }
        let mut bodies: FxHashMap<NameId, Vec<Range<usize>>> = FxHashMap::default();
        for (statement, range) in statements(self.ast) {
            if let Statement::Function { name, .. } = statement {
                bodies.entry(name).or_default().push(range);
            }
        }
        let mut seen = FxHashSet::from_iter([from]);
        let mut pending = vec![from];
        while let Some(name) = pending.pop() {
            let ranges = bodies.get(&name).into_iter().flatten().cloned();
            for id in ranges.flatten().filter_map(|position| self.ast.id(position)) {
                let Syntax::Call { callee, .. } = self.ast.node(id) else { continue };
                if callee == to {
                    return true;
                }
                if seen.insert(callee) {
                    pending.push(callee);
                }
            }
        }
        false
    }

    /// Begins a call of a local function: its value if that is known, else its body is next.
    pub(super) fn enter(
        &mut self,
        call: SyntaxId,
        function: usize,
        args: List<Argument>,
    ) -> Option<Value> {
        let Bound::Function(body) = self.bound[function].clone() else { return Some(Value::Error) };
        let Some(args) = self.local_arguments(call, function, args) else {
            return Some(Value::Error);
        };
        let key = (function, args.iter().copied().map(key).collect());
        if let Some(&value) = self.inlined.get(&key) {
            return Some(value);
        }
        if !self.affords(body.len(), call) {
            return Some(Value::Error);
        }
        let inlined = Some(Inlined { call, args, key });
        self.frames.push(Frame { next: body.start, end: body.end, inlined });
        None
    }

    /// Ends what the last frame resolves.
    pub(super) fn leave(&mut self) {
        let Some(Frame { end, inlined: Some(inlined), .. }) = self.frames.pop() else { return };
        let value = self.values[end - 1];
        self.values[inlined.call.index()] = value;
        self.inlined.insert(inlined.key, value);
    }

    /// The values of the arguments, if none is an error.
    fn local_arguments(
        &mut self,
        call: SyntaxId,
        function: usize,
        args: List<Argument>,
    ) -> Option<Vec<Value>> {
        let (statement, _) = self.ast.statement_spans()[function];
        let Statement::Function { name, target, params, .. } = statement else { return None };
        let (name, arguments) = (self.ast.name(name), self.ast.arguments(args));
        if let Some((_, place)) = arguments.iter().find_map(|argument| argument.keyword) {
            let message = format!("{} takes its arguments by position", quoted(name));
            let error = Diagnostic::new(Code::UnknownKeyword, message).at(place, "");
            self.error(error.help("local functions have no keyword arguments"));
            return None;
        }
        if arguments.len() != params.len() {
            let plural = if params.len() == 1 { "" } else { "s" };
            let (expected, found) = (params.len(), arguments.len());
            let message =
                format!("{} takes {expected} argument{plural}, {found} given", quoted(name));
            let error = Diagnostic::new(Code::WrongArity, message).at(self.ast.span(call), "");
            self.error(error.related(target, "defined here"));
            return None;
        }
        let operands: Vec<Operand> =
            arguments.iter().map(|argument| self.any_operand(argument.value)).collect();
        let is_error = operands.iter().any(|operand| operand.0 == Value::Error);
        (!is_error).then(|| operands.iter().map(|operand| operand.0).collect())
    }

    /// Are so many more nodes within the limit? It is reported once.
    fn affords(&mut self, nodes: usize, call: SyntaxId) -> bool {
        let limit = self.options.max_nodes;
        let before = self.n_inlined;
        self.n_inlined = before.saturating_add(nodes);
        if self.n_inlined > limit && before <= limit {
            let message =
                format!("calls of functions expand to more than {limit} operators and operands");
            let error = Diagnostic::new(Code::TooManyNodes, message)
                .at(self.ast.span(call), "the limit is passed in this call")
                .help("compute what several calls share once, and bind it to a name");
            self.error(error);
        }
        self.n_inlined <= limit
    }

    /// The error with the calls that led to it, the innermost and the outermost.
    pub(super) fn with_calls(&self, error: Diagnostic) -> Diagnostic {
        let mut calls = self.frames.iter().filter_map(|frame| frame.inlined.as_ref());
        let (outer, inner) = (calls.next(), calls.next_back());
        let label = |error: Diagnostic, inlined: Option<&Inlined>, text: &str| match inlined {
            Some(inlined) => error.related(self.ast.span(inlined.call), text),
            None => error,
        };
        let error = label(error, inner, "in this call");
        label(error, outer, if inner.is_some() { "which this call makes" } else { "in this call" })
    }
}
