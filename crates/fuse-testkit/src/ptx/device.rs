//! The interpreter as a device: `emit` is the emitter's, `load` scans and parses.
//!
//! Everything happens at once, in the caller's thread, one launch at a time; so queues and events
//! have nothing to wait for.

#![expect(unsafe_code, reason = "implements the calls that take addresses, which are checked here")]

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fuse_ir::device::{DeviceEvent, ModuleId, ModuleOptions, Queue, THREADS};
use fuse_ir::{Device, DeviceAddress, DeviceError, DeviceInfo, Program};

use super::launch::{Extent, Options, Order, run};
use super::{Memory, Module, parse, scan};
use crate::loaded::Loaded;
use crate::random::Random;

/// Memory of a device that nothing else is said of.
const DEFAULT_BYTES: u64 = 1 << 30;

/// A device that the interpreter stands in for.
#[derive(Debug)]
pub struct InterpretedDevice {
    info: DeviceInfo,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    memory: Memory,
    modules: Loaded<Module>,
    launches: Vec<String>,
    /// Seeds of the orders of launches; none where threads run in ascending order.
    seeds: Option<Random>,
}

impl InterpretedDevice {
    /// A device of two multiprocessors, so that grids are small and their loops stride.
    #[expect(clippy::new_without_default, reason = "devices are made on purpose")]
    pub fn new() -> InterpretedDevice {
        let info = DeviceInfo {
            ordinal: 0,
            name: "PTX interpreter".to_string(),
            capability: (8, 0),
            multiprocessors: 2,
            memory: DEFAULT_BYTES,
            driver: (12, 0),
        };
        InterpretedDevice::with_info(info, DEFAULT_BYTES)
    }

    /// A device of which that is known, with that much memory.
    pub fn with_info(info: DeviceInfo, limit_bytes: u64) -> InterpretedDevice {
        let state = State {
            memory: Memory::new(limit_bytes),
            modules: Loaded::default(),
            launches: Vec::new(),
            seeds: None,
        };
        InterpretedDevice { info, state: Mutex::new(state) }
    }

    /// The default device, but for the order of blocks, warps and threads: another in every launch.
    pub fn shuffled(seed: u64) -> InterpretedDevice {
        let device = InterpretedDevice::new();
        device.state().seeds = Some(Random::new(seed));
        device
    }

    /// The entries that were launched so far, in order.
    pub fn launches(&self) -> Vec<String> {
        self.state().launches.clone()
    }

    /// The texts that are loaded, each once, in order.
    pub fn texts(&self) -> Vec<Arc<str>> {
        self.state().modules.texts()
    }

    /// A test that fails while it holds the lock must not fail those that come after it.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn launch(
        &mut self,
        module: ModuleId,
        entry: &str,
        grid: u32,
        params: &[u64],
    ) -> Result<(), String> {
        self.launches.push(entry.to_string());
        let module = self.modules.get(module).ok_or("its module is not loaded")?;
        let seed = self.seeds.as_mut().map(Random::bits);
        let options =
            Options { order: seed.map_or(Order::Ascending, Order::Shuffled), ..Options::default() };
        let extent = Extent { blocks: grid, block_size: THREADS };
        run(module, entry, extent, params, &mut self.memory, options)
            .map(|_executed| ())
            .map_err(|error| error.to_string())
    }
}

fn refused(call: &'static str) -> impl Fn(String) -> DeviceError {
    move |reason| DeviceError::Driver { call, reason }
}

impl Device for InterpretedDevice {
    fn info(&self) -> &DeviceInfo {
        &self.info
    }

    fn memory(&self) -> Result<(u64, u64), DeviceError> {
        let state = self.state();
        Ok((state.memory.limit() - state.memory.used(), state.memory.limit()))
    }

    fn emit(&self, program: &Program, options: ModuleOptions) -> Result<String, DeviceError> {
        fuse_ptx::emit(program, options)
    }

    fn load(&self, text: &str) -> Result<ModuleId, DeviceError> {
        let mut state = self.state();
        if let Some(id) = state.modules.again(text) {
            return Ok(id);
        }
        scan(text).map_err(|log| DeviceError::Compile { log })?;
        let module =
            parse(text).map_err(|error| DeviceError::Compile { log: error.to_string() })?;
        Ok(state.modules.add(text, module))
    }

    fn unload(&self, module: ModuleId) {
        self.state().modules.unload(module);
    }

    fn alloc(&self, bytes: usize) -> Result<DeviceAddress, DeviceError> {
        let mut state = self.state();
        let bytes = bytes as u64;
        state.memory.alloc(bytes).map(DeviceAddress).ok_or_else(|| DeviceError::OutOfMemory {
            bytes,
            free: state.memory.limit() - state.memory.used(),
            total: state.memory.limit(),
        })
    }

    unsafe fn free(&self, address: DeviceAddress) {
        self.state().memory.free(address.0).expect("only what was allocated is freed, once");
    }

    unsafe fn upload(&self, to: DeviceAddress, from: &[u8]) -> Result<(), DeviceError> {
        self.state().memory.write(to.0, from).map_err(refused("upload"))
    }

    unsafe fn download(&self, to: &mut [u8], from: DeviceAddress) -> Result<(), DeviceError> {
        self.state().memory.read(from.0, to).map_err(refused("download"))
    }

    unsafe fn copy(
        &self,
        to: DeviceAddress,
        from: DeviceAddress,
        bytes: usize,
    ) -> Result<(), DeviceError> {
        let mut copied = vec![0; bytes];
        let memory = &mut self.state().memory;
        memory.read(from.0, &mut copied).map_err(refused("copy"))?;
        memory.write(to.0, &copied).map_err(refused("copy"))
    }

    unsafe fn launch(
        &self,
        module: ModuleId,
        entry: &str,
        grid: u32,
        params: &[u64],
    ) -> Result<(), DeviceError> {
        self.state()
            .launch(module, entry, grid, params)
            .map_err(|reason| DeviceError::Launch { entry: entry.to_string(), reason })
    }

    fn record(&self, _queue: Queue) -> Result<DeviceEvent, DeviceError> {
        Ok(DeviceEvent(0))
    }

    fn wait(&self, _queue: Queue, _event: DeviceEvent) -> Result<(), DeviceError> {
        Ok(())
    }

    fn synchronize(&self, _queue: Queue) -> Result<(), DeviceError> {
        Ok(())
    }
}
