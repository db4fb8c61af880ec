//! A hash that records note, to tell of what they are: of files (`tests/records.py` has it too) and of kernels.

/// FNV-1a of 64 bits, in hexadecimal (Fowler, Noll, Vo; draft-eastlake-fnv, section 2).
#[must_use]
pub fn fnv(bytes: &[u8]) -> String {
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    /// The vectors of the draft's appendix C.
    #[test]
    fn hashes_are_those_of_the_draft() {
        assert_eq!(super::fnv(b""), "cbf29ce484222325");
        assert_eq!(super::fnv(b"a"), "af63dc4c8601ec8c");
        assert_eq!(super::fnv(b"foobar"), "85944171f73967e8");
    }
}
