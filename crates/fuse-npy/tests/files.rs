//! Files that NumPy wrote, read back in every way and compared with what NumPy reads.

use std::io::{Cursor, Read as _, Write as _};
use std::path::Path;

use fuse_ir::{ByteOrder, DType};
use fuse_npy::{Error, Header, NpyFile};

use crate::support::{corpus, descr, lines, little_endian_hex, map, numbers, testdata};

#[test]
fn every_file_is_read_as_numpy_reads_it() {
    let lines = lines("files.txt");
    assert_eq!(lines.len(), corpus().len());
    for line in lines {
        let fields: Vec<&str> = line.split(' ').collect();
        let [name, dtype, shape, strides, offset, values] = fields[..] else { panic!("{line}") };
        let path = testdata("files").join(format!("{name}.npy"));
        let bytes = std::fs::read(&path).unwrap();
        let read = NpyFile::open(&path).unwrap();
        let streamed = NpyFile::read_from(&path, Cursor::new(bytes)).unwrap();
        for file in [read, streamed, map(&path).unwrap()] {
            let view = file.view();
            assert_eq!(descr(file.header()), dtype, "{name}");
            assert_eq!(view.shape(), numbers::<usize>(shape), "{name}");
            assert_eq!(file.header().data_offset(), offset.parse::<usize>().unwrap(), "{name}");
            assert_eq!(little_endian_hex(&view), values, "{name}");
            if file.header().elements() > 0 {
                let long =
                    view.shape().iter().zip(view.strides()).filter(|(extent, _)| **extent > 1);
                let long: Vec<isize> = long.map(|(_, &stride)| stride).collect();
                assert_eq!(long, numbers::<isize>(strides), "{name}");
            }
        }
    }
}

#[test]
fn headers_are_written_byte_for_byte_as_numpy_writes_them() {
    for (path, bytes) in corpus() {
        let parsed = Header::parse(&bytes).unwrap();
        assert_eq!(parsed.encode(), bytes[..parsed.data_offset()], "{}", path.display());
        let mut made = Header::new(parsed.dtype(), parsed.shape()).unwrap();
        made = made.with_byte_order(parsed.byte_order());
        if parsed.fortran_order() {
            made = made.with_fortran_order();
        }
        assert_eq!(made, parsed, "{}", path.display());
    }
}

#[test]
fn an_array_of_both_orders_is_written_in_c_order() {
    let header = Header::new(DType::F64, &[1, 3]).unwrap().with_fortran_order();
    assert_eq!(header.encode(), Header::new(DType::F64, &[1, 3]).unwrap().encode());
    assert_eq!(Header::parse(&header.encode()).unwrap().data_offset(), header.data_offset());
}

#[test]
fn single_bytes_have_no_order() {
    let header = Header::new(DType::I8, &[3]).unwrap().with_byte_order(ByteOrder::Swapped);
    assert_eq!(header.byte_order(), ByteOrder::Native);
}

#[test]
fn bytes_after_the_data_are_left_alone() {
    let mut bytes = std::fs::read(testdata("files/rank1.npy")).unwrap();
    bytes.extend(b"more");
    let mut stream = Cursor::new(bytes.clone());
    let first = NpyFile::read_from(Path::new("-"), &mut stream).unwrap();
    assert_eq!(first.view().bytes().len(), 24);
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"more");

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.npy");
    std::fs::write(&path, bytes).unwrap();
    assert_eq!(NpyFile::open(&path).unwrap().view().bytes(), first.view().bytes());
    assert_eq!(map(&path).unwrap().view().bytes(), first.view().bytes());
}

#[test]
fn a_fifo_is_read_by_either_constructor() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fifo");
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    let bytes = std::fs::read(testdata("files/f8-be-f.npy")).unwrap();
    for open in [NpyFile::open, map] {
        let file = std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut fifo = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
                fifo.write_all(&bytes).unwrap();
            });
            open(&path).unwrap()
        });
        assert_eq!(file.view().bytes(), &bytes[128..]);
    }
}

#[test]
fn what_is_not_there_or_not_a_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.npy");
    let error = NpyFile::open(&missing).unwrap_err();
    let text = format!("{}: cannot open: no such file or directory", missing.display());
    assert_eq!(error.to_string(), text);
    assert_eq!(error.path(), missing);
    let error = NpyFile::open(folder.path()).unwrap_err();
    assert!(matches!(error, Error::IsDirectory { .. }), "{error}");
}

#[test]
fn a_mapped_file_that_becomes_shorter_is_found_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.npy");
    std::fs::copy(testdata("files/rank1.npy"), &path).unwrap();
    let (mapped, read) = (map(&path).unwrap(), NpyFile::open(&path).unwrap());
    let file = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
    // Longer is fine; in the middle of a page, shorter brings zeros and no signal.
    file.set_len(200).unwrap();
    assert!(mapped.check_length().is_ok());
    file.set_len(151).unwrap();
    let error = mapped.check_length().unwrap_err();
    let text = format!("{}: the file became shorter while it was read", path.display());
    assert_eq!((error.to_string(), error.path()), (text, path.as_path()));
    assert!(read.check_length().is_ok());
}

#[test]
fn the_file_at_an_address_is_known() {
    let path = testdata("files/rank1.npy");
    let file = map(&path).unwrap();
    let address = file.view().bytes().as_ptr().addr();
    let found = fuse_npy::mapped_file_at(address).unwrap();
    assert_eq!(found.name(), fuse_npy::escape_path(&path).as_bytes());
    let read = NpyFile::open(&path).unwrap();
    assert!(fuse_npy::mapped_file_at(read.view().bytes().as_ptr().addr()).is_none());
}
