//! Every primitive at every instance of its signature: operands in registers, a constant in each
//! position, one register for all operands, constants alone.

use fuse_ir::{Kernel, Lane, Mem, Prim, Scalar, ValueId};

use crate::assemble::Assembler;
use crate::case::Case;
use crate::kernels::stream_kernel;

/// Constants a kernel, an output each.
const CONSTANTS_A_KERNEL: usize = 4;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for &prim in Prim::ALL {
        for (args, result) in prim.signature().instances() {
            let instance = Instance { prim, args, result };
            cases.push(instance.registers());
            for position in 0..instance.args.len() {
                cases.extend(instance.one_constant(position));
            }
            cases.extend(instance.one_register());
            cases.extend(instance.all_constant());
        }
    }
    cases
}

/// One row of the conformance table.
struct Instance {
    prim: Prim,
    args: Vec<Lane>,
    result: Lane,
}

impl Instance {
    fn case(&self, variant: &str, kernel: Kernel) -> Case {
        let lanes: Vec<&str> = self.args.iter().map(|lane| lane.name()).collect();
        let (mnemonic, lanes) = (self.prim.mnemonic(), lanes.join(","));
        Case::new(format!("{mnemonic}({lanes})->{} {variant}", self.result), kernel)
    }

    fn apply(&self, code: &mut Assembler, args: &[ValueId]) -> ValueId {
        code.prim_to(self.prim, args, self.result)
    }

    fn registers(&self) -> Case {
        let inputs: Vec<Mem> = self.args.iter().map(|lane| lane.mem()).collect();
        let kernel = stream_kernel(&inputs, &[self.result.mem()], |code| {
            let args = code.params();
            vec![self.apply(code, &args)]
        });
        self.case("registers", kernel)
    }

    /// Kernels in which one operand is a constant, several constants a kernel.
    fn one_constant(&self, position: usize) -> Vec<Case> {
        let inputs: Vec<Mem> = self.args.iter().map(|lane| lane.mem()).collect();
        let constants = constants(self.args[position]);
        let chunks = constants.chunks(CONSTANTS_A_KERNEL).enumerate();
        let make = |(chunk, constants): (usize, &[Scalar])| {
            let outputs = vec![self.result.mem(); constants.len()];
            let kernel = stream_kernel(&inputs, &outputs, |code| {
                let apply = |&scalar| {
                    let mut args = code.params();
                    args[position] = code.constant(scalar);
                    self.apply(code, &args)
                };
                constants.iter().map(apply).collect()
            });
            self.case(&format!("constant {position}.{chunk}"), kernel)
        };
        chunks.map(make).collect()
    }

    /// `a op a`, where the signature has it.
    fn one_register(&self) -> Option<Case> {
        let first = *self.args.last()?;
        let n_equal = self.args.iter().filter(|&&lane| lane == first).count();
        if n_equal < 2 {
            return None;
        }
        let mut inputs: Vec<Mem> = self.args.iter().map(|lane| lane.mem()).collect();
        inputs.truncate(self.args.len() - n_equal + 1);
        let kernel = stream_kernel(&inputs, &[self.result.mem()], |code| {
            let mut args = code.params();
            args.resize(self.args.len(), code.param(inputs.len() - 1));
            vec![self.apply(code, &args)]
        });
        Some(self.case("one register", kernel))
    }

    /// Nothing but constants, which the builder would have folded.
    fn all_constant(&self) -> Option<Case> {
        if self.args.is_empty() {
            return None;
        }
        let rotations = 0..CONSTANTS_A_KERNEL;
        let outputs = vec![self.result.mem(); rotations.len()];
        let kernel = stream_kernel(&[], &outputs, |code| {
            let apply = |rotation: usize| {
                let constant = |(position, &lane): (usize, &Lane)| {
                    let choices = constants(lane);
                    code.constant(choices[(rotation * (position + 1) + position) % choices.len()])
                };
                let args: Vec<ValueId> = self.args.iter().enumerate().map(constant).collect();
                self.apply(code, &args)
            };
            rotations.map(apply).collect()
        });
        Some(self.case("constants", kernel))
    }
}

/// The constants that back ends treat specially: identities, signs, shift counts, powers of two.
fn constants(lane: Lane) -> Vec<Scalar> {
    let width = i64::from(lane.bits());
    let (low, high) = (i64::MIN >> (64 - lane.bits()), i64::MAX >> (64 - lane.bits()));
    match lane {
        Lane::Mask => [false, true].map(Scalar::mask).to_vec(),
        Lane::I8 | Lane::I16 | Lane::I32 | Lane::I64 => {
            let values = [0, 1, -1, 2, 3, 7, width - 1, width, width + 1, low, high, 0x5a5a_1234];
            values.map(|value| Scalar::int(lane, value)).to_vec()
        }
        Lane::F32 | Lane::F64 => {
            let tiny = if lane == Lane::F32 { 1e-45 } else { 5e-324 };
            let values = [0.0, -0.0, 1.0, -1.5, 3.0, tiny, f64::INFINITY, f64::NAN];
            values.map(|value| Scalar::float(lane, value)).to_vec()
        }
    }
}
