//! Byte ranges of the source text.
//!
//! A span is half open, counts bytes, and always lies on character boundaries of the text it
//! belongs to, so that slicing the source with it cannot fail. Offsets are `u32`: the source limit
//! keeps every text far below 4 GiB, and the whole crate narrows lengths in one place,
//! [`offset`].

use std::ops::Range;

/// A half-open range of bytes, `start..end`, of the source text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The span `start..end`.
    pub const fn new(start: u32, end: u32) -> Self {
        Span { start, end }
    }

    /// The smallest span that holds both.
    pub fn to(self, other: Span) -> Span {
        Span { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// The empty span just behind this one.
    pub const fn after(self) -> Span {
        Span { start: self.end, end: self.end }
    }

    /// Whether the span covers no byte.
    pub const fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// The span as a range that slices a `str`.
    pub fn range(self) -> Range<usize> {
        index(self.start)..index(self.end)
    }

    /// The text under the span, or the empty text where `source` is not the text it came from.
    pub fn slice(self, source: &str) -> &str {
        source.get(self.range()).unwrap_or("")
    }

    pub(crate) fn of(range: Range<usize>) -> Span {
        Span { start: offset(range.start), end: offset(range.end) }
    }
}

impl From<Span> for Range<usize> {
    fn from(span: Span) -> Self {
        span.range()
    }
}

/// Narrows a length or an index. The source and node limits are clamped below `u32::MAX`
/// ([`crate::SyntaxLimits`]), hence the value always fits; were it not to, it saturates.
pub(crate) fn offset(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// Widens an offset. Lossless on every platform Rust has a 32-bit `usize` or wider for.
pub(crate) fn index(value: u32) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}
