//! Making kernels.
//!
//! [`RegionBuilder`] interns nodes as they are pushed (a node equal to an earlier one is that one, so
//! common subexpressions are shared by construction), sorts the operands of commutative primitives,
//! computes lane types, and folds primitives of constants through [`Prim::eval`]. Folding is exact
//! and so is sharing. A constant whose result is NaN is folded to the canonical NaN.
//!
//! # Panics
//! The methods panic on ill-typed operands: expansions are ours, and a wrong one is an internal error
//! that any test of it finds.

use rustc_hash::FxHashMap;

use crate::ids::{RegionId, TableId, ValueId, index_u32};
use crate::kernel::{
    Control, Fold, InputClass, Kernel, Node, OperandInput, OperandOutput, Region, Scalar, Table,
};
use crate::lane::{Lane, Mem};
use crate::prim::Prim;

/// Builds one region.
#[derive(Clone, Debug, Default)]
pub struct RegionBuilder {
    region: Region,
    interned: FxHashMap<(Node, Lane), ValueId>,
}

impl RegionBuilder {
    /// A region with these parameters.
    pub fn new(params: &[Lane]) -> RegionBuilder {
        let mut builder = RegionBuilder::default();
        for &lane in params {
            builder.add_param(lane);
        }
        builder
    }

    /// Adds a parameter.
    pub fn add_param(&mut self, lane: Lane) -> ValueId {
        let position = index_u32(self.region.params.len());
        self.region.params.push(lane);
        self.push(Node::Param(position), lane)
    }

    /// The value of the parameter at this position.
    pub fn param(&self, position: usize) -> ValueId {
        self.interned[&(Node::Param(index_u32(position)), self.region.params[position])]
    }

    /// The lane type of a value.
    pub fn lane(&self, value: ValueId) -> Lane {
        self.region.lane(value)
    }

    /// The node of a value.
    pub fn node(&self, value: ValueId) -> Node {
        self.region.node(value)
    }

    /// Number of nodes so far.
    pub fn len(&self) -> usize {
        self.region.nodes.len()
    }

    /// Has nothing been pushed yet?
    pub fn is_empty(&self) -> bool {
        self.region.nodes.is_empty()
    }

    /// A constant.
    pub fn constant(&mut self, scalar: Scalar) -> ValueId {
        self.push(Node::Const(scalar), scalar.lane)
    }

    /// The constant that a value is, if it is one.
    pub fn as_constant(&self, value: ValueId) -> Option<Scalar> {
        match self.node(value) {
            Node::Const(scalar) => Some(scalar),
            Node::Param(_) | Node::Prim(..) | Node::Lookup(..) | Node::Result { .. } => None,
        }
    }

    /// A primitive whose result lane follows from its arguments (all but conversions).
    pub fn prim(&mut self, prim: Prim, args: &[ValueId]) -> ValueId {
        use crate::prim::Signature as S;
        let lane = match prim.signature() {
            S::Nullary(lane) | S::Widen2(_, lane) => lane,
            S::Compare(_) => Lane::Mask,
            S::Unary(_) | S::Binary(_) | S::Ternary(_) => self.lane(args[0]),
            S::Select(_) => self.lane(args[1]),
            S::Convert(..) => conversion_without_lane(prim),
        };
        self.prim_to(prim, args, lane)
    }

    /// A primitive with its result lane given: the form that conversions need.
    pub fn prim_to(&mut self, prim: Prim, args: &[ValueId], lane: Lane) -> ValueId {
        let lanes: Vec<Lane> = args.iter().map(|&value| self.lane(value)).collect();
        assert!(prim.signature().accepts(&lanes, lane), "{prim:?} of {lanes:?} to {lane}");
        let mut padded = [ValueId::new(0); 3];
        padded[..args.len()].copy_from_slice(args);
        if prim.commutes() && padded[0] > padded[1] {
            padded.swap(0, 1);
        }
        if let Some(scalar) = self.folded(prim, &padded[..args.len()], lane) {
            return self.constant(scalar);
        }
        if let Some(value) = self.folded_select(prim, padded) {
            return value;
        }
        self.push(Node::Prim(prim, padded), lane)
    }

    /// `table[index & (len - 1)]`.
    pub fn lookup(&mut self, table: TableId, entries: &Table, index: ValueId) -> ValueId {
        assert!(matches!(self.lane(index), Lane::I32 | Lane::I64), "a lookup takes i32 or i64");
        self.push(Node::Lookup(table, index), entries.lane)
    }

    /// Adds a control construct whose results have these lane types, or finds the equal one that is
    /// there.
    pub fn control(&mut self, control: Control, results: &[Lane]) -> Vec<ValueId> {
        let known = self.region.controls.iter().position(|other| *other == control);
        let number = index_u32(known.unwrap_or_else(|| {
            self.region.controls.push(control);
            self.region.controls.len() - 1
        }));
        let result = |(index, &lane): (usize, &Lane)| {
            self.push(Node::Result { control: number, index: index_u32(index) }, lane)
        };
        results.iter().enumerate().map(result).collect()
    }

    /// Adds what the region returns and gives the region.
    pub fn finish(mut self, results: &[ValueId]) -> Region {
        self.region.results = results.to_vec();
        self.region
    }

    fn push(&mut self, node: Node, lane: Lane) -> ValueId {
        if let Some(&value) = self.interned.get(&(node, lane)) {
            return value;
        }
        let value = ValueId::new(self.region.nodes.len());
        self.region.nodes.push(node);
        self.region.lanes.push(lane);
        self.interned.insert((node, lane), value);
        value
    }

    /// The result of a primitive all of whose arguments are constants.
    fn folded(&self, prim: Prim, args: &[ValueId], lane: Lane) -> Option<Scalar> {
        if args.is_empty() {
            return None;
        }
        let mut bits = [0; 3];
        for (bits, &arg) in bits.iter_mut().zip(args) {
            *bits = self.as_constant(arg)?.bits;
        }
        let numeric = *args.get(1).unwrap_or(&args[0]);
        Some(Scalar { lane, bits: prim.eval(self.lane(numeric), lane, bits) })
    }

    /// `select` with a constant mask or with equal arms is one of its arms.
    fn folded_select(&self, prim: Prim, [mask, set, clear]: [ValueId; 3]) -> Option<ValueId> {
        if prim != Prim::Select {
            return None;
        }
        if set == clear {
            return Some(set);
        }
        self.as_constant(mask).map(|scalar| if scalar.bits != 0 { set } else { clear })
    }
}

/// Conversions have to name their result; asking for an inferred one is a bug in the caller.
fn conversion_without_lane(prim: Prim) -> Lane {
    unreachable!("{prim:?} needs its result lane: use prim_to")
}

/// Builds a kernel: closed regions and tables are shared, the uniform and lane regions grow together.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    kernel: Kernel,
}

impl Builder {
    /// An empty kernel.
    pub fn new() -> Builder {
        Builder::default()
    }

    /// Adds an array input; its lane parameter has the same position.
    pub fn input(&mut self, mem: Mem, class: InputClass) {
        self.kernel.inputs.push(OperandInput { mem, class });
    }

    /// Adds a closed region, or finds the equal one that is there.
    pub fn region(&mut self, region: Region) -> RegionId {
        let known = self.kernel.regions.iter().position(|other| *other == region);
        RegionId::new(known.unwrap_or_else(|| {
            self.kernel.regions.push(region);
            self.kernel.regions.len() - 1
        }))
    }

    /// Adds a table, or finds the equal one that is there.
    pub fn table(&mut self, table: Table) -> TableId {
        let known = self.kernel.tables.iter().position(|other| *other == table);
        TableId::new(known.unwrap_or_else(|| {
            self.kernel.tables.push(table);
            self.kernel.tables.len() - 1
        }))
    }

    /// The table of that id.
    pub fn table_entries(&self, table: TableId) -> &Table {
        &self.kernel.tables[table.index()]
    }

    /// Sets the uniform region.
    pub fn uniform(&mut self, region: Region) {
        self.kernel.uniform = region;
    }

    /// Adds an output: the lane region's next result.
    pub fn output(&mut self, output: OperandOutput) {
        self.kernel.outputs.push(output);
    }

    /// Adds a fold, fed by the lane region's results after the outputs.
    pub fn fold(&mut self, fold: Fold) {
        self.kernel.folds.push(fold);
    }

    /// Sets the lane region and gives the kernel, to be verified.
    pub fn finish(mut self, lane: Region) -> Kernel {
        self.kernel.lane = lane;
        self.kernel
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_nodes_are_one_and_commutative_operands_are_sorted() {
        let mut builder = RegionBuilder::new(&[Lane::F64, Lane::F64]);
        let (a, b) = (builder.param(0), builder.param(1));
        let ab = builder.prim(Prim::FMul, &[a, b]);
        let ba = builder.prim(Prim::FMul, &[b, a]);
        assert_eq!(ab, ba);
        assert_ne!(builder.prim(Prim::FSub, &[a, b]), builder.prim(Prim::FSub, &[b, a]));
    }

    #[test]
    fn constants_fold_through_the_reference_semantics() {
        let mut builder = RegionBuilder::new(&[]);
        let two = builder.constant(Scalar::f64(2.0));
        let root = builder.prim(Prim::FSqrt, &[two]);
        assert_eq!(builder.as_constant(root), Some(Scalar::f64(2f64.sqrt())));
        let zero = builder.constant(Scalar::f64(0.0));
        let negative = builder.constant(Scalar::f64(-0.0));
        assert_ne!(zero, negative);
    }

    #[test]
    fn equal_controls_are_one() {
        let mut builder = RegionBuilder::new(&[Lane::Mask, Lane::F64]);
        let (mask, x) = (builder.param(0), builder.param(1));
        let rare = |region| Control::Rare { mask, region, args: vec![x], otherwise: vec![x] };
        let once = builder.control(rare(RegionId::new(0)), &[Lane::F64]);
        assert_eq!(builder.control(rare(RegionId::new(0)), &[Lane::F64]), once);
        assert_ne!(builder.control(rare(RegionId::new(1)), &[Lane::F64]), once);
    }

    #[test]
    fn conversions_to_different_lanes_are_different_values() {
        let mut builder = RegionBuilder::new(&[Lane::I8]);
        let x = builder.param(0);
        let wide = builder.prim_to(Prim::Sext, &[x], Lane::I32);
        let wider = builder.prim_to(Prim::Sext, &[x], Lane::I64);
        assert_ne!(wide, wider);
        assert_eq!(builder.prim_to(Prim::Sext, &[x], Lane::I32), wide);
    }
}
