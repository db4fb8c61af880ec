//! Values of variables: scalars, arrays, files.

use std::path::Path;

use fuse::raw::ByteOrder;
use fuse::{Array, AsInput as _, DType, Input, Layout, View};
use fuse_npy::{Archive, NpyFile, Spool, escape_path};

use crate::binding::Source;
use crate::failure::Failure;
use crate::map;
use crate::paging::c_strides;

/// How files are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Mapped into memory; what cannot be mapped is read.
    Map { above: usize },
    /// Read: into memory, or to a file without a name where that many bytes are exceeded.
    Read { above: usize },
}

impl Access {
    /// Maps files; what is read stays in memory, whatever its size.
    pub(crate) const MAP: Access = Access::Map { above: usize::MAX };

    /// Reads files into memory, whatever their size.
    pub(crate) const READ: Access = Access::Read { above: usize::MAX };

    fn most_in_memory(self) -> usize {
        match self {
            Access::Map { above } | Access::Read { above } => above,
        }
    }
}

/// The value of a variable.
#[derive(Debug)]
pub(crate) enum Value {
    Scalar(Input<'static>),
    Array(Array),
    File(NpyFile),
}

/// How elements follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    C,
    Fortran,
    /// There is one axis at most.
    Both,
}

/// An array as it lies in memory.
#[derive(Debug)]
pub(crate) struct Raw<'a> {
    pub(crate) dtype: DType,
    pub(crate) order: ByteOrder,
    pub(crate) strides: Vec<isize>,
    pub(crate) bytes: &'a [u8],
}

impl Value {
    /// Makes, reads or maps a value.
    pub(crate) fn load(source: &Source, access: Access) -> Result<Value, Failure> {
        Ok(match source {
            Source::Scalar(input) => Value::Scalar(input.clone()),
            Source::Linspace { low, high, n } => Value::Array(linspace(*low, *high, *n)?),
            Source::Stdin => {
                let name = Path::new("standard input");
                let folder = std::env::temp_dir();
                let spool = Spool { above: access.most_in_memory(), folder: &folder };
                Value::File(NpyFile::read_spooled(name, std::io::stdin().lock(), spool)?)
            }
            Source::File(path) => Value::File(match access {
                Access::Map { .. } => map::map(path)?,
                Access::Read { above } => {
                    let folder = std::env::temp_dir();
                    NpyFile::open_spooled(path, Spool { above, folder: &folder })?
                }
            }),
            Source::Member { archive, name } => {
                Value::File(load_member(&mut Archive::open(archive)?, name, access)?)
            }
            Source::Archive(path) => {
                let mut archive = Archive::open(path)?;
                let name = only_member(path, &archive)?;
                Value::File(load_member(&mut archive, &name, access)?)
            }
        })
    }

    /// Fails if a mapped file has become shorter: what was computed from it is not to be trusted.
    pub(crate) fn check_length(&self) -> Result<(), Failure> {
        match self {
            Value::Scalar(_) | Value::Array(_) => Ok(()),
            Value::File(file) => Ok(file.check_length()?),
        }
    }

    /// Borrows it for a formula.
    pub(crate) fn as_input(&self) -> Result<Input<'_>, Failure> {
        match self {
            Value::Scalar(input) => Ok(input.clone()),
            Value::Array(array) => Ok(array.as_input()),
            Value::File(file) => {
                let npy = file.view();
                let (dtype, order) = (npy.dtype(), npy.byte_order());
                let layout = Layout { dtype, order, extents: npy.shape(), strides: npy.strides() };
                let view = View::from_bytes(npy.bytes(), &layout, 0).map_err(fuse::Error::from)?;
                Ok(Input::array(view))
            }
        }
    }

    /// Borrows its first elements along each axis, at most `most` of them.
    pub(crate) fn as_prefix(&self, most: usize) -> Result<Input<'_>, Failure> {
        let Some(Raw { dtype, order, strides, bytes }) = self.raw() else { return self.as_input() };
        let extents: Vec<usize> = self.shape().iter().map(|&extent| extent.min(most)).collect();
        let layout = Layout { dtype, order, extents: &extents, strides: &strides };
        let view = View::from_bytes(bytes, &layout, 0).map_err(fuse::Error::from)?;
        Ok(Input::array(view))
    }

    /// The file that it is, if that is mapped.
    pub(crate) fn mapped(&self) -> Option<&NpyFile> {
        match self {
            Value::Scalar(_) | Value::Array(_) => None,
            Value::File(file) => file.addresses().map(|_| file),
        }
    }

    /// How its elements lie.
    pub(crate) fn order(&self) -> Order {
        let long = self.shape().iter().filter(|&&extent| extent != 1).count();
        match self {
            Value::Scalar(_) | Value::Array(_) | Value::File(_) if long < 2 => Order::Both,
            Value::File(file) if file.header().fortran_order() => Order::Fortran,
            Value::Scalar(_) | Value::Array(_) | Value::File(_) => Order::C,
        }
    }

    /// An array as it lies in memory.
    pub(crate) fn raw(&self) -> Option<Raw<'_>> {
        match self {
            Value::Scalar(_) => None,
            Value::Array(array) => Some(Raw {
                dtype: array.dtype(),
                order: ByteOrder::Native,
                strides: c_strides(array.shape(), array.dtype().size()),
                bytes: array.as_bytes(),
            }),
            Value::File(file) => {
                let npy = file.view();
                let (dtype, order, bytes) = (npy.dtype(), npy.byte_order(), npy.bytes());
                Some(Raw { dtype, order, strides: npy.strides().to_vec(), bytes })
            }
        }
    }

    /// Its extents.
    pub(crate) fn shape(&self) -> &[usize] {
        match self {
            Value::Scalar(_) => &[],
            Value::Array(array) => array.shape(),
            Value::File(file) => file.header().shape(),
        }
    }

    /// Its elements' type.
    pub(crate) fn dtype(&self) -> DType {
        match self {
            Value::Scalar(input) => input.ty().dtype,
            Value::Array(array) => array.dtype(),
            Value::File(file) => file.header().dtype(),
        }
    }
}

fn load_member(
    archive: &mut Archive,
    name: &str,
    access: Access,
) -> Result<NpyFile, fuse_npy::Error> {
    match access {
        Access::Map { .. } => map::map_member(archive, name, memory()),
        Access::Read { .. } => archive.read(name, memory()),
    }
}

/// The name of an archive's member, if it has one and no more.
fn only_member(path: &Path, archive: &Archive) -> Result<String, Failure> {
    match archive.members() {
        [member] => Ok(member.name().to_string()),
        [] => Err(Failure::Run(format!("{}: the archive has no members", escape_path(path)))),
        [first, ..] => Err(Failure::Usage(format!(
            "{0}: which member? write {0}:{1}; there are {2}",
            escape_path(path),
            escape_path(Path::new(first.name())),
            archive.listed()
        ))),
    }
}

/// Bytes of memory of this machine: a member that would take more is not worth decompressing.
fn memory() -> usize {
    let total = || {
        let text = std::fs::read_to_string("/proc/meminfo").ok()?;
        let kib = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
        kib.trim().strip_suffix(" kB")?.parse::<usize>().ok()?.checked_mul(1024)
    };
    total().unwrap_or(usize::MAX)
}

/// NumPy's: both ends included, and hit exactly.
#[expect(clippy::cast_precision_loss, reason = "2^53 elements fit no memory")]
fn linspace(low: f64, high: f64, n: usize) -> Result<Array, Failure> {
    let mut array = Array::zeroed(DType::F64, &[n])?;
    let step = (high - low) / (n.max(2) - 1) as f64;
    if let Some(elements) = array.as_mut_slice::<f64>() {
        for (index, element) in elements.iter_mut().enumerate() {
            *element = low + index as f64 * step;
        }
        if let [_, .., last] = elements {
            *last = high;
        }
    }
    Ok(array)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn testdata(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuse-npy/testdata").join(name)
    }

    /// The lines of a table that NumPy wrote, split at spaces.
    fn table(name: &str) -> Vec<Vec<String>> {
        let text = std::fs::read_to_string(testdata(name)).unwrap();
        let lines = text.lines().filter(|line| !line.starts_with("# "));
        lines.map(|line| line.split(' ').map(str::to_string).collect()).collect()
    }

    /// What a formula makes of a source: elements in C order, in hex; `-` for none.
    fn evaluated(formula: &str, source: &Source, access: Access) -> String {
        let value = Value::load(source, access).unwrap();
        value.check_length().unwrap();
        let array = fuse::evaluate(formula, [("x", value.as_input().unwrap())]).unwrap();
        assert_eq!(array.shape(), value.shape(), "{source:?}");
        let hex: String = array.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        if hex.is_empty() { "-".to_string() } else { hex }
    }

    /// Compares a source with its elements as NumPy reads them, little-endian, in hex. Formulas return
    /// no text: of texts it is asked which are `a`.
    fn check(source: &Source, access: Access, dtype: &str, values: &str) {
        let (kind, size) = dtype[1..].split_at(1);
        let width = size.parse::<usize>().unwrap() * if kind == "U" { 8 } else { 2 };
        let (formula, letter) = match kind {
            "S" => ("x == b'a'", format!("{:0<width$}", "61")),
            "U" => ("x == 'a'", format!("{:0<width$}", "61")),
            _ => return assert_eq!(evaluated("x", source, access), values, "{source:?}"),
        };
        let Ok(value) = Value::load(source, access) else { panic!("{source:?}") };
        let elements: usize = value.shape().iter().product();
        let is_letter = |at: usize| values.get(at * width..(at + 1) * width) == Some(&letter);
        let expected: String =
            (0..elements).map(|at| if is_letter(at) { "01" } else { "00" }).collect();
        let expected = if elements == 0 { "-" } else { &expected };
        assert_eq!(evaluated(formula, source, access), expected, "{source:?}");
    }

    /// Every dtype, byte order and layout, as NumPy reads them.
    #[test]
    #[cfg(target_endian = "little")]
    fn files_and_members_mean_what_numpy_reads() {
        let (mut files, mut members) = (0, 0);
        for access in [Access::MAP, Access::READ, Access::Read { above: 0 }] {
            for line in table("files.txt") {
                let source = Source::File(testdata("files").join(format!("{}.npy", line[0])));
                check(&source, access, &line[1], &line[5]);
                files += 1;
            }
            for line in table("archives.txt").iter().filter(|line| !line[2].contains('\\')) {
                let archive = testdata("archives").join(format!("{}.npz", line[0]));
                let source = Source::Member { archive, name: line[2].clone() };
                check(&source, access, &line[3], &line[5]);
                members += 1;
            }
        }
        assert!(files > 300 && members > 600, "{files} files, {members} members");
    }

    #[test]
    fn linspace_hits_both_ends() {
        let ends = |n| linspace(0.1, 0.7, n).unwrap().into_vec::<f64>().unwrap();
        assert!(ends(0).is_empty());
        assert_eq!(ends(1), [0.1]);
        assert_eq!(ends(2), [0.1, 0.7]);
        assert_eq!(ends(7).last(), Some(&0.7));
        assert_eq!(ends(3)[1], 0.1 + (0.7 - 0.1) / 2.0);
    }
}
