//! The corpus, and what several tests need.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use fuse_ir::ByteOrder;
use fuse_npy::{Archive, Error, Header, NpyFile, NpyView};

/// A file or folder of the committed corpus.
pub(crate) fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name)
}

/// The lines of a text file of the corpus, without comments.
pub(crate) fn lines(name: &str) -> Vec<String> {
    let text = std::fs::read_to_string(testdata(name)).unwrap();
    text.lines().filter(|line| !line.starts_with("# ")).map(str::to_owned).collect()
}

/// Every `.npy` file of the corpus, in order of name.
pub(crate) fn corpus() -> Vec<(PathBuf, Vec<u8>)> {
    let entries = std::fs::read_dir(testdata("files")).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() > 100);
    paths.into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

/// Undoes `escape` of make.py: `\xNN` stands for a byte.
pub(crate) fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        if first == b'\\' {
            let hex = std::str::from_utf8(&tail[1..3]).unwrap();
            bytes.push(u8::from_str_radix(hex, 16).unwrap());
            rest = &tail[3..];
        } else {
            bytes.push(first);
            rest = tail;
        }
    }
    bytes
}

/// The numbers of `3,4`; none for `-`.
pub(crate) fn numbers<T: std::str::FromStr>(text: &str) -> Vec<T> {
    if text == "-" {
        return Vec::new();
    }
    text.split(',').map(|number| number.parse().ok().unwrap()).collect()
}

/// The dtype as NumPy writes it, taken from a header encoded by the crate under test.
pub(crate) fn descr(header: &Header) -> String {
    let encoded = header.encode();
    let text = std::str::from_utf8(&encoded[10..]).unwrap();
    text.split('\'').nth(3).unwrap().to_owned()
}

/// All elements in C order and little-endian, in hex; `-` if there are none.
pub(crate) fn little_endian_hex(view: &NpyView<'_>) -> String {
    let dtype = view.dtype();
    let unit = match dtype.kind() {
        fuse_ir::DTypeKind::Complex => dtype.size() / 2,
        fuse_ir::DTypeKind::Text => 4,
        fuse_ir::DTypeKind::Bytes => 1,
        _ => dtype.size(),
    };
    let is_big = (view.byte_order() == ByteOrder::Swapped) == cfg!(target_endian = "little");
    let mut hex = String::new();
    let elements: usize = view.shape().iter().product();
    for element in 0..elements {
        let offset = offset(view, element);
        for part in view.bytes()[offset..offset + dtype.size()].chunks(unit) {
            let mut part = part.to_vec();
            if is_big {
                part.reverse();
            }
            hex.extend(part.iter().map(|byte| format!("{byte:02x}")));
        }
    }
    if hex.is_empty() { "-".to_owned() } else { hex }
}

/// Where the element of that number in C order is.
fn offset(view: &NpyView<'_>, mut element: usize) -> usize {
    let mut offset = 0;
    for (&extent, &stride) in view.shape().iter().zip(view.strides()).rev() {
        offset += (element % extent) * usize::try_from(stride).unwrap();
        element /= extent;
    }
    offset
}

/// A small generator of test bytes: splitmix64.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let bound = u64::try_from(bound).unwrap();
        usize::try_from((z ^ (z >> 31)) % bound).unwrap()
    }
}

/// Maps a file that no test changes meanwhile.
#[expect(unsafe_code, reason = "the mapped files are not changed while tests run")]
pub(crate) fn map(path: &Path) -> Result<NpyFile, Error> {
    // SAFETY: see above.
    unsafe { NpyFile::map(path) }
}

/// Maps a member of an archive that no test changes meanwhile.
#[expect(unsafe_code, reason = "the mapped files are not changed while tests run")]
pub(crate) fn map_member(
    archive: &mut Archive,
    name: &str,
    limit: usize,
) -> Result<NpyFile, Error> {
    // SAFETY: see above.
    unsafe { archive.map(name, limit) }
}

/// Runs a test of this binary in a process of its own, under a shell's `setup`.
pub(crate) fn in_child(setup: &str, test: &str, folder: &Path) -> Output {
    let script = format!("{setup}; exec \"$0\" --exact {test} --nocapture");
    let binary = std::env::current_exe().unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", &script]).arg(binary).env("FUSE_NPY_CHILD", folder);
    command.output().unwrap()
}

/// The folder that a child is to use; `None` in an ordinary run of the tests.
pub(crate) fn child_folder() -> Option<PathBuf> {
    std::env::var_os("FUSE_NPY_CHILD").map(Into::into)
}
