//! The conformance suite on PTX: every case of [`crate::kernels`] by every entry that a pass has, each
//! launched with parameters of the test's own, against [`crate::direct`].
//!
//! ```text
//! Case ─▶ a program of one pass ─▶ emit ─▶ parse ─▶ launch on the strict interpreter ─▶ compare
//! ```
//!
//! | module | |
//! |---|---|
//! | `arguments` | operands in simulated memory, words of parameters |
//! | `loops` | cases without folds: `vector`, `contiguous`, `strided` |
//! | `folds` | cases with folds: `fold_*`, `merge`, `finish` |
//! | `expected` | the states that folds leave |
//!
//! This does without the runtime: what is tested is that text and parameter lists mean what
//! `fuse_ir::device` says.

mod arguments;
mod expected;
mod folds;
mod loops;

use fuse_ir::device::{Entry, IndexWidth, Loads, ModuleOptions, THREADS};
use fuse_ir::{DeviceError, Dim, Kernel, Lane, Mem, Pass, Program, Sink, VerifiedKernel};
use rustc_hash::FxHashSet;

use crate::case::{Case, raw_element};
use crate::compare::same_modulo_nan;
use crate::conformance::LENGTHS;
use crate::direct::{self, Outcome};
use crate::kernels::all_cases;
use crate::ptx::{self, Memory, Module};
use crate::random::Random;

use arguments::Arguments;

/// Blocks of threads of a launch: few, so that loops over the grid go round.
const GRID: u32 = 2;
/// Bytes of simulated memory.
const MEMORY: u64 = 1 << 28;

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
    /// The entries that were launched.
    pub entries: FxHashSet<Entry>,
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
    run_cases(&cases, &|case, options| fuse_ptx::emit(&program_of(case, &case.kernel), options))
}

/// Emits a case, changes the text by `spoil`, and runs each entry on so many elements that `random` makes.
///
/// # Errors
/// What is wrong: the text, a launch, or a bit.
pub fn check_text(
    case: &Case,
    options: ModuleOptions,
    spoil: &dyn Fn(String) -> String,
    n: usize,
    random: &mut Random,
) -> Result<(), String> {
    let program = program_of(case, &case.kernel);
    let text = spoil(fuse_ptx::emit(&program, options).map_err(|error| error.to_string())?);
    ptx::scan(&text)?;
    let module = ptx::parse(&text).map_err(|error| format!("{error}\n{text}"))?;
    let (pass, memory) = (&program.passes[0], Memory::new(MEMORY));
    Rig { case, pass, module: &module, memory, launches: Vec::new() }.check(n, random)
}

/// What makes a case's text.
type Emit<'e> = &'e dyn Fn(&Case, ModuleOptions) -> Result<String, DeviceError>;

/// Runs some cases on the texts that are made of them.
fn run_cases(cases: &[Case], emit: Emit<'_>) -> PtxReport {
    let mut report = PtxReport::default();
    for case in cases {
        for options in OPTIONS {
            let shares = !case.in_place.is_empty();
            if shares && options.loads == Loads::NonCoherent {
                continue;
            }
            if let Err(finding) = check_case(case, options, emit, &mut report) {
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
    emit: Emit<'_>,
    report: &mut PtxReport,
) -> Result<(), String> {
    let program = program_of(case, &case.kernel);
    let text = emit(case, options).map_err(|error| error.to_string())?;
    ptx::scan(&text)?;
    let module = ptx::parse(&text).map_err(|error| format!("{error}\n{text}"))?;
    report.modules += 1;
    let mut random = Random::new(case.name.bytes().map(u64::from).sum());
    for &n in if options == OPTIONS[0] { LENGTHS } else { FEW_LENGTHS } {
        let (pass, memory) = (&program.passes[0], Memory::new(MEMORY));
        let mut rig = Rig { case, pass, module: &module, memory, launches: Vec::new() };
        let found = rig.check(n, &mut random);
        found.map_err(|finding| format!("{n} elements: {finding}"))?;
        report.launches += rig.launches.len();
        report.entries.extend(rig.launches);
    }
    Ok(())
}

/// A pass over three axes with a kernel that takes and gives what the case's does; folds reduce the last
/// two of them.
fn program_of(case: &Case, kernel: &VerifiedKernel) -> Program {
    assert_eq!(kernel.inputs, case.kernel.inputs);
    let kernel = kernel.clone();
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

/// A case's module, and memory to launch it on.
struct Rig<'c> {
    case: &'c Case,
    pass: &'c Pass,
    module: &'c Module,
    memory: Memory,
    launches: Vec<Entry>,
}

impl<'c> Rig<'c> {
    fn check(&mut self, n: usize, random: &mut Random) -> Result<(), String> {
        if self.kernel().folds.is_empty() {
            self.check_loops(n, random)
        } else {
            self.check_folds(n, random)
        }
    }

    fn kernel(&self) -> &'c Kernel {
        self.case.kernel.kernel()
    }

    /// What the case gives for `n` elements of these inputs.
    fn outcome(&self, inputs: &[Vec<u8>], n: usize) -> Outcome {
        direct::outcome(self.kernel(), &self.case.scalars, inputs, n, self.case.first_index)
    }

    fn launch(&mut self, entry: Entry, arguments: &Arguments, grid: u32) -> Result<(), String> {
        let (params, n_inputs) = (entry.params(self.pass), self.kernel().inputs.len());
        let words: Vec<u64> =
            params.into_iter().map(|param| arguments.word(param, n_inputs)).collect();
        let symbol = entry.symbol(0);
        ptx::launch(self.module, &symbol, grid, THREADS, &words, &mut self.memory)
            .map_err(|error| format!("{symbol}: {error}"))?;
        self.launches.push(entry);
        Ok(())
    }

    /// Runs the uniform region; the address of its results.
    fn uniforms(&mut self, expected: &[u64]) -> Result<u64, String> {
        let lanes: Vec<Lane> = self.kernel().uniform.result_lanes().collect();
        if lanes.is_empty() {
            return Ok(0);
        }
        let case = self.case;
        let scalars = case.scalars.iter().map(|bits| self.placed(&bits.to_le_bytes())).collect();
        let uniforms = self.alloc(8 * lanes.len());
        let arguments = Arguments { uniforms, scalars, ..Arguments::default() };
        self.launch(Entry::Uniform, &arguments, 1)?;
        for (position, (&lane, &expected)) in lanes.iter().zip(expected).enumerate() {
            let got = self.read(uniforms + 8 * position as u64, lane.mem());
            if !same_modulo_nan(lane, expected, got) {
                return Err(differ(&format!("uniform {position}"), expected, got));
            }
        }
        Ok(uniforms)
    }

    fn read(&self, address: u64, mem: Mem) -> u64 {
        let mut bytes = vec![0; mem.size()];
        self.memory.read(address, &mut bytes).expect("it was written");
        raw_element(&bytes, mem, 0)
    }
}

fn differ(place: &str, expected: u64, got: u64) -> String {
    format!("{place}: expected {expected:#x}, got {got:#x}")
}

#[cfg(test)]
mod tests {
    use fuse_ir::{Node, Prim, Region, Scalar, ValueId, verify};

    use super::*;
    use crate::conformance::cases_with;

    #[test]
    fn ptx_conforms() {
        let report = ptx_conformance();
        let shown: Vec<&String> = report.failures.iter().take(3).collect();
        assert!(shown.is_empty(), "{} failures; {shown:#?}", report.failures.len());
        println!("{} launches of {} modules", report.launches, report.modules);
        if std::env::var("FUSE_CONFORMANCE").is_err() {
            assert!(report.launches > 10_000, "{} launches", report.launches);
            let missing: Vec<&Entry> =
                Entry::ALL.iter().filter(|entry| !report.entries.contains(entry)).collect();
            assert!(missing.is_empty(), "no case launches {missing:?}");
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
            let emit =
                |case: &Case, options| fuse_ptx::emit(&program_of(case, &case.kernel), options);
            let spoiled = |case: &Case, options| Ok(emit(case, options)?.replace(right, wrong));
            let holds =
                |case: &&Case| emit(case, OPTIONS[0]).is_ok_and(|text| text.contains(right));
            let found = cases.iter().filter(holds).any(|case| fails(case, &spoiled));
            assert!(found, "{right} as {wrong} passes");
        }
    }

    fn fails(case: &Case, emit: Emit<'_>) -> bool {
        !run_cases(std::slice::from_ref(case), emit).failures.is_empty()
    }

    /// A back end that takes one primitive for another is found out, whichever it is.
    #[test]
    fn mistaken_primitives_do_not_conform() {
        for &prim in Prim::ALL {
            let emit = |case: &Case, options| {
                let kernel = mistaken(case.kernel.kernel(), prim);
                let kernel = verify(kernel).expect("lanes are as they were");
                fuse_ptx::emit(&program_of(case, &kernel), options)
            };
            let found = cases_with(prim).iter().any(|case| fails(case, &emit));
            assert!(found, "{} can be taken for another", prim.mnemonic());
        }
    }

    /// The kernel with another primitive in the place of this one, or zero where no other takes and gives
    /// the same lanes.
    fn mistaken(kernel: &Kernel, prim: Prim) -> Kernel {
        let mut kernel = kernel.clone();
        let folds = kernel.folds.iter_mut();
        let folds = folds.flat_map(|fold| [&mut fold.step, &mut fold.merge, &mut fold.finish]);
        let regions = kernel.regions.iter_mut().chain([&mut kernel.uniform, &mut kernel.lane]);
        for region in regions.chain(folds) {
            for at in 0..region.nodes.len() {
                let Node::Prim(own, args) = region.nodes[at] else { continue };
                if own == prim {
                    region.nodes[at] = other_node(region, prim, args, region.lanes[at]);
                }
            }
        }
        kernel
    }

    fn other_node(region: &Region, prim: Prim, args: [ValueId; 3], result: Lane) -> Node {
        let lanes: Vec<Lane> = args[..prim.arity()].iter().map(|&arg| region.lane(arg)).collect();
        let fits = |other: &&Prim| **other != prim && other.signature().accepts(&lanes, result);
        match Prim::ALL.iter().find(fits) {
            Some(&other) => Node::Prim(other, args),
            None => Node::Const(Scalar { lane: result, bits: 0 }),
        }
    }
}
