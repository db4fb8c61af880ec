//! What was measured: a table for people, JSON for programs.

use std::io::{StdoutLock, Write};

use serde::Serialize;

use super::device::Pieces;
use super::measure::Times;
use crate::failure::Failure;

/// One formula on one number of threads. Its result has been checked.
pub(super) struct Measured {
    pub(super) expr: String,
    pub(super) inputs: String,
    pub(super) n: usize,
    /// Dtype and shape of each result.
    pub(super) results: Vec<String>,
    /// The results' dtypes, separated by commas.
    pub(super) dtype: String,
    pub(super) threads: usize,
    pub(super) code: Code,
    /// Its name.
    pub(super) device: Option<String>,
    pub(super) compile_us: f64,
    pub(super) calls: Calls,
    /// Of the whole formula.
    pub(super) times: Times,
    pub(super) in_bytes: usize,
    pub(super) out_bytes: usize,
    /// Of the copy.
    pub(super) copy: Times,
    /// On a device.
    pub(super) pieces: Option<Pieces>,
}

/// Whose code ran.
pub(super) struct Code {
    /// Names of back ends, separated by commas.
    pub(super) backend: String,
    /// Their instruction sets.
    pub(super) isa: String,
    /// Which back ends declined a kernel, and why.
    pub(super) declined: Vec<String>,
}

/// Nanoseconds of one call.
pub(super) struct Calls {
    pub(super) prepared_ns: f64,
    /// With the formula looked up by its text.
    pub(super) cached_ns: f64,
    /// On 16 elements, rather than on the arrays as they are?
    pub(super) is_small: bool,
}

/// The JSON object, in the order in which it is documented.
#[derive(Serialize)]
struct Object<'a> {
    expr: &'a str,
    n: usize,
    dtype: &'a str,
    threads: usize,
    backend: &'a str,
    isa: &'a str,
    compile_us: f64,
    prepared_call_ns: f64,
    cached_call_ns: f64,
    ns_per_elem: PerElement,
    in_bytes: usize,
    out_bytes: usize,
    gb_per_s: f64,
    copy_ns_per_elem: f64,
    result_checked: bool,
    #[serde(flatten)]
    device: Option<DeviceObject>,
}

/// What it has on top with `--backend cuda`.
#[derive(Serialize)]
struct DeviceObject {
    /// `null` where nothing is uploaded.
    upload_gb_per_s: Option<f64>,
    kernel_gb_per_s: f64,
    download_gb_per_s: f64,
    device_copy_gb_per_s: f64,
}

#[derive(Serialize)]
struct PerElement {
    min: f64,
    median: f64,
}

/// Prints all measurements.
pub(super) fn print(all: &[Measured], json: bool) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    if json {
        let objects: Vec<Object<'_>> = all.iter().map(Measured::object).collect();
        let text = serde_json::to_string_pretty(&objects)
            .map_err(|error| Failure::Run(format!("cannot write JSON: {error}")))?;
        return Ok(writeln!(out, "{text}")?);
    }
    match all.first() {
        Some(first) => table(&mut out, first, all),
        None => Ok(()),
    }
}

impl Measured {
    #[expect(clippy::cast_precision_loss, reason = "a count of elements in memory is below 2^53")]
    fn per_element(&self, nanoseconds: f64) -> f64 {
        nanoseconds / self.n as f64
    }

    fn gb_per_s(&self) -> f64 {
        gb_per_s(self.in_bytes + self.out_bytes, self.times)
    }

    fn device_object(&self, pieces: &Pieces) -> DeviceObject {
        DeviceObject {
            upload_gb_per_s: pieces.upload.map(|times| gb_per_s(pieces.uploaded, times)),
            kernel_gb_per_s: gb_per_s(self.in_bytes + self.out_bytes, pieces.kernel),
            download_gb_per_s: gb_per_s(self.out_bytes, pieces.download),
            device_copy_gb_per_s: gb_per_s(pieces.copied, pieces.copy),
        }
    }

    fn object(&self) -> Object<'_> {
        Object {
            expr: &self.expr,
            n: self.n,
            dtype: &self.dtype,
            threads: self.threads,
            backend: &self.code.backend,
            isa: &self.code.isa,
            compile_us: self.compile_us,
            prepared_call_ns: self.calls.prepared_ns,
            cached_call_ns: self.calls.cached_ns,
            ns_per_elem: PerElement {
                min: self.per_element(self.times.min),
                median: self.per_element(self.times.median),
            },
            in_bytes: self.in_bytes,
            out_bytes: self.out_bytes,
            gb_per_s: self.gb_per_s(),
            copy_ns_per_elem: self.per_element(self.copy.median),
            result_checked: true,
            device: self.pieces.as_ref().map(|pieces| self.device_object(pieces)),
        }
    }
}

/// From the median: bytes per nanosecond are gigabytes per second.
#[expect(clippy::cast_precision_loss, reason = "a count of bytes in memory is below 2^53")]
fn gb_per_s(bytes: usize, times: Times) -> f64 {
    bytes as f64 / times.median
}

fn table(out: &mut StdoutLock<'_>, first: &Measured, all: &[Measured]) -> Result<(), Failure> {
    writeln!(out, "formula    {}", first.expr)?;
    if !first.inputs.is_empty() {
        writeln!(out, "inputs     {}", first.inputs)?;
    }
    let results = first.results.join("; ");
    writeln!(out, "result     {results}, equal to the interpreter's bit for bit")?;
    writeln!(out, "back end   {} ({})", first.code.backend, first.code.isa)?;
    for declined in &first.code.declined {
        writeln!(out, "           {declined}")?;
    }
    let what = match &first.device {
        Some(name) => {
            writeln!(out, "device     {name}")?;
            ", to PTX"
        }
        None => "",
    };
    writeln!(out, "compile    {:.0} µs{what}", first.compile_us)?;
    let Calls { prepared_ns, cached_ns, is_small } = first.calls;
    let on = if is_small { " on 16 elements" } else { "" };
    writeln!(out, "a call     {prepared_ns:.0} ns{on}, {cached_ns:.0} ns with a lookup by text")?;
    if let Some(pieces) = &first.pieces {
        return pieces_table(out, first, pieces);
    }
    writeln!(
        out,
        "\n         ns an element\nthreads         min     median  copy floor       GB/s"
    )?;
    for one in all {
        writeln!(
            out,
            "{:7}  {:10.4} {:10.4}  {:10.4} {:10.2}",
            one.threads,
            one.per_element(one.times.min),
            one.per_element(one.times.median),
            one.per_element(one.copy.median),
            one.gb_per_s(),
        )?;
    }
    Ok(())
}

/// On a device, copies and kernels by themselves; then the whole call, in which they overlap.
fn pieces_table(
    out: &mut StdoutLock<'_>,
    measured: &Measured,
    pieces: &Pieces,
) -> Result<(), Failure> {
    let all_bytes = measured.in_bytes + measured.out_bytes;
    writeln!(out, "\n             ns an element\n                    min     median       GB/s")?;
    let mut row = |name: &str, bytes: usize, times: Times| {
        writeln!(
            out,
            "{name:12}  {:10.4} {:10.4} {:10.2}",
            measured.per_element(times.min),
            measured.per_element(times.median),
            gb_per_s(bytes, times),
        )
    };
    if let Some(upload) = pieces.upload {
        row("upload", pieces.uploaded, upload)?;
    }
    row("kernel", all_bytes, pieces.kernel)?;
    row("download", measured.out_bytes, pieces.download)?;
    row("whole call", all_bytes, measured.times)?;
    row("device copy", pieces.copied, pieces.copy)?;
    row("host copy", all_bytes, measured.copy)?;
    Ok(())
}
