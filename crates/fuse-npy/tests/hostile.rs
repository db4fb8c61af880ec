//! Files cut off, damaged, or lying about their size: an error each time, never a panic.

use std::io::{Cursor, Read};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use fuse_npy::{Error, Header, HeaderError, NpyFile};

use crate::support::{Random, child_folder, corpus, in_child, map, testdata};

const NAME: &str = "x.npy";

/// Bytes that mean something in a header, and some that never do.
const LIKELY: &[u8] = b"{}()[],:'\"\\ 0123456789L#<>=|\n\0\xff";

fn read(bytes: &[u8]) -> Result<NpyFile, Error> {
    NpyFile::read_from(Path::new(NAME), Cursor::new(bytes))
}

#[test]
fn a_file_cut_at_any_byte_is_an_error_with_both_sizes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(NAME);
    for (source, bytes) in corpus() {
        let header = Header::parse(&bytes).unwrap();
        for len in 0..bytes.len() {
            let cut = &bytes[..len];
            std::fs::write(&path, cut).unwrap();
            for error in [read(cut).unwrap_err(), NpyFile::open(&path).unwrap_err()] {
                match error {
                    Error::Header { source: HeaderError::Truncated { needed, actual }, .. } => {
                        assert!(actual == len && needed > len && len < header.data_offset());
                    }
                    Error::Short { declared, actual, .. } => {
                        assert_eq!(declared, u64::try_from(header.data_bytes()).unwrap());
                        assert_eq!(actual, u64::try_from(len - header.data_offset()).unwrap());
                    }
                    other => panic!("{} cut at {len}: {other}", source.display()),
                }
            }
        }
    }
}

#[test]
fn the_message_of_a_short_file_names_both_sizes() {
    let mut bytes = Header::new(fuse_ir::DType::F64, &[1_000_000]).unwrap().encode();
    bytes.resize(bytes.len() + 123, 0);
    assert_eq!(
        read(&bytes).unwrap_err().to_string(),
        "x.npy: the header declares 8000000 bytes of data but the file holds 123"
    );
}

#[test]
fn damaged_headers_never_panic() {
    let mut random = Random(0x6675_7365);
    let (mut taken, mut refused) = (0, 0);
    for (path, bytes) in corpus() {
        for _ in 0..400 {
            let mut damaged = bytes.clone();
            for _ in 0..=random.below(3) {
                // Past the magic, mostly in the dictionary and its padding.
                let at = 6 + random.below(damaged.len().min(128) - 6);
                match random.below(3) {
                    0 => damaged[at] ^= 1 << random.below(8),
                    1 => damaged[at] = LIKELY[random.below(LIKELY.len())],
                    _ => damaged.swap(at, at - 1),
                }
            }
            match read(&damaged) {
                Ok(file) => {
                    assert_eq!(file.view().bytes().len(), file.header().data_bytes());
                    taken += 1;
                }
                Err(error) => {
                    let text = error.to_string();
                    assert!(text.chars().count() <= 200 + NAME.len() + 2, "{path:?}: {text}");
                    assert!(text.is_ascii() || text.contains('…'), "{text}");
                    refused += 1;
                }
            }
        }
    }
    // Both outcomes are common, or the damage tests nothing.
    assert!(taken > 1_000 && refused > 10_000, "{taken} taken, {refused} refused");
}

#[test]
fn a_header_that_lies_about_its_data_costs_no_memory() {
    /// Hands out a header, then fails the test if much more is asked for at once.
    struct Stream(Cursor<Vec<u8>>);
    impl Read for Stream {
        fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
            assert!(buf.len() <= 16 << 20, "{} bytes at once", buf.len());
            self.0.read(buf)
        }
    }
    let header = Header::new(fuse_ir::DType::U8, &[1 << 50]).unwrap().encode();
    let error = NpyFile::read_from(Path::new("-"), Stream(Cursor::new(header.clone())));
    assert!(matches!(error, Err(Error::Short { actual: 0, .. })), "{error:?}");

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(NAME);
    std::fs::write(&path, header).unwrap();
    assert!(matches!(NpyFile::open(&path), Err(Error::Short { actual: 0, .. })));
}

#[test]
fn a_file_beyond_memory_is_an_allocation_error() {
    let folder = tempfile::tempdir().unwrap();
    let header = Header::new(fuse_ir::DType::U8, &[1 << 33]).unwrap();
    let file = std::fs::File::create(folder.path().join(NAME)).unwrap();
    file.write_all_at(&header.encode(), 0).unwrap();
    // 8 GiB that take no room, and 1 GiB of addresses.
    file.set_len((1 << 33) + 128).unwrap();
    let test = "hostile::child_without_memory";
    let output = in_child("ulimit -v 1000000", test, folder.path());
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn child_without_memory() {
    let Some(folder) = child_folder() else { return };
    let path = folder.join(NAME);
    let message = format!("{}: cannot allocate 8589934592 bytes", path.display());
    assert_eq!(NpyFile::open(&path).unwrap_err().to_string(), message);
    assert_eq!(map(&path).unwrap_err().to_string(), message);
}

#[test]
fn header_text_is_at_most_64_kib() {
    let good = std::fs::read(testdata("files/rank1.npy")).unwrap();
    let text = |len: u32| {
        let mut bytes = b"\x93NUMPY\x02\x00".to_vec();
        bytes.extend(len.to_le_bytes());
        bytes.extend(&good[10..]);
        bytes.resize(12 + usize::try_from(len).unwrap(), b' ');
        // What was data in the original must be space here.
        bytes[12 + 118..].fill(b' ');
        bytes
    };
    assert!(Header::parse(&text(65_536)).is_ok());
    let error = Header::parse(&text(65_537));
    assert_eq!(error, Err(HeaderError::TooLong { declared: 65_537, limit: 65_536 }));
}
