//! What failed for good.
//!
//! A kernel's failure reaches the host in whatever call comes next, and from then on the device's context
//! answers every call with it, for all its users in this process. The first such answer is kept, with
//! the names of the kernels that may have caused it, and given to every later call.

use std::sync::{Mutex, OnceLock};

use fuse_ir::DeviceError;

use super::driver::code;
use super::functions::Failure;
use super::lock;

/// Names that an error lists.
const NAMED: usize = 4;

/// See the module.
#[derive(Default)]
pub(super) struct Health {
    lost: OnceLock<DeviceError>,
    /// What was launched since the kernels' queue was last known to be empty.
    running: Mutex<Running>,
}

#[derive(Default)]
struct Running {
    /// Each once; one more than are named, to say that there are more.
    entries: Vec<String>,
    /// How often, ever.
    launches: u64,
}

impl Health {
    /// Fails with what was lost.
    pub(super) fn check(&self) -> Result<(), DeviceError> {
        self.lost.get().map_or(Ok(()), |lost| Err(lost.clone()))
    }

    /// A call's result; keeps failures that are for good.
    pub(super) fn note<T>(&self, result: Result<T, Failure>) -> Result<T, DeviceError> {
        result.map_err(|failure| self.judge(failure).unwrap_or_else(|| failure.into()))
    }

    /// A failure that is for good, as an error.
    pub(super) fn judge(&self, failure: Failure) -> Option<DeviceError> {
        if !code::STICKY.contains(&failure.code) {
            return None;
        }
        let lost = self.lost.get_or_init(|| {
            let reason = format!(
                "{} ({}); this process cannot use the device any more",
                failure.reason(),
                failure.call
            );
            match self.suspects() {
                Some(entry) => DeviceError::Launch { entry, reason },
                None => DeviceError::Driver { call: failure.call, reason },
            }
        });
        Some(lost.clone())
    }

    /// A kernel is enqueued.
    pub(super) fn launched(&self, entry: &str) {
        let mut running = lock(&self.running);
        running.launches += 1;
        let is_known = running.entries.iter().any(|known| known == entry);
        if running.entries.len() <= NAMED && !is_known {
            running.entries.push(entry.to_string());
        }
    }

    /// How many kernels were enqueued so far.
    pub(super) fn launches(&self) -> u64 {
        lock(&self.running).launches
    }

    /// The first so many kernels have run.
    pub(super) fn ran(&self, launches: u64) {
        let mut running = lock(&self.running);
        if running.launches == launches {
            running.entries.clear();
        }
    }

    fn suspects(&self) -> Option<String> {
        let entries = &lock(&self.running).entries;
        let named = entries.len().min(NAMED);
        let more = if entries.len() > named { " or another" } else { "" };
        (named > 0).then(|| format!("{}{more}", entries[..named].join(" or ")))
    }
}
