//! What a call will walk over, known from its shapes before anything runs.

use fuse_ir::{Bound, OperandView, Pass, Program, Source, TextOperand, index_u32};

use crate::array::bytes_of;
use crate::bind::host_sources;
use crate::compile::Executable;
use crate::error::RunError;
use crate::views::Operand;

/// What a call will do with memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// Elements of all loops: what [`Pager::passed`](crate::Pager::passed) counts.
    pub elements: u128,
    /// Bytes of the temporaries that lie in memory as a whole.
    pub temporary_bytes: u128,
    /// Does each element of each result depend on the elements of the inputs at its own place alone?
    pub elementwise: bool,
    /// For each input how often it is walked over: the passes that read it, those of a nest as one.
    pub walks: Vec<usize>,
}

impl Executable {
    /// What a call with these inputs will do.
    ///
    /// # Errors
    /// [`RunError::Bind`] where the shapes do not fit.
    pub fn survey(&self, inputs: &[&Operand<'_>]) -> Result<Survey, RunError> {
        let binding = self.bind_operands(&host_sources(inputs)?)?;
        let n_inputs = self.program.inputs.len();
        Ok(Survey {
            elements: elements(&self.program, &binding),
            temporary_bytes: self.temporary_bytes(&binding),
            elementwise: self.program.passes.iter().all(|pass| is_elementwise(&self.program, pass))
                && self.program.predicates.is_empty(),
            walks: (0..n_inputs).map(|input| walks(&self.program, input)).collect(),
        })
    }

    fn temporary_bytes(&self, binding: &Bound) -> u128 {
        let specs = self.program.temporaries.iter().enumerate();
        let whole = specs.filter(|&(number, _)| !self.is_local(number));
        let bytes = whole.map(|(_, spec)| bytes_of(spec.dtype, &binding.extents(&spec.shape)));
        bytes.fold(0, u128::saturating_add)
    }
}

fn elements(program: &Program, binding: &Bound) -> u128 {
    let space = |pass: &Pass| {
        let extents = binding.extents(&pass.space);
        extents.iter().fold(1_u128, |len, &extent| len.saturating_mul(extent as u128))
    };
    program.passes.iter().map(space).fold(0, u128::saturating_add)
}

/// Nothing is folded, sliced, moved to another axis or counted.
fn is_elementwise(program: &Program, pass: &Pass) -> bool {
    let rank = pass.space.len();
    let in_place = |view: &OperandView| {
        let own_rank = match view.source {
            Source::Input(input) | Source::Part(input, _) => {
                program.inputs[input as usize].ty.axes.len()
            }
            Source::Temporary(number) => program.temporaries[number as usize].shape.len(),
            Source::Symbol(_) | Source::Predicate(_) => return false,
        };
        let axes = view.axes.iter().enumerate();
        let mut own = axes.filter_map(|(place, axis)| axis.map(|axis| (place, axis as usize)));
        view.picks.is_empty() && own.all(|(place, axis)| place + own_rank == rank + axis)
    };
    pass.kernel.folds.is_empty()
        && !pass.kernel.reads_index()
        && pass.operands.iter().chain(&pass.scalars).all(in_place)
}

fn walks(program: &Program, input: usize) -> usize {
    let is_read = |pass: &Pass| pass.operands.iter().any(|view| is_of(program, view.source, input));
    let nest_of = |number: usize| {
        program.nests.iter().position(|nest| nest.passes.contains(&index_u32(number)))
    };
    let reading = program.passes.iter().enumerate().filter(|(_, pass)| is_read(pass));
    let mut places: Vec<Result<usize, usize>> =
        reading.map(|(number, _)| nest_of(number).ok_or(number)).collect();
    places.dedup();
    places.len()
}

/// Does a source lead to this input?
fn is_of(program: &Program, source: Source, input: usize) -> bool {
    match source {
        Source::Input(own) | Source::Part(own, _) => own as usize == input,
        Source::Temporary(_) | Source::Symbol(_) => false,
        Source::Predicate(number) => {
            program.predicates[number as usize].operands.iter().any(|operand| match operand {
                TextOperand::View(view) => is_of(program, view.source, input),
                TextOperand::Constant(_) => false,
            })
        }
    }
}
