//! A second look at a text that knows no grammar: words that must not occur anywhere.
//!
//! [`parse`](super::parse) refuses all of this too, and more. The two have nothing in common but this
//! list, so that a mistake in the larger one does not let the worst through: a sum that the assembler
//! may contract, flush or approximate, or whose order the hardware chooses.

/// Modifiers that change results, wherever they stand.
const FORBIDDEN: &[&str] = &["approx", "ftz", "sat", "full", "rz", "rm", "rp"];
/// Operations whose order the hardware chooses.
const UNORDERED: &[&str] = &["atom", "red"];
/// Operations that round, and that the assembler contracts where they do not say `.rn`.
const ROUNDING: &[&str] = &["add", "sub", "mul", "div", "fma", "mad", "sqrt", "rcp"];

/// Looks for roundings that are not stated, and for operations whose order the hardware chooses.
///
/// # Errors
/// The first such word, with its line.
pub fn scan(text: &str) -> Result<(), String> {
    for (line, number) in text.lines().zip(1_u32..) {
        let code = line.split("//").next().unwrap_or("");
        for word in code.split(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '_')) {
            if let Some(reason) = objection(word) {
                return Err(format!("line {number}: `{word}` {reason}"));
            }
        }
    }
    Ok(())
}

fn objection(word: &str) -> Option<&'static str> {
    let (operation, modifiers) = word.split_once('.')?;
    let has = |modifier: &str| modifiers.split('.').any(|part| part == modifier);
    if FORBIDDEN.iter().any(|modifier| has(modifier)) {
        return Some("approximates, flushes, saturates or rounds by another rule");
    }
    if UNORDERED.contains(&operation) {
        return Some("leaves its order to the hardware");
    }
    let is_float = has("f32") || has("f64") || has("f16");
    if ROUNDING.contains(&operation) && is_float && !has("rn") {
        return Some("does not say how it rounds");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::scan;

    #[test]
    fn exact_operations_pass() {
        let text = "add.rn.f64 %fd0, %fd1, %fd2;\n@%p0 fma.rn.f32 %f0, %f1, %f2, %f3;\n\
            sub.s32 %r0, %r1, 1; sqrt.rn.f64 %fd1, %fd1; // atom.add .approx\n\
            mad.lo.u32 %r0, %r0, %r1, %r2;\ncvt.rzi.s32.f64 %r0, %fd0;\nreduced:\n";
        scan(text).expect("nothing to object to");
    }

    #[test]
    fn each_word_of_the_list_is_found() {
        let words = [
            "div.approx.f32",
            "mul.rn.ftz.f32",
            "add.rn.sat.f32",
            "div.full.f32",
            "fma.rz.f32",
            "add.rm.f64",
            "add.rp.f64",
            "atom.global.add.f64",
            "red.global.add.u32",
            "add.f32",
            "sub.f64",
            "mul.f32",
            "div.f64",
            "fma.f64",
            "sqrt.f32",
            "sin.approx.f32",
            "mad.f32",
        ];
        for word in words {
            let text = format!(".version 6.0\n{word} %f0, %f1, %f2;\n");
            let error = scan(&text).expect_err(word);
            assert!(error.starts_with(&format!("line 2: `{word}`")), "{error}");
            scan(&format!("@!%p0\t{word} %f0;")).expect_err(word);
            scan(&format!("{{{word} %f0;")).expect_err(word);
        }
    }
}
