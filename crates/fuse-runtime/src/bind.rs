//! What is checked before a call runs, wherever it runs: inputs, outputs, limits.
//!
//! Everything that can be known from dtypes and shapes is: a call that passes computes.

use fuse_ir::{ArraySpec, Bound, DType, DTypeKind, Extents, FitRule, Program, checked_len};
use smallvec::SmallVec;

use crate::array::bytes_of;
use crate::compile::Defect;
use crate::dispatch::read_scalar;
use crate::error::{AllocError, RunError};
use crate::options::RunOptions;
use crate::overlap::may_share;
use crate::views::{Operand, Raw};

/// Dtype and extents of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultShape {
    /// Element type.
    pub dtype: DType,
    /// Extents, outermost first; empty for a scalar.
    pub extents: Extents,
}

/// Operands, or outputs, as the crate sees them.
pub(crate) type Raws<'c> = SmallVec<[Raw<'c>; 8]>;

/// The inputs of a call on the host, which reads no memory of a device.
///
/// # Errors
/// [`RunError::OnDevice`] where an input lies in one's.
pub(crate) fn host_sources<'c>(inputs: &[&'c Operand<'_>]) -> Result<Raws<'c>, RunError> {
    if let Some(input) = inputs.iter().position(|input| matches!(input, Operand::Device(_))) {
        return Err(RunError::OnDevice { input });
    }
    Ok(inputs.iter().map(|input| input.raw()).collect())
}

/// Binds the extents of these inputs. Those of rank 0 whose integers extents depend on are read: they
/// lie on the host.
pub(crate) fn bind(
    program: &Program,
    defect: Result<(), Defect>,
    sources: &[Raw<'_>],
) -> Result<Bound, RunError> {
    match defect {
        Ok(()) => {}
        Err(Defect::Program(reason)) => return Err(RunError::Program { reason }),
        Err(Defect::DType(dtype)) => return Err(RunError::Unsupported { dtype }),
    }
    let (expected, found) = (program.inputs.len(), sources.len());
    if expected != found {
        return Err(RunError::Count { what: "inputs", expected, found });
    }
    for (position, (raw, input)) in sources.iter().zip(&program.inputs).enumerate() {
        if raw.dtype != input.ty.dtype {
            return Err(RunError::DType {
                input: position,
                expected: input.ty.dtype,
                found: raw.dtype,
            });
        }
    }
    let extents: SmallVec<[&[usize]; 8]> = sources.iter().map(|raw| raw.extents).collect();
    let scalar = |input: u32| read_integer(sources[input as usize]);
    let bound = program.bind(&extents, scalar).map_err(RunError::Bind)?;
    program.fit_rules.iter().try_for_each(|rule| check_fit(rule, &bound))?;
    Ok(bound)
}

/// Dtypes and extents of a program's results for these inputs: nothing is compiled, allocated or run.
///
/// # Errors
/// [`RunError::Bind`] where the shapes do not fit; [`RunError::OnDevice`].
pub fn infer(program: &Program, inputs: &[&Operand<'_>]) -> Result<Vec<ResultShape>, RunError> {
    let sources = host_sources(inputs)?;
    Ok(result_shapes(program, &bind(program, Ok(()), &sources)?))
}

/// Dtypes and extents of the results.
pub(crate) fn result_shapes(program: &Program, binding: &Bound) -> Vec<ResultShape> {
    let shape =
        |spec: &ArraySpec| ResultShape { dtype: spec.dtype, extents: binding.extents(&spec.shape) };
    program.results.iter().map(shape).collect()
}

/// Are these outputs as many, of the dtypes and shapes, as the results are, and apart from each other?
pub(crate) fn check_outputs(
    program: &Program,
    binding: &Bound,
    sinks: &[Raw<'_>],
) -> Result<(), RunError> {
    let (expected, found) = (program.results.len(), sinks.len());
    if expected != found {
        return Err(RunError::Count { what: "outputs", expected, found });
    }
    for (output, (raw, spec)) in sinks.iter().zip(&program.results).enumerate() {
        if raw.dtype != spec.dtype {
            let (expected, found) = (spec.dtype, raw.dtype);
            return Err(RunError::OutputDType { output, expected, found });
        }
        let expected = binding.extents(&spec.shape);
        if raw.extents != expected.as_slice() {
            let found = Extents::from_slice(raw.extents);
            return Err(RunError::OutputShape { output, expected, found });
        }
    }
    for second in 1..sinks.len() {
        for first in 0..second {
            if may_share(sinks[first], sinks[second]) {
                return Err(RunError::OutputOverlap { first, second });
            }
        }
    }
    Ok(())
}

/// Limits and sizes, before anything is allocated or run: `work` of an element of a pass, in primitives,
/// and which temporaries are kept whole.
pub(crate) fn check_limits(
    program: &Program,
    binding: &Bound,
    (work_of, is_whole): (impl Fn(usize) -> usize, impl Fn(usize) -> bool),
    options: &RunOptions<'_>,
) -> Result<(), RunError> {
    options.poll()?;
    let mut work: u128 = 0;
    for (number, pass) in program.passes.iter().enumerate() {
        let extents = binding.extents(&pass.space);
        let elements = bytes_of(DType::U8, &extents);
        if checked_len(&extents, 1).is_none() {
            return Err(AllocError { bytes: elements }.into());
        }
        work = work.max(elements.saturating_mul(work_of(number).max(1) as u128));
    }
    if let Some(limit) = options.max_work.filter(|&limit| work > limit) {
        return Err(RunError::WorkLimit { work, limit });
    }
    let Some(limit) = options.max_output_bytes else { return Ok(()) };
    let whole = program.temporaries.iter().enumerate();
    let whole = whole.filter(|(number, _)| is_whole(*number)).map(|(_, spec)| spec);
    let specs = program.results.iter().chain(whole);
    let bytes = specs.map(|spec| bytes_of(spec.dtype, &binding.extents(&spec.shape)));
    let bytes = bytes.fold(0, u128::saturating_add);
    if bytes > u128::from(limit) { Err(RunError::OutputLimit { bytes, limit }) } else { Ok(()) }
}

/// A weak integer must fit the dtype that it takes on.
fn check_fit(rule: &FitRule, bound: &Bound) -> Result<(), RunError> {
    let value = i128::from(bound.value(rule.number));
    let Some((low, high)) = rule.dtype.integer_range() else { return Ok(()) };
    if low <= value && value <= high { Ok(()) } else { Err(RunError::Fit { rule: *rule, value }) }
}

/// The value of a scalar of bool or an integer dtype.
fn integer_value(raw: Raw<'_>) -> Option<i128> {
    let unused = 64 - 8 * raw.dtype.size().clamp(1, 8);
    match raw.dtype.kind() {
        DTypeKind::Int => Some(i128::from((read_scalar(raw) << unused).cast_signed() >> unused)),
        DTypeKind::Bool | DTypeKind::UInt => Some(i128::from(read_scalar(raw))),
        DTypeKind::Float | DTypeKind::Complex | DTypeKind::Bytes | DTypeKind::Text => None,
    }
}

/// The value of an integer scalar that extents depend on; beyond i64 its nearest.
fn read_integer(raw: Raw<'_>) -> i64 {
    if !raw.extents.is_empty() {
        return 0;
    }
    let value = integer_value(raw).unwrap_or(0);
    i64::try_from(value).unwrap_or(i64::MAX)
}
