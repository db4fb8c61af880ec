//! Against the committed tables.

use std::collections::BTreeSet;

use fuse_testkit::accuracy::{Subject, Table};

use super::{DTYPES, ENGINES, evaluate, excess, folder, functions};

/// Fewer than this and a table says little.
const AT_LEAST: usize = 2000;

#[test]
fn every_function_is_within_its_budget_on_every_back_end() {
    let mut failures = Vec::new();
    for (row, budget) in functions() {
        for dtype in DTYPES {
            let subject = Subject::new(row.op, dtype);
            let file = folder().join(format!("tables/{}-{dtype}.txt", row.name));
            let table = Table::read(&file, row.arity, subject.format).unwrap_or_else(|error| {
                failures.push(error);
                Table::default()
            });
            if table.len() < AT_LEAST {
                failures.push(format!("{} of {dtype}: only {} points", row.name, table.len()));
                continue;
            }
            let oracle = subject.evaluate(&table.args);
            for (index, (reference, &bits)) in table.references.iter().zip(&oracle).enumerate() {
                let point = table.point(index, subject.format);
                let result = subject.format.value(bits);
                let excess = excess(&budget, reference, &point, result, subject.format);
                failures.extend(excess.map(|text| format!("{} of {dtype}: {text}", row.name)));
            }
            for (backend, engine) in ENGINES.iter() {
                let results = evaluate(engine, &subject, &table.args);
                let differs = |&index: &usize| {
                    let [a, b] = [oracle[index], results[index]];
                    a != b
                        && !(subject.format.value(a).is_nan() && subject.format.value(b).is_nan())
                };
                if let Some(index) = (0..table.len()).find(differs) {
                    let point = table.point(index, subject.format);
                    let [a, b] = [oracle[index], results[index]];
                    let (name, backend) = (row.name, backend.label());
                    failures
                        .push(format!("{name} of {dtype} {point:?}: {backend} {b:#x}, not {a:#x}"));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), sample(&failures));
    ENGINES.iter().for_each(|(backend, _)| backend.assert_took_all());
}

/// The first failures.
fn sample(failures: &[String]) -> String {
    failures.iter().take(40).cloned().collect::<Vec<String>>().join("\n")
}

#[test]
fn no_table_lacks_its_function() {
    let known: BTreeSet<String> = functions()
        .flat_map(|(row, _)| DTYPES.map(|dtype| format!("{}-{dtype}.txt", row.name)))
        .collect();
    let tables = std::fs::read_dir(folder().join("tables")).expect("the tables");
    for table in tables.flatten() {
        let name = table.file_name().to_string_lossy().into_owned();
        assert!(known.contains(&name), "{name} belongs to no function");
    }
}
