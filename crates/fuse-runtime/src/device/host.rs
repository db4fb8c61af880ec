//! Host memory as runs of bytes.

#![expect(unsafe_code, reason = "gives contiguous host memory out as slices of bytes")]

use std::ops::Range;

use fuse_ir::ByteOrder;

use crate::views::{Address, Raw};

/// Contiguous bytes of the host. Promised by whoever makes one: they are readable while it lives, and
/// where [`HostRun::write`] is called writable and of nothing else meanwhile.
#[derive(Clone, Copy, Debug)]
pub(super) struct HostRun {
    base: Address,
    bytes: usize,
}

impl HostRun {
    pub(super) fn new(base: Address, bytes: usize) -> HostRun {
        HostRun { base, bytes }
    }

    /// The memory of an array in C order of native elements.
    pub(super) fn of(raw: Raw<'_>) -> Option<HostRun> {
        let size = raw.dtype.size();
        let len: usize = raw.extents.iter().product();
        let mut step = size.cast_signed();
        let in_order = raw.extents.iter().zip(raw.strides).rev().all(|(&extent, &stride)| {
            let fits = extent == 1 || stride == step;
            step = step.wrapping_mul(extent.cast_signed());
            fits
        });
        let fits = len == 0 || (in_order && raw.order == ByteOrder::Native);
        fits.then_some(HostRun { base: raw.base, bytes: len * size })
    }

    pub(super) fn all(self) -> Range<usize> {
        0..self.bytes
    }

    /// Those of its bytes.
    pub(super) fn read(&self, range: Range<usize>) -> &[u8] {
        assert!(range.start <= range.end && range.end <= self.bytes);
        if range.is_empty() {
            return &[];
        }
        // SAFETY: the bytes are readable, and not written while the slice, hence `self`, lives.
        unsafe { std::slice::from_raw_parts(self.base.add(range.start).0, range.len()) }
    }

    /// Those of its bytes, to be written.
    pub(super) fn write(&mut self, range: Range<usize>) -> &mut [u8] {
        assert!(range.start <= range.end && range.end <= self.bytes);
        if range.is_empty() {
            return &mut [];
        }
        // SAFETY: the bytes are writable, and of nothing else while the slice, hence `self`, lives.
        unsafe { std::slice::from_raw_parts_mut(self.base.add(range.start).0, range.len()) }
    }
}
