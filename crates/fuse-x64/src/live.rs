//! Who is alive when: next uses, pressure, and what nothing reads.

use crate::code::{Code, Kind, Step, Value};

/// A step that never comes.
pub(crate) const NEVER: usize = usize::MAX;

/// The steps that read each value and invariant, in order.
pub(crate) struct Uses {
    n_computed: usize,
    /// Where each value's steps start in `steps`.
    starts: Vec<usize>,
    steps: Vec<usize>,
    /// The first of each value's steps that is not over.
    next: Vec<usize>,
}

impl Uses {
    /// Of straight-line code with so many invariants.
    pub(crate) fn of(code: &Code, n_invariants: usize) -> Uses {
        let n_computed = code.kinds.len();
        let n = n_computed + n_invariants;
        let mut pairs: Vec<(usize, usize)> = Vec::new();
        let index = |value: Value| index(n_computed, value);
        for (at, step) in code.steps.iter().enumerate() {
            step.for_each_arg(&mut |arg| pairs.push((index(arg), at)));
        }
        for carried in &code.carried {
            pairs.push((index(carried.after), code.steps.len()));
        }
        let mut starts = vec![0; n + 1];
        for &(value, _) in &pairs {
            starts[value + 1] += 1;
        }
        for value in 0..n {
            starts[value + 1] += starts[value];
        }
        let mut fill = starts.clone();
        let mut steps = vec![0; pairs.len()];
        for (value, at) in pairs {
            steps[fill[value]] = at;
            fill[value] += 1;
        }
        let next = starts[..n].to_vec();
        Uses { n_computed, starts, steps, next }
    }

    /// The first step from `at` on that reads a value.
    pub(crate) fn next(&mut self, value: Value, at: usize) -> usize {
        let value = index(self.n_computed, value);
        let end = self.starts[value + 1];
        while self.next[value] < end && self.steps[self.next[value]] < at {
            self.next[value] += 1;
        }
        if self.next[value] < end { self.steps[self.next[value]] } else { NEVER }
    }

    /// How many steps read it.
    pub(crate) fn count(&self, value: Value) -> usize {
        let value = index(self.n_computed, value);
        self.starts[value + 1] - self.starts[value]
    }
}

fn index(n_computed: usize, value: Value) -> usize {
    let invariant = || n_computed + value.as_invariant().unwrap_or(0);
    value.as_computed().unwrap_or_else(invariant)
}

/// The largest number of vectors alive at once. What is carried from one pass to the next is alive
/// throughout.
pub(crate) fn pressure(code: &Code) -> usize {
    let mut last = vec![NEVER; code.kinds.len()];
    for (at, step) in code.steps.iter().enumerate() {
        step.for_each_arg(&mut |arg| {
            if let Some(number) = arg.as_computed() {
                last[number] = at;
            }
        });
    }
    let mut counted = vec![true; code.kinds.len()];
    for carried in &code.carried {
        for value in [carried.before, carried.after] {
            value.as_computed().into_iter().for_each(|number| counted[number] = false);
        }
    }
    let vector = |value: &Value| {
        value.as_computed().filter(|&n| code.kinds[n] == Kind::Vector && counted[n])
    };
    let mut ends = vec![0; code.steps.len() + 1];
    let (mut alive, mut most) = (0, 0);
    for (at, step) in code.steps.iter().enumerate() {
        // A result may take the register of an operand that is read for the last time.
        alive -= ends[at];
        for number in step.results().iter().filter_map(vector) {
            if last[number] != NEVER {
                alive += 1;
                ends[last[number]] += 1;
            }
        }
        most = most.max(alive);
    }
    most + code.carried.len()
}

/// Leaves out the steps whose results nothing reads.
pub(crate) fn without_dead_steps(code: &mut Code) {
    let mut read = vec![false; code.kinds.len()];
    for carried in &code.carried {
        carried.after.as_computed().into_iter().for_each(|number| read[number] = true);
    }
    let mut kept = vec![true; code.steps.len()];
    for (at, step) in code.steps.iter().enumerate().rev() {
        let results = step.results();
        let is_read = |value: &Value| value.as_computed().is_some_and(|number| read[number]);
        kept[at] = results.iter().any(is_read) || has_effect(step);
        if kept[at] {
            step.for_each_arg(&mut |arg| {
                arg.as_computed().into_iter().for_each(|number| read[number] = true);
            });
        }
    }
    let mut kept = kept.into_iter();
    code.steps.retain(|_| kept.next().unwrap_or(true));
}

fn has_effect(step: &Step) -> bool {
    match step {
        Step::Store { .. } | Step::Any { .. } => true,
        Step::Do(..)
        | Step::Load { .. }
        | Step::LoadRepeated { .. }
        | Step::Position { .. }
        | Step::Canonical { .. }
        | Step::Rare(_)
        | Step::Repeat(_)
        | Step::Gather { .. } => false,
    }
}
