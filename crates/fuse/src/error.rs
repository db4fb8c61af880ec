//! The one error type.

use std::fmt;
use std::sync::Arc;

use fuse_ir::{BindError, DeviceError, SourceSpan, shape_text};
use fuse_runtime::{RunError, ViewError};
use fuse_syntax::{Code, Color, Diagnostic, Span};

use crate::lost_axis;

/// What kind of error it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The text is not a formula.
    Syntax,
    /// A variable, function or keyword does not exist, or takes another number of arguments.
    Name,
    /// An operator does not accept the types of its operands.
    Type,
    /// Shapes do not broadcast.
    Shape,
    /// The formula exceeds a limit on its size, or its results one on theirs.
    Limit,
    /// The call would take more operations than allowed.
    WorkLimit,
    /// The deadline passed.
    Deadline,
    /// The call was cancelled.
    Cancelled,
    /// Memory was refused.
    Alloc,
    /// A back end could not be had.
    Codegen,
    /// A device could not be had, or failed.
    Device,
    /// The output has another dtype or shape than the result.
    Output,
    /// An input cannot be read as what it was given for.
    Input,
    /// The language has it, this version does not.
    Unsupported,
}

/// Why a formula could not be evaluated.
///
/// `Display` is one lower-case line; [`Error::render`] draws the formula with carets.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    is_of_device: bool,
    message: String,
    source: Arc<str>,
    diagnostics: Vec<Diagnostic>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error(Box::new(Inner {
            kind,
            is_of_device: kind == ErrorKind::Device,
            message: message.into(),
            source: "".into(),
            diagnostics: Vec::new(),
        }))
    }

    /// From the diagnostics of one formula; there is at least one.
    pub(crate) fn from_diagnostics(source: &str, diagnostics: Vec<Diagnostic>) -> Error {
        let first = diagnostics.first();
        let kind = first.map_or(ErrorKind::Syntax, |first| kind_of(first.code));
        let message = first.map_or_else(String::new, ToString::to_string);
        let source = source.into();
        Error(Box::new(Inner { kind, is_of_device: false, message, source, diagnostics }))
    }

    /// From a run, with the formula that ran.
    pub(crate) fn from_run(source: &str, error: RunError) -> Error {
        let diagnostic = match &error {
            RunError::Bind(BindError::Shapes { lhs, rhs }) => {
                Diagnostic::new(Code::ShapeMismatch, error.to_string())
                    .at(span(rhs.1), format!("this has shape {}", shape_text(&rhs.0)))
                    .related(span(lhs.1), format!("this has shape {}", shape_text(&lhs.0)))
                    .help(shape_help(source, (&lhs.0, span(lhs.1)), (&rhs.0, span(rhs.1))))
            }
            RunError::Bind(BindError::NoElements { operand: (extents, place), .. }) => {
                Diagnostic::new(Code::EmptyReduction, error.to_string())
                    .at(span(*place), format!("this has shape {}", shape_text(extents)))
                    .note(Code::EmptyReduction.explanation())
            }
            RunError::Bind(BindError::Index { operand: (extents, place), axis, .. }) => {
                let extent = extents.get(*axis as usize).copied().unwrap_or(0);
                Diagnostic::new(Code::IndexOutOfRange, error.to_string())
                    .at(span(*place), format!("axis {axis} has {extent} elements"))
                    .help("a slice, as in `x[3:4]`, is cut off at the ends of its axis")
            }
            RunError::Bind(BindError::Count { span: place, count }) => {
                Diagnostic::new(Code::IndexOutOfRange, error.to_string())
                    .at(span(*place), format!("this is {count}"))
                    .help("an array has 0 elements or more")
            }
            RunError::Fit { rule, value } => {
                Diagnostic::new(Code::LiteralOutOfRange, error.to_string())
                    .at(span(rule.span), format!("its value {value} meets {} here", rule.dtype))
            }
            other => {
                let mut own = Error::new(run_kind(other), other.to_string());
                own.0.is_of_device |= matches!(other, RunError::Device(_));
                return own;
            }
        };
        Error::from_diagnostics(source, vec![diagnostic])
    }

    /// What kind of error it is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Is it a device that cannot be had, has not the memory, failed, or cannot run the formula? An engine
    /// without a device may be able to.
    pub fn is_of_device(&self) -> bool {
        self.0.is_of_device
    }

    /// The place in the formula, in bytes, where there is one.
    pub fn span(&self) -> Option<std::ops::Range<usize>> {
        self.0.diagnostics.first()?.span().map(Span::range)
    }

    /// The code that `fuse explain E0101` explains, where there is one.
    pub fn code(&self) -> Option<&'static str> {
        self.0.diagnostics.first().map(|first| first.code.number())
    }

    /// What to write instead, where that is known.
    pub fn help(&self) -> Option<&str> {
        self.0.diagnostics.first()?.help.first().map(String::as_str)
    }

    /// All that was found, the first one first; empty for errors without a place.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.0.diagnostics
    }

    /// The formula with carets, as plain text; the plain message where there is no place.
    pub fn render(&self) -> String {
        self.render_with(Color::Never)
    }

    /// The formula with carets.
    pub fn render_with(&self, color: Color) -> String {
        if self.0.diagnostics.is_empty() {
            return format!("error: {}", self.0.message);
        }
        let draw = |diagnostic: &Diagnostic| diagnostic.render(&self.0.source, color);
        let parts: Vec<String> = self.0.diagnostics.iter().map(draw).collect();
        parts.join("\n\n")
    }
}

fn span(span: SourceSpan) -> Span {
    Span::new(span.start, span.end)
}

/// The most likely repair of two shapes that do not broadcast.
fn shape_help(source: &str, lhs: (&[usize], Span), rhs: (&[usize], Span)) -> String {
    lost_axis::repair(source, lhs, rhs).unwrap_or_else(|| {
        let general = if lhs.0.len() == rhs.0.len() {
            "extents must be equal, or 1"
        } else {
            "shapes are aligned at their last axis; insert an axis of extent 1 where one is missing"
        };
        general.to_string()
    })
}

fn kind_of(code: Code) -> ErrorKind {
    match code.number().get(..3) {
        Some("E01") => ErrorKind::Syntax,
        Some("E02") => ErrorKind::Name,
        Some("E03") => ErrorKind::Type,
        Some("E04") => ErrorKind::Shape,
        Some("E05") => ErrorKind::Limit,
        _ => ErrorKind::Unsupported,
    }
}

fn run_kind(error: &RunError) -> ErrorKind {
    match error {
        RunError::Bind(_) => ErrorKind::Shape,
        RunError::Fit { .. } | RunError::DType { .. } | RunError::Unsupported { .. } => {
            ErrorKind::Type
        }
        RunError::Count { what: "inputs", .. } => ErrorKind::Input,
        RunError::Count { .. }
        | RunError::OutputDType { .. }
        | RunError::OutputShape { .. }
        | RunError::OutputOnDevice { .. }
        | RunError::OutputOverlap { .. } => ErrorKind::Output,
        RunError::OnDevice { .. } => ErrorKind::Input,
        RunError::Alloc(_) => ErrorKind::Alloc,
        RunError::Device(error) => device_kind(error),
        RunError::View(error) => view_kind(*error),
        RunError::OutputLimit { .. } => ErrorKind::Limit,
        RunError::WorkLimit { .. } => ErrorKind::WorkLimit,
        RunError::Deadline => ErrorKind::Deadline,
        RunError::Cancelled | RunError::Halted => ErrorKind::Cancelled,
        _ => ErrorKind::Codegen,
    }
}

fn device_kind(error: &DeviceError) -> ErrorKind {
    match error {
        DeviceError::OutOfMemory { .. } => ErrorKind::Alloc,
        DeviceError::Unsupported(_) => ErrorKind::Unsupported,
        DeviceError::NoDriver(_)
        | DeviceError::NoDevice { .. }
        | DeviceError::TooOld { .. }
        | DeviceError::Compile { .. }
        | DeviceError::Launch { .. }
        | DeviceError::Driver { .. } => ErrorKind::Device,
    }
}

fn view_kind(error: ViewError) -> ErrorKind {
    match error {
        ViewError::Alloc(_) => ErrorKind::Alloc,
        ViewError::SelfOverlap { .. } => ErrorKind::Output,
        ViewError::Rank { .. }
        | ViewError::OutOfBounds { .. }
        | ViewError::Address { .. }
        | ViewError::Length { .. } => ErrorKind::Input,
    }
}

impl From<ViewError> for Error {
    fn from(error: ViewError) -> Error {
        Error::new(view_kind(error), error.to_string())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.0.kind, self.render())
    }
}

impl std::error::Error for Error {}

const _: () = assert!(size_of::<Error>() == 8);
