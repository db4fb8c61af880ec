//! What a call costs on a device, piece by piece: host to device, kernels, device to host; and a copy
//! inside the device, which is what kernels are measured by.
//!
//! ```text
//! upload     all input arrays, until the device has them
//! kernel     arrays of the device to arrays of the device, until they are computed
//! download   all results, into arrays that exist
//! copy       half of the bytes that a kernel reads and writes: it reads and writes each
//! ```

use fuse::{Array, DType, Device, DeviceArray, Input, Prepared, Vars};

use super::Bench;
use super::measure::{self, Times};
use crate::failure::{Failure, INTERRUPTED};
use crate::value::Value;

/// Nanoseconds of each; `None` where there are no bytes.
pub(super) struct Pieces {
    pub(super) upload: Option<Times>,
    pub(super) kernel: Times,
    pub(super) download: Times,
    pub(super) copy: Times,
    /// Bytes that are uploaded, and that the copy moves.
    pub(super) uploaded: usize,
    pub(super) copied: usize,
}

/// An input as calls on a device take it.
enum Resident<'a> {
    /// Scalars, and texts, which are compared on the host.
    Host(Input<'a>),
    Device(DeviceArray),
}

/// Measures them; `results` are those of a call.
pub(super) fn measure(
    bench: &Bench<'_>,
    device: &Device,
    results: &mut [Array],
) -> Result<Pieces, Failure> {
    let prepared = bench.formula.prepare(&bench.types)?;
    let (upload, uploaded) = upload(bench, device)?;
    let inputs = resident(bench, device)?;
    let vars: Vars<'_> = inputs.iter().map(|(name, input)| (*name, input.as_input())).collect();
    let mut computed = prepared.evaluate_all_on_device(vars.clone())?;
    let kernel = kernel(bench, &prepared, &vars, &mut computed)?;
    let download = repeat(bench, || {
        computed.iter().zip(&mut *results).try_for_each(|(from, to)| Ok(from.download_into(to)?))
    })?;
    // The copy's arrays may need their memory.
    drop(vars);
    drop(inputs);
    let written: usize = computed.iter().map(bytes).sum();
    drop(computed);
    let (copy, copied) = copy(bench, device, (uploaded + written) / 2)?;
    Ok(Pieces { upload, kernel, download, copy, uploaded, copied })
}

fn upload(bench: &Bench<'_>, device: &Device) -> Result<(Option<Times>, usize), Failure> {
    let uploaded: usize = resident(bench, device)?
        .iter()
        .map(|(_, input)| match input {
            Resident::Host(_) => 0,
            Resident::Device(array) => bytes(array),
        })
        .sum();
    if uploaded == 0 {
        return Ok((None, 0));
    }
    let times = repeat(bench, || {
        let arrays = resident(bench, device)?;
        device.synchronize()?;
        drop(arrays);
        Ok(())
    })?;
    Ok((Some(times), uploaded))
}

/// All inputs that the formula uses, uploaded.
fn resident<'a>(
    bench: &Bench<'a>,
    device: &Device,
) -> Result<Vec<(&'a str, Resident<'a>)>, Failure> {
    let is_used = |name: &str| bench.formula.names().any(|known| known == name);
    let used = bench.values.iter().filter(|(name, _)| is_used(name));
    used.map(|(name, value)| Ok((name.as_str(), Resident::of(value, device)?))).collect()
}

impl<'a> Resident<'a> {
    fn of(value: &'a Value, device: &Device) -> Result<Resident<'a>, Failure> {
        let input = value.as_input()?;
        let is_text = matches!(value.dtype(), DType::Text(_) | DType::Bytes(_));
        Ok(match value {
            Value::Array(_) | Value::File(_) if !is_text => {
                Resident::Device(DeviceArray::upload(device, &input)?)
            }
            Value::Scalar(_) | Value::Array(_) | Value::File(_) => Resident::Host(input),
        })
    }

    fn as_input(&self) -> Input<'_> {
        match self {
            Resident::Host(input) => input.clone(),
            Resident::Device(array) => fuse::AsInput::as_input(array),
        }
    }
}

fn kernel(
    bench: &Bench<'_>,
    prepared: &Prepared,
    vars: &Vars<'_>,
    computed: &mut [DeviceArray],
) -> Result<Times, Failure> {
    match computed {
        [only] if !bench.args.alloc => {
            repeat(bench, || Ok(prepared.evaluate_into_device(vars.clone(), only)?))
        }
        _ => repeat(bench, || Ok(prepared.evaluate_all_on_device(vars.clone()).map(drop)?)),
    }
}

/// Copies so many bytes; those that it moves are twice as many.
fn copy(bench: &Bench<'_>, device: &Device, half: usize) -> Result<(Times, usize), Failure> {
    let half = half.max(1);
    let host = Array::zeroed(DType::U8, &[half])?;
    let from = DeviceArray::upload(device, &host)?;
    let mut to = DeviceArray::upload(device, &host)?;
    drop(host);
    Ok((repeat(bench, || Ok(to.copy_from(&from)?))?, 2 * half))
}

/// A quarter of a second, unless it is interrupted.
fn repeat(
    bench: &Bench<'_>,
    mut call: impl FnMut() -> Result<(), Failure>,
) -> Result<Times, Failure> {
    measure::repeat(measure::SECOND / 4, || {
        call()?;
        if bench.token.is_cancelled() { Err(Failure::Reported(INTERRUPTED)) } else { Ok(()) }
    })
}

fn bytes(array: &DeviceArray) -> usize {
    array.len() * array.dtype().size()
}
