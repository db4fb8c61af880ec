//! Limits on what a formula may cost.

use std::time::Duration;

use fuse_syntax::SyntaxLimits;

/// What an engine refuses. All but the deadline are checked before anything runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of a formula's text.
    pub source_bytes: usize,
    /// Depth of brackets, signs, `**` and `else`.
    pub nesting: usize,
    /// Operators, calls and commas of a formula; as many operators and operands again may come
    /// from the bodies of its functions, counted at each call.
    pub nodes: usize,
    /// Variables that a formula may use.
    pub inputs: usize,
    /// Results that a formula may have.
    pub results: usize,
    /// Bytes of results and temporaries of one call.
    pub output_bytes: Option<u64>,
    /// Elements of the largest loop times primitives of its kernel.
    pub work: Option<u128>,
    /// Time that one call may run.
    pub deadline: Option<Duration>,
}

impl Default for Limits {
    /// For formulas of one's own: 1 MiB of text, nesting 256, 65 536 nodes, 255 inputs, 255
    /// results.
    fn default() -> Self {
        let syntax = SyntaxLimits::default();
        Limits {
            source_bytes: syntax.source_bytes,
            nesting: syntax.nesting,
            nodes: syntax.nodes,
            inputs: 255,
            results: 255,
            output_bytes: None,
            work: None,
            deadline: None,
        }
    }
}

impl Limits {
    /// For formulas of strangers: 4 KiB of text, nesting 64, 4096 nodes, 63 inputs and
    /// results, 1 GiB of results, 2^36 operations, 2 seconds.
    pub fn untrusted() -> Limits {
        let syntax = SyntaxLimits::untrusted();
        Limits {
            source_bytes: syntax.source_bytes,
            nesting: syntax.nesting,
            nodes: syntax.nodes,
            inputs: 63,
            results: 63,
            output_bytes: Some(1 << 30),
            work: Some(1 << 36),
            deadline: Some(Duration::from_secs(2)),
        }
    }

    pub(crate) fn syntax(&self) -> SyntaxLimits {
        SyntaxLimits { source_bytes: self.source_bytes, nesting: self.nesting, nodes: self.nodes }
    }
}
