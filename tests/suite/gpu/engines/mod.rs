//! Engines on devices that are stood in for, beside engines on the host: the same bits, the same errors.
//!
//! The formulas run on every stand-in of [`stand_ins`], and on a GPU where there is one; arrays of every
//! layout, whole and in chunks, from the host and from the device.
//!
//! | module | |
//! |---|---|
//! | `agreement` | formulas over arrays of every dtype and layout, elementwise |
//! | `folds` | reductions of every length, over every axis |
//! | `chunks` | arrays that go through the device piece by piece |
//! | `resident` | arrays that stay on the device, and its memory |
//! | `errors` | what is refused |
//! | `modules` | what many formulas leave loaded |
//! | `driven` | the same through the code that drives NVIDIA devices |

mod agreement;
mod chunks;
mod driven;
mod errors;
mod folds;
mod modules;
mod resident;

use std::sync::Arc;

use fuse::raw::Tuning;
use fuse::{Array, AsInput, Device, DeviceArray, Engine, Input, Vars, evaluate_all};
use fuse_testkit::Random;
use fuse_testkit::ptx::InterpretedDevice;
use fuse_testkit::reference_device::{ReferenceDevice, Uploads};
use fuse_testkit::skip;

/// Bytes of a stand-in's memory.
const MEMORY: u64 = 1 << 26;

fn stand_ins() -> Vec<(&'static str, Device)> {
    let reference = |uploads| Device::from_driver(ReferenceDevice::new(MEMORY, uploads));
    [
        ("reference, lazy", reference(Uploads::Lazy)),
        ("reference, eager", reference(Uploads::Eager)),
        ("PTX", Device::from_driver(Arc::new(InterpretedDevice::new()))),
        ("PTX, shuffled", Device::from_driver(Arc::new(InterpretedDevice::shuffled(7)))),
    ]
    .into_iter()
    .chain(Device::cuda(0).ok().map(|device| ("NVIDIA", device)))
    .collect()
}

/// On a machine with a GPU everything here runs on it as well, and the corpus does.
#[test]
fn a_gpu_takes_part_where_there_is_one() {
    match Device::cuda(0) {
        Ok(device) => assert!(stand_ins().iter().any(|(_, other)| *other == device)),
        Err(error) => skip!("gpu: {error}"),
    }
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
    let mut random = Random::new(seed);
    let number = |_| match random.below(61) {
        0 => random.pick(&special),
        _ => (random.below(1 << 31) as f64 - 1e9) / 3.7e7,
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

/// All results of a formula.
fn all_same(found: &[Array], expected: &[Array], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    found.iter().zip(expected).for_each(|(found, expected)| same(found, expected, what));
}

/// All results of a formula, on the host and on every stand-in, arrays given on the host and on the device.
fn agree<'a>(formula: &str, variables: impl IntoIterator<Item = (&'a str, Input<'a>)>) {
    let variables: Vec<(&str, Input<'_>)> = variables.into_iter().collect();
    let vars: Vars<'_> = variables.iter().cloned().collect();
    let expected = evaluate_all(formula, vars.clone()).unwrap_or_else(|error| panic!("{error:?}"));
    for (name, device) in stand_ins() {
        let compare = |engine: &Engine, vars: Vars<'_>, how: &str| {
            let what = format!("{formula} on {name}, {how}");
            let found = engine.evaluate_all(formula, vars);
            all_same(&found.unwrap_or_else(|error| panic!("{what}: {error:?}")), &expected, &what);
        };
        compare(&engine(&device), vars.clone(), "whole");
        compare(&engine(&device), vars.clone(), "whole, once more");
        compare(&chunked(&device, 1024), vars.clone(), "in chunks");
        let uploaded: Vec<Option<DeviceArray>> =
            variables.iter().map(|(_, input)| DeviceArray::upload(&device, input).ok()).collect();
        let resident = variables.iter().zip(&uploaded).map(|((name, input), array)| {
            (*name, array.as_ref().map_or(input.clone(), AsInput::as_input))
        });
        let resident: Vars<'_> = resident.collect();
        compare(&engine(&device), resident.clone(), "from the device");
        let found = engine(&device).evaluate_all_on_device(formula, resident);
        let found = found.unwrap_or_else(|error| panic!("{formula} on {name}: {error:?}"));
        let download = |array: &DeviceArray| array.download().expect("it is there");
        all_same(&found.iter().map(download).collect::<Vec<_>>(), &expected, formula);
    }
}
