//! Compiling generated formulas and running them with operands of any layout: for the targets, and for the suite of
//! random formulas.

use std::sync::{Arc, OnceLock};

use fuse::{Engine, Mode};
use fuse_compile::{Compiled, Options, Variable};
use fuse_ir::interp::Interpreter;
use fuse_ir::{HostBackend, InputType, Program, ProgramInput, Strength};
use fuse_runtime::{
    Array, Executable, Layout, Operand as Given, RunOptions, ScalarValue, Threads, Tuning, View,
};
use fuse_syntax::{Ast, SyntaxLimits};
use fuse_testkit::formulas::Operand;

/// Every loop is cut into tasks, which run in any order.
pub(crate) fn cut() -> Tuning {
    Tuning { inline_below: Some(0), shuffle: Some(1), stream_above: Some(0), ..Tuning::default() }
}

/// Calls that can go the short way do, and what is compiled for calls that often go it is.
pub(crate) fn short() -> Tuning {
    Tuning { ends_after: Some(0), ..Tuning::default() }
}

/// The tree of a generated formula.
pub(crate) fn parsed(text: &str) -> Ast {
    fuse_syntax::parse(text, &SyntaxLimits::default()).expect("it is well formed")
}

/// The names of operands: `v0`, `v1`, …
pub fn names(operands: &[Operand]) -> Vec<String> {
    (0..operands.len()).map(|index| format!("v{index}")).collect()
}

/// What the compiler is told of operands.
pub fn variables<'n>(names: &'n [String], operands: &[Operand]) -> Vec<Variable<'n>> {
    let variables = names.iter().zip(operands);
    variables.map(|(name, operand)| fuse_compile::variable(name, type_of(operand))).collect()
}

/// The type of an operand.
pub fn type_of(operand: &Operand) -> InputType {
    if operand.is_scalar {
        return InputType::scalar(operand.dtype, Strength::Strong);
    }
    InputType::array(operand.dtype, &operand.extents)
}

/// What compiling depends on, in a mode.
pub fn options(mode: Mode) -> Options {
    Options { mode, ..Options::default() }
}

/// A generated formula, compiled; none where the compiler refuses it.
pub(crate) fn compiled(text: &str, operands: &[Operand], mode: Mode) -> Option<Compiled> {
    let names = names(operands);
    fuse_compile::compile(&parsed(text), &variables(&names, operands), options(mode)).ok()
}

/// The program on the interpreter.
pub(crate) fn interpreted(program: &Arc<Program>) -> Executable {
    let interpreter: Arc<dyn HostBackend> = Arc::new(Interpreter);
    Executable::compile(Arc::clone(program), &interpreter)
}

/// The results, in new arrays; or why there are none.
pub(crate) fn run(
    executable: &Executable,
    operands: &[Operand],
    threads: Threads<'_>,
    tuning: Tuning,
) -> Result<Vec<Array>, String> {
    let inputs = inputs_of(executable.program(), operands);
    let options = RunOptions { threads, tuning, ..RunOptions::default() };
    executable.run_alloc(&inputs, &options).map_err(|error| error.to_string())
}

/// The operands that a program reads.
///
/// # Panics
/// When the program is not of a formula of these operands.
pub fn inputs_of<'o>(program: &Program, operands: &'o [Operand]) -> Vec<Given<'o>> {
    program.inputs.iter().map(|input| given(&operands[number_of(input)])).collect()
}

/// Which operand an input is.
pub(crate) fn number_of(input: &ProgramInput) -> usize {
    input.name[1..].parse().expect("v and a number")
}

/// An operand for the runtime.
///
/// # Panics
/// When the operand's bytes are too few.
pub fn given(operand: &Operand) -> Given<'_> {
    if operand.is_scalar {
        let scalar = ScalarValue::new(operand.dtype, operand.bits(0));
        return Given::Scalar(scalar.expect("at most eight bytes"));
    }
    let view = View::from_bytes(&operand.bytes, &layout(operand), operand.offset);
    Given::Array(view.expect("the bytes hold the operand"))
}

/// How an operand lies in memory.
pub(crate) fn layout(operand: &Operand) -> Layout<'_> {
    let Operand { dtype, order, extents, strides, .. } = operand;
    Layout { dtype: *dtype, order: *order, extents, strides }
}

/// Panics where arrays differ in any bit.
pub(crate) fn assert_same(expected: &[Array], got: &[Array], what: &dyn Fn() -> String) {
    assert_eq!(expected.len(), got.len(), "{}", what());
    for (expected, got) in expected.iter().zip(got) {
        let types = [expected, got].map(|array| (array.dtype(), array.extents().to_vec()));
        assert_eq!(types[0], types[1], "{}", what());
        if expected.as_bytes() != got.as_bytes() {
            let size = expected.dtype().size();
            let elements = expected.as_bytes().chunks(size).zip(got.as_bytes().chunks(size));
            let first = elements.enumerate().find(|(_, (a, b))| a != b);
            assert_eq!(first, None, "{}", what());
        }
    }
}

/// An engine on the interpreter, one thread: what others are compared with.
pub(crate) fn interpreter_engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| {
        let builder = Engine::builder().host_backend(Arc::new(Interpreter)).threads(1);
        builder.build().expect("the interpreter is always there")
    })
}
