//! How many lanes a unit has.
//!
//! A unit's widest value is one vector. What is composed of wider operations (bytes are multiplied as
//! words) counts with these.

use fuse_ir::{GRANULE, Kernel, Lane, Node, Prim, Region};

use super::bytes_of;
use crate::level::Level;

/// Lanes of a unit in which these regions are computed.
pub(crate) fn lanes_of_unit(kernel: &Kernel, regions: &[&Region], level: Level) -> usize {
    let widest = regions.iter().map(|region| widest(kernel, region, level)).max().unwrap_or(1);
    (level.vector_bytes() / widest).min(GRANULE)
}

/// Bytes of the widest lane that a region takes.
pub(crate) fn widest(kernel: &Kernel, region: &Region, level: Level) -> usize {
    let params = region.params.iter().map(|&lane| bytes_of(lane));
    let nodes = region.iter().map(|(value, node)| {
        let own = bytes_of(region.lane(value));
        own.max(match node {
            Node::Prim(prim, args) => {
                let args = &args[..prim.arity()];
                let from = args.iter().map(|&arg| bytes_of(region.lane(arg))).max().unwrap_or(1);
                let shifted = args.get(1).map(|&arg| region.node(arg));
                let by_constant = matches!(shifted, Some(Node::Const(_)));
                from.max(taken(prim, own, by_constant, level))
            }
            Node::Lookup(table, _) => match kernel.tables[table.index()].lane {
                Lane::I64 | Lane::F64 => 8,
                Lane::Mask | Lane::I8 | Lane::I16 | Lane::I32 | Lane::F32 => 4,
            },
            Node::Param(_) | Node::Const(_) | Node::Result { .. } => 1,
        })
    });
    params.chain(nodes).max().unwrap_or(1)
}

/// Bytes of the lanes that a primitive on lanes of `own` bytes is composed of.
fn taken(prim: Prim, own: usize, by_constant: bool, level: Level) -> usize {
    match prim {
        Prim::IMul => own.max(2),
        Prim::Shl | Prim::ShrU | Prim::ShrS if by_constant => own,
        Prim::Shl | Prim::ShrU | Prim::ShrS => match level {
            Level::Avx2 => own.max(4),
            Level::Avx512 => own.max(2),
        },
        Prim::Clz => own.max(4),
        Prim::F32ToF16 | Prim::F16ToF32 => 4,
        Prim::SintToF32 | Prim::UintToF32 | Prim::F64ToF16 => 8,
        Prim::FAdd
        | Prim::FSub
        | Prim::FMul
        | Prim::FDiv
        | Prim::FSqrt
        | Prim::Fma
        | Prim::FFloor
        | Prim::FCeil
        | Prim::FTrunc
        | Prim::FRound
        | Prim::FEq
        | Prim::FLt
        | Prim::FLe
        | Prim::IAdd
        | Prim::ISub
        | Prim::IAnd
        | Prim::IOr
        | Prim::IXor
        | Prim::IEq
        | Prim::ILtS
        | Prim::ILtU
        | Prim::MulWideU32
        | Prim::Zext
        | Prim::Sext
        | Prim::TruncInt
        | Prim::Promote
        | Prim::Demote
        | Prim::SintToF64
        | Prim::UintToF64
        | Prim::FToSint
        | Prim::FToUint
        | Prim::Bitcast
        | Prim::Select
        | Prim::MaskAnd
        | Prim::MaskOr
        | Prim::MaskNot
        | Prim::LaneIndex => own,
    }
}
