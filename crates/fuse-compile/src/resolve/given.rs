//! Names that the program does not bind: variables of the call, else constants.

use fuse_ir::ProgramInput;
use fuse_syntax::{Code, Diagnostic, NameId, Span, Statement, quoted};

use super::names::{is_function, nearest};
use super::{Resolver, Value, Variable, is_computable, source};

impl Resolver<'_> {
    /// A variable, else a constant of that name. Looked up, and reported, once.
    pub(super) fn given(&mut self, name: NameId, span: Span) -> Value {
        if let Some(value) = self.given[name.index()] {
            return value;
        }
        let value = self.variable_or_constant(name, span);
        self.given[name.index()] = Some(value);
        value
    }

    fn variable_or_constant(&mut self, id: NameId, span: Span) -> Value {
        let name = self.ast.name(id);
        let Some(position) = self.variables.iter().position(|variable| variable.name == name)
        else {
            return match name {
                "pi" => Value::Float(std::f64::consts::PI),
                "e" => Value::Float(std::f64::consts::E),
                "inf" => Value::Float(f64::INFINITY),
                "nan" => Value::Float(f64::NAN),
                _ => self.unknown_name(id, span),
            };
        };
        let Some(input) = self.new_input(position, span) else { return Value::Error };
        let strength = self.variables[position].ty.strength;
        Value::Node(self.graph.input(input, source(span)), strength)
    }

    /// Makes a variable an input of the graph, if it can be computed with.
    fn new_input(&mut self, position: usize, span: Span) -> Option<u32> {
        let Variable { name, ty } = self.variables[position].clone();
        if !is_computable(ty.dtype) && !ty.dtype.is_text() {
            let what = format!("{} is of type {}, which is", quoted(name), ty.dtype);
            let help = "convert it before the call, to bool, i32, i64, f32 or f64";
            self.not_yet(span, &what, help);
            return None;
        }
        if self.graph.inputs().len() >= self.options.max_inputs {
            let message = format!("more than {} variables", self.options.max_inputs);
            self.error(Diagnostic::new(Code::TooManyInputs, message).at(span, ""));
            return None;
        }
        Some(self.graph.add_input(ProgramInput { name: name.to_string(), ty }))
    }

    fn unknown_name(&mut self, id: NameId, span: Span) -> Value {
        if self.enough_errors() {
            return Value::Error;
        }
        let name = self.ast.name(id);
        let message = format!("unknown name {}", quoted(name));
        let mut diagnostic = Diagnostic::new(Code::UnknownName, message).at(span, "");
        let known = self.variables.iter().map(|variable| variable.name);
        if let Some(target) = self.assigned_below(id, span) {
            diagnostic = diagnostic
                .related(target, "assigned only here, below")
                .help("move the assignment before this use");
        } else if is_function(name) {
            diagnostic = diagnostic.help(format!("it is a function: write `{name}(x)`"));
        } else if let Some(near) = nearest(name, self.bound_above(span).chain(known.clone())) {
            // Variables may be called anything.
            diagnostic = diagnostic.help(format!("did you mean {}?", quoted(near)));
        } else if self.variables.is_empty() {
            let name = quoted(name);
            let name = name.trim_matches('`');
            diagnostic = diagnostic.help(format!("no variables were given; give it: {name}=..."));
        } else {
            let known: Vec<String> = known.map(quoted).collect();
            diagnostic = diagnostic.help(format!("the variables are {}", known.join(", ")));
        }
        self.error(diagnostic)
    }

    /// Names that stand for values where the program has come to: assigned ones and constants.
    fn bound_above(&self, span: Span) -> impl Iterator<Item = &str> {
        let assigned = self.ast.statements().filter_map(move |statement| match statement {
            Statement::Assign { name, target, .. } if target.end <= span.start => {
                Some(self.ast.name(name))
            }
            Statement::Assign { .. } | Statement::Function { .. } | Statement::Results(_) => None,
        });
        assigned.chain(["pi", "inf", "nan"])
    }

    /// The target of the first assignment to the name, if that stands after its use.
    fn assigned_below(&self, name: NameId, span: Span) -> Option<Span> {
        self.ast.statements().find_map(|statement| match statement {
            Statement::Assign { name: assigned, target, .. } => {
                (assigned == name && span.end <= target.start).then_some(target)
            }
            Statement::Function { .. } | Statement::Results(_) => None,
        })
    }
}
