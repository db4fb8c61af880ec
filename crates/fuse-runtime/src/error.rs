//! What can go wrong when a program meets arrays.

use fuse_ir::{BindError, DType, DeviceError, Extents, FitRule, shape_text};

/// An array could not be allocated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("could not allocate {bytes} bytes")]
pub struct AllocError {
    /// Bytes asked for; saturates far beyond any address space.
    pub bytes: u128,
}

/// A view of memory was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ViewError {
    /// Extents and strides differ in number, or are more than [`fuse_ir::MAX_RANK`].
    #[error("{extents} extents and {strides} strides do not make a shape")]
    Rank {
        /// Number of extents.
        extents: usize,
        /// Number of strides.
        strides: usize,
    },
    /// Some element lies outside the memory given.
    #[error("the view reaches outside its {bytes} bytes of memory")]
    OutOfBounds {
        /// Bytes of memory.
        bytes: usize,
    },
    /// The number of elements is not the product of the extents.
    #[error("{len} elements do not fill the shape")]
    Length {
        /// Elements given.
        len: usize,
    },
    /// Two elements of an output would share memory.
    #[error("an output's elements overlap along axis {axis}")]
    SelfOverlap {
        /// The axis whose stride is too small.
        axis: usize,
    },
    /// Elements of a device array cannot lie at this address.
    #[error("elements at address {address:#x} are not aligned to {alignment} bytes")]
    Address {
        /// The address.
        address: u64,
        /// What it must be a multiple of; 0 itself is none.
        alignment: u64,
    },
    /// Memory was refused.
    #[error(transparent)]
    Alloc(#[from] AllocError),
}

/// Why a call failed. The contents of its outputs are unspecified then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The shapes do not fit the program.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The number of inputs or outputs is wrong.
    #[error("expected {expected} {what}, found {found}")]
    Count {
        /// `inputs` or `outputs`.
        what: &'static str,
        /// As many as the program has.
        expected: usize,
        /// As many as were given.
        found: usize,
    },
    /// An input has another dtype than the program was compiled for.
    #[error("input {input} is {found}, the program was compiled for {expected}")]
    DType {
        /// Position of the input.
        input: usize,
        /// The program's dtype.
        expected: DType,
        /// The input's.
        found: DType,
    },
    /// An input lies in the memory of a device that the call does not run on.
    #[error("input {input} lies in the memory of a device that the call does not run on")]
    OnDevice {
        /// Position of the input.
        input: usize,
    },
    /// An output lies in the memory of a device that the call does not run on.
    #[error("output {output} lies in the memory of a device that the call does not run on")]
    OutputOnDevice {
        /// Position of the output.
        output: usize,
    },
    /// Device memory was refused as an array.
    #[error(transparent)]
    View(#[from] ViewError),
    /// A device failed, or has not the memory.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// No kernel can read this dtype.
    #[error("no kernel reads or writes {dtype}")]
    Unsupported {
        /// The dtype.
        dtype: DType,
    },
    /// A weak integer scalar does not fit the dtype that it takes on.
    #[error("{value} does not fit {}", .rule.dtype)]
    Fit {
        /// The rule, with its place in the formula.
        rule: FitRule,
        /// The scalar's value.
        value: i128,
    },
    /// An output has the wrong dtype.
    #[error("output {output} is {found}, the result is {expected}")]
    OutputDType {
        /// Position of the output.
        output: usize,
        /// The result's dtype.
        expected: DType,
        /// The output's.
        found: DType,
    },
    /// An output has the wrong shape.
    #[error("output {output} has shape {}, the result has shape {}", shape_text(.found), shape_text(.expected))]
    OutputShape {
        /// Position of the output.
        output: usize,
        /// The result's extents.
        expected: Extents,
        /// The output's.
        found: Extents,
    },
    /// Two outputs share memory.
    #[error("outputs {first} and {second} share memory")]
    OutputOverlap {
        /// Position of the one.
        first: usize,
        /// Position of the other.
        second: usize,
    },
    /// Memory for a result, a temporary or scratch was refused.
    #[error(transparent)]
    Alloc(#[from] AllocError),
    /// Results and temporaries would exceed the limit on output bytes.
    #[error("results and temporaries take {bytes} bytes, the limit is {limit}")]
    OutputLimit {
        /// Bytes needed.
        bytes: u128,
        /// The limit.
        limit: u64,
    },
    /// The call would exceed the limit on work.
    #[error("the call takes {work} operations, the limit is {limit}")]
    WorkLimit {
        /// Elements of the largest loop times primitives.
        work: u128,
        /// The limit.
        limit: u128,
    },
    /// The deadline passed.
    #[error("the deadline has passed")]
    Deadline,
    /// The call was cancelled.
    #[error("the evaluation was cancelled")]
    Cancelled,
    /// The pager ended it, and knows why.
    #[error("the evaluation was ended by what looks after its memory")]
    Halted,
    /// The program contradicts itself: a bug in what made it.
    #[error("invalid program: {reason}")]
    Program {
        /// What is wrong.
        reason: &'static str,
    },
}
