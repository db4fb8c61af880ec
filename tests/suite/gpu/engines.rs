//! Engines on devices that are stood in for, beside engines on the host: the same bits, the same errors.
//!
//! The formulas run on every stand-in of [`stand_ins`], in the mode as it is; arrays of every layout, whole
//! and in chunks, from the host and from the device.

use std::sync::Arc;

use fuse::raw::Tuning;
use fuse::{
    Array, AsInput, CancelToken, Complex, CudaView, DType, Device, DeviceArray, Engine, ErrorKind,
    F16, Input, InputType, Limits, Vars, View, evaluate_all, vars,
};
use fuse_testkit::ptx::InterpretedDevice;
use fuse_testkit::reference_device::{ReferenceDevice, Uploads};

use super::driver::{modules_of, with_fake_driver};

/// Bytes of a stand-in's memory.
const MEMORY: u64 = 1 << 26;

fn stand_ins() -> Vec<(&'static str, Device)> {
    let reference = |uploads| Device::from_driver(ReferenceDevice::new(MEMORY, uploads));
    vec![
        ("reference, lazy", reference(Uploads::Lazy)),
        ("reference, eager", reference(Uploads::Eager)),
        ("PTX", Device::from_driver(Arc::new(InterpretedDevice::new()))),
        ("PTX, shuffled", Device::from_driver(Arc::new(InterpretedDevice::shuffled(7)))),
    ]
}

fn engine(device: &Device) -> Engine {
    Engine::builder().device(device).build().expect("an engine")
}

fn chunked(device: &Device, chunk: usize) -> Engine {
    let tuning = Tuning { device_chunk: Some(chunk), ..Tuning::default() };
    Engine::builder().device(device).tuning(tuning).build().expect("an engine")
}

/// Numbers of every sign and size, now and then special ones.
fn numbers(n: usize, seed: u64) -> Vec<f64> {
    let special = [f64::NAN, f64::INFINITY, -0.0, 0.0, f64::MIN_POSITIVE / 3.0, -1e300, 1.0];
    let mut state = seed;
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let number = |_| match next() {
        bits if bits % 61 == 0 => special[usize::try_from(bits / 61 % 7).expect("few")],
        bits => (f64::from(u32::try_from(bits).expect("31 bits")) - 1e9) / 3.7e7,
    };
    (0..n).map(number).collect()
}

/// Numbers without special ones.
fn tame(n: usize, seed: u64) -> Vec<f64> {
    let tame = |x: f64| if x.is_finite() && x.abs() < 1e3 { x } else { 0.5 };
    numbers(n, seed).into_iter().map(tame).collect()
}

fn array<T: fuse::Element>(elements: &[T], extents: &[usize]) -> Array {
    Array::from_slice(elements, extents).expect("it fits")
}

fn same(found: &Array, expected: &Array, what: &str) {
    assert_eq!((found.dtype(), found.shape()), (expected.dtype(), expected.shape()), "{what}");
    let size = found.dtype().size().max(1);
    let pairs = found.as_bytes().chunks(size).zip(expected.as_bytes().chunks(size));
    for (position, (own, wanted)) in pairs.enumerate() {
        assert_eq!(own, wanted, "{what}: element {position} of {:?}", found.shape());
    }
}

/// All results of a formula, on the host and on every stand-in, arrays given on the host and on the device.
fn agree<'a>(formula: &str, variables: impl IntoIterator<Item = (&'a str, Input<'a>)>) {
    let variables: Vec<(&str, Input<'_>)> = variables.into_iter().collect();
    let vars = || variables.iter().cloned().collect::<Vars<'_>>();
    let expected = evaluate_all(formula, vars()).unwrap_or_else(|error| panic!("{error:?}"));
    for (name, device) in stand_ins() {
        let compare = |engine: &Engine, vars: Vars<'_>, how: &str| {
            let what = format!("{formula} on {name}, {how}");
            let found = engine.evaluate_all(formula, vars);
            let found = found.unwrap_or_else(|error| panic!("{what}: {error:?}"));
            assert_eq!(found.len(), expected.len(), "{what}");
            found.iter().zip(&expected).for_each(|(found, expected)| same(found, expected, &what));
        };
        compare(&engine(&device), vars(), "whole");
        compare(&engine(&device), vars(), "whole, once more");
        compare(&chunked(&device, 1024), vars(), "in chunks");
        let uploaded: Vec<Option<DeviceArray>> =
            variables.iter().map(|(_, input)| DeviceArray::upload(&device, input).ok()).collect();
        let resident = variables.iter().zip(&uploaded).map(|((name, input), array)| {
            (*name, array.as_ref().map_or(input.clone(), AsInput::as_input))
        });
        let resident: Vars<'_> = resident.collect();
        compare(&engine(&device), resident.clone(), "from the device");
        let found = engine(&device).evaluate_all_on_device(formula, resident);
        let found = found.unwrap_or_else(|error| panic!("{formula} on {name}: {error:?}"));
        for (found, expected) in found.iter().zip(&expected) {
            same(&found.download().expect("it is there"), expected, formula);
        }
    }
}

/// A copy comes after the upload that fills its source, and before the download of its target.
#[test]
fn arrays_are_copied_on_the_device() {
    for (name, device) in stand_ins() {
        let (ramp, zeros) = (array(&numbers(3077, 5), &[17, 181]), array(&[0.0; 3077], &[17, 181]));
        let upload = |array: &Array| DeviceArray::upload(&device, array).expect("it fits");
        let (source, mut target) = (upload(&ramp), upload(&zeros));
        target.copy_from(&source).expect("alike");
        same(&target.download().expect("it is there"), &ramp, name);
        let other = DeviceArray::upload(&device, &array(&[1.0; 3077], &[3077])).expect("it fits");
        let error = target.copy_from(&other).expect_err("another shape");
        assert_eq!(error.kind(), ErrorKind::Output, "{error}");
        device.synchronize().expect("nothing failed");
    }
}

#[test]
fn elementwise() {
    for n in [0, 1, 2, 3, 31, 1000, 3077] {
        let (a, b) = (numbers(n, 1), numbers(n, 2));
        for formula in [
            "2*a + 3*b**2",
            "a if a > b else sqrt(abs(b))",
            "exp(a)/b",
            "sin(a)",
            "a > b",
            "floor(a/b) % 7",
            "i64(a) // 3",
            "f16(a) + f32(b)",
        ] {
            agree(formula, [("a", a.as_input()), ("b", b.as_input())]);
        }
    }
}

#[test]
fn dtypes() {
    let n = 1500;
    let of = |modulus: i64| (0..n as i64).map(move |k| k * 37 % modulus - modulus / 3);
    let bools: Vec<bool> = of(3).map(|k| k > 0).collect();
    let bytes: Vec<u8> = of(251).map(|k| k.unsigned_abs() as u8).collect();
    let shorts: Vec<i16> = of(60_000).map(|k| k as i16).collect();
    let longs: Vec<i64> = of(1 << 40).collect();
    let halves: Vec<F16> = of(2000).map(|k| F16::from_f64(k as f64 / 8.0)).collect();
    let floats: Vec<f32> = of(9999).map(|k| k as f32 / 7.0).collect();
    let inputs = || {
        [
            ("p", bools.as_input()),
            ("u", bytes.as_input()),
            ("s", shorts.as_input()),
            ("l", longs.as_input()),
            ("h", halves.as_input()),
            ("f", floats.as_input()),
        ]
    };
    for formula in
        ["u + s", "u*u", "l // s", "h*f", "~p | (u > 7)", "p + s", "f**3 + h", "l % u, s << 3"]
    {
        agree(formula, inputs());
    }
    agree("sum(u), max(s), min(l), mean(h), sum(f), any(p), argmax(f)", inputs());
}

#[test]
fn broadcasting_and_layouts() {
    let (rows, columns) = (37, 45);
    let m = array(&numbers(rows * columns, 3), &[rows, columns]);
    let (r, c) = (numbers(columns, 4), array(&numbers(rows, 5), &[rows, 1]));
    for formula in [
        "m + r",
        "m*c - r",
        "exp(c)*exp(r)",
        "m.T + 1",
        "m.T*c.T",
        "(m.T + r[:, None]).T",
        "m[::2, 1:]",
        "m[::-1, ::-3] + 1",
        "m[5] + m[:, 7][:, None]",
        "m[3, 4] + r",
        "m[1:] - m[:-1]",
        "r[1:] - r[:-1]",
        "m[2:2] + r",
        "arange(37)[:, None] + m",
        "m + r, m - c, r[0]",
    ] {
        agree(formula, [("m", m.as_input()), ("r", r.as_input()), ("c", c.as_input())]);
    }
}

/// Strided, reversed, byte-swapped and repeated arrays are packed while they are copied.
#[test]
fn host_arrays_of_every_layout() {
    let values = numbers(2000, 6);
    let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_ne_bytes()).collect();
    let swapped: Vec<u8> =
        values.iter().flat_map(|x| x.to_bits().swap_bytes().to_ne_bytes()).collect();
    let view = |bytes, order, strides: &[isize], offset| {
        let layout = fuse::Layout { dtype: DType::F64, order, extents: &[30, 20], strides };
        View::from_bytes(bytes, &layout, offset).expect("inside")
    };
    use fuse::raw::ByteOrder::{Native, Swapped};
    for (order, strides, offset) in [
        (Native, [160, 8], 0),
        (Native, [8, 240], 8),
        (Native, [-168, 8], 8000),
        (Native, [0, 16], 0),
        (Native, [16, 0], 0),
        (Swapped, [160, 8], 0),
        (Swapped, [-8, 480], 4000),
    ] {
        let x = view(if order == Native { &bytes } else { &swapped }, order, &strides, offset);
        let y = view(&bytes, Native, &[160, 8], 8);
        agree("x*2 - y, sum(x, axis=0)", [("x", x.as_input()), ("y", y.as_input())]);
    }
}

#[test]
fn outputs_of_every_layout() {
    let x = tame(600, 7);
    for (name, device) in stand_ins() {
        for engine in [engine(&device), chunked(&device, 1024)] {
            for (strides, offset) in [([8, 240], 0), ([-160, 8], 29 * 160), ([320, 16], 8)] {
                let outputs = [Engine::global(), &engine].map(|engine| {
                    let mut bytes = vec![0_u8; 2 * 600 * 8 + 64];
                    let layout = fuse::Layout {
                        dtype: DType::F64,
                        order: fuse::raw::ByteOrder::Native,
                        extents: &[30, 20],
                        strides: &strides,
                    };
                    let m = array(&x, &[30, 20]);
                    let mut out =
                        fuse::ViewMut::from_bytes(&mut bytes, &layout, offset).expect("inside");
                    engine.evaluate_into("exp(m) + m", vars! { m }, &mut out).expect("it fits");
                    bytes
                });
                assert_eq!(outputs[0], outputs[1], "{name} {strides:?}");
            }
        }
    }
}

#[test]
fn complex_numbers() {
    let n = 777;
    let z: Vec<Complex<f64>> =
        tame(n, 8).iter().zip(tame(n, 9)).map(|(&re, im)| Complex::new(re, im)).collect();
    let w: Vec<Complex<f32>> =
        z.iter().rev().map(|z| Complex::new(z.im as f32, z.re as f32)).collect();
    let k = Complex::new(0.5, -2.0);
    for formula in [
        "z*z + k",
        "z/w",
        "exp(z)",
        "abs(z) + real(w)",
        "conj(z[::-1])",
        "sum(z), mean(w)",
        "z.imag",
    ] {
        agree(formula, [("z", z.as_input()), ("w", w.as_input()), ("k", k.as_input())]);
    }
    let m = array(&z[..700], &[35, 20]);
    agree("sum(m, axis=0), m.T*2", [("m", m.as_input())]);
}

#[test]
fn texts_are_asked_about_on_the_host() {
    let words = ["ada", "grace", "alan", "barbara", "a", ""];
    let texts: Vec<&str> = (0..1200).map(|k| words[k * 7 % 6]).collect();
    let s = Array::from_texts(&texts, &[1200]).expect("small");
    let m = Array::from_byte_strings(&texts[..600], &[30, 20]).expect("small");
    let x = numbers(1200, 10);
    agree("where(contains(s, 'a'), x, -x)", [("s", s.as_input()), ("x", x.as_input())]);
    agree("sum(x*(s > 'b'))", [("s", s.as_input()), ("x", x.as_input())]);
    agree("sum(m == b'ada', axis=0), (m < b'b').T", [("m", m.as_input())]);
    agree("where(t == 'yes', x, 0)", [("t", "yes".as_input()), ("x", x.as_input())]);
}

#[test]
fn scalars_of_reductions() {
    let x = tame(2500, 11);
    let m = array(&tame(30 * 70, 12), &[30, 70]);
    agree("(x - mean(x))/std(x)", [("x", x.as_input())]);
    agree("exp(x - max(x))/sum(exp(x - max(x)))", [("x", x.as_input())]);
    agree("m - mean(m, axis=1, keepdims=True)", [("m", m.as_input())]);
    agree(
        "e = exp(m - max(m, axis=1, keepdims=True)); e/sum(e, axis=1, keepdims=True)",
        [("m", m.as_input())],
    );
    agree("(m - mean(m, axis=0))/std(m, axis=0)", [("m", m.as_input())]);
    agree("s = sum(x); s, x/s, s*k, sqrt(k)", [("x", x.as_input()), ("k", 2.5.as_input())]);
    agree("x[n:] + x[:-n]", [("x", x.as_input()), ("n", Input::weak_int(3))]);
    agree("linspace(0, k, 9) + arange(9)", [("k", 2.5.as_input())]);
}

const LENGTHS: [usize; 11] = [0, 1, 7, 8, 31, 32, 33, 1023, 1024, 1025, 33 * 1024 + 5];

#[test]
fn folds_of_every_length() {
    for n in LENGTHS {
        let x = numbers(n, 13);
        let formula = if n == 0 { "sum(x), x + sum(x)" } else { FOLDS };
        agree(formula, [("x", x.as_input())]);
    }
}

const FOLDS: &str =
    "sum(x), prod(x), max(x), argmax(x), argmin(x), var(x), mean(x), any(x > 3), sum(x*x)";

#[test]
fn folds_over_some_axes() {
    for n in LENGTHS {
        if n == 1 {
            continue;
        }
        let list = |axis: &str| {
            if n == 0 {
                return format!("sum(m, axis={axis})");
            }
            format!("sum(m, axis={axis}), argmax(m, axis={axis}), var(m, axis={axis})")
        };
        let (rows, columns) = (array(&tame(2 * n, 14), &[2, n]), array(&tame(2 * n, 15), &[n, 2]));
        agree(&list("1"), [("m", rows.as_input())]);
        agree(&list("0"), [("m", columns.as_input())]);
        if n <= 1025 {
            let m = array(&tame(2 * n * 40, 16), &[2, n, 40]);
            agree(&list("1"), [("m", m.as_input())]);
            let m = array(&tame(3 * n * 5, 16), &[3, n, 5]);
            agree("sum(m, axis=(0, 2)), sum(m, axis=(1, 2))", [("m", m.as_input())]);
        }
    }
}

/// Each way of walking a fold gives the same bits.
#[test]
fn lanes_of_folds() {
    let m = array(&tame(300 * 70, 16), &[300, 70]);
    let expected = evaluate_all("sum(m, axis=0), var(m, axis=1)", vars! { m }).expect("it runs");
    for (name, device) in stand_ins() {
        for lanes in [fuse_runtime::FoldLanes::Elements, fuse_runtime::FoldLanes::Outputs] {
            let tuning = Tuning { fold_lanes: Some(lanes), ..Tuning::default() };
            let engine = Engine::builder().device(&device).tuning(tuning).build().expect("engine");
            let found = engine.evaluate_all("sum(m, axis=0), var(m, axis=1)", vars! { m });
            for (found, expected) in found.expect("it runs").iter().zip(&expected) {
                same(found, expected, name);
            }
        }
    }
}

#[test]
fn long_arrays_in_chunks() {
    let (x, y) = (tame(10_000, 17), tame(10_000, 18));
    for formula in [
        "x*y + 1",
        "x[1:] - x[:-1]",
        "x + y[0]",
        "sum(x*y)",
        "argmax(x), max(x + y), x*2",
        "var(x)",
        "arange(10_000)*x",
        "x > y, x, y*k",
    ] {
        let inputs = [("x", x.as_input()), ("y", y.as_input()), ("k", 0.5.as_input())];
        agree(formula, inputs);
    }
}

/// An array that the device's memory has no room for.
#[test]
fn arrays_larger_than_the_device() {
    let small = 200 << 10;
    let x = tame(100_000, 19);
    let expected = evaluate_all("2*x, sum(x)", vars! { x }).expect("it runs");
    for uploads in [Uploads::Lazy, Uploads::Eager] {
        let device = Device::from_driver(ReferenceDevice::new(small, uploads));
        let engine = chunked(&device, 2048);
        let doubled = engine.evaluate("2*x", vars! { x }).expect("in chunks");
        same(&doubled, &expected[0], "doubled");
        let total = engine.evaluate("sum(x)", vars! { x }).expect("in chunks");
        same(&total, &expected[1], "sum");
        let error = engine.evaluate("x - mean(x)", vars! { x }).expect_err("two passes");
        assert_eq!(error.kind(), ErrorKind::Alloc);
        let message = error.to_string();
        assert!(message.contains("800000 bytes") || message.contains("800000"), "{message}");
        let again = engine.evaluate("2*x", vars! { x }).expect("nothing is lost");
        same(&again, &expected[0], "doubled again");
    }
}

#[test]
fn arrays_stay_on_the_device() {
    let x = tame(3000, 20);
    for (name, device) in stand_ins() {
        let engine = engine(&device);
        let own = DeviceArray::from_slice(&device, &x, &[50, 60]).expect("it fits");
        assert_eq!((own.dtype(), own.shape(), own.len()), (DType::F64, [50, 60].as_slice(), 3000));
        assert_eq!(own.device(), device);
        same(&own.download().expect("there"), &array(&x, &[50, 60]), name);
        let squares = engine.evaluate_on_device("own*own", vars! { own }).expect("it runs");
        let mut sum =
            engine.evaluate_on_device("own + squares", vars! { own, squares }).expect("it");
        let m = array(&x, &[50, 60]);
        let squares = fuse::evaluate("m*m", vars! { m }).expect("it runs");
        let host = fuse::evaluate("m + squares", vars! { m, squares }).expect("it runs");
        same(&sum.download().expect("there"), &host, name);
        let total = engine.evaluate("sum(sum)", vars! { sum }).expect("to the host");
        same(&total, &fuse::evaluate("sum(host)", vars! { host }).expect("it runs"), name);
        engine.evaluate_into_device("own - 1", vars! { own }, &mut sum).expect("it fits");
        let host = fuse::evaluate("m - 1", vars! { m }).expect("it runs");
        same(&sum.download().expect("there"), &host, name);

        let formula = engine.formula("own.T + 1").expect("a formula");
        let transposed = formula.evaluate_on_device(vars! { own }).expect("it runs");
        assert_eq!(transposed.shape(), [60, 50]);
        let types = [("own", InputType::array(DType::F64, &[50, 60]))];
        let prepared = formula.prepare(&types).expect("types");
        let again = prepared.evaluate_on_device(vars! { own }).expect("it runs");
        let (one, other) = (transposed.download(), again.download());
        same(&one.expect("there"), &other.expect("there"), name);
        let few =
            engine.evaluate_all_on_device("sum(own), own[0]", vars! { own }).expect("it runs");
        assert_eq!((few[0].shape(), few[1].shape()), ([].as_slice(), [60].as_slice()));
        let scaled = engine.evaluate("own/total", vars! { own, total = few[0] }).expect("it runs");
        let host = fuse::evaluate("m/sum(m)", vars! { m }).expect("it runs");
        same(&scaled, &host, name);
    }
}

/// A scalar on the device may say how many elements there are.
#[test]
fn extents_may_lie_on_the_device() {
    for (_, device) in stand_ins() {
        let engine = engine(&device);
        let n = DeviceArray::from_slice(&device, &[5_i64], &[]).expect("it fits");
        let found = engine.evaluate("arange(n)*n", vars! { n }).expect("it runs");
        assert_eq!(found.into_vec::<i64>().expect("i64"), [0, 5, 10, 15, 20]);
    }
}

#[test]
fn errors_are_those_of_the_host() {
    let (x, y) = (tame(6, 21), tame(5, 22));
    for (_, device) in stand_ins() {
        let engine = engine(&device);
        let other = Device::from_driver(ReferenceDevice::new(MEMORY, Uploads::Lazy));
        for formula in ["x + y", "x + z", "x[7]", "max(x[:0])", "sqr(x)", "x +"] {
            let on_host = fuse::evaluate(formula, vars! { x, y }).expect_err(formula);
            let on_device = engine.evaluate(formula, vars! { x, y }).expect_err(formula);
            assert_eq!(on_host.render(), on_device.render());
            assert_eq!(on_host.kind(), on_device.kind());
        }
        let own = DeviceArray::from_slice(&device, &x, &[6]).expect("it fits");
        let on_host = fuse::evaluate("own + 1", vars! { own }).expect_err("on the host");
        assert_eq!(on_host.kind(), ErrorKind::Input);
        assert_eq!(
            on_host.to_string(),
            "variable `own` is in a device's memory, the engine runs on the host: give it \
             `own.download()`, or use an engine made with `Engine::builder().device(..)`"
        );
        let foreign = DeviceArray::from_slice(&other, &x, &[6]).expect("it fits");
        let error = engine.evaluate("own + foreign", vars! { own, foreign }).expect_err("foreign");
        assert_eq!(error.kind(), ErrorKind::Input);
        assert!(error.to_string().contains("`foreign.download()`"), "{error}");
        let error = Engine::global().evaluate_on_device("x", vars! { x }).expect_err("no device");
        assert_eq!(error.kind(), ErrorKind::Device);
        let mut small = DeviceArray::from_slice(&device, &y, &[5]).expect("it fits");
        let error = engine.evaluate_into_device("own", vars! { own }, &mut small).expect_err("5");
        assert_eq!(error.kind(), ErrorKind::Output);
        assert_eq!(error.to_string(), "output 0 has shape (5,), the result has shape (6,)");
        let error = engine.evaluate_on_device("x, y", vars! { x, y }).expect_err("two");
        let message = "the formula has 2 results, which `evaluate_all_on_device` gives";
        assert_eq!(error.to_string(), message);
        let text = Array::from_texts(&["a"], &[1]).expect("small");
        let error = DeviceArray::upload(&device, &text).expect_err("a text");
        assert_eq!(error.kind(), ErrorKind::Type);

        let token = CancelToken::new();
        token.cancel();
        let error = engine.with_cancel(&token).evaluate("x", vars! { x }).expect_err("cancelled");
        assert_eq!(error.kind(), ErrorKind::Cancelled);
        let mut limits = Limits::default();
        limits.work = Some(3);
        let limited = Engine::builder().device(&device).limits(limits).build().expect("an engine");
        let error = limited.evaluate("x + 1", vars! { x }).expect_err("too much");
        assert_eq!(error.kind(), ErrorKind::WorkLimit);
    }
}

/// Formulas of many threads, each on arrays of its own.
#[test]
fn one_device_serves_many_threads() {
    let device = Device::from_driver(ReferenceDevice::new(MEMORY, Uploads::Eager));
    let engine = Arc::new(engine(&device));
    std::thread::scope(|scope| {
        for seed in 0..8 {
            let (engine, device) = (Arc::clone(&engine), device.clone());
            scope.spawn(move || {
                let x = tame(500 + 10 * usize::try_from(seed).expect("few"), seed);
                let own = DeviceArray::from_slice(&device, &x, &[x.len()]).expect("it fits");
                for _ in 0..5 {
                    let found =
                        engine.evaluate("own - mean(x)", vars! { own, x }).expect("it runs");
                    let expected = fuse::evaluate("x - mean(x)", vars! { x }).expect("it runs");
                    same(&found, &expected, "a thread's");
                }
            });
        }
    });
}

#[test]
fn memory_is_returned() {
    let driver = ReferenceDevice::new(MEMORY, Uploads::Lazy);
    let device = Device::from_driver(Arc::<ReferenceDevice>::clone(&driver));
    let engine = engine(&device);
    let x = tame(5000, 23);
    for _ in 0..3 {
        let y = engine.evaluate_on_device("x - mean(x)", vars! { x }).expect("it runs");
        engine.evaluate("sum(y)", vars! { y }).expect("it runs");
    }
    let kept = driver.allocated();
    assert!(kept > 0 && kept < 300_000, "{kept}");
    device.trim();
    assert_eq!(driver.allocated(), 0);
    let memory = device.memory().expect("it says");
    assert_eq!((memory.free, memory.total), (MEMORY, MEMORY));
}

/// A thousand formulas, of which an engine's cache keeps 256, and one that is used all along.
fn evaluate_many(device: &Device, loaded: impl Fn() -> usize) {
    let engine = engine(device);
    let kept = engine.formula("x - 0.5").expect("a formula");
    let x = tame(8, 26);
    let mut most = 0;
    for number in 0..1000 {
        let found = engine.evaluate(&format!("x + {number}.25"), vars! { x }).expect("it runs");
        let expected = x.iter().map(|x| x + (f64::from(number) + 0.25)).collect::<Vec<f64>>();
        same(&found, &array(&expected, &[8]), "a formula of many");
        kept.evaluate(vars! { x }).expect("it runs");
        most = most.max(loaded());
    }
    assert!(most <= 256 + 2, "{most} modules are loaded");
}

/// Modules go with their formulas.
#[test]
fn modules_of_many_formulas_are_returned() {
    let reference = ReferenceDevice::new(MEMORY, Uploads::Lazy);
    let device = Device::from_driver(Arc::<ReferenceDevice>::clone(&reference));
    evaluate_many(&device, || reference.modules());
    device.trim();
    assert_eq!((reference.modules(), reference.allocated()), (0, 0));

    let interpreted = Arc::new(InterpretedDevice::new());
    let device = Device::from_driver(Arc::<InterpretedDevice>::clone(&interpreted));
    evaluate_many(&device, || interpreted.texts().len());
    device.trim();
    let memory = device.memory().expect("it says");
    assert_eq!((interpreted.texts().len(), memory.free), (0, memory.total));
}

/// The driver never has more than a device keeps, and gets all of them back.
#[test]
fn the_driver_has_few_modules() {
    let test = "engines::the_driver_has_few_modules";
    if let Some(log) = with_fake_driver(test, "") {
        assert_eq!(modules_of(&log), (1001, 257));
        return;
    }
    let device = Device::cuda(0).expect("the fake driver has a device");
    evaluate_many(&device, || 0);
}

/// The same through the code that drives NVIDIA devices, over a stand-in for their driver.
#[test]
fn engines_over_the_driver() {
    if with_fake_driver("engines::engines_over_the_driver", "").is_some() {
        return;
    }
    let device = Device::cuda(0).expect("the fake driver has a device");
    assert_eq!(Device::cuda(0).expect("it is open"), device);
    assert_eq!(Device::list().expect("a driver")[0], *device.info());
    let missing = Device::cuda(99).expect_err("no such device");
    assert_eq!(missing.kind(), ErrorKind::Device);
    let (x, m) = (tame(5000, 24), array(&tame(1200, 25), &[40, 30]));
    for engine in [engine(&device), chunked(&device, 1024)] {
        assert_eq!(engine.backend_name(), "cuda");
        for formula in
            ["2*x + 1", "x - mean(x)", "sum(m, axis=0)", "m.T*2", "sum(x), max(m, axis=1)"]
        {
            let expected = evaluate_all(formula, vars! { x, m }).expect("it runs");
            let found = engine.evaluate_all(formula, vars! { x, m }).expect("it runs");
            for (found, expected) in found.iter().zip(&expected) {
                same(found, expected, formula);
            }
        }
    }
    let context = fuse::cudarc::driver::CudaContext::new(0).expect("a context");
    let slice = context.default_stream().clone_htod(&x).expect("a copy");
    let own = CudaView::new(&device, &slice, &[50, 100]).expect("it fits");
    let found = engine(&device).evaluate("own.T + 1", vars! { own }).expect("it runs");
    let host = array(&x, &[50, 100]);
    same(&found, &fuse::evaluate("host.T + 1", vars! { host }).expect("it runs"), "borrowed");
    let wrong = CudaView::new(&device, &slice, &[7]).expect_err("another shape");
    assert_eq!(wrong.kind(), ErrorKind::Input);
}
