//! A device that computes nothing and remembers what it was told: for tests of plans.

#![expect(unsafe_code, reason = "implements the calls that take addresses, which are checked here")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fuse_ir::device::{DeviceEvent, ModuleId, ModuleOptions, Queue};
use fuse_ir::{Device, DeviceAddress, DeviceError, DeviceInfo, Program};

/// What a device was told, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Upload(u64, Vec<u8>),
    Download(u64, usize),
    /// To, from, bytes.
    Copy(u64, u64, usize),
    Launch(String, u32, Vec<u64>),
    Record(Queue, u64),
    Wait(Queue, u64),
    Alloc(usize),
    Free(u64),
    Load(String),
    Unload(u64),
    Synchronize(Queue),
}

#[derive(Debug, Default)]
struct State {
    told: Vec<Told>,
    /// Allocations by address.
    memory: BTreeMap<u64, Vec<u8>>,
    next: u64,
    events: u64,
    /// How many were loaded.
    modules: u64,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Recorder {
    info: DeviceInfo,
    state: Mutex<State>,
}

impl Recorder {
    /// A device of so many bytes and four multiprocessors.
    pub(super) fn new(memory: u64) -> Arc<Recorder> {
        let info = DeviceInfo {
            ordinal: 0,
            name: "recorder".to_string(),
            capability: (7, 0),
            multiprocessors: 4,
            memory,
            driver: (12, 0),
        };
        let state = State { next: 1 << 32, ..State::default() };
        Arc::new(Recorder { info, state: Mutex::new(state) })
    }

    /// What it was told since it was last asked.
    pub(super) fn told(&self) -> Vec<Told> {
        std::mem::take(&mut self.state().told)
    }

    /// The names, grids and words of the kernels that were launched.
    pub(super) fn launches(&self) -> Vec<(String, u32, Vec<u64>)> {
        let launch = |told| match told {
            Told::Launch(name, grid, words) => Some((name, grid, words)),
            Told::Upload(..)
            | Told::Download(..)
            | Told::Copy(..)
            | Told::Record(..)
            | Told::Wait(..)
            | Told::Alloc(_)
            | Told::Free(_)
            | Told::Load(_)
            | Told::Unload(_)
            | Told::Synchronize(_) => None,
        };
        self.told().into_iter().filter_map(launch).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The bytes from an address on, in its allocation.
    fn bytes(&mut self, address: DeviceAddress, len: usize) -> &mut [u8] {
        let (base, memory) = self.memory.range_mut(..=address.0).next_back().expect("allocated");
        let start = usize::try_from(address.0 - base).expect("small");
        &mut memory[start..start + len]
    }
}

impl Device for Recorder {
    fn info(&self) -> &DeviceInfo {
        &self.info
    }

    fn memory(&self) -> Result<(u64, u64), DeviceError> {
        let used: usize = self.state().memory.values().map(Vec::len).sum();
        Ok((self.info.memory - used as u64, self.info.memory))
    }

    fn emit(&self, program: &Program, options: ModuleOptions) -> Result<String, DeviceError> {
        Ok(format!("{options:?} {} passes", program.passes.len()))
    }

    fn load(&self, text: &str) -> Result<ModuleId, DeviceError> {
        let mut state = self.state();
        state.told.push(Told::Load(text.to_string()));
        state.modules += 1;
        Ok(ModuleId(state.modules))
    }

    fn unload(&self, module: ModuleId) {
        self.state().told.push(Told::Unload(module.0));
    }

    fn alloc(&self, bytes: usize) -> Result<DeviceAddress, DeviceError> {
        let (free, total) = self.memory()?;
        if bytes as u64 > free {
            return Err(DeviceError::OutOfMemory { bytes: bytes as u64, free, total });
        }
        let mut state = self.state();
        let address = state.next;
        state.next += bytes.next_multiple_of(256) as u64 + 256;
        state.memory.insert(address, vec![0; bytes]);
        state.told.push(Told::Alloc(bytes));
        Ok(DeviceAddress(address))
    }

    unsafe fn free(&self, address: DeviceAddress) {
        let mut state = self.state();
        state.memory.remove(&address.0).expect("allocated");
        state.told.push(Told::Free(address.0));
    }

    unsafe fn upload(&self, to: DeviceAddress, from: &[u8]) -> Result<(), DeviceError> {
        let mut state = self.state();
        state.bytes(to, from.len()).copy_from_slice(from);
        state.told.push(Told::Upload(to.0, from.to_vec()));
        Ok(())
    }

    unsafe fn download(&self, to: &mut [u8], from: DeviceAddress) -> Result<(), DeviceError> {
        let mut state = self.state();
        to.copy_from_slice(state.bytes(from, to.len()));
        state.told.push(Told::Download(from.0, to.len()));
        Ok(())
    }

    unsafe fn copy(
        &self,
        to: DeviceAddress,
        from: DeviceAddress,
        bytes: usize,
    ) -> Result<(), DeviceError> {
        let mut state = self.state();
        let copied = state.bytes(from, bytes).to_vec();
        state.bytes(to, bytes).copy_from_slice(&copied);
        state.told.push(Told::Copy(to.0, from.0, bytes));
        Ok(())
    }

    unsafe fn launch(
        &self,
        _: ModuleId,
        entry: &str,
        grid: u32,
        params: &[u64],
    ) -> Result<(), DeviceError> {
        let launch = Told::Launch(entry.to_string(), grid, params.to_vec());
        self.state().told.push(launch);
        Ok(())
    }

    fn record(&self, queue: Queue) -> Result<DeviceEvent, DeviceError> {
        let mut state = self.state();
        state.events += 1;
        let event = state.events;
        state.told.push(Told::Record(queue, event));
        Ok(DeviceEvent(event))
    }

    fn wait(&self, queue: Queue, event: DeviceEvent) -> Result<(), DeviceError> {
        self.state().told.push(Told::Wait(queue, event.0));
        Ok(())
    }

    fn synchronize(&self, queue: Queue) -> Result<(), DeviceError> {
        self.state().told.push(Told::Synchronize(queue));
        Ok(())
    }
}
