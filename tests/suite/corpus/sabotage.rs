//! The corpus notices faults of the optimizer: each rule in turn negates what it rewrites, and some
//! case must give another value.

use std::sync::Arc;

use fuse_compile::opt::{OptConfig, RULES, RuleName, optimize_with};
use fuse_compile::{Compiled, lower};
use fuse_ir::HostBackend;
use fuse_ir::interp::Interpreter;
use fuse_runtime::{Array, Executable, Layout, Operand, RunOptions, View};

use super::compare::difference;
use super::coverage::compiled_cases;
use super::format::{Case, Data, Expect, Role};

fn operand<'a>(role: Role, data: &Data, bytes: &'a [u8]) -> Operand<'a> {
    if role != Role::Array {
        return Operand::Scalar(data.scalar());
    }
    let strides = fuse_ir::contiguous_strides(&data.shape, data.dtype.size());
    let order = fuse_ir::ByteOrder::Native;
    let layout = Layout { dtype: data.dtype, order, extents: &data.shape, strides: &strides };
    Operand::Array(View::from_bytes(bytes, &layout, 0).expect("the bytes hold the array"))
}

/// What the case gives when a rule is faulty.
fn sabotaged(case: &Case, compiled: &Compiled, rule: RuleName) -> Option<Vec<Array>> {
    let config = OptConfig { mode: case.mode, sabotaged: Some(rule), ..OptConfig::default() };
    let (graph, _) = optimize_with(&compiled.graph, config);
    let backend: Arc<dyn HostBackend> = Arc::new(Interpreter);
    let executable = Executable::compile(Arc::new(lower::lower(&graph)), &backend);
    let bytes: Vec<Vec<u8>> = case.inputs.iter().map(|(_, _, data)| data.bytes()).collect();
    let named = |name: &str| case.inputs.iter().position(|(known, _, _)| known == name);
    let inputs = executable.program().inputs.iter().map(|input| {
        let position = named(&input.name).expect("the program's inputs are the case's");
        let (_, role, data) = &case.inputs[position];
        operand(*role, data, &bytes[position])
    });
    let inputs: Vec<Operand<'_>> = inputs.collect();
    executable.run_alloc(&inputs, &RunOptions::default()).ok()
}

#[test]
fn a_fault_in_any_rule_of_the_optimizer_fails_a_case() {
    let cases = compiled_cases();
    for rule in RULES {
        let rule = rule.rule;
        let fires = |(_, compiled): &&(Case, Compiled)| compiled.report.count(rule) > 0;
        let fails = |(case, compiled): &(Case, Compiled)| {
            let Expect::Values(expected) = &case.expect else { return false };
            let differs = |(expected, got): (&Data, &Array)| {
                difference(expected, case.ulp, &expected.bits_of(got.as_bytes())).is_some()
            };
            sabotaged(case, compiled, rule).is_none_or(|got| expected.iter().zip(&got).any(differs))
        };
        assert!(cases.iter().filter(fires).any(fails), "no case notices a fault in {rule}");
    }
}
