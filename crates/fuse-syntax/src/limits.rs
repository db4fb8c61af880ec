//! What the parser refuses to read, so that no text can exhaust stack, memory or time.

/// Limits on a formula's text. All of them are checked before any tree is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyntaxLimits {
    /// Longest source text, in bytes; at most 1 GiB whatever is set.
    pub source_bytes: usize,
    /// Deepest nesting: open brackets, and pending signs, `not`, `**` and `else`, together.
    /// At most 256 whatever is set: what a 256 KiB stack is tested to hold.
    pub nesting: usize,
    /// Most operators, calls, commas and statements together. With leaves, the tree has at most about twice as
    /// many nodes.
    pub nodes: usize,
}

impl SyntaxLimits {
    /// For formulas from people one does not know: 4 KiB, nesting 64, 4096 operators.
    pub const fn untrusted() -> Self {
        SyntaxLimits { source_bytes: 4 << 10, nesting: 64, nodes: 4096 }
    }

    /// The limits with the caps of their documentation applied.
    pub(crate) fn capped(self) -> Self {
        SyntaxLimits {
            source_bytes: self.source_bytes.min(1 << 30),
            nesting: self.nesting.min(256),
            nodes: self.nodes.min(1 << 28),
        }
    }
}

impl Default for SyntaxLimits {
    /// 1 MiB, nesting 256, 65 536 operators.
    fn default() -> Self {
        SyntaxLimits { source_bytes: 1 << 20, nesting: 256, nodes: 1 << 16 }
    }
}
