//! The bodies of the fuzz targets: plain functions of bytes, which panic where a promise is broken.
//!
//! ```text
//! libFuzzer ─▶ targets/NAME.rs ─┐
//!                               ├─▶ a body of this crate ─▶ the crates under test
//! seeds, regressions ─▶ tests ──┘
//! ```
//!
//! | target | bytes are | promise |
//! |---|---|---|
//! | [`parse()`] | a formula | a tree or diagnostics on a stack of 256 KiB; spans slice the text; the tree, written again, is read again |
//! | [`optimize()`] | choices of a random formula | optimizer off and exact rules, any number of them, give the same bits; graphs do not grow beyond the bound |
//! | [`backends()`] | choices of a random kernel or formula | interpreter, Cranelift, AVX2 and AVX-512 give the same bits |
//! | [`traps()`] | choices of an integer operation and its operands | no trap; the exact result, by any back end |
//! | [`overlap()`] | choices of formulas, and of places for inputs and outputs in one buffer | results are as if inputs had been copied first |
//! | [`npy_header()`] | a header | a header or a short message; what is encoded is read again |
//! | [`npy_file()`] | a file or an archive | arrays or an error, however reads are cut; memory by what is there, not by what is declared |
//! | [`api_sequences()`] | calls of engines, formulas and prepared formulas | the interpreter's results, or the error that the call deserves |
//! | [`kernel_text()`] | a kernel's text, or choices of a random kernel | what is printed is read again; what is verified runs |
//! | [`ptx()`] | choices of a random kernel | PTX on the strict interpreter gives the expected bits |
//!
//! Choices are made through [`fuse_testkit::Random::of_bytes`]. With feature `planted` each target has one
//! defect in front of what it tests, to show that it would be found; no product crate knows of it.

#![deny(unsafe_code)]
#![warn(missing_docs)]
#![expect(clippy::panic, reason = "a target says by a panic that a promise is broken")]

mod api;
mod choices;
pub mod formula;
mod header;
mod hosts;
mod kernel;
mod npy;
mod optimizer;
mod overlapping;
mod parsing;
mod requests;
mod traps;
mod written;

pub use api::api_sequences;
pub use header::npy_header;
pub use hosts::backends;
pub use kernel::{kernel_text, ptx};
pub use npy::npy_file;
pub use optimizer::optimize;
pub use overlapping::overlap;
pub use parsing::parse;
pub use requests::Requests;
pub use traps::traps;

/// Is the planted defect of each target there?
const PLANTED: bool = cfg!(feature = "planted");

/// A target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name: of its program, and of its folders of seeds and regressions.
    pub name: &'static str,
    /// What it does with an input.
    pub body: fn(&[u8]),
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target { name: "parse", body: parse },
    Target { name: "optimize", body: optimize },
    Target { name: "backends", body: backends },
    Target { name: "traps", body: traps },
    Target { name: "overlap", body: overlap },
    Target { name: "npy_header", body: npy_header },
    Target { name: "npy_file", body: npy_file },
    Target { name: "api_sequences", body: api_sequences },
    Target { name: "kernel_text", body: kernel_text },
    Target { name: "ptx", body: ptx },
];
