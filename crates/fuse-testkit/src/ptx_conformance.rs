//! The conformance suite on PTX: every case of [`crate::kernels`] by every entry that a pass has, each
//! launched with parameters of the test's own, against [`crate::direct`].
//!
//! ```text
//! Case ─▶ a program of one pass ─▶ emit ─▶ parse ─▶ launch on the strict interpreter ─▶ compare
//! vector, contiguous    contiguous arrays, aligned; one element beyond alignment
//! strided               three dimensions, permuted, with gaps, backwards
//! fold_*, merge, finish three outputs; their elements in two dimensions
//! ```
//!
//! This does without the runtime: what is tested is that text and parameter lists mean what
//! `fuse_ir::device` says. Merges are expected as `docs/numerics.md` states them: lanes k and k + 16,
//! then 8, 4, 2, 1; blocks as a binary counter.

use fuse_ir::device::{
    Entry, IndexWidth, Loads, ModuleOptions, Param, Walk, divisor, result_sinks,
};
use fuse_ir::{Dim, FOLD_BLOCK, Fold, GRANULE, InputClass, Kernel, Lane, Mem, Pass, Program, Sink};

use crate::case::{Case, load_element, raw_element};
use crate::compare::{is_nan, same_modulo_nan};
use crate::conformance::LENGTHS;
use crate::direct::{self, Outcome, eval_region};
use crate::kernels::all_cases;
use crate::ptx::{self, Memory, Module};
use crate::random::Random;

/// Blocks of threads of a launch: few, so that loops over the grid go round.
const GRID: u32 = 2;
/// Outputs of the folds.
const OUTPUTS: usize = 3;
/// Bytes of simulated memory.
const MEMORY: u64 = 1 << 28;
/// Fewer elements than this are folded left to right.
const LEFT_TO_RIGHT_BELOW: usize = 8;

/// Every combination of index width and loads.
const OPTIONS: [ModuleOptions; 4] = [
    ModuleOptions { index: IndexWidth::W32, loads: Loads::NonCoherent },
    ModuleOptions { index: IndexWidth::W32, loads: Loads::Coherent },
    ModuleOptions { index: IndexWidth::W64, loads: Loads::NonCoherent },
    ModuleOptions { index: IndexWidth::W64, loads: Loads::Coherent },
];

/// The lengths of all but the first of these.
const FEW_LENGTHS: &[usize] = &[1, 33, 1025];

/// What the suite found.
#[derive(Debug, Default)]
pub struct PtxReport {
    /// Launches that gave what they should.
    pub launches: usize,
    /// Modules that were emitted and parsed.
    pub modules: usize,
    /// What went wrong, with the case and the setting.
    pub failures: Vec<String>,
}

/// Runs the whole suite. `FUSE_CONFORMANCE=name` runs the cases whose name holds `name`.
pub fn ptx_conformance() -> PtxReport {
    let filter = std::env::var("FUSE_CONFORMANCE").unwrap_or_default();
    let cases: Vec<Case> =
        all_cases().into_iter().filter(|case| case.name.contains(&filter)).collect();
    run_cases(&cases, &str::to_string)
}

/// Runs some cases on texts that pass through `spoil` first.
fn run_cases(cases: &[Case], spoil: &dyn Fn(&str) -> String) -> PtxReport {
    let mut report = PtxReport::default();
    for case in cases {
        for options in OPTIONS {
            let shares = !case.in_place.is_empty();
            if shares && options.loads == Loads::NonCoherent {
                continue;
            }
            if let Err(finding) = check_case(case, options, spoil, &mut report) {
                let kernel = case.kernel.kernel();
                report.failures.push(format!("{}, {options:?}: {finding}\n{kernel}", case.name));
                break;
            }
        }
    }
    report
}

fn check_case(
    case: &Case,
    options: ModuleOptions,
    spoil: &dyn Fn(&str) -> String,
    report: &mut PtxReport,
) -> Result<(), String> {
    let program = program_of(case);
    let text = fuse_ptx::emit(&program, options).map_err(|error| error.to_string())?;
    let text = spoil(&text);
    ptx::scan(&text)?;
    let module = ptx::parse(&text).map_err(|error| format!("{error}\n{text}"))?;
    report.modules += 1;
    let mut random = Random::new(case.name.bytes().map(u64::from).sum());
    let pass = &program.passes[0];
    for &n in if options == OPTIONS[0] { LENGTHS } else { FEW_LENGTHS } {
        let memory = Memory::new(MEMORY);
        let mut rig = Rig { case, pass, module: &module, memory, launches: 0 };
        let found = if pass.kernel.folds.is_empty() {
            rig.check_loops(n, &mut random)
        } else {
            rig.check_folds(n, &mut random)
        };
        found.map_err(|finding| format!("{n} elements: {finding}"))?;
        report.launches += rig.launches;
    }
    Ok(())
}

/// A pass over three axes; folds reduce the last two of them.
fn program_of(case: &Case) -> Program {
    let kernel = case.kernel.clone();
    let has_folds = !kernel.folds.is_empty();
    let results = kernel.folds.iter().map(|fold| {
        (0..fold.finish.results.len()).map(|_| vec![Sink::Result(0)]).collect::<Vec<_>>()
    });
    let pass = Pass {
        space: (0..3).map(Dim::Symbol).collect(),
        reduced: if has_folds { [1, 2].into_iter().collect() } else { Default::default() },
        folds: results.collect(),
        kernel,
        scalars: Vec::new(),
        operands: Vec::new(),
        outputs: Vec::new(),
    };
    Program { passes: vec![pass], ..Program::default() }
}

/// Where the elements of an operand lie: extents and byte strides of one walk after the other.
#[derive(Clone, Debug)]
struct Placed {
    /// The address of the first element.
    address: u64,
    strides: Vec<i64>,
    extents: Vec<usize>,
}

impl Placed {
    /// The address of an element by its C-order index.
    fn element(&self, mut index: usize) -> u64 {
        let mut address = self.address;
        for (&stride, &extent) in self.strides.iter().zip(&self.extents).rev() {
            let step = i64::try_from(index % extent).expect("small");
            address = address.wrapping_add_signed(step * stride);
            index /= extent;
        }
        address
    }
}

/// What a launch's parameters are taken from.
#[derive(Default)]
struct Arguments {
    len: usize,
    first: u64,
    outputs: usize,
    blocks: usize,
    uniforms: u64,
    scalars: Vec<u64>,
    /// Inputs, then outputs.
    operands: Vec<Placed>,
    /// Extents of the outer walk, then of the reduced one.
    extents: [Vec<usize>; 2],
    states: Vec<u64>,
    merged: Vec<u64>,
    sinks: Vec<(u64, u64)>,
}

struct Rig<'c> {
    case: &'c Case,
    pass: &'c Pass,
    module: &'c Module,
    memory: Memory,
    launches: usize,
}

impl Rig<'_> {
    fn kernel(&self) -> &Kernel {
        &self.case.kernel
    }

    fn launch(&mut self, entry: Entry, arguments: &Arguments, grid: u32) -> Result<(), String> {
        let params = entry.params(self.pass);
        let n_inputs = self.kernel().inputs.len();
        let words: Vec<u64> =
            params.into_iter().map(|param| word(param, arguments, n_inputs)).collect();
        let symbol = entry.symbol(0);
        let threads = fuse_ir::device::THREADS;
        ptx::launch(self.module, &symbol, grid, threads, &words, &mut self.memory)
            .map_err(|error| format!("{symbol}: {error}"))?;
        self.launches += 1;
        Ok(())
    }

    /// Memory that holds these bytes.
    fn placed(&mut self, bytes: &[u8]) -> u64 {
        let address = self.memory.alloc(bytes.len().max(1) as u64).expect("memory is left");
        self.memory.write(address, bytes).expect("just allocated");
        address
    }

    fn read(&self, address: u64, mem: Mem) -> u64 {
        let mut bytes = vec![0; mem.size()];
        self.memory.read(address, &mut bytes).expect("it was written");
        raw_element(&bytes, mem, 0)
    }

    /// Runs the uniform region; the address of its results.
    fn uniforms(&mut self, expected: &[u64]) -> Result<u64, String> {
        let lanes: Vec<Lane> = self.kernel().uniform.result_lanes().collect();
        if lanes.is_empty() {
            return Ok(0);
        }
        let scalars: Vec<u64> = self.case.scalars.clone();
        let scalars = scalars.iter().map(|bits| self.placed(&bits.to_le_bytes())).collect();
        let uniforms = self.memory.alloc(8 * lanes.len() as u64).expect("memory is left");
        let arguments = Arguments { uniforms, scalars, ..Arguments::default() };
        self.launch(Entry::Uniform, &arguments, 1)?;
        for (position, (&lane, &expected)) in lanes.iter().zip(expected).enumerate() {
            let got = self.read(uniforms + 8 * position as u64, lane.mem());
            if !same_modulo_nan(lane, expected, got) {
                let found = format!("uniform {position}: expected {expected:#x}, got {got:#x}");
                return Err(found);
            }
        }
        Ok(uniforms)
    }

    /// A case without folds.
    fn check_loops(&mut self, n: usize, random: &mut Random) -> Result<(), String> {
        if n == 0 {
            return Ok(());
        }
        let inputs = self.case.make_inputs(n, random);
        let (kernel, first) = (self.case.kernel.clone(), self.case.first_index);
        let expected = direct::outcome(&kernel, &self.case.scalars, &inputs, n, first);
        let uniforms = self.uniforms(&expected.uniforms)?;
        let entries = [Entry::Vector, Entry::Contiguous, Entry::Strided];
        for entry in entries.into_iter().filter(|entry| entry.exists(self.pass)) {
            let extents = if entry == Entry::Strided { three_factors(n) } else { vec![n] };
            let gap = usize::from(entry == Entry::Contiguous);
            let mut operands = Vec::new();
            for (input, bytes) in kernel.inputs.iter().zip(&inputs) {
                operands.push(match (input.class, entry) {
                    (InputClass::Stream, Entry::Strided) => {
                        self.scattered(bytes, input.mem, &extents)
                    }
                    (InputClass::Stream, _) => self.contiguous(bytes, input.mem, gap),
                    (InputClass::Splat, _) => self.splat(bytes, extents.len()),
                });
            }
            for (position, output) in kernel.outputs.iter().enumerate() {
                let shared = self.case.in_place.iter().find(|(shared, _)| *shared == position);
                let blank = vec![0xc3; n * output.mem.size()];
                operands.push(match (shared, entry) {
                    (Some(&(_, input)), _) => operands[input].clone(),
                    (None, Entry::Strided) => self.scattered(&blank, output.mem, &extents),
                    (None, _) => self.contiguous(&blank, output.mem, gap),
                });
            }
            let mut arguments = Arguments { len: n, first, uniforms, ..Arguments::default() };
            arguments.extents[0] = extents;
            arguments.operands = operands;
            self.launch(entry, &arguments, GRID)?;
            self.compare_outputs(entry, &arguments, &expected)?;
        }
        Ok(())
    }

    fn compare_outputs(
        &self,
        entry: Entry,
        arguments: &Arguments,
        expected: &Outcome,
    ) -> Result<(), String> {
        let placed = &arguments.operands[self.kernel().inputs.len()..];
        for (number, (output, placed)) in self.kernel().outputs.iter().zip(placed).enumerate() {
            for (index, &expected) in expected.outputs[number].iter().enumerate() {
                let got = self.read(placed.element(index), output.mem);
                if got != expected {
                    return Err(format!(
                        "{}: output {number}, element {index}: expected {expected:#x}, got {got:#x}",
                        entry.form()
                    ));
                }
            }
        }
        Ok(())
    }

    /// Elements side by side, behind `gap` more of them.
    fn contiguous(&mut self, bytes: &[u8], mem: Mem, gap: usize) -> Placed {
        let skipped = gap * mem.size();
        let address = self.placed(&[&vec![0xa5; skipped], bytes].concat()) + skipped as u64;
        let (stride, len) = (mem.size() as i64, bytes.len() / mem.size());
        Placed { address, strides: vec![stride], extents: vec![len] }
    }

    fn splat(&mut self, bytes: &[u8], rank: usize) -> Placed {
        let address = self.placed(bytes);
        Placed { address, strides: vec![0; rank], extents: vec![1; rank] }
    }

    /// Elements in dimensions whose order in memory is another, with gaps, the last one backwards.
    fn scattered(&mut self, bytes: &[u8], mem: Mem, extents: &[usize]) -> Placed {
        let mut strides = vec![0; extents.len()];
        let mut step = 3 * mem.size() as i64;
        let mut backwards = 0;
        // The first dimension is innermost in memory.
        for (dim, &extent) in extents.iter().enumerate() {
            let is_last = dim + 1 == extents.len();
            strides[dim] = if is_last { -step } else { step };
            backwards = step * (extent as i64 - 1);
            step *= extent as i64;
        }
        let start = self.placed(&vec![0xa5; usize::try_from(step).expect("small")]);
        let address = start.wrapping_add_signed(backwards);
        let placed = Placed { address, strides, extents: extents.to_vec() };
        for index in 0..bytes.len() / mem.size() {
            let element = &bytes[index * mem.size()..][..mem.size()];
            self.memory.write(placed.element(index), element).expect("inside");
        }
        placed
    }

    /// A case with folds: three outputs of `n` elements each.
    fn check_folds(&mut self, n: usize, random: &mut Random) -> Result<(), String> {
        let inputs: Vec<Vec<Vec<u8>>> =
            (0..OUTPUTS).map(|_| self.case.make_inputs(n, random)).collect();
        let (kernel, first) = (self.case.kernel.clone(), self.case.first_index);
        let outcome =
            |inputs: &Vec<Vec<u8>>| direct::outcome(&kernel, &self.case.scalars, inputs, n, first);
        let expected: Vec<Outcome> = inputs.iter().map(outcome).collect();
        let uniforms = self.uniforms(&expected[0].uniforms)?;
        let blocks = n.div_ceil(FOLD_BLOCK).max(1);
        let is_short = n < LEFT_TO_RIGHT_BELOW;
        let entries: &[Entry] =
            if is_short { &[Entry::FoldShort] } else { &[Entry::FoldLanes, Entry::FoldOutputs] };
        for &entry in entries.iter().filter(|entry| entry.exists(self.pass)) {
            let mut arguments =
                Arguments { len: n, first, uniforms, blocks, ..Arguments::default() };
            arguments.outputs = OUTPUTS;
            arguments.extents = [vec![OUTPUTS], two_factors(n)];
            arguments.operands = self.fold_operands(&inputs, n, &arguments.extents[1]);
            arguments.states = self.state_arrays(blocks);
            self.launch(entry, &arguments, 1)?;
            self.compare_fold_outputs(entry, &arguments, &expected)?;
            let states: Vec<Vec<Vec<u64>>> = (0..OUTPUTS)
                .map(|output| {
                    if is_short {
                        let own = &inputs[output];
                        vec![left_to_right(&kernel, own, &expected[output].uniforms, n, first)]
                    } else {
                        expected[output]
                            .folds
                            .iter()
                            .map(|block| merged_lanes(&kernel, block))
                            .collect()
                    }
                })
                .collect();
            self.compare_states(entry, &arguments, &states)?;
            self.check_ends(arguments, &states)?;
        }
        Ok(())
    }

    /// Operands of three outputs, whose elements lie in two dimensions.
    fn fold_operands(
        &mut self,
        inputs: &[Vec<Vec<u8>>],
        n: usize,
        reduced: &[usize],
    ) -> Vec<Placed> {
        let kernel = self.case.kernel.clone();
        let extents = [&[OUTPUTS], reduced].concat();
        let mut operands = Vec::new();
        for (number, input) in kernel.inputs.iter().enumerate() {
            let all: Vec<u8> = inputs.iter().flat_map(|own| own[number].clone()).collect();
            operands.push(match input.class {
                InputClass::Stream => self.scattered(&all, input.mem, &extents),
                InputClass::Splat => {
                    let (address, stride) = (self.placed(&all), input.mem.size() as i64);
                    let strides = [vec![stride], vec![0; reduced.len()]].concat();
                    Placed { address, strides, extents: extents.clone() }
                }
            });
        }
        for output in &kernel.outputs {
            let blank = vec![0xc3; OUTPUTS * n * output.mem.size()];
            operands.push(self.scattered(&blank, output.mem, &extents));
        }
        operands
    }

    fn compare_fold_outputs(
        &self,
        entry: Entry,
        arguments: &Arguments,
        expected: &[Outcome],
    ) -> Result<(), String> {
        let mut all = Outcome::default();
        for number in 0..self.kernel().outputs.len() {
            all.outputs.push(expected.iter().flat_map(|one| one.outputs[number].clone()).collect());
        }
        self.compare_outputs(entry, arguments, &all)
    }

    /// The lane of every state slot.
    fn slots(&self) -> Vec<Lane> {
        let slots = self.kernel().folds.iter().flat_map(|fold| &fold.state);
        slots.map(|slot| slot.init.lane).collect()
    }

    fn state_arrays(&mut self, blocks: usize) -> Vec<u64> {
        let bytes = |lane: Lane| (OUTPUTS * blocks * lane.mem().size()) as u64;
        let sizes: Vec<u64> = self.slots().into_iter().map(bytes).collect();
        sizes.into_iter().map(|bytes| self.memory.alloc(bytes).expect("memory is left")).collect()
    }

    /// Compares states by output, block and slot.
    fn compare_states(
        &self,
        entry: Entry,
        arguments: &Arguments,
        expected: &[Vec<Vec<u64>>],
    ) -> Result<(), String> {
        for (output, blocks) in expected.iter().enumerate() {
            for (block, state) in blocks.iter().enumerate() {
                for (slot, (&lane, &expected)) in self.slots().iter().zip(state).enumerate() {
                    let place = (output * blocks.len() + block) * lane.mem().size();
                    let got = self.read(arguments.states[slot] + place as u64, lane.mem());
                    if !same_modulo_nan(lane, expected, got) {
                        return Err(format!(
                            "{}: output {output}, block {block}, slot {slot}: \
                             expected {expected:#x}, got {got:#x}",
                            entry.form()
                        ));
                    }
                }
            }
        }
        Ok(())
    }

    /// Merges states until each output has one, and finishes them.
    fn check_ends(
        &mut self,
        mut arguments: Arguments,
        states: &[Vec<Vec<u64>>],
    ) -> Result<(), String> {
        let kernel = self.case.kernel.clone();
        while arguments.blocks > 1 {
            let runs = arguments.blocks.div_ceil(GRANULE);
            arguments.merged = self.state_arrays(runs);
            self.launch(Entry::Merge, &arguments, 1)?;
            arguments.states = std::mem::take(&mut arguments.merged);
            arguments.blocks = runs;
        }
        let ends: Vec<Vec<u64>> =
            states.iter().map(|blocks| binary_counter(&kernel, blocks)).collect();
        let one_each: Vec<Vec<Vec<u64>>> = ends.iter().map(|state| vec![state.clone()]).collect();
        self.compare_states(Entry::Merge, &arguments, &one_each)?;
        let sinks = result_sinks(self.pass);
        for (fold, result, _) in &sinks {
            let finish = &kernel.folds[*fold].finish;
            let size = 2 * finish.lane(finish.results[*result]).mem().size() as u64;
            let address = self.memory.alloc(OUTPUTS as u64 * size).expect("memory is left");
            arguments.sinks.push((address, size));
        }
        self.launch(Entry::Finish, &arguments, 1)?;
        for (output, state) in ends.iter().enumerate() {
            for ((fold, result, _), &(address, stride)) in sinks.iter().zip(&arguments.sinks) {
                let region = &kernel.folds[*fold].finish;
                let values = eval_region(&kernel, region, own(&kernel, *fold, state), 0);
                let lane = region.lane(region.results[*result]);
                let expected = canonical(lane, values[*result]);
                let got = self.read(address + output as u64 * stride, lane.mem());
                if got != expected {
                    return Err(format!(
                        "finish: output {output}, fold {fold}, result {result}: \
                         expected {expected:#x}, got {got:#x}"
                    ));
                }
            }
        }
        Ok(())
    }
}

/// The word of a parameter.
fn word(param: Param, arguments: &Arguments, n_inputs: usize) -> u64 {
    let walk_of = |walk: Walk| match walk {
        Walk::Outer => &arguments.extents[0],
        Walk::Reduced => &arguments.extents[1],
    };
    // A walk of fewer dimensions than the pass has is given outer ones of extent 1.
    let extent = |walk: Walk, dim: u32| walk_of(walk)[dim as usize] as u64;
    match param {
        Param::Len => arguments.len as u64,
        Param::First => arguments.first,
        Param::Outputs => arguments.outputs as u64,
        Param::Blocks => arguments.blocks as u64,
        Param::Uniforms => arguments.uniforms,
        Param::Scalar(position) => arguments.scalars[position as usize],
        Param::Input(position) => arguments.operands[position as usize].address,
        Param::Output(position) => arguments.operands[n_inputs + position as usize].address,
        Param::State(slot) => arguments.states[slot as usize],
        Param::Merged(slot) => arguments.merged[slot as usize],
        Param::Sink(sink) => arguments.sinks[sink as usize].0,
        Param::SinkStride(sink) => arguments.sinks[sink as usize].1,
        Param::Extent(walk, dim) => extent(walk, dim),
        Param::Divisor(walk, dim) => divisor(extent(walk, dim)),
        Param::Stride(walk, operand, dim) => {
            let before = match walk {
                Walk::Outer => 0,
                Walk::Reduced => arguments.extents[0].len(),
            };
            arguments.operands[operand as usize].strides[before + dim as usize].cast_unsigned()
        }
    }
}

/// Two extents with this product, the second one small; no elements are 1 × 1.
fn two_factors(n: usize) -> Vec<usize> {
    let n = n.max(1);
    let small = (2..n).find(|d| n.is_multiple_of(*d) && d * d <= n).unwrap_or(1);
    vec![n / small, small]
}

/// Three extents with this product.
fn three_factors(n: usize) -> Vec<usize> {
    let [rest, inner] = two_factors(n)[..] else { unreachable!("two") };
    let [outer, middle] = two_factors(rest)[..] else { unreachable!("two") };
    vec![middle, outer, inner]
}

/// What belongs to a fold in a state of all folds.
fn own<'s>(kernel: &Kernel, fold: usize, state: &'s [u64]) -> &'s [u64] {
    let before: usize = kernel.folds[..fold].iter().map(|fold| fold.state.len()).sum();
    &state[before..before + kernel.folds[fold].state.len()]
}

fn merge(kernel: &Kernel, left: &[u64], right: &[u64]) -> Vec<u64> {
    let merge_fold = |(number, fold): (usize, &Fold)| {
        let params = [own(kernel, number, left), own(kernel, number, right)].concat();
        eval_region(kernel, &fold.merge, &params, 0)
    };
    kernel.folds.iter().enumerate().flat_map(merge_fold).collect()
}

/// The state of a block from its 32 accumulators.
fn merged_lanes(kernel: &Kernel, block: &[direct::Accumulators]) -> Vec<u64> {
    let state = |lane: usize| block.iter().map(|slot| slot[lane]).collect::<Vec<u64>>();
    let mut states: Vec<Vec<u64>> = (0..GRANULE).map(state).collect();
    for width in [16, 8, 4, 2, 1] {
        states = (0..width).map(|k| merge(kernel, &states[k], &states[k + width])).collect();
    }
    states.swap_remove(0)
}

/// Aligned runs of blocks as perfect trees; left-over runs from the right.
fn binary_counter(kernel: &Kernel, blocks: &[Vec<u64>]) -> Vec<u64> {
    let mut runs: Vec<(usize, Vec<u64>)> = Vec::new();
    for block in blocks {
        let mut run = (1, block.clone());
        while runs.last().is_some_and(|last| last.0 == run.0) {
            let (len, left) = runs.pop().expect("there is a last");
            run = (2 * len, merge(kernel, &left, &run.1));
        }
        runs.push(run);
    }
    let mut state = runs.pop().expect("at least one block").1;
    while let Some((_, left)) = runs.pop() {
        state = merge(kernel, &left, &state);
    }
    state
}

/// One state, element by element.
fn left_to_right(
    kernel: &Kernel,
    inputs: &[Vec<u8>],
    uniforms: &[u64],
    n: usize,
    first: u64,
) -> Vec<u64> {
    let slots = kernel.folds.iter().flat_map(|fold| &fold.state);
    let mut state: Vec<u64> = slots.map(|slot| slot.init.bits).collect();
    for element in 0..n {
        let loads = kernel.inputs.iter().zip(inputs).map(|(input, bytes)| match input.class {
            InputClass::Stream => load_element(bytes, input.mem, element),
            InputClass::Splat => load_element(bytes, input.mem, 0),
        });
        let params: Vec<u64> = loads.chain(uniforms.iter().copied()).collect();
        let index = first.wrapping_add(element as u64);
        let results = eval_region(kernel, &kernel.lane, &params, index);
        let (mut args, mut next) = (&results[kernel.outputs.len()..], Vec::new());
        for (number, fold) in kernel.folds.iter().enumerate() {
            let (own_args, rest) = args.split_at(fold.n_args());
            args = rest;
            let params = [own(kernel, number, &state), own_args].concat();
            next.extend(eval_region(kernel, &fold.step, &params, 0));
        }
        state = next;
    }
    state
}

/// The bits that are stored as a result.
fn canonical(lane: Lane, bits: u64) -> u64 {
    match lane {
        Lane::F64 if is_nan(lane, bits) => fuse_ir::CANONICAL_NAN_F64,
        Lane::F32 if is_nan(lane, bits) => fuse_ir::CANONICAL_NAN_F32,
        Lane::Mask | Lane::I8 | Lane::I16 | Lane::I32 | Lane::I64 | Lane::F32 | Lane::F64 => bits,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extents_have_the_product_and_few_are_1() {
        for n in [1, 31, 32, 33, 1023, 1025, 3074] {
            assert_eq!(three_factors(n).iter().product::<usize>(), n, "{n}");
            assert_eq!(two_factors(n).iter().product::<usize>(), n, "{n}");
        }
        assert_eq!((three_factors(1023), two_factors(3074)), (vec![11, 31, 3], vec![1537, 2]));
    }

    #[test]
    fn ptx_conforms() {
        let report = ptx_conformance();
        let shown: Vec<&String> = report.failures.iter().take(3).collect();
        assert!(shown.is_empty(), "{} failures; {shown:#?}", report.failures.len());
        if std::env::var("FUSE_CONFORMANCE").is_err() {
            assert!(report.launches > 10_000, "{} launches", report.launches);
        }
    }

    /// Texts with one thing wrong in every place that has it are found out: by the scan, the parser, a hard
    /// error or a wrong bit.
    #[test]
    fn spoiled_texts_do_not_conform() {
        let wrongs = [
            ("add.rn.f64", "sub.rn.f64"),
            ("fma.rn.f32 ", "fma.f32 "),
            ("cvt.rni.f64.f64", "cvt.rzi.f64.f64"),
            ("selp.b64 ", "mov.b64 "),
            (", 0d7FF8000000000000, ", ", 0d7FF8000000000001, "),
            (", 16;\nL", ", 8;\nL"),
            ("brev.b32", "mov.b32"),
            ("clz.b32", "mov.b32"),
            ("setp.lt.u32", "setp.le.u32"),
            ("bfe.u32", "bfi.b32"),
            ("shr.s32", "shr.u32"),
            (".nc.v2.", ".v4."),
            ("ld.global.nc.f64", "ld.global.nc.f32"),
        ];
        let cases = all_cases();
        for (right, wrong) in wrongs {
            let spoil = |text: &str| text.replace(right, wrong);
            let holds = |case: &&Case| {
                let text = fuse_ptx::emit(&program_of(case), OPTIONS[0]).expect("few operands");
                text.contains(right)
            };
            let found = cases.iter().filter(holds).any(|case| {
                let report = run_cases(std::slice::from_ref(case), &spoil);
                !report.failures.is_empty()
            });
            assert!(found, "{right} as {wrong} passes");
        }
    }
}
