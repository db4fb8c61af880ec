//! The kernel: one fused loop body, over primitives only.
//!
//! ```text
//!  scalars ──▶ uniform region ──┐  once a call
//!                               ▼
//!  inputs  ──▶ lane region ──▶ outputs          once a granule of 32 lanes
//!                   └────────▶ fold arguments ──▶ fold.step(state, arguments) ──▶ state
//! ```
//!
//! * A [`Region`] is a closed function over lanes: it sees its parameters and constants, nothing
//!   else. Nodes live in one arena; **operands have smaller ids than their users**, so arena order
//!   is a topological order and every pass is a `for` loop.
//! * The lane region's parameters are the inputs' elements followed by the uniform region's results.
//!   Its results are the outputs' elements followed by each fold's arguments, fold by fold.
//! * Two control constructs, both lane-frozen (a lane whose mask is clear keeps its values bit for
//!   bit, so that vector width cannot matter): [`Control::Rare`] and [`Control::Repeat`].
//! * A value is a granule of [`GRANULE`] lanes, whatever its lane type.
//!
//! Kernels are made by [`crate::Builder`] and checked by [`crate::verify`]; the fields here are open
//! so that tests can build wrong ones.

use crate::ids::{RegionId, TableId, ValueId};
use crate::lane::{Lane, Mem};
use crate::prim::Prim;

/// Lanes of a kernel value on every back end.
pub const GRANULE: usize = 32;

/// Elements of a block of a fold, each of whose 32 lanes is one accumulator.
pub const FOLD_BLOCK: usize = 1024;

/// A constant of one lane. Compared by bits: NaN equals itself, and 0.0 differs from -0.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scalar {
    /// The lane type.
    pub lane: Lane,
    /// The bits, zero extended.
    pub bits: u64,
}

impl Scalar {
    /// An f64 constant.
    pub fn f64(value: f64) -> Scalar {
        Scalar { lane: Lane::F64, bits: value.to_bits() }
    }

    /// An f32 constant.
    pub fn f32(value: f32) -> Scalar {
        Scalar { lane: Lane::F32, bits: u64::from(value.to_bits()) }
    }

    /// An integer constant, wrapped to the lane's width.
    pub fn int(lane: Lane, value: i64) -> Scalar {
        Scalar { lane, bits: value.cast_unsigned() & lane.all_ones() }
    }

    /// A mask constant.
    pub fn mask(value: bool) -> Scalar {
        Scalar { lane: Lane::Mask, bits: u64::from(value) }
    }

    /// The constant of a float lane nearest to `value`.
    pub fn float(lane: Lane, value: f64) -> Scalar {
        if lane == Lane::F32 { Scalar::f32(value as f32) } else { Scalar::f64(value) }
    }
}

/// A node computes one value of its region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Node {
    /// The region's parameter at this position.
    Param(u32),
    /// The same constant in every lane.
    Const(Scalar),
    /// A primitive; arguments beyond its arity repeat `ValueId::new(0)` and mean nothing.
    Prim(Prim, [ValueId; 3]),
    /// The entry of a table at `index & (len - 1)`; the index is i32 or i64.
    Lookup(TableId, ValueId),
    /// One result of a control construct.
    Result {
        /// Position in [`Region::controls`].
        control: u32,
        /// Which of its results.
        index: u32,
    },
}

impl Node {
    /// The values this node reads. A [`Node::Result`] reads its control's operands, which are not
    /// listed here: see [`Control::operands`].
    pub fn args(&self) -> &[ValueId] {
        match self {
            Node::Param(_) | Node::Const(_) | Node::Result { .. } => &[],
            Node::Prim(prim, args) => &args[..prim.arity()],
            Node::Lookup(_, index) => std::slice::from_ref(index),
        }
    }
}

/// A control construct. Its results are read through [`Node::Result`], and it runs when the first
/// of these is reached; all its operands have smaller ids than that.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Control {
    /// `result[k] = select(mask, region(args)[k], otherwise[k])`. The region runs only when some
    /// lane of the mask is set, out of line.
    Rare {
        /// Lanes that take the slow path.
        mask: ValueId,
        /// What they run.
        region: RegionId,
        /// Its arguments.
        args: Vec<ValueId>,
        /// The results of the other lanes; one for each result of the region.
        otherwise: Vec<ValueId>,
    },
    /// A bounded loop. The region maps `state` to `(state, go_on)` where `go_on`, its last result,
    /// is a mask. It runs at least once; after each run a lane whose `go_on` is clear freezes; it
    /// ends when all lanes are frozen or after `at_most` runs. The results are the final state.
    Repeat {
        /// Upper bound on the number of runs; at least 1.
        at_most: u32,
        /// The loop body.
        region: RegionId,
        /// The state before the first run.
        init: Vec<ValueId>,
    },
}

impl Control {
    /// Every value that the construct reads.
    pub fn operands(&self) -> impl Iterator<Item = ValueId> + '_ {
        let (mask, first, second) = match self {
            Control::Rare { mask, args, otherwise, .. } => {
                (Some(*mask), args.as_slice(), otherwise.as_slice())
            }
            Control::Repeat { init, .. } => (None, init.as_slice(), [].as_slice()),
        };
        mask.into_iter().chain(first.iter().copied()).chain(second.iter().copied())
    }

    /// The region that it calls.
    pub fn region(&self) -> RegionId {
        match self {
            Control::Rare { region, .. } | Control::Repeat { region, .. } => *region,
        }
    }
}

/// A closed function over lanes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Region {
    /// Lane types of the parameters.
    pub params: Vec<Lane>,
    /// The arena.
    pub nodes: Vec<Node>,
    /// The lane type of each node.
    pub lanes: Vec<Lane>,
    /// Control constructs, in the order in which they run.
    pub controls: Vec<Control>,
    /// What the region returns.
    pub results: Vec<ValueId>,
}

impl Region {
    /// The node of a value.
    pub fn node(&self, value: ValueId) -> Node {
        self.nodes[value.index()]
    }

    /// The lane type of a value.
    pub fn lane(&self, value: ValueId) -> Lane {
        self.lanes[value.index()]
    }

    /// Every value with its node, operands first.
    pub fn iter(&self) -> impl Iterator<Item = (ValueId, Node)> + '_ {
        self.nodes.iter().enumerate().map(|(index, &node)| (ValueId::new(index), node))
    }

    /// Lane types of the results.
    pub fn result_lanes(&self) -> impl Iterator<Item = Lane> + '_ {
        self.results.iter().map(|&value| self.lane(value))
    }

    /// Which values the results depend on.
    pub fn needed(&self) -> Vec<bool> {
        let mut needed = vec![false; self.nodes.len()];
        for result in &self.results {
            needed[result.index()] = true;
        }
        for index in (0..self.nodes.len()).rev() {
            if !needed[index] {
                continue;
            }
            let node = self.nodes[index];
            for arg in node.args() {
                needed[arg.index()] = true;
            }
            if let Node::Result { control, .. } = node {
                for operand in self.controls[control as usize].operands() {
                    needed[operand.index()] = true;
                }
            }
        }
        needed
    }

    /// Number of primitives and lookups: the region's arithmetic. Bit casts cost nothing and do
    /// not count.
    pub fn arithmetic(&self) -> usize {
        let counts = |node: &&Node| match node {
            Node::Prim(prim, _) => *prim != Prim::Bitcast,
            Node::Lookup(..) => true,
            Node::Param(_) | Node::Const(_) | Node::Result { .. } => false,
        };
        self.nodes.iter().filter(counts).count()
    }
}

/// A constant table. Its length is a power of two, so that `index & (len - 1)` is total.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Table {
    /// Lane type of the entries.
    pub lane: Lane,
    /// The bits of the entries.
    pub entries: Vec<u64>,
}

/// How an input's elements are found from one granule to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InputClass {
    /// Granule g lies at `pointer + g * GRANULE * size`.
    Stream,
    /// One element at `pointer` serves all lanes of all granules of the call.
    Splat,
}

/// An array operand that the lane region reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OperandInput {
    /// How an element lies in memory.
    pub mem: Mem,
    /// How it is found.
    pub class: InputClass,
}

/// An array operand that the lane region writes, always as a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OperandOutput {
    /// How an element lies in memory.
    pub mem: Mem,
    /// For floats: is the value known never to be NaN? Otherwise the store makes NaNs canonical
    /// ([`crate::CANONICAL_NAN_F64`], [`crate::CANONICAL_NAN_F32`]).
    pub never_nan: bool,
}

/// One state value of a fold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StateSlot {
    /// What each of the 32 accumulators starts from.
    pub init: Scalar,
}

/// A reduction. All regions are closed.
///
/// The order is fixed by `docs/numerics.md`: elements of a block of 1024 go to accumulator
/// `i mod 32`, accumulators combine by `merge` k with k+16, then +8, +4, +2, +1, and blocks as a
/// binary counter. A kernel runs `step` only; the runtime drives `merge` and `finish`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fold {
    /// The state's values.
    pub state: Vec<StateSlot>,
    /// `(state, arguments) -> state`
    pub step: Region,
    /// `(left state, right state) -> state`
    pub merge: Region,
    /// `state -> results`
    pub finish: Region,
}

impl Fold {
    /// Number of arguments the lane region provides.
    pub fn n_args(&self) -> usize {
        self.step.params.len() - self.state.len()
    }
}

/// One fused loop body. See the module for how the parts connect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kernel {
    /// Regions called by controls; a region calls only regions before it.
    pub regions: Vec<Region>,
    /// Tables read by lookups.
    pub tables: Vec<Table>,
    /// Scalars to uniform values, once a call.
    pub uniform: Region,
    /// Array inputs.
    pub inputs: Vec<OperandInput>,
    /// The fused body.
    pub lane: Region,
    /// Array outputs.
    pub outputs: Vec<OperandOutput>,
    /// Reductions.
    pub folds: Vec<Fold>,
}

impl Kernel {
    /// Regions of every kind, with a name each: what passes over all code iterate over.
    pub fn all_regions(&self) -> impl Iterator<Item = (String, &Region)> {
        let closed = self
            .regions
            .iter()
            .enumerate()
            .map(|(index, region)| (RegionId::new(index).to_string(), region));
        let folds = self.folds.iter().enumerate().flat_map(|(index, fold)| {
            [
                (format!("fold{index}.step"), &fold.step),
                (format!("fold{index}.merge"), &fold.merge),
                (format!("fold{index}.finish"), &fold.finish),
            ]
        });
        closed
            .chain([("uniform".to_string(), &self.uniform), ("lane".to_string(), &self.lane)])
            .chain(folds)
    }

    /// The values of all folds' states, fold by fold: the order of `KernelArgs::folds`.
    pub fn state_slots(&self) -> impl Iterator<Item = &StateSlot> {
        self.folds.iter().flat_map(|fold| &fold.state)
    }

    /// Does it depend on the positions of its elements? The lane region alone has any.
    pub fn reads_index(&self) -> bool {
        let is_index = |node: &Node| matches!(node, Node::Prim(Prim::LaneIndex, _));
        self.lane.nodes.iter().any(is_index)
    }

    /// Primitives over all regions: the measure of a kernel's size.
    pub fn size(&self) -> usize {
        self.all_regions().map(|(_, region)| region.arithmetic()).sum()
    }
}
