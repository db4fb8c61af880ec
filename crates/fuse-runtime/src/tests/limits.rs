//! Limits, cancellation, and errors.

use std::time::{Duration, Instant};

use fuse_ir::{
    BindError, CountRule, DType, Dim, FitRule, IndexRule, Pick, Program, SourceSpan, Symbol,
    SymbolOp,
};

use super::support::{Body, elementwise, executable, f64_layout, program, sum_fold};
use crate::{
    Array, CancelToken, Operand, RunError, RunOptions, ScalarValue, View, ViewError, ViewMut,
};

fn pair(n: usize) -> crate::Executable {
    executable(program(&[(DType::F64, &[n]), (DType::F64, &[n])], &elementwise()))
}

#[test]
fn cancelled_and_late_calls_fail_at_once() {
    let xs = vec![1.0; 5000];
    let inputs = [Operand::from(View::from_slice(&xs)), Operand::from(View::from_slice(&xs))];
    let token = CancelToken::new();
    let mut options = RunOptions { cancel: Some(&token), ..RunOptions::default() };
    assert!(pair(5000).run_alloc(&inputs, &options).is_ok());
    token.clone().cancel();
    assert_eq!(pair(5000).run_alloc(&inputs, &options).err(), Some(RunError::Cancelled));
    options = RunOptions { deadline: Some(Instant::now()), ..RunOptions::default() };
    assert_eq!(pair(5000).run_alloc(&inputs, &options).err(), Some(RunError::Deadline));
    options.deadline = Some(Instant::now() + Duration::from_secs(3600));
    assert!(pair(5000).run_alloc(&inputs, &options).is_ok());
}

/// A kernel cancels its own call while it runs: the blocks after it do not run.
#[test]
fn a_running_call_stops_at_the_next_block() {
    let token = CancelToken::new();
    let xs = vec![1.0; 400_000];
    let exe = pair(xs.len());
    let inputs = [Operand::from(View::from_slice(&xs)), Operand::from(View::from_slice(&xs))];
    let canceller = token.clone();
    let result = std::thread::scope(|scope| {
        scope.spawn(move || canceller.cancel());
        loop {
            let options = RunOptions { cancel: Some(&token), ..RunOptions::default() };
            if let Err(error) = exe.run_alloc(&inputs, &options) {
                break error;
            }
        }
    });
    assert_eq!(result, RunError::Cancelled);
}

#[test]
fn work_and_bytes_are_limited_before_anything_runs() {
    let xs = vec![1.0; 1000];
    let inputs = [Operand::from(View::from_slice(&xs)), Operand::from(View::from_slice(&xs))];
    let options = |work, bytes| RunOptions {
        max_work: work,
        max_output_bytes: bytes,
        ..RunOptions::default()
    };
    let run = |options| pair(1000).run_alloc(&inputs, &options).err();
    assert_eq!(run(options(Some(2000), Some(8000))), None);
    assert_eq!(
        run(options(Some(1999), None)),
        Some(RunError::WorkLimit { work: 2000, limit: 1999 })
    );
    assert_eq!(
        run(options(None, Some(7999))),
        Some(RunError::OutputLimit { bytes: 8000, limit: 7999 })
    );
}

/// A broadcast of stride-0 views to more elements than there is address space.
#[test]
fn sizes_that_overflow_are_errors() {
    let huge = 1_usize << 40;
    let bytes = [0_u8; 8];
    let column = View::from_bytes(&bytes, &f64_layout(&[huge, 1], &[0, 0]), 0).expect("a view");
    let row = View::from_bytes(&bytes, &f64_layout(&[huge], &[0]), 0).expect("a view");
    let exe =
        executable(program(&[(DType::F64, &[huge, 1]), (DType::F64, &[huge])], &elementwise()));
    let error = exe.run_alloc(&[column.into(), row.clone().into()], &RunOptions::default());
    assert!(matches!(error, Err(RunError::Alloc(_))), "{error:?}");
    let error = pair(huge).run_alloc(&[row.clone().into(), row.into()], &RunOptions::default());
    assert!(matches!(error, Err(RunError::Alloc(_))), "{error:?}");
    let wraps = View::from_bytes(&bytes, &f64_layout(&[1 << 32, 1 << 32, 2], &[0, 0, 0]), 0);
    assert!(matches!(wraps, Err(ViewError::Length { .. })));
    assert!(Array::zeroed(DType::F64, &[usize::MAX, 3]).is_err());
    assert!(Array::zeroed(DType::F64, &[usize::MAX, 0]).is_ok());
}

#[test]
fn views_are_checked() {
    let mut bytes = [0_u8; 64];
    let outside = ViewError::OutOfBounds { bytes: 64 };
    type Case<'c> = (&'c [usize], &'c [isize], usize, Option<ViewError>);
    let cases: [Case<'_>; 8] = [
        (&[8], &[8], 0, None),
        (&[8], &[8], 1, Some(outside)),
        (&[8], &[-8], 56, None),
        (&[8], &[-8], 55, Some(outside)),
        (&[9], &[0], 56, None),
        (&[0, 9], &[800, 800], 1000, None),
        (&[2], &[isize::MAX], 0, Some(outside)),
        (&[2], &[], 0, Some(ViewError::Rank { extents: 1, strides: 0 })),
    ];
    for (extents, strides, offset, expected) in cases {
        let view = View::from_bytes(&bytes, &f64_layout(extents, strides), offset);
        assert_eq!(view.err(), expected, "{extents:?} {strides:?} {offset}");
    }
    let overlapping: [(&[usize], &[isize]); 4] =
        [(&[2], &[0]), (&[2], &[4]), (&[3, 2], &[8, 8]), (&[2, 3], &[16, 8])];
    for (extents, strides) in overlapping {
        let view = ViewMut::from_bytes(&mut bytes, &f64_layout(extents, strides), 0);
        assert!(matches!(view, Err(ViewError::SelfOverlap { .. })), "{extents:?} {strides:?}");
    }
    assert!(ViewMut::from_bytes(&mut bytes, &f64_layout(&[1, 2], &[0, -8]), 8).is_ok());
}

#[test]
fn inputs_and_outputs_must_be_those_of_the_program() {
    let xs = [1.0; 6];
    let x = || Operand::from(View::from_slice(&xs));
    let options = RunOptions::default();
    let mut out = [0.0; 6];
    let mut run = |inputs: &[Operand<'_>]| {
        pair(6).run(inputs, &mut [ViewMut::from_slice(&mut out)], &options)
    };
    assert_eq!(run(&[x(), x()]), Ok(()));
    assert_eq!(run(&[x()]), Err(RunError::Count { what: "inputs", expected: 2, found: 1 }));
    let five = Operand::from(View::from_slice(&xs[..5]));
    assert!(matches!(run(&[x(), five]), Err(RunError::Bind(BindError::Shapes { .. }))));
    let scalar = Operand::from(ScalarValue::from(1.0));
    assert_eq!(run(&[x(), scalar]), Err(RunError::Bind(BindError::Signature { input: 1 })));
    let singles = [1.0_f32; 6];
    let single = Operand::from(View::from_slice(&singles));
    let (expected, found) = (DType::F64, DType::F32);
    assert_eq!(run(&[x(), single]), Err(RunError::DType { input: 1, expected, found }));

    let mut short = [0.0; 5];
    let result = pair(6).run(&[x(), x()], &mut [ViewMut::from_slice(&mut short)], &options);
    assert_eq!(
        result.expect_err("too short").to_string(),
        "output 0 has shape (5,), the result has shape (6,)"
    );
    let mut single = [0.0_f32; 6];
    let result = pair(6).run(&[x(), x()], &mut [ViewMut::from_slice(&mut single)], &options);
    assert!(matches!(result, Err(RunError::OutputDType { output: 0, .. })));
    let result = pair(6).run(&[x(), x()], &mut [], &options);
    assert_eq!(result, Err(RunError::Count { what: "outputs", expected: 1, found: 0 }));
}

#[test]
fn weak_integers_must_fit() {
    let copy = Body { lane: |_, v| v.to_vec(), outputs: vec![DType::I64], folds: vec![] };
    let mut program = program(&[(DType::I64, &[])], &copy);
    let number = fuse_ir::index_u32(program.symbols.len());
    program.symbols.push(Symbol::Scalar(0));
    let rule = FitRule { number, dtype: DType::I8, span: SourceSpan { start: 1, end: 4 } };
    program.fit_rules.push(rule);
    let exe = executable(program);
    for (value, fits) in [(127, true), (128, false), (-128, true), (-129, false)] {
        let inputs = [Operand::from(ScalarValue::from(value))];
        let result = exe.run_alloc(&inputs, &RunOptions::default());
        match result {
            Ok(arrays) => assert!(fits && arrays[0].as_slice::<i64>() == Some(&[value])),
            Err(error) => {
                assert!(!fits);
                assert_eq!(error, RunError::Fit { rule, value: i128::from(value) });
            }
        }
    }
}

#[test]
fn dtypes_without_lanes_and_broken_programs_are_errors() {
    let mut complex = program(&[(DType::F64, &[3])], &elementwise());
    complex.inputs[0].ty.dtype = DType::C128;
    let exe = crate::Executable::compile(complex.into(), &super::support::interpreter());
    let error =
        exe.run_alloc(&[Operand::from(View::from_slice(&[0.0; 3]))], &RunOptions::default());
    assert_eq!(error.err(), Some(RunError::Unsupported { dtype: DType::C128 }));

    let mut unruled = program(&[(DType::F64, &[3]), (DType::F64, &[3])], &elementwise());
    unruled.shape_rules.clear();
    let exe = executable(unruled);
    let (long, short) = ([0.0; 9], [0.0; 3]);
    let inputs = [Operand::from(View::from_slice(&long)), Operand::from(View::from_slice(&short))];
    let error = exe.run_alloc(&inputs, &RunOptions::default());
    assert!(matches!(error, Err(RunError::Program { .. })));

    let mut unwritten = program(&[(DType::F64, &[3])], &elementwise());
    unwritten.passes.clear();
    let exe = crate::Executable::compile(unwritten.into(), &super::support::interpreter());
    let error =
        exe.run_alloc(&[Operand::from(View::from_slice(&[0.0; 3]))], &RunOptions::default());
    assert_eq!(error.err(), Some(RunError::Program { reason: "a result is never written" }));
}

/// A program over one vector, whose operand has this view.
fn viewing(symbols: &[Symbol], pick: Pick) -> Program {
    let mut program = program(&[(DType::F64, &[5])], &elementwise());
    program.symbols.extend(symbols);
    program.passes[0].operands[0].picks = vec![pick];
    program.passes[0].space = [pick.extent].into_iter().collect();
    program.results[0].shape = program.passes[0].space.clone();
    program
}

/// Symbol 0 is the extent of the input, 5; the next ones are these.
#[test]
fn views_that_lead_outside_are_errors() {
    let run = |symbols: &[Symbol], pick| {
        let exe = executable(viewing(symbols, pick));
        exe.run_alloc(&[Operand::from(View::from_slice(&[0.5; 5]))], &RunOptions::default())
    };
    let literal = Symbol::Literal;
    for (start, step, count, fits) in [
        (0, 1, 5, true),
        (4, -1, 5, true),
        (1, 3, 2, true),
        (99, 7, 0, true),
        (i64::MIN, i64::MIN, 0, true),
        (4, 9, 1, true),
        (1, 1, 5, false),
        (-1, 1, 2, false),
        (3, -1, 5, false),
        (5, 1, 1, false),
        (0, 3, 3, false),
        (2, i64::MAX, 2, false),
        (0, i64::MAX, 3, false),
        (4, i64::MIN, 2, false),
        (i64::MAX, 1, 2, false),
        (i64::MIN, i64::MAX, 3, false),
    ] {
        let symbols = [literal(start), literal(count)];
        let result = run(&symbols, Pick { start: 1, step, extent: Dim::Symbol(2) });
        match result {
            Ok(arrays) => {
                assert!(fits && arrays[0].extents() == [count as usize], "{start} {step}")
            }
            Err(error) => {
                assert!(!fits, "{start}, {step}, {count}: {error}");
                let reason = "a view leads outside its source";
                assert_eq!(error, RunError::Program { reason }, "{start}, {step}, {count}");
            }
        }
    }
    // A negative extent is none.
    let none = run(&[literal(-3), literal(0)], Pick { start: 2, step: 1, extent: Dim::Symbol(1) });
    assert_eq!(none.expect("nothing is read")[0].extents(), [0]);
}

#[test]
fn programs_with_broken_symbols_are_errors() {
    let one = Pick { start: 0, step: 1, extent: Dim::Symbol(0) };
    let add = |a, b| Symbol::Apply(SymbolOp::Add, a, b);
    let axis = |input, axis| Symbol::Axis { input, axis };
    let mut broken = vec![
        viewing(&[add(0, 1)], one),
        viewing(&[add(7, 0)], one),
        viewing(&[add(0, u32::MAX)], one),
        viewing(&[axis(1, 0)], one),
        viewing(&[axis(0, 1)], one),
        viewing(&[Symbol::Scalar(0)], one),
        viewing(&[Symbol::Scalar(1)], one),
        viewing(&[], Pick { step: 0, ..one }),
        viewing(&[], Pick { start: 1, ..one }),
        viewing(&[], Pick { extent: Dim::Symbol(1), ..one }),
    ];
    let change = |change: fn(&mut Program)| {
        let mut program = viewing(&[], one);
        change(&mut program);
        program
    };
    broken.push(change(|program| {
        program.passes[0].operands[0].picks = vec![program.passes[0].operands[0].picks[0]; 2]
    }));
    broken.push(change(|program| program.passes[0].operands[0].axes[0] = Some(1)));
    let shape: fuse_ir::Shape = [Dim::Symbol(0)].into_iter().collect();
    let place = SourceSpan::default();
    let index = |index, axis| IndexRule { index, axis, operand: (shape.clone(), place) };
    for rule in [index(9, 0), index(0, 1)] {
        let mut program = viewing(&[], one);
        program.index_rules.push(rule);
        broken.push(program);
    }
    let mut program = viewing(&[], one);
    program.count_rules.push(CountRule { count: 9, span: place });
    broken.push(program);
    let mut program = viewing(&[], one);
    program.fit_rules.push(FitRule { number: 9, dtype: DType::I8, span: place });
    broken.push(program);
    assert!(
        crate::Executable::compile(viewing(&[], one).into(), &super::support::interpreter())
            .defect
            .is_ok()
    );
    for (number, program) in broken.into_iter().enumerate() {
        let exe = crate::Executable::compile(program.into(), &super::support::interpreter());
        let inputs = [Operand::from(View::from_slice(&[0.5; 5]))];
        let result = exe.run_alloc(&inputs, &RunOptions::default());
        assert!(matches!(result, Err(RunError::Program { .. })), "program {number}: {result:?}");
    }
}

#[test]
fn the_error_is_small_and_everything_crosses_threads() {
    fn crosses<T: Send + Sync>() {}
    crosses::<crate::Executable>();
    crosses::<Array>();
    crosses::<View<'_>>();
    crosses::<ViewMut<'_>>();
    crosses::<RunError>();
    assert!(size_of::<RunError>() <= 128);
    assert_eq!(sum_fold().state.len(), 1);
}
