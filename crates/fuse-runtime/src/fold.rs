//! Combines fold states in the order that `docs/numerics.md` fixes.
//!
//! ```text
//! a task's bank   states  block 0: lanes 0 … 31 | block 1: lanes 0 … 31 | …      for every slot
//!                 left    lanes 0 … 15 of every block  ┐ merge kernel, all blocks at once
//!                 right   lanes 16 … 31 of every block ┘ ──▶ states, now 16 wide; then 8, 4, 2, 1
//! then            left    blocks 0, 2, 4 …    right  blocks 1, 3, 5 …    level by level
//! ```
//!
//! Block results combine as a binary counter: at each level neighbours merge, a left-over run waits,
//! and left-over runs combine from the right at the end. A task is an aligned power-of-two run of
//! blocks and so a perfect tree of its own: how many tasks there are, or which thread ran them, cannot
//! change a bit. Only the last task may hold fewer blocks; its result is the right-most left-over.
//!
//! Cost: 63 element copies and 31 merges for each block of 1024 elements, at the back end's speed.

use fuse_ir::interp::eval_scalars;
use fuse_ir::{CANONICAL_NAN_F32, CANONICAL_NAN_F64, GRANULE, Kernel, Lane, Scalar};
use smallvec::SmallVec;

use crate::compile::{CompiledFold, CompiledPass, Slot};
use crate::dispatch::{MergeTo, run_merge, run_streams};
use crate::pack::{bits_of, bytes_of};

/// The bits of every slot of a pass's folds.
pub(crate) type State = SmallVec<[u64; 4]>;

/// Fewer elements than this are folded left to right.
pub(crate) const LEFT_TO_RIGHT_BELOW: usize = 8;

/// Bytes of a bank of that many lanes: states, left and right halves.
pub(crate) fn bank_bytes(slots: &[Slot], lanes: usize) -> usize {
    3 * lanes * slots.last().map_or(0, |slot| slot.before + slot.size)
}

/// The states of a task, and the halves that merges read.
pub(crate) struct Bank<'m> {
    pub(crate) bytes: &'m mut [u8],
    pub(crate) slots: &'m [Slot],
    pub(crate) folds: &'m [CompiledFold],
    /// Lanes of each slot: a multiple of 32.
    pub(crate) lanes: usize,
}

impl Bank<'_> {
    /// Sets every lane to the folds' initial state.
    pub(crate) fn reset(&mut self) {
        for slot in self.slots {
            let region = &mut self.bytes[slot.before * self.lanes..][..slot.size * self.lanes];
            fill(region, slot);
        }
    }

    /// The state in one lane.
    pub(crate) fn state(&self, lane: usize) -> State {
        let bits = |slot: &Slot| {
            let at = slot.before * self.lanes + lane * slot.size;
            bits_of(&self.bytes[at..at + slot.size])
        };
        self.slots.iter().map(bits).collect()
    }

    /// Puts a state into one lane.
    pub(crate) fn set_state(&mut self, lane: usize, state: &State) {
        for (slot, &bits) in self.slots.iter().zip(state) {
            let at = slot.before * self.lanes + lane * slot.size;
            let bytes = bytes_of(bits, slot.size);
            self.bytes[at..at + slot.size].copy_from_slice(&bytes[..slot.size]);
        }
    }

    /// Combines the 32 accumulators of each block: block `b`'s state is then in lane `b`.
    pub(crate) fn merge_lanes(&mut self, n_blocks: usize, scratch: &mut [u8]) {
        for width in [32, 16, 8, 4, 2] {
            self.merge_level(n_blocks, width, scratch);
        }
    }

    /// Combines the states in lanes `0 .. n` as a binary counter; `after` follows them.
    pub(crate) fn merge_tree(
        &mut self,
        n: usize,
        after: Option<State>,
        scratch: &mut [u8],
    ) -> State {
        let mut left_over = after;
        let mut n = n;
        while n > 1 {
            if n % 2 == 1 {
                n -= 1;
                left_over = Some(self.merge_onto(self.state(n), left_over, scratch));
            }
            self.merge_level(n / 2, 2, scratch);
            n /= 2;
        }
        self.merge_onto(self.state(0), left_over, scratch)
    }

    /// Combines rows of `width` states, a multiple of 32, each as a binary counter: lane k of row 0 with
    /// lane k of row 1, and so on. The result is in row 0.
    pub(crate) fn merge_rows(&mut self, n_rows: usize, width: usize, scratch: &mut [u8]) {
        let mut rows: SmallVec<[usize; 8]> = SmallVec::new();
        for row in 0..n_rows {
            rows.push(row);
            let mut runs = row + 1;
            while runs.is_multiple_of(2) {
                self.merge_last(&mut rows, width, scratch);
                runs /= 2;
            }
        }
        while rows.len() > 1 {
            self.merge_last(&mut rows, width, scratch);
        }
    }

    /// Merges the last two of these rows into the first of them.
    fn merge_last(&mut self, rows: &mut SmallVec<[usize; 8]>, width: usize, scratch: &mut [u8]) {
        let (Some(right), Some(&left)) = (rows.pop(), rows.last()) else { return };
        for fold in self.folds {
            let (slots, lanes) = (&self.slots[fold.slots.0..fold.slots.1], self.lanes);
            let at = |row: usize| {
                slots.iter().map(move |slot| slot.before * lanes + row * width * slot.size)
            };
            let from: SmallVec<[usize; 8]> = at(left).chain(at(right)).collect();
            let to: SmallVec<[usize; 4]> = at(left).collect();
            run_streams(&fold.merge, self.bytes, (&from, &to), width / GRANULE, scratch);
        }
    }

    /// `state` merged with what follows it, if anything does.
    fn merge_onto(&mut self, state: State, after: Option<State>, scratch: &mut [u8]) -> State {
        let Some(after) = after else { return state };
        let part = self.bytes.len() / 3;
        let mut merged = State::new();
        for (number, side) in [state, after].iter().enumerate() {
            for (slot, &bits) in self.slots.iter().zip(side) {
                let at = (number + 1) * part + slot.before * self.lanes;
                let bytes = bytes_of(bits, slot.size);
                self.bytes[at..at + slot.size].copy_from_slice(&bytes[..slot.size]);
            }
        }
        for fold in self.folds {
            let bank = (&mut *self.bytes, self.lanes);
            run_merge(fold, self.slots, bank, (1, MergeTo::Left), scratch);
        }
        for slot in self.slots {
            let at = part + slot.before * self.lanes;
            merged.push(bits_of(&self.bytes[at..at + slot.size]));
        }
        merged
    }

    /// Turns `n` runs of `width` lanes into `n` runs of half that.
    fn merge_level(&mut self, n: usize, width: usize, scratch: &mut [u8]) {
        let (states, halves) = self.bytes.split_at_mut(self.bytes.len() / 3);
        let (left, right) = halves.split_at_mut(halves.len() / 2);
        for slot in self.slots {
            let at = slot.before * self.lanes;
            let half = width / 2 * slot.size;
            split(&states[at..at + n * 2 * half], half, &mut left[at..], &mut right[at..]);
        }
        let granules = (n * width / 2).div_ceil(GRANULE);
        for fold in self.folds {
            let bank = (&mut *self.bytes, self.lanes);
            run_merge(fold, self.slots, bank, (granules, MergeTo::States), scratch);
        }
    }
}

/// Fills lanes of a slot with its initial state. (Copies that double are several times faster than
/// the loop that `fill` of arrays compiles to; and the kernel's first load is served from wide stores.)
pub(crate) fn fill(lanes: &mut [u8], slot: &Slot) {
    let init = bytes_of(slot.init, slot.size);
    let wide: [u8; 64] = std::array::from_fn(|byte| init[byte % slot.size]);
    let mut filled = lanes.len().min(64);
    lanes[..filled].copy_from_slice(&wide[..filled]);
    while filled < lanes.len() {
        let more = filled.min(lanes.len() - filled);
        lanes.copy_within(..more, filled);
        filled += more;
    }
}

/// Deals runs of `2 * half` bytes out to `left` and `right`.
fn split(runs: &[u8], half: usize, left: &mut [u8], right: &mut [u8]) {
    match half {
        1 => split_by::<1>(runs, left, right),
        2 => split_by::<2>(runs, left, right),
        4 => split_by::<4>(runs, left, right),
        8 => split_by::<8>(runs, left, right),
        16 => split_by::<16>(runs, left, right),
        32 => split_by::<32>(runs, left, right),
        64 => split_by::<64>(runs, left, right),
        _ => split_by::<128>(runs, left, right),
    }
}

fn split_by<const HALF: usize>(runs: &[u8], left: &mut [u8], right: &mut [u8]) {
    let halves = left.chunks_exact_mut(HALF).zip(right.chunks_exact_mut(HALF));
    for (run, (left, right)) in runs.chunks_exact(2 * HALF).zip(halves) {
        left.copy_from_slice(&run[..HALF]);
        right.copy_from_slice(&run[HALF..]);
    }
}

/// The state of every slot before any element.
pub(crate) fn initial_state(slots: &[Slot]) -> State {
    slots.iter().map(|slot| slot.init).collect()
}

/// The results of fold `number` from the pass's combined state; NaNs canonical.
pub(crate) fn finish(
    pass: &CompiledPass,
    kernel: &Kernel,
    number: usize,
    state: &State,
) -> SmallVec<[u64; 4]> {
    let (fold, compiled) = (&kernel.folds[number], &pass.folds[number]);
    let bits = &state[compiled.slots.0..compiled.slots.1];
    let lanes = fold.state.iter().map(|slot| slot.init.lane);
    let scalars = bits.iter().zip(lanes).map(|(&bits, lane)| Scalar { lane, bits });
    if compiled.finish_is_identity {
        return scalars.map(canonical).collect();
    }
    let scalars: SmallVec<[Scalar; 4]> = scalars.collect();
    eval_scalars(kernel, &fold.finish, &scalars).into_iter().map(canonical).collect()
}

/// The bits of a result: NaNs canonical.
pub(crate) fn canonical(scalar: Scalar) -> u64 {
    match scalar.lane {
        Lane::F64 if f64::from_bits(scalar.bits).is_nan() => CANONICAL_NAN_F64,
        Lane::F32 if scalar.bits & 0x7fff_ffff > 0x7f80_0000 => CANONICAL_NAN_F32,
        Lane::Mask | Lane::I8 | Lane::I16 | Lane::I32 | Lane::I64 | Lane::F32 | Lane::F64 => {
            scalar.bits
        }
    }
}
