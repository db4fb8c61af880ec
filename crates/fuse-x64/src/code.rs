//! What `lower` makes and `allocate` reads: straight-line code over values that are not in registers yet.
//!
//! ```text
//! unit    U lanes: one vector of the widest lane. Every value of a unit is one register, narrower ones
//!         in the low part of it: no conversion ever crosses registers.
//! body    N units side by side, step by step: what the loop computes at once
//! ```
//!
//! * Values are numbered in the order in which they are made, and made once; a step reads values that
//!   earlier steps made, and invariants.
//! * An **invariant** is the same in every pass of the loop: a constant, a scalar, a table. It lives in a
//!   register while there are some left, and else in memory, from where most operations take it directly.
//! * What lies in the upper part of a register beside a unit's lanes is unspecified.

use smallvec::SmallVec;

use crate::op::{Op, Size};
use fuse_ir::{Lane, Mem, RegionId};

/// A value of straight-line code, or an invariant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Value(u32);

const INVARIANT: u32 = 1 << 31;

impl Value {
    /// The value of that number.
    pub(crate) fn new(number: usize) -> Value {
        Value(u32::try_from(number).expect("fewer than 2^31 values"))
    }

    /// The invariant of that number.
    pub(crate) fn invariant(number: usize) -> Value {
        Value(INVARIANT | u32::try_from(number).expect("fewer than 2^31 invariants"))
    }

    /// Which invariant it is, if it is one.
    pub(crate) fn as_invariant(self) -> Option<usize> {
        (self.0 & INVARIANT != 0).then_some((self.0 & !INVARIANT) as usize)
    }

    /// Its number among the values, if it is not an invariant.
    pub(crate) fn as_computed(self) -> Option<usize> {
        (self.0 & INVARIANT == 0).then_some(self.0 as usize)
    }
}

/// Which registers hold a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Vector registers.
    Vector,
    /// Mask registers of AVX-512.
    Mask,
}

/// What an invariant is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Invariant {
    /// These 8 bytes over and over.
    Repeated(u64),
    /// These bytes, as many as a vector has or fewer.
    Bytes(Vec<u8>),
    /// A result of the uniform region, from the slot with this number, in every lane.
    Uniform(usize, Mem),
    /// The one element of a splat input, in every lane.
    Splat(usize, Mem),
}

/// The invariants of a function, each once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Invariants {
    all: Vec<Invariant>,
    known: rustc_hash::FxHashMap<Invariant, Value>,
}

impl Invariants {
    /// The value of an invariant.
    pub(crate) fn value(&mut self, invariant: Invariant) -> Value {
        if let Some(&value) = self.known.get(&invariant) {
            return value;
        }
        let value = Value::invariant(self.all.len());
        self.all.push(invariant.clone());
        self.known.insert(invariant, value);
        value
    }

    /// The invariant of that number.
    pub(crate) fn get(&self, number: usize) -> &Invariant {
        &self.all[number]
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }
}

/// One operation.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Inst {
    pub(crate) op: Op,
    pub(crate) size: Size,
    pub(crate) args: SmallVec<[Value; 3]>,
    /// The mask of a choice.
    pub(crate) mask: Option<Value>,
    pub(crate) immediate: u8,
}

/// Memory that a step reads or writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    /// The unit's elements of an input.
    Input(usize),
    /// The unit's elements of an output.
    Output(usize),
    /// The unit's elements of an array in scratch memory, which starts at this offset.
    Frame(usize),
    /// The first element of a uniform slot.
    Slot(usize),
}

/// A step of straight-line code.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Computes a value.
    Do(Inst, Value),
    /// Loads `bytes` bytes, which are the unit's elements of `mem`.
    Load { result: Value, place: Place, mem: Mem, bytes: usize, lane: usize },
    /// Loads one element into every lane.
    LoadRepeated { result: Value, place: Place, mem: Mem, size: Size },
    /// Stores what [`Step::Load`] loads.
    Store { value: Value, place: Place, mem: Mem, bytes: usize, lane: usize },
    /// The position of the unit's first element, in every 64-bit lane.
    Position { result: Value, size: Size, lane: usize },
    /// NaNs made canonical, in each of these vectors.
    Canonical { lane: Lane, size: Size, values: SmallVec<[(Value, Value); 4]> },
    /// The results of a region where the mask is set; else stays what was there.
    Rare(Rare),
    /// The results of a region that loops.
    Repeat(Repeat),
    /// Leaves in the flags whether any lane of a mask is set: `not equal`.
    Any { mask: Value, width: usize },
    /// The entries of a table at these indices.
    Gather { result: Value, op: Op, size: Size, table: Value, index: Value },
}

/// A call that hardly ever happens, for one unit or for two that are asked together.
#[derive(Clone, Debug)]
pub(crate) struct Rare {
    pub(crate) region: RegionId,
    /// Bytes of the masks' lanes where they live in vectors.
    pub(crate) mask_width: usize,
    pub(crate) units: SmallVec<[RareUnit; 2]>,
}

/// One unit of a [`Rare`].
#[derive(Clone, Debug)]
pub(crate) struct RareUnit {
    pub(crate) mask: Value,
    pub(crate) args: Vec<Value>,
    pub(crate) results: Vec<RareResult>,
}

impl Rare {
    /// The results of all units.
    pub(crate) fn results(&self) -> impl Iterator<Item = &RareResult> {
        self.units.iter().flat_map(|unit| &unit.results)
    }

    /// All values that it reads.
    pub(crate) fn args(&self) -> impl Iterator<Item = Value> {
        self.units.iter().flat_map(|unit| {
            let results = unit.results.iter().flat_map(|result| [result.otherwise, result.mask]);
            std::iter::once(unit.mask).chain(unit.args.iter().copied()).chain(results)
        })
    }
}

/// A result of a [`Rare`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct RareResult {
    pub(crate) result: Value,
    /// What it is where the mask is clear.
    pub(crate) otherwise: Value,
    /// The mask at the width of the result's lanes.
    pub(crate) mask: Value,
    pub(crate) mem: Mem,
}

/// A call that always happens.
#[derive(Clone, Debug)]
pub(crate) struct Repeat {
    pub(crate) region: RegionId,
    pub(crate) at_most: u32,
    pub(crate) args: Vec<Value>,
    pub(crate) results: Vec<Value>,
}

/// A value that one pass of the loop hands to the next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Carried {
    /// What the pass starts with.
    pub(crate) before: Value,
    /// What it ends with; made by a step, and by no other `after`.
    pub(crate) after: Value,
    /// Its state slot.
    pub(crate) slot: usize,
    /// The unit's first lane.
    pub(crate) lane: usize,
    pub(crate) size: Size,
    /// Bytes of its lanes in a register.
    pub(crate) width: usize,
}

/// Straight-line code for a unit, or for several side by side.
#[derive(Clone, Debug, Default)]
pub(crate) struct Code {
    pub(crate) steps: Vec<Step>,
    /// What kind of register each value takes.
    pub(crate) kinds: Vec<Kind>,
    pub(crate) carried: Vec<Carried>,
}

impl Code {
    /// A new value.
    pub(crate) fn value(&mut self, kind: Kind) -> Value {
        self.kinds.push(kind);
        Value::new(self.kinds.len() - 1)
    }

    /// What kind of register a value takes. Invariants are vectors.
    pub(crate) fn kind(&self, value: Value) -> Kind {
        value.as_computed().map_or(Kind::Vector, |number| self.kinds[number])
    }

    /// So many copies side by side, `lanes` lanes apart.
    pub(crate) fn side_by_side(&self, copies: usize, lanes: usize) -> Code {
        let per_copy = self.kinds.len();
        let mut code = Code::default();
        for _ in 0..copies {
            code.kinds.extend_from_slice(&self.kinds);
        }
        for step in &self.steps {
            if let Step::Canonical { lane, size, values } = step {
                let values = (0..copies)
                    .flat_map(|copy| values.iter().map(move |&pair| (copy, pair)))
                    .map(|(copy, (from, to))| {
                        (from.shifted(copy * per_copy), to.shifted(copy * per_copy))
                    })
                    .collect();
                code.steps.push(Step::Canonical { lane: *lane, size: *size, values });
                continue;
            }
            for copy in 0..copies {
                let mut step = step.clone();
                step.shift_lane(copy * lanes);
                step.change_values(&mut |value| *value = value.shifted(copy * per_copy));
                if let (Step::Rare(rare), 1) = (&step, copy % 2)
                    && let Some(Step::Rare(first)) = code.steps.last_mut()
                {
                    first.units.extend(rare.units.iter().cloned());
                } else {
                    code.steps.push(step);
                }
            }
        }
        for carried in &self.carried {
            for copy in 0..copies {
                code.carried.push(Carried {
                    before: carried.before.shifted(copy * per_copy),
                    after: carried.after.shifted(copy * per_copy),
                    lane: carried.lane + copy * lanes,
                    ..*carried
                });
            }
        }
        code
    }
}

impl Value {
    fn shifted(self, by: usize) -> Value {
        self.as_computed().map_or(self, |number| Value::new(number + by))
    }
}

impl Step {
    /// The values that it makes.
    pub(crate) fn results(&self) -> SmallVec<[Value; 4]> {
        match self {
            Step::Do(_, result)
            | Step::Load { result, .. }
            | Step::LoadRepeated { result, .. }
            | Step::Position { result, .. }
            | Step::Gather { result, .. } => SmallVec::from_slice(&[*result]),
            Step::Store { .. } | Step::Any { .. } => SmallVec::new(),
            Step::Canonical { values, .. } => values.iter().map(|&(_, result)| result).collect(),
            Step::Rare(rare) => rare.results().map(|result| result.result).collect(),
            Step::Repeat(repeat) => repeat.results.iter().copied().collect(),
        }
    }

    /// Visits the values and invariants that it reads, some more than once.
    pub(crate) fn for_each_arg(&self, visit: &mut dyn FnMut(Value)) {
        match self {
            Step::Do(inst, _) => inst.args.iter().chain(&inst.mask).copied().for_each(visit),
            Step::Load { .. } | Step::LoadRepeated { .. } | Step::Position { .. } => {}
            Step::Store { value, .. } => visit(*value),
            Step::Any { mask, .. } => visit(*mask),
            Step::Gather { index, .. } => visit(*index),
            Step::Canonical { values, .. } => values.iter().for_each(|&(from, _)| visit(from)),
            Step::Rare(rare) => rare.args().for_each(visit),
            Step::Repeat(repeat) => repeat.args.iter().copied().for_each(visit),
        }
    }

    /// Changes every value that it makes or reads.
    fn change_values(&mut self, change: &mut dyn FnMut(&mut Value)) {
        match self {
            Step::Do(inst, result) => {
                inst.args.iter_mut().chain(&mut inst.mask).for_each(&mut *change);
                change(result);
            }
            Step::Load { result, .. }
            | Step::LoadRepeated { result, .. }
            | Step::Position { result, .. } => change(result),
            Step::Store { value, .. } => change(value),
            Step::Any { mask, .. } => change(mask),
            Step::Gather { result, index, .. } => {
                change(index);
                change(result);
            }
            Step::Canonical { values, .. } => {
                values.iter_mut().flat_map(|(from, to)| [from, to]).for_each(change);
            }
            Step::Rare(rare) => {
                for unit in &mut rare.units {
                    change(&mut unit.mask);
                    unit.args.iter_mut().for_each(&mut *change);
                    for result in &mut unit.results {
                        change(&mut result.otherwise);
                        change(&mut result.mask);
                        change(&mut result.result);
                    }
                }
            }
            Step::Repeat(repeat) => {
                repeat.args.iter_mut().chain(&mut repeat.results).for_each(change);
            }
        }
    }

    /// Moves what it reads and writes by so many lanes.
    fn shift_lane(&mut self, by: usize) {
        match self {
            Step::Load { lane, .. } | Step::Store { lane, .. } | Step::Position { lane, .. } => {
                *lane += by;
            }
            Step::Do(..)
            | Step::LoadRepeated { .. }
            | Step::Canonical { .. }
            | Step::Any { .. }
            | Step::Rare(_)
            | Step::Repeat(_)
            | Step::Gather { .. } => {}
        }
    }
}
