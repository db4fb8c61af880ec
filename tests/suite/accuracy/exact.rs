//! Against MPFR: 100 000 points of f64 a function, in every binade, near breakpoints, at hard cases.

#[cfg(not(feature = "mpfr"))]
#[test]
fn every_function_is_within_its_budget_at_100_000_points() {
    fuse_testkit::skip!("mpfr: the feature is off");
}

#[cfg(feature = "mpfr")]
#[test]
fn every_function_is_within_its_budget_at_100_000_points() {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    let rows: Vec<_> = super::functions().collect();
    let (next, failures) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some((row, budget)) = rows.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let found = against_mpfr(row, budget);
                    failures.lock().expect("no panic").extend(found);
                }
            });
        }
    });
    let failures = failures.into_inner().expect("no panic");
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

#[cfg(feature = "mpfr")]
fn against_mpfr(row: &fuse_ops::Row, budget: &fuse_ops::Budget) -> Vec<String> {
    use fuse::DType;
    use fuse_testkit::Random;
    use fuse_testkit::accuracy::{Plan, Subject, mpfr};

    let plan = Plan::read(&super::folder(), row.name, row.arity, DType::F64).expect("a plan");
    let subject = Subject::new(row.op, DType::F64);
    let mut random = Random::new(16);
    let mut sets = vec![plan.chosen()];
    sets.extend(plan.binades().map(|exponent| plan.in_binade(exponent, 20, &mut random)));
    let so_far: usize = sets.iter().map(|set| set[0].len()).sum();
    sets.push(plan.in_intervals(100_000_usize.saturating_sub(so_far), &mut random));
    let mut failures = Vec::new();
    for set in sets {
        let results = super::evaluate(&super::ENGINES[1].1, &subject, &set);
        for (index, &bits) in results.iter().enumerate() {
            let point: Vec<f64> = set.iter().map(|arg| f64::from_bits(arg[index])).collect();
            let exact = mpfr::exact(row.name, &point);
            let reference = mpfr::reference(&exact, subject.format);
            let result = subject.format.value(bits);
            let excess = super::excess(budget, &reference, &point, result, subject.format);
            failures.extend(excess.map(|text| format!("{}: {text}", row.name)));
        }
    }
    failures.truncate(20);
    failures
}
