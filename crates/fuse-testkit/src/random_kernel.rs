//! Seeded random kernels, and a back end compared with the interpreter on them.
//!
//! Every primitive, lane, constant and construct may meet every other: 10 to 60 nodes (now and then
//! up to 300) over one to five inputs, some results in place, a uniform region, tables, `rare`, `repeat` and folds now and then. Operands are taken
//! by preference from values that nothing reads yet, so that little is dead. A value of a lane that
//! is not there yet is made by a constant or a conversion.
//!
//! Which NaN an operation returns is unspecified inside a kernel, so a bit cast from a float takes
//! its argument through `select(x = x, x, 1)`.

use std::ops::Range;
use std::sync::Arc;

use fuse_ir::interp::Interpreter;
use fuse_ir::{
    BlockKernel, Control, Fold, HostBackend, InputClass, Kernel, Lane, OperandInput, OperandOutput,
    Prim, Region, RegionId, Scalar, StateSlot, Table, ValueId,
};

use crate::assemble::Assembler;
use crate::case::{Case, Fill};
use crate::conformance::{compile, difference, varied};
use crate::dispatch::{Dispatcher, Form, Layout, MemoryPool};
use crate::fence::Placement;
use crate::random::Random;
use crate::report::{Failure, Report};

/// Most outputs of a random kernel.
const MOST_OUTPUTS: usize = 6;

/// Runs a random kernel for each seed on a back end and on the interpreter. `FUSE_SEED=n` runs that
/// seed alone.
///
/// # Panics
/// When `FUSE_SEED` is not a number.
pub fn differential(backend: &dyn HostBackend, seeds: Range<u64>) -> Report {
    let seeds = match std::env::var("FUSE_SEED") {
        Ok(seed) => {
            let seed: u64 = seed.parse().expect("FUSE_SEED is a number");
            seed..seed + 1
        }
        Err(_) => seeds,
    };
    let mut report = Report::new(backend.name());
    let mut memory = MemoryPool::default();
    for seed in seeds {
        if let Err(failure) = compare(backend, seed, &mut memory, &mut report) {
            report.failures.push(*failure);
        }
    }
    report
}

fn compare(
    backend: &dyn HostBackend,
    seed: u64,
    memory: &mut MemoryPool,
    report: &mut Report,
) -> Result<(), Box<Failure>> {
    let case = random_case(seed);
    let failed = |setting: String, finding: String| {
        Box::new(Failure {
            case: case.name.clone(),
            setting,
            finding,
            kernel: case.kernel.to_string(),
            repeat: format!("FUSE_SEED={seed} cargo test differential"),
        })
    };
    let compiled =
        compile(backend, &case, report).map_err(|reason| failed("compiling".into(), reason))?;
    let Some(compiled) = compiled else { return Ok(()) };
    let mut random = Random::new(seed ^ 0x5eed);
    for length in [70, 1100] {
        let n = 1 + random.below(length);
        let checked = run_alike(&case, &compiled, n, &mut random, memory);
        report.count(&case.kernel, n);
        checked.map_err(|(setting, finding)| failed(setting, finding))?;
    }
    Ok(())
}

/// Does a case's compiled kernel give what the interpreter gives, for `n` elements that `random` makes, in
/// some layout?
///
/// # Errors
/// The setting, and what differs.
pub fn run_alike(
    case: &Case,
    compiled: &Arc<dyn BlockKernel>,
    n: usize,
    random: &mut Random,
    memory: &mut MemoryPool,
) -> Result<(), (String, String)> {
    let oracle = Interpreter.compile(&case.kernel).expect("the interpreter takes every kernel");
    let inputs = case.make_inputs(n, random);
    let plain = Layout { placement: Placement::Back, form: Form::Packed };
    let expected = Dispatcher::new(case, oracle, memory, plain).run(&inputs, n);
    let layout = varied(Layout { placement: Placement::Misaligned(1), form: Form::Split }, random);
    let run = Dispatcher::new(case, Arc::clone(compiled), memory, layout).run(&inputs, n);
    let finding = difference(case, &inputs, &expected.outcome, &run);
    finding.map_or(Ok(()), |finding| Err((format!("{n} elements, {layout:?}"), finding)))
}

/// The random kernel of a seed.
pub fn random_case(seed: u64) -> Case {
    random_case_from(&mut Random::new(seed), format!("random {seed}"))
}

/// The random kernel that a generator chooses.
pub fn random_case_from(random: &mut Random, name: String) -> Case {
    let mut kernel = Kernel::default();
    for _ in 0..random.below(3) {
        let lane = random.pick(Lane::ALL);
        let entries = (0..1 << random.below(7)).map(|_| random.operand(lane)).collect();
        kernel.tables.push(Table { lane, entries });
    }
    for _ in 0..random.below(4) {
        let region = closed_region(&kernel, random);
        kernel.regions.push(region);
    }
    let scalars = uniform_region(&mut kernel, random);
    for _ in 0..1 + random.below(5) {
        let class = if random.percent(80) { InputClass::Stream } else { InputClass::Splat };
        kernel.inputs.push(OperandInput { mem: random.pick(Lane::ALL).mem(), class });
    }
    for _ in 0..[0, 0, 0, 1, 1, 2][random.below(6)] {
        let fold = random_fold(&kernel, random);
        kernel.folds.push(fold);
    }
    lane_region(&mut kernel, random);
    let finite = random.percent(30);
    let fill = if finite { Fill::Finite } else { Fill::Special };
    let fills = vec![fill; kernel.inputs.len()];
    let mut case = Case::new(name, kernel).with_scalars(&scalars);
    case.fills = fills;
    case.first_index = random.operand(Lane::I64);
    if random.percent(20) {
        case.in_place = shared_memory(&case.kernel);
    }
    case
}

/// Each output over the first stream of its element size that no other output took.
fn shared_memory(kernel: &Kernel) -> Vec<(usize, usize)> {
    let mut pairs: Vec<(usize, usize)> = Vec::new();
    for (index, output) in kernel.outputs.iter().enumerate() {
        let fits = |&(number, input): &(usize, &OperandInput)| {
            input.class == InputClass::Stream
                && input.mem.size() == output.mem.size()
                && pairs.iter().all(|&(_, taken)| taken != number)
        };
        if let Some((number, _)) = kernel.inputs.iter().enumerate().find(fits) {
            pairs.push((index, number));
        }
    }
    pairs
}

fn lanes(random: &mut Random, range: Range<usize>) -> Vec<Lane> {
    let n = range.start + random.below(range.len());
    (0..n).map(|_| random.pick(Lane::ALL)).collect()
}

/// What a random `rare` or `repeat` can call. Half of them have the form that `repeat` needs.
fn closed_region(kernel: &Kernel, random: &mut Random) -> Region {
    let params = lanes(random, 1..4);
    let mut growth = Growth::new(kernel, &params, Position::None);
    growth.grow(random, 2..12);
    let mut results = if random.percent(50) { params } else { lanes(random, 1..4) };
    results.push(Lane::Mask);
    growth.finish(random, &results)
}

/// Sets the uniform region and returns its scalars.
fn uniform_region(kernel: &mut Kernel, random: &mut Random) -> Vec<u64> {
    if random.percent(60) {
        return vec![];
    }
    let params = lanes(random, 1..3);
    let mut growth = Growth::new(kernel, &params, Position::None);
    growth.grow(random, 0..8);
    let results = lanes(random, 1..4);
    let region = growth.finish(random, &results);
    kernel.uniform = region;
    params.iter().map(|&lane| random.operand(lane)).collect()
}

fn random_fold(kernel: &Kernel, random: &mut Random) -> Fold {
    let state = lanes(random, 1..3);
    let args = lanes(random, 0..3);
    let mut growth = Growth::new(kernel, &[state.clone(), args].concat(), Position::None);
    growth.grow(random, 1..6);
    let step = growth.finish(random, &state);
    let init = |&lane: &Lane| StateSlot { init: Scalar { lane, bits: random.operand(lane) } };
    let identity = |params: &[Lane]| {
        let code = Assembler::new(params);
        let kept = code.params()[..state.len()].to_vec();
        code.finish(&kept)
    };
    Fold {
        state: state.iter().map(init).collect(),
        step,
        merge: identity(&[state.as_slice(), &state].concat()),
        finish: identity(&state),
    }
}

fn lane_region(kernel: &mut Kernel, random: &mut Random) {
    let inputs = kernel.inputs.iter().map(|input| input.mem.lane());
    let params: Vec<Lane> = inputs.chain(kernel.uniform.result_lanes()).collect();
    let mut growth = Growth::new(kernel, &params, Position::Known);
    let nodes = if random.percent(5) { 100..300 } else { 10..60 };
    growth.grow(random, nodes);
    let fold_args: Vec<ValueId> = kernel
        .folds
        .iter()
        .flat_map(|fold| &fold.step.params[fold.state.len()..])
        .map(|&lane| growth.operand(random, lane))
        .collect();
    let stored = growth.unread(random);
    let code = growth.code;
    let output = |&value| OperandOutput { mem: code.lane(value).mem(), never_nan: false };
    kernel.outputs = stored.iter().map(output).collect();
    kernel.lane = code.finish(&[stored, fold_args].concat());
}

/// May a region ask for the position of its lane?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Position {
    Known,
    None,
}

/// A region that grows node by node; it may call every closed region the kernel has so far.
struct Growth<'a> {
    kernel: &'a Kernel,
    code: Assembler,
    position: Position,
    /// For each value, whether something reads it.
    read: Vec<bool>,
}

impl<'a> Growth<'a> {
    fn new(kernel: &'a Kernel, params: &[Lane], position: Position) -> Growth<'a> {
        Growth { kernel, code: Assembler::new(params), position, read: vec![] }
    }

    fn grow(&mut self, random: &mut Random, nodes: Range<usize>) {
        let target = nodes.start + random.below(nodes.len());
        while self.code.values().count() < target {
            match random.below(20) {
                0 if !self.kernel.regions.is_empty() => self.control(random),
                1 if !self.kernel.tables.is_empty() => self.lookup(random),
                _ => self.prim(random),
            }
        }
    }

    fn prim(&mut self, random: &mut Random) {
        let prim = random.pick(Prim::ALL);
        if prim == Prim::LaneIndex && self.position == Position::None {
            return;
        }
        let instances = prim.signature().instances();
        let (lanes, result) = &instances[random.below(instances.len())];
        let mut args: Vec<ValueId> = lanes.iter().map(|&lane| self.operand(random, lane)).collect();
        if prim == Prim::Bitcast && lanes[0].is_float() {
            args[0] = self.without_nan(args[0]);
        }
        self.code.prim_to(prim, &args, *result);
    }

    fn lookup(&mut self, random: &mut Random) {
        let index_lane = random.pick(&[Lane::I32, Lane::I64]);
        let index = self.operand(random, index_lane);
        let table = random.below(self.kernel.tables.len());
        self.code.lookup(table, self.kernel.tables[table].lane, index);
    }

    fn control(&mut self, random: &mut Random) {
        let number = random.below(self.kernel.regions.len());
        let region = &self.kernel.regions[number];
        let mut results: Vec<Lane> = region.result_lanes().collect();
        let args: Vec<ValueId> =
            region.params.iter().map(|&lane| self.operand(random, lane)).collect();
        let number = RegionId::new(number);
        let repeats = results.split_last().is_some_and(|(_, state)| state == region.params);
        let control = if repeats && random.percent(60) {
            results.pop();
            let at_most = random.pick(&[1, 2, 3, 8]);
            Control::Repeat { at_most, region: number, init: args }
        } else {
            let mask = self.operand(random, Lane::Mask);
            let otherwise = results.iter().map(|&lane| self.operand(random, lane)).collect();
            Control::Rare { mask, region: number, args, otherwise }
        };
        self.code.control(control, &results);
    }

    /// `x` where it is a number, 1 elsewhere.
    fn without_nan(&mut self, x: ValueId) -> ValueId {
        let one = self.code.constant(Scalar::float(self.code.lane(x), 1.0));
        let is_number = self.code.prim(Prim::FEq, &[x, x]);
        self.code.prim(Prim::Select, &[is_number, x, one])
    }

    /// A value of this lane: mostly one that nothing reads yet, now and then a constant.
    fn operand(&mut self, random: &mut Random, lane: Lane) -> ValueId {
        let code = &self.code;
        let mut choices: Vec<ValueId> =
            code.values().filter(|&value| code.lane(value) == lane).collect();
        if choices.is_empty() || random.percent(12) {
            let bits = random.operand(lane);
            return self.code.constant(Scalar { lane, bits });
        }
        self.read.resize(self.code.values().count(), false);
        if random.percent(80) && choices.iter().any(|value| !self.read[value.index()]) {
            choices.retain(|value| !self.read[value.index()]);
        }
        let value = random.pick(&choices);
        self.read[value.index()] = true;
        value
    }

    /// Up to [`MOST_OUTPUTS`] values that nothing reads, late ones first; at least one value.
    fn unread(&mut self, random: &mut Random) -> Vec<ValueId> {
        self.read.resize(self.code.values().count(), false);
        let values: Vec<ValueId> = self.code.values().collect();
        let unread = values.iter().rev().filter(|value| !self.read[value.index()]);
        let unread: Vec<ValueId> = unread.take(MOST_OUTPUTS).copied().collect();
        if unread.is_empty() { vec![random.pick(&values)] } else { unread }
    }

    fn finish(mut self, random: &mut Random, results: &[Lane]) -> Region {
        let results: Vec<ValueId> =
            results.iter().map(|&lane| self.operand(random, lane)).collect();
        self.code.finish(&results)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::direct;

    #[test]
    fn differential_of_the_interpreter_with_itself_passes_and_meets_every_primitive() {
        let report = differential(&Interpreter, 0..300);
        report.assert();
        if std::env::var("FUSE_SEED").is_err() {
            assert_eq!(report.uncovered(), [], "{}", report.histogram());
        }
    }

    #[test]
    fn the_interpreter_equals_direct_evaluation_on_random_kernels() {
        let mut memory = MemoryPool::default();
        let layout = Layout { placement: Placement::Front, form: Form::Packed };
        for seed in 1000..1400 {
            let case = random_case(seed);
            let inputs = case.make_inputs(67, &mut Random::new(seed));
            let expected =
                direct::outcome(&case.kernel, &case.scalars, &inputs, 67, case.first_index);
            let compiled = Interpreter.compile(&case.kernel).expect("takes every kernel");
            let run = Dispatcher::new(&case, compiled, &mut memory, layout).run(&inputs, 67);
            let finding = difference(&case, &inputs, &expected, &run);
            assert_eq!(finding, None, "seed {seed}\n{}", case.kernel.kernel());
        }
    }

    /// Size, and how much of a kernel its results depend on.
    #[test]
    fn random_kernels_are_large_and_mostly_alive() {
        let mut sizes = Vec::new();
        let mut alive_percent = 0;
        for seed in 0..500 {
            let case = random_case(seed);
            let region = &case.kernel.lane;
            let mut alive = vec![false; region.nodes.len()];
            region.results.iter().for_each(|value| alive[value.index()] = true);
            for (value, node) in region.iter().collect::<Vec<_>>().into_iter().rev() {
                if !alive[value.index()] {
                    continue;
                }
                node.args().iter().for_each(|arg| alive[arg.index()] = true);
                if let fuse_ir::Node::Result { control, .. } = node {
                    let operands = region.controls[control as usize].operands();
                    operands.for_each(|arg| alive[arg.index()] = true);
                }
            }
            let n_alive = alive.iter().filter(|&&alive| alive).count();
            alive_percent += 100 * n_alive / alive.len();
            sizes.push(n_alive);
            let text = case.kernel.to_string();
            assert_eq!(fuse_ir::parse_kernel(&text).as_ref(), Ok(case.kernel.kernel()));
        }
        sizes.sort_unstable();
        assert!(sizes[250] >= 15, "median of live nodes is {}", sizes[250]);
        assert!(alive_percent / 500 >= 40, "{} % of nodes live", alive_percent / 500);
    }
}
