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

#[test]
fn formulas_without_variables_are_evaluated_explained_and_measured() {
    assert_eq!(prints(&["eval", "arange(4)**2"]), "0\n1\n4\n9\n");
    assert_eq!(prints(&["eval", "arange(3)[:, None]*10 + arange(2)"]), "0\t1\n10\t11\n20\t21\n");
    assert_eq!(prints(&["check", "zeros((2, 3)).T, len(arange(4))"]), "f64, rank 2; i64, scalar\n");
    let text = prints(&["bench", "arange(1000)*2.5", "-j1"]);
    assert!(text.contains("result     f64 (1000,), equal to"), "{text}");
    assert!(!text.contains("on 16 elements"), "{text}");
}

#[test]
fn slices_are_evaluated_explained_and_measured() {
    let stencil = "x[2:] - 2*x[1:-1] + x[:-2]";
    let text = prints(&["explain", stencil, "x=f64", "--stage", "kernel"]);
    assert!(text.contains("reads x[2:], x[1:], x[0:]"), "{text}");
    let text = prints(&["explain", "a.T[1:, None, 3]", "a=f64:4x5", "--stage", "graph"]);
    assert!(text.contains("= view "), "{text}");
    assert!(prints(&["bench", stencil, "x=f64:1000", "-j1"]).contains("on 16 elements"));
    let text = prints(&["bench", "x[100]*x", "x=f64:1000", "-j1"]);
    assert!(
        text.contains("result     f64 (1000,), equal to"),
        "16 elements are not enough: {text}"
    );
    let output = fuse(&["eval", "x = arange(5); x[k]", "k=7"], "");
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(message.contains("index 7 is outside axis 0 of shape (5,)"), "{message}");
}

#[test]
fn a_session_takes_slices() {
    let script = "x = arange(6)\nx[1:-1:2]\nx[::-1][0]\nlen(x)\nx.T[None].shape[0]\n";
    let output = fuse(&["repl"], script);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "1\n3\n5\n6\n1\n");
}
