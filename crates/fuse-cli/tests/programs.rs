//! Programs of several statements through the command: results, types, errors on later lines, and the
//! session. Expected values are worked out by hand.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

fn fuse(args: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fuse"));
    command.args(args).env_remove("NO_COLOR");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("fuse starts");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(input.as_bytes()).expect("fuse reads its input");
    drop(stdin);
    child.wait_with_output().expect("fuse ends")
}

fn prints(args: &[&str]) -> String {
    let output = fuse(args, "");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{args:?}");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn programs_are_evaluated_and_checked() {
    assert_eq!(prints(&["eval", "d = x - 1; d *= d; d + 1", "x=4"]), "10\n");
    assert_eq!(prints(&["eval", "f(u, v) = u*v + u\nf(x, f(2, 3))", "x=4"]), "36\n");
    assert_eq!(prints(&["check", "k = 2.5; f*k", "f=f32"]), "f32, rank 1\n");
    assert_eq!(prints(&["check", "i /= 2; i", "i=i32"]), "f64, rank 1\n");
    assert_eq!(prints(&["check", "d = a - b; d.sum()", "f32"]), "f32, scalar\n", "a and b, not d");
}

#[test]
fn an_error_shows_its_own_line() {
    let output = fuse(&["check", "d = x - 1\n\ne = d << 2\ne", "x=f64"], "");
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(message.contains("formula:3:5") && message.contains("3 | e = d << 2"), "{message}");
}

#[test]
fn nine_additions_are_explained_as_one() {
    let program = format!("result = x\n{}result", "result += 17\n".repeat(9));
    let text = prints(&["explain", &program, "x=f64", "--stage", "opt"]);
    assert!(text.contains("= 153.0") && text.matches("add %").count() == 1, "{text}");
}

#[test]
fn a_session_takes_augmented_assignments() {
    let script = "x = 3\nx += 4 # seven\nx\nx **= 2\nx\nd = x; d - 1\nf(u) = u*u; f(2)\nx <= 49\n";
    let output = fuse(&["repl"], script);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "7\n49\n48\n4\nTrue\n");
}
