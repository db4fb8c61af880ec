//! What the programs share that compare fuse with hand-written loops and vector libraries; the benches of
//! criterion stand beside it, the contenders written in Python under `peers/`.
//!
//! ```text
//! text ──Subject::compile──▶ Subject ──┬── kernel: machine code, called on whole granules
//!                                      └── prepared: the public call
//! Race: the contenders of one row in turns, on the same arrays ──▶ Times ──▶ Record, Check
//! ```
//!
//! * `cargo run --release -p fuse-benches --example wide`: the headline formula against a loop of AVX-512
//!   intrinsics, AVX-512 against Cranelift, time of compilation.
//! * `benches/peers/svml.sh`: elementary functions against Intel's vector library.

#![deny(unsafe_code)]

pub mod aligned;
pub mod direct;
pub mod expressions;
pub mod keeper;
pub mod powers;
pub mod race;
pub mod real;
pub mod record;
pub mod subject;
