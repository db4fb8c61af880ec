//! Arrays of a device: their layouts, memory and copies.

use std::sync::Arc;

use fuse_ir::device::Queue;
use fuse_ir::{ByteOrder, DType, DeviceError};

use super::super::recorder::{Recorder, Told};
use super::super::support::{Random, Strided, elementwise, executable, program};
use super::{Bench, array, bench_of, pair};
use crate::{Array, Complex, DeviceArray, DeviceContext, Operand, RunError, RunOptions, View};

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
    let host = executable(program(&[(DType::F64, &[9]), (DType::F64, &[9])], &elementwise()));
    let result = host.run_alloc(&inputs, &options);
    assert_eq!(result.err(), Some(RunError::OnDevice { input: 0 }));
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
