//! The reference device's memory: accesses lie inside of one allocation, at multiples of their size.

use std::collections::BTreeMap;

use fuse_ir::Mem;

/// Allocations by address.
#[derive(Default)]
pub(super) struct Allocations {
    pub(super) blocks: BTreeMap<u64, Vec<u8>>,
    pub(super) next: u64,
}

impl Allocations {
    pub(super) fn bytes(&self) -> u64 {
        self.blocks.values().map(|block| block.len() as u64).sum()
    }

    /// Bytes of one allocation.
    pub(super) fn at(&mut self, address: u64, len: usize) -> &mut [u8] {
        let (base, block) =
            self.blocks.range_mut(..=address).next_back().expect("an address of device memory");
        let start = usize::try_from(address - base).expect("small");
        assert!(
            start + len <= block.len(),
            "{len} bytes at {address:#x} are not of one allocation"
        );
        &mut block[start..start + len]
    }

    pub(super) fn load(&mut self, mem: Mem, address: u64) -> u64 {
        assert!(address.is_multiple_of(mem.size() as u64), "a load of {mem} at {address:#x}");
        let mut bits = [0; 8];
        bits[..mem.size()].copy_from_slice(self.at(address, mem.size()));
        let bits = u64::from_le_bytes(bits);
        if mem == Mem::Bool { u64::from(bits != 0) } else { bits }
    }

    pub(super) fn store(&mut self, mem: Mem, address: u64, bits: u64) {
        assert!(address.is_multiple_of(mem.size() as u64), "a store of {mem} at {address:#x}");
        self.at(address, mem.size()).copy_from_slice(&bits.to_le_bytes()[..mem.size()]);
    }
}
