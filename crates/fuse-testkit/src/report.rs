//! What a suite found: how often each primitive ran, and every failure with all that is needed to
//! see it again.

use std::collections::BTreeMap;
use std::fmt;

use fuse_ir::{Node, Prim, VerifiedKernel};

/// One thing that a back end got wrong.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Name of the case.
    pub case: String,
    /// Elements, placement and form of the run.
    pub setting: String,
    /// What was found: inputs, expected and actual bits.
    pub finding: String,
    /// The kernel's text.
    pub kernel: String,
    /// A command that shows the failure again.
    pub repeat: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "case {}, {}", self.case, self.setting)?;
        writeln!(f, "{}\nkernel:\n{}repeat: {}", self.finding, self.kernel, self.repeat)
    }
}

/// A case that a back end does not support; the runtime would give it to the interpreter.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// Name of the case.
    pub case: String,
    /// The back end's words.
    pub reason: String,
}

/// The findings of a suite.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Name of the back end.
    pub backend: String,
    /// Kernels compiled.
    pub n_kernels: usize,
    /// Runs of a kernel over an array.
    pub n_runs: usize,
    /// For each primitive, how many elements it was run on.
    pub executed: BTreeMap<Prim, u64>,
    /// What went wrong.
    pub failures: Vec<Failure>,
    /// Cases that the back end said it does not support.
    pub refusals: Vec<Refusal>,
}

/// Failures that [`Report::assert`] prints in full.
const SHOWN: usize = 3;

impl Report {
    /// An empty report on a back end.
    pub fn new(backend: &str) -> Report {
        Report { backend: backend.to_string(), ..Report::default() }
    }

    /// Counts the primitives of a kernel's lane region and folds as run on `n` elements.
    pub(crate) fn count(&mut self, kernel: &VerifiedKernel, n: usize) {
        self.n_runs += 1;
        let steps = kernel.folds.iter().map(|fold| &fold.step);
        for region in std::iter::once(&kernel.lane).chain(steps) {
            for node in &region.nodes {
                if let Node::Prim(prim, _) = node {
                    *self.executed.entry(*prim).or_default() += n as u64;
                }
            }
        }
    }

    /// Primitives that no case ran.
    pub fn uncovered(&self) -> Vec<Prim> {
        let ran = |prim: &Prim| self.executed.get(prim).is_some_and(|&n| n > 0);
        Prim::ALL.iter().copied().filter(|prim| !ran(prim)).collect()
    }

    /// Panics with the first failures if there are any, or with the first refusal.
    ///
    /// # Panics
    /// When there is a failure or a refusal.
    pub fn assert(&self) {
        self.assert_but_for(|_| false);
    }

    /// [`Report::assert`] for a back end that may refuse some kernels: those whose refusal
    /// `is_known`.
    ///
    /// # Panics
    /// When there is a failure or another refusal.
    #[expect(clippy::panic, reason = "an assertion")]
    pub fn assert_but_for(&self, is_known: impl Fn(&Refusal) -> bool) {
        if !self.failures.is_empty() {
            panic!("{self}");
        }
        if let Some(refusal) = self.refusals.iter().find(|refusal| !is_known(refusal)) {
            panic!("{} refuses {}: {}", self.backend, refusal.case, refusal.reason);
        }
    }

    /// A line for each primitive with the number of elements it was run on.
    pub fn histogram(&self) -> String {
        let line = |prim: &Prim| {
            let n = self.executed.get(prim).copied().unwrap_or(0);
            format!("{:<14} {n:>10}\n", prim.mnemonic())
        };
        Prim::ALL.iter().map(line).collect()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { backend, n_kernels, n_runs, failures, refusals, .. } = self;
        let (n_failures, n_refused) = (failures.len(), refusals.len());
        writeln!(
            f,
            "{backend}: {n_kernels} kernels, {n_runs} runs, {n_failures} failures, \
             {n_refused} kernels refused"
        )?;
        for failure in failures.iter().take(SHOWN) {
            writeln!(f, "\n{failure}")?;
        }
        for failure in failures.iter().skip(SHOWN) {
            writeln!(f, "also: case {}, {}", failure.case, failure.setting)?;
        }
        Ok(())
    }
}
