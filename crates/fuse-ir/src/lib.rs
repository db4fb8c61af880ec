//! The narrow waist of fuse.
//!
//! ```text
//! fuse-compile ──▶ Program of kernels ──▶ fuse-runtime ──▶ a back end (BlockKernel)
//!                  └────────── all of it defined here ──────────┘
//! ```
//!
//! * [`DType`]: the element types that arrays have. [`Lane`]: what a value inside a kernel is.
//! * [`Prim`]: the primitive table, the one definition of what a kernel can compute. Its reference
//!   semantics, [`Prim::eval`], serve the interpreter and the constant folder alike.
//! * [`Kernel`]: one fused loop body over primitives, made by a [`Builder`], accepted by [`verify`]
//!   and then a [`VerifiedKernel`], the only thing that a back end takes.
//! * [`Program`]: what a formula becomes: inputs, shape rules, passes over kernels.
//! * [`abi`]: how a compiled kernel is called. [`interp`]: the oracle. [`device`]: devices with memory of
//!   their own, and how their kernels are called.
//!
//! Invariants. *A kernel holds primitives only. Operands have smaller ids than their users. A back
//! end never decides rounding, contraction or the order of a reduction. The interpreter is slow and
//! obviously right.*

#![deny(unsafe_code)]
#![warn(missing_docs)]

pub mod abi;
mod backend;
mod builder;
pub mod device;
mod dtype;
mod ids;
pub mod interp;
mod kernel;
mod lane;
mod predicate;
mod prim;
mod program;
mod shape;
mod symbol;
mod text;
mod verify;

pub use abi::{BlockKernel, Hints, KernelArgs};
pub use backend::{Attempt, Capabilities, CodeFacts, CodegenError, HostBackend, ListingForm};
pub use builder::{Builder, RegionBuilder};
pub use device::{Device, DeviceAddress, DeviceError, DeviceInfo};
pub use dtype::{ByteOrder, DType, DTypeKind, Part};
pub use ids::{RegionId, TableId, ValueId, index_u32};
pub use kernel::{
    Control, FOLD_BLOCK, Fold, GRANULE, InputClass, Kernel, Node, OperandInput, OperandOutput,
    Region, Scalar, StateSlot, Table,
};
pub use lane::{Lane, Mem};
pub use predicate::{Search, TextConstant, TextOp, TextValue};
pub use prim::{
    CANONICAL_NAN_F32, CANONICAL_NAN_F64, LaneSet, Prim, Signature as PrimSignature, WidthRule,
};

pub use program::{
    ArraySpec, Axis, BindError, Bound, CountRule, Dim, ElementRule, FitRule, IndexRule, InputType,
    Nest, OperandView, Pass, Pick, Predicate, Program, ProgramInput, Reach, Shape, ShapeRule,
    Signature, Sink, Source, SourceSpan, Strength, TextOperand, shape_text,
};
pub use shape::{Extents, MAX_RANK, checked_len, contiguous_strides};
pub use symbol::{Symbol, SymbolOp, symbol_text};

pub use text::{TextError, parse_kernel};
pub use verify::{VerifiedKernel, VerifyError, verify};
