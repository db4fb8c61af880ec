//! What an evaluation will read and write, known before it begins; `--dry-run` prints it.

use std::io::Write as _;
use std::path::Path;

use fuse::raw::{Survey, shape_text};
use fuse::{DType, Engine, Formula, Prepared};
use fuse_npy::escape_path;
use indicatif::BinaryBytes;

use super::{Values, types, variables};
use crate::args::EvalArgs;
use crate::failure::Failure;
use crate::save::Targets;
use crate::text::counted;
use crate::value::{Order, Value};

/// See the module.
pub(super) struct Plan {
    pub(super) prepared: Prepared,
    /// Dtypes and shapes.
    pub(super) results: Vec<(DType, Vec<usize>)>,
    pub(super) survey: Survey,
    inputs: Vec<Read>,
    /// Does everything fit the memory that is allowed?
    pub(super) fits: bool,
    mem: usize,
    on_device: bool,
}

/// Bytes that are not worth a word.
const PAGE: u128 = 4096;

/// An input.
struct Read {
    name: String,
    dtype: DType,
    shape: Vec<usize>,
    bytes: u128,
    order: Order,
    walks: usize,
}

impl Plan {
    pub(super) fn new(
        (engine, formula): (&Engine, &Formula),
        values: &Values,
        args: &EvalArgs,
    ) -> Result<Plan, Failure> {
        let prepared = formula.prepare(&types(values)?)?;
        let results = prepared.result_shapes(variables(values)?)?;
        let (survey, names) = prepared.survey(variables(values)?)?;
        let walks_of = |name: &str| {
            let position = names.iter().position(|known| *known == name);
            position.map_or(0, |position| survey.walks.get(position).copied().unwrap_or(0))
        };
        let inputs: Vec<Read> =
            values.iter().map(|(name, value)| Read::new(name, value, walks_of(name))).collect();
        let mapped = values.iter().filter(|(_, value)| value.mapped().is_some());
        let mapped: u128 = mapped.map(|(_, value)| bytes(value.dtype(), value.shape())).sum();
        let written: u128 = results.iter().map(|(dtype, shape)| bytes(*dtype, shape)).sum();
        let (mem, on_device) = (args.mem, engine.device().is_some());
        // Half of it for files, an eighth for results and for what lies between passes.
        let fits = mapped <= mem as u128 / 2
            && written <= mem as u128 / 8
            && survey.temporary_bytes <= mem as u128 / 8;
        Ok(Plan { prepared, results, inputs, fits: fits || on_device, survey, mem, on_device })
    }

    /// The order of results in files: Fortran's, as NumPy's results are, where all matrices are in it.
    pub(super) fn order(&self) -> Order {
        let orders = || self.inputs.iter().map(|input| input.order);
        let has_fortran = !self.on_device && orders().any(|order| order == Order::Fortran);
        if has_fortran && orders().all(|order| order != Order::C) {
            Order::Fortran
        } else {
            Order::C
        }
    }

    /// Bytes that pass between files and memory.
    pub(super) fn traffic(&self) -> u64 {
        u64::try_from(self.read() + self.written()).unwrap_or(u64::MAX)
    }

    fn read(&self) -> u128 {
        self.inputs.iter().map(|input| input.bytes * input.walks as u128).sum()
    }

    fn written(&self) -> u128 {
        self.results.iter().map(|(dtype, shape)| bytes(*dtype, shape)).sum()
    }

    /// `--dry-run`.
    pub(super) fn print(&self, targets: &Targets<'_>) -> Result<(), Failure> {
        let mut out = std::io::stdout().lock();
        for Read { name, dtype, shape, bytes, walks, .. } in &self.inputs {
            let (shape, walks) = (shape_text(shape), times(*walks));
            writeln!(out, "reads   {name}: {dtype} {shape}, {}, {walks}", human(*bytes))?;
        }
        for (position, (dtype, shape)) in self.results.iter().enumerate() {
            let (to, bytes) = (place(targets, position), human(bytes(*dtype, shape)));
            writeln!(out, "writes  {to}: {dtype} {}, {bytes}", shape_text(shape))?;
        }
        let (read, written) = (human(self.read()), human(self.written()));
        writeln!(out, "in all  {read} to read, {written} to write{}", free(targets))?;
        if self.survey.temporary_bytes > PAGE {
            let between = human(self.survey.temporary_bytes);
            writeln!(
                out,
                "between passes  {between}, in a file where that is more than memory allows"
            )?;
        }
        let mem = BinaryBytes(self.mem as u64);
        let how = if self.fits { "at once, in memory" } else { "in windows" };
        Ok(writeln!(out, "memory  {mem}: {how}")?)
    }
}

impl Read {
    fn new(name: &str, value: &Value, walks: usize) -> Read {
        let (dtype, shape) = (value.dtype(), value.shape().to_vec());
        let bytes = bytes(dtype, &shape);
        Read { name: name.to_string(), dtype, bytes, shape, order: value.order(), walks }
    }
}

fn bytes(dtype: DType, shape: &[usize]) -> u128 {
    shape.iter().fold(dtype.size() as u128, |bytes, &extent| bytes.saturating_mul(extent as u128))
}

fn human(bytes: u128) -> String {
    BinaryBytes(u64::try_from(bytes).unwrap_or(u64::MAX)).to_string()
}

fn times(walks: usize) -> String {
    match walks {
        0 => "not as a whole".to_string(),
        1 => "once".to_string(),
        several => counted(several, "time"),
    }
}

/// Where a result goes.
fn place(targets: &Targets<'_>, position: usize) -> String {
    match targets {
        Targets::Print => "standard output".to_string(),
        Targets::Files(paths) => escape_path(&paths[position]),
        Targets::Archive(path, names) => format!("{}:{}", escape_path(path), names[position]),
    }
}

/// The room where files are to appear.
fn free(targets: &Targets<'_>) -> String {
    let first = match targets {
        Targets::Print => None,
        Targets::Files(paths) => paths.first().map(|path| path.as_path()),
        Targets::Archive(path, _) => Some(*path),
    };
    let Some(path) = first else { return String::new() };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    match rustix::fs::statvfs(folder) {
        Ok(room) => {
            let bytes = u128::from(room.f_bavail) * u128::from(room.f_frsize);
            format!(", {} free in {}", human(bytes), escape_path(folder))
        }
        Err(_) => String::new(),
    }
}
