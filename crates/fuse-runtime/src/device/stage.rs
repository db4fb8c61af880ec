//! Host arrays to device memory and back.
//!
//! What is contiguous and native is copied as it is; anything else goes through host memory a few MiB at a
//! time, so that packing a piece and copying the last one overlap.

use std::sync::Arc;

use fuse_ir::device::Queue;
use fuse_ir::{Extents, contiguous_strides};

use crate::device::array::DeviceArray;
use crate::device::context::{Buffer, DeviceContext};
use crate::device::host::HostRun;
use crate::dispatch::Units;
use crate::error::{AllocError, RunError};
use crate::memory::Buffer as Scratch;
use crate::predicate::TextPredicate;
use crate::views::{Address, Raw};

/// Bytes of a piece.
const PIECE: usize = 4 << 20;

/// Copies a host array, in C order, to device memory with room for it.
pub(super) fn upload(raw: Raw<'_>, to: &Buffer) -> Result<(), RunError> {
    if let Some(run) = HostRun::of(raw) {
        return Ok(to.upload(0, run.read(run.all()))?);
    }
    let units = Units::of(raw)?;
    by_pieces(units.len(), units.size(), |start, piece| {
        units.gather(start, piece);
        Ok(to.upload(start * units.size(), piece)?)
    })
}

/// Copies an array in C order from device memory to the host. What is copied has been computed when the
/// download queue comes to it.
pub(super) fn download(from: &Buffer, raw: Raw<'_>) -> Result<(), RunError> {
    if let Some(mut run) = HostRun::of(raw) {
        return Ok(from.download(0, run.write(run.all()))?);
    }
    let units = Units::of(raw)?;
    by_pieces(units.len(), units.size(), |start, piece| {
        from.download(start * units.size(), piece)?;
        units.scatter(start, piece);
        Ok(())
    })
}

/// A host array in new device memory. An axis along which it stays the same takes none.
pub(super) fn resident(
    context: &Arc<DeviceContext>,
    raw: Raw<'_>,
) -> Result<DeviceArray, RunError> {
    let stays = |(&extent, &stride): (&usize, &isize)| extent > 1 && stride == 0;
    let axes = || raw.extents.iter().zip(raw.strides);
    let packed: Extents = axes().map(|axis| if stays(axis) { 1 } else { *axis.0 }).collect();
    let array = DeviceArray::unwritten(context, raw.dtype, &packed)?;
    upload(Raw { extents: &packed, ..raw }, array.buffer())?;
    let mut strides = contiguous_strides(&packed, raw.dtype.size());
    for (stride, axis) in strides.iter_mut().zip(axes()) {
        if stays(axis) {
            *stride = 0;
        }
    }
    Ok(array.spread(raw.extents, strides))
}

/// The answers of a predicate, in new device memory.
pub(super) fn answers(
    context: &Arc<DeviceContext>,
    predicate: &TextPredicate,
) -> Result<DeviceArray, RunError> {
    let raw = predicate.raw();
    let array = DeviceArray::unwritten(context, raw.dtype, raw.extents)?;
    by_pieces(array.len(), 1, |start, piece| {
        let dim = crate::pack::Dim { extent: array.len(), stride: 1 };
        predicate.fill((Address(std::ptr::null_mut()), &[dim]), start, piece);
        Ok(array.buffer().upload(start, piece)?)
    })?;
    Ok(array)
}

/// Visits `len` elements of `size` bytes in pieces: the first element of each, and memory for it.
fn by_pieces(
    len: usize,
    size: usize,
    mut visit: impl FnMut(usize, &mut [u8]) -> Result<(), RunError>,
) -> Result<(), RunError> {
    let most = PIECE / size.max(1);
    let mut scratch = Scratch::default();
    let mut start = 0;
    while start < len {
        let count = most.min(len - start);
        let bytes: Result<&mut [u8], AllocError> = scratch.bytes(count * size);
        visit(start, &mut bytes?[..count * size])?;
        start += count;
    }
    Ok(())
}

/// Downloads wait for what is computed so far.
pub(super) fn await_results(context: &DeviceContext) -> Result<(), RunError> {
    Ok(context.order(Queue::Compute, Queue::Download)?)
}
