//! A function of a float dtype, evaluated by the interpreter.

use fuse_ir::interp::{self, eval_region};
use fuse_ir::{Builder, DType, GRANULE, Kernel, Lane, RegionBuilder, ValueId};
use fuse_ops::{Call, Expander, Expansion, Op, lane_of};

use super::Format;
use crate::hash::fnv;

/// One function and a dtype of its operands and result.
pub struct Subject {
    /// The function.
    pub op: Op,
    /// f32 or f64.
    pub dtype: DType,
    /// Its result's format.
    pub format: Format,
    kernel: Kernel,
}

impl Subject {
    /// The row's function on operands of that dtype.
    ///
    /// # Panics
    /// For reductions, and dtypes that are not floats.
    pub fn new(op: Op, dtype: DType) -> Subject {
        let Expansion::Lanes(expand) = op.row().expansion else {
            unreachable!("{op:?} is a reduction")
        };
        let lane = lane_of(dtype);
        let lanes: Vec<Lane> = vec![lane; op.row().arity];
        let mut kernel = Builder::new();
        let mut region = RegionBuilder::new(&lanes);
        let args: Vec<ValueId> = (0..lanes.len()).map(|index| region.param(index)).collect();
        let mut expander = Expander { kernel: &mut kernel, region: &mut region };
        let value = expand(&mut expander, &Call { operand: dtype, result: dtype, args: &args });
        let region = region.finish(&[value]);
        let kernel = kernel.finish(region);
        Subject { op, dtype, format: Format::of(lane), kernel }
    }

    /// A hash of the function's kernel: what was measured of one kernel says nothing of another.
    pub fn expansion(&self) -> String {
        fnv(self.kernel.to_string().as_bytes())
    }

    /// Results of arguments given as bits, one vector for each argument.
    pub fn evaluate(&self, args: &[Vec<u64>]) -> Vec<u64> {
        let n = args[0].len();
        let mut results = Vec::with_capacity(n);
        for start in (0..n).step_by(GRANULE) {
            let granule =
                |arg: &Vec<u64>| std::array::from_fn(|lane| arg[(start + lane).min(n - 1)]);
            let params: Vec<[u64; GRANULE]> = args.iter().map(granule).collect();
            let lanes =
                &eval_region(&self.kernel, &interp::reference, &self.kernel.lane, &params)[0];
            results.extend_from_slice(&lanes[..GRANULE.min(n - start)]);
        }
        results
    }
}
