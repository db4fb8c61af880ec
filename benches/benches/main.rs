//! Criterion benches of fuse: `cargo bench -p fuse-benches`, one group with `-- headline`.
//!
//! They find what a change did; comparisons with other tools are in `benches/peers`. Groups:
//!
//! * `headline`: the sum of eight powers from 16 elements (the call) to a million (memory);
//! * `call`: what a call costs on 16 elements, by how much was prepared;
//! * `new formula`: text to first result;
//! * `operators`: every row of the operator table, by its example, on 100 000 elements.

mod call;
mod compile;
mod headline;
mod operators;

use criterion::{criterion_group, criterion_main};

criterion_group!(benches, headline::bench, call::bench, compile::bench, operators::bench);
criterion_main!(benches);
