//! `out` over an input: as if the inputs had been copied first.
//!
//! Safe Rust cannot borrow memory both ways, so this goes through raw views, as the Python binding
//! does.

#![expect(unsafe_code, reason = "views that share memory, which safe Rust cannot make")]

use fuse::raw::{ByteOrder, Tuning};
use fuse::{DType, Device, Engine, Layout, View, ViewMut};
use fuse_testkit::reference_device::{ReferenceDevice, Uploads};

/// Elements before the first one that is used.
const MARGIN: usize = 64;

const N: usize = 5000;

fn layout<'l>(extents: &'l [usize], strides: &'l [isize]) -> Layout<'l> {
    Layout { dtype: DType::F64, order: ByteOrder::Native, extents, strides }
}

/// Engines on a device: whole arrays, and chunks.
fn devices() -> [Engine; 2] {
    [None, Some(1024)].map(|device_chunk| {
        let device = Device::from_driver(ReferenceDevice::new(1 << 24, Uploads::Eager));
        let tuning = Tuning { device_chunk, ..Tuning::default() };
        Engine::builder().device(&device).tuning(tuning).build().expect("an engine")
    })
}

/// Evaluates with the output `shift` elements after the input in one buffer; compares with copies.
fn check(engine: &Engine, formula: &str, shift: isize, in_step: isize, out_step: isize) {
    let mut buffer: Vec<f64> =
        (0..N * 3 + 4 * MARGIN).map(|k| ((k * 37) % 1001) as f64 / 8.0).collect();
    let start = if in_step < 0 || out_step < 0 { MARGIN + N + 2 } else { MARGIN };
    let at = |k: usize| start.wrapping_add_signed(k.cast_signed() * in_step);
    let x: Vec<f64> = (0..N).map(|k| buffer[at(k)]).collect();
    let expected = fuse::evaluate(formula, fuse::vars! { x }).expect("evaluates");
    let expected = expected.into_vec::<f64>().expect("f64");
    let (extents, bytes) = ([N], 8);
    let (in_strides, out_strides) = ([in_step * bytes], [out_step * bytes]);
    let base = buffer.as_mut_ptr();
    // SAFETY: with |step| ≤ 2 and N elements, both views stay inside the buffer: the input begins at
    // `start`, the output `shift` elements on, and the margins are wider than any shift.
    let (input, mut output) = unsafe {
        let input = View::from_raw(base.add(start).cast(), &layout(&extents, &in_strides));
        let place = base.add(start).offset(shift);
        let output = ViewMut::from_raw(place.cast(), &layout(&extents, &out_strides));
        (input.expect("a layout"), output.expect("a layout"))
    };
    let vars = [("x", fuse::Input::array(input))];
    engine.evaluate_into(formula, vars, &mut output).expect("evaluates");
    let place = |k: usize| start.wrapping_add_signed(shift + k.cast_signed() * out_step);
    for (k, expected) in expected.iter().enumerate() {
        let got = buffer[place(k)];
        assert_eq!(
            got, *expected,
            "{formula}, shift {shift}, steps {in_step} {out_step}, element {k}"
        );
    }
}

#[test]
fn outputs_over_inputs_give_what_copies_give() {
    for formula in ["x*x + 1", "x + sum(x)", "x - sum(x*x)/5000", "sum(x - sum(x)) + x"] {
        let engine = Engine::global();
        for shift in [0, 1, -1, 7, 31, -32, 33, 60, -60] {
            check(engine, formula, shift, 1, 1);
        }
        for engine in [engine].into_iter().chain(&devices()) {
            check(engine, formula, 33, 1, 1);
            check(engine, formula, 0, 1, 1);
            check(engine, formula, 0, -1, 1);
            check(engine, formula, 0, 1, -1);
            check(engine, formula, 0, -1, -1);
            check(engine, formula, 1, 2, 2);
            check(engine, formula, 0, 2, 1);
            check(engine, formula, -1, 1, 2);
        }
    }
}

/// Evaluates a formula of `s`, which has that layout in `memory`, into bools at its front.
pub(super) fn over(memory: &mut [u8], layout: &Layout<'_>, formula: &str) {
    let strides = [1];
    let bools =
        Layout { dtype: DType::Bool, order: ByteOrder::Native, strides: &strides, ..*layout };
    let reach = layout.extents[0] * layout.dtype.size();
    assert!(layout.extents.len() == 1 && reach <= memory.len());
    let base = memory.as_mut_ptr();
    // SAFETY: both views stay inside `memory`, by the assertion: elements of `s` lie side by side, and
    // have at least a byte.
    let (input, mut output) =
        unsafe { (View::from_raw(base, layout), ViewMut::from_raw(base, &bools)) };
    let (input, output) = (input.expect("a layout"), output.as_mut().expect("a layout"));
    fuse::evaluate_into(formula, [("s", fuse::Input::array(input))], output).expect("evaluates");
}

/// As [`check`], with steps of 1 and a result of another length than x.
fn check_sliced(engine: &Engine, formula: &str, shift: isize) {
    let mut buffer: Vec<f64> =
        (0..N + 2 * MARGIN).map(|k| ((k * 37) % 1001) as f64 / 8.0).collect();
    let x: Vec<f64> = buffer[MARGIN..MARGIN + N].to_vec();
    let expected = fuse::evaluate(formula, fuse::vars! { x }).expect("evaluates");
    let expected = expected.into_vec::<f64>().expect("f64");
    let (extents, out_extents, strides) = ([N], [expected.len()], [8]);
    assert!(expected.len() <= N);
    let begin = MARGIN.wrapping_add_signed(shift);
    let base = buffer.as_mut_ptr();
    // SAFETY: the input lies between the margins; the output is no longer and begins less than a margin
    // from it.
    let (input, mut output) = unsafe {
        let input = View::from_raw(base.add(MARGIN).cast(), &layout(&extents, &strides));
        let output = ViewMut::from_raw(base.add(begin).cast(), &layout(&out_extents, &strides));
        (input.expect("a layout"), output.expect("a layout"))
    };
    let vars = [("x", fuse::Input::array(input))];
    engine.evaluate_into(formula, vars, &mut output).expect("evaluates");
    assert_eq!(buffer[begin..begin + expected.len()], expected, "{formula}, shift {shift}");
}

#[test]
fn outputs_over_sliced_inputs_give_what_copies_give() {
    for formula in [
        "x[1:]",
        "x[:-1]*2",
        "x[2:] - 2*x[1:-1] + x[:-2]",
        "x[::-1]",
        "x[::-1] + x",
        "x[::2]",
        "x + x[0]",
        "x*x[-1]",
        "x[x.size//2:]",
        "d = sqrt(x + 200); d[1:] - d[:-1]",
        "x[1:] + sum(x[::7])",
        "x[None][0][1:]",
    ] {
        for shift in [0, 1, 2, -1, -2, 7, -31, 33, 60, -60] {
            check_sliced(Engine::global(), formula, shift);
        }
        for engine in &devices() {
            check_sliced(engine, formula, 1);
            check_sliced(engine, formula, -60);
        }
    }
}

/// An array of complex numbers that an output would spoil is copied as pairs.
#[test]
fn outputs_over_complex_inputs_give_what_copies_give() {
    let numbers = |k: usize| fuse::Complex::new(k as f64, 0.5 - k as f64);
    for engine in [Engine::global()].into_iter().chain(&devices()) {
        for shift in [0, 1, 2] {
            let mut buffer: Vec<fuse::Complex<f64>> = (0..N + 2).map(numbers).collect();
            let layout = Layout { dtype: DType::C128, ..layout(&[N], &[16]) };
            let base = buffer.as_mut_ptr();
            // SAFETY: both views have N elements, and begin at most 2 after the buffer's first.
            let (z, mut out) = unsafe {
                let z = View::from_raw(base.cast(), &layout);
                let out = ViewMut::from_raw(base.add(shift).cast(), &layout);
                (z.expect("a layout"), out.expect("a layout"))
            };
            let vars = [("z", fuse::Input::array(z))];
            engine.evaluate_into("z + z[0]", vars, &mut out).expect("evaluates");
            let expected = (0..N).map(|k| fuse::Complex::new(k as f64, 1.0 - k as f64));
            assert!(buffer[shift..][..N].iter().copied().eq(expected), "shift {shift}");
        }
    }
}

#[test]
fn an_output_that_overlaps_itself_is_refused() {
    let mut buffer = [0.0; 8];
    let bytes = std::mem::size_of_val(&buffer);
    // SAFETY: the buffer lives on and is plain memory.
    let bytes = unsafe { std::slice::from_raw_parts_mut(buffer.as_mut_ptr().cast::<u8>(), bytes) };
    assert!(ViewMut::from_bytes(bytes, &layout(&[8], &[0]), 0).is_err());
    assert!(ViewMut::from_bytes(bytes, &layout(&[3, 3], &[8, 8]), 0).is_err());
}
