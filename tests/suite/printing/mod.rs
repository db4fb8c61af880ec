//! Arrays as text: byte for byte as NumPy prints them, but for the deviations that `docs/language.md`
//! lists.
//!
//! `tests/printing/make.py` writes the table and says how it reads; nothing in it comes from fuse.
//!
//! * `table`: the file as arrays and texts.
//! * `regenerate`: the table is what its generator writes.

mod regenerate;
mod table;

use std::collections::BTreeSet;

use fuse::{Array, DType};

use table::{Case, cases};

/// What differs in a case, for a report.
fn difference(case: &Case, printed: &str) -> String {
    format!("{}\n  NumPy:\n{}\n  fuse:\n{printed}", case.head, case.text)
}

#[test]
fn arrays_print_as_in_numpy() {
    let all = cases();
    let wrong: Vec<String> = all
        .iter()
        .filter(|case| case.deviation.is_none())
        .filter_map(|case| {
            let printed = case.array.display(&case.options).to_string();
            (printed != case.text).then(|| difference(case, &printed))
        })
        .collect();
    let shown = wrong.iter().take(10).cloned().collect::<Vec<String>>().join("\n\n");
    assert!(wrong.is_empty(), "{} of {} differ:\n{shown}", wrong.len(), all.len());
}

/// `Display` has NumPy's defaults.
#[test]
fn the_defaults_are_numpys() {
    for case in cases().iter().filter(|case| case.is_default && case.deviation.is_none()) {
        assert_eq!(case.array.to_string(), case.text, "{}", case.head);
    }
}

/// The elements that are shown are all that is needed.
#[test]
fn a_part_prints_as_the_whole() {
    let mut n_shortened = 0;
    for case in cases().iter().filter(|case| !case.array.dtype().is_text()) {
        let indices = case.options.printed_indices(case.array.shape());
        let part = part(&case.array, &indices);
        n_shortened += usize::from(part.len() < case.array.len());
        let printed = part.display_as_part(case.array.shape(), &case.options).to_string();
        assert_eq!(printed, case.text, "{}", case.head);
    }
    assert!(n_shortened > 30, "{n_shortened} arrays are shortened");
}

/// The elements at these positions along each axis.
fn part(array: &Array, indices: &[Vec<usize>]) -> Array {
    let mut positions = vec![0];
    for (extent, steps) in array.shape().iter().zip(indices) {
        let along = |base: &usize| {
            let base = base * extent;
            steps.iter().map(move |step| base + step).collect::<Vec<usize>>()
        };
        positions = positions.iter().flat_map(along).collect();
    }
    let shape: Vec<usize> = indices.iter().map(Vec::len).collect();
    let shape = if array.is_empty() { array.shape() } else { &shape };
    table::gathered(array, &positions, shape)
}

#[test]
fn every_dtype_rank_and_form_is_in_the_table() {
    let all = cases();
    let found: BTreeSet<String> = all.iter().map(|case| case.array.dtype().to_string()).collect();
    for dtype in DType::ALL {
        assert!(found.contains(&dtype.to_string()), "no array of {dtype}");
    }
    assert!(found.iter().any(|name| name.starts_with('S')), "no byte strings");
    assert!(found.iter().any(|name| name.starts_with('U')), "no texts");
    for rank in 0..=5 {
        assert!(all.iter().any(|case| case.array.shape().len() == rank), "no rank {rank}");
    }
    for sign in ["...", "e+", "e-", "nan", "inf", "\n\n", "j", "\\x1b"] {
        assert!(all.iter().any(|case| case.text.contains(sign)), "{sign:?} is nowhere");
    }
}

/// The rows of the page's table: a name and what fuse prints.
fn deviations() -> Vec<(String, String)> {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/language.md");
    let page = std::fs::read_to_string(page).expect("the page is there");
    let begin = "<!-- deviations of printing -->\n";
    let (_, rest) = page.split_once(begin).expect("the page has the table");
    let (table, _) = rest.split_once("<!-- end -->").expect("the table ends");
    let row = |line: &str| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let code = |cell: &str| cell.trim_matches('`').to_string();
        (code(cells[0]), code(cells[cells.len() - 1]))
    };
    table.lines().skip(2).map(row).collect()
}

#[test]
fn deviations_are_those_of_the_page() {
    let listed = deviations();
    let all = cases();
    for (name, text) in &listed {
        let is_case = |case: &&Case| case.deviation.as_deref() == Some(name);
        let case = all.iter().find(is_case);
        let case = case.unwrap_or_else(|| panic!("the table has no case of `{name}`"));
        let printed = case.array.display(&case.options).to_string();
        assert_eq!(printed, *text, "{name}");
        assert_ne!(printed, case.text, "{name} is no deviation");
    }
    let names: BTreeSet<&str> = listed.iter().map(|(name, _)| name.as_str()).collect();
    let used: BTreeSet<&str> = all.iter().filter_map(|case| case.deviation.as_deref()).collect();
    assert_eq!(names, used);
}
