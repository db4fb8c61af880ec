//! The elementary functions are as accurate as their rows promise, on every back end.
//!
//! * `tables`: against committed tables, which MPFR made; needs nothing installed.
//! * `exact`: against MPFR itself, at 100 000 points a function (feature `mpfr`).
//! * `complex`: operations on complex numbers, against tables that MPC made.
//! * `regenerate`: the tables are what their generator writes.
//!
//! The long series, 10 million points and all f32 numbers, is `examples/accuracy.rs`.

mod complex;
mod exact;
mod regenerate;
mod tables;

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use fuse::{Array, DType, Engine, Input, Mode, Vars};
use fuse_ops::table::{Row, TABLE};
use fuse_ops::{Accuracy, Budget};
use fuse_testkit::accuracy::{Format, Reference, Subject};

use crate::backends::{self, Watched};

/// The dtypes that functions compute in.
const DTYPES: [DType; 2] = [DType::F64, DType::F32];

/// Where tables and plans lie.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("accuracy")
}

/// Rows with a budget.
fn functions() -> impl Iterator<Item = (&'static Row, Budget)> {
    TABLE.iter().filter_map(|row| match row.accuracy {
        Accuracy::Ulp(budget) => Some((row, budget)),
        Accuracy::Exact | Accuracy::Stated => None,
    })
}

/// Why a result is not good enough, if it is not.
fn excess(
    budget: &Budget,
    reference: &Reference,
    args: &[f64],
    result: f64,
    format: Format,
) -> Option<String> {
    let limit = if format.precision == 24 { budget.f32 } else { budget.f64 };
    let error = reference.error_by(budget.yardstick, args, result, format);
    (error > limit).then(|| format!("{args:?} gives {result:e}: {error:.3} ulp, allowed {limit}"))
}

/// Every back end, the interpreter first and Cranelift second.
static ENGINES: LazyLock<Vec<(Arc<Watched>, Engine)>> = LazyLock::new(|| {
    let engine = |backend: Arc<Watched>| {
        let engine = Engine::builder().host_backend(backend.clone()).mode(Mode::Strict).build();
        (backend, engine.expect("the back end is given"))
    };
    backends::all().into_iter().map(engine).collect()
});

/// The function's results on a back end, through the whole engine.
fn evaluate(engine: &Engine, subject: &Subject, args: &[Vec<u64>]) -> Vec<u64> {
    let names = ["a", "b"];
    let formula = format!("{}({})", subject.op.row().name, names[..args.len()].join(", "));
    let arrays: Vec<Array> = args.iter().map(|bits| array(subject, bits)).collect();
    let mut vars = Vars::new();
    for (name, array) in names.into_iter().zip(&arrays) {
        vars.insert(name, Input::array(array.view()));
    }
    let result = engine.evaluate(&formula, vars).expect("evaluates");
    if subject.format.precision == 24 {
        let values = result.as_slice::<f32>().expect("f32");
        return values.iter().map(|value| u64::from(value.to_bits())).collect();
    }
    result.as_slice::<f64>().expect("f64").iter().map(|value| value.to_bits()).collect()
}

fn array(subject: &Subject, bits: &[u64]) -> Array {
    let values = bits.iter().map(|&bits| subject.format.value(bits));
    let array = if subject.format.precision == 24 {
        let values: Vec<f32> = values.map(|value| value as f32).collect();
        Array::from_slice(&values, &[values.len()])
    } else {
        Array::from_slice(&values.collect::<Vec<f64>>(), &[bits.len()])
    };
    array.expect("an array of that many")
}
