//! Regions written node by node, exactly as asked: unlike `fuse_ir::RegionBuilder`, nothing is
//! folded, shared or sorted, so that a primitive of constants reaches the back end as one.

use fuse_ir::{
    Control, Lane, Node, Prim, PrimSignature as Signature, Region, Scalar, TableId, ValueId,
    index_u32,
};

/// A region under construction; its parameters are its first values.
#[derive(Clone, Debug, Default)]
pub struct Assembler {
    region: Region,
}

impl Assembler {
    /// A region with these parameters.
    pub fn new(params: &[Lane]) -> Assembler {
        let mut code = Assembler::default();
        code.region.params = params.to_vec();
        for (position, &lane) in params.iter().enumerate() {
            code.push(Node::Param(index_u32(position)), lane);
        }
        code
    }

    /// The parameter at this position.
    pub fn param(&self, position: usize) -> ValueId {
        assert!(position < self.region.params.len(), "there is no parameter {position}");
        ValueId::new(position)
    }

    /// All parameters.
    pub fn params(&self) -> Vec<ValueId> {
        (0..self.region.params.len()).map(ValueId::new).collect()
    }

    /// The lane type of a value.
    pub fn lane(&self, value: ValueId) -> Lane {
        self.region.lane(value)
    }

    /// The values there are.
    pub fn values(&self) -> impl Iterator<Item = ValueId> + use<> {
        (0..self.region.nodes.len()).map(ValueId::new)
    }

    /// A constant.
    pub fn constant(&mut self, scalar: Scalar) -> ValueId {
        self.push(Node::Const(scalar), scalar.lane)
    }

    /// An f64 constant.
    pub fn f64(&mut self, value: f64) -> ValueId {
        self.constant(Scalar::f64(value))
    }

    /// An integer constant.
    pub fn int(&mut self, lane: Lane, value: i64) -> ValueId {
        self.constant(Scalar::int(lane, value))
    }

    /// A primitive whose result lane follows from its arguments.
    pub fn prim(&mut self, prim: Prim, args: &[ValueId]) -> ValueId {
        let lane = match prim.signature() {
            Signature::Nullary(lane) | Signature::Widen2(_, lane) => lane,
            Signature::Compare(_) => Lane::Mask,
            Signature::Unary(_) | Signature::Binary(_) | Signature::Ternary(_) => {
                self.lane(args[0])
            }
            Signature::Select(_) => self.lane(args[1]),
            Signature::Convert(..) => unreachable!("{prim:?} needs its result lane: use prim_to"),
        };
        self.prim_to(prim, args, lane)
    }

    /// A primitive with its result lane given.
    pub fn prim_to(&mut self, prim: Prim, args: &[ValueId], lane: Lane) -> ValueId {
        assert_eq!(args.len(), prim.arity(), "{prim:?}");
        let mut padded = [ValueId::new(0); 3];
        padded[..args.len()].copy_from_slice(args);
        self.push(Node::Prim(prim, padded), lane)
    }

    /// `table[index & (len - 1)]` with entries of this lane type.
    pub fn lookup(&mut self, table: usize, lane: Lane, index: ValueId) -> ValueId {
        self.push(Node::Lookup(TableId::new(table), index), lane)
    }

    /// A control construct and its results, which have these lane types.
    pub fn control(&mut self, control: Control, results: &[Lane]) -> Vec<ValueId> {
        let number = index_u32(self.region.controls.len());
        self.region.controls.push(control);
        let result = |(index, &lane): (usize, &Lane)| {
            self.push(Node::Result { control: number, index: index_u32(index) }, lane)
        };
        results.iter().enumerate().map(result).collect()
    }

    /// The region, returning these values.
    pub fn finish(mut self, results: &[ValueId]) -> Region {
        self.region.results = results.to_vec();
        self.region
    }

    fn push(&mut self, node: Node, lane: Lane) -> ValueId {
        let value = ValueId::new(self.region.nodes.len());
        self.region.nodes.push(node);
        self.region.lanes.push(lane);
        value
    }
}
