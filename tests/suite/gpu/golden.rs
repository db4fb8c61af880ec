//! The canonical texts, as committed: `FUSE_BLESS=1 cargo test -p fuse-tests gpu::golden` writes them
//! anew; read them then.

use super::modules::{canonical, folder};

#[test]
fn canonical_texts_are_those_committed() {
    let mut wrong = Vec::new();
    for shape in canonical() {
        let text = shape.text().unwrap_or_else(|| panic!("{} does not compile", shape.name));
        let file = folder().join("golden").join(format!("{}.ptx", shape.name));
        if std::env::var_os("FUSE_BLESS").is_some() {
            std::fs::write(&file, &text).expect("the text can be written");
        }
        if std::fs::read_to_string(&file).unwrap_or_default() != text {
            wrong.push(shape.name);
        }
    }
    assert!(wrong.is_empty(), "other texts than committed: {wrong:?}; FUSE_BLESS=1 writes them");
}

/// The lines of the loop of an entry: from the first label to the branch back to it.
fn inner_loop<'t>(text: &'t str, entry: &str) -> Vec<&'t str> {
    let start = text.find(&format!(".entry {entry}(")).expect("the entry is there");
    let body = &text[start..];
    let lines = body.lines().skip_while(|line| *line != "L0:").skip(1);
    let mut taken = Vec::new();
    for line in lines {
        taken.push(line.trim());
        if line.contains("bra L0;") {
            break;
        }
    }
    taken
}

/// What the loop of the headline formula is made of, for 2 elements: nothing but the load, the store,
/// seven multiply-adds an element, the two that make stored NaNs canonical, and index arithmetic.
#[test]
fn the_headline_loop_is_minimal() {
    let headline = canonical().into_iter().find(|shape| shape.name == "headline");
    let text = headline.expect("it is canonical").text().expect("it compiles");
    let lines = inner_loop(&text, "p0_vector");
    let count = |start: &str| lines.iter().filter(|line| line.starts_with(start)).count();
    assert_eq!(count("ld.global.nc.v2.f64"), 1);
    assert_eq!(count("st.global.v2.f64"), 1);
    assert_eq!(count("fma.rn.f64"), 14);
    assert_eq!((count("setp.nan.f64"), count("selp.f64")), (2, 2));
    let index = ["mad.wide.u32", "mad.wide.u32", "add.u32", "setp.lt.u32", "@%p"];
    assert_eq!(lines.len(), 1 + 1 + 14 + 4 + index.len(), "{lines:#?}");
    assert_eq!(count("mad.wide.u32"), 2);
}

/// Nothing of a formula's names gets into the text, and it is ASCII.
#[test]
fn texts_are_ascii_and_hold_no_names() {
    for shape in canonical() {
        let text = shape.text().expect("it compiles");
        assert!(text.is_ascii(), "{}", shape.name);
        let renamed = shape.formula.replace("weight", "poids_é");
        if renamed != shape.formula {
            let variables = shape.variables.replace("weight", "poids_é");
            let other = super::modules::Shape { formula: renamed, variables, ..shape.clone() };
            assert_eq!(other.text().as_deref(), Some(text.as_str()), "{}", shape.name);
        }
    }
    assert!(canonical().iter().any(|shape| shape.formula.contains("weight")), "a name to change");
}
