//! The syntax tree: one arena of [`Node`]s, side tables for everything that does not fit a node.
//!
//! ```text
//! a*b + f(c)      %0 a   %1 b   %2 Mul %0 %1   %3 c   %4 f(%3)   %5 Add %2 %4
//! ```
//!
//! *Invariants.* Nodes lie in postfix order of the source: operands have smaller ids than their
//! users, a subtree is one contiguous range of ids that ends with its root, and every node has
//! exactly one user. Hence each pass over the tree is a `for` loop, and nothing here recurses, `Drop`,
//! `Debug` and `Display` included. All spans lie on character boundaries of [`Ast::source`].
//!
//! *Cost.* 24 bytes a node and 20 bytes of spans. Names are interned, so comparing two [`NameId`]s compares the
//! names (after NFKC normalisation).

use crate::span::{Span, index, offset};
use std::marker::PhantomData;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub(crate) u32);

        impl $name {
            /// The position in its table, counted from 0.
            pub fn index(self) -> usize {
                index(self.0)
            }

            pub(crate) fn at(position: usize) -> Self {
                $name(offset(position))
            }
        }
    )*};
}

ids! {
    /// A node of the tree.
    NodeId,
    /// An interned name; read it with [`Ast::name`].
    NameId,
    /// A text or bytes literal; read it with [`Ast::text`] or [`Ast::bytes`].
    TextId,
    /// An integer literal; read it with [`Ast::integer`].
    IntegerId
}

/// A range of one of the tree's lists. The element type says which accessor of [`Ast`] reads it.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct List<T> {
    pub(crate) start: u32,
    pub(crate) len: u32,
    element: PhantomData<fn() -> T>,
}

impl<T> Clone for List<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for List<T> {}

impl<T> List<T> {
    /// How many elements.
    pub fn len(self) -> usize {
        index(self.len)
    }

    /// Whether it has no elements.
    pub fn is_empty(self) -> bool {
        self.len == 0
    }

    /// Appends `elements` to `pool`.
    pub(crate) fn push(pool: &mut Vec<T>, elements: impl IntoIterator<Item = T>) -> Self {
        let start = pool.len();
        pool.extend(elements);
        List { start: offset(start), len: offset(pool.len() - start), element: PhantomData }
    }

    /// The list with one more element. In place if the list is the pool's last.
    pub(crate) fn extended(self, pool: &mut Vec<T>, element: T) -> Self
    where
        T: Copy,
    {
        let range = index(self.start)..index(self.start) + index(self.len);
        if range.end == pool.len() {
            pool.push(element);
            return List { len: self.len + 1, ..self };
        }
        let copy: Vec<T> =
            pool.get(range).unwrap_or(&[]).iter().copied().chain([element]).collect();
        List::push(pool, copy)
    }

    pub(crate) fn of<U>(self, pool: &[U]) -> &[U] {
        pool.get(index(self.start)..index(self.start) + index(self.len)).unwrap_or(&[])
    }
}

/// A float literal by its bits, so that nodes can be compared and hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FloatBits(pub u64);

impl FloatBits {
    /// The value.
    pub fn get(self) -> f64 {
        f64::from_bits(self.0)
    }
}

/// One node of the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Node {
    /// `42`, `0x1f`, `1_000`: a value in `0 ..= i128::MAX`.
    Integer(IntegerId),
    /// `1e3`, `.5`; too large is infinite, as in Python.
    Float(FloatBits),
    /// `1.5j`: the imaginary part.
    Imaginary(FloatBits),
    /// `True`, `False`.
    Bool(bool),
    /// `None` as a value, as in `axis=None`. Inside a subscript it is [`SubscriptItem::NewAxis`].
    None,
    /// `'text'`.
    Text(TextId),
    /// `b'bytes'`.
    Bytes(TextId),
    /// `3.5f64`, `7i32`: a number and the letters that follow it without a space. What they mean
    /// is the compiler's to say.
    Suffixed {
        /// An [`Node::Integer`], [`Node::Float`] or [`Node::Imaginary`].
        literal: NodeId,
        /// `f64`.
        suffix: NameId,
    },
    /// A variable or a constant. A leading `np.` has been dropped.
    Name(NameId),
    /// `-x`, `not x`.
    Unary {
        /// The operator.
        op: UnaryOp,
        /// `x`.
        operand: NodeId,
    },
    /// `x + y`, `x and y`.
    Binary {
        /// The operator.
        op: BinaryOp,
        /// `x`.
        lhs: NodeId,
        /// `y`.
        rhs: NodeId,
    },
    /// `a < b <= c`: one operand more than operators, at least two operands.
    Comparison {
        /// `a`, `b`, `c`: read with [`Ast::list`].
        operands: List<NodeId>,
        /// `<`, `<=`: read with [`Ast::compare_ops`].
        ops: List<CompareOp>,
    },
    /// `then if test else otherwise`.
    Conditional {
        /// The condition, in the middle.
        test: NodeId,
        /// The value where it holds.
        then: NodeId,
        /// The value elsewhere.
        otherwise: NodeId,
    },
    /// `f(x, axis=0)`. A leading `np.` has been dropped.
    Call {
        /// `f`.
        callee: NameId,
        /// Read with [`Ast::arguments`].
        args: List<Argument>,
    },
    /// `x.sum(axis=0)`.
    Method {
        /// `x`.
        receiver: NodeId,
        /// `sum`.
        name: NameId,
        /// Read with [`Ast::arguments`].
        args: List<Argument>,
    },
    /// `x.real`.
    Attribute {
        /// `x`.
        receiver: NodeId,
        /// `real`.
        name: NameId,
    },
    /// `x[1:, None]`.
    Subscript {
        /// `x`.
        value: NodeId,
        /// At least one; read with [`Ast::items`].
        items: List<SubscriptItem>,
    },
    /// `(0, 1)`; read with [`Ast::list`].
    Tuple(List<NodeId>),
}

/// An operator in front of its operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    /// `-`
    Neg,
    /// `+`
    Pos,
    /// `~`
    Invert,
    /// `not`
    Not,
}

/// An operator between two operands, comparisons aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `//`
    FloorDiv,
    /// `%`
    Mod,
    /// `**`
    Pow,
    /// `<<`
    Shl,
    /// `>>`
    Shr,
    /// `&`
    BitAnd,
    /// `^`
    BitXor,
    /// `|`
    BitOr,
    /// `and`
    And,
    /// `or`
    Or,
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CompareOp {
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `>=`
    Ge,
    /// `>`
    Gt,
}

impl UnaryOp {
    /// As it is written.
    pub fn symbol(self) -> &'static str {
        match self {
            UnaryOp::Neg => "-",
            UnaryOp::Pos => "+",
            UnaryOp::Invert => "~",
            UnaryOp::Not => "not",
        }
    }
}

impl BinaryOp {
    /// As it is written.
    pub fn symbol(self) -> &'static str {
        match self {
            BinaryOp::Add => "+",
            BinaryOp::Sub => "-",
            BinaryOp::Mul => "*",
            BinaryOp::Div => "/",
            BinaryOp::FloorDiv => "//",
            BinaryOp::Mod => "%",
            BinaryOp::Pow => "**",
            BinaryOp::Shl => "<<",
            BinaryOp::Shr => ">>",
            BinaryOp::BitAnd => "&",
            BinaryOp::BitXor => "^",
            BinaryOp::BitOr => "|",
            BinaryOp::And => "and",
            BinaryOp::Or => "or",
        }
    }
}

impl CompareOp {
    /// As it is written.
    pub fn symbol(self) -> &'static str {
        match self {
            CompareOp::Lt => "<",
            CompareOp::Le => "<=",
            CompareOp::Eq => "==",
            CompareOp::Ne => "!=",
            CompareOp::Ge => ">=",
            CompareOp::Gt => ">",
        }
    }
}

/// One argument of a call. Keywords follow the positional arguments and are distinct.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argument {
    /// `axis` of `axis=0`, and where it stands.
    pub keyword: Option<(NameId, Span)>,
    /// `0`.
    pub value: NodeId,
}

/// One item between the brackets of `x[...]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubscriptItem {
    /// `0`, `i + 1`.
    Index(NodeId),
    /// `1:`, `::2`, `a:b:-1`.
    Slice {
        /// Before the first colon.
        start: Option<NodeId>,
        /// After the first colon.
        stop: Option<NodeId>,
        /// After the second colon.
        step: Option<NodeId>,
    },
    /// `None`, `np.newaxis`.
    NewAxis,
    /// `...`
    Ellipsis,
}

/// One parameter of a local function. Parameters are distinct.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Param {
    /// The name.
    pub name: NameId,
    /// Where it stands.
    pub span: Span,
}

/// One statement. The last one of a program, and only that, is [`Statement::Results`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statement {
    /// `x = value`, or `x += value`, which has an operator.
    Assign {
        /// `x`.
        name: NameId,
        /// Where `x` stands.
        target: Span,
        /// The operator of an augmented assignment.
        op: Option<BinaryOp>,
        /// The right side.
        value: NodeId,
    },
    /// `f(x, y) = body`.
    Function {
        /// `f`.
        name: NameId,
        /// Where `f` stands.
        target: Span,
        /// Read with [`Ast::params`].
        params: List<Param>,
        /// The right side.
        body: NodeId,
    },
    /// `r, d`: at least one; read with [`Ast::list`].
    Results(List<NodeId>),
}

/// What the tree knows of a node beside the node itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NodeInfo {
    /// From the first to the last byte, brackets around it excluded.
    pub(crate) span: Span,
    /// The token that names the operation.
    pub(crate) token: Span,
    /// Whether brackets stand around it.
    pub(crate) parenthesised: bool,
}

/// A parsed program: see the module's page for the order of nodes.
#[derive(Clone, Debug, Default)]
pub struct Ast {
    pub(crate) source: String,
    pub(crate) nodes: Vec<Node>,
    pub(crate) infos: Vec<NodeInfo>,
    pub(crate) statements: Vec<(Statement, Span)>,
    pub(crate) names: Vec<Box<str>>,
    pub(crate) texts: Vec<Box<[u8]>>,
    pub(crate) integers: Vec<i128>,
    pub(crate) node_lists: Vec<NodeId>,
    pub(crate) compare_ops: Vec<CompareOp>,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) items: Vec<SubscriptItem>,
    pub(crate) item_spans: Vec<Span>,
    pub(crate) params: Vec<Param>,
}

impl Ast {
    /// The text it was parsed from.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// All nodes in postfix order; the position is the id's index.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// All nodes with their ids, operands before users.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (NodeId, Node)> + '_ {
        self.nodes.iter().enumerate().map(|(position, node)| (NodeId::at(position), *node))
    }

    /// The id of the node at this position of the postfix order.
    pub fn id(&self, position: usize) -> Option<NodeId> {
        (position < self.nodes.len()).then(|| NodeId::at(position))
    }

    /// The node.
    ///
    /// Ids belong to the tree that made them; [`Node::None`] answers for one that it has not.
    pub fn node(&self, id: NodeId) -> Node {
        self.nodes.get(id.index()).copied().unwrap_or(Node::None)
    }

    /// Where the node stands, without brackets around it.
    pub fn span(&self, id: NodeId) -> Span {
        self.infos.get(id.index()).map_or(Span::default(), |info| info.span)
    }

    /// Where the token stands that names the operation: the operator (the first one of a
    /// comparison, `if` of a conditional), the name of a function, method or attribute, the
    /// opening bracket of a subscript; the node's own span for everything else.
    pub fn token_span(&self, id: NodeId) -> Span {
        self.infos.get(id.index()).map_or(Span::default(), |info| info.token)
    }

    /// Whether round brackets stand directly around the node: `(a & b) > 0` against `a & b > 0`.
    pub fn parenthesised(&self, id: NodeId) -> bool {
        self.infos.get(id.index()).is_some_and(|info| info.parenthesised)
    }

    /// The statements in their order. The last one is [`Statement::Results`].
    pub fn statements(&self) -> impl ExactSizeIterator<Item = Statement> + '_ {
        self.statements.iter().map(|(statement, _)| *statement)
    }

    /// The statements with the spans they cover.
    pub fn statement_spans(&self) -> &[(Statement, Span)] {
        &self.statements
    }

    /// The results: what the last statement lists, with or without brackets around all of them.
    pub fn results(&self) -> &[NodeId] {
        let listed: &[NodeId] = match self.statements.last() {
            Some((Statement::Results(list), _)) => self.list(*list),
            Some((Statement::Assign { .. } | Statement::Function { .. }, _)) | None => &[],
        };
        if let [only] = listed
            && let Node::Tuple(list) = self.node(*only)
            && !list.is_empty()
        {
            return self.list(list);
        }
        listed
    }

    /// The name, NFKC-normalised.
    pub fn name(&self, id: NameId) -> &str {
        self.names.get(id.index()).map_or("", |name| name)
    }

    /// All distinct names, in order of first appearance; the position is the id's index.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> + '_ {
        self.names.iter().map(|name| &**name)
    }

    /// The value of an integer literal, never negative.
    pub fn integer(&self, id: IntegerId) -> i128 {
        self.integers.get(id.index()).copied().unwrap_or(0)
    }

    /// The value of a text literal.
    pub fn text(&self, id: TextId) -> &str {
        std::str::from_utf8(self.bytes(id)).unwrap_or("")
    }

    /// The value of a bytes literal.
    pub fn bytes(&self, id: TextId) -> &[u8] {
        self.texts.get(id.index()).map_or(&[], |text| text)
    }

    /// The elements of a tuple, operands of a comparison, or results.
    pub fn list(&self, list: List<NodeId>) -> &[NodeId] {
        list.of(&self.node_lists)
    }

    /// The operators of a comparison.
    pub fn compare_ops(&self, list: List<CompareOp>) -> &[CompareOp] {
        list.of(&self.compare_ops)
    }

    /// The arguments of a call.
    pub fn arguments(&self, list: List<Argument>) -> &[Argument] {
        list.of(&self.arguments)
    }

    /// The items of a subscript.
    pub fn items(&self, list: List<SubscriptItem>) -> &[SubscriptItem] {
        list.of(&self.items)
    }

    /// Where the items of a subscript stand; as many as [`Ast::items`] gives.
    pub fn item_spans(&self, list: List<SubscriptItem>) -> &[Span] {
        list.of(&self.item_spans)
    }

    /// The parameters of a local function.
    pub fn params(&self, list: List<Param>) -> &[Param] {
        list.of(&self.params)
    }

    /// Calls `visit` with each operand of the node, in the order of the source.
    pub fn operands(&self, id: NodeId, visit: &mut dyn FnMut(NodeId)) {
        match self.node(id) {
            Node::Integer(_) | Node::Float(_) | Node::Imaginary(_) | Node::Bool(_) => {}
            Node::None | Node::Text(_) | Node::Bytes(_) | Node::Name(_) => {}
            Node::Suffixed { literal, .. } => visit(literal),
            Node::Unary { operand, .. } => visit(operand),
            Node::Binary { lhs, rhs, .. } => [lhs, rhs].into_iter().for_each(visit),
            Node::Comparison { operands, .. } | Node::Tuple(operands) => {
                self.list(operands).iter().copied().for_each(visit);
            }
            Node::Conditional { test, then, otherwise } => {
                [then, test, otherwise].into_iter().for_each(visit);
            }
            Node::Call { args, .. } => self.argument_values(args).for_each(visit),
            Node::Method { receiver, args, .. } => {
                visit(receiver);
                self.argument_values(args).for_each(visit);
            }
            Node::Attribute { receiver, .. } => visit(receiver),
            Node::Subscript { value, items } => {
                visit(value);
                self.items(items).iter().for_each(|item| item.operands(visit));
            }
        }
    }

    fn argument_values(&self, args: List<Argument>) -> impl Iterator<Item = NodeId> + '_ {
        self.arguments(args).iter().map(|argument| argument.value)
    }
}

impl SubscriptItem {
    /// Calls `visit` with each operand of the item.
    pub(crate) fn operands(&self, visit: &mut dyn FnMut(NodeId)) {
        match *self {
            SubscriptItem::Index(index) => visit(index),
            SubscriptItem::Slice { start, stop, step } => {
                [start, stop, step].into_iter().flatten().for_each(visit);
            }
            SubscriptItem::NewAxis | SubscriptItem::Ellipsis => {}
        }
    }
}
