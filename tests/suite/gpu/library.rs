//! Where the fake driver is, and folders in which the system's loader finds it. The tests of the command
//! have this file as well.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// The names that the driver's library is looked for by.
const NAMES: &[&str] = &["libcuda.so.1", "libcuda.so"];

/// A folder for `LD_LIBRARY_PATH`, in which the driver's library is the fake one. Removed when dropped.
pub(crate) fn fake_driver_dir() -> TempDir {
    library_dir(&fake_driver())
}

/// A folder in which a library has the driver's names.
pub(crate) fn library_dir(library: &Path) -> TempDir {
    let dir = TempDir::new().expect("a folder");
    for name in NAMES {
        std::os::unix::fs::symlink(library, dir.path().join(name)).expect("a link");
    }
    dir
}

/// The library of `tests/fake-driver`. It is a dependency of this package, so cargo has built it into
/// the folder of this binary; by itself it is built into the folder above.
fn fake_driver() -> PathBuf {
    let binary = std::env::current_exe().expect("this binary");
    let name =
        format!("{}fuse_fake_driver{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let mut folders = binary.ancestors().skip(1).take(2).map(|dir| dir.join(&name));
    folders.find(|it| it.exists()).expect("the fake driver is beside this binary")
}
