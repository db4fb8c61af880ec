//! Programs on a device that records what it is told: what is copied, which kernels start, in which order.
//!
//! Here what runs when; in `launches` which kernels of which parameters, in `arrays` memory.

mod arrays;
mod launches;

use std::sync::Arc;

use fuse_ir::device::Queue;
use fuse_ir::{DType, DeviceAddress, Fold, Program, RegionBuilder, ValueId};

use super::recorder::{Recorder, Told};
use super::support::{
    Body, Random, Strided, elementwise, odd_fold, program, program_over, sum_fold,
};
use crate::{
    Array, CancelToken, DeviceArray, DeviceContext, DeviceExecutable, Operand, RunError,
    RunOptions, Tuning, View, ViewError, ViewMut,
};

/// A recorder, and a program on it.
struct Bench {
    recorder: Arc<Recorder>,
    executable: DeviceExecutable,
}

fn bench(program: Program) -> Bench {
    bench_of(program, 1 << 30)
}

fn bench_of(program: Program, memory: u64) -> Bench {
    let recorder = Recorder::new(memory);
    let context = DeviceContext::new(Arc::<Recorder>::clone(&recorder));
    Bench { recorder, executable: DeviceExecutable::new(Arc::new(program), context) }
}

fn pair(lhs: &[usize], rhs: &[usize]) -> Bench {
    bench(program(&[(DType::F64, lhs), (DType::F64, rhs)], &elementwise()))
}

/// The fold that tells orders apart, over these axes of an array.
fn fold(extents: &[usize], reduced: &[u32]) -> Bench {
    folded((odd_fold(), vec![DType::F64, DType::I32]), extents, reduced)
}

/// The sum of a list.
fn sum(len: usize) -> Bench {
    folded((sum_fold(), vec![DType::F64]), &[len], &[0])
}

fn folded(fold: (Fold, Vec<DType>), extents: &[usize], reduced: &[u32]) -> Bench {
    let lane = |_: &mut RegionBuilder, values: &[ValueId]| values.to_vec();
    let body = Body { lane, outputs: vec![], folds: vec![fold] };
    bench(program_over(&[(DType::F64, extents)], &body, reduced))
}

fn array(extents: &[usize]) -> Array {
    Array::zeroed(DType::F64, extents).expect("small")
}

impl Bench {
    /// Runs over zeros of these shapes; gives the kernels that were started.
    fn launches(&self, shapes: &[&[usize]], tuning: Tuning) -> Vec<(String, u32, Vec<u64>)> {
        let arrays: Vec<Array> = shapes.iter().map(|extents| array(extents)).collect();
        let inputs: Vec<Operand<'_>> = arrays.iter().map(|array| array.view().into()).collect();
        let options = RunOptions { tuning, ..RunOptions::default() };
        self.executable.run_alloc(&inputs, &options).expect("it runs");
        self.recorder.launches()
    }

    fn plain(&self, shapes: &[&[usize]]) -> Vec<(String, u32, Vec<u64>)> {
        self.launches(shapes, Tuning::default())
    }
}

fn names(launches: &[(String, u32, Vec<u64>)]) -> Vec<&str> {
    launches.iter().map(|(name, ..)| name.as_str()).collect()
}

/// The stages of a run in chunks: each upload waits for the kernel that read its buffers before.
#[test]
fn long_arrays_are_run_in_chunks() {
    let Bench { recorder, executable } = pair(&[4500], &[1]);
    let x: Vec<f64> = (0..4500).map(f64::from).collect();
    let k = [0.5];
    let mut out = vec![0.0; 4500];
    let tuning = Tuning { device_chunk: Some(1000), ..Tuning::default() };
    let options = RunOptions { tuning, ..RunOptions::default() };
    let inputs = [View::from_slice(&x).into(), View::from_slice(&k).into()];
    executable.run(&inputs, &mut [ViewMut::from_slice(&mut out)], &options).expect("it runs");
    let told = recorder.told();
    let counts = |told: &Told| match told {
        Told::Upload(_, bytes) => Some(("upload", bytes.len() / 8)),
        Told::Launch(_, _, words) => Some(("launch", usize::try_from(words[0]).expect("few"))),
        Told::Download(_, bytes) => Some(("download", bytes / 8)),
        Told::Copy(..)
        | Told::Record(..)
        | Told::Wait(..)
        | Told::Alloc(_)
        | Told::Free(_)
        | Told::Load(_)
        | Told::Unload(_)
        | Told::Synchronize(_) => None,
    };
    let stages: Vec<(&str, usize)> = told.iter().filter_map(counts).collect();
    let (up, run, down) = (("upload", 1024), ("launch", 1024), ("download", 1024));
    let expected = [
        vec![("upload", 1), up, run, up, run, up, run, down, up, run, down],
        vec![("upload", 404), ("launch", 404), down, down, ("download", 404)],
    ];
    assert_eq!(stages, expected.concat());
    let firsts = told.iter().filter_map(|told| {
        if let Told::Launch(_, _, words) = told { Some(words[1]) } else { None }
    });
    assert!(firsts.eq([0, 1024, 2048, 3072, 4096]));
    let waits =
        |queue| told.iter().filter(move |told| matches!(told, Told::Wait(own, _) if *own == queue));
    assert_eq!(waits(Queue::Download).count(), 5 + 1, "for each kernel, and at the end");
    assert_eq!(waits(Queue::Upload).count(), 2 + 2, "at the begin, and for buffers used again");
    let allocated = told.iter().filter(|told| matches!(told, Told::Alloc(_))).count();
    assert_eq!(allocated, 1 + 3 * 2, "scalars, and three sets");
}

#[test]
fn folds_of_long_arrays_put_states_where_they_belong() {
    let tuning = Tuning { device_chunk: Some(2048), ..Tuning::default() };
    let launches = fold(&[5000], &[0]).launches(&[&[5000]], tuning);
    let lanes = "p0_fold_lanes";
    assert_eq!(names(&launches), [lanes, lanes, lanes, "p0_merge", "p0_finish"]);
    let first = &launches[0].2;
    for (chunk, len, blocks) in [(0, 2048, 2), (1, 2048, 2), (2, 904, 1)] {
        let words = &launches[chunk].2;
        let start = chunk as u64 * 2048;
        assert_eq!(words[..4], [1, len, start, blocks]);
        let moved = [words[5] - first[5], words[6] - first[6]];
        assert_eq!(moved, [start / 1024 * 8, start / 1024 * 4], "an f64 and an i32 a block");
    }
    assert_eq!(launches[3].2[..2], [1, 5]);
    assert_eq!(launches[3].2[2..4], first[5..7]);
}

/// `x[1:] - x[:-1]`, as views of one array: both windows are one.
#[test]
fn near_views_of_an_input_share_a_window() {
    let body = elementwise();
    let mut shifted = program(&[(DType::F64, &[9]), (DType::F64, &[9])], &body);
    shifted.inputs.truncate(1);
    shifted.symbols = vec![
        fuse_ir::Symbol::Axis { input: 0, axis: 0 },
        fuse_ir::Symbol::Literal(0),
        fuse_ir::Symbol::Literal(1),
        fuse_ir::Symbol::Apply(fuse_ir::SymbolOp::Sub, 0, 2),
    ];
    shifted.shape_rules.clear();
    let extent = fuse_ir::Dim::Symbol(3);
    shifted.passes[0].space = [extent].into_iter().collect();
    shifted.results[0].shape = [extent].into_iter().collect();
    for (view, start) in shifted.passes[0].operands.iter_mut().zip([2, 1]) {
        view.source = fuse_ir::Source::Input(0);
        view.picks = vec![fuse_ir::Pick { start, step: 1, extent }];
    }
    let Bench { recorder, executable } = bench(shifted);
    let x: Vec<f64> = (0..2049).map(f64::from).collect();
    let tuning = Tuning { device_chunk: Some(1024), ..Tuning::default() };
    let options = RunOptions { tuning, ..RunOptions::default() };
    executable.run_alloc(&[View::from_slice(&x).into()], &options).expect("it runs");
    let uploads = recorder.told().into_iter().filter_map(|told| {
        if let Told::Upload(_, bytes) = told { Some(bytes.len() / 8) } else { None }
    });
    assert_eq!(uploads.collect::<Vec<_>>(), [1025, 1025]);
}

#[test]
fn an_axis_along_which_an_array_stays_the_same_is_uploaded_once() {
    let Bench { recorder, executable } = pair(&[5, 4], &[5, 4]);
    let mut random = Random(1);
    let row = Strided::laid_out(DType::F64, &[5, 4], &[0, 8], 0, &mut random);
    let swapped = Strided::random(DType::F64, &[5, 4], &mut random).swapped();
    let inputs = [row.view().into(), swapped.view().into()];
    executable.run_alloc(&inputs, &RunOptions::default()).expect("it runs");
    let told = recorder.told();
    let uploads: Vec<&Vec<u8>> = told
        .iter()
        .filter_map(|told| if let Told::Upload(_, bytes) = told { Some(bytes) } else { None })
        .collect();
    assert_eq!((uploads[0].len(), uploads[1].len()), (32, 160));
    let native: Vec<u8> = (0..20).flat_map(|k| swapped.element(&[k / 4, k % 4])).collect();
    assert_eq!(*uploads[1], native);
}

#[test]
fn a_call_stops_between_passes() {
    let Bench { executable, .. } = pair(&[9], &[9]);
    let (token, x) = (CancelToken::new(), array(&[9]));
    token.cancel();
    let options = RunOptions { cancel: Some(&token), ..RunOptions::default() };
    let inputs = [x.view().into(), x.view().into()];
    let result = executable.run_alloc(&inputs, &options);
    assert_eq!(result.err(), Some(RunError::Cancelled));
    let limited = RunOptions { max_work: Some(3), ..RunOptions::default() };
    let result = executable.run_alloc(&inputs, &limited);
    assert!(matches!(result, Err(RunError::WorkLimit { .. })));
}

/// In place where elements stay where they are; otherwise the input is copied out of the way.
#[test]
fn outputs_over_inputs() {
    let Bench { recorder, executable } = pair(&[64], &[64]);
    let context = &Arc::clone(executable.context());
    let memory = DeviceArray::upload(context, &array(&[72]).view()).expect("it fits");
    let at = |offset: i64| {
        let shape = (DType::F64, [64].as_slice());
        #[expect(unsafe_code, reason = "lays an array over another's memory")]
        // SAFETY: 64 of the 72 elements, which only this test's calls write.
        let array =
            unsafe { DeviceArray::from_raw(context, memory.address().offset(offset), 64, shape) };
        array.expect("inside")
    };
    let (input, options) = (at(0), RunOptions::default());
    for (offset, loads, copies) in [(0, "Coherent", 0), (8, "NonCoherent", 1)] {
        recorder.told();
        let inputs = [Operand::from(&input), Operand::from(&input)];
        let mut output = at(offset);
        executable.run_on_device(&inputs, &mut [&mut output], &options).expect("it runs");
        let told = recorder.told();
        let loaded = |told: &&Told| matches!(told, Told::Load(text) if text.contains(loads));
        assert_eq!(told.iter().filter(loaded).count(), 1, "{loads}");
        let is_copy = |told: &&Told| matches!(told, Told::Copy(..));
        assert_eq!(told.iter().filter(is_copy).count(), 2 * copies, "both inputs are moved");
        let is_host = |told: &Told| matches!(told, Told::Download(..));
        assert!(!told.iter().any(is_host), "and stay on the device");
        assert_eq!(told.last(), Some(&Told::Synchronize(Queue::Compute)));
    }
    drop(executable);
    let unloads = recorder.told();
    assert_eq!(unloads, [Told::Unload(1), Told::Unload(2)], "what was loaded, each once");
    let odd = DeviceAddress(memory.address().0 + 4);
    #[expect(unsafe_code, reason = "an address that is refused")]
    // SAFETY: no array comes of it.
    let refused = unsafe { DeviceArray::from_raw(context, odd, 1, (DType::F64, &[1])) };
    let error = ViewError::Address { address: odd.0, alignment: 8 };
    assert_eq!(refused.err(), Some(RunError::View(error)));
}

/// Everything about texts is answered on the host; sums of what is never read copy nothing.
#[test]
fn sums_keep_their_results_on_the_device() {
    let Bench { recorder, executable } = sum(100);
    let x = DeviceArray::upload(executable.context(), &array(&[100]).view()).expect("it fits");
    recorder.told();
    let results = executable.run_alloc_on_device(&[Operand::from(&x)], &RunOptions::default());
    assert_eq!(results.expect("it runs")[0].extents(), [0_usize; 0]);
    let told = recorder.told();
    let copies = told.iter().filter(|told| matches!(told, Told::Upload(..) | Told::Download(..)));
    assert_eq!(copies.count(), 0);
}
