//! `fuse info --gpu`: the NVIDIA devices, and what can be known of devices before anything runs on them.

use std::io::{StdoutLock, Write};

use fuse::raw::LEAST_CAPABILITY;
use fuse::{Device, DeviceInfo};

use crate::failure::{Failure, RUN};

/// Compute capabilities of devices that compute f64 at half the rate of f32: those of data centres.
const FAST_F64: &[(u32, u32)] = &[(7, 0), (8, 0), (9, 0), (10, 0)];

/// Describes all devices, each under its number.
pub(crate) fn list(out: &mut StdoutLock<'_>) -> Result<(), Failure> {
    let infos = Device::list().map_err(|error| Failure::Run(error.to_string()))?;
    if infos.is_empty() {
        return Err(Failure::Run("no device: the NVIDIA driver sees none".to_string()));
    }
    let mut failed = false;
    for (position, info) in infos.iter().enumerate() {
        if position > 0 {
            writeln!(out)?;
        }
        failed |= describe(out, info)?.is_none();
    }
    if failed { Err(Failure::Reported(RUN)) } else { Ok(()) }
}

/// `None` where the device should work and does not.
fn describe(out: &mut StdoutLock<'_>, info: &DeviceInfo) -> Result<Option<()>, Failure> {
    let ((major, minor), (least_major, least_minor)) = (info.capability, LEAST_CAPABILITY);
    let is_too_old = info.capability < LEAST_CAPABILITY;
    let free = if is_too_old { Ok(None) } else { free(info.ordinal).map(Some) };
    let age = if is_too_old {
        format!(", too old: fuse needs {least_major}.{least_minor} or newer")
    } else {
        format!(" (sm_{major}{minor})")
    };
    let room = match &free {
        Ok(Some(free)) => format!(", {} free", gibibytes(*free)),
        Ok(None) | Err(_) => String::new(),
    };
    writeln!(out, "device           {}", info.ordinal)?;
    writeln!(out, "name             {}", info.name)?;
    writeln!(out, "capability       {major}.{minor}{age}")?;
    writeln!(out, "memory           {}{room}", gibibytes(info.memory))?;
    writeln!(out, "multiprocessors  {}", info.multiprocessors)?;
    writeln!(out, "driver           CUDA {}.{}", info.driver.0, info.driver.1)?;
    if let Err(error) = &free {
        eprintln!("error: device {}: {error}", info.ordinal);
    }
    Ok(free.is_ok().then_some(()))
}

/// Bytes of memory that are free.
fn free(ordinal: u32) -> Result<u64, fuse::Error> {
    Ok(Device::cuda(ordinal)?.memory()?.free)
}

#[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
fn gibibytes(bytes: u64) -> String {
    format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30))
}

/// Why a formula may be slow on a device, though the device is fast: known from the text of its module.
pub(crate) fn slow_f64(info: &DeviceInfo, ptx: &str) -> Option<String> {
    let (major, minor) = info.capability;
    let computes_in_f64 = ptx.contains(".rn.f64");
    (computes_in_f64 && !FAST_F64.contains(&info.capability)).then(|| {
        format!(
            "the formula computes in f64, which devices of compute capability {major}.{minor} do at \
             1/32 to 1/64 of the rate of f32"
        )
    })
}
