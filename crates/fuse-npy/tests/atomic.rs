//! Outputs appear complete or not at all, in the right place and with the right mode.

use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use fuse_ir::DType;
use fuse_npy::{AtomicFile, Error, Header, NpyFile, NpyWriter, Output, Overwrite, write_array};

use crate::support::{child_folder, in_child};

const DATA: &[u8] = &[1, 2, 3, 4, 5];

fn header() -> Header {
    Header::new(DType::U8, &[5]).unwrap()
}

fn write(path: &Path, overwrite: Overwrite) -> Result<(), Error> {
    write_array(Output::Path(path), &header(), overwrite, DATA.chunks(2))
}

fn create(path: &Path, overwrite: Overwrite) -> Result<NpyWriter, Error> {
    NpyWriter::create(Output::Path(path), &header(), overwrite)
}

fn names(folder: &Path) -> Vec<OsString> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<OsString> = entries.map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    names
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

#[test]
fn what_is_written_is_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.npy");
    write(&path, Overwrite::Refuse).unwrap();
    assert_eq!(NpyFile::open(&path).unwrap().view().bytes(), DATA);
    assert_eq!(fs::read(&path).unwrap(), [&header().encode(), DATA].concat());
    assert_eq!(names(folder.path()), ["r.npy"]);
    // As any program would have made it.
    let plain = folder.path().join("plain");
    fs::write(&plain, b"").unwrap();
    assert_eq!(mode(&path), mode(&plain));
}

#[test]
fn a_writer_takes_pieces_from_many_threads() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.npy");
    let writer = create(&path, Overwrite::Refuse).unwrap();
    std::thread::scope(|scope| {
        for (offset, byte) in [4, 1, 3, 0, 2].into_iter().zip([
            &DATA[4..5],
            &DATA[1..2],
            &DATA[3..4],
            &DATA[..1],
            &DATA[2..3],
        ]) {
            let writer = &writer;
            scope.spawn(move || writer.write_at(offset, byte).unwrap());
        }
    });
    assert!(names(folder.path()).is_empty());
    writer.commit().unwrap();
    assert_eq!(NpyFile::open(&path).unwrap().view().bytes(), DATA);
}

#[test]
fn an_existing_file_is_replaced_only_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.npy");
    fs::write(&path, b"old").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let error = write(&path, Overwrite::Refuse).unwrap_err();
    let text = format!("{}: the file exists and is not to be replaced", path.display());
    assert_eq!(error.to_string(), text);
    assert_eq!(fs::read(&path).unwrap(), b"old");

    write(&path, Overwrite::Replace).unwrap();
    assert_eq!(NpyFile::open(&path).unwrap().view().bytes(), DATA);
    assert_eq!(mode(&path), 0o640);
    assert_eq!(names(folder.path()), ["r.npy"]);
}

#[test]
fn the_input_may_be_the_output() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.npy");
    write(&path, Overwrite::Refuse).unwrap();
    let input = NpyFile::open(&path).unwrap();
    let bytes = input.view().bytes();
    write_array(Output::Path(&path), input.header(), Overwrite::Replace, [bytes]).unwrap();
    assert_eq!(NpyFile::open(&path).unwrap().view().bytes(), DATA);
}

#[test]
fn a_writer_that_is_dropped_or_incomplete_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.npy");
    let mut writer = create(&path, Overwrite::Refuse).unwrap();
    writer.write(&DATA[..4]).unwrap();
    drop(writer);
    assert!(names(folder.path()).is_empty());

    fs::write(&path, b"old").unwrap();
    let mut writer = create(&path, Overwrite::Replace).unwrap();
    writer.write(&DATA[..4]).unwrap();
    let error = writer.write(&DATA[..2]).unwrap_err();
    assert!(matches!(error, Error::BeyondEnd { offset: 4, bytes: 2, declared: 5, .. }));
    let error = writer.write_at(u64::MAX, DATA).unwrap_err();
    assert!(matches!(error, Error::BeyondEnd { .. }));
    let error = writer.commit().unwrap_err();
    assert!(matches!(error, Error::Incomplete { written: 4, declared: 5, .. }));
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(names(folder.path()), ["r.npy"]);
}

#[test]
fn links_are_followed_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("other");
    fs::create_dir(&other).unwrap();
    let link = folder.path().join("link");
    symlink("middle", &link).unwrap();
    symlink("other/r.npy", folder.path().join("middle")).unwrap();
    // At first the link leads to nothing, then to a file.
    write(&link, Overwrite::Refuse).unwrap();
    assert!(matches!(write(&link, Overwrite::Refuse), Err(Error::Exists { .. })));
    fs::write(&link, b"old").unwrap();
    write(&link, Overwrite::Replace).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(NpyFile::open(&other.join("r.npy")).unwrap().view().bytes(), DATA);
    assert_eq!(names(&other), ["r.npy"]);

    let circle = folder.path().join("circle");
    symlink("circle", &circle).unwrap();
    let error = write(&circle, Overwrite::Replace).unwrap_err();
    assert!(error.to_string().ends_with("too many levels of symbolic links"), "{error}");
}

#[test]
fn another_name_of_a_replaced_file_keeps_the_old_one() {
    let folder = tempfile::tempdir().unwrap();
    let (path, other) = (folder.path().join("r.npy"), folder.path().join("other"));
    fs::write(&path, b"old").unwrap();
    fs::hard_link(&path, &other).unwrap();
    write(&path, Overwrite::Replace).unwrap();
    assert_eq!(fs::read(&other).unwrap(), b"old");
    assert_eq!(NpyFile::open(&path).unwrap().view().bytes(), DATA);
}

#[test]
fn a_replaced_file_keeps_its_owner_where_that_is_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.npy");
    fs::write(&path, b"old").unwrap();
    let given_away = std::os::unix::fs::chown(&path, Some(12), Some(34)).is_ok();
    let owner = |path: &Path| fs::metadata(path).map(|file| (file.uid(), file.gid())).unwrap();
    let before = owner(&path);
    assert_eq!(before == (12, 34), given_away, "only root may");
    write(&path, Overwrite::Replace).unwrap();
    assert_eq!(owner(&path), before);
}

#[test]
fn a_new_file_follows_the_umask() {
    let folder = tempfile::tempdir().unwrap();
    for (umask, expected) in [("077", 0o600), ("002", 0o664)] {
        let setup = format!("umask {umask}");
        let output = in_child(&setup, "atomic::child_writes_a_new_file", folder.path());
        assert!(output.status.success(), "{output:?}");
        let path = folder.path().join("new.npy");
        assert_eq!(mode(&path), expected);
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn child_writes_a_new_file() {
    if let Some(folder) = child_folder() {
        write(&folder.join("new.npy"), Overwrite::Refuse).unwrap();
    }
}

#[test]
fn write_back_may_be_begun_anywhere() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.npy");
    let mut writer = create(&path, Overwrite::Refuse).unwrap();
    writer.write(DATA).unwrap();
    for (offset, len) in [(0, 5), (3, 1), (0, 0), (100, 100), (u64::MAX, u64::MAX)] {
        writer.sync_range(offset, len);
    }
    writer.commit().unwrap();
    assert_eq!(NpyFile::open(&path).unwrap().view().bytes(), DATA);
    create(Path::new("/dev/null"), Overwrite::Refuse).unwrap().sync_range(0, 5);
}

#[test]
fn devices_and_fifos_are_written_as_they_are() {
    write(Path::new("/dev/null"), Overwrite::Refuse).unwrap();
    let full = Path::new("/dev/full");
    let error = write(full, Overwrite::Refuse).unwrap_err();
    assert_eq!(error.io_kind(), Some(ErrorKind::StorageFull));
    assert_eq!(error.to_string(), "/dev/full: cannot write: no space left on device");

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fifo");
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| write(&path, Overwrite::Refuse).unwrap());
        assert_eq!(NpyFile::open(&path).unwrap().view().bytes(), DATA);
    });
    assert!(AtomicFile::create(&path, Overwrite::Replace).is_err());
}

#[test]
fn a_stream_takes_its_bytes_in_order() {
    let writer = create(Path::new("/dev/null"), Overwrite::Refuse).unwrap();
    writer.write_at(0, &DATA[..2]).unwrap();
    let error = writer.write_at(3, &DATA[3..]).unwrap_err();
    assert!(matches!(error, Error::OutOfOrder { offset: 3, position: 2, .. }));
}

#[test]
fn folders_missing_or_in_the_way_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("no/r.npy");
    let error = write(&missing, Overwrite::Refuse).unwrap_err();
    let text = format!("{}: cannot create: no such file or directory", missing.display());
    assert_eq!(error.to_string(), text);
    for path in [folder.path().to_owned(), folder.path().join("new/"), folder.path().join("..")] {
        let error = write(&path, Overwrite::Replace).unwrap_err();
        assert!(matches!(error, Error::IsDirectory { .. }), "{error}");
    }
    let file = folder.path().join("file");
    fs::write(&file, b"").unwrap();
    let error = write(&file.join("r.npy"), Overwrite::Refuse).unwrap_err();
    assert_eq!(error.io_kind(), Some(ErrorKind::NotADirectory), "{error}");
    let error = write(Path::new(""), Overwrite::Refuse).unwrap_err();
    assert_eq!(error.io_kind(), Some(ErrorKind::NotFound), "{error}");
    let error = write(&folder.path().join("x".repeat(300)), Overwrite::Refuse).unwrap_err();
    assert_eq!(error.io_kind(), Some(ErrorKind::InvalidFilename), "{error}");
    assert_eq!(names(folder.path()), ["file"]);
}

#[test]
fn a_read_only_folder_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o500)).unwrap();
    if fs::write(folder.path().join("probe"), b"").is_ok() {
        return; // root may write anywhere
    }
    let error = write(&folder.path().join("r.npy"), Overwrite::Refuse).unwrap_err();
    assert_eq!(error.io_kind(), Some(ErrorKind::PermissionDenied), "{error}");
}

#[test]
fn a_limit_on_file_size_is_an_error_not_a_signal() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("r.npy"), b"old").unwrap();
    let output = in_child("ulimit -f 8", "atomic::child_beyond_the_size_limit", folder.path());
    assert!(output.status.success(), "{output:?}");
    assert_eq!(fs::read(folder.path().join("r.npy")).unwrap(), b"old");
    assert_eq!(names(folder.path()), ["r.npy"]);
}

#[test]
fn child_beyond_the_size_limit() {
    let Some(folder) = child_folder() else { return };
    let path = folder.join("r.npy");
    let header = Header::new(DType::U8, &[1 << 20]).unwrap();
    let created = NpyWriter::create(Output::Path(&path), &header, Overwrite::Replace);
    assert_eq!(created.unwrap_err().io_kind(), Some(ErrorKind::FileTooLarge));
    let file = AtomicFile::create(&path, Overwrite::Replace).unwrap();
    let error = file.write_at(1 << 20, DATA).unwrap_err();
    assert_eq!(error.io_kind(), Some(ErrorKind::FileTooLarge));
}

#[test]
fn dev_stdout_and_a_dash_reach_what_the_shell_opened() {
    let folder = tempfile::tempdir().unwrap();
    for output in ["stdout", "dash"] {
        // libtest writes there too: the array ends up somewhere among its lines.
        let setup = format!("exec >> '{}/{output}'", folder.path().display());
        let test = format!("atomic::child_writes_to_{output}");
        assert!(in_child(&setup, &test, folder.path()).status.success());
        let bytes = fs::read(folder.path().join(output)).unwrap();
        let expected = [&header().encode(), DATA].concat();
        assert!(bytes.windows(expected.len()).any(|window| window == expected), "{output}");
    }
}

#[test]
fn child_writes_to_stdout() {
    if child_folder().is_some() {
        write(Path::new("/dev/stdout"), Overwrite::Refuse).unwrap();
    }
}

#[test]
fn child_writes_to_dash() {
    if child_folder().is_some() {
        let output = Output::from_argument(Path::new("-"));
        write_array(output, &header(), Overwrite::Refuse, [DATA]).unwrap();
    }
}

#[test]
fn what_has_been_written_can_be_read_back_before_the_file_appears() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.npy");
    let writer = create(&path, Overwrite::Refuse).unwrap();
    writer.write_at(1, &DATA[1..]).unwrap();
    let mut bytes = [9; 5];
    writer.read_at(0, &mut bytes).unwrap();
    assert_eq!(bytes, [0, 2, 3, 4, 5], "what is missing is zero");
    writer.read_at(3, &mut bytes[..2]).unwrap();
    assert_eq!(bytes[..2], DATA[3..]);
    assert!(matches!(writer.read_at(1, &mut bytes), Err(Error::BeyondEnd { .. })));
    assert!(names(folder.path()).is_empty());
    let stream = create(Path::new("/dev/null"), Overwrite::Refuse).unwrap();
    let refused = stream.read_at(0, &mut bytes).unwrap_err();
    assert_eq!(refused.io_kind(), Some(ErrorKind::Unsupported));
}
