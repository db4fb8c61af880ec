//! An operation on complex numbers, evaluated by the interpreter.

use fuse_ir::interp::{self, eval_region};
use fuse_ir::{Builder, DType, GRANULE, Kernel, Lane, RegionBuilder, ValueId};
use fuse_ops::{ComplexCall, ComplexRow, Expander, Op};

/// One operation and the complex dtype of its operands.
pub struct ComplexSubject {
    kernel: Kernel,
}

impl ComplexSubject {
    /// The operation on operands of `dtype`, with a result of dtype `result`.
    ///
    /// # Panics
    /// Where the operator has no complex row.
    pub fn new(op: Op, dtype: DType, result: DType) -> ComplexSubject {
        let row = ComplexRow::of(op).expect("an operator with a complex row");
        let lane = if dtype == DType::C64 { Lane::F32 } else { Lane::F64 };
        let lanes: Vec<Lane> = vec![lane; 2 * op.row().arity];
        let mut kernel = Builder::new();
        let mut region = RegionBuilder::new(&lanes);
        let args: Vec<ValueId> = (0..lanes.len()).map(|index| region.param(index)).collect();
        let mut expander = Expander { kernel: &mut kernel, region: &mut region };
        let call = ComplexCall { operand: dtype, result, args: &args };
        let parts = row.expand(&mut expander, &call);
        let region = region.finish(&parts);
        ComplexSubject { kernel: kernel.finish(region) }
    }

    /// The parts of the results, of the parts of the arguments: one vector of bits for each.
    pub fn evaluate(&self, args: &[Vec<u64>]) -> Vec<Vec<u64>> {
        let n = args[0].len();
        let mut results = vec![Vec::with_capacity(n); self.kernel.lane.results.len()];
        for start in (0..n).step_by(GRANULE) {
            let granule =
                |arg: &Vec<u64>| std::array::from_fn(|lane| arg[(start + lane).min(n - 1)]);
            let params: Vec<[u64; GRANULE]> = args.iter().map(granule).collect();
            let lanes = eval_region(&self.kernel, &interp::reference, &self.kernel.lane, &params);
            for (result, part) in results.iter_mut().zip(&lanes) {
                result.extend_from_slice(&part[..GRANULE.min(n - start)]);
            }
        }
        results
    }
}
