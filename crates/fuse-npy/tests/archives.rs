//! Archives that NumPy wrote, archives that nobody should have written, and our own.

use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use fuse_ir::DType;
use fuse_npy::{Archive, ArchiveError, Error, Header, NpyFile, NpzWriter, Overwrite, Storage};

use crate::support::{
    Random, child_folder, descr, in_child, lines, little_endian_hex, map_member, numbers, testdata,
    unescape,
};

const NO_LIMIT: usize = usize::MAX;

fn archives(folder: &str) -> Vec<PathBuf> {
    std::fs::read_dir(testdata(folder)).unwrap().map(|entry| entry.unwrap().path()).collect()
}

fn good(name: &str) -> Archive {
    Archive::open(&testdata("archives").join(format!("{name}.npz"))).unwrap()
}

/// What opening an archive and reading its first member brings.
fn read(path: &Path) -> Result<NpyFile, Error> {
    let mut archive = Archive::open(path)?;
    let name = archive.members().first().map_or("x", |member| member.name()).to_owned();
    archive.read(&name, 1 << 30)
}

#[test]
fn every_member_is_read_as_numpy_reads_it() {
    let lines = lines("archives.txt");
    assert!(lines.len() > 200, "{}", lines.len());
    for line in lines {
        let fields: Vec<&str> = line.split(' ').collect();
        let [name, storage, member, dtype, shape, values] = fields[..] else { panic!("{line}") };
        let member = String::from_utf8(unescape(member)).unwrap();
        let mut archive = good(name);
        let listed = archive.members().iter().find(|listed| listed.name() == member);
        let stored = listed.unwrap().storage() == Storage::Stored;
        assert_eq!(stored, storage == "stored", "{line}");
        let header = archive.header(&member).unwrap();
        let read = archive.read(&member, NO_LIMIT).unwrap();
        let mapped = map_member(&mut archive, &member, NO_LIMIT).unwrap();
        for file in [read, mapped] {
            assert_eq!(*file.header(), header, "{line}");
            assert_eq!(descr(file.header()), dtype, "{line}");
            assert_eq!(file.view().shape(), numbers::<usize>(shape), "{line}");
            assert_eq!(little_endian_hex(&file.view()), values, "{line}");
        }
    }
}

#[test]
fn names_lead_nowhere() {
    let mut archive = good("names");
    let error = archive.header("../names").unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("the archive has no member `../names`; it has `../../etc/passwd`, `/abs`")
    );
    assert!(text.contains("`\\u{202e}\\u{1b}[2J`"), "{text}");
    let none = good("none");
    assert!(none.members().is_empty());
}

/// Each defect, and what is said about it.
const BAD: &[(&str, &str)] = &[
    ("bomb", ":x: the member goes on behind the 24 bytes of data that its header declares"),
    ("bzip2", ":x: the member is compressed with bzip2; only stored and deflated members are read"),
    ("count-65535", ": not a zip archive, or a damaged one: a part of it is missing"),
    ("count-more", ": not a zip archive, or a damaged one: a part of it is missing"),
    ("crc-deflated", ":x: cannot read: invalid checksum"),
    ("crc-stored", ":x: cannot read: invalid checksum"),
    ("deflate-stream", ":x: 'descr' should be a quoted dtype"),
    ("directory-beyond", ": not a zip archive, or a damaged one: invalid"),
    ("empty-member", ":x: the header takes 8 bytes but there are only 0"),
    ("encrypted", ":x: the member is encrypted"),
    ("huge", ":x: the member declares 9007199254740992 bytes of data; at most 1073741824 are"),
    (
        "local-method",
        ":x: not a zip archive, or a damaged one: header inconsistency detected: comp",
    ),
    ("local-name", ":x: not a zip archive, or a damaged one: header inconsistency detected: Local"),
    ("long-stored", ":x: the member goes on behind the 24 bytes of data that its header declares"),
    ("lzma", ":x: the member is compressed with lzma; only stored and deflated members are read"),
    ("method-99", ":x: the member is compressed with aes; only stored and deflated members are"),
    ("no-directory", ": not a zip archive, or a damaged one: there is no directory at its end"),
    ("not-a-zip", ": not a zip archive, or a damaged one: there is no directory at its end"),
    ("objects", ":x: dtype `|O` (Python objects) is not supported; pickles are never loaded"),
    ("offset-beyond", ":x: not a zip archive, or a damaged one: a part of it is missing"),
    ("offset-inside", ":x: not a zip archive, or a damaged one: invalid local file header"),
    ("pickle", ":x: a pickle, which is never loaded; save the array with np.save"),
    ("same-name", ": not a zip archive, or a damaged one: two members have the same name"),
    ("same-name-without-npy", ": two members are called `x`"),
    ("short-deflated", ":x: the header declares 24 bytes of data but the file holds 21"),
    ("short-stored", ":x: the header declares 24 bytes of data but the file holds 21"),
    ("size-4gib", ":x: the member goes on behind the 24 bytes of data that its header declares"),
    ("size-beyond", ":x: the member goes on behind the 24 bytes of data that its header declares"),
    ("size-less", ":x: cannot read: invalid checksum"),
    ("text", ":x: not a .npy file: it begins with `a,b,c\\n1,`"),
    ("two-disks", ": not a zip archive, or a damaged one: multi-disk ZIP files are not supported"),
];

#[test]
fn what_must_be_refused_is_refused_in_words() {
    let paths = archives("bad");
    assert_eq!(paths.len(), BAD.len());
    for (name, part) in BAD {
        let path = testdata("bad").join(format!("{name}.npz"));
        let error = read(&path).expect_err(name).to_string();
        assert!(error.starts_with(&format!("{}{part}", path.display())), "{error}");
        // A map believes no more than a read does; only checksums are not looked at.
        let mapped = Archive::open(&path).and_then(|mut archive| {
            let name = archive.members()[0].name().to_owned();
            map_member(&mut archive, &name, 1 << 30)
        });
        match mapped {
            Ok(_) => assert_eq!(*name, "crc-stored"),
            Err(error) => assert!(error.to_string().contains(part), "{error}"),
        }
    }
}

#[test]
fn a_deflated_member_beyond_the_limit_is_refused() {
    let mut archive = good("streamed-deflated");
    let error = archive.read("x", 23).unwrap_err();
    let text = "the member declares 24 bytes of data; at most 23 are decompressed";
    assert!(error.to_string().ends_with(text), "{error}");
    assert!(archive.read("x", 24).is_ok());
    // What is stored takes no more room than the archive does.
    assert!(good("streamed-stored").read("x", 0).is_ok());
}

#[test]
fn an_archive_cut_at_any_byte_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.npz");
    for name in ["single", "zip64", "streamed-deflated", "positional"] {
        let bytes = std::fs::read(testdata("archives").join(format!("{name}.npz"))).unwrap();
        for len in 0..bytes.len() {
            std::fs::write(&path, &bytes[..len]).unwrap();
            let error = read(&path).expect_err("an archive without its end");
            assert!(error.to_string().len() < 400, "{error}");
        }
    }
}

#[test]
fn damaged_archives_never_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.npz");
    let mut random = Random(0x7a69_7020);
    let (mut taken, mut refused) = (0, 0);
    for name in ["single", "zip64", "streamed-stored", "streamed-deflated", "positional"] {
        let bytes = std::fs::read(testdata("archives").join(format!("{name}.npz"))).unwrap();
        for _ in 0..300 {
            let mut damaged = bytes.clone();
            for _ in 0..=random.below(3) {
                let at = random.below(damaged.len());
                damaged[at] = match random.below(3) {
                    0 => damaged[at] ^ (1 << random.below(8)),
                    1 => 0xff,
                    _ => 0,
                };
            }
            std::fs::write(&path, damaged).unwrap();
            match read(&path) {
                Ok(file) => {
                    assert_eq!(file.view().bytes().len(), file.header().data_bytes());
                    taken += 1;
                }
                Err(error) => {
                    let text = error.to_string();
                    assert!(!text.chars().any(char::is_control), "{text:?}");
                    refused += 1;
                }
            }
        }
    }
    // Both outcomes are common, or the damage tests nothing.
    assert!(taken > 100 && refused > 300, "{taken} taken, {refused} refused");
}

#[test]
fn a_directory_that_lies_about_its_size_costs_no_memory() {
    let folder = tempfile::tempdir().unwrap();
    // 1 GiB that takes no room, at its end a ZIP64 footer that claims as many members as it can.
    let len = 1_u64 << 30;
    let footer = [
        b"PK\x06\x06".as_slice(),
        &44_u64.to_le_bytes(),
        &[45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        &len.to_le_bytes(),
        &len.to_le_bytes(),
        &(u64::MAX >> 2).to_le_bytes(),
        &len.to_le_bytes(),
        b"PK\x06\x07",
        &0_u32.to_le_bytes(),
        &len.to_le_bytes(),
        &1_u32.to_le_bytes(),
        b"PK\x05\x06",
        &[0; 4],
        &[0xff; 12],
        &[0; 2],
    ]
    .concat();
    let file = std::fs::File::create(folder.path().join("x.npz")).unwrap();
    file.write_all_at(&footer, len).unwrap();
    let output = in_child("ulimit -v 1000000", "archives::child_with_little_memory", folder.path());
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn child_with_little_memory() {
    let Some(folder) = child_folder() else { return };
    let error = Archive::open(&folder.join("x.npz")).expect_err("an archive of nothing");
    assert!(matches!(error, Error::Archive { .. }), "{error}");
}

fn writer(path: &Path) -> NpzWriter {
    NpzWriter::create(path, Overwrite::Refuse).unwrap()
}

fn vector(len: usize) -> Header {
    Header::new(DType::U8, &[len]).unwrap()
}

#[test]
fn what_is_written_is_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.npz");
    let mut npz = writer(&path);
    npz.member("a", &vector(5)).unwrap();
    npz.write(&[1, 2, 3]).unwrap();
    npz.write(&[4, 5]).unwrap();
    npz.member("../größe", &Header::new(DType::Bool, &[]).unwrap()).unwrap();
    npz.write(&[1]).unwrap();
    npz.member("empty", &vector(0)).unwrap();
    assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none());
    npz.commit().unwrap();
    let mut archive = Archive::open(&path).unwrap();
    let names: Vec<&str> = archive.members().iter().map(|member| member.name()).collect();
    assert_eq!(names, ["a", "../größe", "empty"]);
    for (name, bytes) in [("a", [1, 2, 3, 4, 5].as_slice()), ("../größe", &[1]), ("empty", &[])] {
        assert_eq!(archive.read(name, NO_LIMIT).unwrap().view().bytes(), bytes);
        let mapped = map_member(&mut archive, name, NO_LIMIT).unwrap();
        assert_eq!(mapped.view().bytes(), bytes);
        if !bytes.is_empty() {
            assert_eq!(mapped.view().bytes().as_ptr().addr() % 64, 0, "{name} is aligned");
        }
    }
}

#[test]
fn an_archive_without_members_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.npz");
    writer(&path).commit().unwrap();
    assert!(Archive::open(&path).unwrap().members().is_empty());
    let bytes = std::fs::read(testdata("archives/none.npz")).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), bytes, "as np.savez writes it");
}

#[test]
fn an_incomplete_archive_never_appears() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.npz");
    let mut npz = writer(&path);
    assert!(matches!(npz.write(&[1]), Err(Error::BeyondEnd { declared: 0, .. })));
    npz.member("a", &vector(2)).unwrap();
    npz.write(&[1]).unwrap();
    assert!(matches!(npz.write(&[1, 2]), Err(Error::BeyondEnd { offset: 1, .. })));
    assert!(matches!(npz.member("b", &vector(1)), Err(Error::Incomplete { written: 1, .. })));
    assert!(matches!(npz.commit(), Err(Error::Incomplete { written: 1, declared: 2, .. })));
    let mut npz = writer(&path);
    npz.member("a", &vector(0)).unwrap();
    for (name, part) in [("a", "two members are called `a`"), ("", "cannot be the name")] {
        let error = npz.member(name, &vector(0)).unwrap_err();
        assert!(matches!(error, Error::Archive { .. }) && error.to_string().contains(part));
    }
    let long = npz.member(&"x".repeat(70_000), &vector(0)).unwrap_err();
    assert!(matches!(long, Error::Archive { source: ArchiveError::Name { .. }, .. }), "{long}");
    drop(npz);
    assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none());
}

#[test]
fn an_archive_beyond_a_limit_on_file_size_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let test = "archives::child_beyond_the_size_limit";
    let output = in_child("ulimit -f 8", test, folder.path());
    assert!(output.status.success(), "{output:?}");
    // Nor does the zip library say anything when it is dropped.
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none());
}

#[test]
fn child_beyond_the_size_limit() {
    let Some(folder) = child_folder() else { return };
    let mut npz = writer(&folder.join("r.npz"));
    npz.member("small", &vector(1)).unwrap();
    npz.write(&[1]).unwrap();
    let error = npz.member("large", &vector(1 << 20)).unwrap_err();
    assert_eq!(error.io_kind(), Some(std::io::ErrorKind::FileTooLarge));
    assert!(matches!(npz.commit(), Err(Error::Incomplete { .. })));
}
