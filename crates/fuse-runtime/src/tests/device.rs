//! Programs on a device that records what it is told: what is copied, which kernels start, in which order.

use std::sync::Arc;

use fuse_ir::device::Queue;
use fuse_ir::{ByteOrder, DType, DeviceAddress, DeviceError, Program, RegionBuilder, ValueId};

use super::recorder::{Recorder, Told};
use super::support::{
    Body, Random, Strided, elementwise, odd_fold, program, program_over, sum_fold,
};
use crate::{
    Array, CancelToken, Complex, DeviceArray, DeviceContext, DeviceExecutable, FoldLanes, Operand,
    RunError, RunOptions, Tuning, View, ViewError, ViewMut,
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

fn fold(extents: &[usize], reduced: &[u32]) -> Bench {
    let pass = |_: &mut RegionBuilder, values: &[ValueId]| values.to_vec();
    let body = Body {
        lane: pass,
        outputs: vec![],
        folds: vec![(odd_fold(), vec![DType::F64, DType::I32])],
    };
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

#[test]
fn contiguous_arrays_are_run_by_the_vector() {
    for (n, form, grid) in [(1, "p0_contiguous", 1), (2, "p0_vector", 1), (1025, "p0_vector", 2)] {
        let launches = pair(&[n], &[n]).plain(&[&[n], &[n]]);
        let (name, blocks, words) = &launches[0];
        assert_eq!((name.as_str(), *blocks, words.len()), (form, grid, 5), "{n}");
        assert_eq!(words[..2], [n as u64, 0]);
    }
    let many = pair(&[1 << 16], &[1 << 16]).plain(&[&[1 << 16], &[1 << 16]]);
    assert_eq!(many[0].1, 32, "eight blocks for each of four multiprocessors");
    assert!(pair(&[0], &[0]).plain(&[&[0], &[0]]).is_empty());
}

#[test]
fn dimensions_are_taken_together_where_all_operands_allow() {
    let one = pair(&[4, 5, 6], &[4, 5, 6]).plain(&[&[4, 5, 6], &[4, 5, 6]]);
    assert_eq!((one[0].0.as_str(), one[0].2[0]), ("p0_vector", 120));
    let two = pair(&[4, 5, 6], &[6]).plain(&[&[4, 5, 6], &[6]]);
    let (name, _, words) = &two[0];
    assert_eq!((name.as_str(), words.len()), ("p0_strided", 5 + 2 * 2 + 3 * 3));
    let divisor = fuse_ir::device::divisor;
    assert_eq!(words[5..9], [20, 6, divisor(20), divisor(6)]);
    assert_eq!(words[9..], [0, 48, 8, 0, 0, 8, 0, 48, 8]);
}

#[test]
fn what_stays_the_same_is_a_splat_of_a_contiguous_loop() {
    let launches = pair(&[7, 8], &[1, 1]).plain(&[&[7, 8], &[1, 1]]);
    assert_eq!(names(&launches), ["p0_vector"]);
    let by_row = pair(&[7, 8], &[7, 1]).plain(&[&[7, 8], &[7, 1]]);
    assert_eq!(names(&by_row), ["p0_strided"]);
}

#[test]
fn misaligned_arrays_are_run_by_the_element() {
    let Bench { recorder, executable } = pair(&[64], &[64]);
    let context = executable.context();
    let memory = DeviceArray::upload(context, &array(&[65]).view()).expect("it fits");
    let begin = memory.address().offset(8);
    let shape = (DType::F64, [64].as_slice());
    #[expect(unsafe_code, reason = "lays an array over another's memory")]
    // SAFETY: 64 of the 65 elements, which nothing writes.
    let shifted = unsafe { DeviceArray::from_raw(context, begin, 64, shape) }.expect("inside");
    let host = array(&[64]);
    let inputs = [Operand::from(&shifted), host.view().into()];
    executable.run_alloc(&inputs, &RunOptions::default()).expect("it runs");
    assert_eq!(names(&recorder.launches()), ["p0_contiguous"]);
}

#[test]
fn folds_end_with_one_state() {
    let run = |n: usize| fold(&[n], &[0]).plain(&[&[n]]);
    assert_eq!(names(&run(0)), ["p0_fold_short", "p0_finish"]);
    assert_eq!(names(&run(7)), ["p0_fold_short", "p0_finish"]);
    assert_eq!(names(&run(8)), ["p0_fold_lanes", "p0_finish"]);
    assert_eq!(names(&run(1025)), ["p0_fold_lanes", "p0_merge", "p0_finish"]);
    let long = run(33 * 1024 + 5);
    assert_eq!(names(&long), ["p0_fold_lanes", "p0_merge", "p0_merge", "p0_finish"]);
    let (lanes, grid, words) = &long[0];
    assert_eq!((lanes.as_str(), *grid), ("p0_fold_lanes", 5), "34 warps");
    assert_eq!(words[..4], [1, 33 * 1024 + 5, 0, 34]);
    let (first, second) = (&long[1].2, &long[2].2);
    assert_eq!((&first[..2], &second[..2]), ([1, 34].as_slice(), [1, 2].as_slice()));
    assert_eq!(first[2..4], words[5..7], "the states of the fold are merged");
    assert_eq!(first[4..], second[2..4], "and what that gave is merged again");
    assert_eq!(long[3].2[1..3], second[4..], "one state is finished");
    assert_eq!(long[3].2[5..], [8, 4], "the results are f64 and i32");
}

#[test]
fn lanes_of_a_fold_go_where_elements_lie_side_by_side() {
    let by_rows = fold(&[50, 100], &[1]).plain(&[&[50, 100]]);
    assert_eq!(names(&by_rows), ["p0_fold_lanes", "p0_finish"]);
    let by_columns = fold(&[100, 50], &[0]).plain(&[&[100, 50]]);
    assert_eq!(names(&by_columns), ["p0_fold_outputs", "p0_finish"]);
    let narrow = fold(&[100, 5], &[0]).plain(&[&[100, 5]]);
    assert_eq!(names(&narrow), ["p0_fold_lanes", "p0_finish"]);
    for (lanes, form) in [(FoldLanes::Elements, "lanes"), (FoldLanes::Outputs, "outputs")] {
        let tuning = Tuning { fold_lanes: Some(lanes), ..Tuning::default() };
        let forced = fold(&[100, 50], &[0]).launches(&[&[100, 50]], tuning);
        assert_eq!(forced[0].0, format!("p0_fold_{form}"));
    }
    let words = &by_columns[0].2;
    assert_eq!(words[..4], [50, 100, 0, 1]);
    assert_eq!(words[7..], [8, 400], "a column begins 8 bytes on, its elements are 400 apart");
    assert!(fold(&[100, 0], &[0]).plain(&[&[100, 0]]).is_empty());
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
    let firsts = told.iter().filter_map(|told| match told {
        Told::Launch(_, _, words) => Some(words[1]),
        _ => None,
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
    let uploads = recorder.told().into_iter().filter_map(|told| match told {
        Told::Upload(_, bytes) => Some(bytes.len() / 8),
        _ => None,
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
        .filter_map(|told| match told {
            Told::Upload(_, bytes) => Some(bytes),
            _ => None,
        })
        .collect();
    assert_eq!((uploads[0].len(), uploads[1].len()), (32, 160));
    let native: Vec<u8> = (0..20).flat_map(|k| swapped.element(&[k / 4, k % 4])).collect();
    assert_eq!(*uploads[1], native);
}

#[test]
fn arrays_of_every_layout_come_back_as_they_were() {
    let Bench { executable, .. } = pair(&[2], &[2]);
    let context = executable.context();
    let mut random = Random(7);
    for dtype in [DType::Bool, DType::I16, DType::F32, DType::F64] {
        let size = dtype.size().cast_signed();
        let strided = Strided::laid_out(dtype, &[3, 4], &[-9 * size, 2 * size], 1, &mut random);
        for source in [strided.clone(), strided.swapped()] {
            let array = DeviceArray::upload(context, &source.view()).expect("it fits");
            let back = array.download().expect("it is there");
            let expected = (0..12).flat_map(|k| source.element(&[k / 4, k % 4]));
            assert_eq!(back.as_bytes(), expected.collect::<Vec<u8>>(), "{dtype}");
        }
    }
    let z: Vec<Complex<f64>> = (0..6).map(|k| Complex::new(f64::from(k), -1.0)).collect();
    let layout = crate::Layout {
        dtype: DType::C128,
        order: ByteOrder::Native,
        extents: &[3],
        strides: &[32],
    };
    let bytes: Vec<u8> =
        z.iter().flat_map(|z| [z.re.to_ne_bytes(), z.im.to_ne_bytes()].concat()).collect();
    let view = View::from_bytes(&bytes, &layout, 16).expect("inside");
    let array = DeviceArray::upload(context, &view).expect("it fits");
    let back = array.download().expect("it is there");
    assert_eq!(back.as_slice(), Some([z[1], z[3], z[5]].as_slice()));
    let empty = DeviceArray::upload(context, &View::from_slice::<f64>(&[])).expect("nothing");
    assert_eq!((empty.address().0, empty.download().expect("nothing").len()), (0, 0));
    let text = Array::from_texts(&["a"], &[1]).expect("small");
    let refused = DeviceArray::upload(context, &text.view()).expect_err("a text");
    assert!(matches!(refused, RunError::Unsupported { dtype: DType::Text(1) }));
}

#[test]
fn freed_memory_is_used_again_and_given_back_when_it_is_wanted() {
    let Bench { recorder, executable } =
        bench_of(program(&[(DType::F64, &[9])], &elementwise()), 64 << 10);
    let allocations = |told: Vec<Told>| {
        let is = |told: &Told| matches!(told, Told::Alloc(_));
        let frees = told.iter().filter(|told| matches!(told, Told::Free(_))).count();
        (told.iter().filter(|told| is(told)).count(), frees)
    };
    let run = |n: usize| {
        let x = array(&[n]);
        let options = RunOptions::default();
        let result = executable.run_alloc(&[x.view().into()], &options).map(|_| ());
        (result, allocations(recorder.told()))
    };
    assert_eq!(run(512), (Ok(()), (2, 0)));
    assert_eq!(run(512), (Ok(()), (0, 0)));
    assert_eq!(run(3600), (Ok(()), (2, 4)), "not without what waited; and too much to wait");
    let (error, _) = run(5000);
    let out = DeviceError::OutOfMemory { bytes: 40_192, free: 25_344, total: 64 << 10 };
    assert_eq!(error, Err(RunError::Device(out)));
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

#[test]
fn arrays_of_another_device_are_refused() {
    let (one, other) = (pair(&[9], &[9]), pair(&[9], &[9]));
    let upload =
        |bench: &Bench| DeviceArray::upload(bench.executable.context(), &array(&[9]).view());
    let (own, mut foreign) = (upload(&one).expect("it fits"), upload(&other).expect("it fits"));
    let options = RunOptions::default();
    let inputs = [Operand::from(&own), Operand::from(&foreign)];
    let result = one.executable.run_alloc(&inputs, &options);
    assert_eq!(result.err(), Some(RunError::OnDevice { input: 1 }));
    let inputs = [Operand::from(&own), Operand::from(&own)];
    let result = one.executable.run_on_device(&inputs, &mut [&mut foreign], &options);
    assert_eq!(result.err(), Some(RunError::OutputOnDevice { output: 0 }));
    let host = super::support::executable(program(
        &[(DType::F64, &[9]), (DType::F64, &[9])],
        &elementwise(),
    ));
    let result = host.run_alloc(&inputs, &options);
    assert_eq!(result.err(), Some(RunError::OnDevice { input: 0 }));
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

/// A view that repeats one element makes a long loop of little memory.
#[test]
fn long_loops_have_long_indices() {
    let pass = |_: &mut RegionBuilder, values: &[ValueId]| values.to_vec();
    let body = Body { lane: pass, outputs: vec![], folds: vec![(sum_fold(), vec![DType::F64])] };
    let Bench { recorder, executable } = bench(program(&[(DType::F64, &[9])], &body));
    let one = 1.0_f64.to_ne_bytes();
    for (n, width) in [((1 << 31) - 1, "W32"), (1 << 31, "W64")] {
        let layout = crate::Layout {
            dtype: DType::F64,
            order: ByteOrder::Native,
            extents: &[n],
            strides: &[0],
        };
        let view = View::from_bytes(&one, &layout, 0).expect("one element");
        executable.run_alloc(&[view.into()], &RunOptions::default()).expect("it runs");
        let told = recorder.told();
        let loaded = told.iter().find_map(|told| match told {
            Told::Load(text) => Some(text.contains(width)),
            _ => None,
        });
        assert_eq!(loaded, Some(true), "{n}");
    }
}

/// Everything about texts is answered on the host; sums of what is never read copy nothing.
#[test]
fn sums_keep_their_results_on_the_device() {
    let pass = |_: &mut RegionBuilder, values: &[ValueId]| values.to_vec();
    let body = Body { lane: pass, outputs: vec![], folds: vec![(sum_fold(), vec![DType::F64])] };
    let Bench { recorder, executable } = bench(program(&[(DType::F64, &[100])], &body));
    let x = DeviceArray::upload(executable.context(), &array(&[100]).view()).expect("it fits");
    recorder.told();
    let results = executable.run_alloc_on_device(&[Operand::from(&x)], &RunOptions::default());
    assert_eq!(results.expect("it runs")[0].extents(), [0_usize; 0]);
    let told = recorder.told();
    let copies = told.iter().filter(|told| matches!(told, Told::Upload(..) | Told::Download(..)));
    assert_eq!(copies.count(), 0);
}

/// A copy follows the uploads and is waited for; where the arrays overlap it goes by memory between.
#[test]
fn arrays_are_copied_inside_the_device() {
    let recorder = Recorder::new(1 << 30);
    let context = DeviceContext::new(Arc::<Recorder>::clone(&recorder));
    let upload = |array: &Array| DeviceArray::upload(&context, &array.view()).expect("it fits");
    let mut ramp = array(&[72]);
    ramp.as_mut_slice::<f64>()
        .expect("f64")
        .iter_mut()
        .zip(0..)
        .for_each(|(x, k)| *x = f64::from(k));
    let (source, mut target) = (upload(&ramp), upload(&array(&[72])));
    recorder.told();
    target.copy_from(&source).expect("alike");
    let told = recorder.told();
    let copy = Told::Copy(target.address().0, source.address().0, 72 * 8);
    assert_eq!(told[told.len() - 2..], [copy, Told::Synchronize(Queue::Compute)]);
    assert_eq!(target.download().expect("it is there").as_bytes(), ramp.as_bytes());

    let at = |offset: i64| {
        let (address, shape) = (source.address().offset(offset), (DType::F64, [64].as_slice()));
        #[expect(unsafe_code, reason = "lays an array over another's memory")]
        // SAFETY: 64 of the 72 elements, which only this test's calls write.
        let array = unsafe { DeviceArray::from_raw(&context, address, 64, shape) };
        array.expect("inside")
    };
    at(8).copy_from(&at(0)).expect("alike");
    let moved = source.download().expect("it is there");
    let moved = moved.as_slice::<f64>().expect("f64");
    assert_eq!((moved[0], moved[1], moved[64], moved[65]), (0.0, 0.0, 63.0, 65.0));

    let output = 0;
    let found = |array: &[usize]| array.iter().copied().collect();
    let (expected, found) = (found(&[72]), found(&[8, 9]));
    let refused = upload(&array(&[8, 9])).copy_from(&source);
    assert_eq!(refused, Err(RunError::OutputShape { output, expected, found }));
    let whole = upload(&Array::zeroed(DType::I64, &[72]).expect("small")).copy_from(&source);
    let (expected, found) = (DType::F64, DType::I64);
    assert_eq!(whole, Err(RunError::OutputDType { output, expected, found }));
    let other = DeviceContext::new(Recorder::new(1 << 20));
    let mut foreign = DeviceArray::upload(&other, &ramp.view()).expect("it fits");
    assert_eq!(foreign.copy_from(&source), Err(RunError::OutputOnDevice { output }));
}
