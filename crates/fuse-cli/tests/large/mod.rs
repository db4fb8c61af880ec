//! Evaluations in windows: with next to no memory allowed, every way to give results gives the same bytes.

use fuse::DType;
use fuse_npy::NpyFile;

use super::{Folder, header, text};

/// Memory that nothing here fits.
const LITTLE: &str = "--mem=256K";
/// Memory that everything here fits.
const MUCH: &str = "--mem=1G";

/// A folder with vectors `x` and `y`, matrices `m` and, in Fortran order, `f`, and complex numbers `z`: each
/// of 5 MB and more.
fn folder() -> Folder {
    let folder = Folder::new();
    folder.remove("x.npy");
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((state >> 40) as f64) / 65536.0 - 100.0
    };
    let mut bytes = |n: usize| (0..n).flat_map(|_| next().to_le_bytes()).collect::<Vec<u8>>();
    let n = 700_001;
    folder.write("x.npy", &header(DType::F64, &[n]), &bytes(n));
    folder.write("y.npy", &header(DType::F64, &[n]), &bytes(n));
    folder.write("m.npy", &header(DType::F64, &[1500, 467]), &bytes(1500 * 467));
    folder.write(
        "f.npy",
        &header(DType::F64, &[1500, 467]).with_fortran_order(),
        &bytes(1500 * 467),
    );
    folder.write("z.npy", &header(DType::C128, &[n / 2]), &bytes(n / 2 * 2));
    folder
}

/// The files that a formula reads.
fn bindings(formula: &str) -> Vec<String> {
    let is_letter = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let names = ["x", "y", "m", "f", "z"].into_iter().filter(|name| {
        formula.match_indices(name).any(|(at, _)| {
            let (before, after) = (&formula[..at], &formula[at + 1..]);
            !is_letter(before.chars().next_back()) && !is_letter(after.chars().next())
        })
    });
    names.map(|name| format!("{name}={name}.npy")).collect()
}

/// Runs with little and with much memory; gives what is printed and the bytes of `outputs`.
fn both(folder: &Folder, formula: &str, options: &[&str], outputs: &[&str]) -> [Vec<Vec<u8>>; 2] {
    [LITTLE, MUCH].map(|memory| {
        let bindings = bindings(formula);
        let mut args = vec!["eval", formula, memory];
        args.extend(bindings.iter().map(String::as_str));
        args.extend_from_slice(options);
        let output = folder.fuse(&args);
        assert_eq!(text(&output.stderr), "", "{args:?}");
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        let mut all = vec![output.stdout];
        for name in outputs {
            all.push(std::fs::read(folder.path(name)).expect("a result"));
            folder.remove(name);
        }
        all
    })
}

fn same(folder: &Folder, formula: &str, options: &[&str], outputs: &[&str]) {
    let [little, much] = both(folder, formula, options, outputs);
    let lengths = |all: &[Vec<u8>]| all.iter().map(Vec::len).collect::<Vec<_>>();
    assert_eq!(lengths(&little), lengths(&much), "{formula} {options:?}");
    assert!(little == much, "{formula} {options:?}: other bytes");
}

#[test]
fn files() {
    let folder = folder();
    for formula in [
        "2*x + 3*y**2",
        "(x - mean(x))/std(x)",
        "m - mean(m, axis=0)",
        "m - mean(m, axis=1, keepdims=True)",
        "m + f",
        "x[1:] - x[:-1]",
        "x > y",
        "z*z + 1j",
        "sum(x), max(y)*x",
        "d = sqrt(abs(m)); d*sum(d, axis=0) + d",
        "x[:0]",
    ] {
        let results = formula.split(';').next_back().expect("one").matches("), ").count() + 1;
        let options = ["-o", "a.npy", "-o", "b.npy"];
        same(&folder, formula, &options[..2 * results], &["a.npy", "b.npy"][..results]);
    }
}

#[test]
fn streams_archives_and_texts() {
    let folder = folder();
    same(&folder, "2*x + y", &["-o", "-"], &[]);
    same(&folder, "sum(x)", &["-o", "-"], &[]);
    same(&folder, "a = x + y; a, sum(a), m*2", &["-o", "r.npz"], &["r.npz"]);
    for format in ["tsv", "csv", "json", "numpy"] {
        let format = format!("--format={format}");
        for formula in ["m*2 + 1", "x - mean(x)", "mean(m, axis=0)", "sum(x)", "x > 0, x + y"] {
            same(&folder, formula, &[&format], &[]);
        }
    }
}

#[test]
fn converted_results() {
    let folder = folder();
    same(&folder, "x + y # a comment", &["--dtype=f32", "-o", "r.npy"], &["r.npy"]);
    same(
        &folder,
        "s = sum(x); x/s, s",
        &["--dtype=f32", "-o", "a.npy", "-o", "b.npy"],
        &["a.npy", "b.npy"],
    );
    let message = folder.fails(2, &["eval", "z", "z=z.npy", "--dtype=f32"]);
    assert!(message.contains("--dtype f32: "), "{message}");
}

#[test]
fn results_lie_as_their_operands_do() {
    let folder = folder();
    for memory in [LITTLE, MUCH] {
        for (formula, fortran) in [("f*2", true), ("m + f", false), ("m*2", false), ("f[0]", false)]
        {
            let bindings = bindings(formula);
            let mut args = vec!["eval", formula, memory, "-o", "r.npy"];
            args.extend(bindings.iter().map(String::as_str));
            assert_eq!(folder.prints(&args), "");
            let file = NpyFile::open(&folder.path("r.npy")).expect("a result");
            assert_eq!(file.header().fortran_order(), fortran, "{formula} {memory}");
            folder.remove("r.npy");
        }
    }
    let [twice, _] = both(&folder, "f*2", &["-o", "r.npy"], &["r.npy"]);
    let read = |bytes: &[u8]| f64::from_le_bytes(bytes.try_into().expect("eight bytes"));
    let one = std::fs::read(folder.path("f.npy")).expect("f");
    for (one, two) in one[128..].chunks(8).zip(twice[1][128..].chunks(8)) {
        assert_eq!(read(one) * 2.0, read(two));
    }
}

#[test]
fn standard_input_and_files_that_are_read_need_no_memory_either() {
    let folder = folder();
    let input = std::fs::read(folder.path("x.npy")).expect("x");
    let expected = folder.prints(&["eval", "sum(x*x)", "x=x.npy"]);
    for memory in [LITTLE, MUCH] {
        let args = ["eval", "sum(x*x)", "x=-", memory];
        let output = folder.fuse_with_input(&args, &input);
        assert_eq!((text(&output.stdout), text(&output.stderr)), (expected.clone(), String::new()));
        assert_eq!(folder.prints(&["eval", "sum(x*x)", "x=x.npy", "--no-mmap", memory]), expected);
    }
    let cut = folder.fuse_with_input(&["eval", "x", "x=-", LITTLE], &input[..input.len() - 1]);
    assert_eq!(cut.status.code(), Some(1));
    assert!(text(&cut.stderr).contains("declares 5600008 bytes of data"), "{}", text(&cut.stderr));
}

#[test]
fn an_output_may_be_the_input() {
    let folder = folder();
    let before = folder.f64s("x.npy");
    folder.prints(&["eval", "x + 1", "x=x.npy", "-o", "x.npy", "--force", LITTLE]);
    let after = folder.f64s("x.npy");
    assert!(before.iter().zip(&after).all(|(before, after)| before + 1.0 == *after));
}

#[test]
fn a_dry_run_says_what_would_be_done() {
    let folder = folder();
    let said =
        folder.prints(&["eval", "(x - mean(x))/std(x)", "x=x.npy", "-o", "r.npy", "--dry-run"]);
    assert!(said.contains("reads   x: f64 (700001,), 5.34 MiB, 2 times\n"), "{said}");
    assert!(said.contains("writes  r.npy: f64 (700001,), 5.34 MiB\n"), "{said}");
    assert!(said.contains("memory  256.00 MiB: at once, in memory\n"), "{said}");
    assert!(!folder.names().contains(&"r.npy".to_string()));
    let said = folder.prints(&["eval", "m - mean(m, axis=0)", "m=m.npy", "--dry-run", LITTLE]);
    assert!(said.contains("memory  256.00 KiB: in windows\n"), "{said}");
    let message = folder.fails(2, &["eval", "x +", "x=x.npy", "--dry-run"]);
    assert!(message.contains("E0102"), "{message}");
}

/// Runs with `--verify -v`; gives the line that says what was compared.
fn verified(folder: &Folder, args: &[&str]) -> String {
    let args = [&["eval", "--verify", "-v"], args].concat();
    let output = folder.fuse(&args);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {said}");
    let line = said.lines().find_map(|line| line.strip_prefix("fuse: verified: "));
    line.expect("a line about what was compared").to_string()
}

#[test]
fn verifying_changes_no_bytes() {
    let folder = folder();
    for memory in [LITTLE, MUCH] {
        for formula in ["sin(x)*y", "m + f", "f*2", "x - mean(x)", "z*z + 1j", "sum(x)"] {
            let bindings = bindings(formula);
            let mut args = vec!["eval", formula, memory, "--force"];
            args.extend(bindings.iter().map(String::as_str));
            folder.prints(&[&args[..], &["-o", "plain.npy"]].concat());
            folder.prints(&[&args[..], &["-o", "verified.npy", "--verify"]].concat());
            let read = |name: &str| std::fs::read(folder.path(name)).expect("a result");
            assert!(read("plain.npy") == read("verified.npy"), "{formula} {memory}");
        }
    }
}

#[test]
fn elements_all_over_the_results_are_verified() {
    let folder = folder();
    let of = |formula: &str, rest: &[&str]| {
        verified(&folder, &[&[formula, "x=x.npy", "y=y.npy"], rest].concat())
    };
    // 65536 elements in runs, and the two sides of the ends of two windows, some of which are in runs.
    let said = of("sin(x)*y", &["-o", "r.npy", LITTLE]);
    let count: usize = said.split(' ').next().expect("a number").parse().expect("a number");
    assert!((65_536..65_541).contains(&count), "{said}");
    assert!(
        said.ends_with(" of 700001 elements, as the file has them, are the interpreter's"),
        "{said}"
    );
    let said = of("sin(x)*y", &["-o", "r.npz", LITTLE]);
    assert!(said.contains(" of 700001 elements, as they were kept, "), "{said}");
    let said = of("sin(x)*y", &["-o", "r.npz", "--force", MUCH]);
    assert!(said.contains(" of 700001 elements, in memory, "), "{said}");
    let said = of("x + y", &["--format=tsv", LITTLE]);
    assert!(said.contains(" of 700001 elements, as they were given out, "), "{said}");
    let said = of("x + y", &["--format=numpy", LITTLE]);
    assert_eq!(said, "6 of 700001 elements, those to be printed, are the interpreter's");
    let said = verified(&folder, &["f + 1", "f=f.npy", "-o", "f2.npy", LITTLE]);
    assert!(said.contains(" of 700500 elements, as the file has them, "), "{said}");
}

#[test]
fn broadcast_and_swapped_inputs_are_verified() {
    let folder = folder();
    let column: Vec<u8> = (0..1500).flat_map(|n| (n as f64).to_le_bytes()).collect();
    folder.write("c.npy", &header(DType::F64, &[1500, 1]), &column);
    let swapped: Vec<u8> = (0..467).flat_map(|n| (n as f64).to_be_bytes()).collect();
    let order = fuse::raw::ByteOrder::Swapped;
    folder.write("v.npy", &header(DType::F64, &[467]).with_byte_order(order), &swapped);
    let args = ["m + v*c + k", "m=m.npy", "v=v.npy", "c=c.npy", "k=2", "-o", "r.npy", LITTLE];
    let said = verified(&folder, &args);
    assert!(said.contains(" of 700500 elements, as the file has them, "), "{said}");
}

#[test]
fn formulas_that_are_not_elementwise_are_verified() {
    let folder = folder();
    let all = verified(&folder, &["sum(x)", "x=x.npy", MUCH]);
    assert_eq!(all, "1 of 1 elements, in memory, are the interpreter's");
    let part = verified(&folder, &["sum(x)", "x=x.npy", LITTLE]);
    let of_inputs =
        "elements of the results for the first elements of the inputs are the interpreter's";
    assert_eq!(part, format!("1 {of_inputs}"));
    let part = verified(&folder, &["x - mean(x)", "x=x.npy", "-o", "r.npy", LITTLE]);
    assert_eq!(part, format!("65536 {of_inputs}"));
    let all = verified(&folder, &["(x - mean(x))[:9]", "x=0:1:1000", "--format=numpy", LITTLE]);
    assert_eq!(all, "9 of 9 elements, in memory, are the interpreter's");
    // No part of the input has an element 100000: all of it is compared where it fits.
    let all = verified(&folder, &["x[100000]*sum(x)", "x=x.npy", MUCH]);
    assert_eq!(all, "1 of 1 elements, in memory, are the interpreter's");
    let message = folder.fails(1, &["eval", "x[100000] + sum(x)", "x=x.npy", LITTLE, "--verify"]);
    assert!(message.contains("--verify: the formula needs all of its inputs ("), "{message}");
}

#[test]
fn what_is_printed_of_a_formula_that_counts_its_elements_is_computed_from_all() {
    let folder = folder();
    same(&folder, "x + ones(700001)", &["--format=numpy"], &[]);
}

/// The elements are gathered within the memory allowed, and all of a large file is there.
#[test]
fn forty_megabytes_are_verified_in_four() {
    let folder = Folder::new();
    let n = 5_000_000;
    let bytes: Vec<u8> = (0..n).flat_map(|n| f64::from(n).to_le_bytes()).collect();
    folder.write("big.npy", &header(DType::F64, &[n as usize]), &bytes);
    let said = verified(&folder, &["x*2 + 1", "x=big.npy", "-o", "r.npy", "--mem=4M"]);
    assert!(said.contains(" of 5000000 elements, as the file has them, "), "{said}");
    let result = folder.f64s("r.npy");
    assert_eq!(result.len(), n as usize);
    assert!(result.iter().zip(0..n).all(|(&found, n)| found == 2.0 * f64::from(n) + 1.0));
}

#[test]
fn sizes_of_memory_are_read() {
    let folder = Folder::new();
    for size in ["256M", "1.5G", "4096", "64KiB", "1T", "0"] {
        let memory = format!("--mem={size}");
        assert_eq!(folder.prints(&["eval", "sum(x)", "x=x.npy", &memory]), "3.0\n");
    }
    for size in ["-1", "M", "1X", "nan", "1e30"] {
        let message = folder.fails(2, &["eval", "sum(x)", "x=x.npy", &format!("--mem={size}")]);
        assert!(message.contains("expected a size such as 256M or 1.5G"), "{message}");
    }
}
