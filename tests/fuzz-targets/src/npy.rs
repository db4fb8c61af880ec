//! Target `npy_file`: any bytes as a `.npy` file, from a stream that cuts reads and from the file system; as an
//! archive, `.npz`, where they hold the letters that all parts of archives begin with.

use std::cell::RefCell;
use std::io::{self, Read, Seek as _, Write as _};
use std::path::Path;

use fuse::{Engine, Input, Layout, View};
use fuse_ir::{ByteOrder, DType};
use fuse_npy::{Archive, Error, NpyFile, NpyView};
use fuse_testkit::Random;
use tempfile::NamedTempFile;

use crate::PLANTED;
use crate::formula::interpreter_engine;
use crate::requests::largest;

/// Reading a stream asks for 16 MiB at first.
const FIRST_STEP: usize = 16 << 20;

/// Most elements of arrays that are read one by one.
const FEW: usize = 2000;

/// Most members of an archive that are read, and most bytes of one.
const MEMBERS: usize = 16;
const MEMBER: usize = 1 << 20;

thread_local! {
    static FILE: RefCell<NamedTempFile> = RefCell::new(NamedTempFile::new().expect("a file"));
}

/// Reads a file in two ways.
///
/// # Panics
/// When they disagree, when more memory is asked for than the file is worth, or an element is not what
/// its bytes say.
pub fn npy_file(bytes: &[u8]) {
    let name = Path::new("fuzzed.npy");
    let mut stream = Cut { bytes, random: Random::new(bytes.len() as u64) };
    let (read, request) = largest(|| NpyFile::read_from(name, &mut stream));
    assert!(request <= FIRST_STEP.max(4 * bytes.len()) + (1 << 18), "{request} bytes at once");
    let opened = FILE.with_borrow_mut(|file| {
        written(file.as_file_mut(), bytes).expect("the file can be written");
        if bytes.windows(2).any(|letters| letters == b"PK") {
            let ((), request) = largest(|| check_archive(file.path()));
            assert!(request <= 2 * MEMBER + 64 * bytes.len(), "{request} bytes at once");
        }
        let (opened, request) = largest(|| NpyFile::open(file.path()));
        assert!(request <= 4 * bytes.len() + (1 << 18), "{request} bytes at once");
        opened
    });
    match (read, opened) {
        (Ok(read), Ok(opened)) => {
            assert_eq!(read.header(), opened.header());
            assert_eq!(read.view().bytes(), opened.view().bytes());
            check(&read, bytes);
        }
        (Err(read), Err(opened)) => {
            [&read, &opened].into_iter().for_each(check_error);
            planted(&opened);
        }
        (read, opened) => panic!("{read:?} from a stream, {opened:?} from a file"),
    }
}

fn written(file: &mut std::fs::File, bytes: &[u8]) -> io::Result<()> {
    file.rewind()?;
    file.write_all(bytes)?;
    file.set_len(bytes.len() as u64)
}

/// Every member of an archive is an array of the size that its header declares, or an error.
fn check_archive(path: &Path) {
    let mut archive = match Archive::open(path) {
        Ok(archive) => archive,
        Err(error) => return check_error(&error),
    };
    assert!(!archive.listed().chars().any(char::is_control), "{:?}", archive.listed());
    let names: Vec<String> =
        archive.members().iter().take(MEMBERS).map(|member| member.name().to_string()).collect();
    for name in names {
        let header = archive.header(&name);
        match archive.read(&name, MEMBER) {
            Ok(file) => {
                assert_eq!(header.ok().as_ref(), Some(file.header()));
                let declared = file.header().data_bytes();
                assert!(file.view().bytes().len() == declared && declared <= MEMBER);
            }
            Err(error) => check_error(&error),
        }
    }
}

fn check_error(error: &Error) {
    let message = error.to_string();
    assert!(!message.chars().any(char::is_control), "{message:?}");
}

fn check(file: &NpyFile, bytes: &[u8]) {
    let (header, view) = (file.header(), file.view());
    let start = header.data_offset();
    assert_eq!(view.bytes(), &bytes[start..start + header.data_bytes()]);
    let again = [&header.encode(), view.bytes()].concat();
    let again = NpyFile::read_from(Path::new("again.npy"), again.as_slice()).expect("encoded");
    assert_eq!(again.view().bytes(), view.bytes());
    if header.elements() <= FEW && header.dtype().part().unwrap_or(header.dtype()).mem().is_some() {
        check_elements(&view);
    }
}

/// The formula `x` gives the elements that strides and byte order say.
fn check_elements(view: &NpyView<'_>) {
    let (dtype, order, size) = (view.dtype(), view.byte_order(), view.dtype().size());
    let layout = Layout { dtype, order, extents: view.shape(), strides: view.strides() };
    let array = View::from_bytes(view.bytes(), &layout, 0).expect("the bytes hold the array");
    let engine: &Engine = interpreter_engine();
    let got = engine.evaluate("x", [("x", Input::array(array))]).expect("an array");
    assert_eq!((got.shape(), got.dtype()), (view.shape(), dtype));
    let part = dtype.part().unwrap_or(dtype).size();
    for (position, got) in got.as_bytes().chunks(size.max(1)).enumerate() {
        let at = offset(position, view);
        let mut element = view.bytes()[at..at + size].to_vec();
        if order == ByteOrder::Swapped {
            element.chunks_mut(part).for_each(<[u8]>::reverse);
        }
        let mut parts = element.chunks(part).zip(got.chunks(part));
        let same = |(expected, got): (&[u8], &[u8])| {
            let truth = dtype == DType::Bool && u8::from(expected[0] != 0) == got[0];
            expected == got || truth || is_nan(expected) && is_nan(got)
        };
        assert!(parts.all(same), "element {position}");
    }
}

/// Where the element at a position in C order begins.
fn offset(mut position: usize, view: &NpyView<'_>) -> usize {
    let mut at = 0;
    for (&extent, &stride) in view.shape().iter().zip(view.strides()).rev() {
        at += position % extent * stride.unsigned_abs();
        position /= extent;
    }
    at
}

/// Would these bytes of a float be NaN? Of an integer it does not matter: both must look like one.
fn is_nan(bytes: &[u8]) -> bool {
    match *bytes {
        [a, b] => u16::from_le_bytes([a, b]) & 0x7fff > 0x7c00,
        [a, b, c, d] => f32::from_le_bytes([a, b, c, d]).is_nan(),
        [a, b, c, d, e, f, g, h] => f64::from_le_bytes([a, b, c, d, e, f, g, h]).is_nan(),
        _ => false,
    }
}

/// A stream that gives a few bytes at a time, and is interrupted now and then.
struct Cut<'b> {
    bytes: &'b [u8],
    random: Random,
}

impl Read for Cut<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.random.percent(10) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let most = 1 + self.random.below(self.bytes.len().max(1));
        let n = most.min(out.len()).min(self.bytes.len());
        let (now, rest) = self.bytes.split_at(n);
        out[..n].copy_from_slice(now);
        self.bytes = rest;
        Ok(n)
    }
}

/// Defect: the last byte may be missing.
fn planted(error: &Error) {
    let last = matches!(error, Error::Short { declared, actual, .. } if declared - actual == 1);
    assert!(!(PLANTED && last), "planted");
}
