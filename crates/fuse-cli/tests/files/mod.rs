//! Files as a stranger hands them over: archives, files that change while they are read, disks that
//! are full, runs that are ended from outside. Nothing may be lost, and nothing left behind.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::FileExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use fuse_npy::{NpzWriter, Overwrite};
use fuse_testkit::skip;
use serde_json::json;

use super::{DType, Folder, header, text};

/// The command as an argument of a shell or of `timeout`.
const FUSE: &str = env!("CARGO_BIN_EXE_fuse");

/// Takes the interpreter a second or more, over so many elements.
const SLOW: &str = "sin(sin(sin(sin(sin(sin(sin(sin(x))))))))";
const MANY: usize = 1 << 24;

/// An archive of vectors, with the names that are given.
fn archive(path: &Path, members: &[(&str, &[f64])]) {
    let mut npz = NpzWriter::create(path, Overwrite::Refuse).expect("an archive");
    for (name, elements) in members {
        npz.member(name, &header(DType::F64, &[elements.len()])).expect("a member");
        for element in *elements {
            npz.write(&element.to_le_bytes()).expect("an element");
        }
    }
    npz.commit().expect("an archive");
}

/// `big.npy`, which takes no room: `MANY` zeros.
fn sparse(folder: &Folder) -> File {
    let header = header(DType::F64, &[MANY]);
    let file = File::create(folder.path("big.npy")).expect("a file");
    file.write_all_at(&header.encode(), 0).expect("a header");
    let len = header.data_offset() + header.data_bytes();
    file.set_len(len.try_into().expect("a length")).expect("a hole");
    file
}

/// Starts a slow evaluation of `big.npy`, and does something as soon as it runs. `timeout` ends what
/// hangs.
fn while_it_runs(folder: &Folder, threads: &str, act: impl FnOnce(u32)) -> Output {
    let args = ["-v", "x=big.npy", "-o", "r.npy", "--backend", "interp", "-j", threads];
    let mut command = Command::new("timeout");
    command.args(["--foreground", "-s", "KILL", "100", FUSE, "eval", SLOW]).args(args);
    command.current_dir(folder.path("."));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("timeout starts");
    let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines();
    let begun = lines.find(|line| line.as_ref().is_ok_and(|line| line.contains("types checked")));
    begun.expect("the evaluation begins").expect("a line");
    act(child.id());
    let rest: Vec<String> = lines.map(|line| line.expect("a line")).collect();
    let mut output = child.wait_with_output().expect("fuse ends");
    output.stderr = rest.join("\n").into_bytes();
    output
}

/// The process that another one has started.
fn child_of(parent: u32) -> String {
    let path = format!("/proc/{parent}/task/{parent}/children");
    std::fs::read_to_string(path).expect("children").trim().to_string()
}

#[test]
fn members_of_archives_are_variables() {
    let folder = Folder::new();
    archive(&folder.path("a.npz"), &[("x", &[1.0, 2.0]), ("k", &[3.0]), ("no name", &[4.0])]);
    archive(&folder.path("one.npz"), &[("y", &[5.0])]);
    assert_eq!(folder.prints(&["eval", "x + k", "x=a.npz:x", "k=a.npz:k"]), "4.0\n5.0\n");
    assert_eq!(folder.prints(&["eval", "x + k", "a.npz"]), "4.0\n5.0\n");
    assert_eq!(folder.prints(&["eval", "x", "--no-mmap", "a.npz"]), "1.0\n2.0\n");
    assert_eq!(folder.prints(&["eval", "n + y", "n=a.npz:no name", "y=one.npz"]), "9.0\n");
    assert_eq!(folder.prints(&["check", "x + 1", "x=a.npz:x"]), "f64, rank 1\n");
    let several = folder.fails(2, &["eval", "x", "x=a.npz"]);
    let expected = "error: a.npz: which member? write a.npz:x; there are `x`, `k`, `no name`\n";
    assert_eq!(several, expected);
    let missing = folder.fails(1, &["eval", "x", "x=a.npz:z"]);
    assert_eq!(
        missing,
        "error: a.npz: the archive has no member `z`; it has `x`, `k`, `no name`\n"
    );
    let twice = folder.fails(2, &["eval", "x", "x=1", "a.npz"]);
    assert!(twice.contains("`x` is given twice"), "{twice}");
    assert!(folder.fails(1, &["eval", "x", "b.npz"]).contains("b.npz: cannot open"));
    assert!(folder.fails(1, &["eval", "x", "x=b.npz:x"]).contains("b.npz: cannot open"));
    std::fs::write(folder.path("c.npz"), b"PK\x03\x04 and no more").expect("a file");
    let damaged = folder.fails(1, &["eval", "x", "c.npz"]);
    assert!(damaged.contains("c.npz: not a zip archive, or a damaged one"), "{damaged}");
}

#[test]
fn every_command_takes_all_members_of_an_archive() {
    let folder = Folder::new();
    archive(&folder.path("a.npz"), &[("p", &[1.0, 2.0]), ("q", &[3.0])]);
    assert_eq!(folder.prints(&["eval", "sum(p)*q", "a.npz"]), "9.0\n");
    assert_eq!(folder.prints(&["check", "sum(p) + q", "a.npz"]), "f64, rank 1\n");
    assert!(folder.prints(&["explain", "p*2", "a.npz", "--stage=graph"]).contains("p"));
    let message = folder.fails(2, &["check", "p", "a.npz", "p=f64"]);
    assert!(message.contains("the variable `p` is given twice"), "{message}");
    let message = folder.fails(1, &["check", "p", "none.npz"]);
    assert!(message.contains("none.npz: cannot open"), "{message}");
}

#[test]
fn literals_are_scalars_whatever_files_there_are() {
    let folder = Folder::new();
    assert_eq!(folder.prints(&["eval", "t == 'x.npy'", "t='x.npy'"]), "True\n");
    assert_eq!(folder.prints(&["eval", "t == b'ab'", "t=b\"ab\""]), "True\n");
    assert_eq!(folder.prints(&["eval", "real(z) + imag(z)", "z=1.5-2j"]), "-0.5\n");
    assert_eq!(folder.prints(&["eval", "z*z", "z=1j"]), "(-1+0j)\n");
}

#[test]
fn info_describes_files_and_members() {
    let folder = Folder::new();
    archive(&folder.path("a.npz"), &[("m", &[1.0, 2.0]), ("\u{1b}[2J", &[])]);
    let order = header(DType::I16, &[2, 3]).with_fortran_order();
    let order = order.with_byte_order(fuse::raw::ByteOrder::Swapped);
    folder.write("f.npy", &order, &[0; 12]);
    assert_eq!(
        folder.prints(&["info", "x.npy", "a.npz", "f.npy"]),
        "x.npy: f64 (3,), C order, 24 bytes\n\
         a.npz:m: f64 (2,), C order, 16 bytes, stored\n\
         a.npz:\\u{1b}[2J: f64 (0,), C order, 0 bytes, stored\n\
         f.npy: i16 (2, 3), Fortran order, big-endian, 12 bytes\n"
    );
    assert_eq!(
        folder.prints_json(&["info", "--json", "f.npy", "a.npz"]),
        json!([
            {"name": "f.npy", "dtype": "i16", "shape": [2, 3], "fortran_order": true,
             "byte_order": "big", "bytes": 12},
            {"name": "a.npz:m", "dtype": "f64", "shape": [2], "fortran_order": false,
             "byte_order": "little", "bytes": 16, "storage": "stored"},
            {"name": "a.npz:\\u{1b}[2J", "dtype": "f64", "shape": [0], "fortran_order": false,
             "byte_order": "little", "bytes": 0, "storage": "stored"},
        ])
    );
    let output = folder.fuse(&["info", "--json", "missing.npy", "x.npy"]);
    assert_eq!(output.status.code(), Some(1));
    let described: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(described[0]["name"], "x.npy");
    assert!(text(&output.stderr).contains("missing.npy: cannot open"));
    let cpu = folder.prints_json(&["info", "--cpu", "--json"]);
    assert!(cpu["threads"].as_u64() > Some(0) && cpu["features"].is_array(), "{cpu}");
    let sqrt = folder.prints_json(&["info", "--json", "--functions", "sqrt"]);
    assert_eq!((&sqrt[0]["name"], &sqrt[1]), (&json!("sqrt"), &json!(null)));
    let all = folder.prints_json(&["info", "--functions", "--json"]);
    assert!(all.as_array().is_some_and(|rows| rows.len() > 80));
}

/// A Python with NumPy.
fn python() -> Option<String> {
    let python = std::env::var("FUSE_PYTHON").unwrap_or_else(|_| "python3".to_string());
    let output = Command::new(&python).args(["-c", "import numpy"]).output().ok()?;
    output.status.success().then_some(python)
}

#[test]
fn numpy_loads_our_archives() {
    let Some(python) = python() else { skip!("python: no python3 with NumPy") };
    let folder = Folder::new();
    archive(&folder.path("a.npz"), &[("x", &[1.5, 2.0]), ("größe", &[]), ("z", &[3.0])]);
    let script = "import numpy, zipfile\n\
                  a = numpy.load('a.npz')\n\
                  print({name: a[name].tolist() for name in a.files})\n\
                  print(zipfile.ZipFile('a.npz').testzip())\n";
    let mut command = Command::new(python);
    command.args(["-c", script]).current_dir(folder.path(".")).env("PYTHONIOENCODING", "utf8");
    let output = command.output().expect("python runs");
    let printed = "{'x': [1.5, 2.0], 'größe': [], 'z': [3.0]}\nNone\n";
    assert_eq!(text(&output.stdout), printed, "{}", text(&output.stderr));
}

#[test]
fn a_file_that_shrinks_while_it_is_read_is_named() {
    // To nothing, to its header, to a few pages; on one thread, and on two that fault at once.
    for (len, threads) in [(0, "2"), (128, "1"), (8192, "2"), (100, "2"), (5000, "1")] {
        let folder = Folder::new();
        let file = sparse(&folder);
        let output = while_it_runs(&folder, threads, |_| file.set_len(len).expect("a cut"));
        let message = text(&output.stderr);
        assert_eq!(message, "error: big.npy: the file became shorter while it was read");
        assert_eq!(output.status.code(), Some(1), "cut to {len}: {:?}", output.status);
        assert_eq!(folder.names(), ["big.npy", "x.npy"]);
    }
}

#[test]
fn a_run_that_is_ended_leaves_nothing() {
    for (signal, number) in [("TERM", 15), ("HUP", 1), ("QUIT", 3)] {
        let folder = Folder::new();
        sparse(&folder);
        let output = while_it_runs(&folder, "2", |timeout| {
            let kill = format!("ulimit -c 0; kill -{signal} {}", child_of(timeout));
            let sent = Command::new("sh").args(["-c", &kill]).status();
            assert!(sent.expect("sh runs").success());
        });
        // `timeout` ends itself as its child has ended, or tells in its code.
        let code = output.status.code().unwrap_or(0);
        let ended_by = output.status.signal().unwrap_or(code - 128);
        assert_eq!(ended_by, number, "{output:?}");
        assert_eq!(folder.names(), ["big.npy", "x.npy"]);
    }
}

/// Runs a line of shell in the folder, with `$FUSE`.
fn shell(folder: &Folder, line: &str) -> Output {
    let mut command = Command::new("sh");
    command.args(["-c", line]).env("FUSE", FUSE).current_dir(folder.path("."));
    command.stdin(Stdio::null()).output().expect("sh runs")
}

#[test]
fn a_limit_on_file_size_is_an_error() {
    let folder = Folder::new();
    let run = "ulimit -f 8; exec \"$FUSE\" eval x x=0:1:100000 -o";
    let output = shell(&folder, &format!("{run} r.npy"));
    assert_eq!(text(&output.stderr), "error: r.npy: cannot write: file too large\n");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(folder.names(), ["x.npy"]);
    let output = shell(&folder, &format!("{run} - > r.npy"));
    assert_eq!(text(&output.stderr), "error: standard output: cannot write: file too large\n");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_full_disk_is_an_error_and_the_old_file_stays() {
    let folder = Folder::new();
    let device = shell(&folder, "exec \"$FUSE\" eval x x=0:1:100000 -o /dev/full");
    assert_eq!(text(&device.stderr), "error: /dev/full: cannot write: no space left on device\n");
    assert_eq!(device.status.code(), Some(1));
    let mounted = "mkdir disk && mount -t tmpfs -o size=1m none disk && cd disk";
    let in_tmpfs = |line: &str| {
        let line =
            format!("unshare -rm sh -c '{mounted} || exit 77; {line}'; c=$?; rmdir disk; exit $c");
        shell(&folder, &line)
    };
    if in_tmpfs("true").status.code() != Some(0) {
        skip!("mount: no tmpfs can be mounted here");
    }
    let output = in_tmpfs(
        "\"$FUSE\" eval x x=0:1:1000 -o r.npy && cp r.npy ../old.npy && \
         \"$FUSE\" eval x x=0:1:1000000 -o r.npy --force; echo $?; \
         \"$FUSE\" eval x x=0:1:1000000 -o s.npy; echo $?; \
         cmp r.npy ../old.npy; ls -A",
    );
    assert_eq!(text(&output.stdout), "1\n1\nr.npy\n", "{}", text(&output.stderr));
    assert_eq!(
        text(&output.stderr),
        "error: r.npy: cannot write: no space left on device\n\
         error: s.npy: cannot write: no space left on device\n"
    );
}
