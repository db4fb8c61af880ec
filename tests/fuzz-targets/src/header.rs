//! Target `npy_header`: any bytes as the header of a `.npy` file.
//!
//! A first byte of 1, 2 or 3 stands for magic, that version and the length of the rest; behind a 4 are choices
//! of a header's parts; other inputs are as they are.

use fuse_ir::MAX_RANK;
use fuse_npy::{Header, HeaderError, MAX_HEADER_BYTES};
use fuse_testkit::Random;

use crate::PLANTED;
use crate::requests::largest;

/// Longest message.
const MESSAGE: usize = 200;

/// Magic, version and length at most.
const PREAMBLE: usize = 12;

/// Parses a header.
///
/// # Panics
/// When a promise is broken.
pub fn npy_header(bytes: &[u8]) {
    match bytes {
        [version @ 1..=3, text @ ..] => check(&framed(*version, text)),
        [4, choices @ ..] => check(&chosen(&mut Random::of_bytes(choices))),
        _ => check(bytes),
    }
}

/// A header of this version and text.
fn framed(version: u8, text: &[u8]) -> Vec<u8> {
    let mut bytes = [b"\x93NUMPY".as_slice(), &[version, 0]].concat();
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes();
    bytes.extend(&length[..if version == 1 { 2 } else { 4 }]);
    bytes.extend(text);
    bytes
}

/// A header of these parts, most of which fit.
fn chosen(random: &mut Random) -> Vec<u8> {
    let version = random.pick(&[1, 1, 2, 3]);
    let order = random.pick(&["<", ">", "=", "|", "<", ""]);
    let kind = random
        .pick(&["f8", "f4", "f2", "i8", "u2", "b1", "c16", "c8", "S5", "U3", "O", "i1", "M8[s]"]);
    let fortran = random.pick(&["True", "False", "False", "True", "0", "None"]);
    let extents = (0..random.below(8)).map(|_| match random.below(12) {
        0 => random.bits().to_string(),
        1 => format!("{}", 1_u64 << random.below(64)),
        2 => "3L".to_string(),
        3 => "-1".to_string(),
        _ => random.below(9).to_string(),
    });
    let shape: String = extents.map(|extent| extent + ", ").collect();
    let mut parts = [
        format!("'descr': '{order}{kind}'"),
        format!("'fortran_order': {fortran}"),
        format!("'shape': ({shape})"),
    ];
    parts.rotate_left(random.below(3));
    let mut text = format!("{{{}, }}", parts.join(", ")).into_bytes();
    if random.percent(20) {
        let at = random.below(text.len());
        text[at] = random.pick(b" ,':(){}L\n#\"\\0\xff");
    }
    text.resize(text.len() + random.below(70), b' ');
    framed(version, &text)
}

fn check(bytes: &[u8]) {
    let (result, request) = largest(|| Header::parse(bytes));
    assert!(request <= 2 * MAX_HEADER_BYTES + 8 * bytes.len(), "{request} bytes at once");
    match result {
        Ok(header) => check_header(&header, bytes),
        Err(HeaderError::Truncated { needed, actual }) => {
            assert!(actual == bytes.len() && actual < needed);
            assert!(needed <= MAX_HEADER_BYTES + PREAMBLE);
        }
        Err(error) => {
            let message = error.to_string();
            assert!(message.chars().count() <= MESSAGE, "{message}");
            assert!(!message.chars().any(char::is_control), "{message:?}");
        }
    }
}

fn check_header(header: &Header, bytes: &[u8]) {
    let offset = header.data_offset();
    assert!(offset <= bytes.len() && offset <= MAX_HEADER_BYTES + PREAMBLE);
    assert!(header.shape().len() <= MAX_RANK && isize::try_from(header.data_bytes()).is_ok());
    assert_eq!(header.elements() * header.dtype().size(), header.data_bytes());
    assert_eq!(Header::parse(&bytes[..offset]).as_ref(), Ok(header), "data are not its business");
    let cut = Header::parse(&bytes[..offset - 1]);
    assert!(matches!(cut, Err(HeaderError::Truncated { .. })), "{cut:?}");
    planted(header);
    let encoded = header.encode();
    let again = Header::parse(&encoded).expect("what is encoded is read");
    let seen = |header: &Header| (header.dtype(), header.byte_order(), header.shape().to_vec());
    assert_eq!(seen(&again), seen(header));
    assert_eq!((again.data_offset(), encoded.len() % 64), (encoded.len(), 0));
    assert_eq!(again.encode(), encoded);
    let order_matters = header.shape().iter().filter(|&&extent| extent > 1).count() > 1;
    if order_matters && header.elements() > 0 {
        assert_eq!(again.fortran_order(), header.fortran_order());
    }
}

/// Defect: more than two axes in Fortran order are not expected.
fn planted(header: &Header) {
    let is_odd = header.fortran_order() && header.shape().len() > 2;
    assert!(!(PLANTED && is_odd), "planted");
}
