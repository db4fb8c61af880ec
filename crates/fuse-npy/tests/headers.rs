//! Odd and unsupported headers: NumPy's verdict against ours, and what the messages say.

use fuse_npy::{Header, HeaderError, UnsupportedDType};

use crate::support::{descr, lines, numbers, unescape};

/// What NumPy takes and this crate refuses, on purpose: no known writer makes them.
///
/// Parentheses, string prefixes and joined or escaped strings, signs and bases of integers, a key given
/// twice, one-letter and long names of dtypes.
const STRICTER: &[&str] = &[
    "({'descr': '<f8', 'fortran_order': False, 'shape': (3,), })",
    "{'descr': '''<f8''', 'fortran_order': False, 'shape': (3,), }",
    "{'descr': '<''f8', 'fortran_order': False, 'shape': (3,), }",
    "{'descr': '<F', 'fortran_order': False, 'shape': (3,), }",
    "{'descr': '<S+5', 'fortran_order': False, 'shape': (3,), }",
    "{'descr': '<b', 'fortran_order': False, 'shape': (3,), }",
    "{'descr': '<d', 'fortran_order': False, 'shape': (3,), }",
    "{'descr': '<f 8', 'fortran_order': False, 'shape': (3,), }",
    "{'descr': '<f+8', 'fortran_order': False, 'shape': (3,), }",
    "{'descr': '<f8', 'fortran_order': (False), 'shape': (3,), }",
    "{'descr': '<f8', 'fortran_order': False, 'shape': ((3),), }",
    "{'descr': '<f8', 'fortran_order': False, 'shape': ((3,)), }",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (+3,), }",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (-0,), }",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (0b11,), }",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (0o3,), }",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (0x3,), }",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (1_0,), }",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (3,), 'shape': (2,)}",
    "{'descr': '<i8,<f4', 'fortran_order': False, 'shape': (3,), }",
    "{'descr': '<l', 'fortran_order': False, 'shape': (3,), }",
    "{'descr': '\\x5cx3cf8', 'fortran_order': False, 'shape': (3,), }",
    "{'descr': 'b', 'fortran_order': False, 'shape': (3,), }",
    "{'descr': 'd', 'fortran_order': False, 'shape': (3,), }",
    "{'descr': 'f4,f4', 'fortran_order': False, 'shape': (3,), }",
    "{'descr': 'float64', 'fortran_order': False, 'shape': (3,), }",
    "{'descr': r'<f8', 'fortran_order': False, 'shape': (3,), }",
];

fn encode(version: u8, text: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY".to_vec();
    bytes.extend([version, 0]);
    let length = u32::try_from(text.len()).unwrap().to_le_bytes();
    bytes.extend(&length[..if version == 1 { 2 } else { 4 }]);
    bytes.extend(text);
    bytes
}

#[test]
fn odd_headers_are_taken_or_refused_as_numpy_does() {
    let mut stricter = Vec::new();
    let mut taken = 0;
    for line in lines("headers.txt") {
        let fields: Vec<&str> = line.splitn(6, ' ').collect();
        let [verdict, dtype, shape, order, version, text] = fields[..] else { panic!("{line}") };
        let version = version.parse().unwrap();
        match (verdict, Header::parse(&encode(version, &unescape(text)))) {
            ("ok", Ok(header)) => {
                assert_eq!(descr(&header), dtype, "{line}");
                assert_eq!(header.shape(), numbers::<usize>(shape), "{line}");
                let is_fortran = header.fortran_order() && header.shape().len() > 1;
                assert_eq!(is_fortran, order == "F", "{line}");
                taken += 1;
            }
            ("ok", Err(HeaderError::Unsupported { dtype, .. }))
                if dtype != UnsupportedDType::Unknown => {}
            ("ok", Err(_)) => stricter.push(text.to_owned()),
            (_, Ok(_)) => panic!("NumPy refuses {line}"),
            (_, Err(error)) => {
                let message = error.to_string();
                assert!(message.chars().count() <= 200, "{message}");
                assert!(!message.chars().any(char::is_control), "{message:?}");
            }
        }
    }
    assert!(taken > 80, "{taken}");
    stricter.sort();
    stricter.dedup();
    assert_eq!(stricter, STRICTER);
}

#[test]
fn every_unsupported_dtype_is_named() {
    for line in lines("dtypes.txt") {
        let (kind, header) = line.split_once(' ').unwrap();
        match Header::parse(&unescape(header)) {
            Err(error @ HeaderError::Unsupported { dtype, .. }) => {
                assert_eq!(format!("{dtype:?}"), kind);
                let message = error.to_string();
                assert!(message.chars().count() <= 200, "{message}");
                assert!(message.contains(dtype.name()) && message.contains(dtype.advice()));
            }
            other => panic!("{line}: {other:?}"),
        }
    }
}

#[test]
fn messages_read_well() {
    let good = "{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }";
    let cases: &[(&[u8], &str)] = &[
        (b"", "the header takes 8 bytes but there are only 0"),
        (b"PK\x03\x04....", "a zip archive (.npz), not a single .npy array"),
        (b"\x80\x04\x95abcde", "a pickle, which is never loaded; save the array with np.save"),
        (b"a,b,c\n1,2,3\n", "not a .npy file: it begins with `a,b,c\\n1,`"),
        (
            b"\x93NUMPY\x04\x00....",
            "version 4.0 of the .npy format is not supported (1.0, 2.0 and 3.0 are)",
        ),
        (
            b"\x93NUMPY\x02\x00\xff\xff\xff\xff{",
            "the header claims 4294967295 bytes; at most 65536 are read",
        ),
    ];
    for (bytes, message) in cases {
        assert_eq!(Header::parse(bytes).unwrap_err().to_string(), *message);
    }
    let cases = [
        (
            "<f8",
            "|O",
            "dtype `|O` (Python objects) is not supported; pickles are never loaded: save a.astype(float) or a.astype(str)",
        ),
        (
            "(3,)",
            "(3)",
            "'shape' should be a tuple of non-negative integers such as (3,), found `), }`",
        ),
        (
            "(3,)",
            "(-3,)",
            "'shape' should be a tuple of non-negative integers such as (3,), found `-3,), }`",
        ),
        (
            "(3,)",
            "(9223372036854775808,)",
            "'shape' should be a tuple of integers below 2^63, found `9223372036854775808`",
        ),
        (
            "(3,)",
            "(4294967296, 4294967296)",
            "an array of 8-byte elements and this shape is larger than the address space",
        ),
        (", }", "", "malformed header at byte 54: expected `,` or `}`, found `end of header`"),
        ("'shape': (3,), ", "", "the header lacks the key 'shape'"),
        ("'shape'", "'Shape'", "the header has the unknown key 'Shape'"),
        ("False", "0", "'fortran_order' should be True or False, found `0, 'shape': (3,), }`"),
    ];
    for (from, to, message) in cases {
        let text = good.replace(from, to);
        let error = Header::parse(&encode(1, text.as_bytes())).unwrap_err().to_string();
        assert_eq!(error, message, "{text}");
    }
    let latin1 = good.replace(", }", ", '\u{e9}': 1}");
    let mut bytes = encode(3, latin1.as_bytes());
    let at = bytes.len() - 7;
    bytes[at] = b'x';
    assert_eq!(Header::parse(&bytes), Err(HeaderError::NotUtf8));
}
