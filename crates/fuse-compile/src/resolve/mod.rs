//! Names and types: syntax tree to graph.
//!
//! One pass over the tree in its postfix order. Each syntax node gets a `Value`: a graph node with
//! its strength, a number that is still weak, or the mark of an error already reported; errors
//! therefore do not cascade, and several are reported at once.
//!
//! * `scope`: what each name refers to, before anything has a type.
//! * `program`: statements. `function`: local functions, inlined.
//! * `given`: variables of the call and constants.
//! * `literal`: arithmetic of weak numbers, integers in i128.
//! * `apply`: typing rules, casts, broadcasting, and what the errors say.
//! * `method`: methods and attributes.
//! * `reduction`: reductions and their axes; `composed`: those made of others.
//! * `call`: functions, casts written as calls, names that are known but not built.
//! * `derived`: functions that are formulas over others.
//! * `power`: what `**` means.
//! * `subscript`: slices, indices, extents; `slice`: their ends; `generate`: `arange` and its kin.
//! * `text`: text, which is compared and searched.
//! * `half`: f16 is computed in f32; the last step, which writes the roundings down.

mod apply;
mod call;
mod composed;
mod derived;
mod function;
mod generate;
mod given;
mod half;
mod literal;
mod method;
mod names;
mod power;
mod program;
mod reduction;
mod scope;
mod slice;
mod subscript;
mod text;

use fuse_ir::{DType, InputType, SourceSpan, Strength, TextConstant};
use fuse_ops::{ArgType, Op};
use fuse_syntax::{
    Ast, BinaryOp, Code, CompareOp, Diagnostic, List, MOST_ERRORS, Node as Syntax,
    NodeId as SyntaxId, Span, UnaryOp, quoted,
};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::Options;
use crate::graph::{Constant, Graph, NodeId};
use function::CallKey;
use program::{Bound, Frame};
use scope::{Meaning, Scope};

pub use method::{ATTRIBUTES, METHODS};
pub use names::nearest;
pub use scope::names;

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
    /// A dtype, where one is expected.
    Type(DType),
    /// `x.shape`: no operand, but something to take an element of.
    Shape(NodeId),
    /// A tuple, by its position in [`Resolver::tuples`]: no operand, but the shape of `zeros((2, 3))`.
    Tuple(u32),
    /// `None`: no operand, but an argument that is left out.
    None,
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
        scope: Scope::new(ast),
        graph: Graph::default(),
        values: vec![Value::Error; ast.nodes().len()],
        tuples: Vec::new(),
        node_symbols: FxHashMap::default(),
        given: vec![None; ast.names().len()],
        bound: Vec::with_capacity(ast.statements().len()),
        frames: Vec::new(),
        inlined: FxHashMap::default(),
        n_inlined: 0,
        reported: FxHashSet::default(),
        errors: Vec::new(),
    };
    resolver.program();
    resolver.results();
    let Resolver { graph, mut errors, .. } = resolver;
    if errors.is_empty() {
        return Ok(half::explicit(graph, options.mode));
    }
    errors.sort_by_key(Diagnostic::span);
    Err(errors)
}

struct Resolver<'a> {
    ast: &'a Ast,
    variables: &'a [Variable<'a>],
    options: Options,
    graph: Graph,
    scope: Scope,
    /// The value of each syntax node so far; of a body, at the call that was inlined last.
    values: Vec<Value>,
    /// The parts of tuples.
    tuples: Vec<Vec<Operand>>,
    /// By node: its value as an integer that a call binds, `None` where it is none.
    node_symbols: FxHashMap<NodeId, Option<u32>>,
    /// By name: the variable or constant, once it has been looked up.
    given: Vec<Option<Value>>,
    /// By statement: what it binds.
    bound: Vec<Bound>,
    /// What is being resolved, the innermost last.
    frames: Vec<Frame>,
    /// Values of calls of local functions.
    inlined: FxHashMap<CallKey, Value>,
    /// Nodes of inlined bodies so far.
    n_inlined: usize,
    /// Where an error of which kind has been reported.
    reported: FxHashSet<(Code, Option<Span>)>,
    errors: Vec<Diagnostic>,
}

/// A span of the tree as the graph keeps it.
fn source(span: Span) -> SourceSpan {
    SourceSpan { start: span.start, end: span.end }
}

impl Resolver<'_> {
    fn node(&mut self, id: SyntaxId, node: Syntax) -> Value {
        let span = self.ast.span(id);
        match node {
            Syntax::Integer(value) => Value::Int(self.ast.integer(value)),
            Syntax::Float(bits) => Value::Float(bits.get()),
            Syntax::Bool(value) => self.constant(Constant::bool(value), Strength::Strong, span),
            Syntax::Imaginary(bits) => {
                let id = self.complex_constant([0.0, bits.get()], DType::F64, span);
                Value::Node(id, Strength::Weak)
            }
            Syntax::Text(text) if self.scope.of(id) == Meaning::Type => {
                self.dtype_text(self.ast.text(text), span)
            }
            Syntax::Text(text) => self.text_literal(TextConstant::text(self.ast.text(text)), span),
            Syntax::Bytes(bytes) => {
                self.text_literal(TextConstant::bytes(self.ast.bytes(bytes)), span)
            }
            Syntax::None => Value::None,
            Syntax::Tuple(parts) => self.tuple(parts),
            Syntax::Suffixed { literal, suffix } => self.suffixed(literal, suffix, span),
            Syntax::Name(name) => self.name(id, name, span),
            Syntax::Unary { op, operand } => self.unary(op, operand, span),
            Syntax::Binary { op, lhs, rhs } => {
                let operands = [self.operand(lhs), self.operand(rhs)];
                self.binary(op, operands, span)
            }
            Syntax::Comparison { operands, ops } => self.comparison(id, operands, ops),
            Syntax::Conditional { test, then, otherwise } => {
                let operands = [test, then, otherwise].map(|id| self.operand(id));
                self.apply(Op::Where, &operands, span)
            }
            Syntax::Call { callee, args } => self.call(id, callee, args),
            Syntax::Method { receiver, name, args } => self.method(id, receiver, name, args),
            Syntax::Attribute { receiver, name } => self.attribute(id, receiver, name),
            Syntax::Subscript { value, items } => self.subscript(id, value, items),
        }
    }

    /// The value of a syntax node, a tuple perhaps.
    fn any_operand(&self, id: SyntaxId) -> Operand {
        (self.values[id.index()], self.ast.span(id))
    }

    /// The value of a syntax node where a number or an array is wanted.
    fn operand(&mut self, id: SyntaxId) -> Operand {
        let operand = self.any_operand(id);
        self.checked(operand)
    }

    /// An operand where a number or an array is wanted.
    fn checked(&mut self, (value, span): Operand) -> Operand {
        match value {
            Value::Shape(_) | Value::Tuple(_) | Value::None => {
                (self.not_a_number(value, span), span)
            }
            Value::Node(..) | Value::Int(_) | Value::Float(_) => (value, span),
            Value::Type(_) | Value::Error => (value, span),
        }
    }

    /// A tuple where a number or an array is wanted.
    fn not_a_number(&mut self, value: Value, span: Span) -> Value {
        if value == Value::None {
            let error = Diagnostic::new(Code::TypeMismatch, "`None` is not a number or an array");
            return self.error(error.at(span, "").help("leave it out"));
        }
        let help = match value {
            Value::Shape(_) => "take one of its elements, as in `x.shape[0]`",
            _ => {
                "write one value; a tuple stands for several results, or is an argument such as `axis=(0, 1)`"
            }
        };
        let message = "a tuple is not a number or an array";
        self.error(Diagnostic::new(Code::TypeMismatch, message).at(span, "").help(help))
    }

    fn tuple(&mut self, parts: List<SyntaxId>) -> Value {
        let ast = self.ast;
        let parts = ast.list(parts).iter().map(|&part| self.any_operand(part)).collect();
        self.tuples.push(parts);
        Value::Tuple(fuse_ir::index_u32(self.tuples.len() - 1))
    }

    fn text_of(&self, id: SyntaxId) -> String {
        self.ast.span(id).slice(self.ast.source()).to_string()
    }

    /// Reports something that the language has and this version has not.
    fn not_yet(&mut self, span: Span, what: &str, instead: &str) -> Value {
        let message = format!("{what} not supported yet");
        self.error(Diagnostic::new(Code::NotSupportedYet, message).at(span, "").help(instead))
    }

    /// Are there so many errors that one more would not be reported?
    fn enough_errors(&self) -> bool {
        self.errors.len() >= MOST_ERRORS
    }

    /// Reports an error, of each kind once at each place: a body may be inlined many times.
    fn error(&mut self, diagnostic: Diagnostic) -> Value {
        let is_new = self.reported.insert((diagnostic.code, diagnostic.span()));
        if is_new && !self.enough_errors() {
            let diagnostic = self.with_calls(diagnostic);
            self.errors.push(diagnostic);
        }
        Value::Error
    }

    fn constant(&mut self, constant: Constant, strength: Strength, span: Span) -> Value {
        Value::Node(self.graph.constant(constant, source(span)), strength)
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
            UnaryOp::Pos if self.is_text(operand.0) => {
                return self.text_refused("`+` takes numbers", operand);
            }
            UnaryOp::Pos => return operand.0,
        };
        self.apply(op, &[operand], span)
    }

    fn binary(&mut self, op: BinaryOp, operands: [Operand; 2], span: Span) -> Value {
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
        if let Some(value) = self.float_beside_bits(op, operands) {
            return value;
        }
        self.apply(binary_op(op), &operands, span)
    }

    /// `a > 0.5 & b`: Python binds `&` tighter than `>`, so that a float, or a text, meets `&`.
    fn float_beside_bits(&mut self, op: BinaryOp, operands: [Operand; 2]) -> Option<Value> {
        let is_float = |(value, _): Operand| match value {
            Value::Float(_) => true,
            Value::Node(node, _) => {
                let dtype = self.graph.dtype(node);
                dtype.is_float() || dtype.is_text()
            }
            Value::Int(_) | Value::Type(_) | Value::Error => false,
            Value::Shape(_) | Value::Tuple(_) | Value::None => false,
        };
        let fires = is_bits(op) && operands.into_iter().any(is_float);
        fires.then(|| self.bits_beside_comparison(op, operands))
    }

    /// `a > 0 & b` again, where `0 & b` has a meaning that nobody wants: an operand of a comparison
    /// that is `&`, `|` or `^` of a bool, without brackets around it.
    fn bool_bits_compared(&mut self, operand: SyntaxId) -> Option<Value> {
        let Syntax::Binary { op, lhs, rhs } = self.ast.node(operand) else { return None };
        let operands = [self.operand(lhs), self.operand(rhs)];
        let is_bool = |(value, _): Operand| match value {
            Value::Node(node, _) => self.graph.dtype(node) == DType::Bool,
            Value::Int(_) | Value::Float(_) | Value::Type(_) | Value::Error => false,
            Value::Shape(_) | Value::Tuple(_) | Value::None => false,
        };
        let is_bare = is_bits(op) && !self.ast.parenthesised(operand);
        let fires = is_bare && operands.into_iter().any(is_bool);
        fires.then(|| self.bits_beside_comparison(op, operands))
    }

    fn bits_beside_comparison(&mut self, op: BinaryOp, [lhs, rhs]: [Operand; 2]) -> Value {
        let span = lhs.1.to(rhs.1);
        let symbol = op.symbol();
        let found = format!("{} {symbol} {}", self.type_text(lhs.0), self.type_text(rhs.0));
        let help = match op {
            BinaryOp::BitXor => "for powers write `x ** 2`".to_string(),
            _ if self.is_text(lhs.0) || self.is_text(rhs.0) => format!(
                "`{symbol}` binds tighter than comparisons: write `(s == 'ab') {symbol} (b > 0)`"
            ),
            _ => format!(
                "`{symbol}` binds tighter than comparisons: write `(a > 0) {symbol} (b > 0)`, or \
                 convert, as in `i64(x)`"
            ),
        };
        let message = format!("`{symbol}` takes bool or integers");
        self.error(Diagnostic::new(Code::TypeMismatch, message).at(span, found).help(help))
    }

    fn type_text(&self, value: Value) -> String {
        match value {
            Value::Node(node, _) => match self.graph.dtype(node) {
                dtype @ DType::Text(_) => format!("text ({dtype})"),
                dtype @ DType::Bytes(_) => format!("bytes ({dtype})"),
                dtype => dtype.to_string(),
            },
            Value::Int(_) => "integer".to_string(),
            Value::Float(_) => "float".to_string(),
            Value::Type(dtype) => format!("the dtype {dtype}"),
            Value::Shape(_) | Value::Tuple(_) => "a tuple".to_string(),
            Value::None => "None".to_string(),
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
            Value::Float(_) | Value::Type(_) | Value::Error => ArgType::weak(DType::F64),
            Value::Shape(_) | Value::Tuple(_) | Value::None => ArgType::weak(DType::F64),
        }
    }
}

fn is_bits(op: BinaryOp) -> bool {
    matches!(op, BinaryOp::BitAnd | BinaryOp::BitOr | BinaryOp::BitXor)
}

/// The dtypes that this version computes on.
fn is_computable(dtype: DType) -> bool {
    dtype.part().unwrap_or(dtype).mem().is_some()
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
