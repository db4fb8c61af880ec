//! Names are the user's: they reach messages escaped and cut, and no text that is compiled.

use fuse::{AsInput as _, DType, ErrorKind, InputType, Stage, vars};

/// Names that would do something if they were printed, or that only look like a variable's.
const NAMES: &[&str] = &[
    "x\n.entry evil()",
    "x\r\n",
    "\u{1b}[2J\u{1b}]0;x\u{7}",
    "\u{202e}x",
    "\u{2066}x\u{2069}",
    "x\u{200b}",
    "x\0",
    "\u{feff}x",
    "x;",
    "x\"",
    "%0",
    "v0 = trap",
    "//x",
    "\u{9b}31m",
    "",
    " ",
];

/// One line of no great length that moves no cursor.
fn is_harmless(text: &str) -> bool {
    let draws = |c: char| {
        !c.is_control()
            && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    text.len() < 4000 && text.chars().all(|c| c == '\n' || draws(c))
}

#[test]
fn names_of_variables_are_escaped_and_cut_in_messages() {
    let long = "x".repeat(1 << 20);
    let twisted = "\u{1b}\u{202e}".repeat(1 << 18);
    for name in NAMES.iter().copied().chain([long.as_str(), &twisted]) {
        let x = [1.0, 2.0];
        let error = fuse::evaluate("x + 1", [(name, x.as_input())]).expect_err("there is no x");
        assert_eq!(error.kind(), ErrorKind::Name, "{error}");
        assert!(is_harmless(&error.to_string()) && is_harmless(&error.render()), "{error:?}");
        // A name that no formula can write does no harm beside one that it can.
        let found = fuse::evaluate("x + 1", [(name, x.as_input()), ("x", x.as_input())]);
        assert_eq!(found.expect("evaluates").as_slice::<f64>(), Some([2.0, 3.0].as_slice()));
        let Err(error) = fuse::evaluate(name, vars! { x }) else { continue };
        assert!(is_harmless(&error.to_string()) && is_harmless(&error.render()), "{error:?}");
    }
}

/// A variable's name as long as a text may be.
#[test]
fn a_name_of_almost_a_mebibyte_is_a_name() {
    let name = "y".repeat((1 << 20) - 4);
    let x = [1.0, 2.0];
    let found = fuse::evaluate(&format!("{name} + 1"), [(name.as_str(), x.as_input())]);
    assert_eq!(found.expect("evaluates").as_slice::<f64>(), Some([2.0, 3.0].as_slice()));
    let formula = format!("{name} + 1");
    for vars in [vars! { x }, vars! {}] {
        let error = fuse::evaluate(&formula, vars).expect_err("there is none");
        assert!(is_harmless(&error.render()), "{} bytes", error.render().len());
    }
}

/// What is handed to an assembler or a code generator is ASCII and holds no name.
#[test]
fn names_reach_no_text_that_is_compiled() {
    let formula: fuse::Formula = "grün_evil = sqrt(größe_evil)*入力_evil + sum(größe_evil); \
                                  f_evil(z_evil) = z_evil*grün_evil; f_evil(𝔵_evil), grün_evil"
        .parse()
        .expect("parses");
    let array = InputType::array(DType::F64, &[100]);
    let names: Vec<String> = formula.names().map(str::to_string).collect();
    assert_eq!(names.len(), 3, "{names:?}");
    let types: Vec<(&str, InputType)> =
        names.iter().map(|name| (name.as_str(), array.clone())).collect();
    for stage in [Stage::Clif, Stage::Asm, Stage::Ptx] {
        let text = formula.explain(&types, stage).unwrap_or_else(|error| panic!("{error}"));
        assert!(text.is_ascii() && text.len() > 500, "{}", stage.name());
        assert!(!text.contains("evil"), "{}: {text}", stage.name());
    }
    // Names stand in the stages for people, as they are: they are identifiers.
    let kernel = formula.explain(&types, Stage::Kernel).expect("a text");
    let begin: String = kernel.chars().take(1000).collect();
    assert!(begin.contains("größe_evil") && is_harmless(&begin), "{begin}");
}

/// Names are compared as Python compares them: by their NFKC form, and no further.
#[test]
fn names_that_look_alike_are_different() {
    let (one, two) = ([1.0], [2.0]);
    // Cyrillic а beside Latin a; a ligature is its letters, a full-width letter the plain one.
    let found = fuse::evaluate("a - а", [("a", one.as_input()), ("а", two.as_input())]);
    assert_eq!(found.expect("evaluates").as_slice::<f64>(), Some([-1.0].as_slice()));
    for (written, name) in [("ﬁ", "fi"), ("ａ", "a"), ("𝔵", "x"), ("e\u{301}", "é"), ("K", "K")]
    {
        let found = fuse::evaluate(&format!("{written} + 1"), [(name, one.as_input())]);
        assert_eq!(found.expect(written).as_slice::<f64>(), Some([2.0].as_slice()), "{written}");
    }
    let error = fuse::evaluate("а + 1", [("a", one.as_input())]).expect_err("another letter");
    assert_eq!(error.kind(), ErrorKind::Name);
}
