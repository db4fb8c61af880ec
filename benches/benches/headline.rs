//! `x + x**2 + … + x**8` into memory of the caller's, by size: 16 (the call), 1e3 (L1), 3e4 (L2),
//! 1e6 (last-level cache).

use criterion::{BenchmarkId, Criterion, Throughput};
use fuse::{DType, Formula, InputType, vars};

const TEXT: &str = "x + x**2 + x**3 + x**4 + x**5 + x**6 + x**7 + x**8";

pub(crate) fn bench(criterion: &mut Criterion) {
    let formula: Formula = TEXT.parse().expect("a formula");
    let types = [("x", InputType::array(DType::F64, &[2]))];
    let prepared = formula.prepare(&types).expect("it compiles");
    let mut group = criterion.benchmark_group("headline");
    for len in [16_u32, 1_000, 30_000, 1_000_000] {
        let x: Vec<f64> = (0..len).map(|k| f64::from(k) / f64::from(len)).collect();
        let mut out = vec![0.0; x.len()];
        group.throughput(Throughput::Elements(u64::from(len)));
        group.bench_function(BenchmarkId::from_parameter(len), |bencher| {
            bencher.iter(|| prepared.evaluate_into(vars! { x }, &mut out).expect("it fits"));
        });
    }
}
