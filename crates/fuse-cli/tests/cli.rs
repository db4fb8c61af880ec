//! The `fuse` command as its users run it: arguments in; output, messages, files and exit codes out.
//!
//! Inputs are written through fuse-npy. Expected values are worked out by hand. Nothing sleeps: where
//! a signal must hit a running evaluation, the command says first that it has begun.

mod files;
mod gpu;
mod large;
mod repl;
mod threats;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use fuse::DType;
use fuse::raw::ByteOrder;
use fuse_npy::{Header, NpyFile, Overwrite, write_array};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A folder of inputs, in which the command runs.
struct Folder(TempDir);

impl Folder {
    /// With `x.npy`, the vector 0 1 2.
    fn new() -> Folder {
        let folder = Folder(tempfile::tempdir().expect("a temporary folder"));
        folder.vector("x.npy", &[0.0, 1.0, 2.0]);
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, header: &Header, bytes: &[u8]) {
        let path = self.path(name);
        write_array(fuse_npy::Output::Path(&path), header, Overwrite::Refuse, [bytes])
            .expect("an input");
    }

    fn vector(&self, name: &str, elements: &[f64]) {
        let bytes: Vec<u8> = elements.iter().flat_map(|x| x.to_le_bytes()).collect();
        self.write(name, &header(DType::F64, &[elements.len()]), &bytes);
    }

    fn remove(&self, name: &str) {
        std::fs::remove_file(self.path(name)).expect("a file");
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fuse"));
        command.args(args).current_dir(self.0.path()).env_remove("NO_COLOR");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn fuse(&self, args: &[&str]) -> Output {
        self.command(args).output().expect("fuse runs")
    }

    fn fuse_with_input(&self, args: &[&str], input: &[u8]) -> Output {
        Folder::feed(&mut self.command(args), input)
    }

    fn feed(command: &mut Command, input: &[u8]) -> Output {
        let mut child = command.stdin(Stdio::piped()).spawn().expect("fuse starts");
        let mut stdin = child.stdin.take().expect("piped");
        stdin.write_all(input).expect("fuse reads its input");
        drop(stdin);
        child.wait_with_output().expect("fuse ends")
    }

    /// What a successful run prints; it must say nothing else.
    fn prints(&self, args: &[&str]) -> String {
        let output = self.fuse(args);
        assert_eq!(text(&output.stderr), "", "{args:?}");
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        text(&output.stdout)
    }

    /// What a failing run says; it must print nothing.
    fn fails(&self, code: i32, args: &[&str]) -> String {
        let output = self.fuse(args);
        assert_eq!(text(&output.stdout), "", "{args:?}");
        let message = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {message}");
        message
    }

    fn prints_json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.prints(args)).expect("JSON")
    }

    fn f64s(&self, name: &str) -> Vec<f64> {
        let file = NpyFile::open(&self.path(name)).expect("a result");
        assert_eq!(file.header().dtype(), DType::F64);
        let element = |bytes: &[u8]| f64::from_le_bytes(bytes.try_into().expect("eight bytes"));
        file.view().bytes().chunks(8).map(element).collect()
    }

    /// The names of all files, sorted.
    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.path()).expect("the folder");
        let name = |entry: std::io::Result<std::fs::DirEntry>| {
            entry.expect("an entry").file_name().to_string_lossy().into_owned()
        };
        let mut names: Vec<String> = entries.map(name).collect();
        names.sort();
        names
    }
}

fn header(dtype: DType, shape: &[usize]) -> Header {
    Header::new(dtype, shape).expect("a header")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

fn interrupt(process: u32) {
    let kill = Command::new("sh").args(["-c", &format!("kill -INT {process}")]).status();
    assert!(kill.expect("sh runs").success());
}

#[test]
fn results_go_to_files_and_to_standard_output() {
    let folder = Folder::new();
    assert_eq!(folder.prints(&["eval", "2*x + 1", "x=x.npy", "-o", "r.npy"]), "");
    assert_eq!(folder.f64s("r.npy"), [1.0, 3.0, 5.0]);
    assert_eq!(folder.prints(&["eval", "2*x + 1", "x=x.npy"]), "1.0\n3.0\n5.0\n");
    assert_eq!(folder.prints(&["eval", "sum(x)/k", "x=x.npy", "k=2"]), "1.5\n");
    let piped = folder.fuse(&["eval", "2*x + 1", "x=x.npy", "-o", "-"]);
    assert_eq!(piped.stdout, std::fs::read(folder.path("r.npy")).expect("the file"));
    let again = folder.fuse_with_input(&["eval", "x - 1", "x=-"], &piped.stdout);
    assert_eq!(text(&again.stdout), "0.0\n2.0\n4.0\n");
}

#[test]
fn several_results_go_to_several_files() {
    let folder = Folder::new();
    let both = ["eval", "x + k, x*k, sum(x)", "x=x.npy", "k=2"];
    let files = ["-o", "sum.npy", "-o", "product.npy", "-o", "total.npy"];
    assert_eq!(folder.prints(&[&both[..], &files[..]].concat()), "");
    assert_eq!(folder.f64s("sum.npy"), [2.0, 3.0, 4.0]);
    assert_eq!(folder.f64s("product.npy"), [0.0, 2.0, 4.0]);
    assert_eq!(folder.f64s("total.npy"), [3.0]);
    let replaced = ["eval", "x + 1, x", "x=x.npy", "-o", "x.npy", "-o", "old.npy", "--force"];
    assert_eq!(folder.prints(&replaced), "");
    assert_eq!(folder.f64s("x.npy"), [1.0, 2.0, 3.0]);
    assert_eq!(folder.f64s("old.npy"), [0.0, 1.0, 2.0]);
    let single = ["eval", "x, x/2", "x=x.npy", "--dtype", "f32", "-o", "a.npy", "-o", "b.npy"];
    assert_eq!(folder.prints(&single), "");
    assert!(folder.prints(&["info", "a.npy", "b.npy"]).matches("f32 (3,)").count() == 2);
}

#[test]
fn several_results_print_under_headings() {
    let folder = Folder::new();
    let args = ["eval", "x + 1, sum(x), (x\n > 0)", "x=x.npy"];
    let expected = "# x + 1\n1.0\n2.0\n3.0\n\n# sum(x)\n3.0\n\n# x > 0\nFalse\nTrue\nTrue\n";
    assert_eq!(folder.prints(&args), expected);
    let numpy = folder.prints(&[&args[..], &["--format", "numpy"]].concat());
    assert_eq!(numpy, "# x + 1\n[1. 2. 3.]\n\n# sum(x)\n3.0\n\n# x > 0\n[False  True  True]\n");
    let json = folder.prints_json(&[&args[..], &["--format", "json"]].concat());
    assert_eq!(json, json!([[1.0, 2.0, 3.0], 3.0, [false, true, true]]));
    let script = folder.fuse_with_input(&["repl", "x=x.npy"], b"x, sum(x)\n_ + 1\ny = x, x\n");
    assert_eq!(text(&script.stdout), "# x\n0.0\n1.0\n2.0\n\n# sum(x)\n3.0\n4.0\n");
    let message = text(&script.stderr);
    assert!(message.starts_with("error[E0111]: one name takes one value\n"), "{message}");
    assert!(message.ends_with("in line 3 of the script\n"), "{message}");
}

#[test]
fn of_several_outputs_all_appear_or_none() {
    let folder = Folder::new();
    std::fs::write(folder.path("there.npy"), "precious").expect("a file");
    let two = |first, second| ["eval", "x, x + 1", "x=x.npy", "-o", first, "-o", second];
    // Before any variable is read.
    let count = folder.fails(2, &["eval", "x, y", "x=none.npy", "y=none.npy", "-o", "a.npy"]);
    assert!(count.contains("2 results, and -o names 1 output"), "{count}");
    let twice = folder.fails(2, &two("a.npy", "./a.npy"));
    assert!(twice.contains("`a.npy` and `./a.npy` are one file"), "{twice}");
    assert!(folder.fails(2, &two("a.npy", "a.npy")).contains("given as output twice"));
    assert!(folder.fails(1, &two("a.npy", "there.npy")).starts_with("error: there.npy: the file"));
    assert!(folder.fails(1, &two("a.npy", "none/b.npy")).starts_with("error: none/b.npy: "));
    // Files come before streams, so that nothing has gone to standard output.
    assert!(folder.fails(1, &two("-", "none/b.npy")).starts_with("error: none/b.npy: "));
    assert_eq!(folder.names(), ["there.npy", "x.npy"]);
    assert_eq!(std::fs::read(folder.path("there.npy")).expect("the file"), b"precious");
}

/// Both files are complete while the command waits for somebody to read what goes to standard output;
/// then one of their names is taken.
#[test]
fn a_name_that_is_taken_meanwhile_takes_the_other_files_back() {
    let folder = Folder::new();
    let args =
        ["eval", "x, x + 1, x + 2", "x=0:1:1000000", "-o", "a.npy", "-o", "b.npy", "-o", "-"];
    let mut child = folder.command(&args).spawn().expect("fuse starts");
    let mut stdout = child.stdout.take().expect("piped");
    let mut head = [0; 6];
    stdout.read_exact(&mut head).expect("the array begins");
    assert_eq!(&head, b"\x93NUMPY");
    std::fs::write(folder.path("b.npy"), "other").expect("a file");
    std::io::copy(&mut stdout, &mut std::io::sink()).expect("all of the array");
    let output = child.wait_with_output().expect("fuse ends");
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert_eq!(message, "error: b.npy: the file exists; --force replaces it\n");
    assert_eq!(folder.names(), ["b.npy", "x.npy"]);
}

#[test]
fn formulas_may_begin_with_a_minus() {
    let folder = Folder::new();
    assert_eq!(folder.prints(&["eval", "-x + 1", "x=x.npy"]), "1.0\n0.0\n-1.0\n");
    assert_eq!(folder.prints(&["eval", "-x", "x=x.npy"]), "-0.0\n-1.0\n-2.0\n");
    assert_eq!(folder.prints(&["eval", "-j1", "-x + 1", "x=2", "-q"]), "-1\n");
    assert_eq!(folder.prints(&["eval", "-o", "r.npy", "-x", "x=x.npy"]), "");
    assert_eq!(folder.f64s("r.npy"), [0.0, -1.0, -2.0]);
}

#[test]
fn plain_numbers_are_weak() {
    let folder = Folder::new();
    let bytes: Vec<u8> = [1.5_f32, 2.5].iter().flat_map(|x| x.to_le_bytes()).collect();
    folder.write("f.npy", &header(DType::F32, &[2]), &bytes);
    folder.prints(&["eval", "f*k", "f=f.npy", "k=0.1", "-o", "weak.npy"]);
    folder.prints(&["eval", "f*k", "f=f.npy", "k=0.1f64", "-o", "strong.npy"]);
    assert_eq!(folder.prints(&["info", "weak.npy"]), "weak.npy: f32 (2,), C order, 8 bytes\n");
    assert!(folder.prints(&["info", "strong.npy"]).contains("f64 (2,)"));
    folder.prints(&["eval", "x/2", "x=x.npy", "--dtype", "f32", "-o", "converted.npy"]);
    assert!(folder.prints(&["info", "converted.npy"]).contains("f32 (3,)"));
}

#[test]
fn any_layout_is_read() {
    let folder = Folder::new();
    let rows = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]];
    let big: Vec<u8> = rows.iter().flatten().flat_map(|x: &f64| x.to_be_bytes()).collect();
    let swapped = header(DType::F64, &[2, 3]).with_byte_order(ByteOrder::Swapped);
    folder.write("big.npy", &swapped, &big);
    let columns = (0..3).flat_map(|column| [rows[0][column], rows[1][column]]);
    let columns: Vec<u8> = columns.flat_map(f64::to_le_bytes).collect();
    folder.write("fortran.npy", &header(DType::F64, &[2, 3]).with_fortran_order(), &columns);
    for extra in [&[][..], &["--no-mmap"]] {
        let args = ["eval", "a + 10*b", "a=big.npy", "b=fortran.npy"];
        let expected = "11.0\t22.0\t33.0\n44.0\t55.0\t66.0\n";
        assert_eq!(folder.prints(&[&args, extra].concat()), expected);
    }
    folder.write("bool.npy", &header(DType::Bool, &[3]), &[0, 1, 255]);
    assert_eq!(folder.prints(&["eval", "where(m, 1, 2)", "m=bool.npy"]), "2\n1\n1\n");
}

#[test]
fn formats() {
    let folder = Folder::new();
    let eval = |format| folder.prints(&["eval", "x*2", "x=0:1:3", "--format", format]);
    assert_eq!(eval("numpy"), "[0. 1. 2.]\n");
    assert_eq!(eval("tsv"), "0.0\n1.0\n2.0\n");
    assert_eq!(eval("json"), "[0.0, 1.0, 2.0]\n");
    let bytes: Vec<u8> = [1_i32, 2, 3, 4].iter().flat_map(|x| x.to_le_bytes()).collect();
    folder.write("m.npy", &header(DType::I32, &[2, 2]), &bytes);
    assert_eq!(folder.prints(&["eval", "m", "m=m.npy", "--format", "csv"]), "1,2\n3,4\n");
    let bools = folder.prints_json(&["eval", "m > 2", "m=m.npy", "--format", "json"]);
    assert_eq!(bools, json!([[false, false], [true, true]]));
}

#[test]
fn empty_and_scalar_arrays() {
    let folder = Folder::new();
    folder.vector("none.npy", &[]);
    folder.write("zero.npy", &header(DType::F64, &[]), &2.5_f64.to_le_bytes());
    assert_eq!(folder.prints(&["eval", "n + 1", "n=none.npy"]), "");
    assert_eq!(folder.prints(&["eval", "n + 1", "n=none.npy", "-o", "r.npy"]), "");
    assert!(folder.f64s("r.npy").is_empty());
    assert_eq!(folder.prints(&["eval", "sum(n)", "n=none.npy"]), "0.0\n");
    assert_eq!(folder.prints(&["eval", "z*2", "z=zero.npy"]), "5.0\n");
    assert_eq!(folder.prints(&["eval", "z*x", "z=zero.npy", "x=x.npy"]), "0.0\n2.5\n5.0\n");
    assert_eq!(folder.prints(&["eval", "x", "x=5:6:1"]), "5.0\n");
}

#[test]
fn formula_errors_point_at_the_formula() {
    let folder = Folder::new();
    let unknown = folder.fails(2, &["eval", "x + sqr(x)", "x=x.npy"]);
    assert!(unknown.starts_with("error[E0202]: unknown function `sqr`\n"), "{unknown}");
    assert!(unknown.contains("1 | x + sqr(x)\n  |     ^^^\n"), "{unknown}");
    assert!(unknown.contains("did you mean `sqrt`?"), "{unknown}");
    let name = folder.fails(2, &["eval", "x + width", "-q", "x=x.npy", "widht=2"]);
    assert!(name.contains("1 | x + width\n  |     ^^^^^\n"), "{name}");
    assert!(name.contains("did you mean `widht`?"), "{name}");
    let arity = folder.fails(2, &["eval", "sqrt(x, x)", "x=x.npy"]);
    assert!(arity.starts_with("error[E0203]") && arity.contains("1 | sqrt(x, x)\n"), "{arity}");
    let types = folder.fails(2, &["eval", "x << 1", "x=x.npy"]);
    assert!(types.starts_with("error[E0301]") && types.contains('^'), "{types}");
    let shapes = folder.fails(2, &["eval", "x + y", "x=x.npy", "y=0:1:4"]);
    assert!(shapes.starts_with("error[E0401]: shapes (3,) and (4,) do not broadcast"), "{shapes}");
    assert!(shapes.contains("  | -   ^ this has shape (4,)\n"), "{shapes}");
    let syntax = folder.fails(2, &["eval", "x + * 2", "x=x.npy"]);
    assert!(syntax.contains("1 | x + * 2\n"), "{syntax}");
}

#[test]
fn usage_errors() {
    let folder = Folder::new();
    for (args, part) in [
        (&["evla"][..], "did you mean `eval`?"),
        (&["eval"], "expected a formula"),
        (&["eval", "x", "x"], "expected NAME=VALUE, found `x`"),
        (&["eval", "x", "x=a.npz:"], "expected the name of a member"),
        (
            &["eval", "x", "x=1", "--backend", "x64", "--isa", "sse2"],
            "sse2 is for `--backend cranelift`",
        ),
        (
            &["bench", "x", "x=f64", "--backend", "cranelift", "--isa", "avx2"],
            "for `--backend x64`",
        ),
        (&["explain", "x", "x=f64", "--backend", "cranelift", "--isa", "avx512"], "128 bits wide"),
        (&["explain", "x", "x=f64", "--stage", "clif", "--json"], "--json is built in for"),
        (&["eval", "x", "x=1", "--device", "0"], "--device is for `--backend cuda`"),
        (&["eval", "x", "x=1", "--backend", "interp", "--device", "0"], "--device is for"),
        (&["eval", "x", "x=1", "--backend", "cuda", "--isa", "sse2"], "--isa is for the CPU's"),
        (&["eval", "x", "x=1", "--dtype", "f46"], "unknown dtype `f46`"),
        (&["eval", "x", "x=1", "-j", "0"], "a number from 1 to"),
        (&["eval", "x", "x=1", "-o", "a.npy", "-o", "b.npy"], "1 result, and -o names 2 outputs"),
        (&["explain", "x", "x=f64", "--target", "aarch64"], "not built in"),
        (&["explain", "x", "x=f64", "--target", "cuda:sm_61"], "fuse needs sm_70 or newer"),
        (&["explain", "x", "x=f64", "--target", "cuda:80"], "expected cuda:sm_NN"),
        (&["explain", "x", "x=f64", "--target", "cuda:sm_80", "--stage", "asm"], "are the CPU's"),
        (&["info", "--gpu", "x.npy"], "cannot be used with"),
        (&["check", "x", "x=f46"], "neither a dtype"),
        (&["bench", "x", "x=f64:0"], "nothing to measure"),
        (&["info", "--functions", "sqr"], "did you mean `sqrt`?"),
    ] {
        let message = folder.fails(2, args);
        assert!(message.contains(part), "{args:?}: {message}");
    }
    assert_eq!(folder.names(), ["x.npy"]);
}

#[test]
fn file_errors_are_one_line_that_names_the_file() {
    let folder = Folder::new();
    let whole = std::fs::read(folder.path("x.npy")).expect("the file");
    std::fs::write(folder.path("short.npy"), &whole[..whole.len() - 1]).expect("a file");
    std::fs::write(folder.path("text.npy"), "x,y\n1,2\n").expect("a file");
    std::fs::write(folder.path("dates.npy"), dates()).expect("a file");
    for (file, part) in [
        ("missing.npy", "cannot open: no such file"),
        ("short.npy", "declares 24 bytes of data but the file holds 23"),
        ("text.npy", "not a .npy file"),
        ("dates.npy", "datetime64"),
    ] {
        for extra in [&[][..], &["--no-mmap"]] {
            let binding = format!("x={file}");
            let message = folder.fails(1, &[&["eval", "x", &binding], extra].concat());
            assert!(message.starts_with(&format!("error: {file}: ")), "{message}");
            assert!(message.contains(part) && message.lines().count() == 1, "{message}");
        }
    }
    let target = folder.fails(1, &["eval", "x", "x=x.npy", "-o", "none/r.npy"]);
    assert!(target.starts_with("error: none/r.npy: ") && target.lines().count() == 1, "{target}");
    let formula = folder.fails(1, &["eval", "-f", "none.txt"]);
    assert!(formula.starts_with("error: none.txt: ") && formula.lines().count() == 1, "{formula}");
}

/// An array of one date, as NumPy writes it.
fn dates() -> Vec<u8> {
    let header = "{'descr': '<M8[ns]', 'fortran_order': False, 'shape': (1,), }";
    let header = format!("{header:117}\n");
    [b"\x93NUMPY\x01\x00\x76\x00".as_slice(), header.as_bytes(), &[0; 8]].concat()
}

#[test]
fn nothing_is_overwritten_without_force() {
    let folder = Folder::new();
    std::fs::write(folder.path("r.npy"), "precious").expect("a file");
    let message = folder.fails(1, &["eval", "x + 1", "x=x.npy", "-o", "r.npy"]);
    assert_eq!(message, "error: r.npy: the file exists; --force replaces it\n");
    assert_eq!(std::fs::read(folder.path("r.npy")).expect("the file"), b"precious");
    folder.fails(2, &["eval", "x + y", "x=x.npy", "-o", "r.npy", "--force"]);
    assert_eq!(std::fs::read(folder.path("r.npy")).expect("the file"), b"precious");
    assert_eq!(folder.prints(&["eval", "x + 1", "x=x.npy", "-o", "r.npy", "--force"]), "");
    assert_eq!(folder.f64s("r.npy"), [1.0, 2.0, 3.0]);
    assert_eq!(folder.prints(&["eval", "x + 1", "x=x.npy", "-o", "x.npy", "--force"]), "");
    assert_eq!(folder.f64s("x.npy"), [1.0, 2.0, 3.0]);
    assert_eq!(folder.names(), ["r.npy", "x.npy"]);
}

#[test]
fn hostile_formulas_from_a_file() {
    let folder = Folder::new();
    for (name, formula) in [
        ("brackets", "(".repeat(1_000_000)),
        ("closed", format!("{}x{}", "(".repeat(500_000), ")".repeat(500_000))),
        ("signs", format!("{}x", "-".repeat(1_000_000))),
    ] {
        std::fs::write(folder.path(name), formula).expect("a file");
        let message = folder.fails(2, &["eval", "-f", name, "x=x.npy"]);
        assert!(message.starts_with("error[E"), "{name}: {message}");
        assert!(message.len() < 2000, "{name}: {} bytes of message", message.len());
    }
    std::fs::write(folder.path("formula"), "# twice\n2*x\n").expect("a file");
    assert_eq!(folder.prints(&["eval", "-f", "formula", "x=x.npy"]), "0.0\n2.0\n4.0\n");
}

#[test]
fn back_ends_agree() {
    let folder = Folder::new();
    let args = ["eval", "sqrt(x)/3 + x**2", "x=0:1:1001", "--format", "json"];
    let expected = folder.prints(&args);
    for extra in [
        &["--backend", "interp"][..],
        &["--backend", "cranelift", "--isa", "sse2"],
        &["-j", "1"],
        &["-j2", "--isa", "native"],
    ] {
        assert_eq!(folder.prints(&[&args, extra].concat()), expected, "{extra:?}");
    }
    for isa in WIDE {
        for extra in [&["--isa", isa][..], &["--backend", "x64", "--isa", isa]] {
            let args = [&args, extra].concat();
            if is_there(isa) {
                assert_eq!(folder.prints(&args), expected, "{extra:?}");
            } else {
                let message = folder.fails(1, &args);
                assert!(message.starts_with("error: ") && message.contains(isa), "{message}");
                assert!(message.contains("= help: `fuse info --cpu`"), "{message}");
            }
        }
    }
}

/// The instruction sets of the back end x64.
const WIDE: [&str; 2] = ["avx2", "avx512"];

/// Has this CPU the instruction set?
fn is_there(isa: &str) -> bool {
    let isa = if isa == "avx2" { fuse::Isa::Avx2 } else { fuse::Isa::Avx512 };
    fuse::Engine::builder().isa(isa).build().is_ok()
}

/// An object of `explain --stage asm --json`: that it is of this back end.
fn assert_facts(object: &Value, backend: &str, isa: &str) {
    const FACTS: [&str; 6] =
        ["bytes", "cycles_per_element", "elements", "mask_registers", "registers", "spills"];
    let mut keys: Vec<&str> =
        object.as_object().expect("an object").keys().map(String::as_str).collect();
    keys.sort_unstable();
    let mut expected = [&FACTS[..], &["backend", "declined", "isa"]].concat();
    expected.sort_unstable();
    assert_eq!(keys, expected);
    assert_eq!(object["declined"], json!([]), "{object}");
    assert!(object["isa"].as_str().is_some_and(|found| found.contains(isa)), "{object}");
    let known = backend == "x64";
    assert_eq!(object["backend"], backend);
    for fact in FACTS {
        assert_eq!(object[fact].is_number(), known, "{fact}: {object}");
        assert_eq!(object[fact].is_null(), !known, "{fact}: {object}");
    }
}

#[test]
fn machine_code_is_told_of_by_pass() {
    let folder = Folder::new();
    let args = ["explain", "x - sum(x)", "x=f64", "--stage", "asm", "--json"];
    let facts = |extra: &[&str]| {
        let facts = folder.prints_json(&[&args, extra].concat());
        let facts = facts.as_array().expect("an array").clone();
        assert_eq!(facts.len(), 2, "an object for each pass");
        facts
    };
    for object in facts(&["--backend", "interp", "--isa", "avx512"]) {
        assert_facts(&object, "interp", "none");
    }
    for object in facts(&["--backend", "cranelift"]) {
        assert_facts(&object, "cranelift", "");
    }
    for isa in WIDE.into_iter().filter(|isa| is_there(isa)) {
        for extra in [&["--isa", isa][..], &["--isa", isa, "--backend", "x64"]] {
            for object in facts(extra) {
                assert_facts(&object, "x64", isa);
            }
        }
    }
}

#[test]
fn listings_are_of_the_back_end_that_takes_the_kernel() {
    let folder = Folder::new();
    let args = |stage| ["explain", "x*3 + 1", "x=f64", "--stage", stage];
    let with = |stage, extra: &[&str]| folder.prints(&[&args(stage), extra].concat());
    let cranelift = with("asm", &["--backend", "cranelift"]);
    for isa in WIDE.into_iter().filter(|isa| is_there(isa)) {
        let listing = with("asm", &["--isa", isa]);
        let register = if isa == "avx2" { "ymm" } else { "zmm" };
        assert!(listing.contains(register) && listing != cranelift, "{listing}");
        // The form is Cranelift's, whoever takes the kernel.
        let clif = with("clif", &["--backend", "cranelift"]);
        assert_eq!(with("clif", &["--backend", "x64", "--isa", isa]), clif);
    }
    let none = folder.fails(1, &[&args("asm")[..], &["--backend", "interp"]].concat());
    assert!(none.contains("the interp back end has no such stage"), "{none}");
}

#[test]
fn a_measurement_names_the_back_end_that_ran() {
    let folder = Folder::new();
    let args = ["bench", "x*3 + 1", "x=f64:1000", "-j1"];
    for isa in WIDE.into_iter().filter(|isa| is_there(isa)) {
        let measured = folder.prints_json(&[&args[..], &["--isa", isa, "--json"]].concat());
        let (backend, ran_on) = (&measured[0]["backend"], &measured[0]["isa"]);
        assert_eq!((backend, ran_on), (&json!("x64"), &json!(isa)));
    }
    // Without multiply-add instructions, the interpreter takes this kernel.
    let table = folder.prints(&[&args[..], &["--isa", "sse2"]].concat());
    let expected = "back end   interp (none)\n           the cranelift back end does not support ";
    assert!(table.contains(expected) && table.contains(": interp takes it\n"), "{table}");
}

#[test]
fn a_broken_pipe_is_quiet() {
    let folder = Folder::new();
    let mut child = folder.command(&["eval", "x", "x=0:1:1000000"]).spawn().expect("fuse starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("fuse ends");
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
}

#[test]
fn an_interrupted_evaluation_leaves_nothing_behind() {
    let folder = Folder::new();
    // Minutes of work for the interpreter, so that the signal comes in time.
    let terms: Vec<String> = (0..1000).map(|k| format!("sqrt(x + {k}.5)")).collect();
    let formula = terms.join(" + ");
    let args = ["eval", &formula, "x=0:1:1e7", "-o", "r.npy", "-v", "--backend", "interp"];
    let mut child = folder.command(&args).spawn().expect("fuse starts");
    let mut lines = BufReader::new(child.stderr.take().expect("piped"));
    let mut line = String::new();
    while !line.contains("types checked") {
        line.clear();
        assert_ne!(lines.read_line(&mut line).expect("text"), 0, "fuse ended too early");
    }
    interrupt(child.id());
    line.clear();
    lines.read_to_string(&mut line).expect("text");
    assert_eq!(child.wait().expect("fuse ends").code(), Some(130), "{line}");
    assert!(line.ends_with("interrupted\n"), "{line}");
    assert_eq!(folder.names(), ["x.npy"]);
}

#[test]
fn a_waiting_command_can_be_interrupted() {
    let folder = Folder::new();
    let mut child = folder.command(&["repl"]).stdin(Stdio::piped()).spawn().expect("fuse starts");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(b"1 + 1\n").expect("fuse reads its input");
    let mut answer = String::new();
    let mut lines = BufReader::new(child.stdout.take().expect("piped"));
    lines.read_line(&mut answer).expect("text");
    assert_eq!(answer, "2\n");
    interrupt(child.id());
    assert_eq!(child.wait().expect("fuse ends").code(), Some(130));
}

#[test]
fn scripts_run_until_the_first_error() {
    let folder = Folder::new();
    let script = "# a comment\nk = 2.5\ny = x*k\n\ny\n_ + 1\ns = sum(y)\ns*2\n:type y\n:vars\n";
    let output = folder.fuse_with_input(&["repl", "x=x.npy"], script.as_bytes());
    assert_eq!(text(&output.stderr), "");
    let expected = "0.0\n2.5\n5.0\n1.0\n3.5\n6.0\n15.0\nf64 (3,)\n\
                    x  f64 (3,)\nk  f64 number\ny  f64 (3,)\n_  f64 ()\ns  f64 ()\n";
    assert_eq!(text(&output.stdout), expected);
    assert_eq!(output.status.code(), Some(0));
    let failing = folder.fuse_with_input(&["repl"], b"1\n:load x=x.npy\nx + z\n2\n");
    assert_eq!(text(&failing.stdout), "1\n");
    let message = text(&failing.stderr);
    assert!(message.contains("1 | x + z\n  |     ^\n"), "{message}");
    assert!(message.ends_with("in line 3 of the script\n"), "{message}");
    assert_eq!(failing.status.code(), Some(1));
    assert_eq!(folder.fuse_with_input(&["repl"], b"1\n:quit\n2\n").stdout, b"1\n");
}

#[test]
fn types_are_checked_without_data() {
    let folder = Folder::new();
    let one = folder.prints(&["check", "a*x + k", "a=f32", "x=f64:10x3", "k=2.5"]);
    assert_eq!(one, "f64, rank 2\n");
    let several = folder.prints(&["check", "sum(x)", "x=f64,f32"]);
    assert_eq!(several, "x=f64: f64, scalar\nx=f32: f32, scalar\n");
    assert_eq!(folder.prints(&["check", "a*b", "f32"]), "f32, rank 1\n");
    assert_eq!(folder.prints(&["check", "x > 0, sum(x)", "x=f32"]), "bool, rank 1; f32, scalar\n");
    assert!(folder.fails(2, &["check", "x << 1", "x=f64"]).starts_with("error[E0301]"));
}

#[test]
fn kernels_are_counted() {
    let folder = Folder::new();
    let powers: Vec<String> = (2..=8).map(|n| format!("x**{n}")).collect();
    let formula = format!("x + {}", powers.join(" + "));
    let counts = folder.prints_json(&["explain", &formula, "x=f64", "--stage", "kernel", "--json"]);
    let expected = json!({"loads": 1, "stores": 1, "arith": 7, "uniform": 0, "granule": 32});
    assert_eq!(counts, expected);
    let several =
        folder.prints_json(&["explain", "x - sum(x)", "x=f64", "--stage", "kernel", "--json"]);
    assert_eq!(several.as_array().map(Vec::len), Some(2));
    let sums = ["explain", "a + b, a - b", "a=f64", "b=f64", "--stage", "kernel"];
    let one_pass = folder.prints_json(&[&sums[..], &["--json"]].concat());
    let expected = json!({"loads": 2, "stores": 2, "arith": 2, "uniform": 0, "granule": 32});
    assert_eq!(one_pass, expected);
    assert!(
        folder
            .prints(&sums)
            .starts_with("pass 0: over [a.shape[0]]\n  reads a, b\n  writes result 0, result 1\n")
    );
}

#[test]
fn stages_are_exactly_their_text() {
    let folder = Folder::new();
    let all = folder.prints(&["explain", "x + 1", "x=f64"]);
    for stage in ["ast", "graph", "opt", "kernel", "clif", "asm", "ptx"] {
        let only = folder.prints(&["explain", "x + 1", "x=f64", "--stage", stage]);
        assert!(!only.is_empty() && !only.contains("=="), "{stage}: {only}");
        let part = format!("== {stage} ==\n{}\n", only.trim_end());
        assert!(all.contains(&part), "{stage}: {all}");
    }
    assert!(folder.prints(&["explain", "E0101"]).starts_with("E0101: unexpected token\n\n"));
    assert!(folder.fails(2, &["explain", "E9999"]).contains("E9999"));
}

#[test]
fn bench_measures_and_checks() {
    const KEYS: [&str; 15] = [
        "backend",
        "cached_call_ns",
        "compile_us",
        "copy_ns_per_elem",
        "dtype",
        "expr",
        "gb_per_s",
        "in_bytes",
        "isa",
        "n",
        "ns_per_elem",
        "out_bytes",
        "prepared_call_ns",
        "result_checked",
        "threads",
    ];
    let folder = Folder::new();
    let args = ["bench", "x*y + 1", "x=f64:1000x1", "y=f32:1x3@0..1", "-j", "1,2", "--json"];
    let measured = folder.prints_json(&args);
    let objects = measured.as_array().expect("an array");
    assert_eq!(objects.len(), 2);
    for (object, threads) in objects.iter().zip([1, 2]) {
        let fields = object.as_object().expect("an object");
        let mut keys: Vec<&str> = fields.keys().map(String::as_str).collect();
        keys.sort_unstable();
        assert_eq!(keys, KEYS);
        for (key, value) in [
            ("n", json!(3000)),
            ("threads", json!(threads)),
            ("in_bytes", json!(8012)),
            ("out_bytes", json!(24000)),
            ("dtype", json!("f64")),
            ("result_checked", json!(true)),
        ] {
            assert_eq!(object[key], value, "{key}");
        }
        assert!(object["ns_per_elem"]["min"].as_f64() > Some(0.0));
    }
    let several = ["bench", "x + y, sum(x), x < y", "x=f64:2000", "y=f32:2000", "-j1"];
    let measured = folder.prints_json(&[&several[..], &["--json"]].concat());
    for (key, value) in [
        ("n", json!(2000)),
        ("in_bytes", json!(24000)),
        ("out_bytes", json!(18008)),
        ("dtype", json!("f64, f64, bool")),
    ] {
        assert_eq!(measured[0][key], value, "{key}");
    }
    let table = folder.prints(&[&several[..], &["--alloc"]].concat());
    assert!(table.contains("result     f64 (2000,); f64 (); bool (2000,), equal to"), "{table}");
}

#[test]
fn help_begins_with_examples() {
    let folder = Folder::new();
    for command in ["eval", "check", "explain", "bench", "info", "repl", "completions", "man"] {
        let help = folder.prints(&[command, "-h"]);
        assert!(help.starts_with("Examples:\n  "), "{help}");
        assert_eq!(help.lines().skip(1).take_while(|line| line.starts_with("  ")).count(), 3);
    }
    assert!(folder.prints(&["--version"]).starts_with("fuse "));
    assert!(folder.prints(&["info", "--cpu"]).contains("threads"));
    assert!(folder.prints(&["info", "--functions"]).contains("sqrt(a)"));
    assert!(folder.prints(&["info", "--functions", "sqrt"]).contains("square root"));
    assert!(folder.prints(&["info", "--functions", "var"]).starts_with("var(a)\n"));
}
