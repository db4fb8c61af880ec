//! Passes that run together, tile by tile: see [`fuse_ir::Nest`].
//!
//! ```text
//! domain ──▶ tasks: runs of tiles ──▶ tile [o0, o1) ──▶ each pass: its elements or outputs of the tile
//! a local of shape domain + inner:  one buffer a thread, elements [o0 · inner, o1 · inner)
//! ```
//!
//! Every stage is planned once, over its whole loop. A local's base is set, tile by tile, to where its
//! element 0 would lie, so that stages address it as if it were whole; all such arithmetic wraps, and
//! what is read or written lies inside the tile's buffer, by the rules that [`crate::check`] verifies and
//! the extents that are compared here.
//!
//! Memory beside inputs and outputs: a tile's locals a thread, half a MiB unless one element of the
//! domain needs more.

use fuse_ir::{Nest, Reach, Sink, Source};
use smallvec::SmallVec;

use crate::compile::{Code, Executable};
use crate::dispatch::Job;
use crate::error::RunError;
use crate::options::RunOptions;
use crate::plan::{Plan, Stepped};
use crate::reduce::{FoldLanes, Reduction};
use crate::scratch::with_locals;
use crate::sweep::{INLINE_WORK, Sweep};
use crate::tasks::{n_threads, run_tasks};
use crate::views::{Address, Raw};

/// Bytes of a tile: its locals, and what its passes read and write besides.
const TILE_BYTES: usize = 512 << 10;
/// Bytes of the locals of a tile that is made wider for outputs that lie side by side.
const WIDE_BYTES: usize = 1 << 20;
/// Tasks for each thread: few, since what tiles of one task share is gathered once.
const TASKS_PER_THREAD: usize = 8;

/// A temporary kept a tile at a time.
#[derive(Clone, Copy)]
struct Local {
    temporary: u32,
    /// Bytes for each element of the domain.
    bytes: usize,
    /// How far beyond a tile it is written.
    reach: Reach,
}

/// How a pass runs a part of its loop.
#[derive(Clone)]
enum Walk<'c> {
    /// Elements of a loop, `inner` for each of the domain.
    Elements { plan: Box<Plan>, code: &'c Code, inner: usize },
    /// No elements at all.
    Nothing { code: &'c Code },
    /// Outputs of a reduction.
    Outputs { reduction: Box<Reduction<'c>>, code: &'c Code },
}

/// One pass of a nest, planned.
#[derive(Clone)]
pub(crate) struct Stage<'c> {
    executable: &'c Executable,
    number: usize,
    walk: Walk<'c>,
    /// How far it runs beyond a tile.
    reach: Reach,
    /// For each operand how many bytes behind its source's first element it begins.
    offsets: SmallVec<[isize; 4]>,
    /// Elements of the loop, times the work of one, gathering for folds included.
    work: usize,
    /// Bytes read and written for each element of the domain.
    bytes: usize,
}

impl<'c> Stage<'c> {
    /// A pass without folds: its space begins with the domain, or is as long along its one axis as the reach needs.
    pub(crate) fn elementwise(
        (executable, number): (&'c Executable, usize),
        (domain, reach): (&[usize], Option<Reach>),
        space: &[usize],
        operands: &Stepped,
        options: &RunOptions<'_>,
    ) -> Result<Stage<'c>, RunError> {
        let (pass, compiled) = (&executable.program.passes[number], &executable.passes[number]);
        expect_reach((domain, reach), space)?;
        let len: usize = space.iter().product();
        let in_order: SmallVec<[usize; 4]> = (0..space.len()).collect();
        let walk = if len == 0 {
            Walk::Nothing { code: &compiled.main }
        } else {
            let accesses = operands.accesses(space, &in_order);
            let plan = Plan::new(&pass.kernel, compiled.facts, len, accesses, &options.tuning);
            let code = executable.code(number, plan.variant);
            Walk::Elements {
                plan: Box::new(plan),
                code,
                inner: space[domain.len()..].iter().product(),
            }
        };
        let stage = Stage::new((executable, number), domain, len, walk);
        Ok(Stage { reach: reach.unwrap_or_default(), ..stage })
    }

    /// The same stage, whose operands begin so many bytes behind their sources' first elements.
    pub(crate) fn with_offsets(self, offsets: SmallVec<[isize; 4]>) -> Stage<'c> {
        Stage { offsets, ..self }
    }

    /// A pass with folds: the axes that it keeps are the domain.
    pub(crate) fn folds(
        (executable, number): (&'c Executable, usize),
        domain: &[usize],
        space: &[usize],
        operands: &Stepped,
        options: &'c RunOptions<'c>,
        sink_of: impl Fn(Sink) -> Raw<'c>,
    ) -> Result<Stage<'c>, RunError> {
        let of = (executable, number);
        let reduction = Reduction::new(of, options, space, operands, sink_of)?;
        expect_prefix(domain, &reduction.kept)?;
        let code = executable.code(number, reduction.variant());
        let walk = Walk::Outputs { reduction: Box::new(reduction), code };
        Ok(Stage::new((executable, number), domain, space.iter().product(), walk))
    }

    fn new(
        (executable, number): (&'c Executable, usize),
        domain: &[usize],
        len: usize,
        walk: Walk<'c>,
    ) -> Stage<'c> {
        let (pass, compiled) = (&executable.program.passes[number], &executable.passes[number]);
        let kernel = &pass.kernel;
        let operands = kernel.inputs.len() + kernel.outputs.len();
        let gathering = match &walk {
            Walk::Outputs { reduction, .. } => reduction.gathering(),
            Walk::Elements { .. } | Walk::Nothing { .. } => 0,
        };
        let work = len.saturating_mul(compiled.facts.work + operands).saturating_add(gathering);
        let inner = len / domain.iter().product::<usize>().max(1);
        let sizes = kernel.inputs.iter().map(|input| input.mem.size());
        let sizes = sizes.chain(kernel.outputs.iter().map(|output| output.mem.size()));
        let bytes = inner.max(1).saturating_mul(sizes.sum());
        let (reach, offsets) = (Reach::default(), SmallVec::new());
        Stage { executable, number, walk, reach, offsets, work, bytes }
    }

    /// The code whose uniforms it needs.
    pub(crate) fn code(&self) -> &'c Code {
        match self.walk {
            Walk::Elements { code, .. } | Walk::Nothing { code } | Walk::Outputs { code, .. } => {
                code
            }
        }
    }

    /// Outputs that tiles should hold whole multiples of.
    fn unit(&self) -> usize {
        match &self.walk {
            Walk::Elements { .. } | Walk::Nothing { .. } => 1,
            Walk::Outputs { reduction, .. } => reduction.unit(),
        }
    }

    /// Outputs whose elements lie beside each other: narrower tiles would gather them one by one.
    fn side_by_side(&self) -> usize {
        match &self.walk {
            Walk::Elements { .. } | Walk::Nothing { .. } => 1,
            Walk::Outputs { reduction, .. } => match reduction.lanes() {
                FoldLanes::Elements => 1,
                FoldLanes::Outputs => reduction.columns.tile,
            },
        }
    }

    /// Moves the operands and sinks that are this temporary.
    fn rebase(&mut self, temporary: u32, base: Address) {
        let pass = &self.executable.program.passes[self.number];
        for (position, view) in pass.operands.iter().enumerate() {
            if view.source != Source::Temporary(temporary) {
                continue;
            }
            let base = base.offset(self.offsets.get(position).copied().unwrap_or(0));
            match &mut self.walk {
                Walk::Elements { plan, .. } => plan.inputs[position].base = base,
                Walk::Outputs { reduction, .. } => reduction.rebase_input(position, base),
                Walk::Nothing { .. } => {}
            }
        }
        for (position, &sink) in pass.outputs.iter().enumerate() {
            if sink != Sink::Temporary(temporary) {
                continue;
            }
            match &mut self.walk {
                Walk::Elements { plan, .. } => plan.outputs[position].base = base,
                Walk::Outputs { reduction, .. } => reduction.rebase_output(position, base),
                Walk::Nothing { .. } => {}
            }
        }
        if let Walk::Outputs { reduction, .. } = &mut self.walk {
            reduction.rebase_sinks(Sink::Temporary(temporary), base);
        }
    }

    fn run(
        &self,
        (first, end): (usize, usize),
        uniforms: &[u64],
        options: &RunOptions<'_>,
    ) -> Result<(), RunError> {
        let compiled = &self.executable.passes[self.number];
        match &self.walk {
            Walk::Elements { plan, code, inner } => {
                let (low, high) = (self.reach.low as usize, self.reach.high as usize);
                let (first, end) = (first + low, end + high);
                let job = Job { plan, code, slots: &compiled.slots, uniforms };
                let sweep = Sweep { job, pass: compiled, options };
                sweep.run_elements(first * inner..end * inner)
            }
            Walk::Outputs { reduction, code } => reduction.run_outputs(first..end, code, uniforms),
            Walk::Nothing { .. } => Ok(()),
        }
    }
}

type Uniforms = SmallVec<[u64; 16]>;

/// A nest of one call.
pub(crate) struct NestRun<'c> {
    options: &'c RunOptions<'c>,
    domain: &'c [usize],
    stages: Vec<(Stage<'c>, Uniforms)>,
    locals: Vec<Local>,
}

impl<'c> NestRun<'c> {
    /// A nest without stages yet.
    pub(crate) fn new(
        nest: &Nest,
        domain: &'c [usize],
        options: &'c RunOptions<'c>,
    ) -> NestRun<'c> {
        let locals = Vec::with_capacity(nest.locals.len());
        NestRun { options, domain, stages: Vec::with_capacity(nest.passes.len()), locals }
    }

    /// Adds a local of that shape, which is written so far beyond a tile.
    pub(crate) fn add_local(
        &mut self,
        (temporary, reach): (u32, Option<Reach>),
        raw: Raw<'_>,
    ) -> Result<(), RunError> {
        expect_reach((self.domain, reach), raw.extents)?;
        let inner: usize = raw.extents[self.domain.len()..].iter().product();
        let reach = reach.unwrap_or_default();
        self.locals.push(Local { temporary, bytes: inner * raw.dtype.size(), reach });
        Ok(())
    }

    /// Adds a pass.
    pub(crate) fn add_stage(&mut self, stage: Stage<'c>, uniforms: Uniforms) {
        self.stages.push((stage, uniforms));
    }

    /// Runs all tiles.
    pub(crate) fn run(&self) -> Result<(), RunError> {
        let len: usize = self.domain.iter().product();
        if len == 0 {
            return Ok(());
        }
        let work =
            self.stages.iter().fold(0_usize, |sum, (stage, _)| sum.saturating_add(stage.work));
        let is_small = match self.options.tuning.inline_below {
            Some(below) => len < below,
            None => work < INLINE_WORK,
        };
        let threads = if is_small { 1 } else { n_threads(self.options.threads) };
        let tile = self.tile(len, threads);
        let n_tiles = len.div_ceil(tile);
        let cut = threads > 1 || self.options.tuning.inline_below == Some(0);
        let most = self.options.most_of_task(TILE_BYTES);
        let each =
            if cut { (n_tiles / (threads * TASKS_PER_THREAD)).clamp(1, most) } else { n_tiles };
        run_tasks(n_tiles.div_ceil(each), self.options, |task| {
            let end = len.min((task + 1) * each * tile);
            self.run_tiles((task * each * tile, end), tile)
        })?;
        Ok(())
    }

    /// Elements of the domain of a tile: as many as fit the cache, in multiples of what the reductions
    /// like, and not so many that threads have none.
    fn tile(&self, len: usize, threads: usize) -> usize {
        if let Some(tile) = self.options.tuning.tile {
            return tile.max(1);
        }
        let locals = self.locals.iter().map(|local| local.bytes);
        let bytes = locals.chain(self.stages.iter().map(|(stage, _)| stage.bytes));
        let bytes = bytes.fold(0, usize::saturating_add).max(1);
        let by_threads = if threads > 1 { len / (4 * threads) } else { len };
        let wide = self.stages.iter().map(|(stage, _)| stage.side_by_side()).max().unwrap_or(1);
        let locals: usize =
            self.locals.iter().map(|local| local.bytes).fold(0, usize::saturating_add);
        let wide = wide.min(WIDE_BYTES / locals.max(1)).min(by_threads);
        let tile = (TILE_BYTES / bytes).min(by_threads).max(wide).max(1);
        let units = self.stages.iter().map(|(stage, _)| stage.unit());
        let fits = |unit: usize| if unit <= tile { tile / unit * unit } else { tile };
        units.filter(|&unit| unit <= tile).max().map_or(tile, fits)
    }

    /// Runs a task's tiles.
    fn run_tiles(&self, (first, end): (usize, usize), tile: usize) -> Result<(), RunError> {
        let mut stages: Vec<Stage<'c>> =
            self.stages.iter().map(|(stage, _)| stage.clone()).collect();
        with_locals(|buffer| {
            let room = |local: &Local| {
                let beyond = (local.reach.high - local.reach.low) as usize;
                local.bytes.saturating_mul(tile + beyond).next_multiple_of(64)
            };
            let bytes = self.locals.iter().map(room).fold(0, usize::saturating_add);
            let buffer = buffer.bytes(bytes)?;
            for first in (first..end).step_by(tile) {
                self.options.poll()?;
                let mut at = buffer.as_mut_ptr();
                for local in &self.locals {
                    let low = first + local.reach.low as usize;
                    let base = Address(at.wrapping_sub(low * local.bytes));
                    stages.iter_mut().for_each(|stage| stage.rebase(local.temporary, base));
                    at = at.wrapping_add(room(local));
                }
                for (stage, (_, uniforms)) in stages.iter().zip(&self.stages) {
                    stage.run((first, end.min(first + tile)), uniforms, self.options)?;
                }
            }
            Ok(())
        })
    }
}

/// Do the extents begin with those of the domain; or, in a nest whose passes have reaches, have they as
/// many elements along its one axis as this one needs?
fn expect_reach(
    (domain, reach): (&[usize], Option<Reach>),
    extents: &[usize],
) -> Result<(), RunError> {
    let Some(reach) = reach else { return expect_prefix(domain, extents) };
    if domain == [0] {
        return Ok(());
    }
    let reason = "a pass of a nest reaches beyond its loop";
    let needed = domain[0].checked_add(reach.high as usize);
    let fits = domain.len() == 1
        && reach.low <= reach.high
        && extents.first().zip(needed).is_some_and(|(&extent, needed)| needed <= extent);
    if fits { Ok(()) } else { Err(RunError::Program { reason }) }
}

/// Do the extents begin with those of the domain?
fn expect_prefix(domain: &[usize], extents: &[usize]) -> Result<(), RunError> {
    if extents.starts_with(domain) {
        Ok(())
    } else {
        Err(RunError::Program { reason: "a pass of a nest has another shape than its domain" })
    }
}
