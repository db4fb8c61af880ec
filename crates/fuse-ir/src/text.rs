//! The text form of a kernel: what tests, `fuse explain` and failure reports print, and what
//! [`parse_kernel`] reads back exactly.
//!
//! ```text
//! table0.f64 = 1.0, 0.5, 0.25, 0.125
//! region0(f64)                               a closed region and its parameters
//!   v0 = param.f64 0
//!   v1 = fsqrt.f64 v0
//!   return v1
//! input0 = f64 stream
//! lane(f64)
//!   v0 = param.f64 0
//!   v1 = const.f64 0x7ff8000000000001        NaNs are written as their bits
//!   v2 = flt.mask v0, v1                     the suffix is the lane type of the result
//!   c0 = rare v2, region0(v0) else (v0)
//!   v3 = result.f64 c0.0
//!   return v3, v3
//! output0 = f64 never_nan
//! fold0 = f64 0.0                            what the state starts from
//! fold0.step(f64, f64)
//!   ...
//! ```
//!
//! Grammar, one item a line; `#` starts a comment; blanks separate words and mean nothing else:
//!
//! ```text
//! item     = section | entry
//! section  = ("region"N | "uniform" | "lane" | "fold"N("." ("step" | "merge" | "finish"))) "(" lanes ")"
//!          | "table"N "." lane "=" constants
//!          | "input"N "=" mem ("stream" | "splat")
//!          | "output"N "=" mem ["never_nan"]
//!          | "fold"N "=" [lane constant {"," lane constant}]
//! entry    = "v"N "=" node | "c"N "=" control | "return" values          (inside a region)
//! node     = "param" "." lane position | "const" "." lane constant
//!          | "lookup" "." lane "table"N "," value | "result" "." lane "c"N "." position
//!          | mnemonic "." lane values
//! control  = "rare" value "," "region"N "(" values ")" "else" "(" values ")"
//!          | "repeat" at_most "," "region"N "(" values ")"
//! constant = "true" | "false" | decimal | ["-"] "inf" | "0x" bits
//! ```
//!
//! Everything numbered is numbered consecutively from 0. Decimal floats are the shortest that round
//! trip. A control stands before the first node that reads it or a later control, so that the
//! numbering of both survives. Mnemonics and lane names come from the tables of [`crate::Prim`] and
//! [`crate::Lane`]. Every verified kernel survives print and parse unchanged; parsing checks form
//! only, [`crate::verify`] checks meaning. Neither recurses; parsing never panics.

mod parse;
mod write;

pub use parse::parse_kernel;

/// Why a text is not a kernel's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct TextError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong there.
    pub message: String,
}

#[cfg(test)]
mod tests;
