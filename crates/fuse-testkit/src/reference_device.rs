//! A device by the letter of `fuse_ir::device`: for testing what runs programs, apart from any code for a
//! device.
//!
//! ```text
//! emit: remembers the program, whose text is what `Debug` writes of it
//! launch: evaluates its regions element by element (`grid`, `folds`)
//! queues: nothing runs before it must   Lazy: copies to the device wait as well; Eager: they run at once
//! ```
//!
//! A kernel runs when a download, a synchronisation or an event that somebody waits for asks for it, so that
//! an order that nothing demanded is the wrong one: a kernel that no event makes wait for an upload reads
//! what was there before ([`Uploads::Lazy`]), and an upload that waits for no kernel spoils what the kernel
//! was to read ([`Uploads::Eager`]). Fresh memory is poisoned. Reads and writes lie inside of one
//! allocation, at multiples of their size.

mod folds;
mod grid;
mod memory;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fuse_ir::device::{DeviceEvent, Entry, ModuleId, ModuleOptions, Queue};
use fuse_ir::{Device, DeviceAddress, DeviceError, DeviceInfo, Program};

use crate::loaded::Loaded;
use grid::Grid;
use memory::Allocations;

/// What fresh memory holds.
const POISON: u8 = 0xa5;
/// Events that a device remembers of a queue.
const REMEMBERED: u64 = 64;

/// When copies to the device run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uploads {
    /// When something waits for them.
    Lazy,
    /// As soon as what they wait for has run.
    Eager,
}

/// See the module.
pub struct ReferenceDevice {
    info: DeviceInfo,
    uploads: Uploads,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// By text.
    emitted: HashMap<String, Emitted>,
    modules: Loaded<Emitted>,
    memory: Allocations,
    queues: [VecDeque<Work>; 3],
    /// For each event its queue, and whether it has passed.
    events: Vec<(Queue, bool)>,
    launches: Vec<String>,
}

/// What a text stands for.
type Emitted = (Arc<Program>, ModuleOptions);

enum Work {
    Upload(DeviceAddress, Vec<u8>),
    Copy { to: DeviceAddress, from: DeviceAddress, bytes: usize },
    Launch { module: Emitted, pass: usize, entry: Entry, words: Vec<u64> },
    Record(u64),
    Wait(u64),
}

impl ReferenceDevice {
    /// A device of so many bytes.
    pub fn new(memory: u64, uploads: Uploads) -> Arc<ReferenceDevice> {
        let info = DeviceInfo {
            ordinal: 0,
            name: "reference".to_string(),
            capability: (7, 0),
            multiprocessors: 2,
            memory,
            driver: (12, 0),
        };
        Arc::new(ReferenceDevice { info, uploads, state: Mutex::default() })
    }

    /// The entries that were launched since it was last asked, in order.
    pub fn launches(&self) -> Vec<String> {
        std::mem::take(&mut self.state().launches)
    }

    /// How many modules are loaded.
    pub fn modules(&self) -> usize {
        self.state().modules.texts().len()
    }

    /// Bytes that are allocated.
    pub fn allocated(&self) -> u64 {
        self.state().memory.bytes()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn queue(&mut self, queue: Queue) -> &mut VecDeque<Work> {
        &mut self.queues[queue as usize]
    }

    /// Runs a queue until it is empty, or until an event of it has passed.
    fn run(&mut self, queue: Queue, until: Option<u64>) {
        while let Some(work) = self.queue(queue).pop_front() {
            match work {
                Work::Upload(to, bytes) => {
                    self.memory.at(to.0, bytes.len()).copy_from_slice(&bytes);
                }
                Work::Copy { to, from, bytes } => {
                    let copied = self.memory.at(from.0, bytes).to_vec();
                    self.memory.at(to.0, bytes).copy_from_slice(&copied);
                }
                Work::Launch { module: (program, options), pass, entry, words } => {
                    let pass = &program.passes[pass];
                    let params = entry.params(pass).into_iter().zip(words).collect();
                    Grid { pass, params, memory: &mut self.memory, options }.run(entry);
                }
                Work::Record(event) => {
                    self.events[event as usize].1 = true;
                    if until == Some(event) {
                        return;
                    }
                }
                Work::Wait(event) => self.pass(event),
            }
        }
    }

    /// Makes an event pass.
    fn pass(&mut self, event: u64) {
        let (queue, passed) = self.events[event as usize];
        if !passed {
            self.run(queue, Some(event));
        }
    }
}

#[expect(unsafe_code, reason = "implements the calls that take addresses, which are checked here")]
impl Device for ReferenceDevice {
    fn info(&self) -> &DeviceInfo {
        &self.info
    }

    fn memory(&self) -> Result<(u64, u64), DeviceError> {
        Ok((self.info.memory - self.allocated(), self.info.memory))
    }

    fn emit(&self, program: &Program, options: ModuleOptions) -> Result<String, DeviceError> {
        let text = format!("{program:?} {options:?}");
        let emitted = &mut self.state().emitted;
        emitted.entry(text.clone()).or_insert_with(|| (Arc::new(program.clone()), options));
        Ok(text)
    }

    fn load(&self, text: &str) -> Result<ModuleId, DeviceError> {
        let mut state = self.state();
        if let Some(id) = state.modules.again(text) {
            return Ok(id);
        }
        let unknown = || DeviceError::Compile { log: format!("no program has this text: {text}") };
        let emitted = state.emitted.get(text).cloned().ok_or_else(unknown)?;
        Ok(state.modules.add(text, emitted))
    }

    fn unload(&self, module: ModuleId) {
        self.state().modules.unload(module);
    }

    fn alloc(&self, bytes: usize) -> Result<DeviceAddress, DeviceError> {
        let (free, total) = self.memory()?;
        assert!(bytes > 0, "an allocation of no bytes");
        if bytes as u64 > free {
            return Err(DeviceError::OutOfMemory { bytes: bytes as u64, free, total });
        }
        let memory = &mut self.state().memory;
        let address = memory.next.max(1 << 40);
        memory.next = address + bytes.next_multiple_of(256) as u64 + 256;
        memory.blocks.insert(address, vec![POISON; bytes]);
        Ok(DeviceAddress(address))
    }

    unsafe fn free(&self, address: DeviceAddress) {
        let mut state = self.state();
        Queue::ALL.iter().for_each(|&queue| state.run(queue, None));
        assert!(state.memory.blocks.remove(&address.0).is_some(), "freed twice");
    }

    unsafe fn upload(&self, to: DeviceAddress, from: &[u8]) -> Result<(), DeviceError> {
        let mut state = self.state();
        state.queue(Queue::Upload).push_back(Work::Upload(to, from.to_vec()));
        if self.uploads == Uploads::Eager {
            state.run(Queue::Upload, None);
        }
        Ok(())
    }

    unsafe fn download(&self, to: &mut [u8], from: DeviceAddress) -> Result<(), DeviceError> {
        let mut state = self.state();
        state.run(Queue::Download, None);
        to.copy_from_slice(state.memory.at(from.0, to.len()));
        Ok(())
    }

    unsafe fn copy(
        &self,
        to: DeviceAddress,
        from: DeviceAddress,
        bytes: usize,
    ) -> Result<(), DeviceError> {
        self.state().queue(Queue::Compute).push_back(Work::Copy { to, from, bytes });
        Ok(())
    }

    unsafe fn launch(
        &self,
        module: ModuleId,
        entry: &str,
        grid: u32,
        params: &[u64],
    ) -> Result<(), DeviceError> {
        let mut state = self.state();
        let refuse = |reason: &str| {
            Err(DeviceError::Launch { entry: entry.to_string(), reason: reason.to_string() })
        };
        let Some(module) = state.modules.get(module).cloned() else {
            return refuse("its module is not loaded");
        };
        let places = module.0.passes.iter().enumerate();
        let mut entries = places.flat_map(|place| Entry::ALL.iter().map(move |&own| (place, own)));
        let found = entries.find(|((number, _), own)| own.symbol(*number) == entry);
        let Some(((number, pass), own)) = found else { return refuse("no such entry") };
        if !own.exists(pass) || own.params(pass).len() != params.len() || grid == 0 {
            return refuse("it is called wrongly");
        }
        let words = params.to_vec();
        let launch = Work::Launch { module, pass: number, entry: own, words };
        state.queue(Queue::Compute).push_back(launch);
        state.launches.push(entry.to_string());
        Ok(())
    }

    fn record(&self, queue: Queue) -> Result<DeviceEvent, DeviceError> {
        let mut state = self.state();
        let event = state.events.len() as u64;
        state.events.push((queue, false));
        state.queue(queue).push_back(Work::Record(event));
        let mut own = (0..event).rev().filter(|&event| state.events[event as usize].0 == queue);
        let forgotten = own.nth(usize::try_from(REMEMBERED).expect("few"));
        if let Some(forgotten) = forgotten {
            state.pass(forgotten);
        }
        Ok(DeviceEvent(event))
    }

    fn wait(&self, queue: Queue, event: DeviceEvent) -> Result<(), DeviceError> {
        self.state().queue(queue).push_back(Work::Wait(event.0));
        Ok(())
    }

    fn synchronize(&self, queue: Queue) -> Result<(), DeviceError> {
        self.state().run(queue, None);
        Ok(())
    }
}
