//! Methods, attributes and subscripts: `x.sum()` is `sum(x)`, `x.astype(f32)` is `f32(x)`.

use fuse_ir::DType;
use fuse_ops::Op;
use fuse_syntax::{Argument, Code, Diagnostic, List, NameId, NodeId as SyntaxId, Span, quoted};

use super::call::{Callee, Passed};
use super::names::{is_function, nearest};
use super::{Resolver, Value};

/// The functions that are methods too, with the receiver as first argument; `astype` is the cast.
pub const METHODS: &[&str] = &[
    "sum",
    "prod",
    "min",
    "max",
    "mean",
    "var",
    "std",
    "any",
    "all",
    "argmin",
    "argmax",
    "round",
    "clip",
    "conj",
    "conjugate",
    ASTYPE,
];

/// The method that takes a dtype.
pub(super) const ASTYPE: &str = "astype";

/// Attributes.
pub const ATTRIBUTES: &[&str] = &["real", "imag", "T", "size", "ndim", "shape"];

impl Resolver<'_> {
    pub(super) fn method(
        &mut self,
        id: SyntaxId,
        receiver: SyntaxId,
        name: NameId,
        args: List<Argument>,
    ) -> Value {
        let (name, place) = (self.ast.name(name), self.ast.token_span(id));
        if !METHODS.contains(&name) {
            return self.unknown_method(name, receiver, place);
        }
        if name == ASTYPE {
            return self.astype(id, receiver, args);
        }
        let callee = Callee { name, place, span: self.ast.span(id), n_receivers: 1 };
        let receiver = Passed { keyword: None, operand: self.operand(receiver) };
        let passed: Vec<Passed> = std::iter::once(receiver).chain(self.passed(args)).collect();
        self.function(&callee, &passed)
    }

    /// `x.astype(f32)`, `x.astype(np.float32)`, `x.astype('float32')`, `x.astype(dtype=f32)`.
    fn astype(&mut self, id: SyntaxId, receiver: SyntaxId, args: List<Argument>) -> Value {
        let span = self.ast.span(id);
        let &[Argument { keyword, value }] = self.ast.arguments(args) else {
            let message = format!("`astype` takes 1 argument, {} given", args.len());
            let error = Diagnostic::new(Code::WrongArity, message).at(span, "");
            return self.error(error.help("as in `x.astype(f32)`"));
        };
        if let Some((keyword, place)) = keyword.filter(|(name, _)| self.ast.name(*name) != "dtype")
        {
            return self.unknown_keyword(self.ast.name(keyword), place);
        }
        match self.operand(value) {
            (Value::Type(dtype), place) => {
                let receiver = self.operand(receiver);
                self.cast_to(dtype, receiver, place, span)
            }
            (Value::Error, _) => Value::Error,
            (Value::Node(..) | Value::Int(_) | Value::Float(_), place)
            | (Value::Shape(_) | Value::Tuple(_) | Value::None, place) => {
                let error = Diagnostic::new(Code::TypeMismatch, "`astype` takes a dtype");
                self.error(error.at(place, "this is a value").help("as in `x.astype(f32)`"))
            }
        }
    }

    /// The dtype of that name.
    pub(super) fn dtype_named(&mut self, name: &str, span: Span) -> Value {
        if let Some(dtype) = DType::from_name(name) {
            return Value::Type(dtype);
        }
        let names = DType::ALL.iter().flat_map(|dtype| dtype.aliases()).copied();
        let message = format!("unknown dtype {}", quoted(name));
        let error = Diagnostic::new(Code::UnknownName, message).at(span, "expected a dtype");
        self.error(match nearest(name, names) {
            Some(near) => error.help(format!("did you mean `{near}`?")),
            None => error.help("`bool i32 i64 f32 f64` are dtypes, under NumPy's names too"),
        })
    }

    /// A text where a dtype is expected. Of NumPy's codes, which count bytes, two are names here,
    /// which count bits.
    pub(super) fn dtype_text(&mut self, text: &str, span: Span) -> Value {
        if !matches!(text, "i8" | "u8") {
            return self.dtype_named(text, span);
        }
        let numpy = if text == "i8" { "int" } else { "uint" };
        let message = format!("'{text}' has 8 bytes in NumPy, `{text}` has 8 bits here");
        let help = format!("write `{numpy}64` or `{numpy}8`");
        self.error(Diagnostic::new(Code::UnknownName, message).at(span, "").help(help))
    }

    fn unknown_method(&mut self, name: &str, receiver: SyntaxId, place: Span) -> Value {
        let message = format!("there is no method {}", quoted(name));
        let error = Diagnostic::new(Code::UnknownAttribute, message).at(place, "");
        let error = if is_function(name) {
            error.help(format!("it is a function: write `{name}({})`", self.text_of(receiver)))
        } else if let Some(near) = nearest(name, METHODS.iter().copied()) {
            error.help(format!("did you mean `{near}`?"))
        } else {
            error.note(format!("the methods are {}", METHODS.join(" ")))
        };
        self.error(error)
    }

    pub(super) fn attribute(&mut self, id: SyntaxId, receiver: SyntaxId, name: NameId) -> Value {
        let (name, place) = (self.ast.name(name), self.ast.token_span(id));
        let span = self.ast.span(id);
        let operand = match name {
            "T" | "size" | "shape" | "real" | "imag" => self.operand(receiver),
            _ => self.any_operand(receiver),
        };
        match name {
            "ndim" => self.rank(receiver),
            "T" => self.transposed(operand, span),
            "size" => self.size(operand, span),
            "shape" => self.shape_of(operand),
            "real" => self.apply(Op::Real, &[operand], span),
            "imag" => self.apply(Op::Imag, &[operand], span),
            _ => self.unknown_attribute(name, receiver, place),
        }
    }

    /// `x.ndim`: a plain integer, known when compiled.
    fn rank(&mut self, receiver: SyntaxId) -> Value {
        let rank = match self.operand(receiver).0 {
            Value::Node(id, _) => self.graph.ty(id).shape.len(),
            Value::Int(_) | Value::Float(_) => 0,
            Value::Type(_) | Value::Shape(_) | Value::Tuple(_) | Value::None => {
                return Value::Error;
            }
            Value::Error => return Value::Error,
        };
        Value::Int(i128::from(fuse_ir::index_u32(rank)))
    }

    fn unknown_attribute(&mut self, name: &str, receiver: SyntaxId, place: Span) -> Value {
        let message = format!("there is no attribute {}", quoted(name));
        let error = Diagnostic::new(Code::UnknownAttribute, message).at(place, "");
        let error = if METHODS.contains(&name) {
            error.help(format!("it is a method: write `{}.{name}()`", self.text_of(receiver)))
        } else if let Some(near) = nearest(name, ATTRIBUTES.iter().copied()) {
            error.help(format!("did you mean `{near}`?"))
        } else {
            error.note(format!("the attributes are {}", ATTRIBUTES.join(" ")))
        };
        self.error(error)
    }
}
