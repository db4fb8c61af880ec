//! Rows of `docs/reliability.md` that take a process: little stack, little memory, kills and interrupts at any
//! moment, folders that may not be written, text that would drive a terminal. Each process is under `timeout`, so
//! that what hangs is an exit code. `.ci/extended` kills oftener: `FUSE_KILLS=200`.

use std::process::{Child, Command, Output, Stdio};

use fuse_testkit::{Random, skip};

use super::{DType, Folder, header, interrupt, text};

const FUSE: &str = env!("CARGO_BIN_EXE_fuse");

/// Seconds after which a command hangs.
const PATIENCE: &str = "100";

/// Runs a line of shell in the folder, with `$FUSE`, and ends what hangs.
fn shell(folder: &Folder, line: &str) -> Output {
    let mut command = Command::new("timeout");
    command.args(["-s", "KILL", PATIENCE, "sh", "-c", line]);
    command.env("FUSE", FUSE).current_dir(folder.path("."));
    command.stdin(Stdio::null()).output().expect("a shell")
}

/// Ends with that code and one message of no great length.
fn refuses(output: &Output, code: i32, part: &str) {
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{message}");
    assert!(message.starts_with("error") && message.contains(part), "{part}: {message}");
    assert!(message.len() < 2000, "{} bytes of message", message.len());
    assert_eq!(text(&output.stdout), "");
}

/// The main thread of a process has what `ulimit -s` says.
#[test]
fn hostile_formulas_fit_a_small_stack() {
    let folder = Folder::new();
    let run = |name: &str, formula: &str| {
        std::fs::write(folder.path(name), formula).expect("a file");
        shell(&folder, &format!("ulimit -s 256; exec \"$FUSE\" eval -f {name} x=x.npy"))
    };
    for (name, formula) in [
        ("brackets", "(".repeat(1_000_000)),
        ("closed", format!("{}x{}", "(".repeat(400_000), ")".repeat(400_000))),
        ("signs", format!("{}x", "-".repeat(1_000_000))),
        ("calls", "f(".repeat(500_000)),
        ("powers", format!("{}x", "x**".repeat(300_000))),
        ("choices", format!("{}x", "1 if x else ".repeat(80_000))),
        ("sum", format!("{}x", "x+".repeat(500_000))),
    ] {
        refuses(&run(name, &formula), 2, "");
    }
    let deep = format!("{}x{}", "sqrt(".repeat(255), ")".repeat(255));
    let chain = format!("d = x\n{}d", "d = d*x + 1\n".repeat(5000));
    for (name, formula) in [("deep", deep), ("chain", chain)] {
        let output = run(name, &formula);
        assert_eq!(text(&output.stderr), "", "{name}");
        assert_eq!(text(&output.stdout).lines().count(), 3, "{name}");
    }
}

/// A product of a column and a row, 80 GB, where 4 GB of addresses are to be had.
#[test]
fn results_beyond_memory_are_errors() {
    let folder = Folder::new();
    let bytes = vec![0; 800_000];
    folder.write("a.npy", &header(DType::F64, &[100_000, 1]), &bytes);
    folder.write("b.npy", &header(DType::F64, &[1, 100_000]), &bytes);
    for options in ["", "--mem 64M", "--no-mmap", "-j 1"] {
        for formula in ["a*b", "a*b - sum(a*b, axis=0)[None]", "(a + b)[::-1]*exp(a - b)"] {
            // Into a pipe: a file of that size would be refused for want of room, or take it from others.
            let line = format!(
                "ulimit -v 4000000; exec \"$FUSE\" eval '{formula}' a=a.npy b=b.npy {options} -o - >/dev/null"
            );
            let output = shell(&folder, &line);
            let message = text(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{line}: {message}");
            assert!(message.starts_with("error: ") && message.len() < 500, "{message}");
            assert_eq!(folder.names(), ["a.npy", "b.npy", "x.npy"], "{line}");
        }
    }
    // What fits goes on working.
    let output = shell(&folder, "ulimit -v 4000000; exec \"$FUSE\" eval 'sum(a)' a=a.npy");
    assert_eq!((text(&output.stdout), text(&output.stderr)), ("0.0\n".to_string(), String::new()));
}

/// Looks at a running command again and again.
struct Watched {
    child: Child,
    ended: bool,
}

impl Watched {
    fn start(folder: &Folder, args: &[&str]) -> Watched {
        let mut command = folder.command(args);
        command.stdout(Stdio::null());
        Watched { child: command.spawn().expect("fuse starts"), ended: false }
    }

    /// Looks so many times, or until it has ended; gives how many times it did not.
    fn look(&mut self, times: usize) -> usize {
        for count in 0..times {
            self.ended = self.child.try_wait().expect("a child").is_some();
            if self.ended {
                return count;
            }
        }
        times
    }
}

/// How often a test ends a command.
fn kills() -> usize {
    std::env::var("FUSE_KILLS").map_or(12, |n| n.parse().expect("FUSE_KILLS is a number"))
}

/// `r.npy` was there before; a million elements take its place.
const REPLACE: [&str; 7] = ["eval", "x*2 + 1", "x=0:1:1000000", "-o", "r.npy", "--force", "-j2"];

/// The contents of `r.npy` before and after, and how many looks a whole run takes.
fn old_and_new(folder: &Folder) -> ([Vec<u8>; 2], usize) {
    let contents = || std::fs::read(folder.path("r.npy")).expect("the file");
    folder.prints(&REPLACE);
    let new = contents();
    let mut whole = Watched::start(folder, &REPLACE);
    let looks = whole.look(usize::MAX);
    folder.remove("r.npy");
    folder.vector("r.npy", &[7.0]);
    ([contents(), new], looks)
}

#[test]
fn a_command_killed_at_any_moment_leaves_the_old_file_or_the_new_one() {
    let folder = Folder::new();
    let (files, looks) = old_and_new(&folder);
    let mut random = Random::new(41);
    for _ in 0..kills() {
        std::fs::write(folder.path("r.npy"), &files[0]).expect("the old file");
        let mut run = Watched::start(&folder, &REPLACE);
        run.look(random.below(looks + 1));
        // One that has ended by itself is no matter.
        let _ = run.child.kill();
        run.child.wait().expect("it ends");
        let found = std::fs::read(folder.path("r.npy")).expect("one of both is there");
        assert!(files.contains(&found), "{} bytes", found.len());
        let names = folder.names();
        let others = names.iter().filter(|name| *name != "r.npy" && *name != "x.npy");
        let others: Vec<_> = others.cloned().collect();
        assert!(others.len() <= 1, "{others:?}");
        others.iter().for_each(|name| folder.remove(name));
    }
}

#[test]
fn a_command_interrupted_at_any_moment_leaves_nothing_behind() {
    let folder = Folder::new();
    let (files, looks) = old_and_new(&folder);
    let mut random = Random::new(30);
    for _ in 0..kills() {
        std::fs::write(folder.path("r.npy"), &files[0]).expect("the old file");
        let mut run = Watched::start(&folder, &REPLACE);
        run.look(random.below(looks + 1));
        if !run.ended {
            interrupt(run.child.id());
        }
        let output = run.child.wait_with_output().expect("it ends");
        let message = text(&output.stderr);
        let found = std::fs::read(folder.path("r.npy")).expect("one of both is there");
        // Before the command has a handler, the signal ends it by itself.
        match output.status.code() {
            Some(0) => assert!(found == files[1] && message.is_empty(), "{message}"),
            Some(130) | None => assert!(found == files[0] || found == files[1], "{message}"),
            Some(_) => panic!("{output:?}"),
        }
        assert_eq!(folder.names(), ["r.npy", "x.npy"]);
    }
}

/// Where a folder may not be written, nothing is, and the message says so. Root may write anywhere: it runs the
/// command as nobody in particular.
#[test]
fn a_folder_that_may_not_be_written_is_an_error() {
    let folder = Folder::new();
    let line = "mkdir closed && cp x.npy closed/old.npy && chmod 500 closed && cd closed && \
                if [ \"$(id -u)\" = 0 ]; then as=\"unshare -U\"; fi; \
                if $as sh -c '> probe' 2>/dev/null; then rm -f probe; exit 77; fi; \
                $as true || exit 77; \
                for out in new.npy old.npy; do $as \"$FUSE\" eval x+1 x=0:1:3 -o $out --force; echo $?; done; \
                cmp old.npy ../x.npy; ls -A; chmod 700 .";
    let output = shell(&folder, line);
    if output.status.code() == Some(77) {
        skip!("unshare: this user may write anywhere");
    }
    assert_eq!(text(&output.stdout), "1\n1\nold.npy\n", "{}", text(&output.stderr));
    let expected = "error: new.npy: cannot create: permission denied\n\
                    error: old.npy: cannot create: permission denied\n";
    assert_eq!(text(&output.stderr), expected);
}

/// Code generators that write maps of their code for `perf` do so where this variable is set, and some end the
/// process where they cannot. Nothing of ours looks at it.
#[test]
fn no_map_for_profilers_is_written() {
    let folder = Folder::new();
    for backend in ["auto", "cranelift", "interp"] {
        let line = format!(
            "export PERF_BUILDID_DIR=/nonexistent JITDUMPDIR=/nonexistent TMPDIR=/nonexistent\n\
             \"$FUSE\" eval 'sqrt(x) + sum(x)*x' x=x.npy --backend {backend} >out & \n\
             wait $! && ls /tmp/perf-$!.map /tmp/jit-$!.dump .debug 2>/dev/null; cat out"
        );
        let line = line.replace(" --backend auto", "");
        let output = shell(&folder, &line);
        assert_eq!(text(&output.stderr), "", "{backend}");
        let expected = "0.0\n4.0\n7.414213562373095\n";
        assert_eq!(text(&output.stdout), expected, "{backend}");
    }
}

/// Elements of arrays of text, names of files and of members.
#[test]
fn text_cannot_drive_a_terminal() {
    const HOSTILE: &str = "\u{1b}[2J\u{7}\n\r\u{8}\u{202e}\u{9b}1m\u{2066}\u{0}\u{feff}z";
    let folder = Folder::new();
    let units: Vec<u32> = HOSTILE.chars().map(u32::from).collect();
    // Not a character, and half of a pair: neither is in a Rust `str`.
    let units = [&units[..], &[0xd800, 0x11_0000, u32::MAX, 0x41]].concat();
    let elements: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
    let length = u32::try_from(units.len()).expect("few");
    folder.write("u.npy", &header(DType::Text(length), &[1]), &elements);
    folder.write("each.npy", &header(DType::Text(1), &[units.len()]), &elements);
    let bytes: Vec<u8> = (0..=255).collect();
    folder.write("s.npy", &header(DType::Bytes(1), &[256]), &bytes);
    let harmless = |shown: &str| {
        let moves = |c: char| {
            let lines = c == '\n' || c == '\t';
            c.is_control() && !lines
                || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
        };
        assert!(!shown.contains(moves), "{shown:?}");
    };
    let literal = format!("k='{HOSTILE}'").replace('\0', "");
    let heading = format!("x, k == '{}'", &literal[3..literal.len() - 1]);
    for file in ["u.npy", "each.npy", "s.npy"] {
        let (t, compared) = (format!("t={file}"), format!("t == t # {literal}"));
        for format in ["numpy", "tsv", "csv", "json"] {
            for args in [
                &["eval", "t", &t][..],
                &["eval", "t, x", &t, "x=x.npy"],
                &["eval", &compared.replace('\0', ""), &t],
                &["eval", "x, k == 't'", &literal, "x=x.npy"],
                &["eval", &heading, &literal, "x=x.npy"],
                &["eval", "k + x", &literal, "x=x.npy"],
            ] {
                let output = folder.fuse(&[args, &["--format", format]].concat());
                harmless(&text(&output.stdout));
                harmless(&text(&output.stderr));
            }
        }
        // Whatever is in an element, it is equal to itself.
        let equal = folder.prints(&["eval", "t == t", &t, "--format", "tsv"]);
        assert!(equal.lines().all(|line| line == "True"), "{file}: {equal}");
    }
    let script =
        format!("t\nk = '{HOSTILE}'\nk\n:vars\n:type t\n:load {HOSTILE}=x.npy\n:help {HOSTILE}\n");
    for lines in [script.as_str(), &script.replace('\n', " "), HOSTILE] {
        let output = folder.fuse_with_input(&["repl", "t=u.npy"], lines.as_bytes());
        harmless(&text(&output.stdout));
        harmless(&text(&output.stderr));
    }
    let name = format!("{}.npy", &HOSTILE.replace('\0', ""));
    folder.vector(&name, &[1.0]);
    for args in [
        &["info", &name][..],
        &["eval", "x[5]", &format!("x={name}")],
        &["eval", "x", "x=x.npy", "-o", &name],
        &["eval", "x", &format!("x={name}:member")],
        &["check", "y", &format!("x={name}")],
    ] {
        let output = folder.fuse(args);
        harmless(&text(&output.stdout));
        harmless(&text(&output.stderr));
    }
}
