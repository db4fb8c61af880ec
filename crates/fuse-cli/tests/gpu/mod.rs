//! `--backend cuda`, with the stand-in for NVIDIA's driver where the command looks for the driver. The
//! CPU's results are the expected ones.

use std::process::Output;

use fuse::DType;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Folder, header, text};

#[path = "../../../../tests/suite/gpu/library.rs"]
mod library;

/// What the driver logs when the device is given back with nothing left on it.
const NOTHING_LEFT: &str = "release: 0 bytes, 0 pinned, 0 streams, 0 events, 0 modules";

const ON_CPU: &str = "  = help: leave `--backend cuda` away to run on the CPU\n";

/// A folder of inputs, and one with the driver.
struct Machine {
    folder: Folder,
    driver: TempDir,
}

impl Machine {
    /// With `x.npy` and `y.npy`, 2500 numbers each, and the matrix `m.npy`.
    fn new() -> Machine {
        let folder = Folder::new();
        let numbers = |n: u32, step: f64| -> Vec<f64> {
            (0..n).map(|k| (f64::from(k) * step).sin() * 3.0).collect()
        };
        folder.remove("x.npy");
        folder.vector("x.npy", &numbers(2500, 0.7));
        let single: Vec<u8> =
            numbers(2500, 1.3).iter().flat_map(|&y| (y as f32).to_le_bytes()).collect();
        folder.write("y.npy", &header(DType::F32, &[2500]), &single);
        let matrix: Vec<u8> = numbers(41 * 37, 2.9).iter().flat_map(|m| m.to_le_bytes()).collect();
        folder.write("m.npy", &header(DType::F64, &[41, 37]), &matrix);
        Machine { folder, driver: library::fake_driver_dir() }
    }

    fn fuse(&self, faults: &str, args: &[&str]) -> Output {
        let mut command = self.folder.command(args);
        command.env("LD_LIBRARY_PATH", self.driver.path()).env("FUSE_FAKE_CUDA", faults);
        command.output().expect("fuse runs")
    }

    /// What a successful run prints; it says nothing else, and leaves nothing on the device.
    fn prints(&self, args: &[&str]) -> Vec<u8> {
        let log = self.driver.path().join("log");
        let _ = std::fs::remove_file(&log);
        let output = self.fuse(&format!("log={}", log.display()), args);
        assert_eq!(text(&output.stderr), "", "{args:?}");
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        let log = std::fs::read_to_string(log).expect("a log");
        assert!(log.contains("launch p0_") && log.ends_with(&format!("{NOTHING_LEFT}\n")), "{log}");
        output.stdout
    }

    /// What a failing run says.
    fn fails(&self, code: i32, faults: &str, args: &[&str]) -> String {
        let output = self.fuse(faults, args);
        assert_eq!(text(&output.stdout), "", "{args:?}");
        let message = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {message}");
        message
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.folder.path(name)).expect("the file")
    }
}

const INPUTS: [&str; 4] = ["x=x.npy", "y=y.npy", "m=m.npy", "k=2.5"];
const CUDA: [&str; 2] = ["--backend", "cuda"];

/// `eval` of a formula, with these inputs and options.
fn eval<'a>(formula: &'a str, options: &[&'a str]) -> Vec<&'a str> {
    [&["eval", formula, "-q"], &INPUTS[..], options].concat()
}

#[test]
fn results_are_the_cpus_byte_for_byte() {
    let machine = Machine::new();
    for (formula, outputs) in [
        ("exp(-x**2/2)*y", 1),
        ("sum(x*k)", 1),
        ("x > y, argmax(m, axis=0), (m - mean(m))/std(m)", 3),
        ("m.T[:, 1:] + 1, f16(y)", 2),
    ] {
        for strict in [&[][..], &["--strict"]] {
            let names = |which: &str| -> Vec<String> {
                (0..outputs).map(|k| format!("{which}{k}.npy")).collect()
            };
            let (cpu, gpu) = (names("cpu"), names("gpu"));
            fn files(names: &[String]) -> impl Iterator<Item = &str> {
                names.iter().flat_map(|name| ["-o", name])
            }
            let options: Vec<&str> =
                files(&cpu).chain(["--force"]).chain(strict.iter().copied()).collect();
            machine.folder.prints(&eval(formula, &options));
            let options: Vec<&str> =
                files(&gpu).chain(["--force"]).chain(strict.iter().copied()).chain(CUDA).collect();
            assert_eq!(machine.prints(&eval(formula, &options)), b"");
            for (cpu, gpu) in cpu.iter().zip(&gpu) {
                assert!(machine.read(cpu) == machine.read(gpu), "{formula}: {gpu} differs");
            }
        }
    }
}

#[test]
fn results_are_printed_as_the_cpus_are() {
    let machine = Machine::new();
    let same = |formula: &str, options: &[&str]| {
        let expected = machine.folder.fuse(&eval(formula, options)).stdout;
        let found = machine.prints(&eval(formula, &[options, &CUDA, &["--device", "0"]].concat()));
        assert!(!found.is_empty() && found == expected, "{formula}: {}", text(&found));
    };
    same("std(x)", &[]);
    same("x[:5] + y[:5], max(m)", &[]);
    same("m[:3, :2]*k", &["--format", "json"]);
    same("x + y", &["--dtype", "f32", "-o", "-"]);
    let over = eval("x*2", &["-o", "x.npy", "--force"]);
    machine.prints(&[&over[..], &CUDA].concat());
    same("x", &[]);
}

#[test]
fn sessions_run_on_the_device() {
    let machine = Machine::new();
    let mut command = machine.folder.command(&["repl", "x=x.npy", "--backend", "cuda"]);
    command.env("LD_LIBRARY_PATH", machine.driver.path());
    let output = Folder::feed(&mut command, b"s = sum(x)\ns/2\nx[0]\nz\n");
    let expected = machine.folder.fuse_with_input(&["repl", "x=x.npy"], b"sum(x)/2\nx[0]\n");
    assert_eq!(text(&output.stdout), text(&expected.stdout));
    assert!(text(&output.stderr).ends_with("in line 4 of the script\n"));
}

#[test]
fn devices_are_listed() {
    let machine = Machine::new();
    let list = |faults: &str| {
        let output = machine.fuse(faults, &["info", "--gpu"]);
        assert_eq!((text(&output.stderr), output.status.code()), (String::new(), Some(0)));
        text(&output.stdout)
    };
    let rest = "multiprocessors  2\ndriver           CUDA 12.0\n";
    let first = "device           0\nname             Fake driver over the PTX interpreter\n";
    let capable = format!(
        "{first}capability       9.0 (sm_90)\nmemory           1.0 GiB, 1.0 GiB free\n{rest}"
    );
    assert_eq!(list("capability=9.0"), capable);
    let old = format!(
        "{first}capability       6.1, too old: fuse needs 7.0 or newer\nmemory           1.0 GiB\n{rest}"
    );
    let second = old.replace("device           0", "device           1");
    assert_eq!(list("capability=6.1,devices=2"), format!("{old}\n{second}"));
    let none = machine.fails(1, "devices=0", &["info", "--gpu"]);
    assert_eq!(none, "error: no device: the NVIDIA driver sees none\n");
    let both = text(&machine.fuse("", &["info", "--cpu", "--gpu"]).stdout);
    assert!(both.starts_with("processor") && both.contains("\n\ndevice           0\n"), "{both}");
}

/// Whatever goes wrong: a message, no output, no temporary, and an output that is there stays.
#[test]
fn failures_leave_no_files_behind() {
    let machine = Machine::new();
    let folder = &machine.folder;
    std::fs::write(folder.path("there.npy"), "precious").expect("a file");
    let before = folder.names();
    let device = "device 0 (Fake driver over the PTX interpreter)";
    for (faults, options, expected) in [
        ("oom=50000", &[][..], " of 50000 are free\n".to_string()),
        ("oom=0", &[], " bytes: 0 of 0 are free\n".to_string()),
        ("launch=1", &[], "CUDA_ERROR_LAUNCH_FAILED: unspecified launch failure".to_string()),
        ("launch=2", &[], "error: the kernel p".to_string()),
        ("compile", &[], "error: the driver could not compile the kernels: ".to_string()),
        ("init", &[], "error: cuInit failed: CUDA_ERROR_UNKNOWN: unknown error\n".to_string()),
        ("devices=0", &[], "error: no device 0: the driver sees 0\n".to_string()),
        ("", &["--device", "1"], "error: no device 1: the driver sees 1\n".to_string()),
        (
            "capability=6.1",
            &[],
            format!("error: {device} has compute capability 6.1, fuse needs 7.0 or newer\n"),
        ),
    ] {
        for output in ["new.npy", "there.npy"] {
            let options = [&["-o", output, "--force"], options, &CUDA].concat();
            let message = machine.fails(1, faults, &eval("sin(x)*y + sum(x)", &options));
            let message = message.replace("fake driver: ", "");
            assert!(message.contains(&expected), "{faults}: {message}");
            let help = message.lines().last().expect("a line");
            assert!(
                help.starts_with("  = help: ") && help.ends_with("to run on the CPU"),
                "{help}"
            );
            assert_eq!(
                help.contains("`fuse info --gpu`"),
                expected.contains("evice 1: ") || faults == "capability=6.1"
            );
            assert_eq!(folder.names(), before, "{faults}");
            assert_eq!(machine.read("there.npy"), b"precious", "{faults}");
        }
    }
    // Mistakes in the command line come first, and have no such help.
    let usage = machine.fails(2, "launch=1", &eval("x + + ", &CUDA));
    assert!(usage.starts_with("error[E01"), "{usage}");
}

#[test]
fn a_driver_that_is_missing_is_an_error() {
    // No library, which the loader takes for the driver's and refuses.
    let machine = Machine::new();
    let empty = machine.folder.path("empty");
    std::fs::write(&empty, "").expect("a file");
    let machine = Machine { driver: library::library_dir(&empty), ..machine };
    let message = "error: no NVIDIA driver: libcuda.so.1 is not there, or cannot be loaded\n";
    assert_eq!(machine.fails(1, "", &["info", "--gpu"]), message);
    let args = [&["eval", "x + 1", "x=x.npy", "-o", "r.npy"], &CUDA[..]].concat();
    assert_eq!(machine.fails(1, "", &args), format!("{message}{ON_CPU}"));
    assert_eq!(machine.fails(1, "", &["repl", "--backend", "cuda"]), format!("{message}{ON_CPU}"));
    let bench = ["bench", "x", "x=f64:10", "--backend", "cuda"];
    assert_eq!(machine.fails(1, "", &bench), format!("{message}{ON_CPU}"));
    assert!(!machine.folder.names().contains(&"r.npy".to_string()));
    // Nothing has to run for these.
    let explain = ["explain", "sum(x**2) + x", "x=f64", "--stage", "ptx"];
    let ptx = machine.folder.prints(&explain);
    for options in [&CUDA[..], &["--target", "cuda:sm_80"], &["--target", "cuda:sm_120"]] {
        let output = machine.fuse("", &[&explain[..], options].concat());
        assert_eq!((text(&output.stdout), text(&output.stderr)), (ptx.clone(), String::new()));
    }
    assert!(ptx.starts_with(".version 6.0\n.target sm_70\n"), "{ptx}");
    assert_eq!(ptx.matches(".version").count(), 1, "two passes, one module");
    assert!(ptx.contains(".entry p0_") && ptx.contains(".entry p1_"), "{ptx}");
}

#[test]
fn bench_measures_copies_and_kernels() {
    let machine = Machine::new();
    let args = ["bench", "x*y + 1", "x=f64:40", "y=f32:40", "--backend", "cuda"];
    let json = machine.prints(&[&args[..], &["--json"]].concat());
    let measured: Value = serde_json::from_slice(&json).expect("JSON");
    let object = &measured[0];
    for (key, value) in [
        ("backend", json!("cuda")),
        ("isa", json!("sm_80")),
        ("n", json!(40)),
        ("threads", json!(1)),
        ("in_bytes", json!(480)),
        ("out_bytes", json!(320)),
        ("result_checked", json!(true)),
    ] {
        assert_eq!(object[key], value, "{key}");
    }
    for key in ["upload", "kernel", "download", "device_copy"] {
        assert!(object[format!("{key}_gb_per_s")].as_f64() > Some(0.0), "{key}");
    }
    let output = machine.fuse("capability=8.6", &args);
    let table = text(&output.stdout);
    for part in [
        "result     f64 (40,), equal to the interpreter's bit for bit\n",
        "back end   cuda (sm_86)\ndevice     Fake driver over the PTX interpreter\n",
        "\nupload  ",
        "\nkernel  ",
        "\ndownload  ",
        "\ndevice copy  ",
    ] {
        assert!(table.contains(part), "{table}");
    }
    let note = text(&output.stderr);
    assert!(note.starts_with("note: the formula computes in f64, which devices of "), "{note}");
    let threads = [&args[..], &["-j", "2"]].concat();
    assert!(machine.fails(2, "", &threads).contains("-j is for the CPU's back ends"));
    let failed = machine.fails(1, "launch=3", &args);
    assert!(failed.contains("error: the kernel ") && failed.ends_with(ON_CPU), "{failed}");
}
