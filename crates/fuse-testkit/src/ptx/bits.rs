//! Between the widths of integers and the 64 bits of a register: the one place of `as`.
//!
//! A register narrower than 64 bits holds zeros above its width; a predicate is 0 or 1.

/// The low 32 bits.
#[inline(always)]
pub(super) fn low32(bits: u64) -> u32 {
    bits as u32
}

/// The low 16 bits.
#[inline(always)]
pub(super) fn low16(bits: u64) -> u16 {
    bits as u16
}

/// The low 32 bits as a signed number.
#[inline(always)]
pub(super) fn signed32(bits: u64) -> i32 {
    bits as u32 as i32
}

/// The bits of a signed number, zeros above.
#[inline(always)]
pub(super) fn of_signed32(value: i32) -> u64 {
    u64::from(value as u32)
}

/// The low 8 bits, their sign copied into all 32.
#[inline(always)]
pub(super) fn signed8_to_32(bits: u64) -> i32 {
    i32::from(bits as u8 as i8)
}

/// The low 16 bits, their sign copied into all 32.
#[inline(always)]
pub(super) fn signed16_to_32(bits: u64) -> i32 {
    i32::from(bits as u16 as i16)
}

/// A position from 64 bits.
#[inline(always)]
pub(super) fn position(bits: u64) -> usize {
    usize::try_from(bits).expect("positions fit the machine's words")
}

/// A position from 32 bits.
#[inline(always)]
pub(super) fn position32(index: u32) -> usize {
    index as usize
}

/// A length in 64 bits.
#[inline(always)]
pub(super) fn length(len: usize) -> u64 {
    len as u64
}

/// Little-endian bytes, at most 8, as a register's bits.
#[inline(always)]
pub(super) fn from_bytes(bytes: &[u8]) -> u64 {
    match *bytes {
        [a] => u64::from(a),
        [a, b] => u64::from(u16::from_le_bytes([a, b])),
        [a, b, c, d] => u64::from(u32::from_le_bytes([a, b, c, d])),
        [a, b, c, d, e, f, g, h] => u64::from_le_bytes([a, b, c, d, e, f, g, h]),
        _ => unreachable!("a scalar has 1, 2, 4 or 8 bytes"),
    }
}
