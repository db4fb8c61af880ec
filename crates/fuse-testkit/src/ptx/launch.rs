//! A grid: warps one after another, threads of a warp in turn until each ends or waits.
//!
//! ```text
//! for each warp:  run its threads ─▶ all ended: the next warp
//!                       ▲      └───▶ all 32 wait at one instruction: exchange, and on
//!                       └────────────────────────────┘
//!                                    anything else: an error
//! ```
//!
//! Threads share nothing that another order would change: races are errors. [`Order::Shuffled`] is
//! there to show it.

use fuse_ir::device::WARP;

use super::bits::{low32, position32};
use super::instruction::{Entry, Instruction, Shuffle};
use super::memory::{Launch, Memory};
use super::thread::{Fault, Frame, Grid, Identity, Pause, Thread};
use super::{Module, PtxError};
use crate::random::Random;

/// The order that blocks, their warps and their threads are run in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Ascending,
    /// By this seed.
    Shuffled(u64),
}

/// How a grid is run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Options {
    pub(super) order: Order,
    /// Instructions that a thread may execute: more is taken for an endless loop.
    pub(super) thread_budget: u64,
    /// Instructions of all threads.
    pub(super) budget: u64,
}

impl Default for Options {
    /// The budgets are a second and half a minute.
    fn default() -> Options {
        Options { order: Order::Ascending, thread_budget: 1 << 28, budget: 1 << 32 }
    }
}

/// The extent of a launch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    pub(super) blocks: u32,
    pub(super) block_size: u32,
}

/// Runs a grid, and gives the number of instructions that were executed.
///
/// # Errors
/// The first thing that a thread does wrong.
pub(super) fn run(
    module: &Module,
    entry: &str,
    extent: Extent,
    params: &[u64],
    memory: &mut Memory,
    options: Options,
) -> Result<u64, PtxError> {
    let entry = checked_entry(module, entry, extent, params)?;
    let Extent { blocks, block_size } = extent;
    let threads = u64::from(blocks) * u64::from(block_size);
    let launch = memory.begin_launch(threads).map_err(outside_of_the_text)?;
    let grid = Grid { module, entry: &entry.body, params, blocks, block_size };
    let mut schedule = Schedule::new(options);
    let warps_per_block = block_size.div_ceil(WARP);
    for warp in schedule.order_of(blocks * warps_per_block) {
        let (block, first) = (warp / warps_per_block, warp % warps_per_block * WARP);
        schedule.run_warp(grid, launch, block, first, memory)?;
    }
    Ok(schedule.executed)
}

fn checked_entry<'m>(
    module: &'m Module,
    name: &str,
    extent: Extent,
    params: &[u64],
) -> Result<&'m Entry, PtxError> {
    let missing = || outside_of_the_text(format!("the module has no entry {name}"));
    let entry = module.entry(name).ok_or_else(missing)?;
    if params.len() != entry.n_params {
        let (found, expected) = (params.len(), entry.n_params);
        return Err(outside_of_the_text(format!(
            "{found} parameters where {expected} are declared"
        )));
    }
    let Extent { blocks, block_size } = extent;
    let most = entry.most_threads.unwrap_or(1024);
    if blocks == 0 || block_size == 0 || block_size > most {
        let message = format!("{blocks} blocks of {block_size} threads, of at most {most}");
        return Err(outside_of_the_text(message));
    }
    Ok(entry)
}

fn outside_of_the_text(message: String) -> PtxError {
    PtxError { line: 0, message }
}

/// What goes from one warp to the next.
struct Schedule {
    options: Options,
    random: Random,
    executed: u64,
    /// Of threads that have ended.
    frames: Vec<Frame>,
}

/// A warp's threads that have not ended, by lane.
type Waiting<'m> = Vec<(u32, Thread<'m>)>;

impl Schedule {
    fn new(options: Options) -> Schedule {
        let seed = match options.order {
            Order::Ascending => 0,
            Order::Shuffled(seed) => seed,
        };
        Schedule { options, random: Random::new(seed), executed: 0, frames: Vec::new() }
    }

    /// The numbers below a count, in the order in which to run them.
    fn order_of(&mut self, count: u32) -> Box<dyn Iterator<Item = u32>> {
        match self.options.order {
            Order::Ascending => Box::new(0..count),
            Order::Shuffled(_) => {
                let mut all: Vec<u32> = (0..count).collect();
                for end in (1..all.len()).rev() {
                    all.swap(end, self.random.below(end + 1));
                }
                Box::new(all.into_iter())
            }
        }
    }

    fn run_warp(
        &mut self,
        grid: Grid<'_>,
        launch: Launch,
        block: u32,
        first: u32,
        memory: &mut Memory,
    ) -> Result<(), PtxError> {
        let lanes = WARP.min(grid.block_size - first);
        let mut waiting = Vec::new();
        let mut place = None;
        for lane in self.order_of(lanes) {
            let thread = first + lane;
            let accessor = launch.thread(block * grid.block_size + thread);
            let frame = self.frames.pop().unwrap_or_default();
            let thread = Thread::new(grid, Identity { block, thread, accessor }, frame);
            self.advance((lane, thread), &mut place, &mut waiting, memory)?;
        }
        while let Some(at) = place.take() {
            meet(grid, at, &mut waiting)?;
            for thread in std::mem::take(&mut waiting) {
                self.advance(thread, &mut place, &mut waiting, memory)?;
            }
        }
        Ok(())
    }

    /// Runs a thread on. All that wait have to wait at one place.
    fn advance<'m>(
        &mut self,
        (lane, mut thread): (u32, Thread<'m>),
        place: &mut Option<Place>,
        waiting: &mut Waiting<'m>,
        memory: &mut Memory,
    ) -> Result<(), PtxError> {
        let given = self.options.thread_budget.min(self.options.budget - self.executed);
        let mut budget = given;
        let pause = thread.run(memory, &mut budget)?;
        self.executed += given - budget;
        match pause {
            Pause::Ended => self.frames.push(thread.into_frame()),
            Pause::Waiting(function, step) => {
                let here = Place { function, step };
                if *place.get_or_insert(here) != here {
                    return Err(
                        thread.blame(Fault::message("another thread of the warp waits elsewhere"))
                    );
                }
                waiting.push((lane, thread));
            }
        }
        Ok(())
    }
}

/// A step of a function, or of the entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    function: Option<usize>,
    step: usize,
}

/// What a warp's threads do together.
fn meet(grid: Grid<'_>, place: Place, waiting: &mut Waiting<'_>) -> Result<(), PtxError> {
    if let [(_, thread), ..] = &waiting[..]
        && waiting.len() != position32(WARP)
    {
        let message = format!("{} threads of the warp wait here, not all 32", waiting.len());
        return Err(thread.blame(Fault::message(message)));
    }
    let step = &grid.function(place.function).steps[place.step];
    if let Instruction::Shuffle(shuffle) = &step.instruction {
        exchange(shuffle, waiting)?;
    }
    Ok(())
}

/// Every lane gets the value of the one that is `distance` further on, or its own where there is none.
fn exchange(shuffle: &Shuffle, waiting: &mut Waiting<'_>) -> Result<(), PtxError> {
    let mut values = [0; WARP as usize];
    for (lane, thread) in waiting.iter() {
        values[position32(*lane)] = thread.operand(shuffle.from)?;
    }
    for (lane, thread) in waiting.iter_mut() {
        let distance = low32(thread.operand(shuffle.distance)?) % WARP;
        let source = if *lane + distance < WARP { *lane + distance } else { *lane };
        thread.set(shuffle.to, values[position32(source)]);
    }
    Ok(())
}
