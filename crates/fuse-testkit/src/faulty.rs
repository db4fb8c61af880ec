//! Back ends with one planted fault each: the tests of the tests.
//!
//! [`FaultyBackend`] runs kernels as the interpreter does, through the same `eval_region` and bound
//! arguments, but for its [`Fault`].

use std::sync::Arc;

use fuse_ir::abi::{BoundArgs, GranuleBits, SafeBlockKernel};
use fuse_ir::interp::{self, Semantics, reference};
use fuse_ir::{
    BlockKernel, Capabilities, CodegenError, Control, GRANULE, HostBackend, Kernel, Lane,
    ListingForm, Node, Prim, Region, VerifiedKernel, verify,
};

/// What is wrong with a back end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing: the frame around the faults is right.
    None,
    /// The lowest bit of a primitive's result, in one lane of the granule.
    Prim(Prim, usize),
    /// One lane of every load has its lowest bit flipped.
    Load(usize),
    /// One lane of every store has its lowest bit flipped.
    Store(usize),
    /// Stores leave NaNs as they are.
    NanKept,
    /// Folds see their granules last to first.
    FoldOrder,
    /// Folds see the lanes past the tail.
    TailNotFrozen,
    /// The first entry of every table has its lowest bit flipped.
    Table,
    /// A `repeat` may run once more than its bound.
    RepeatOnceMore,
    /// A `rare` never runs its region.
    RareIgnored,
    /// `lane_index` starts from 0 in every call.
    FirstIndex,
}

/// The interpreter with a fault.
#[derive(Clone, Copy, Debug)]
pub struct FaultyBackend {
    /// What is wrong.
    pub fault: Fault,
}

impl HostBackend for FaultyBackend {
    fn name(&self) -> &'static str {
        "faulty"
    }

    fn capabilities(&self) -> Capabilities {
        interp::Interpreter.capabilities()
    }

    fn compile(&self, kernel: &VerifiedKernel) -> Result<Arc<dyn BlockKernel>, CodegenError> {
        let altered = altered(Kernel::clone(kernel), self.fault);
        let altered = verify(altered).map_err(|error| CodegenError::Internal(error.to_string()))?;
        Ok(Arc::new(FaultyKernel { kernel: altered, fault: self.fault }))
    }

    fn listing(
        &self,
        _kernel: &VerifiedKernel,
        _form: ListingForm,
    ) -> Result<Option<String>, CodegenError> {
        Ok(None)
    }
}

/// Faults that are another kernel.
fn altered(mut kernel: Kernel, fault: Fault) -> Kernel {
    if fault == Fault::Table {
        kernel.tables.iter_mut().for_each(|table| table.entries[0] ^= 1);
    }
    if fault == Fault::NanKept {
        kernel.outputs.iter_mut().for_each(|output| output.never_nan = true);
    }
    let regions = kernel.regions.iter_mut().chain([&mut kernel.uniform, &mut kernel.lane]);
    for region in regions {
        alter_controls(region, fault);
    }
    kernel
}

fn alter_controls(region: &mut Region, fault: Fault) {
    for control in &mut region.controls {
        match control {
            Control::Repeat { at_most, .. } if fault == Fault::RepeatOnceMore => *at_most += 1,
            Control::Repeat { .. } | Control::Rare { .. } => {}
        }
    }
    if fault != Fault::RareIgnored {
        return;
    }
    for (node, lane) in region.nodes.iter_mut().zip(&region.lanes) {
        if let Node::Result { control, index } = *node
            && let Control::Rare { mask, otherwise, .. } = &region.controls[control as usize]
        {
            // A copy: either arm of a select, or a mask or itself.
            let other = otherwise[index as usize];
            *node = match lane {
                Lane::Mask => Node::Prim(Prim::MaskOr, [other; 3]),
                _ => Node::Prim(Prim::Select, [*mask, other, other]),
            };
        }
    }
}

struct FaultyKernel {
    kernel: VerifiedKernel,
    fault: Fault,
}

impl SafeBlockKernel for FaultyKernel {
    fn kernel(&self) -> &Kernel {
        &self.kernel
    }

    fn run_uniform(&self, args: &BoundArgs<'_>) {
        interp::run_uniform(&self.kernel, &self.semantics(0), args);
    }

    fn run(&self, args: &BoundArgs<'_>) {
        let mut granules: Vec<usize> = (0..args.n_granules()).collect();
        if self.fault == Fault::FoldOrder {
            granules.reverse();
        }
        for granule in granules {
            self.run_granule(args, granule);
        }
    }
}

impl FaultyKernel {
    /// The primitive table but for the fault, with `lane_index` counted from `first_index`.
    fn semantics(
        &self,
        first_index: u64,
    ) -> impl Fn(Prim, Lane, Lane, usize, [u64; 3]) -> u64 + use<> {
        let fault = self.fault;
        move |prim, x, result, lane, args| {
            let right = reference(prim, x, result, lane, args);
            let right = match (prim, fault) {
                (Prim::LaneIndex, Fault::FirstIndex) => right,
                (Prim::LaneIndex, _) => right.wrapping_add(first_index),
                _ => right,
            };
            right ^ u64::from(fault == Fault::Prim(prim, lane))
        }
    }

    fn run_granule(&self, args: &BoundArgs<'_>, granule: usize) {
        let kernel = self.kernel.kernel();
        let n_scalars = kernel.uniform.params.len();
        let loads = (0..kernel.inputs.len()).map(|index| {
            let mut bits = args.load(index, granule);
            if let Fault::Load(lane) = self.fault {
                bits[lane] ^= 1;
            }
            bits
        });
        let uniforms = (0..kernel.uniform.results.len())
            .map(|index| [args.uniform(n_scalars + index); GRANULE]);
        let params: Vec<GranuleBits> = loads.chain(uniforms).collect();
        let semantics = self.semantics(args.first_index(granule));
        let results = interp::eval_region(kernel, &semantics, &kernel.lane, &params);
        let (outputs, fold_args) = results.split_at(kernel.outputs.len());
        for (index, bits) in outputs.iter().enumerate() {
            let mut bits = *bits;
            if let Fault::Store(lane) = self.fault {
                bits[lane] ^= 1;
            }
            args.store(index, granule, &bits);
        }
        self.step_folds(args, granule, fold_args, &semantics);
    }

    fn step_folds(
        &self,
        args: &BoundArgs<'_>,
        granule: usize,
        mut fold_args: &[GranuleBits],
        semantics: Semantics<'_>,
    ) {
        let valid = match self.fault {
            Fault::TailNotFrozen => GRANULE,
            _ => args.valid_lanes(granule),
        };
        for (number, fold) in self.kernel.folds.iter().enumerate() {
            let (own_args, rest) = fold_args.split_at(fold.n_args());
            fold_args = rest;
            let n_states = fold.state.len();
            let state = (0..n_states).map(|index| args.load_state(number, index));
            let params: Vec<GranuleBits> = state.chain(own_args.iter().copied()).collect();
            let next = interp::eval_region(&self.kernel, semantics, &fold.step, &params);
            for (index, (mut next, old)) in next.into_iter().zip(params).enumerate() {
                next[valid..].copy_from_slice(&old[valid..]);
                args.store_state(number, index, &next);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::{cases_with, run_cases};
    use crate::kernels::all_cases;

    fn finds(fault: Fault, cases: &[crate::Case]) -> bool {
        let report = run_cases(&FaultyBackend { fault }, cases, 1);
        report.failures.iter().any(|failure| failure.setting != "compiling")
    }

    #[test]
    fn the_frame_without_a_fault_passes() {
        run_cases(&FaultyBackend { fault: Fault::None }, &all_cases(), usize::MAX).assert();
    }

    #[test]
    fn a_wrong_bit_of_any_primitive_in_any_lane_is_found() {
        for &prim in Prim::ALL {
            let cases = cases_with(prim);
            for lane in [0, 1, 7, 31] {
                assert!(finds(Fault::Prim(prim, lane), &cases), "{prim:?} in lane {lane}");
            }
        }
    }

    /// Random kernels find a wrong primitive too, though not each in every lane as surely.
    #[test]
    fn the_differential_finds_a_wrong_bit_of_any_primitive() {
        for &prim in Prim::ALL {
            let backend = FaultyBackend { fault: Fault::Prim(prim, 3) };
            let mut batches = (0..30).map(|batch| 10 * batch..10 * batch + 10);
            let finds = |seeds| !crate::differential(&backend, seeds).failures.is_empty();
            assert!(batches.any(finds), "{prim:?}");
        }
    }

    #[test]
    fn every_other_fault_is_found() {
        let faults = [
            (Fault::Load(0), "copy"),
            (Fault::Load(31), "splat"),
            (Fault::Store(5), "constants"),
            (Fault::NanKept, "copy"),
            (Fault::FoldOrder, "fold"),
            (Fault::TailNotFrozen, "fold"),
            (Fault::Table, "lookup"),
            (Fault::RepeatOnceMore, "repeat"),
            (Fault::RareIgnored, "rare"),
            (Fault::FirstIndex, "lane_index"),
        ];
        for (fault, family) in faults {
            let cases = all_cases().into_iter().filter(|case| case.name.contains(family));
            assert!(finds(fault, &cases.collect::<Vec<_>>()), "{fault:?}");
        }
    }
}
