//! The driver's state, and what its calls do to it. All safe code: handles and addresses are numbers.

use std::collections::BTreeMap;

use fuse_testkit::ptx::{self, Memory};

use crate::code::{
    Answer, Code, ILLEGAL_ADDRESS, INVALID_CONTEXT, INVALID_DEVICE, INVALID_HANDLE, INVALID_PTX,
    INVALID_VALUE, LAUNCH_FAILED, NO_DEVICE, NOT_FOUND, NOT_INITIALIZED, NOT_READY, OUT_OF_MEMORY,
    UNKNOWN,
};
use crate::faults::Faults;
use crate::host::Pinned;
use crate::streams::{Launch, Point, StreamId, Streams, Work};

/// Most threads of a block, and most blocks of a grid.
const MOST_THREADS: u32 = 1024;
const MOST_BLOCKS: u32 = 0x7fff_ffff;

/// Multiprocessors of the device: few, so that grids are small and their loops stride.
pub(crate) const MULTIPROCESSORS: i32 = 2;

/// A context's handle; 0 is none. That of device d is d + 1.
pub(crate) type ContextId = u64;

/// See the module.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) faults: Faults,
    started: bool,
    /// How often each device's context is retained, but for those that never were.
    retained: BTreeMap<ContextId, u32>,
    /// What a kernel failed with; every later call does too.
    broken: Option<Code>,
    pub(crate) memory: Memory,
    pub(crate) pinned: Pinned,
    streams: Streams,
    /// The last point that each event was recorded as.
    events: BTreeMap<u64, Point>,
    modules: BTreeMap<u64, ptx::Module>,
    /// Module and entry.
    functions: BTreeMap<u64, (u64, String)>,
    /// Bytes and owner of what is allocated, by address.
    blocks: BTreeMap<u64, (u64, ContextId)>,
    /// Whose each handle is.
    owners: BTreeMap<u64, ContextId>,
    handles: u64,
    launches: u64,
}

impl Machine {
    pub(crate) fn new() -> Machine {
        let faults = Faults::from_environment();
        Machine {
            started: false,
            retained: BTreeMap::new(),
            broken: None,
            memory: Memory::new(faults.memory),
            pinned: Pinned::default(),
            streams: Streams::default(),
            events: BTreeMap::new(),
            modules: BTreeMap::new(),
            functions: BTreeMap::new(),
            blocks: BTreeMap::new(),
            owners: BTreeMap::new(),
            handles: 0,
            launches: 0,
            faults,
        }
    }

    pub(crate) fn start(&mut self) -> Answer {
        if self.faults.init {
            return Err(UNKNOWN);
        }
        if self.faults.devices == 0 {
            return Err(NO_DEVICE);
        }
        self.started = true;
        Ok(())
    }

    pub(crate) fn check_started(&self) -> Answer {
        if self.started { Ok(()) } else { Err(NOT_INITIALIZED) }
    }

    pub(crate) fn check_device(&self, device: i32) -> Answer {
        self.check_started()?;
        if (0..self.faults.devices).contains(&device) { Ok(()) } else { Err(INVALID_DEVICE) }
    }

    /// A context that calls can be made in.
    pub(crate) fn check_context(&self, context: ContextId) -> Answer {
        self.check_started()?;
        if !self.retained.contains_key(&context) {
            return Err(INVALID_CONTEXT);
        }
        self.broken.map_or(Ok(()), Err)
    }

    fn check_owner(&self, context: ContextId, handle: u64) -> Answer {
        self.check_context(context)?;
        match self.owners.get(&handle) {
            Some(&owner) if owner == context => Ok(()),
            Some(_) => Err(INVALID_CONTEXT),
            None => Err(INVALID_HANDLE),
        }
    }

    fn new_handle(&mut self, context: ContextId) -> u64 {
        self.handles += 0x10;
        let handle = 0xfa_0000_0000 + self.handles;
        self.owners.insert(handle, context);
        handle
    }

    pub(crate) fn retain(&mut self, device: i32) -> Answer<ContextId> {
        self.check_device(device)?;
        let context = u64::from(device.unsigned_abs()) + 1;
        *self.retained.entry(context).or_default() += 1;
        Ok(context)
    }

    /// Logs what the last user left behind.
    pub(crate) fn release(&mut self, device: i32) -> Answer {
        self.check_device(device)?;
        let context = u64::from(device.unsigned_abs()) + 1;
        let count = self.retained.get_mut(&context).ok_or(INVALID_CONTEXT)?;
        *count -= 1;
        if *count == 0 {
            self.retained.remove(&context);
            self.faults.say(&format!(
                "release: {} bytes, {} pinned, {} streams, {} events, {} modules",
                self.memory.used(),
                self.pinned.count(),
                self.streams.count(),
                self.events.len(),
                self.modules.len()
            ));
        }
        Ok(())
    }

    pub(crate) fn alloc(&mut self, context: ContextId, bytes: usize) -> Answer<u64> {
        self.check_context(context)?;
        if bytes == 0 {
            return Err(INVALID_VALUE);
        }
        let address = self.memory.alloc(bytes as u64).ok_or(OUT_OF_MEMORY)?;
        self.blocks.insert(address, (bytes as u64, context));
        self.faults.say(&format!("alloc {bytes} at {address:#x}"));
        Ok(address)
    }

    /// At once, whatever is enqueued.
    pub(crate) fn free(&mut self, context: ContextId, address: u64) -> Answer {
        self.check_range(context, address, 0)?;
        self.memory.free(address).map_err(|_| INVALID_VALUE)?;
        self.blocks.remove(&address);
        self.faults.say(&format!("free {address:#x}"));
        Ok(())
    }

    /// Memory of this context, of one allocation.
    pub(crate) fn check_range(&self, context: ContextId, address: u64, bytes: usize) -> Answer {
        self.check_context(context)?;
        let before = self.blocks.range(..=address).next_back().ok_or(INVALID_VALUE)?;
        let (start, &(size, owner)) = before;
        let fits = address - start + bytes as u64 <= size && owner == context;
        if fits { Ok(()) } else { Err(INVALID_VALUE) }
    }

    pub(crate) fn alloc_pinned(&mut self, context: ContextId, bytes: usize) -> Answer<usize> {
        self.check_context(context)?;
        if self.faults.unpinned {
            return Err(OUT_OF_MEMORY);
        }
        self.faults.say(&format!("pin {bytes}"));
        self.pinned.alloc(bytes).ok_or(OUT_OF_MEMORY)
    }

    pub(crate) fn free_pinned(&mut self, context: ContextId, address: usize) -> Answer {
        self.check_context(context)?;
        self.pinned.free(address).ok_or(INVALID_VALUE)
    }

    pub(crate) fn new_stream(&mut self, context: ContextId) -> Answer<StreamId> {
        self.check_context(context)?;
        let stream = self.new_handle(context);
        self.streams.add(stream);
        Ok(stream)
    }

    pub(crate) fn end_stream(&mut self, context: ContextId, stream: StreamId) -> Answer {
        self.synchronize(context, stream)?;
        self.owners.remove(&stream);
        self.streams.remove(stream);
        Ok(())
    }

    /// Stream 0, the default one, is always there.
    fn check_stream(&self, context: ContextId, stream: StreamId) -> Answer {
        if stream == 0 {
            return self.check_context(context);
        }
        self.check_owner(context, stream)?;
        if self.streams.has(stream) { Ok(()) } else { Err(INVALID_HANDLE) }
    }

    pub(crate) fn synchronize(&mut self, context: ContextId, stream: StreamId) -> Answer {
        self.check_stream(context, stream)?;
        while !self.streams.is_idle(stream) {
            self.step(stream)?;
        }
        Ok(())
    }

    /// Gets on by a piece of work, so that who asks again and again is answered some time.
    pub(crate) fn query_stream(&mut self, context: ContextId, stream: StreamId) -> Answer {
        self.check_stream(context, stream)?;
        if self.streams.is_idle(stream) {
            return Ok(());
        }
        self.step(stream)?;
        Err(NOT_READY)
    }

    pub(crate) fn new_event(&mut self, context: ContextId) -> Answer<u64> {
        self.check_context(context)?;
        let event = self.new_handle(context);
        self.events.insert(event, 0);
        Ok(event)
    }

    pub(crate) fn end_event(&mut self, context: ContextId, event: u64) -> Answer {
        self.check_owner(context, event)?;
        self.events.remove(&event).ok_or(INVALID_HANDLE)?;
        self.owners.remove(&event);
        Ok(())
    }

    fn point(&self, context: ContextId, event: u64) -> Answer<Point> {
        self.check_owner(context, event)?;
        self.events.get(&event).copied().ok_or(INVALID_HANDLE)
    }

    pub(crate) fn record(&mut self, context: ContextId, event: u64, stream: StreamId) -> Answer {
        self.point(context, event)?;
        self.check_stream(context, stream)?;
        let point = self.streams.record(stream);
        self.events.insert(event, point);
        self.hurry(stream)
    }

    pub(crate) fn wait(&mut self, context: ContextId, stream: StreamId, event: u64) -> Answer {
        let point = self.point(context, event)?;
        self.enqueue(context, stream, Work::Wait(point))
    }

    pub(crate) fn synchronize_event(&mut self, context: ContextId, event: u64) -> Answer {
        let point = self.point(context, event)?;
        while let Some(stream) = self.streams.pending(point) {
            self.step(stream)?;
        }
        Ok(())
    }

    /// As [`Machine::query_stream`].
    pub(crate) fn query_event(&mut self, context: ContextId, event: u64) -> Answer {
        let point = self.point(context, event)?;
        let Some(stream) = self.streams.pending(point) else { return Ok(()) };
        self.step(stream)?;
        Err(NOT_READY)
    }

    /// Adds a module, or says why not.
    pub(crate) fn load(&mut self, context: ContextId, text: &str) -> Result<u64, (Code, String)> {
        let quietly = |code| (code, String::new());
        let refused = |log: String| (INVALID_PTX, log);
        self.check_context(context).map_err(quietly)?;
        if self.faults.compile {
            return Err(refused("ptxas fatal   : refused by FUSE_FAKE_CUDA".to_string()));
        }
        ptx::scan(text).map_err(refused)?;
        let module = ptx::parse(text).map_err(|error| refused(error.to_string()))?;
        let handle = self.new_handle(context);
        self.modules.insert(handle, module);
        self.faults.say(&format!("load {} bytes", text.len()));
        Ok(handle)
    }

    pub(crate) fn unload(&mut self, context: ContextId, module: u64) -> Answer {
        self.check_owner(context, module)?;
        self.modules.remove(&module).ok_or(INVALID_HANDLE)?;
        self.owners.remove(&module);
        self.functions.retain(|_, (of, _)| *of != module);
        self.faults.say("unload");
        Ok(())
    }

    pub(crate) fn function(&mut self, context: ContextId, module: u64, entry: &str) -> Answer<u64> {
        self.check_owner(context, module)?;
        let loaded = self.modules.get(&module).ok_or(INVALID_HANDLE)?;
        loaded.entry_params(entry).ok_or(NOT_FOUND)?;
        let function = self.new_handle(context);
        self.functions.insert(function, (module, entry.to_string()));
        Ok(function)
    }

    /// How many parameters a kernel has.
    pub(crate) fn n_params(&self, context: ContextId, function: u64) -> Answer<usize> {
        self.check_owner(context, function)?;
        let (module, entry) = self.functions.get(&function).ok_or(INVALID_HANDLE)?;
        let module = self.modules.get(module).ok_or(INVALID_HANDLE)?;
        module.entry_params(entry).ok_or(INVALID_HANDLE)
    }

    pub(crate) fn launch(
        &mut self,
        context: ContextId,
        stream: StreamId,
        function: u64,
        (grid, block): (u32, u32),
        params: Vec<u64>,
    ) -> Answer {
        let expected = self.n_params(context, function)?;
        let shape_fits = (1..=MOST_BLOCKS).contains(&grid) && (1..=MOST_THREADS).contains(&block);
        if params.len() != expected || !shape_fits {
            self.faults.say(&format!("error: {expected} parameters wanted, not {params:x?}"));
            return Err(INVALID_VALUE);
        }
        let (module, entry) = self.functions[&function].clone();
        self.faults.say(&format!("launch {entry} grid {grid} params {params:x?}"));
        self.launches += 1;
        let number = self.launches;
        let launch = Launch { module, entry, grid, block, params, number };
        self.enqueue(context, stream, Work::Launch(launch))
    }

    /// Adds a piece of work.
    pub(crate) fn enqueue(&mut self, context: ContextId, stream: StreamId, work: Work) -> Answer {
        self.check_stream(context, stream)?;
        self.streams.push(stream, work);
        self.hurry(stream)
    }

    /// Runs what was enqueued, where all runs early.
    fn hurry(&mut self, stream: StreamId) -> Answer {
        while self.faults.early && !self.streams.is_idle(stream) {
            self.step(stream)?;
        }
        Ok(())
    }

    /// Runs the next piece of work that a stream needs. What fails is for good.
    fn step(&mut self, stream: StreamId) -> Answer {
        let Some(work) = self.streams.next(stream) else { return Ok(()) };
        self.run(&work).map_err(|(code, why)| {
            self.faults.say(&format!("error {}: {}: {why}", code.0, work.name()));
            self.broken = Some(code);
            self.streams.clear();
            code
        })
    }

    fn run(&mut self, work: &Work) -> Result<(), (Code, String)> {
        let illegal = |why: String| (ILLEGAL_ADDRESS, why);
        let unpinned = || illegal("pinned memory that is not there".to_string());
        match *work {
            Work::UploadPinned { to, from, bytes } => {
                let bytes = self.pinned.read(from, bytes).ok_or_else(unpinned)?;
                self.memory.write(to, &bytes).map_err(illegal)
            }
            Work::Upload { to, ref bytes } => self.memory.write(to, bytes).map_err(illegal),
            Work::Download { to, from, bytes } => {
                let mut read = vec![0; bytes];
                self.memory.read(from, &mut read).map_err(illegal)?;
                self.pinned.write(to, &read).ok_or_else(unpinned)
            }
            Work::Copy { to, from, bytes } => {
                let mut copied = vec![0; bytes];
                self.memory.read(from, &mut copied).map_err(illegal)?;
                self.memory.write(to, &copied).map_err(illegal)
            }
            Work::Launch(ref launch) => self.run_kernel(launch),
            Work::Record(point) => {
                self.streams.pass(point);
                Ok(())
            }
            Work::Wait(_) => Ok(()),
        }
    }

    fn run_kernel(&mut self, launch: &Launch) -> Result<(), (Code, String)> {
        let Launch { module, entry, grid, block, params, number } = launch;
        if *number == self.faults.launch {
            return Err((LAUNCH_FAILED, "as FUSE_FAKE_CUDA asks".to_string()));
        }
        let unloaded = || (ILLEGAL_ADDRESS, "its module was unloaded".to_string());
        let module = self.modules.get(module).ok_or_else(unloaded)?;
        ptx::launch(module, entry, *grid, *block, params, &mut self.memory)
            .map_err(|error| (ILLEGAL_ADDRESS, error.to_string()))
    }

    /// Copies within the call: runs everything of a stream, then reads the device's memory.
    pub(crate) fn read(
        &mut self,
        context: ContextId,
        stream: StreamId,
        from: u64,
        bytes: usize,
    ) -> Answer<Vec<u8>> {
        self.check_range(context, from, bytes)?;
        self.synchronize(context, stream)?;
        let mut read = vec![0; bytes];
        self.memory.read(from, &mut read).map_err(|why| {
            self.faults.say(&format!("error: {why}"));
            INVALID_VALUE
        })?;
        Ok(read)
    }
}
