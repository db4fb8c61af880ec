//! What the optimizer did, for `fuse explain`: per rewritten node the rule, the formula before and
//! after, and how often each monomial was rounded before and after.

use std::fmt;

use fuse_ir::SourceSpan;

use super::rules::{RULES, RuleName};

/// Rewrites beyond this many are counted, not described.
pub const MAX_DESCRIBED: usize = 256;

/// How often each monomial is rounded, in the order in which they are written; empty for exact rules.
pub type Roundings = Vec<u32>;

/// One rewrite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewrite {
    /// The rule that fired.
    pub rule: RuleName,
    /// The value before, as a formula.
    pub before: String,
    /// The value after.
    pub after: String,
    /// Rounding counts before.
    pub roundings_before: Roundings,
    /// Rounding counts after, of the same monomials.
    pub roundings_after: Roundings,
    /// Where the value was written.
    pub span: SourceSpan,
}

/// What the optimizer did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OptReport {
    /// Rules that fired and how often, in the order of [`RULES`].
    pub fired: Vec<(RuleName, u32)>,
    /// The first [`MAX_DESCRIBED`] rewrites, in the order in which they were made.
    pub rewrites: Vec<Rewrite>,
}

impl OptReport {
    /// How often a rule fired.
    pub fn count(&self, rule: RuleName) -> u32 {
        self.fired.iter().find(|(fired, _)| *fired == rule).map_or(0, |(_, count)| *count)
    }

    /// Rewrites of all rules.
    pub fn total(&self) -> u32 {
        self.fired.iter().map(|(_, count)| count).sum()
    }

    pub(super) fn add(&mut self, rule: RuleName) {
        match self.fired.binary_search_by_key(&rule, |(fired, _)| *fired) {
            Ok(position) => self.fired[position].1 += 1,
            Err(position) => self.fired.insert(position, (rule, 1)),
        }
    }
}

/// `2, 1` as text; runs of equal counts stay as they are.
fn counts_text(counts: &[u32]) -> String {
    counts.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

impl fmt::Display for Rewrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}  =>  {}", self.rule, self.before, self.after)?;
        if self.roundings_before.is_empty() {
            return Ok(());
        }
        let (before, after) =
            (counts_text(&self.roundings_before), counts_text(&self.roundings_after));
        write!(f, "  (roundings {before} -> {after})")
    }
}

impl fmt::Display for OptReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for rewrite in &self.rewrites {
            writeln!(f, "{rewrite}")?;
        }
        let described = u32::try_from(self.rewrites.len()).unwrap_or(u32::MAX);
        let more = self.total().saturating_sub(described);
        if more > 0 {
            writeln!(f, "and {more} more:")?;
            for (rule, count) in &self.fired {
                writeln!(f, "  {rule}: {count}")?;
            }
        }
        debug_assert!(self.fired.len() <= RULES.len());
        Ok(())
    }
}
