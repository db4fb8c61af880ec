//! The kernels of the conformance suite, generated from the tables.
//!
//! One file a family; each gives a list of [`Case`]s. A new primitive gets its cases without an edit
//! here; a new kind of node or operand gets a line.

mod control;
mod folds;
mod mixed;
mod operands;
mod primitives;

use fuse_ir::{Fold, InputClass, Kernel, Lane, Mem, OperandInput, OperandOutput, Region, ValueId};

use crate::assemble::Assembler;
use crate::case::Case;

/// Every case. Names are unique.
pub fn all_cases() -> Vec<Case> {
    let families =
        [primitives::cases(), operands::cases(), control::cases(), folds::cases(), mixed::cases()];
    families.concat()
}

/// A kernel of streams in and streams out with this lane region.
fn stream_kernel(
    inputs: &[Mem],
    outputs: &[Mem],
    body: impl FnOnce(&mut Assembler) -> Vec<ValueId>,
) -> Kernel {
    let lanes: Vec<Lane> = inputs.iter().map(|mem| mem.lane()).collect();
    Kernel {
        inputs: inputs.iter().map(|&mem| stream(mem)).collect(),
        lane: region(&lanes, body),
        outputs: outputs.iter().map(|&mem| output(mem)).collect(),
        ..Kernel::default()
    }
}

fn region(params: &[Lane], body: impl FnOnce(&mut Assembler) -> Vec<ValueId>) -> Region {
    let mut code = Assembler::new(params);
    let results = body(&mut code);
    code.finish(&results)
}

fn stream(mem: Mem) -> OperandInput {
    OperandInput { mem, class: InputClass::Stream }
}

fn splat(mem: Mem) -> OperandInput {
    OperandInput { mem, class: InputClass::Splat }
}

fn output(mem: Mem) -> OperandOutput {
    OperandOutput { mem, never_nan: false }
}

/// Every form of memory.
fn all_mems() -> impl Iterator<Item = Mem> {
    Lane::ALL.iter().map(|lane| lane.mem())
}

/// A kernel without outputs whose lane region's results feed one fold.
fn fold_kernel(
    inputs: &[Mem],
    fold: Fold,
    body: impl FnOnce(&mut Assembler) -> Vec<ValueId>,
) -> Kernel {
    Kernel { folds: vec![fold], ..stream_kernel(inputs, &[], body) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_texts_round_trip() {
        let mut seen = rustc_hash::FxHashSet::default();
        for case in all_cases() {
            let text = case.kernel.to_string();
            assert_eq!(fuse_ir::parse_kernel(&text).as_ref(), Ok(case.kernel.kernel()), "{text}");
            assert!(seen.insert(case.name.clone()), "{} is there twice", case.name);
        }
        assert!(seen.len() > 500, "{}", seen.len());
    }
}
