//! floor, ceil, trunc and round: one primitive each on floats, the identity on integers and bool.

use fuse_ir::{Prim, ValueId};

use crate::expander::{Call, Expander};

fn rounded(e: &mut Expander<'_>, call: &Call<'_>, prim: Prim) -> ValueId {
    if call.is_float() { e.region.prim(prim, call.args) } else { call.args[0] }
}

/// The largest integer not above a.
pub fn floor(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    rounded(e, call, Prim::FFloor)
}

/// The smallest integer not below a.
pub fn ceil(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    rounded(e, call, Prim::FCeil)
}

/// The integer part of a.
pub fn trunc(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    rounded(e, call, Prim::FTrunc)
}

/// The nearest integer, ties to even.
pub fn round(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    rounded(e, call, Prim::FRound)
}
