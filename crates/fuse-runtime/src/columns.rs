//! Folds with lanes along the outputs.
//!
//! ```text
//!            outputs o0 … o0+T          element i of every output of a tile at a time:
//! element 0  ────────────────▶ state row 0          one kernel call steps a row of T states,
//! element 32 ────────────────▶ state row 0          in place, by up to four elements
//! element 16 ────────────────▶ state row 16 …
//! ```
//!
//! The order for each output is that of `docs/numerics.md`: element i of a block goes to accumulator
//! i mod 32. The accumulators of a tile are rows of states; they are filled one after the other, in the
//! order 0, 16, 8, 24, 4, … that lets the tree of a block and the tree of blocks run as one binary
//! counter, so that few rows are alive at once and the one in work stays in the first-level cache. A row
//! that no element reaches is the same for all outputs and all tiles.
//!
//! Operands. What broadcasts along the outputs of a row is a splat; what lies side by side is read in
//! place, by tiles of whole granules; anything else is gathered. What does not depend on the elements, or
//! has few of them, is gathered once for all tiles of the same column: `q[j, k]` of
//! `p[i, k] - q[j, k]`, k reduced, once for all i.
//!
//! Cost: a kernel call for four elements of a tile, some 20 ns beside its arithmetic.

#![expect(unsafe_code, reason = "hands operand pointers to compiled kernels")]

use fuse_ir::{FOLD_BLOCK, GRANULE, Hints, InputClass, Kernel, KernelArgs};
use smallvec::SmallVec;

use crate::compile::{Code, ColumnForm, CompiledPass, Executable};
use crate::dispatch::{gather_into, run_streams};
use crate::error::RunError;
use crate::fold::{LEFT_TO_RIGHT_BELOW, fill};
use crate::options::RunOptions;
use crate::pack::{pad, unpack};
use crate::pager::{GAP, address_at, exact_spans, spans, tell_span};
use crate::plan::{Access, Inputs, Outputs};
use crate::reduce::total_bytes;
use crate::views::Address;

/// Accumulators of a block.
const ACCUMULATORS: usize = 32;
/// Rows of outputs shorter than this are gathered rather than run one by one.
const MIN_ROW: usize = 64;
/// Bytes of a row of states: with its operands and the few other rows in the first-level cache.
const ROW_BYTES: usize = 4096;
/// Bytes of an operand that is gathered for all elements at once.
const KEPT_BYTES: usize = 128 << 10;
/// Most elements of a call.
const MOST_STEPS: usize = 4;

/// One operand of a pass: where an output's elements begin, and how they go on.
#[derive(Clone, Debug)]
struct Column {
    /// By output.
    begins: Access,
    /// By element; its base means nothing.
    steps: Access,
    is_splat: bool,
    /// Do the outputs of a row lie side by side?
    side_by_side: bool,
    /// Offset of its slots in scratch, bytes of one, their number.
    slot: usize,
    slot_bytes: usize,
    n_slots: usize,
    /// Is there a slot for every element that differs?
    keeps_all: bool,
}

/// How the folds of one pass run in one call, lanes along the outputs.
#[derive(Clone, Debug)]
pub(crate) struct ColumnPlan {
    inputs: SmallVec<[Column; 4]>,
    outputs: SmallVec<[Column; 2]>,
    /// Elements of each output.
    len: usize,
    /// Tiles do not cross multiples of this many outputs.
    pub(crate) row: usize,
    /// Outputs of a tile: a multiple of 32.
    pub(crate) tile: usize,
    splats: bool,
    /// Bytes of the operands' slots.
    scratch: usize,
    /// Does an element lie on other pages than the one before it?
    pub(crate) far: bool,
}

impl ColumnPlan {
    /// Plans `n_outputs` outputs of `len` elements for `threads` threads.
    pub(crate) fn new(
        (kernel, compiled): (&Kernel, &CompiledPass),
        (begins, steps): ((Inputs, Outputs), (Inputs, Outputs)),
        (n_outputs, len): (usize, usize),
        threads: usize,
    ) -> ColumnPlan {
        let classes = kernel.inputs.iter().map(|input| input.class == InputClass::Splat);
        let columns = begins.0.into_iter().zip(steps.0).zip(classes);
        let inputs = columns.map(|((begins, steps), splat)| Column::new(begins, steps, splat));
        let columns = begins.1.into_iter().zip(steps.1);
        let outputs = columns.map(|(begins, steps)| Column::new(begins, steps, false));
        let (inputs, outputs) = (inputs.collect(), outputs.collect());
        let mut plan = ColumnPlan {
            inputs,
            outputs,
            len,
            row: 0,
            tile: 0,
            splats: true,
            scratch: 0,
            far: false,
        };
        plan.far = plan.inputs.iter().any(|column| column.steps.spread() >= GAP);
        plan.choose_row(n_outputs);
        plan.choose_tile(total_bytes(compiled), threads);
        plan.lay_out_scratch();
        plan
    }

    /// The longest rows along which splats stay the same and operands lie side by side, if they are
    /// long enough; otherwise without splats; otherwise everything is gathered.
    fn choose_row(&mut self, n_outputs: usize) {
        let runs = |plan: &ColumnPlan| {
            let all = plan.inputs.iter().chain(&plan.outputs);
            all.map(Column::run).min().unwrap_or(usize::MAX).min(n_outputs)
        };
        let enough = n_outputs.min(MIN_ROW);
        self.row = runs(self);
        if self.row < enough {
            self.splats = false;
            self.inputs.iter_mut().for_each(|input| input.is_splat = false);
            self.row = runs(self);
        }
        if self.row < enough {
            self.row = n_outputs;
        }
        for column in self.inputs.iter_mut().chain(&mut self.outputs) {
            column.side_by_side = !column.is_splat && column.lies_side_by_side(self.row);
        }
    }

    fn choose_tile(&mut self, state_bytes: usize, threads: usize) {
        let by_cache = (ROW_BYTES / state_bytes.max(1)).clamp(2 * GRANULE, 1024);
        let by_threads = (self.row / (2 * threads)).max(2 * GRANULE);
        let tile = by_cache.min(if threads > 1 { by_threads } else { usize::MAX }).min(self.row);
        self.tile = tile.next_multiple_of(GRANULE);
    }

    fn lay_out_scratch(&mut self) {
        let mut at = 0;
        for column in self.inputs.iter_mut().chain(&mut self.outputs) {
            let elements = if column.is_splat { 1 } else { self.tile };
            column.slot = at;
            column.slot_bytes = (elements * column.begins.form.size).next_multiple_of(64);
            let differing = if column.steps.dims.is_empty() { 1 } else { self.len };
            column.keeps_all =
                !column.is_splat && differing.saturating_mul(column.slot_bytes) <= KEPT_BYTES;
            column.n_slots = if column.keeps_all { differing } else { MOST_STEPS };
            at += column.slot_bytes * column.n_slots;
        }
        for column in &mut self.outputs {
            column.keeps_all = false;
        }
        self.scratch = at;
    }

    /// Bytes that have to be gathered for each element of an output.
    pub(crate) fn gathered(&self) -> usize {
        let packed = self.packed().filter(|column| !column.keeps_all);
        packed.map(|column| column.begins.form.size).sum()
    }

    /// Operands of which another element is gathered for each element of each output.
    pub(crate) fn n_gathered(&self) -> usize {
        let is_new = |column: &&Column| column.n_slots > 1 && !column.repeats();
        self.packed().filter(is_new).count()
    }

    fn packed(&self) -> impl Iterator<Item = &Column> {
        let all = self.inputs.iter().chain(&self.outputs);
        all.filter(|column| !column.is_splat && !column.side_by_side)
    }

    /// Elements of each output.
    pub(crate) fn n_elements(&self) -> usize {
        self.len
    }

    /// Blocks of the elements of each output.
    pub(crate) fn n_blocks(&self) -> usize {
        self.len.div_ceil(FOLD_BLOCK)
    }

    /// Bytes that an element of every output of a row takes, gaps included.
    pub(crate) fn row_bytes(&self) -> usize {
        let all = self.inputs.iter().chain(&self.outputs).filter(|column| !column.is_splat);
        let bytes = all.map(|column| self.row.saturating_mul(column.begins.spread()));
        bytes.max().unwrap_or(1)
    }

    /// Most rows of states alive at once, among them those that no element reaches.
    fn n_rows(&self) -> usize {
        let leaves = self.len.div_ceil(FOLD_BLOCK).max(1) * ACCUMULATORS;
        leaves.ilog2() as usize + 2 + LEVELS
    }

    /// Moves an input.
    pub(crate) fn rebase_input(&mut self, input: usize, base: Address) {
        self.inputs[input].begins.base = base;
    }

    /// Moves an elementwise output.
    pub(crate) fn rebase_output(&mut self, output: usize, base: Address) {
        self.outputs[output].begins.base = base;
    }
}

/// Levels of the tree of a block's accumulators, the leaves among them.
const LEVELS: usize = 6;

impl Column {
    fn new(begins: Access, steps: Access, is_splat: bool) -> Column {
        Column {
            begins,
            steps,
            is_splat,
            side_by_side: false,
            slot: 0,
            slot_bytes: 0,
            n_slots: 0,
            keeps_all: false,
        }
    }

    /// For how many outputs, from each multiple on, it can be read in place.
    fn run(&self) -> usize {
        if self.is_splat {
            return self.begins.constant_run();
        }
        match self.begins.dims.as_slice() {
            [.., _, last] if self.is_plain() && last.stride == self.size() => last.extent,
            _ => usize::MAX,
        }
    }

    fn lies_side_by_side(&self, row: usize) -> bool {
        let Some(last) = self.begins.dims.last() else { return false };
        let whole = self.begins.dims.len() == 1 || last.extent >= row;
        self.is_plain() && last.stride == self.size() && whole
    }

    fn is_plain(&self) -> bool {
        self.begins.is_plain()
    }

    fn size(&self) -> isize {
        self.begins.form.size.cast_signed()
    }

    /// Is it the same for the outputs of all rows?
    fn repeats(&self) -> bool {
        self.begins.dims.first().is_none_or(|outer| outer.stride == 0)
    }

    /// What of the outputs from `first` on it depends on: equal numbers are equal elements.
    fn place(&self, first: usize) -> usize {
        match self.begins.dims.as_slice() {
            [outer, inner @ ..] if outer.stride == 0 => {
                first % inner.iter().map(|dim| dim.extent).product::<usize>()
            }
            _ => first,
        }
    }
}

/// A call's column plan with what its kernels need.
#[derive(Clone, Copy)]
pub(crate) struct ColumnJob<'r> {
    pub(crate) executable: &'r Executable,
    /// Position of the pass.
    pub(crate) number: usize,
    pub(crate) plan: &'r ColumnPlan,
    pub(crate) uniforms: &'r [u64],
    pub(crate) options: &'r RunOptions<'r>,
}

/// The kernels of 1, 2 and 4 steps.
pub(crate) type Codes<'c> = [Option<&'c Code>; 3];

/// What finishes a tile's outputs, `(first, count)`, given memory that begins with their states, and
/// scratch.
pub(crate) type Finish<'f> =
    dyn FnMut((usize, usize), &mut [u8], &mut [u8]) -> Result<(), RunError> + 'f;

/// Neighbouring outputs that run together.
#[derive(Clone, Copy)]
struct Tile {
    first: usize,
    count: usize,
}

/// One task's share of the work.
struct Columns<'t> {
    job: ColumnJob<'t>,
    codes: Codes<'t>,
    scratch: &'t mut [u8],
    /// Bytes of the back end's own memory at the front of `scratch`.
    own: usize,
    states: &'t mut [u8],
    /// For each input that keeps all its elements: of which outputs.
    kept: SmallVec<[Option<(usize, usize)>; 4]>,
    /// The alive rows: in states, by position, or one that no element reached, by level.
    alive: SmallVec<[Row; 16]>,
    inputs: SmallVec<[*const u8; 16]>,
    outputs: SmallVec<[*mut u8; 16]>,
}

/// A row of states.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Row {
    /// In its place.
    Own,
    /// The one that no element reached, of that level of a block's tree.
    Untouched(usize),
}

impl<'r> ColumnJob<'r> {
    fn compiled(&self) -> &'r CompiledPass {
        &self.executable.passes[self.number]
    }

    fn form(&self, steps: usize) -> ColumnForm {
        ColumnForm { splats: self.plan.splats, steps }
    }

    /// The kernels of 1, 2 and 4 steps that the elements take; none where the pass has no such kernels.
    pub(crate) fn codes(&self) -> Option<Codes<'r>> {
        let len = self.plan.len;
        let rest = match len {
            0 => 0,
            1..LEFT_TO_RIGHT_BELOW => len,
            _ => (len - 1) % FOLD_BLOCK + 1,
        };
        let counts = if len < LEFT_TO_RIGHT_BELOW {
            [len, len, len]
        } else {
            [FOLD_BLOCK.min(len) / ACCUMULATORS, rest / ACCUMULATORS, rest.div_ceil(ACCUMULATORS)]
        };
        let code = |steps: usize| self.executable.column_code(self.number, self.form(steps));
        let mut codes: Codes<'r> = [None; 3];
        for (position, steps) in [1, 2, 4].into_iter().enumerate() {
            let takes = |&count: &usize| if steps == 4 { count >= 4 } else { count & steps != 0 };
            if !counts.iter().any(takes) {
                continue;
            }
            codes[position] = code(steps);
            if codes[position].is_none() {
                return code(1).map(|single| [Some(single), None, None]);
            }
        }
        Some(codes)
    }

    /// Bytes of scratch and of states that a task needs, beside those of the results.
    pub(crate) fn bytes(&self, codes: &Codes<'_>) -> (usize, usize) {
        let row = total_bytes(self.compiled()) * self.plan.tile;
        (self.own_bytes(codes) + self.plan.scratch, row * self.plan.n_rows())
    }

    /// Bytes of the memory of the back end's own, for all kernels that a tile runs.
    fn own_bytes(&self, codes: &Codes<'_>) -> usize {
        let n_folds = self.compiled().folds.len();
        let merges = self.compiled().folds.iter().map(|fold| &fold.merge);
        let finishes = (0..n_folds).map(|fold| self.executable.finish_code(self.number, fold));
        let all = codes.iter().flatten().copied().chain(merges).chain(finishes);
        all.map(|code| code.block.scratch_bytes()).max().unwrap_or(0).next_multiple_of(64)
    }

    /// Runs a run of outputs. `finish` gets each tile's outputs, `(first, count)`, and the states.
    ///
    /// Promised by whoever makes a job: its plan is for the pass's kernel and for memory that outlives
    /// the call, and nothing else uses the outputs of the run meanwhile.
    pub(crate) fn run(
        &self,
        outputs: std::ops::Range<usize>,
        codes: &Codes<'_>,
        (scratch, states): (&mut [u8], &mut [u8]),
        finish: &mut Finish<'_>,
    ) -> Result<(), RunError> {
        let mut columns = self.columns(codes, (scratch, states));
        let row = self.plan.row;
        let (first, end) = (outputs.start, outputs.end);
        let (head, tail) = (end.min(first.next_multiple_of(row)), end / row * row);
        if head > tail {
            return columns.pieces((first, end), 1, finish);
        }
        columns.pieces((first, head), 1, finish)?;
        columns.pieces((head, (head + row).min(tail)), (tail - head) / row, finish)?;
        columns.pieces((tail, end), 1, finish)
    }

    /// Runs a run of blocks of outputs that lie in one row, from where `saved` has got to. `finish` gets
    /// each tile after its last block.
    pub(crate) fn run_blocks(
        &self,
        (outputs, blocks): (std::ops::Range<usize>, std::ops::Range<usize>),
        codes: &Codes<'_>,
        (scratch, states): (&mut [u8], &mut [u8]),
        (saved, finish): (&mut Saved, &mut Finish<'_>),
    ) -> Result<(), RunError> {
        let mut columns = self.columns(codes, (scratch, states));
        let is_last = blocks.end == self.plan.n_blocks();
        let (mut at, mut number) = (outputs.start, 0);
        while at < outputs.end {
            let tile = columns.next_tile((at, outputs.end));
            if number == saved.tiles.len() {
                saved.tiles.push(Vec::new());
            }
            columns.restore(&saved.tiles[number]);
            columns.blocks(tile, blocks.clone())?;
            if is_last {
                columns.close(tile);
                finish((tile.first, tile.count), columns.states, columns.scratch)?;
            } else {
                columns.save(&mut saved.tiles[number]);
            }
            (at, number) = (at + tile.count, number + 1);
        }
        Ok(())
    }

    fn columns<'t>(
        &self,
        codes: &Codes<'t>,
        (scratch, states): (&'t mut [u8], &'t mut [u8]),
    ) -> Columns<'t>
    where
        'r: 't,
    {
        let needed = self.bytes(codes);
        assert!(scratch.len() >= needed.0 && states.len() >= needed.1);
        let mut columns = Columns {
            job: *self,
            codes: *codes,
            scratch,
            own: self.own_bytes(codes),
            states,
            kept: SmallVec::from_elem(None, self.plan.inputs.len()),
            alive: SmallVec::new(),
            inputs: SmallVec::new(),
            outputs: SmallVec::new(),
        };
        columns.prepare_untouched();
        columns
    }
}

/// The rows of states of tiles between two runs of blocks.
#[derive(Debug, Default)]
pub(crate) struct Saved {
    tiles: Vec<Vec<u8>>,
}

impl Columns<'_> {
    /// Runs outputs `from .. end`, which lie in one row, and the same ones of the rows after it.
    fn pieces(
        &mut self,
        (from, end): (usize, usize),
        n_rows: usize,
        finish: &mut Finish<'_>,
    ) -> Result<(), RunError> {
        let plan = self.job.plan;
        let mut at = from;
        while at < end {
            let count = self.next_tile((at, end)).count;
            for row in 0..n_rows {
                let tile = Tile { first: at + row * plan.row, count };
                self.tile(tile)?;
                finish((tile.first, tile.count), self.states, self.scratch)?;
            }
            at += count;
        }
        Ok(())
    }

    /// The tile at the front of outputs of one row.
    fn next_tile(&self, (first, end): (usize, usize)) -> Tile {
        let plan = self.job.plan;
        let in_place = plan.inputs.iter().chain(&plan.outputs).any(|column| column.side_by_side);
        let left = (end - first).min(plan.tile);
        // What is read in place is read by whole granules.
        let cut = in_place && left > GRANULE && !left.is_multiple_of(GRANULE);
        Tile { first, count: if cut { left / GRANULE * GRANULE } else { left } }
    }

    /// Puts the rows of a tile back.
    fn restore(&mut self, saved: &[u8]) {
        self.alive.clear();
        self.alive.resize(saved.len() / self.row_bytes().max(1), Row::Own);
        self.states[..saved.len()].copy_from_slice(saved);
    }

    /// Keeps the rows of a tile: after whole blocks all of them are its own.
    fn save(&self, saved: &mut Vec<u8>) {
        saved.clear();
        saved.extend_from_slice(&self.states[..self.alive.len() * self.row_bytes()]);
    }

    /// Folds all elements of a tile: the states are then in the first row.
    fn tile(&mut self, tile: Tile) -> Result<(), RunError> {
        self.job.options.poll()?;
        self.alive.clear();
        let len = self.job.plan.len;
        if len < LEFT_TO_RIGHT_BELOW {
            self.gather_kept(tile);
            if !self.job.plan.far {
                self.tell_reads(tile, (0, len))?;
            }
            self.alive.push(Row::Own);
            self.steps(tile, (0, 1, len))?;
            return self.tell_wrote(tile, (0, len));
        }
        self.blocks(tile, 0..self.job.plan.n_blocks())?;
        self.close(tile);
        Ok(())
    }

    /// Folds a run of blocks of a tile.
    fn blocks(&mut self, tile: Tile, blocks: std::ops::Range<usize>) -> Result<(), RunError> {
        self.gather_kept(tile);
        let len = self.job.plan.len;
        for block in blocks {
            self.job.options.poll()?;
            let first = block * FOLD_BLOCK;
            let elements = FOLD_BLOCK.min(len - first);
            if !self.job.plan.far {
                self.tell_reads(tile, (first, elements))?;
            }
            for turn in 0..ACCUMULATORS {
                let lane = turn.reverse_bits() >> (usize::BITS - ACCUMULATORS.ilog2());
                if lane < elements {
                    self.alive.push(Row::Own);
                    let count = (elements - lane).div_ceil(ACCUMULATORS);
                    self.steps(tile, (first + lane, ACCUMULATORS, count))?;
                } else {
                    self.alive.push(Row::Untouched(0));
                }
                let mut leaves = block * ACCUMULATORS + turn + 1;
                while leaves.is_multiple_of(2) {
                    self.merge(tile);
                    leaves /= 2;
                }
            }
            self.tell_wrote(tile, (first, elements))?;
        }
        Ok(())
    }

    /// Merges the rows that are left: the states are then in the first.
    fn close(&mut self, tile: Tile) {
        while self.alive.len() > 1 {
            self.merge(tile);
        }
    }

    /// Tells a pager what elements of a tile read.
    fn tell_reads(&self, tile: Tile, elements: (usize, usize)) -> Result<(), RunError> {
        let Some(pager) = self.job.options.pager else { return Ok(()) };
        for Column { begins, steps, .. } in &self.job.plan.inputs {
            let place = (begins.base, begins.form.size);
            spans(&begins.dims, place, (tile.first, tile.count), &mut |outputs| {
                let place = (address_at(outputs.start), outputs.len());
                spans(&steps.dims, place, elements, &mut |span| tell_span(pager, begins, span))
            })?;
        }
        Ok(())
    }

    /// Tells a pager what elements of a tile have written beside the folds' results.
    fn tell_wrote(&self, tile: Tile, elements: (usize, usize)) -> Result<(), RunError> {
        let Some(pager) = self.job.options.pager else { return Ok(()) };
        for Column { begins, steps, .. } in &self.job.plan.outputs {
            let place = (begins.base, begins.form.size);
            exact_spans(&begins.dims, place, (tile.first, tile.count), &mut |outputs| {
                let place = (address_at(outputs.start), outputs.len());
                exact_spans(&steps.dims, place, elements, &mut |span| Ok(pager.wrote(span)?))
            })?;
        }
        pager.passed(tile.count * elements.1);
        Ok(())
    }

    fn row_bytes(&self) -> usize {
        total_bytes(self.job.compiled()) * self.job.plan.tile
    }

    /// Where a row begins: the untouched ones follow the others.
    fn row_at(&self, position: usize, row: Row) -> usize {
        let position = match row {
            Row::Own => position,
            Row::Untouched(level) => self.job.plan.n_rows() - LEVELS + level,
        };
        position * self.row_bytes()
    }

    /// Sets `lanes` lanes of a row to the folds' initial states.
    fn fill(&mut self, at: usize, lanes: usize) {
        let compiled = self.job.compiled();
        for slot in &compiled.slots {
            let from = at + slot.before * self.job.plan.tile;
            fill(&mut self.states[from..][..slot.size * lanes], slot);
        }
    }

    /// The rows that no element reaches, one a level: the first is what every other row begins with.
    fn prepare_untouched(&mut self) {
        let (len, lanes) = (self.job.plan.len, self.job.plan.tile);
        let at = |columns: &Self, level: usize| columns.row_at(0, Row::Untouched(level));
        let first = at(self, 0);
        self.fill(first, lanes);
        let all_reached = (len - 1) % FOLD_BLOCK + 1 >= ACCUMULATORS;
        if len < LEFT_TO_RIGHT_BELOW || all_reached {
            return;
        }
        for level in 1..LEVELS {
            let (from, to) = (at(self, level - 1), at(self, level));
            self.merge_rows((from, from), to, lanes);
        }
    }

    /// Merges the last two rows of the stack.
    fn merge(&mut self, tile: Tile) {
        let (Some(right), Some(left)) = (self.alive.pop(), self.alive.pop()) else { return };
        let position = self.alive.len();
        if let (Row::Untouched(level), Row::Untouched(_)) = (left, right) {
            self.alive.push(Row::Untouched(level + 1));
            return;
        }
        let to = self.row_at(position, Row::Own);
        let from = (self.row_at(position, left), self.row_at(position + 1, right));
        self.merge_rows(from, to, tile.count.next_multiple_of(GRANULE));
        self.alive.push(Row::Own);
    }

    fn merge_rows(&mut self, (left, right): (usize, usize), to: usize, lanes: usize) {
        let compiled = self.job.compiled();
        for fold in &compiled.folds {
            let slots = &compiled.slots[fold.slots.0..fold.slots.1];
            let tile = self.job.plan.tile;
            let places = |row: usize| slots.iter().map(move |slot| row + slot.before * tile);
            let inputs: SmallVec<[usize; 8]> = places(left).chain(places(right)).collect();
            let outputs: SmallVec<[usize; 4]> = places(to).collect();
            let granules = lanes / GRANULE;
            run_streams(&fold.merge, self.states, (&inputs, &outputs), granules, self.scratch);
        }
    }

    /// Gathers the elements of the inputs that keep them all, unless they are there.
    fn gather_kept(&mut self, tile: Tile) {
        let plan = self.job.plan;
        for (number, column) in plan.inputs.iter().enumerate() {
            let in_place = column.side_by_side && tile.count.is_multiple_of(GRANULE);
            let place = (column.place(tile.first), tile.count);
            if column.is_splat || in_place || !column.keeps_all || self.kept[number] == Some(place)
            {
                continue;
            }
            for element in 0..column.n_slots {
                self.gather(column, tile, element, element);
            }
            self.kept[number] = Some(place);
        }
    }

    /// Gathers an element of every output of a tile into a slot of an input.
    fn gather(&mut self, column: &Column, tile: Tile, element: usize, slot: usize) {
        let to = self.slot(column, slot);
        let Access { base, form, .. } = &column.begins;
        let base = base.offset(column.steps.offset(element));
        let padded = tile.count.next_multiple_of(GRANULE);
        assert!(padded * form.size <= column.slot_bytes);
        // SAFETY: the walk over the outputs, from this element's offset on, stays inside the operand,
        // by the job's promise; the slot has room for a tile of whole granules.
        unsafe {
            gather_into(&column.begins, base, (tile.first, tile.count), to);
            pad(to, form.size, tile.count, padded);
        }
    }

    /// Where a slot of an operand begins.
    fn slot(&mut self, column: &Column, slot: usize) -> *mut u8 {
        let at = self.own + column.slot + slot * column.slot_bytes;
        self.scratch[at..at + column.slot_bytes].as_mut_ptr()
    }

    /// Makes the last row of the stack that of `count` elements, at least one, `apart` apart from
    /// `first` on.
    ///
    /// A pager is told here of elements that lie far apart: of all of a block at once, it might let the first go
    /// for the last.
    fn steps(
        &mut self,
        tile: Tile,
        (first, apart, count): (usize, usize, usize),
    ) -> Result<(), RunError> {
        let (mut element, mut left) = (first, count);
        let row = self.row_at(self.alive.len() - 1, Row::Own);
        let mut from = self.row_at(0, Row::Untouched(0));
        while left > 0 {
            let (steps, code) = match self.codes {
                [_, _, Some(code)] if left >= 4 => (4, code),
                [_, Some(code), _] if left >= 2 => (2, code),
                [Some(code), _, _] => (1, code),
                [None, _, _] => return Ok(()),
            };
            if self.job.plan.far {
                for step in 0..steps {
                    self.tell_reads(tile, (element + step * apart, 1))?;
                }
            }
            self.call(code, tile, (element, apart, steps), (from, row));
            from = row;
            element += apart * steps;
            left -= steps;
        }
        Ok(())
    }

    /// One kernel call, from the states of a row to a row: the same, or another.
    fn call(
        &mut self,
        code: &Code,
        tile: Tile,
        (first, apart, steps): (usize, usize, usize),
        (from, to): (usize, usize),
    ) {
        let plan = self.job.plan;
        self.inputs.clear();
        self.outputs.clear();
        for step in 0..steps {
            let element = first + step * apart;
            for column in &plan.inputs {
                let pointer = self.input(column, tile, (element, step));
                self.inputs.push(pointer);
            }
            for column in &plan.outputs {
                let pointer = self.output(column, tile, (element, step));
                self.outputs.push(pointer);
            }
        }
        let compiled = self.job.compiled();
        let lanes = tile.count.next_multiple_of(GRANULE);
        assert!(from.max(to) + self.row_bytes() <= self.states.len() && lanes <= plan.tile);
        let states = self.states.as_mut_ptr();
        for slot in &compiled.slots {
            let at = slot.before * plan.tile;
            self.inputs.push(states.wrapping_add(from + at).cast_const());
            self.outputs.push(states.wrapping_add(to + at));
        }
        assert!(self.inputs.len() == code.kernel.inputs.len());
        assert!(self.outputs.len() == code.kernel.outputs.len());
        let args = KernelArgs {
            inputs: self.inputs.as_ptr(),
            outputs: self.outputs.as_ptr(),
            uniforms: self.job.uniforms.as_ptr().cast_mut(),
            folds: std::ptr::null(),
            scratch: self.scratch.as_mut_ptr(),
            first_index: 0,
            granules: (lanes / GRANULE) as u64,
            tail: 0,
            hints: Hints::default(),
        };
        // SAFETY: streams hold whole granules: a slot or a row of states by its length, what is read
        // or written in place since the tile is of whole granules then; a splat points at an element.
        // States are read and written in one row or in two; outputs share memory with inputs only as
        // `crate::overlap` allows. The uniforms are written, and `run` only reads them.
        unsafe { code.block.run(&args) };
        self.scatter(tile, (first, apart, steps));
    }

    /// Where the kernel finds an element of every output of the tile.
    fn input(&mut self, column: &Column, tile: Tile, (element, step): (usize, usize)) -> *const u8 {
        let in_place = column.side_by_side && tile.count.is_multiple_of(GRANULE);
        let plain_splat = column.is_splat && column.is_plain();
        if in_place || plain_splat {
            let begin = column.begins.element(tile.first);
            return begin.offset(column.steps.offset(element)).0;
        }
        if column.keeps_all {
            return self.slot(column, if column.n_slots == 1 { 0 } else { element });
        }
        let count = if column.is_splat { 1 } else { tile.count };
        if column.is_splat {
            return self.gathered_splat(column, tile, (element, step));
        }
        self.gather(column, Tile { count, ..tile }, element, step);
        self.slot(column, step)
    }

    /// One element that does not lie in memory as kernels read it.
    fn gathered_splat(
        &mut self,
        column: &Column,
        tile: Tile,
        (element, step): (usize, usize),
    ) -> *const u8 {
        let to = self.slot(column, step);
        let Access { base, form, .. } = &column.begins;
        let base = base.offset(column.steps.offset(element));
        assert!(form.size <= column.slot_bytes);
        // SAFETY: the element is the operand's, by the job's promise; the slot has room for it.
        unsafe { gather_into(&column.begins, base, (tile.first, 1), to) };
        to
    }

    /// Where the kernel writes an element of every output of the tile.
    fn output(&mut self, column: &Column, tile: Tile, (element, step): (usize, usize)) -> *mut u8 {
        if column.side_by_side && tile.count.is_multiple_of(GRANULE) {
            let begin = column.begins.element(tile.first);
            return begin.offset(column.steps.offset(element)).0;
        }
        self.slot(column, step)
    }

    /// Copies the outputs that were not written in place to where they belong.
    fn scatter(&mut self, tile: Tile, (first, apart, steps): (usize, usize, usize)) {
        let plan = self.job.plan;
        for column in &plan.outputs {
            if column.side_by_side && tile.count.is_multiple_of(GRANULE) {
                continue;
            }
            for step in 0..steps {
                let from = self.slot(column, step).cast_const();
                let Access { base, dims, form, .. } = &column.begins;
                let base = base.offset(column.steps.offset(first + step * apart)).0;
                // SAFETY: the walk over the outputs, from this element's offset on, stays inside the
                // output, which is this task's; the slot holds the tile's elements.
                unsafe { unpack((base, dims, *form), tile.first, tile.count, from) };
            }
        }
    }
}
