//! A device as calls use it: memory that is freed and wanted again, one call at a time.
//!
//! Freed memory waits in a pool, by its exact size, for a request of that size: a call on arrays as long as
//! the last call's allocates nothing. The pool keeps at most a quarter of the device's memory, and is given
//! back when the device has none left.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fuse_ir::device::Queue;
use fuse_ir::{Device, DeviceAddress, DeviceError, DeviceInfo};

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
    free: HashMap<usize, Vec<DeviceAddress>>,
    bytes: usize,
}

/// Memory of a device: goes back to the pool when dropped, unless it is somebody else's.
pub(crate) struct Buffer {
    context: Arc<DeviceContext>,
    address: DeviceAddress,
    /// 0 where there is nothing to give back.
    bytes: usize,
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
        for address in pool.free.into_values().flatten() {
            self.device.free(address);
        }
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
        let bytes = bytes.next_multiple_of(GRAIN);
        let address = if bytes == 0 { DeviceAddress(0) } else { self.take(bytes)? };
        Ok(Buffer { context: Arc::clone(self), address, bytes })
    }

    /// Memory that somebody else frees.
    pub(super) fn borrow(self: &Arc<Self>, address: DeviceAddress) -> Buffer {
        Buffer { context: Arc::clone(self), address, bytes: 0 }
    }

    fn take(&self, bytes: usize) -> Result<DeviceAddress, DeviceError> {
        if let Some(address) = self.pool().take(bytes) {
            return Ok(address);
        }
        match self.device.alloc(bytes) {
            Err(DeviceError::OutOfMemory { .. }) => {
                self.trim();
                self.device.alloc(bytes)
            }
            result => result,
        }
    }

    fn give(&self, address: DeviceAddress, bytes: usize) {
        let most = self.info().memory / 4;
        let mut pool = self.pool();
        if (pool.bytes + bytes) as u64 > most {
            drop(pool);
            self.device.free(address);
            return;
        }
        pool.bytes += bytes;
        pool.free.entry(bytes).or_default().push(address);
    }

    fn pool(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pool {
    fn take(&mut self, bytes: usize) -> Option<DeviceAddress> {
        let address = self.free.get_mut(&bytes)?.pop()?;
        self.bytes -= bytes;
        Some(address)
    }
}

impl Drop for DeviceContext {
    fn drop(&mut self) {
        self.trim();
    }
}

impl std::fmt::Debug for DeviceContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeviceContext").field("info", self.info()).finish_non_exhaustive()
    }
}

impl Buffer {
    /// The first byte.
    pub(crate) fn address(&self) -> DeviceAddress {
        self.address
    }

    /// The context that it is of.
    pub(crate) fn context(&self) -> &Arc<DeviceContext> {
        &self.context
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.context.give(self.address, self.bytes);
        }
    }
}

impl std::fmt::Debug for Buffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Buffer").field("address", &self.address).finish_non_exhaustive()
    }
}
