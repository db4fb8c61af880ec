//! Array formulas, compiled.
//!
//! A formula such as `2*a + 3*b**2` is parsed, typed, optimised and compiled to one native loop that
//! runs in a single pass over memory, on all cores, without temporaries:
//!
//! ```
//! use fuse::{evaluate, vars};
//!
//! let a = [1.0, 2.0, 3.0];
//! let b = vec![4.0, 5.0, 6.0];
//! let r = evaluate("2*a + 3*b**2", vars! { a, b })?;
//! assert_eq!(r.as_slice::<f64>(), Some([50.0, 79.0, 114.0].as_slice()));
//! # Ok::<(), fuse::Error>(())
//! ```
//!
//! Formulas are Python/NumPy expressions: types promote as in NumPy 2, shapes broadcast, `f32_array *
//! 2.5` stays f32. What is wrong is said with carets:
//!
//! ```
//! use fuse::{evaluate, vars};
//!
//! let x = [1.0, 2.0];
//! let error = evaluate("sqr(x) + 1", vars! { x }).unwrap_err();
//! assert_eq!(error.to_string(), "unknown function `sqr`");
//! assert!(error.render().contains("did you mean `sqrt`?"));
//! ```
//!
//! # Without allocation, and again and again
//! [`evaluate_into`] writes into memory of yours. A [`Formula`] is parsed once and compiled once for
//! each combination of types; a [`Prepared`] formula needs no lookup at all:
//!
//! ```
//! use fuse::{Formula, vars};
//!
//! let f: Formula = "a*x**3 + 1".parse()?;
//! let x = [1.0, 2.0];
//! let mut out = [0.0; 2];
//! for a in [1.0, 2.0] {
//!     f.evaluate_into(vars! { a, x }, &mut out)?;
//! }
//! assert_eq!(out, [3.0, 17.0]);
//! # Ok::<(), fuse::Error>(())
//! ```
//!
//! # Engines
//! The free functions use one [`Engine`] for the process. Another one has its own threads, limits
//! (for formulas that strangers write), mode and cache:
//!
//! ```
//! use fuse::{Engine, Limits, Mode, vars};
//!
//! let engine = Engine::builder().threads(2).limits(Limits::untrusted()).mode(Mode::Strict).build()?;
//! let x = [1.0, 4.0];
//! let r = engine.evaluate("sqrt(x)", vars! { x })?;
//! assert_eq!(r.into_vec::<f64>()?, [1.0, 2.0]);
//! # Ok::<(), fuse::Error>(())
//! ```
//!
//! # On a device
//! An engine made with [`EngineBuilder::device`] runs formulas on an NVIDIA device (feature `cuda`): the
//! same verbs, the same bits. A [`DeviceArray`] keeps what several formulas read in the device's memory,
//! and so does [`Engine::evaluate_on_device`] with what they give.
//!
//! # The same bits
//! For a formula, inputs and mode the result's bits are the same on every back end, for any number of
//! threads and any layout of the operands. [`Backend::Auto`] compiles to AVX-512 or AVX2 where the machine
//! has them, otherwise through Cranelift, which also takes what the former decline. The back end
//! [`Backend::Interp`] is the reference, and the fallback where executable memory is refused.
//!
//! # Aliasing
//! An output cannot be one of the inputs; that does not compile:
//!
//! ```compile_fail
//! let mut x = vec![1.0, 2.0];
//! fuse::evaluate_into("x + 1", fuse::vars! { x }, &mut x)?;
//! # Ok::<(), fuse::Error>(())
//! ```

#![deny(unsafe_code)]
#![warn(missing_docs)]

#[cfg(not(target_os = "linux"))]
compile_error!("fuse runs on Linux; fuse-syntax, fuse-ir, fuse-ops and fuse-compile are portable");

mod array;
mod backend;
mod borrowed;
mod cache;
mod chain;
mod device;
mod engine;
mod error;
mod explain;
mod formula;
mod limits;
mod lost_axis;
#[cfg(feature = "ndarray")]
mod nd;
mod output;
mod plans;
mod pool;
mod print;
mod spare;
mod sync;
mod vars;

pub use array::Array;
pub use backend::{Backend, Isa};
#[cfg(feature = "cuda")]
pub use borrowed::CudaView;
pub use device::{Device, DeviceArray, DeviceMemory};
pub use engine::{Engine, EngineBuilder};
pub use error::{Error, ErrorKind};
pub use explain::{Declined, KernelCode, KernelCounts, Stage};
pub use formula::{Formula, Prepared, ResultType};
pub use fuse_compile::Mode;
pub use fuse_ir::{CodeFacts, DType, DeviceInfo, InputType, Strength};
pub use fuse_runtime::{CancelToken, Complex, Element, F16, Layout, View, ViewMut};
pub use fuse_syntax::Color;
pub use limits::Limits;
pub use output::{AsOutput, AsOutputs, Outputs};
pub use print::PrintOptions;
pub use vars::{AsInput, Input, Vars};

/// The crate whose slices [`CudaView`] borrows.
#[cfg(feature = "cuda")]
pub use fuse_ptx::cudarc;

/// Low-level types for programs that bring their own arrays.
pub mod raw {
    pub use crate::print::write_element;
    pub use fuse_compile::nearest;
    pub use fuse_compile::{ATTRIBUTES, METHODS};
    pub use fuse_ir::{ByteOrder, Extents, shape_text};
    pub use fuse_ir::{CodegenError, HostBackend, interp::Interpreter};
    pub use fuse_ops::{FORMS, Form, Parameter, derived, table};
    pub use fuse_ptx::LEAST_CAPABILITY;
    pub use fuse_runtime::{
        Halt, Operand, Pager, ResultShape, ScalarValue, Strides, Survey, Tuning, WorkerLog,
    };
    pub use fuse_syntax::{
        Code, Diagnostic, EXAMPLE_LIMIT, EXAMPLE_VARIABLES, Example, Span, outline,
    };
}

/// Evaluates a formula into a new array, on the process's engine.
///
/// The array's dtype and shape are those of the result; a scalar result has shape `()`.
///
/// # Errors
/// An [`Error`] with kind and span: syntax, names, types, shapes, limits, allocation; of kind
/// [`ErrorKind::Output`] where the formula has several results, which [`evaluate_all`] gives.
///
/// ```
/// let r = fuse::evaluate("sum(x**2)", fuse::vars! { x = [1.0, 2.0, 3.0] })?;
/// assert_eq!(r.to_string(), "14.0");
/// # Ok::<(), fuse::Error>(())
/// ```
pub fn evaluate<'a>(formula: &str, vars: impl Into<Vars<'a>>) -> Result<Array, Error> {
    Engine::global().evaluate(formula, vars)
}

/// Evaluates a formula into memory of the caller's, on the process's engine: one output, or as many
/// as there are results ([`AsOutputs`]).
///
/// The output's dtype must be the result's, and its shape the broadcast shape: it is never resized
/// and never cast. After an error its contents are unspecified.
///
/// # Errors
/// An [`Error`]; of kind [`ErrorKind::Output`] where an output does not fit, or where there are not
/// as many as results.
///
/// ```
/// let (a, b) = ([1.0, 2.0], [3.0, 4.0]);
/// let mut out = [0.0; 2];
/// fuse::evaluate_into("a*b + k", fuse::vars! { a, b, k = 2.5 }, &mut out)?;
/// assert_eq!(out, [5.5, 10.5]);
/// # Ok::<(), fuse::Error>(())
/// ```
pub fn evaluate_into<'a>(
    formula: &str,
    vars: impl Into<Vars<'a>>,
    out: &mut (impl AsOutputs + ?Sized),
) -> Result<(), Error> {
    Engine::global().evaluate_into(formula, vars, out)
}

/// Evaluates a formula of any number of results, each into a new array, on the process's engine.
///
/// Each has its own dtype and shape; those of equal shape are computed in one pass over memory.
///
/// # Errors
/// As [`evaluate`], for any number of results.
///
/// ```
/// let (a, b) = ([1.0, 2.0], [3.0, 5.0]);
/// let results = fuse::evaluate_all("a + b, a - b, max(b)", fuse::vars! { a, b })?;
/// let texts: Vec<String> = results.iter().map(ToString::to_string).collect();
/// assert_eq!(texts, ["[4. 7.]", "[-2. -3.]", "5.0"]);
/// # Ok::<(), fuse::Error>(())
/// ```
pub fn evaluate_all<'a>(formula: &str, vars: impl Into<Vars<'a>>) -> Result<Vec<Array>, Error> {
    Engine::global().evaluate_all(formula, vars)
}
