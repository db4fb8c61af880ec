//! Programs of several passes: temporaries, scalars, fallbacks, variants.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fuse_ir::interp::Interpreter;
use fuse_ir::{
    ArraySpec, BlockKernel, Builder, Capabilities, CodegenError, DType, HostBackend, InputClass,
    Lane, ListingForm, Mem, OperandOutput, Pass, Prim, Program, RegionBuilder, Shape, Sink, Source,
    VerifiedKernel, verify,
};

use super::support::{
    Body, Random, Strided, assert_same, elementwise, executable, executables, operand, program,
    run_f64, sum_fold,
};
use crate::{Executable, Operand, RunOptions, ScalarValue, View};

/// `(x - sum(x) * k) `, by two passes: the sum to a scalar temporary, times k in the uniform region.
fn centred() -> Program {
    let body = Body {
        lane: |_, values| values.to_vec(),
        outputs: vec![],
        folds: vec![(sum_fold(), vec![DType::F64])],
    };
    let mut program = program(&[(DType::F64, &[100])], &body);
    let space = program.passes[0].space.clone();
    program.inputs.push(fuse_ir::ProgramInput {
        name: "k".to_string(),
        ty: fuse_ir::InputType::scalar(DType::F64, fuse_ir::Strength::Weak),
    });
    program.temporaries = vec![ArraySpec { dtype: DType::F64, shape: Shape::new() }];
    program.passes[0].folds = vec![vec![vec![Sink::Temporary(0)]]];
    program.results = vec![ArraySpec { dtype: DType::F64, shape: space.clone() }];

    let mut builder = Builder::new();
    builder.input(Mem::F64, InputClass::Stream);
    builder.output(OperandOutput { mem: Mem::F64, never_nan: false });
    let mut uniform = RegionBuilder::new(&[Lane::F64, Lane::F64]);
    let (sum, k) = (uniform.param(0), uniform.param(1));
    let mean = uniform.prim(Prim::FMul, &[sum, k]);
    builder.uniform(uniform.finish(&[mean]));
    let mut lane = RegionBuilder::new(&[Lane::F64, Lane::F64]);
    let (x, mean) = (lane.param(0), lane.param(1));
    let centred = lane.prim(Prim::FSub, &[x, mean]);
    program.passes.push(Pass {
        space,
        reduced: Default::default(),
        kernel: verify(builder.finish(lane.finish(&[centred]))).expect("valid"),
        scalars: vec![operand(Source::Temporary(0), &[], 0), operand(Source::Input(1), &[], 0)],
        operands: vec![operand(Source::Input(0), &[100], 1)],
        outputs: vec![Sink::Result(0)],
        folds: vec![],
    });
    program
}

#[test]
fn a_fold_feeds_the_uniform_region_of_the_next_pass() {
    let xs = Random(1).floats(100);
    let sum = {
        let body = Body {
            lane: |_, values| values.to_vec(),
            outputs: vec![],
            folds: vec![(sum_fold(), vec![DType::F64])],
        };
        let exe = executable(program(&[(DType::F64, &[100])], &body));
        let inputs = [Operand::from(View::from_slice(&xs))];
        exe.run_alloc(&inputs, &RunOptions::default()).expect("it runs")[0]
            .as_slice::<f64>()
            .expect("f64")[0]
    };
    let expected: Vec<f64> = xs.iter().map(|x| x - sum * 0.01).collect();
    let scalar = [0.01];
    for exe in executables(&centred()) {
        let ks = [Operand::from(ScalarValue::from(0.01)), View::from_element(&scalar[0]).into()];
        for k in ks {
            let inputs = [Operand::from(View::from_slice(&xs)), k];
            for _ in 0..20 {
                let found = exe.run_alloc(&inputs, &RunOptions::default()).expect("it runs");
                assert_same(found[0].as_slice().expect("f64"), &expected, "centred");
            }
        }
        in_place_across_passes(&exe, &mut xs.clone(), &expected);
    }
}

/// The second pass still reads x where it writes the result: in place is right there.
#[expect(unsafe_code, reason = "an output over its input")]
fn in_place_across_passes(exe: &Executable, xs: &mut [f64], expected: &[f64]) {
    let layout = crate::Layout {
        dtype: DType::F64,
        order: fuse_ir::ByteOrder::Native,
        extents: &[100],
        strides: &[8],
    };
    let base = xs.as_mut_ptr().cast::<u8>();
    // SAFETY: both are the slice, which nothing else uses meanwhile.
    let (input, output) =
        unsafe { (View::from_raw(base, &layout), crate::ViewMut::from_raw(base, &layout)) };
    let inputs = [input.expect("a view").into(), ScalarValue::from(0.01).into()];
    exe.run(&inputs, &mut [output.expect("a view")], &RunOptions::default()).expect("it runs");
    assert_same(xs, expected, "in place");
}

/// A back end that counts compilations and refuses to compile after the first few.
struct Counting {
    compiled: AtomicUsize,
    refuse_from: usize,
}

impl HostBackend for Counting {
    fn name(&self) -> &'static str {
        "counting"
    }

    fn capabilities(&self) -> Capabilities {
        Interpreter.capabilities()
    }

    fn compile(&self, kernel: &VerifiedKernel) -> Result<Arc<dyn BlockKernel>, CodegenError> {
        if self.compiled.fetch_add(1, Ordering::Relaxed) >= self.refuse_from {
            return Err(CodegenError::Memory("no more".to_string()));
        }
        Interpreter.compile(kernel)
    }

    fn listing(
        &self,
        _kernel: &VerifiedKernel,
        _form: ListingForm,
    ) -> Result<Option<String>, CodegenError> {
        Ok(None)
    }
}

#[test]
fn a_pass_has_at_most_two_kernels_and_refusals_fall_back() {
    let mut random = Random(2);
    let backend = Arc::new(Counting { compiled: AtomicUsize::new(0), refuse_from: 1 });
    let shared: Arc<dyn HostBackend> = Arc::clone(&backend) as Arc<dyn HostBackend>;
    let program = program(&[(DType::F64, &[9, 1]), (DType::F64, &[9, 9])], &elementwise());
    let exe = Executable::compile(Arc::new(program), &shared);
    assert!(exe.fallbacks().is_empty());
    for (rows, cols) in [(2, 300), (500, 2), (3, 4), (20, 1000), (300, 300)] {
        let a = Strided::random(DType::F64, &[rows, 1], &mut random);
        let b = Strided::random(DType::F64, &[rows, cols], &mut random);
        let found = run_f64(&exe, &[&a, &b], &RunOptions::default()).expect("it runs");
        let expected: Vec<f64> = (0..rows * cols)
            .map(|index| {
                let (row, col) = (index / cols, index % cols);
                a.get(&[row, 0]) * 3.0 - b.get(&[row, col])
            })
            .collect();
        assert_same(&found[0], &expected, "rows");
    }
    assert_eq!(backend.compiled.load(Ordering::Relaxed), 2);
    let error = CodegenError::Memory("no more".to_string());
    assert_eq!(exe.fallbacks(), [crate::Fallback { pass: 0, error, taken_by: "interp" }]);
    assert!(exe.backends().eq(["counting"]), "the kernel that the program gives was compiled");
}

/// `r = 3x - y` in one pass, `s = x` in the next: an `r` over `x` needs a copy of it.
#[expect(unsafe_code, reason = "an output over its input")]
#[test]
fn an_input_read_by_a_later_pass_is_copied() {
    let inputs: [(DType, &[usize]); 2] = [(DType::F64, &[50]), (DType::F64, &[50])];
    let first = program(&inputs, &elementwise());
    let copy = Body { lane: |_, values| vec![values[0]], outputs: vec![DType::F64], folds: vec![] };
    let mut program = first.clone();
    let mut second = self::program(&inputs, &copy).passes.remove(0);
    second.outputs = vec![Sink::Result(1)];
    program.results.push(program.results[0].clone());
    program.passes.push(second);
    let (xs, ys) = (Random(4).floats(50), Random(5).floats(50));
    let layout = super::support::f64_layout(&[50], &[8]);
    for exe in super::support::executables(&program) {
        let (mut x, mut s) = (xs.clone(), vec![0.0; 50]);
        let base = x.as_mut_ptr().cast::<u8>();
        // SAFETY: both are the vector, which nothing else uses meanwhile.
        let (input, output) =
            unsafe { (View::from_raw(base, &layout), crate::ViewMut::from_raw(base, &layout)) };
        let operands = [input.expect("a view").into(), View::from_slice(&ys).into()];
        let mut outputs = [output.expect("a view"), crate::ViewMut::from_slice(&mut s)];
        exe.run(&operands, &mut outputs, &RunOptions::default()).expect("it runs");
        let expected: Vec<f64> = xs.iter().zip(&ys).map(|(x, y)| x * 3.0 - y).collect();
        assert_same(&x, &expected, "r");
        assert_same(&s, &xs, "s");
    }
}
