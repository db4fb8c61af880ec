//! A device as calls use it: memory that is freed and wanted again, one call at a time.
//!
//! Freed memory waits in a pool, by its exact size, for a request of that size: a call on arrays as long as
//! the last call's allocates nothing. The pool keeps at most a quarter of the device's memory, and is given
//! back when the device has none left.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fuse_ir::device::Queue;
use fuse_ir::{Device, DeviceError, DeviceInfo};

use crate::device::driver::Allocation;

/// Sizes are rounded up to this: what devices align allocations to.
const GRAIN: usize = 256;

/// A device and the memory that is ready to be used again. Shared by executables and arrays.
///
/// Calls on one context run one after the other: a second one waits until the first has returned.
pub struct DeviceContext {
    device: Arc<dyn Device>,
    pool: Mutex<Pool>,
    calls: Mutex<()>,
}

/// Freed memory by its size.
#[derive(Default)]
struct Pool {
    free: HashMap<usize, Vec<Allocation>>,
    bytes: usize,
}

/// Memory of a device: goes back to the pool when dropped, unless it is somebody else's.
#[derive(Debug)]
pub(crate) struct Buffer {
    context: Arc<DeviceContext>,
    /// There until it is dropped.
    allocation: Option<Allocation>,
}

impl DeviceContext {
    /// A context of its own.
    pub fn new(device: Arc<dyn Device>) -> Arc<DeviceContext> {
        Arc::new(DeviceContext { device, pool: Mutex::default(), calls: Mutex::default() })
    }

    /// The device.
    pub fn device(&self) -> &Arc<dyn Device> {
        &self.device
    }

    /// What the device is.
    pub fn info(&self) -> &DeviceInfo {
        self.device.info()
    }

    /// Gives the memory that waits to be used again back to the device.
    pub fn trim(&self) {
        let pool = std::mem::take(&mut *self.pool());
        // Freed when others may have the lock.
        drop(pool);
    }

    /// Waits until everything has run that calls have given the device so far.
    ///
    /// # Errors
    /// [`DeviceError::Launch`] where a kernel failed, else [`DeviceError::Driver`].
    pub fn synchronize(&self) -> Result<(), DeviceError> {
        Queue::ALL.iter().try_for_each(|&queue| self.device.synchronize(queue))
    }

    /// Starts a call: it has the device for itself, and its uploads wait for what came before, whose
    /// memory they may be given.
    pub(super) fn begin(&self) -> Result<MutexGuard<'_, ()>, DeviceError> {
        let call = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        for before in [Queue::Compute, Queue::Download] {
            self.order(before, Queue::Upload)?;
        }
        Ok(call)
    }

    /// Makes what `after` does from now on wait for what `before` has been given so far.
    pub(super) fn order(&self, before: Queue, after: Queue) -> Result<(), DeviceError> {
        let event = self.device.record(before)?;
        self.device.wait(after, event)
    }

    /// Memory for that many bytes; none for 0.
    pub(super) fn alloc(self: &Arc<Self>, bytes: usize) -> Result<Buffer, DeviceError> {
        Ok(Buffer::of(self, self.take(bytes.next_multiple_of(GRAIN))?))
    }

    fn take(&self, bytes: usize) -> Result<Allocation, DeviceError> {
        if let Some(allocation) = self.pool().take(bytes) {
            return Ok(allocation);
        }
        match Allocation::new(&self.device, bytes) {
            Err(DeviceError::OutOfMemory { .. }) => {
                self.trim();
                Allocation::new(&self.device, bytes)
            }
            result => result,
        }
    }

    fn give(&self, allocation: Allocation) {
        let (bytes, most) = (allocation.bytes(), self.info().memory / 4);
        let mut pool = self.pool();
        if !allocation.is_reusable() || (pool.bytes + bytes) as u64 > most {
            // What is freed may be waited for: others need not wait too.
            drop(pool);
            return;
        }
        pool.bytes += bytes;
        pool.free.entry(bytes).or_default().push(allocation);
    }

    fn pool(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pool {
    fn take(&mut self, bytes: usize) -> Option<Allocation> {
        let allocation = self.free.get_mut(&bytes)?.pop()?;
        self.bytes -= bytes;
        Some(allocation)
    }
}

impl std::fmt::Debug for DeviceContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeviceContext").field("info", self.info()).finish_non_exhaustive()
    }
}

impl Buffer {
    /// An allocation, until it is dropped.
    pub(super) fn of(context: &Arc<DeviceContext>, allocation: Allocation) -> Buffer {
        Buffer { context: Arc::clone(context), allocation: Some(allocation) }
    }

    /// The context that it is of.
    pub(crate) fn context(&self) -> &Arc<DeviceContext> {
        &self.context
    }
}

impl std::ops::Deref for Buffer {
    type Target = Allocation;

    fn deref(&self) -> &Allocation {
        self.allocation.as_ref().expect("it is there until the buffer is dropped")
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if let Some(allocation) = self.allocation.take() {
            self.context.give(allocation);
        }
    }
}
