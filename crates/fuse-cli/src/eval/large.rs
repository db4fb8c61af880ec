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

use fuse::raw::ByteOrder;
use fuse::{Array, AsOutput as _, DType, Input, Layout, Outputs, PrintOptions, Vars, View};
use fuse_npy::{NpyWriter, Output as To, Overwrite};

use super::{Evaluation, variables};
use crate::args::Format;
use crate::failure::Failure;
use crate::paging::{InOrder, Memory, Output, Paging, Progress, Sink, Talk, WINDOW, c_strides};
use crate::print::Printer;
use crate::value::Order;
use crate::{print, save};

/// Where a result goes.
enum Destination {
    Array(Array),
    Paged(Output),
}

/// A result that has been computed.
enum Computed {
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
        let mut destinations = Vec::new();
        // Nothing goes into a stream before all files could be made.
        let mut order: Vec<usize> = (0..paths.len()).collect();
        order.sort_by_key(|&number| save::is_stream(&paths[number]));
        let mut writers: Vec<Option<NpyWriter>> = paths.iter().map(|_| None).collect();
        for &number in &order {
            writers[number] = Some(self.writer(number, &paths[number], overwrite)?);
        }
        for (number, writer) in writers.into_iter().enumerate() {
            let Some(writer) = writer else { continue };
            let sink = if save::is_stream(&paths[number]) {
                Sink::Stream(InOrder::new(writer))
            } else {
                Sink::File(writer)
            };
            destinations.push(Destination::Paged(Output::new(self.reserve(number)?, sink)));
        }
        let computed = self.run_paged(destinations, self.plan.order())?;
        let mut finished: Vec<(&Path, NpyWriter)> = Vec::new();
        let mut writers: Vec<Option<NpyWriter>> =
            computed.into_iter().map(Computed::writer).collect();
        for number in order {
            if let Some(writer) = writers[number].take() {
                finished.push((&paths[number], writer));
            }
        }
        save::commit_all(finished, overwrite)
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
            Format::Numpy if self.at_their_places() => self.print_edges(&options),
            Format::Numpy => self.print_kept(&options),
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
                let sink = Sink::Print(InOrder::new(printer));
                Destination::Paged(Output::new(self.reserve(0)?, sink))
            }
            array @ Destination::Array(_) => array,
        };
        for computed in self.run_paged(vec![destination], Order::C)? {
            match computed {
                Computed::Array(array) => {
                    print::print_all(&self.formula, &[array], format, self.token)?;
                }
                Computed::Paged(output) => {
                    if let Some(mut printer) = output.sink.into_printer() {
                        printer.end()?;
                        printer.finish()?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Several results, one after the other.
    fn print_several(&self, format: Format) -> Result<(), Failure> {
        let destinations: Result<Vec<Destination>, Failure> =
            (0..self.plan.results.len()).map(|number| self.keep(number)).collect();
        let mut printer = self.printer(format);
        for (computed, (dtype, shape)) in
            self.run_paged(destinations?, Order::C)?.iter().zip(&self.plan.results)
        {
            printer.begin(*dtype, shape)?;
            for chunk in computed.chunks() {
                printer.elements(chunk)?;
            }
            printer.end()?;
        }
        printer.finish()
    }

    /// Computes the printed elements of the results, and no others.
    fn print_edges(&self, options: &PrintOptions) -> Result<(), Failure> {
        let shape = &self.plan.results[0].1;
        let indices = options.printed_indices(shape);
        let mut parts: Vec<Option<Part>> = Vec::new();
        for (_, value) in self.values.iter() {
            let part = value.raw().map(|raw| {
                let own = own_indices(&indices, value.shape());
                Part::gather((raw.dtype, raw.order), &own, &raw.strides, raw.bytes)
            });
            parts.push(part);
        }
        let inputs = self.values.iter().zip(&parts).map(|((name, value), part)| {
            let input = part.as_ref().map_or_else(|| value.as_input(), Part::input)?;
            Ok((name.as_str(), input))
        });
        let vars: Vars<'_> = inputs.collect::<Result<_, Failure>>()?;
        let mut printer = self.printer(Format::Numpy);
        for array in self.formula.evaluate_all(vars)? {
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
                    Destination::Paged(Output::new(self.reserve(number)?, Sink::KeepSome(windows)))
                }
            });
        }
        let mut printer = self.printer(Format::Numpy);
        for (computed, (dtype, shape)) in
            self.run_paged(destinations, Order::C)?.iter().zip(&self.plan.results)
        {
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

    /// Does an element of a result need the elements of the inputs at its own place alone, and have all
    /// results the same places?
    fn at_their_places(&self) -> bool {
        let Some((_, shape)) = self.plan.results.first() else { return false };
        let broadcasts = |own: &[usize]| {
            let mut pairs = own.iter().rev().zip(shape.iter().rev());
            own.len() <= shape.len() && pairs.all(|(&own, &all)| own == 1 || own == all)
        };
        self.plan.survey.elementwise
            && self.plan.results.iter().all(|(_, own)| own == shape)
            && self.values.iter().all(|(_, value)| broadcasts(value.shape()))
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

/// Strides of a result in that order.
fn strides(dtype: DType, shape: &[usize], order: Order) -> Vec<isize> {
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

/// Elements taken out of an array.
struct Part {
    dtype: DType,
    order: ByteOrder,
    extents: Vec<usize>,
    bytes: Vec<u8>,
}

impl Part {
    /// The elements at all combinations of these indices.
    fn gather(
        (dtype, order): (DType, ByteOrder),
        indices: &[Vec<usize>],
        strides: &[isize],
        from: &[u8],
    ) -> Part {
        let mut bytes = Vec::new();
        for offset in strided_offsets(indices, strides) {
            bytes.extend_from_slice(&from[offset..offset + dtype.size()]);
        }
        Part { dtype, order, extents: indices.iter().map(Vec::len).collect(), bytes }
    }

    /// The same, of a result of which some windows have been kept.
    fn of_windows(dtype: DType, indices: &[Vec<usize>], shape: &[usize], memory: &Memory) -> Part {
        let mut bytes = Vec::new();
        for offset in offsets(indices, shape, dtype.size()) {
            let window = memory.window(offset / WINDOW).unwrap_or(&[]);
            bytes.extend_from_slice(
                window.get(offset % WINDOW..).map_or(&[], |rest| &rest[..dtype.size()]),
            );
        }
        let extents = indices.iter().map(Vec::len).collect();
        Part { dtype, order: ByteOrder::Native, extents, bytes }
    }

    fn input(&self) -> Result<Input<'_>, Failure> {
        let strides = c_strides(&self.extents, self.dtype.size());
        let Part { dtype, order, extents, bytes } = self;
        let layout = Layout { dtype: *dtype, order: *order, extents, strides: &strides };
        Ok(Input::array(View::from_bytes(bytes, &layout, 0).map_err(fuse::Error::from)?))
    }

    fn array(&self, engine: &fuse::Engine) -> Result<Array, Failure> {
        Ok(engine.evaluate("copy(part)", [("part", self.input()?)])?)
    }
}

/// Of a result's indices those of an operand that broadcasts to it.
fn own_indices(indices: &[Vec<usize>], shape: &[usize]) -> Vec<Vec<usize>> {
    let of_last = &indices[indices.len() - shape.len()..];
    let own =
        |(list, &extent): (&Vec<usize>, &usize)| if extent == 1 { vec![0] } else { list.clone() };
    of_last.iter().zip(shape).map(own).collect()
}

/// Byte offsets of the elements at all combinations of indices, in C order.
fn offsets(indices: &[Vec<usize>], shape: &[usize], item_size: usize) -> Vec<usize> {
    strided_offsets(indices, &c_strides(shape, item_size))
}

fn strided_offsets(indices: &[Vec<usize>], strides: &[isize]) -> Vec<usize> {
    let mut all = vec![0_usize];
    for (list, stride) in indices.iter().zip(strides) {
        let next = |offset: &usize| {
            let offset = *offset;
            list.iter().map(move |&index| offset + index * stride.unsigned_abs())
        };
        all = all.iter().flat_map(next).collect();
    }
    all
}
