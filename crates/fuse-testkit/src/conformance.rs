//! The conformance suite: every case of [`crate::kernels`] on one back end, over lengths around the
//! edges of granules and blocks, arrays against both fences and misaligned.
//!
//! A case stops at its first failure. `FUSE_CONFORMANCE=name` runs the cases whose name holds
//! `name`; `FUSE_TRACE=file` writes each case's name to the file before it runs, for crashes that
//! leave no report.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use fuse_ir::{BlockKernel, CodegenError, HostBackend, InputClass, Kernel, Lane, Prim};

use crate::case::{Case, raw_element};
use crate::compare::same_modulo_nan;
use crate::direct::{self, Outcome};
use crate::dispatch::{Dispatcher, Form, Layout, MemoryPool, Run};
use crate::fence::Placement;
use crate::kernels::all_cases;
use crate::random::Random;
use crate::report::{Failure, Refusal, Report};

/// Around the edges of granules of 32 and blocks of 1024.
pub const LENGTHS: &[usize] = &[0, 1, 31, 32, 33, 1023, 1025, 3 * 1024 + 2];

/// Both fences and both forms; the offset of the last is varied with the case.
const LAYOUTS: &[Layout] = &[
    Layout { placement: Placement::Back, form: Form::Split },
    Layout { placement: Placement::Front, form: Form::Packed },
    Layout { placement: Placement::Misaligned(1), form: Form::Split },
];

/// Every so many cases one is run by several threads at once as well.
const CONCURRENT_STEP: usize = 25;

/// Runs the whole suite on a back end.
pub fn conformance(backend: &dyn HostBackend) -> Report {
    let filter = std::env::var("FUSE_CONFORMANCE").unwrap_or_default();
    let cases: Vec<Case> =
        all_cases().into_iter().filter(|case| case.name.contains(&filter)).collect();
    let mut report = run_cases(backend, &cases, usize::MAX);
    for case in cases.iter().rev().step_by(CONCURRENT_STEP) {
        run_concurrently(backend, case, &mut report);
    }
    report
}

/// Runs some cases, up to that many failures.
pub fn run_cases(backend: &dyn HostBackend, cases: &[Case], most_failures: usize) -> Report {
    let mut report = Report::new(backend.name());
    let mut memory = MemoryPool::default();
    for case in cases {
        if report.failures.len() >= most_failures {
            break;
        }
        run_case(backend, case, &mut memory, &mut report);
    }
    report
}

/// The cases whose kernel holds a primitive.
pub fn cases_with(prim: Prim) -> Vec<Case> {
    let holds = |kernel: &Kernel| {
        let nodes = |region: &fuse_ir::Region| {
            region.nodes.iter().any(|node| matches!(node, fuse_ir::Node::Prim(p, _) if *p == prim))
        };
        kernel.all_regions().any(|(_, region)| nodes(region))
    };
    all_cases().into_iter().filter(|case| holds(&case.kernel)).collect()
}

fn run_case(backend: &dyn HostBackend, case: &Case, memory: &mut MemoryPool, report: &mut Report) {
    trace(&case.name);
    let failed = |setting: String, finding: String| Failure {
        case: case.name.clone(),
        setting,
        finding,
        kernel: case.kernel.to_string(),
        repeat: format!("FUSE_CONFORMANCE='{}' cargo test conformance", case.name),
    };
    let compiled = match compile(backend, case, report) {
        Ok(Some(compiled)) => compiled,
        Ok(None) => return,
        Err(reason) => return report.failures.push(failed("compiling".to_string(), reason)),
    };
    let mut random = Random::new(case.name.bytes().map(u64::from).sum());
    for &n in LENGTHS {
        let inputs = case.make_inputs(n, &mut random);
        let expected = direct::outcome(&case.kernel, &case.scalars, &inputs, n, case.first_index);
        for &layout in LAYOUTS {
            let layout = varied(layout, &mut random);
            let run = Dispatcher::new(case, compiled.clone(), memory, layout).run(&inputs, n);
            report.count(&case.kernel, n);
            if let Some(finding) = difference(case, &inputs, &expected, &run) {
                return report.failures.push(failed(format!("{n} elements, {layout:?}"), finding));
            }
        }
    }
}

/// Compiles a case's kernel. What is not supported is counted as refused; any other error is a
/// finding, and so is a panic.
pub(crate) fn compile(
    backend: &dyn HostBackend,
    case: &Case,
    report: &mut Report,
) -> Result<Option<Arc<dyn BlockKernel>>, String> {
    match catch_unwind(AssertUnwindSafe(|| backend.compile(&case.kernel))) {
        Ok(Ok(compiled)) => {
            report.n_kernels += 1;
            Ok(Some(compiled))
        }
        Ok(Err(error @ CodegenError::Unsupported { .. })) => {
            let reason = error.to_string();
            report.refusals.push(Refusal { case: case.name.clone(), reason });
            Ok(None)
        }
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("the compiler panicked".to_string()),
    }
}

/// One compiled kernel run by four threads at once, each on memory of its own: a kernel is shared.
fn run_concurrently(backend: &dyn HostBackend, case: &Case, report: &mut Report) {
    let Ok(Some(compiled)) = compile(backend, case, report) else { return };
    let findings: Vec<Option<String>> = std::thread::scope(|scope| {
        let start = |seed| {
            let compiled = compiled.clone();
            scope.spawn(move || concurrent_run(case, &compiled, seed))
        };
        let threads: Vec<_> = (0..4).map(start).collect();
        let join = |thread: std::thread::ScopedJoinHandle<'_, _>| match thread.join() {
            Ok(finding) => finding,
            Err(_) => Some("a thread panicked".to_string()),
        };
        threads.into_iter().map(join).collect()
    });
    if let Some(finding) = findings.into_iter().flatten().next() {
        report.failures.push(Failure {
            case: case.name.clone(),
            setting: "four threads".to_string(),
            finding,
            kernel: case.kernel.to_string(),
            repeat: format!("FUSE_CONFORMANCE='{}' cargo test conformance", case.name),
        });
    }
}

fn concurrent_run(case: &Case, compiled: &Arc<dyn BlockKernel>, seed: u64) -> Option<String> {
    let n = 1025;
    let inputs = case.make_inputs(n, &mut Random::new(seed));
    let expected = direct::outcome(&case.kernel, &case.scalars, &inputs, n, case.first_index);
    let mut memory = MemoryPool::default();
    let layout = Layout { placement: Placement::Back, form: Form::Split };
    (0..8).find_map(|_| {
        let run = Dispatcher::new(case, compiled.clone(), &mut memory, layout).run(&inputs, n);
        difference(case, &inputs, &expected, &run)
    })
}

/// Misalignments 1 to 63, so that every one is met over the suite.
pub(crate) fn varied(layout: Layout, random: &mut Random) -> Layout {
    match layout.placement {
        Placement::Front | Placement::Back => layout,
        Placement::Misaligned(_) => {
            let form = random.pick(&[Form::Split, Form::Packed]);
            Layout { placement: Placement::Misaligned(1 + random.below(63)), form }
        }
    }
}

fn trace(name: &str) {
    use std::io::Write;
    let Ok(path) = std::env::var("FUSE_TRACE") else { return };
    let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
    let written = file.and_then(|mut file| writeln!(file, "{name}"));
    assert!(written.is_ok(), "FUSE_TRACE names a file that can be written");
}

/// The first difference between what a run gave and what it should have given.
pub(crate) fn difference(
    case: &Case,
    inputs: &[Vec<u8>],
    expected: &Outcome,
    run: &Run,
) -> Option<String> {
    if let Some(damage) = run.damage.first() {
        return Some(damage.clone());
    }
    let got = &run.outcome;
    uniform_difference(case, expected, got)
        .or_else(|| output_difference(case, inputs, expected, got))
        .or_else(|| fold_difference(case, expected, got))
}

fn uniform_difference(case: &Case, expected: &Outcome, got: &Outcome) -> Option<String> {
    let lanes: Vec<Lane> = case.kernel.uniform.result_lanes().collect();
    let differs =
        |&slot: &usize| !same_modulo_nan(lanes[slot], expected.uniforms[slot], got.uniforms[slot]);
    let slot = (0..lanes.len()).find(differs)?;
    Some(format!(
        "uniform result {slot} of scalars {:#x?}: expected {:#x}, got {:#x}",
        case.scalars, expected.uniforms[slot], got.uniforms[slot]
    ))
}

/// Stored values are compared bit by bit: stored NaNs are canonical.
fn output_difference(
    case: &Case,
    inputs: &[Vec<u8>],
    expected: &Outcome,
    got: &Outcome,
) -> Option<String> {
    for (output, (expected, got)) in expected.outputs.iter().zip(&got.outputs).enumerate() {
        let wrong: Vec<usize> = (0..expected.len()).filter(|&i| expected[i] != got[i]).collect();
        if let Some(&first) = wrong.first() {
            return Some(format!(
                "output {output}, element {first} (and {} more of {}): expected {:#x}, got {:#x}\n\
                 inputs of that element: {}; scalars: {:#x?}",
                wrong.len() - 1,
                expected.len(),
                expected[first],
                got[first],
                element_inputs(case, inputs, first),
                case.scalars,
            ));
        }
    }
    None
}

fn element_inputs(case: &Case, inputs: &[Vec<u8>], element: usize) -> String {
    let shown = case.kernel.inputs.iter().zip(inputs).map(|(input, bytes)| {
        let element = if input.class == InputClass::Splat { 0 } else { element };
        format!("{} {:#x}", input.mem, raw_element(bytes, input.mem, element))
    });
    shown.collect::<Vec<_>>().join(", ")
}

fn fold_difference(case: &Case, expected: &Outcome, got: &Outcome) -> Option<String> {
    let lanes = crate::states::lanes(&case.kernel);
    for (block, (expected, got)) in expected.folds.iter().zip(&got.folds).enumerate() {
        for (slot, &lane) in lanes.iter().enumerate() {
            for (accumulator, (&expected, &got)) in
                expected[slot].iter().zip(&got[slot]).enumerate()
            {
                if !same_modulo_nan(lane, expected, got) {
                    return Some(format!(
                        "block {block}, state slot {slot}, accumulator {accumulator}: \
                         expected {expected:#x}, got {got:#x}"
                    ));
                }
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use fuse_ir::interp::Interpreter;

    use super::*;

    #[test]
    fn the_interpreter_conforms_and_every_primitive_is_covered() {
        let report = conformance(&Interpreter);
        report.assert();
        if std::env::var("FUSE_CONFORMANCE").is_err() {
            assert_eq!(report.uncovered(), []);
        }
    }
}
