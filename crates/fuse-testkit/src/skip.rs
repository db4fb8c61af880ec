//! Tests that cannot run here say so: [`crate::skip!`] writes a line to `target/skips.txt` under the
//! workspace root, which `.ci/run` prints and counts. `FUSE_REQUIRE=python,ptxas` turns skips for
//! those reasons into failures.

use std::io::Write;
use std::path::Path;

/// Leaves the test that calls it, after recording why. The reason is `key` or `key: details`, and
/// `FUSE_REQUIRE` lists keys.
///
/// # Panics
/// When `FUSE_REQUIRE` lists the reason's key.
#[macro_export]
macro_rules! skip {
    ($($reason:tt)+) => {{
        $crate::skip::record(&format!($($reason)+), module_path!());
        return;
    }};
}

/// Records a skip; what [`crate::skip!`] does before it returns.
///
/// # Panics
/// When `FUSE_REQUIRE` lists the reason's key, or when the line cannot be written.
#[expect(clippy::panic, reason = "a skip that is not allowed fails its test")]
pub fn record(reason: &str, place: &str) {
    let required = std::env::var("FUSE_REQUIRE").unwrap_or_default();
    if is_required(reason, &required) {
        panic!("{place} would skip: {reason}; FUSE_REQUIRE={required} forbids it");
    }
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target");
    std::fs::create_dir_all(&target).expect("the target folder can be made");
    let file = std::fs::OpenOptions::new().create(true).append(true).open(target.join("skips.txt"));
    // One write for the line, so that tests in parallel do not mix theirs.
    let line = format!("{place}: {reason}\n");
    let written = file.and_then(|mut file| file.write_all(line.as_bytes()));
    written.expect("target/skips.txt can be written");
}

fn is_required(reason: &str, required: &str) -> bool {
    let key = reason.split(':').next().unwrap_or_default().trim();
    required.split(',').any(|required| required.trim() == key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_compared_whole() {
        assert!(is_required("python: no numpy", "ptxas,python"));
        assert!(is_required("mpfr", "mpfr"));
        assert!(!is_required("python3: none", "python"));
        assert!(!is_required("python: none", ""));
    }
}
