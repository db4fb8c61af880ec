//! The growing tree: nodes, interned names and literals, and the errors found on the way.
//!
//! Nodes are pushed in whatever order the parser finishes them, some of them to be dropped later;
//! `order.rs` brings the tree into postfix order at the end.

use crate::ast::{Ast, FloatBits, IntegerId, NameId, Node, NodeId, NodeInfo, TextId};
use crate::diagnostic::Diagnostic;
use crate::literal;
use crate::precedence::Rule;
use crate::span::Span;
use pest::iterators::Pair;
use rustc_hash::FxHashMap;
use unicode_normalization::{UnicodeNormalization, is_nfkc};

/// How many errors of a formula are reported, at most. More are noise, and a text may have one at
/// every byte.
pub const MOST_ERRORS: usize = 20;

/// A token of the grammar.
pub(crate) type Token<'i> = Pair<'i, Rule>;

/// A finished value: its node, and where it stands with the brackets around it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operand {
    pub(crate) id: NodeId,
    pub(crate) outer: Span,
}

/// The tree under construction.
#[derive(Default)]
pub(crate) struct Builder {
    pub(crate) ast: Ast,
    pub(crate) errors: Vec<Diagnostic>,
    /// Where the statement that is parsed begins in the source; tokens count from there.
    pub(crate) base: usize,
    interned: FxHashMap<Box<str>, NameId>,
}

impl Builder {
    /// Where a token stands in the source.
    pub(crate) fn span(&self, token: &Token<'_>) -> Span {
        let span = token.as_span();
        Span::of(self.base + span.start()..self.base + span.end())
    }

    /// Adds a node whose naming token is `token`.
    pub(crate) fn push(&mut self, node: Node, span: Span, token: Span) -> Operand {
        let id = NodeId::at(self.ast.nodes.len());
        self.ast.nodes.push(node);
        self.ast.infos.push(NodeInfo { span, token, parenthesised: false });
        Operand { id, outer: span }
    }

    /// Adds a node that is one token.
    pub(crate) fn leaf(&mut self, node: Node, span: Span) -> Operand {
        self.push(node, span, span)
    }

    /// Reports an error; gives a stand-in for the value that has it.
    pub(crate) fn fail(&mut self, error: Diagnostic, span: Span) -> Operand {
        self.report(error);
        self.leaf(Node::None, span)
    }

    /// Reports an error, unless there are enough of them.
    pub(crate) fn report(&mut self, error: Diagnostic) {
        if self.errors.len() < MOST_ERRORS {
            self.errors.push(error);
        }
    }

    /// Interns a name in its NFKC form.
    pub(crate) fn name(&mut self, text: &str) -> NameId {
        let normal: Box<str> =
            if is_nfkc(text) { text.into() } else { text.nfkc().collect::<String>().into() };
        if let Some(&id) = self.interned.get(&normal) {
            return id;
        }
        let id = NameId::at(self.ast.names.len());
        self.ast.names.push(normal.clone());
        self.interned.insert(normal, id);
        id
    }

    /// Adds the node of a literal or a name.
    pub(crate) fn value(&mut self, token: &Token<'_>) -> Operand {
        let span = self.span(token);
        let text = token.as_str();
        let node = match token.as_rule() {
            Rule::integer => literal::integer(text, span).map(|value| self.integer(value)),
            Rule::float => Ok(Node::Float(FloatBits(literal::float(text).to_bits()))),
            Rule::imaginary => {
                let value = literal::float(&text[..text.len() - 1]);
                Ok(Node::Imaginary(FloatBits(value.to_bits())))
            }
            Rule::suffixed => return self.suffixed(token),
            Rule::text => self.text(token),
            Rule::true_literal => Ok(Node::Bool(true)),
            Rule::false_literal => Ok(Node::Bool(false)),
            Rule::name => Ok(Node::Name(self.name(text))),
            _ => Ok(Node::None),
        };
        match node {
            Ok(node) => self.leaf(node, span),
            Err(error) => self.fail(error, span),
        }
    }

    fn integer(&mut self, value: i128) -> Node {
        self.ast.integers.push(value);
        Node::Integer(IntegerId::at(self.ast.integers.len() - 1))
    }

    /// `3.5f64`: the literal's node and the suffix around it.
    fn suffixed(&mut self, token: &Token<'_>) -> Operand {
        let span = self.span(token);
        let mut parts = token.clone().into_inner();
        let (Some(number), Some(suffix)) = (parts.next(), parts.next()) else {
            return self.leaf(Node::None, span);
        };
        if number.as_str() == "0" && suffix.as_str().starts_with(['x', 'X', 'o', 'O', 'b', 'B']) {
            return self.fail(literal::no_digits(token.as_str(), span), span);
        }
        let literal = self.value(&number).id;
        let suffix_span = self.span(&suffix);
        let suffix = self.name(suffix.as_str());
        self.push(Node::Suffixed { literal, suffix }, span, suffix_span)
    }

    fn text(&mut self, token: &Token<'_>) -> Result<Node, Diagnostic> {
        let mut parts = token.clone().into_inner();
        let (Some(letters), Some(body)) = (parts.next(), parts.next()) else {
            return Ok(Node::None);
        };
        let prefix = literal::prefix(letters.as_str(), self.span(token))?;
        let value = literal::text(body.as_str(), prefix, self.span(&body))?;
        self.ast.texts.push(value.into());
        let id = TextId::at(self.ast.texts.len() - 1);
        Ok(if prefix.bytes { Node::Bytes(id) } else { Node::Text(id) })
    }
}
