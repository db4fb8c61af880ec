//! NVIDIA devices through their driver.
//!
//! ```text
//! CudaDevice ─┬─ queue    a stream and its events, three times          ─┐
//!             ├─ staging  pinned buffers, uploads and downloads          ├─ pinned ─┐
//!             ├─ memory   what is allocated, what is to be freed         ├─ driver ─┴─ functions
//!             ├─ modules  what is loaded, by text                       ─┘
//!             └─ health   what failed for good
//! ```
//!
//! The driver's library is looked for when a device is first asked for. Nothing here panics where it is
//! missing, old or failing: every call's answer is checked, and an error names the call.
//!
//! The device's primary context is used, which `cudarc` and the CUDA runtime use too, so that their
//! memory can be used here ([`address_of`]); it becomes the calling thread's and stays so. A failure that
//! the driver gives to every later call ([`health`]) ends the device's use in this process, theirs
//! included.

#![expect(unsafe_code, reason = "copies and kernels go by addresses of device memory")]

mod driver;
mod functions;
mod health;
mod memory;
mod modules;
mod pinned;
mod queue;
mod staging;

use std::ffi::{CString, c_int};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cudarc::driver::{CudaSlice, DevicePtr};
use fuse_ir::device::{Device, DeviceEvent, ModuleId, ModuleOptions, Queue};
use fuse_ir::{DeviceAddress, DeviceError, DeviceInfo, Program};

use driver::{Card, Context, Module, Refusal, Span, attribute, code};
use functions::{Failure, Functions};
use health::Health;
use memory::Memory;
use modules::Modules;
use queue::{Lane, queue_of};
use staging::Ring;

use crate::LEAST_CAPABILITY;

/// Buffers for uploads: one that is filled, one that is copied from, one between.
const UPLOAD_BUFFERS: usize = 3;
/// Buffers for downloads: one that is copied to, one that is emptied.
const DOWNLOAD_BUFFERS: usize = 2;

/// An NVIDIA device. Fields are in the order that they are given back in.
pub struct CudaDevice {
    modules: Mutex<Modules>,
    uploads: Mutex<Ring>,
    downloads: Mutex<Ring>,
    memory: Mutex<Memory>,
    upload: Lane,
    compute: Lane,
    download: Lane,
    health: Health,
    context: Arc<Context>,
    info: DeviceInfo,
}

impl CudaDevice {
    /// Opens a device by its number.
    ///
    /// # Errors
    /// [`DeviceError::NoDriver`], [`DeviceError::NoDevice`], [`DeviceError::TooOld`] below compute
    /// capability 7.0, or [`DeviceError::Driver`].
    pub fn open(ordinal: u32) -> Result<CudaDevice, DeviceError> {
        let no_device = |count| DeviceError::NoDevice { ordinal, count };
        let (functions, count) = driver::start()?;
        let index = c_int::try_from(ordinal).map_err(|_| no_device(count))?;
        if count <= ordinal {
            return Err(no_device(count));
        }
        let card = Card::get(functions, index)?;
        let info = describe(functions, card, ordinal)?;
        if info.capability < LEAST_CAPABILITY {
            let DeviceInfo { name, capability: found, .. } = info;
            let needed = LEAST_CAPABILITY;
            return Err(DeviceError::TooOld { ordinal, name, found, needed });
        }
        Ok(CudaDevice::in_context(Context::retain(card)?, info)?)
    }

    fn in_context(context: Arc<Context>, info: DeviceInfo) -> Result<CudaDevice, Failure> {
        Ok(CudaDevice {
            modules: Mutex::default(),
            uploads: Mutex::new(Ring::new(UPLOAD_BUFFERS)),
            downloads: Mutex::new(Ring::new(DOWNLOAD_BUFFERS)),
            memory: Mutex::default(),
            upload: Lane::new(&context, Queue::Upload)?,
            compute: Lane::new(&context, Queue::Compute)?,
            download: Lane::new(&context, Queue::Download)?,
            health: Health::default(),
            context,
            info,
        })
    }

    /// What is known of the machine's devices, those that are too old included.
    ///
    /// # Errors
    /// [`DeviceError::NoDriver`] or [`DeviceError::Driver`]. A driver without devices is no error.
    pub fn list() -> Result<Vec<DeviceInfo>, DeviceError> {
        let (functions, count) = driver::start()?;
        let card = |ordinal| Card::get(functions, c_int::try_from(ordinal).unwrap_or(c_int::MAX));
        (0..count).map(|ordinal| Ok(describe(functions, card(ordinal)?, ordinal)?)).collect()
    }

    fn lane(&self, queue: Queue) -> &Lane {
        match queue {
            Queue::Upload => &self.upload,
            Queue::Compute => &self.compute,
            Queue::Download => &self.download,
        }
    }

    /// Bytes for a copy, unless they are known not to be of one allocation.
    ///
    /// # Safety
    /// As for the copy.
    unsafe fn span(
        &self,
        call: &'static str,
        address: DeviceAddress,
        bytes: usize,
    ) -> Result<Span, DeviceError> {
        if lock(&self.memory).has_room(address.0, bytes) {
            // SAFETY: the caller's promise.
            return Ok(unsafe { Span::new(address.0, bytes) });
        }
        let reason = format!("{bytes} bytes from {:#x} on are more than were allocated", address.0);
        Err(DeviceError::Driver { call, reason })
    }

    /// Has the driver assemble a text.
    fn assemble(&self, text: &str) -> Result<Module, DeviceError> {
        let image = CString::new(text)
            .map_err(|_| DeviceError::Compile { log: "the text holds a NUL".to_string() })?;
        Module::load(&self.context, &image).map_err(|refusal| self.refused(refusal))
    }

    /// Lets modules go that are too many. Kernels are launched under the same lock: while it is held, and
    /// the queue is found empty, none is enqueued.
    fn shed(&self, modules: &mut Modules) {
        modules.shed(|| self.compute.stream.is_idle().unwrap_or(false));
    }

    fn refused(&self, Refusal { failure, log }: Refusal) -> DeviceError {
        if failure.call != "cuModuleLoadDataEx" || failure.code == code::OUT_OF_MEMORY {
            return self.health.judge(failure).unwrap_or_else(|| failure.into());
        }
        let reason = failure.reason();
        let log = if log.is_empty() { reason } else { format!("{reason}\n{log}") };
        self.health.judge(failure).unwrap_or(DeviceError::Compile { log })
    }
}

impl Device for CudaDevice {
    fn info(&self) -> &DeviceInfo {
        &self.info
    }

    fn memory(&self) -> Result<(u64, u64), DeviceError> {
        self.health.check()?;
        let memory = lock(&self.memory);
        let (free, total) = self.health.note(self.context.memory())?;
        Ok((free as u64 + memory.condemned(), total as u64))
    }

    fn emit(&self, program: &Program, options: ModuleOptions) -> Result<String, DeviceError> {
        crate::emit(program, options)
    }

    fn load(&self, text: &str) -> Result<ModuleId, DeviceError> {
        self.health.check()?;
        if let Some(id) = lock(&self.modules).again(text) {
            return Ok(id);
        }
        // Assembling takes long: others may launch meanwhile.
        let module = self.assemble(text)?;
        let mut modules = lock(&self.modules);
        let id = modules.put(text, module);
        self.shed(&mut modules);
        Ok(id)
    }

    fn unload(&self, id: ModuleId) {
        let mut modules = lock(&self.modules);
        modules.unload(id);
        self.shed(&mut modules);
    }

    fn alloc(&self, bytes: usize) -> Result<DeviceAddress, DeviceError> {
        self.health.check()?;
        match lock(&self.memory).alloc(&self.context, bytes) {
            Err(failure) if failure.code == code::OUT_OF_MEMORY => {
                let (free, total) = self.health.note(self.context.memory())?;
                let (free, total) = (free as u64, total as u64);
                Err(DeviceError::OutOfMemory { bytes: bytes as u64, free, total })
            }
            other => self.health.note(other.map(DeviceAddress)),
        }
    }

    unsafe fn free(&self, address: DeviceAddress) {
        let streams = Queue::ALL.iter().map(|&queue| &self.lane(queue).stream);
        let freed = lock(&self.memory).free(address.0, streams);
        // A failure that is for good is kept; no other has anyone to tell it to.
        let _ = self.health.note(freed);
    }

    unsafe fn upload(&self, to: DeviceAddress, from: &[u8]) -> Result<(), DeviceError> {
        self.health.check()?;
        // SAFETY: the caller's promise.
        let to = unsafe { self.span("upload", to, from.len()) }?;
        self.health.note(lock(&self.uploads).upload(&self.upload.stream, to, from))
    }

    unsafe fn download(&self, to: &mut [u8], from: DeviceAddress) -> Result<(), DeviceError> {
        self.health.check()?;
        // SAFETY: the caller's promise.
        let from = unsafe { self.span("download", from, to.len()) }?;
        self.health.note(lock(&self.downloads).download(&self.download.stream, to, from))
    }

    unsafe fn copy(
        &self,
        to: DeviceAddress,
        from: DeviceAddress,
        bytes: usize,
    ) -> Result<(), DeviceError> {
        self.health.check()?;
        // SAFETY: the caller's promise.
        let (to, from) =
            unsafe { (self.span("copy", to, bytes)?, self.span("copy", from, bytes)?) };
        self.health.note(self.compute.stream.copy(to, from))
    }

    unsafe fn launch(
        &self,
        id: ModuleId,
        entry: &str,
        grid: u32,
        params: &[u64],
    ) -> Result<(), DeviceError> {
        self.health.check()?;
        let failed = |reason| DeviceError::Launch { entry: entry.to_string(), reason };
        let mut modules = lock(&self.modules);
        if let Some(text) = modules.gone(id) {
            modules.restore(id, self.assemble(&text)?);
            self.shed(&mut modules);
        }
        let not_loaded = || failed("its module is not loaded".to_string());
        let module = modules.in_use(id).ok_or_else(not_loaded)?;
        self.health.launched(entry);
        // SAFETY: the caller's promise.
        let launched = unsafe { module.launch(&self.compute.stream, entry, grid, params) };
        launched.map_err(|failure| {
            let reason = || format!("{} ({})", failure.reason(), failure.call);
            self.health.judge(failure).unwrap_or_else(|| failed(reason()))
        })
    }

    fn record(&self, queue: Queue) -> Result<DeviceEvent, DeviceError> {
        self.health.check()?;
        self.health.note(self.lane(queue).record())
    }

    fn wait(&self, queue: Queue, event: DeviceEvent) -> Result<(), DeviceError> {
        self.health.check()?;
        let recorded_in = self.lane(queue_of(event));
        self.health.note(recorded_in.hold(&self.lane(queue).stream, event))
    }

    fn synchronize(&self, queue: Queue) -> Result<(), DeviceError> {
        self.health.check()?;
        let launches = self.health.launches();
        self.health.note(self.lane(queue).stream.synchronize())?;
        if queue == Queue::Compute {
            self.health.ran(launches);
        }
        Ok(())
    }
}

impl std::fmt::Debug for CudaDevice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CudaDevice").field("info", &self.info).finish_non_exhaustive()
    }
}

impl Drop for CudaDevice {
    fn drop(&mut self) {
        // Nothing may run while memory and modules go. Where waiting fails, nothing does.
        for &queue in Queue::ALL {
            let _ = self.lane(queue).stream.synchronize();
        }
    }
}

/// Where another crate's array lies, once everything has run that its own stream has been given.
///
/// The address is good while the slice lives and stays where it is; what is enqueued here is not known
/// to the slice, so it must be synchronized with before the slice is used or dropped.
///
/// # Errors
/// [`DeviceError::Driver`], where its stream's work failed.
pub fn address_of<T>(slice: &CudaSlice<T>) -> Result<DeviceAddress, DeviceError> {
    let stream = slice.stream();
    stream.synchronize().map_err(|failure| DeviceError::Driver {
        call: "cuStreamSynchronize",
        reason: failure.to_string(),
    })?;
    let (address, _recorded_when_dropped) = slice.device_ptr(stream);
    Ok(DeviceAddress(address))
}

fn describe(functions: &Functions, card: Card, ordinal: u32) -> Result<DeviceInfo, Failure> {
    let version = driver::version(functions)?;
    Ok(DeviceInfo {
        ordinal,
        name: card.name()?,
        capability: (
            card.attribute(attribute::CAPABILITY_MAJOR)?,
            card.attribute(attribute::CAPABILITY_MINOR)?,
        ),
        multiprocessors: card.attribute(attribute::MULTIPROCESSORS)?,
        memory: card.memory()? as u64,
        driver: (version / 1000, version % 1000 / 10),
    })
}

/// Locks, whatever became of the last who did: what is guarded is whole between calls.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
