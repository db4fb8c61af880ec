//! Which programs can take the short way for small calls ([`crate::short`]), seen when they are compiled.
//!
//! ```text
//! a pass over the loop: every array the loop's shape      a pass over no axes: scalars to a scalar
//!       whole folds to scalars, outputs to results        between passes: nothing but scalars
//! ```
//!
//! So a sum, a likelihood, a standard deviation and `(x - mean(x))/std(x)` can, beside every
//! elementwise formula of arrays of one shape.

use std::ops::RangeInclusive;

use fuse_ir::{
    Axis, DType, Dim, InputClass, OperandView, Pass, Program, Shape, Sink, Source, Symbol,
};
use smallvec::SmallVec;

use crate::overlap::is_whole;

/// The short way of a program: all arrays have the extents of one input.
#[derive(Clone, Debug)]
pub(crate) struct Flat {
    /// The program's input whose extents are those of every loop.
    pub(crate) like: usize,
    /// How long loops may be.
    pub(crate) lengths: RangeInclusive<usize>,
    /// What is known of the loop's axes.
    pub(crate) axes: SmallVec<[Axis; 4]>,
    /// The program's inputs and results.
    pub(crate) inputs: SmallVec<[FlatArray; 4]>,
    pub(crate) results: SmallVec<[FlatArray; 4]>,
    pub(crate) passes: SmallVec<[FlatPass; 1]>,
}

/// An input or a result: an array with the loop's extents, or a scalar.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FlatArray {
    pub(crate) dtype: DType,
    /// Bytes of an element.
    pub(crate) size: usize,
    pub(crate) is_scalar: bool,
}

/// How a pass runs the short way.
#[derive(Clone, Debug)]
pub(crate) enum FlatPass {
    /// Over the loop.
    Loop(FlatOperands),
    /// Over no axes: scalars to scalars.
    Scalars,
}

/// What a kernel over the loop reads and writes.
#[derive(Clone, Debug)]
pub(crate) struct FlatOperands {
    /// For each kernel input, the program's input.
    pub(crate) inputs: SmallVec<[usize; 8]>,
    /// For each kernel output, the program's result.
    pub(crate) results: SmallVec<[usize; 4]>,
}

impl Flat {
    /// The short way of a program, if it has one, for loops of these lengths.
    pub(crate) fn of(program: &Program, lengths: RangeInclusive<usize>) -> Option<Flat> {
        let like = program.inputs.iter().position(|input| !input.ty.axes.is_empty())?;
        let axes = &program.inputs[like].ty.axes;
        let same_axis = |(lhs, rhs): (u32, u32)| {
            axis_of(program, lhs).is_some_and(|axis| axis_of(program, rhs) == Some(axis))
        };
        let is_plain = program.fit_rules.is_empty()
            && program.index_rules.is_empty()
            && program.count_rules.is_empty()
            && !program.symbols.iter().any(|symbol| matches!(symbol, Symbol::Scalar(_)))
            && program.temporaries.iter().all(|spec| spec.shape.is_empty())
            && program.predicates.is_empty()
            && program.shape_rules.iter().all(|rule| same_axis(rule.symbols));
        let fits = |input: &fuse_ir::ProgramInput| {
            input.ty.axes.is_empty() || input.ty.axes.as_slice() == axes.as_slice()
        };
        let has_shape = |shape: &Shape| shape.is_empty() || is_loop(program, shape, axes);
        let all_fit = program.inputs.iter().all(fits)
            && program.results.iter().all(|spec| has_shape(&spec.shape))
            && program.passes.iter().all(|pass| has_shape(&pass.space))
            && program.element_rules.iter().all(|rule| has_shape(&rule.operand.0));
        if !is_plain || !all_fit || program.results.is_empty() {
            return None;
        }
        let passes = program.passes.iter().map(|pass| FlatPass::of(program, pass));
        let passes = passes.collect::<Option<_>>()?;
        let array =
            |dtype: DType, rank| FlatArray { dtype, size: dtype.size(), is_scalar: rank == 0 };
        let inputs = program.inputs.iter().map(|input| array(input.ty.dtype, input.ty.axes.len()));
        let results = program.results.iter().map(|spec| array(spec.dtype, spec.shape.len()));
        let (inputs, results) = (inputs.collect(), results.collect());
        Some(Flat { like, lengths, axes: axes.clone(), inputs, results, passes })
    }
}

impl FlatPass {
    fn of(program: &Program, pass: &Pass) -> Option<FlatPass> {
        if !pass.scalars.iter().all(|view| view.picks.is_empty()) {
            return None;
        }
        if pass.space.is_empty() {
            let is_plain = pass.operands.is_empty() && pass.folds.is_empty();
            return is_plain.then_some(FlatPass::Scalars);
        }
        let folds_whole = pass.folds.is_empty() || pass.reduced.len() == pass.space.len();
        let streams = pass.kernel.inputs.iter().all(|input| input.class == InputClass::Stream);
        if !folds_whole || !streams || pass.operands.is_empty() {
            return None;
        }
        let operand = |view: &OperandView| match view.source {
            Source::Input(input) => {
                let is_array = !program.inputs[input as usize].ty.axes.is_empty();
                let fits = is_array && view.axes.len() == pass.space.len() && is_whole(view);
                fits.then_some(input as usize)
            }
            Source::Part(..) | Source::Temporary(_) | Source::Symbol(_) | Source::Predicate(_) => {
                None
            }
        };
        let result = |sink: &Sink| match sink {
            Sink::Result(result) => Some(*result as usize),
            Sink::Part(..) | Sink::Temporary(_) => None,
        };
        Some(FlatPass::Loop(FlatOperands {
            inputs: pass.operands.iter().map(operand).collect::<Option<_>>()?,
            results: pass.outputs.iter().map(result).collect::<Option<_>>()?,
        }))
    }
}

/// Is every axis of the shape 1, or the extent of that very axis of some input, as `axes` have it?
fn is_loop(program: &Program, shape: &[Dim], axes: &[Axis]) -> bool {
    let fits = |(number, (dim, axis)): (usize, (&Dim, &Axis))| match (dim, *axis == Axis::One) {
        (Dim::One, true) => true,
        (Dim::Symbol(own), false) => axis_of(program, *own) == Some(number),
        (Dim::One, false) | (Dim::Symbol(_), true) => false,
    };
    shape.len() == axes.len() && shape.iter().zip(axes).enumerate().all(fits)
}

/// The axis of which a symbol is the extent.
fn axis_of(program: &Program, symbol: u32) -> Option<usize> {
    match program.symbols[symbol as usize] {
        Symbol::Axis { axis, .. } => Some(axis as usize),
        Symbol::Literal(_) | Symbol::Scalar(_) | Symbol::Apply(..) => None,
    }
}

/// The value of a symbol where all loops have these extents.
pub(crate) fn symbol_value(program: &Program, symbol: u32, extents: &[usize]) -> i64 {
    let mut values: SmallVec<[i64; 8]> = SmallVec::new();
    for known in &program.symbols[..=symbol as usize] {
        values.push(match *known {
            Symbol::Axis { axis, .. } => extents[axis as usize] as i64,
            Symbol::Literal(value) => value,
            Symbol::Apply(op, a, b) => op.apply(values[a as usize], values[b as usize]),
            // No program with such symbols is flat.
            Symbol::Scalar(_) => 0,
        });
    }
    values[symbol as usize]
}
