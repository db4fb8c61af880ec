//! Names and types: syntax tree to graph.
//!
//! One pass over the tree in its postfix order. Each syntax node gets a `Value`: a graph node with
//! its strength, a number that is still weak, or the mark of an error already reported; errors
//! therefore do not cascade, and several are reported at once.
//!
//! * `literal`: arithmetic of weak numbers, integers in i128.
//! * `apply`: typing rules, casts, broadcasting, and what the errors say.
//! * `call`: functions, casts written as calls, names that are known but not built.
//! * `derived`: functions that are formulas over others.
//! * `power`: what `**` means.
//! * `half`: f16 is computed in f32; the last step, which writes the roundings down.

mod apply;
mod call;
mod derived;
mod half;
mod literal;
mod names;
mod power;

use fuse_ir::{DType, InputType, ProgramInput, SourceSpan, Strength};
use fuse_ops::{ArgType, Op};
use fuse_syntax::{
    Ast, BinaryOp, Code, CompareOp, Diagnostic, Node as Syntax, NodeId as SyntaxId, Span,
    Statement, UnaryOp, quoted,
};

use crate::Options;
use crate::graph::{Constant, Graph, NodeId};

pub use names::names;

/// A variable that a formula may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its type.
    pub ty: InputType,
}

/// What a syntax node means.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Value {
    /// A value of the graph.
    Node(NodeId, Strength),
    /// A plain integer.
    Int(i128),
    /// A plain number.
    Float(f64),
    /// An error that has been reported.
    Error,
}

/// An operand with its place.
type Operand = (Value, Span);

/// Resolves a formula.
///
/// # Errors
/// All diagnostics found, in the order of the source.
pub fn resolve(
    ast: &Ast,
    variables: &[Variable<'_>],
    options: Options,
) -> Result<Graph, Vec<Diagnostic>> {
    let mut resolver = Resolver {
        ast,
        variables,
        options,
        graph: Graph::default(),
        values: Vec::with_capacity(ast.nodes().len()),
        used: Vec::new(),
        errors: Vec::new(),
    };
    resolver.statements();
    for (id, node) in ast.iter() {
        let value = resolver.node(id, node);
        resolver.values.push(value);
    }
    resolver.results();
    if !resolver.errors.is_empty() {
        return Err(resolver.errors);
    }
    Ok(half::explicit(resolver.graph, options.mode))
}

struct Resolver<'a> {
    ast: &'a Ast,
    variables: &'a [Variable<'a>],
    options: Options,
    graph: Graph,
    /// The value of each syntax node so far.
    values: Vec<Value>,
    /// Position of the variable of each graph input.
    used: Vec<usize>,
    errors: Vec<Diagnostic>,
}

/// A span of the tree as the graph keeps it.
fn source(span: Span) -> SourceSpan {
    SourceSpan { start: span.start, end: span.end }
}

impl Resolver<'_> {
    /// Programs of several statements wait for a later version.
    fn statements(&mut self) {
        for (statement, span) in self.ast.statement_spans().iter().copied() {
            match statement {
                Statement::Assign { target, .. } => {
                    self.not_yet(target, "assignments are", "write the expression out");
                }
                Statement::Function { target, .. } => {
                    self.not_yet(target, "local functions are", "write the expression out");
                }
                Statement::Results(list) if list.len() > 1 => {
                    self.not_yet(span, "several results are", "evaluate them one by one");
                }
                Statement::Results(_) => {}
            }
        }
    }

    fn results(&mut self) {
        let Some(&result) = self.ast.results().first() else { return };
        let span = self.ast.span(result);
        match self.values[result.index()] {
            Value::Error => {}
            value => {
                let id = self.concrete(value, span);
                if let Some((id, _)) = id {
                    self.graph.results = vec![id];
                }
            }
        }
    }

    fn node(&mut self, id: SyntaxId, node: Syntax) -> Value {
        let span = self.ast.span(id);
        match node {
            Syntax::Integer(value) => Value::Int(self.ast.integer(value)),
            Syntax::Float(bits) => Value::Float(bits.get()),
            Syntax::Bool(value) => self.constant(Constant::bool(value), Strength::Strong, span),
            Syntax::Imaginary(_) => self.not_yet(span, "complex numbers are", "use real arrays"),
            Syntax::Text(_) | Syntax::Bytes(_) => {
                self.not_yet(span, "text is", "compare text before the call")
            }
            Syntax::None => self.not_yet(span, "`None` as a value is", "leave it out"),
            Syntax::Tuple(_) => self.not_yet(span, "tuples are", "evaluate the parts one by one"),
            Syntax::Suffixed { literal, suffix } => self.suffixed(literal, suffix, span),
            Syntax::Name(name) => self.name(self.ast.name(name), span),
            Syntax::Unary { op, operand } => self.unary(op, operand, span),
            Syntax::Binary { op, lhs, rhs } => self.binary(id, op, lhs, rhs),
            Syntax::Comparison { operands, ops } => self.comparison(id, operands, ops),
            Syntax::Conditional { test, then, otherwise } => {
                let operands = [test, then, otherwise].map(|id| self.operand(id));
                self.apply(Op::Where, &operands, span)
            }
            Syntax::Call { callee, args } => self.call(id, callee, args),
            Syntax::Method { receiver, name, .. } => {
                let function = self.ast.name(name);
                let text = format!("write `{function}({})`", self.text_of(receiver));
                self.not_yet(self.ast.token_span(id), "methods are", &text)
            }
            Syntax::Attribute { .. } => {
                self.not_yet(self.ast.token_span(id), "attributes are", "pass it as a variable")
            }
            Syntax::Subscript { .. } => {
                self.not_yet(span, "subscripts are", "slice the array before the call")
            }
        }
    }

    fn operand(&self, id: SyntaxId) -> Operand {
        (self.values[id.index()], self.ast.span(id))
    }

    fn text_of(&self, id: SyntaxId) -> String {
        self.ast.span(id).slice(self.ast.source()).to_string()
    }

    /// Reports something that the language has and this version has not.
    fn not_yet(&mut self, span: Span, what: &str, instead: &str) -> Value {
        let message = format!("{what} not supported yet");
        self.error(Diagnostic::new(Code::NotSupportedYet, message).at(span, "").help(instead))
    }

    fn error(&mut self, diagnostic: Diagnostic) -> Value {
        self.errors.push(diagnostic);
        Value::Error
    }

    fn constant(&mut self, constant: Constant, strength: Strength, span: Span) -> Value {
        Value::Node(self.graph.constant(constant, source(span)), strength)
    }

    /// A variable, else a constant of that name.
    fn name(&mut self, name: &str, span: Span) -> Value {
        let Some(position) = self.variables.iter().position(|variable| variable.name == name)
        else {
            return match name {
                _ if self.is_assigned(name) => Value::Error,
                "pi" => Value::Float(std::f64::consts::PI),
                "e" => Value::Float(std::f64::consts::E),
                "inf" => Value::Float(f64::INFINITY),
                "nan" => Value::Float(f64::NAN),
                _ => self.unknown_name(name, span),
            };
        };
        let known = self.used.iter().position(|&used| used == position);
        let Some(input) = known.or_else(|| self.new_input(position, span)) else {
            return Value::Error;
        };
        let strength = self.variables[position].ty.strength;
        let input = fuse_ir::index_u32(input);
        Value::Node(self.graph.input(input, source(span)), strength)
    }

    /// Is it the target of an assignment, which has been reported?
    fn is_assigned(&self, name: &str) -> bool {
        self.ast.statements().any(|statement| match statement {
            Statement::Assign { name: target, .. } => self.ast.name(target) == name,
            Statement::Function { .. } | Statement::Results(_) => false,
        })
    }

    /// Makes a variable an input of the graph, if it can be computed with.
    fn new_input(&mut self, position: usize, span: Span) -> Option<usize> {
        let Variable { name, ty } = self.variables[position].clone();
        if !is_computable(ty.dtype) {
            let what = format!("{} is of type {}, which is", quoted(name), ty.dtype);
            let help = format!("convert it before the call, to {}", number_types("or"));
            self.not_yet(span, &what, &help);
            return None;
        }
        if self.used.len() >= self.options.max_inputs {
            let message = format!("more than {} variables", self.options.max_inputs);
            self.error(Diagnostic::new(Code::TooManyInputs, message).at(span, ""));
            return None;
        }
        self.used.push(position);
        self.graph.add_input(ProgramInput { name: name.to_string(), ty });
        Some(self.used.len() - 1)
    }

    fn suffixed(&mut self, literal: SyntaxId, suffix: fuse_syntax::NameId, span: Span) -> Value {
        let name = self.ast.name(suffix);
        let Some(dtype) = DType::from_name(name) else {
            let message = format!("unknown suffix {}", quoted(name));
            let types = number_types("and");
            let help = format!("number types are {types}; multiplication is written `*`");
            return self
                .error(Diagnostic::new(Code::UnknownSuffix, message).at(span, "").help(help));
        };
        if !is_computable(dtype) {
            let help = format!("use {}", number_types("or"));
            return self.not_yet(span, &format!("{dtype} is"), &help);
        }
        let value = self.values[literal.index()];
        if let (Value::Int(plain), Some((low, high))) = (value, dtype.integer_range())
            && !(low..=high).contains(&plain)
        {
            let message = format!("{plain} does not fit {dtype}, which holds {low} to {high}");
            let help = "write a wider type behind it, or none";
            return self
                .error(Diagnostic::new(Code::LiteralOutOfRange, message).at(span, "").help(help));
        }
        match self.literal_as(value, dtype, span) {
            Some(id) => Value::Node(id, Strength::Strong),
            None => Value::Error,
        }
    }

    fn unary(&mut self, op: UnaryOp, operand: SyntaxId, span: Span) -> Value {
        let operand = self.operand(operand);
        if let Some(value) = literal::unary(op, operand.0) {
            return value;
        }
        let op = match op {
            UnaryOp::Neg => Op::Neg,
            UnaryOp::Invert => Op::Invert,
            UnaryOp::Not => Op::Not,
            UnaryOp::Pos => return operand.0,
        };
        self.apply(op, &[operand], span)
    }

    fn binary(&mut self, id: SyntaxId, op: BinaryOp, lhs: SyntaxId, rhs: SyntaxId) -> Value {
        let span = self.ast.span(id);
        let operands = [self.operand(lhs), self.operand(rhs)];
        match literal::binary(op, operands[0].0, operands[1].0) {
            Ok(Some(value)) => return value,
            Ok(None) => {}
            Err(literal::Overflow) => {
                let message = "integer constant beyond 128 bits";
                let help = "write one operand as a float, as in `2.0`";
                return self.error(
                    Diagnostic::new(Code::IntegerOverflow, message).at(span, "").help(help),
                );
            }
        }
        if op == BinaryOp::Pow {
            return self.power(operands, span);
        }
        if let Some(value) = self.float_beside_bits(op, lhs, rhs) {
            return value;
        }
        self.apply(binary_op(op), &operands, span)
    }

    /// `a > 0.5 & b`: Python binds `&` tighter than `>`, so that a float meets `&`.
    fn float_beside_bits(&mut self, op: BinaryOp, lhs: SyntaxId, rhs: SyntaxId) -> Option<Value> {
        let is_float = |id: SyntaxId| match self.values[id.index()] {
            Value::Float(_) => true,
            Value::Node(node, _) => self.graph.dtype(node).is_float(),
            Value::Int(_) | Value::Error => false,
        };
        let fires = is_bits(op) && (is_float(lhs) || is_float(rhs));
        fires.then(|| self.bits_beside_comparison(op, lhs, rhs))
    }

    /// `a > 0 & b` again, where `0 & b` has a meaning that nobody wants: an operand of a comparison
    /// that is `&`, `|` or `^` of a bool, without brackets around it.
    fn bool_bits_compared(&mut self, operand: SyntaxId) -> Option<Value> {
        let Syntax::Binary { op, lhs, rhs } = self.ast.node(operand) else { return None };
        let is_bool = |id: SyntaxId| match self.values[id.index()] {
            Value::Node(node, _) => self.graph.dtype(node) == DType::Bool,
            Value::Int(_) | Value::Float(_) | Value::Error => false,
        };
        let fires =
            is_bits(op) && !self.ast.parenthesised(operand) && (is_bool(lhs) || is_bool(rhs));
        fires.then(|| self.bits_beside_comparison(op, lhs, rhs))
    }

    fn bits_beside_comparison(&mut self, op: BinaryOp, lhs: SyntaxId, rhs: SyntaxId) -> Value {
        let span = self.ast.span(lhs).to(self.ast.span(rhs));
        let symbol = op.symbol();
        let found = format!("{} {symbol} {}", self.type_of(lhs), self.type_of(rhs));
        let help = match op {
            BinaryOp::BitXor => "for powers write `x ** 2`".to_string(),
            _ => format!(
                "`{symbol}` binds tighter than comparisons: write `(a > 0) {symbol} (b > 0)`, or \
                 convert, as in `i64(x)`"
            ),
        };
        let message = format!("`{symbol}` takes bool or integers");
        self.error(Diagnostic::new(Code::TypeMismatch, message).at(span, found).help(help))
    }

    fn type_of(&self, id: SyntaxId) -> String {
        self.type_text(self.values[id.index()])
    }

    fn type_text(&self, value: Value) -> String {
        match value {
            Value::Node(node, _) => self.graph.dtype(node).to_string(),
            Value::Int(_) => "integer".to_string(),
            Value::Float(_) => "float".to_string(),
            Value::Error => "unknown".to_string(),
        }
    }

    /// `a < b <= c` is `(a < b) & (b <= c)`.
    fn comparison(
        &mut self,
        id: SyntaxId,
        operands: fuse_syntax::List<SyntaxId>,
        ops: fuse_syntax::List<CompareOp>,
    ) -> Value {
        let span = self.ast.span(id);
        let (ast, mut all) = (self.ast, Value::Error);
        let operands = ast.list(operands);
        if let Some(value) = operands.iter().find_map(|&operand| self.bool_bits_compared(operand)) {
            return value;
        }
        for (position, &op) in ast.compare_ops(ops).iter().enumerate() {
            let pair = [self.operand(operands[position]), self.operand(operands[position + 1])];
            let pair_span = pair[0].1.to(pair[1].1);
            let one = self.compare(compare_op(op), pair, pair_span);
            all = if position == 0 {
                one
            } else {
                self.apply(Op::And, &[(all, span), (one, pair_span)], span)
            };
        }
        all
    }

    /// The type of a value as the typing rules see it.
    fn arg_type(&self, value: Value) -> ArgType {
        match value {
            Value::Node(id, strength) => ArgType { dtype: self.graph.dtype(id), strength },
            Value::Int(_) => ArgType::weak(DType::I64),
            Value::Float(_) | Value::Error => ArgType::weak(DType::F64),
        }
    }
}

fn is_bits(op: BinaryOp) -> bool {
    matches!(op, BinaryOp::BitAnd | BinaryOp::BitOr | BinaryOp::BitXor)
}

/// The dtypes that this version computes on.
fn is_computable(dtype: DType) -> bool {
    dtype.mem().is_some()
}

/// The names of the dtypes of numbers that this version computes on, as a list with this last word.
fn number_types(word: &str) -> String {
    let computed = DType::ALL.iter().filter(|&&dtype| dtype != DType::Bool && is_computable(dtype));
    let names: Vec<String> = computed.map(ToString::to_string).collect();
    let (last, rest) = names.split_last().expect("some are");
    format!("{} {word} {last}", rest.join(", "))
}

fn binary_op(op: BinaryOp) -> Op {
    match op {
        BinaryOp::Add => Op::Add,
        BinaryOp::Sub => Op::Sub,
        BinaryOp::Mul => Op::Mul,
        BinaryOp::Div => Op::Div,
        BinaryOp::FloorDiv => Op::FloorDiv,
        BinaryOp::Mod => Op::Mod,
        BinaryOp::Pow => Op::Pow,
        BinaryOp::Shl => Op::Shl,
        BinaryOp::Shr => Op::Shr,
        BinaryOp::BitAnd => Op::BitAnd,
        BinaryOp::BitXor => Op::BitXor,
        BinaryOp::BitOr => Op::BitOr,
        BinaryOp::And => Op::And,
        BinaryOp::Or => Op::Or,
    }
}

fn compare_op(op: CompareOp) -> Op {
    match op {
        CompareOp::Lt => Op::Lt,
        CompareOp::Le => Op::Le,
        CompareOp::Eq => Op::Eq,
        CompareOp::Ne => Op::Ne,
        CompareOp::Ge => Op::Ge,
        CompareOp::Gt => Op::Gt,
    }
}
