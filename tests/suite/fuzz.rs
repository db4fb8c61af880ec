//! The fuzz targets without a fuzzer: every seed and every input that once crashed one, again.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use fuse_fuzz::{TARGETS, Target};

/// Seeds of a target at least.
const FEWEST_SEEDS: usize = 10;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

/// The inputs of a target in `seeds` or `regressions`.
fn inputs(kind: &str, target: &Target) -> Vec<PathBuf> {
    let Ok(files) = std::fs::read_dir(folder().join(kind).join(target.name)) else { return vec![] };
    let mut files: Vec<PathBuf> = files.map(|file| file.expect("a file").path()).collect();
    files.sort();
    files
}

fn run(target: &Target) {
    let seeds = inputs("seeds", target);
    assert!(seeds.len() >= FEWEST_SEEDS, "{} seeds", seeds.len());
    for file in seeds.iter().chain(&inputs("regressions", target)) {
        println!("{}", file.display());
        (target.body)(&std::fs::read(file).expect("a readable file"));
    }
}

macro_rules! replays {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            let target = TARGETS.iter().find(|target| target.name == stringify!($name));
            run(target.expect("it is in the table"));
        })*

        /// The tests above, the table and the drivers are of the same targets, and no folder is of another.
        #[test]
        fn every_target_is_run_and_has_a_driver() {
            let names: BTreeSet<String> = [$(stringify!($name)),*].map(str::to_string).into();
            let table: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_string()).collect();
            assert_eq!(names, table);
            for kind in ["targets", "seeds", "regressions"] {
                let entries = std::fs::read_dir(folder().join(kind)).expect("a folder");
                let found: BTreeSet<String> = entries
                    .map(|entry| entry.expect("an entry").path())
                    .map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned())
                    .collect();
                assert!(found.is_subset(&names), "{kind}: {found:?}");
                assert!(kind == "regressions" || found == names, "{kind}: {found:?}");
            }
        }
    };
}

replays! {
    parse optimize backends traps overlap npy_header npy_file api_sequences kernel_text ptx
}
