//! What each name of a program refers to: the one place that knows the rules of scope.
//!
//! ```text
//! k = 2; f(x) = k*x; k = 3; f(a)      k of f: statement 0   x: parameter 0   f(a): statement 1   a: outer
//! ```
//!
//! A statement sees what the statements before it have bound; so does the body of a function, which
//! therefore means the same at every call, whatever is rebound later. Parameters shadow everything.
//! What nothing binds is *outer*: a variable of the call, a constant, or a function of the language.
//! Names of dtypes, where one is expected, are never variables.
//!
//! *Method.* One walk over the statements, with a table from names to the statement that bound them
//! last: linear. No types are known here, so the answer serves [`names`] as it serves the resolver.

use std::ops::Range;

use fuse_syntax::{
    Argument, Ast, BinaryOp, List, NameId, Node as Syntax, NodeId as SyntaxId, Statement,
};

use super::method::ASTYPE;

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Nothing that the program binds.
    Outer,
    /// The value that the statement at this position assigns.
    Assigned(usize),
    /// The local function that the statement at this position defines.
    Function(usize),
    /// The parameter at this position, of the function around the name.
    Parameter(usize),
    /// The function around the name.
    Itself,
    /// A dtype.
    Type,
}

/// The meaning of every name of a program.
pub(super) struct Scope {
    /// By syntax node; other nodes than names and calls are `Outer`.
    nodes: Vec<Meaning>,
    /// By statement: what `x` of `x += 1` was before.
    targets: Vec<Meaning>,
}

impl Scope {
    /// Looks up every name.
    pub(super) fn new(ast: &Ast) -> Scope {
        let mut walk = Walk {
            ast,
            scope: Scope { nodes: vec![Meaning::Outer; ast.nodes().len()], targets: Vec::new() },
            bound: vec![Meaning::Outer; ast.names().len()],
        };
        walk.types();
        for (position, (statement, range)) in statements(ast).enumerate() {
            walk.statement(position, statement, range);
        }
        walk.scope
    }

    /// The meaning of a name, or of the function of a call.
    pub(super) fn of(&self, id: SyntaxId) -> Meaning {
        self.nodes[id.index()]
    }

    /// The meaning that the target of the statement at this position had before it.
    pub(super) fn target(&self, statement: usize) -> Meaning {
        self.targets[statement]
    }
}

/// The statements with the positions of their nodes, which follow each other.
pub(super) fn statements(ast: &Ast) -> impl Iterator<Item = (Statement, Range<usize>)> + '_ {
    let mut start = 0;
    ast.statements().map(move |statement| {
        let last = match statement {
            Statement::Assign { value, .. } => Some(value),
            Statement::Function { body, .. } => Some(body),
            Statement::Results(list) => ast.list(list).last().copied(),
        };
        let range = start..last.map_or(start, |last| last.index() + 1);
        start = range.end;
        (statement, range)
    })
}

/// The names that a program reads and does not bind before, in order of first use: what must be
/// given, but for `pi e inf nan`, which may.
pub fn names(ast: &Ast) -> Vec<&str> {
    let scope = Scope::new(ast);
    let mut seen = vec![false; ast.names().len()];
    let mut names = Vec::new();
    let mut read = |name: NameId, meaning: Meaning| {
        if meaning == Meaning::Outer && !std::mem::replace(&mut seen[name.index()], true) {
            names.push(ast.name(name));
        }
    };
    for (position, (statement, range)) in statements(ast).enumerate() {
        if let Statement::Assign { name, op: Some(_), .. } = statement {
            read(name, scope.target(position));
        }
        for id in range.filter_map(|position| ast.id(position)) {
            if let Syntax::Name(name) = ast.node(id) {
                read(name, scope.of(id));
            }
        }
    }
    names
}

struct Walk<'a> {
    ast: &'a Ast,
    scope: Scope,
    /// By name: what has bound it last.
    bound: Vec<Meaning>,
}

impl Walk<'_> {
    /// Marks what stands where a dtype is expected: `x.astype(f32)`, `dtype=f32`.
    fn types(&mut self) {
        for node in self.ast.nodes() {
            if let Syntax::Method { name, args, .. } = *node {
                let positional = usize::from(self.ast.name(name) == ASTYPE);
                self.type_arguments(args, positional);
            } else if let Syntax::Call { args, .. } = *node {
                self.type_arguments(args, 0);
            }
        }
    }

    /// Marks the first `positional` arguments, and `dtype=`.
    fn type_arguments(&mut self, args: List<Argument>, positional: usize) {
        for (position, argument) in self.ast.arguments(args).iter().enumerate() {
            let expected = match argument.keyword {
                Some((keyword, _)) => self.ast.name(keyword) == "dtype",
                None => position < positional,
            };
            let is_name =
                matches!(self.ast.node(argument.value), Syntax::Name(_) | Syntax::Text(_));
            if expected && is_name {
                self.scope.nodes[argument.value.index()] = Meaning::Type;
            }
        }
    }

    fn statement(&mut self, position: usize, statement: Statement, range: Range<usize>) {
        let mut before = Meaning::Outer;
        match statement {
            Statement::Assign { name, op, .. } => {
                before = self.assigned(name, op);
                self.look_up(range);
                self.bound[name.index()] = Meaning::Assigned(position);
            }
            Statement::Function { name, params, .. } => {
                let params: Vec<NameId> =
                    self.ast.params(params).iter().map(|param| param.name).collect();
                self.body(name, &params, range);
                self.bound[name.index()] = Meaning::Function(position);
            }
            Statement::Results(_) => self.look_up(range),
        }
        self.scope.targets.push(before);
    }

    fn assigned(&self, name: NameId, op: Option<BinaryOp>) -> Meaning {
        op.map_or(Meaning::Outer, |_| self.bound[name.index()])
    }

    /// A body: its parameters and its own name are bound while it lasts.
    fn body(&mut self, function: NameId, params: &[NameId], range: Range<usize>) {
        let names = || std::iter::once(function).chain(params.iter().copied());
        let outside: Vec<Meaning> = names().map(|name| self.bound[name.index()]).collect();
        self.bound[function.index()] = Meaning::Itself;
        for (position, name) in params.iter().enumerate() {
            self.bound[name.index()] = Meaning::Parameter(position);
        }
        self.look_up(range);
        for (name, meaning) in names().zip(outside) {
            self.bound[name.index()] = meaning;
        }
    }

    fn look_up(&mut self, range: Range<usize>) {
        for id in range.filter_map(|position| self.ast.id(position)) {
            let (Syntax::Name(name) | Syntax::Call { callee: name, .. }) = self.ast.node(id) else {
                continue;
            };
            let meaning = &mut self.scope.nodes[id.index()];
            if *meaning != Meaning::Type {
                *meaning = self.bound[name.index()];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fuse_syntax::{SyntaxLimits, parse};

    fn read(text: &str) -> String {
        let ast = parse(text, &SyntaxLimits::default()).expect("parses");
        names(&ast).join(" ")
    }

    #[test]
    fn what_must_be_given_is_read_before_it_is_bound() {
        for (text, expected) in [
            ("a*b + f(c) + pi", "a b c pi"),
            ("d = x - y; r = d*d; r + d", "x y"),
            ("x = x + 1; x", "x"),
            ("x = 1; x + y", "y"),
            ("y = x; x = 3; y + x", "x"),
            ("x += y; x", "x y"),
            ("x = 1; x += y; x", "y"),
            ("f(x) = k*x; f(a)", "k a"),
            ("f(x, y) = x*y; f(a, b)", "a b"),
            ("f(x) = x; f(x)", "x"),
            ("k = 2; f(x) = k*x; f(a)", "a"),
            ("f(x) = k*x; k = 2; f(a)", "k a"),
            ("f(f) = f + 1; f(a) + f(b)", "a b"),
            ("pi = 3; pi*r", "r"),
            ("x.astype(f32) + x.sum(dtype=f64)", "x"),
            ("f32 + x.astype(f32)", "f32 x"),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn a_body_sees_what_is_bound_before_it() {
        let text = "k = 2; f(x) = k*x; k = 3; f(k)";
        let ast = parse(text, &SyntaxLimits::default()).expect("parses");
        let scope = Scope::new(&ast);
        let found =
            ast.iter().filter(|(_, node)| matches!(node, Syntax::Name(_) | Syntax::Call { .. }));
        let found: Vec<Meaning> = found.map(|(id, _)| scope.of(id)).collect();
        let expected = [
            Meaning::Assigned(0),
            Meaning::Parameter(0),
            Meaning::Assigned(2),
            Meaning::Function(1),
        ];
        assert_eq!(found, expected);
    }
}
