//! Evaluations that do not fit the memory allowed.
//!
//! | results | go to |
//! |---|---|
//! | small | new arrays, printed or written in the end |
//! | `.npy` files | their files, a window as soon as it is complete |
//! | an archive | files without a name, then the archive, one after the other |
//! | text, one result | the printer, window by window in order |
//! | text, several | files without a name, then the printer |
//! | NumPy's format | what is printed is kept; only that is computed where elements are independent |

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fuse::{Array, AsOutput as _, DType, Outputs, PrintOptions};
use fuse_npy::{NpyWriter, Output as To, Overwrite};

use super::part::{Part, Sample, have_one_shape, offsets};
use super::verify::Produced;
use super::{Evaluation, variables};
use crate::args::Format;
use crate::failure::Failure;
use crate::paging::{
    InOrder, Memory, Output, Paging, Progress, Sink, Talk, Tap, WINDOW, c_strides,
};
use crate::print::Printer;
use crate::value::Order;
use crate::{print, save};

/// Where a result goes.
enum Destination {
    Array(Array),
    Paged(Output),
}

/// A result that has been computed.
pub(super) enum Computed {
    Array(Array),
    Paged(Output),
}

impl Evaluation<'_> {
    /// Into `.npy` files.
    pub(super) fn write_large(
        &self,
        paths: &[PathBuf],
        overwrite: Overwrite,
    ) -> Result<(), Failure> {
        let computed = self.fill_files(paths, overwrite)?;
        self.check_computed(&computed, self.plan.order())?;
        let mut finished: Vec<(&Path, NpyWriter)> = Vec::new();
        let mut writers: Vec<Option<NpyWriter>> =
            computed.into_iter().map(Computed::writer).collect();
        for number in files_first(paths) {
            if let Some(writer) = writers[number].take() {
                finished.push((&paths[number], writer));
            }
        }
        save::commit_all(finished, overwrite)
    }

    /// Files with all of their data, which have no names yet.
    pub(super) fn fill_files(
        &self,
        paths: &[PathBuf],
        overwrite: Overwrite,
    ) -> Result<Vec<Computed>, Failure> {
        let mut destinations = Vec::new();
        let order = self.plan.order();
        let mut writers: Vec<Option<NpyWriter>> = paths.iter().map(|_| None).collect();
        // Nothing goes into a stream before all files could be made.
        for number in files_first(paths) {
            writers[number] = Some(self.writer(number, &paths[number], overwrite)?);
        }
        for (number, writer) in writers.into_iter().enumerate() {
            let Some(writer) = writer else { continue };
            let sink = if save::is_stream(&paths[number]) {
                Sink::Stream(InOrder::new(writer))
            } else {
                Sink::File(writer)
            };
            destinations.push(self.paged(number, sink, order)?);
        }
        self.run_paged(destinations, order)
    }

    /// Into an archive.
    pub(super) fn archive_large(
        &self,
        path: &Path,
        names: &[String],
        overwrite: Overwrite,
    ) -> Result<(), Failure> {
        let destinations: Result<Vec<Destination>, Failure> =
            (0..self.plan.results.len()).map(|number| self.keep(number)).collect();
        let computed = self.run_paged(destinations?, Order::C)?;
        self.check_computed(&computed, Order::C)?;
        let results = computed.iter().zip(&self.plan.results).zip(names);
        let members = results.map(|((computed, (dtype, shape)), name)| {
            (name.as_str(), *dtype, shape.as_slice(), computed.chunks())
        });
        save::write_archive(path, members, overwrite, self.token)
    }

    /// As text.
    pub(super) fn print_large(&self, format: Format) -> Result<(), Failure> {
        let options = PrintOptions::default();
        match format {
            Format::Numpy => self.print_edges(&options),
            Format::Tsv | Format::Csv | Format::Json if self.plan.results.len() == 1 => {
                self.print_stream(format)
            }
            Format::Tsv | Format::Csv | Format::Json => self.print_several(format),
        }
    }

    /// One result, window by window.
    fn print_stream(&self, format: Format) -> Result<(), Failure> {
        let (dtype, shape) = &self.plan.results[0];
        let destination = match self.keep(0)? {
            Destination::Paged(_) => {
                let mut printer = self.printer(format);
                printer.begin(*dtype, shape)?;
                self.paged(0, Sink::Print(InOrder::new(printer)), Order::C)?
            }
            array @ Destination::Array(_) => array,
        };
        let computed = self.run_paged(vec![destination], Order::C)?;
        let checked = self.check_computed(&computed, Order::C);
        for computed in computed {
            match computed {
                Computed::Array(array) if checked.is_ok() => {
                    print::print_all(&self.formula, &[array], format, self.token)?;
                }
                Computed::Array(_) => {}
                // It has been printed; so is its end.
                Computed::Paged(output) => {
                    if let Some(mut printer) = output.sink.into_printer() {
                        printer.end()?;
                        printer.finish()?;
                    }
                }
            }
        }
        checked
    }

    /// Several results, one after the other.
    fn print_several(&self, format: Format) -> Result<(), Failure> {
        let destinations: Result<Vec<Destination>, Failure> =
            (0..self.plan.results.len()).map(|number| self.keep(number)).collect();
        let computed = self.run_paged(destinations?, Order::C)?;
        self.check_computed(&computed, Order::C)?;
        let mut printer = self.printer(format);
        for (computed, (dtype, shape)) in computed.iter().zip(&self.plan.results) {
            printer.begin(*dtype, shape)?;
            for chunk in computed.chunks() {
                printer.elements(chunk)?;
            }
            printer.end()?;
        }
        printer.finish()
    }

    /// Computes the printed elements of the results, and no others, where these need the inputs' elements at
    /// their own places alone.
    fn print_edges(&self, options: &PrintOptions) -> Result<(), Failure> {
        if !self.plan.survey.elementwise || !have_one_shape(&self.plan.results, self.values) {
            return self.print_kept(options);
        }
        let shape = &self.plan.results[0].1;
        let indices = options.printed_indices(shape);
        let sample = Sample::gather(self.values, &indices, self.args.mem / 2);
        if !sample.gives(&self.formula, &indices)? {
            return self.print_kept(options);
        }
        let arrays = self.formula.evaluate_all(sample.vars()?)?;
        self.check_picked(&arrays)?;
        let mut printer = self.printer(Format::Numpy);
        for array in arrays {
            printer.edges(&array, shape)?;
        }
        printer.finish()
    }

    /// Computes everything, and keeps what is printed.
    fn print_kept(&self, options: &PrintOptions) -> Result<(), Failure> {
        let mut destinations = Vec::new();
        for (number, (dtype, shape)) in self.plan.results.iter().enumerate() {
            destinations.push(match self.keep(number)? {
                array @ Destination::Array(_) => array,
                Destination::Paged(_) => {
                    let offsets = offsets(&options.printed_indices(shape), shape, dtype.size());
                    let windows: BTreeSet<usize> =
                        offsets.iter().map(|offset| offset / WINDOW).collect();
                    self.paged(number, Sink::KeepSome(windows), Order::C)?
                }
            });
        }
        let computed = self.run_paged(destinations, Order::C)?;
        self.check_computed(&computed, Order::C)?;
        let mut printer = self.printer(Format::Numpy);
        for (computed, (dtype, shape)) in computed.iter().zip(&self.plan.results) {
            match computed {
                Computed::Array(array) => printer.array(array)?,
                Computed::Paged(output) => {
                    let indices = options.printed_indices(shape);
                    let part = Part::of_windows(*dtype, &indices, shape, &output.memory);
                    printer.edges(&part.array(&self.engine)?, shape)?;
                }
            }
        }
        printer.finish()
    }

    /// Compares results before they are given out, as far as they have not been yet.
    pub(super) fn check_computed(
        &self,
        computed: &[Computed],
        order: Order,
    ) -> Result<(), Failure> {
        if self.check.is_none() {
            return Ok(());
        }
        let mut produced = Vec::new();
        for computed in computed {
            produced.push(computed.produced().ok_or_else(|| {
                Failure::Run("the results are not there to be verified".to_string())
            })?);
        }
        self.check_produced(&produced, order)
    }

    fn printer(&self, format: Format) -> Printer {
        Printer::of(&self.formula, format, self.token)
    }

    /// A result that stays: in memory where it is small, else in a file without a name.
    fn keep(&self, number: usize) -> Result<Destination, Failure> {
        let (dtype, shape) = &self.plan.results[number];
        let bytes = self.bytes(number)?;
        if bytes <= self.args.mem / 16 {
            return Ok(Destination::Array(Array::zeroed(*dtype, shape)?));
        }
        let folder = std::env::temp_dir();
        let memory = Memory::spool(&folder, bytes).map_err(|error| {
            let folder = fuse_npy::escape_path(&folder);
            Failure::Run(format!(
                "a result of {bytes} bytes has no room in {folder}: {error}; TMPDIR names another folder"
            ))
        })?;
        Ok(Destination::Paged(Output::new(memory, Sink::Keep)))
    }

    /// A result whose windows go to a sink. Those of which the sink leaves nothing to compare are looked at as
    /// they pass.
    fn paged(&self, number: usize, sink: Sink, order: Order) -> Result<Destination, Failure> {
        let (dtype, shape) = &self.plan.results[number];
        let output = Output::new(self.reserve(number)?, sink);
        let check = self.check.as_ref().filter(|_| output.sink.lets_pass());
        Ok(Destination::Paged(match check {
            Some(check) => {
                let offsets = check.offsets(number, &strides(*dtype, shape, order));
                output.tapped(Tap::new(&offsets, dtype.size()))
            }
            None => output,
        }))
    }

    fn reserve(&self, number: usize) -> Result<Memory, Failure> {
        let bytes = self.bytes(number)?;
        Memory::reserve(bytes).map_err(|error| {
            Failure::Run(format!("cannot reserve addresses for {bytes} bytes: {error}"))
        })
    }

    /// Bytes of a result.
    fn bytes(&self, number: usize) -> Result<usize, Failure> {
        let (dtype, shape) = &self.plan.results[number];
        let len = shape.iter().try_fold(dtype.size(), |bytes, &extent| bytes.checked_mul(extent));
        len.filter(|&bytes| isize::try_from(bytes).is_ok())
            .ok_or_else(|| Failure::Run("a result is larger than the address space".to_string()))
    }

    fn writer(
        &self,
        number: usize,
        path: &Path,
        overwrite: Overwrite,
    ) -> Result<NpyWriter, Failure> {
        let (dtype, shape) = &self.plan.results[number];
        let header = save::header(path, *dtype, shape)?;
        let header = match self.plan.order() {
            Order::Fortran if shape.len() > 1 => header.with_fortran_order(),
            Order::Fortran | Order::C | Order::Both => header,
        };
        let writer = NpyWriter::create(To::from_argument(path), &header, overwrite);
        writer.map_err(|error| save::failure(path, error))
    }

    /// Evaluates; small files and large ones, whatever their order.
    fn run_paged(
        &self,
        destinations: Vec<Destination>,
        order: Order,
    ) -> Result<Vec<Computed>, Failure> {
        let (mut arrays, mut outputs, mut places) = (Vec::new(), Vec::new(), Vec::new());
        for destination in destinations {
            places.push(match destination {
                Destination::Array(array) => {
                    arrays.push(array);
                    Place::Array(arrays.len() - 1)
                }
                Destination::Paged(output) => {
                    outputs.push(output);
                    Place::Paged(outputs.len() - 1)
                }
            });
        }
        let spool = (std::env::temp_dir(), self.args.mem / 8);
        let paging = Arc::new(Paging::new(self.values, outputs, (self.args.mem / 2, spool)));
        let result = self.evaluate_paged(&paging, &mut arrays, (&places, order));
        if let Some(failure) = paging.failure() {
            return Err(failure);
        }
        result?;
        self.check_lengths()?;
        let Ok(paging) = Arc::try_unwrap(paging) else {
            return Err(Failure::Run("the results are still in use".to_string()));
        };
        let mut arrays: Vec<Option<Array>> = arrays.into_iter().map(Some).collect();
        let mut outputs: Vec<Option<Output>> =
            paging.into_outputs().into_iter().map(Some).collect();
        let computed = places.iter().filter_map(|place| match *place {
            Place::Array(number) => arrays[number].take().map(Computed::Array),
            Place::Paged(number) => outputs[number].take().map(Computed::Paged),
        });
        Ok(computed.collect())
    }

    fn evaluate_paged(
        &self,
        paging: &Arc<Paging>,
        arrays: &mut [Array],
        (places, order): (&[Place], Order),
    ) -> Result<(), Failure> {
        let mut views = Outputs::new();
        let mut arrays = arrays.iter_mut();
        for (place, (dtype, shape)) in places.iter().zip(&self.plan.results) {
            let view = match *place {
                Place::Array(_) => arrays.next().map(|array| array.as_output()),
                Place::Paged(number) => {
                    let strides = strides(*dtype, shape, order);
                    paging.outputs[number].memory.lend(*dtype, shape, &strides)
                }
            };
            let refused = || Failure::Run("a result does not lie in its memory".to_string());
            views.push(view.ok_or_else(refused)?);
        }
        let talk = if self.args.talk.quiet { Talk::Quiet } else { Talk::Normal };
        let (followed, all) = (Arc::downgrade(paging), self.plan.survey.elements.max(1));
        let done = move || followed.upgrade().map_or(0.0, |paging| ratio(paging.passed(), all));
        let _progress = Progress::follow(talk, self.plan.traffic(), done);
        let prepared = self.plan.prepared.with_pager(paging.clone());
        Ok(prepared.evaluate_into(variables(self.values)?, &mut views)?)
    }
}

/// The numbers of outputs, files before streams.
fn files_first(paths: &[PathBuf]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..paths.len()).collect();
    order.sort_by_key(|&number| save::is_stream(&paths[number]));
    order
}

/// Strides of a result in that order.
pub(super) fn strides(dtype: DType, shape: &[usize], order: Order) -> Vec<isize> {
    match order {
        Order::C | Order::Both => c_strides(shape, dtype.size()),
        Order::Fortran => {
            let reversed: Vec<usize> = shape.iter().rev().copied().collect();
            c_strides(&reversed, dtype.size()).into_iter().rev().collect()
        }
    }
}

/// Where a result is among its likes.
#[derive(Clone, Copy)]
enum Place {
    Array(usize),
    Paged(usize),
}

impl Computed {
    /// The bytes in C order, window by window; a window takes no memory any more when the next one is asked
    /// for.
    fn chunks(&self) -> Box<dyn Iterator<Item = &[u8]> + '_> {
        match self {
            Computed::Array(array) => Box::new(array.as_bytes().chunks(WINDOW)),
            Computed::Paged(Output { memory, .. }) => {
                Box::new((0..memory.n_windows()).filter_map(|window| {
                    if let Some(before) = window.checked_sub(1) {
                        memory.forget(before);
                    }
                    memory.window(window)
                }))
            }
        }
    }

    /// Where its bytes are, if they are anywhere.
    fn produced(&self) -> Option<Produced<'_>> {
        match self {
            Computed::Array(array) => Some(Produced::Bytes(array.as_bytes())),
            Computed::Paged(Output { memory, sink, tap, .. }) => match (tap, sink) {
                (Some(tap), Sink::KeepSome(_)) => Some(Produced::Picked(tap.taken()?)),
                (Some(tap), _) => Some(Produced::Passed(tap.taken()?)),
                (None, Sink::File(writer)) => Some(Produced::File(writer)),
                (None, Sink::Keep) => Some(Produced::Kept(memory)),
                (None, Sink::KeepSome(_) | Sink::Stream(_) | Sink::Print(_)) => None,
            },
        }
    }

    fn writer(self) -> Option<NpyWriter> {
        match self {
            Computed::Array(_) => None,
            Computed::Paged(output) => output.sink.into_writer(),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a part of a progress bar")]
fn ratio(done: u64, all: u128) -> f64 {
    done as f64 / all as f64
}
