//! Every row of the operator table on 100 000 f64 elements: its example, into memory of ours. A row
//! added to the table is benched without a line here.

use criterion::{Criterion, Throughput};
use fuse::raw::table::{Domain, TABLE};
use fuse::{Array, DType, Engine, InputType, vars};

const LEN: u32 = 100_000;

/// Values spread evenly over the part of the domain that lies in [-8, 8].
fn values(domain: Domain) -> Vec<f64> {
    let (low, high) = (domain.low.max(-8.0), domain.high.min(8.0));
    (0..LEN).map(|k| low + (high - low) * (f64::from(k) + 0.5) / f64::from(LEN)).collect()
}

pub(crate) fn bench(criterion: &mut Criterion) {
    let engine = Engine::builder().threads(1).build().expect("an engine");
    let mut group = criterion.benchmark_group("operators");
    group.throughput(Throughput::Elements(u64::from(LEN)));
    for row in TABLE {
        let (a, mut b) = (values(row.domain), values(row.domain));
        b.reverse();
        let formula = engine.formula(row.example).expect(row.example);
        let array = InputType::array(DType::F64, &[a.len()]);
        let types = [("a", array.clone()), ("b", array)];
        let prepared = formula.prepare(&types).expect(row.example);
        let result = formula.outputs(&types).expect(row.example)[0];
        let extents = [a.len()];
        let mut out = Array::zeroed(result.dtype, &extents[..result.rank]).expect("memory");
        group.bench_function(row.name, |bencher| {
            bencher.iter(|| prepared.evaluate_into(vars! { a, b }, &mut out).expect(row.example));
        });
    }
}
