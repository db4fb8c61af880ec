//! What is wrong is found, wherever it is, and nothing is given out then.
//!
//! Wrong bits are planted: in results, in a file that has no name yet, and in what results are compared with.

use std::path::Path;

use clap::Parser as _;
use fuse_npy::Overwrite;

use super::super::large::Computed;
use super::super::prepare;
use super::*;
use crate::args::{Arguments, Command, EvalArgs};
use crate::paging::Sink;

/// Memory that nothing here fits, and memory that everything does.
const MEMORY: [&str; 2] = ["--mem=256K", "--mem=1G"];

/// Elements of `x`: more than a window.
const N: usize = 300_001;

/// 0, 1, 2, … as variable `x`.
fn x() -> String {
    format!("x=0:{}:{N}", N - 1)
}

fn eval_args(words: &[&str]) -> EvalArgs {
    let words = [&["fuse", "eval", "--verify"], words].concat();
    match Arguments::try_parse_from(words).expect("arguments").command {
        Command::Eval(args) => args,
        other => panic!("{other:?}"),
    }
}

/// Does something with an evaluation whose check has begun, for results in that format.
fn with_check(
    words: &[&str],
    format: Format,
    work: impl FnOnce(Evaluation<'_>, &Targets<'_>, Overwrite) -> Result<(), Failure>,
) -> Result<(), Failure> {
    prepare(&eval_args(words), |mut evaluation, targets, overwrite| {
        evaluation.check = evaluation.begin_check(targets, format)?;
        work(evaluation, targets, overwrite)
    })
}

fn message(done: Result<(), Failure>) -> String {
    match done {
        Err(Failure::Run(message)) => message,
        other => panic!("not found: {other:?}"),
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Changes a bit of the first result's file before that gets its name.
fn with_a_wrong_byte_in_the_file(words: &[&str], offset: usize) -> Result<(), Failure> {
    with_check(words, Format::Numpy, |evaluation, targets, overwrite| {
        let Targets::Files(paths) = targets else { panic!("files") };
        let computed = evaluation.fill_files(paths, overwrite)?;
        evaluation.check_computed(&computed, evaluation.plan.order()).expect("right as yet");
        let Computed::Paged(output) = &computed[0] else { panic!("windows") };
        let Sink::File(writer) = &output.sink else { panic!("a file") };
        let mut byte = [0];
        writer.read_at(offset as u64, &mut byte)?;
        writer.write_at(offset as u64, &[byte[0] ^ 1])?;
        evaluation.check_computed(&computed, evaluation.plan.order())
    })
}

#[test]
fn a_wrong_byte_in_the_file_is_found_before_the_file_appears() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.npy");
    std::fs::write(&path, "old").unwrap();
    let words = ["x*2 + 1", &x(), "-o", path.to_str().unwrap(), "--force", MEMORY[0]];
    // The ends, and both sides of where a window ends.
    for element in [0, WINDOW / 8 - 1, WINDOW / 8, N - 1] {
        let said = message(with_a_wrong_byte_in_the_file(&words, element * 8));
        let right = 2.0 * element as f64 + 1.0;
        let wrong = f64::from_bits(right.to_bits() ^ 1);
        assert!(said.contains(&format!("`x*2 + 1` is wrong at index ({element},): ")), "{said}");
        assert!(said.contains(&format!("(bits {:#018x})", wrong.to_bits())), "{said}");
        let expected = format!("the interpreter has {right:?} (bits {:#018x})", right.to_bits());
        assert!(said.contains(&expected), "{said}");
        assert!(said.contains("nothing was given out"), "{said}");
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(names(folder.path()), ["r.npy"]);
    }
}

#[test]
fn a_wrong_byte_is_found_in_a_matrix_of_any_order() {
    let folder = tempfile::tempdir().unwrap();
    for (name, fortran) in [("c", false), ("f", true)] {
        let [input, path] = ["m", "r"].map(|own| folder.path().join(format!("{own}-{name}.npy")));
        let header = fuse_npy::Header::new(DType::F32, &[700, 800]).unwrap();
        let header = if fortran { header.with_fortran_order() } else { header };
        let bytes: Vec<u8> = (0..560_000_u32).flat_map(|n| (n as f32).to_ne_bytes()).collect();
        let output = fuse_npy::Output::Path(&input);
        fuse_npy::write_array(output, &header, Overwrite::Refuse, [&bytes[..]]).unwrap();
        let input = format!("m={}", input.display());
        let words = ["m - 1", &input, "-o", path.to_str().unwrap(), MEMORY[0]];
        // The second element in memory is the second of the first row, or of the first column.
        let said = message(with_a_wrong_byte_in_the_file(&words, 4));
        let index = if fortran { "(1, 0)" } else { "(0, 1)" };
        assert!(said.contains(&format!("wrong at index {index}")), "{said}");
        assert!(!path.exists());
    }
}

/// Runs with one wrong bit in what the last result is compared with.
fn with_a_wrong_expectation(words: &[&str], format: Format) -> Result<(), Failure> {
    with_check(words, format, |mut evaluation, targets, overwrite| {
        let check = evaluation.check.as_mut().expect("a check of what was produced");
        let last = check.expected.last_mut().expect("a result");
        let middle = last.len() / 2;
        let elements = last.as_mut_slice::<f64>().expect("floats");
        elements[middle] = f64::from_bits(elements[middle].to_bits() ^ 1);
        evaluation.run(targets, format, overwrite)
    })
}

#[test]
fn nothing_appears_that_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let [a, b, archive] =
        ["a.npy", "b.npy", "r.npz"].map(|name| folder.path().join(name).display().to_string());
    let x = x();
    for memory in MEMORY {
        for outputs in [&["-o", &*a, "-o", &*b][..], &["-o", &*archive], &[]] {
            let words = [&["x + 1, sqrt(x)", &*x, memory], outputs].concat();
            for format in [Format::Numpy, Format::Json] {
                let said = message(with_a_wrong_expectation(&words, format));
                assert!(said.contains("`sqrt(x)` is wrong at index "), "{said}");
                assert!(said.contains("nothing was given out"), "{said}");
                assert!(names(folder.path()).is_empty(), "{words:?}");
            }
        }
        // Not elementwise, and few: all of it is compared.
        for formula in ["sum(x)", "(x - mean(x))[:10]", "x[5:] - x[:-5]"] {
            let few = "x=0:1:1000";
            let words = [formula, few, memory, "-o", &a];
            let said = message(with_a_wrong_expectation(&words, Format::Numpy));
            assert!(said.contains("is wrong at index "), "{formula}: {said}");
            assert!(names(folder.path()).is_empty(), "{formula}");
        }
        // The same in windows, where memory is little: two results of almost 32 KiB.
        let x = "x=0:1:4000";
        for outputs in [&["-o", &*a, "-o", &*b][..], &["-o", &*archive], &[]] {
            let words = [&["x[5:] + 1, x[5:] - x[:-5]", x, memory], outputs].concat();
            let said = message(with_a_wrong_expectation(&words, Format::Numpy));
            assert!(said.contains("wrong at index (1997,)"), "{said}");
            assert!(names(folder.path()).is_empty(), "{words:?}");
        }
    }
}

#[test]
fn what_went_into_a_stream_is_compared_as_it_passes() {
    let words = ["x + 1", &x(), MEMORY[0], "-o", "/dev/null"];
    let said = message(with_a_wrong_expectation(&words, Format::Numpy));
    assert!(said.contains("what has been given out is not to be used"), "{said}");
}

#[test]
fn what_is_right_is_given_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.npy");
    for memory in MEMORY {
        for formula in ["x + 1", "x + ones(300001)", "x - mean(x)", "sum(x)", "x[100000:]"] {
            // What needs the whole of its inputs can be verified where these fit.
            if memory == MEMORY[0] && formula.contains("ones") {
                continue;
            }
            let words = [formula, &x(), memory, "-o", path.to_str().unwrap()];
            with_check(&words, Format::Numpy, |evaluation, targets, overwrite| {
                evaluation.run(targets, Format::Numpy, overwrite)
            })
            .unwrap();
            std::fs::remove_file(&path).expect("a result");
        }
    }
}

#[test]
fn the_index_is_that_of_the_place() {
    let places = [vec![0, 5], vec![1, 2, 9]];
    assert_eq!(index(&places, 0), [0, 1]);
    assert_eq!(index(&places, 5), [5, 9]);
    assert_eq!(index(&[], 0), Vec::<usize>::new());
}

#[test]
fn elements_are_shown_with_their_bits() {
    assert_eq!(element(DType::F64, &1.5_f64.to_ne_bytes()), "1.5 (bits 0x3ff8000000000000)");
    assert_eq!(element(DType::I16, &(-2_i16).to_ne_bytes()), "-2 (bits 0xfffe)");
    assert_eq!(element(DType::Bool, &[1]), "True (bits 0x01)");
    let parts = [1.0_f32.to_ne_bytes(), 0.0_f32.to_ne_bytes()].concat();
    let complex = element(DType::C64, &parts);
    assert!(complex.ends_with(" (bits 0x3f800000 0x00000000)"), "{complex}");
    assert_eq!(element(DType::F64, &[]), "nothing");
}
