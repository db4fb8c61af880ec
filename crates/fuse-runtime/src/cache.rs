//! How large the last cache before memory is.

use std::sync::OnceLock;

/// What is taken where the CPU does not say.
const USUAL: usize = 32 << 20;

/// What a call can hope to find again of a cache that many cores share: on a server that says 480 MiB, storing
/// past the caches cost `2*x + 1` followed by a sum of the result 1.2 to 2.9 times up to 16 MB, nothing at
/// 64 MB, and saved a third at 320 MB.
const MOST: usize = 64 << 20;

/// Bytes of the last-level cache that a call can hope to have.
pub(crate) fn last_level_bytes() -> usize {
    static BYTES: OnceLock<usize> = OnceLock::new();
    *BYTES.get_or_init(|| described().unwrap_or(USUAL).min(MOST))
}

/// The largest cache that `cpuid` describes: leaf 4 of Intel's CPUs, leaf 0x8000001d of AMD's (Intel SDM,
/// CPUID; AMD APM 3, appendix E). Size = ways · partitions · line · sets, each less one in the fields.
#[cfg(target_arch = "x86_64")]
fn described() -> Option<usize> {
    use std::arch::x86_64::{__cpuid, __cpuid_count};
    const MOST_LEVELS: u32 = 8;
    let largest = |leaf: u32| {
        let caches = (0..MOST_LEVELS).map(|number| __cpuid_count(leaf, number));
        let caches = caches.take_while(|cache| cache.eax & 0x1f != 0);
        let field =
            |bits: u32, from: u32, width: u32| (bits >> from & ((1 << width) - 1)) as usize + 1;
        let bytes = caches.map(|cache| {
            let ways = field(cache.ebx, 22, 10) * field(cache.ebx, 12, 10);
            ways * field(cache.ebx, 0, 12) * (cache.ecx as usize + 1)
        });
        bytes.max()
    };
    let has_leaf = |first: u32, leaf: u32| __cpuid(first).eax >= leaf;
    let intel = has_leaf(0, 4).then(|| largest(4)).flatten();
    intel.or_else(|| has_leaf(0x8000_0000, 0x8000_001d).then(|| largest(0x8000_001d)).flatten())
}

/// There is no such instruction elsewhere.
#[cfg(not(target_arch = "x86_64"))]
fn described() -> Option<usize> {
    None
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_cache_has_a_plausible_size() {
        let bytes = super::last_level_bytes();
        assert!((256 << 10..=super::MOST).contains(&bytes), "{bytes}");
    }
}
