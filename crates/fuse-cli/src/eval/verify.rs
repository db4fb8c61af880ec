//! `--verify`: what has been compiled against the interpreter, bit for bit, on a sample of the inputs.
//!
//! The sample is the first elements along each axis, about 2^16 of them. Of the inputs, not of the results:
//! an element of a result may depend on all inputs, as in `x - mean(x)`.

use fuse::{Backend, CancelToken, Engine, Formula, Mode, Vars};

use super::Values;
use crate::args::EvalArgs;
use crate::bench;
use crate::failure::Failure;

/// Fails where a bit differs.
pub(super) fn against_interpreter(
    formula: &Formula,
    values: &Values,
    args: &EvalArgs,
    token: &CancelToken,
) -> Result<(), Failure> {
    let mode = if args.engine.strict { Mode::Strict } else { Mode::Relaxed };
    let interpreter = Engine::builder().backend(Backend::Interp).mode(mode).build()?;
    let sample: Vars<'_> = bench::sample(values)?;
    let expected = interpreter.with_cancel(token).evaluate_all(formula.source(), sample.clone())?;
    let found = formula.evaluate_all(sample)?;
    bench::compare_all(&found, &expected)?;
    let compared: usize = found.iter().map(fuse::Array::len).sum();
    args.talk.say(|| format!("verified: {compared} elements of a sample are the interpreter's"));
    Ok(())
}
