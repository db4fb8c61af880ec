//! `fuse plot`: results as pictures, in the terminal or as SVG.
//!
//! ```text
//! arrays ─▶ figure ─┬─ curves   histogram ─▶ trace ─┬─▶ terminal   dots of Braille, half blocks
//!                   │                               │
//!                   └─ image    blocks, colours  ───┴─▶ svg        paths, an embedded PNG (png)
//!                      scale: ranges and ticks of the axes
//! ```
//!
//! Invariants. *A curve is read in one pass and drawn with what shows: of the points that fall into one
//! column of dots the first, the last, the least and the greatest, so that no peak is lost however many
//! points there are. NaNs are gaps; infinities are marked at the edge.*

mod figure;
mod histogram;
mod image;
mod png;
mod scale;
mod svg;
mod terminal;
mod trace;
mod values;

use std::io::{Write as _, stdout};
use std::path::Path;

use fuse::{Array, Color, DType, Formula};
use fuse_npy::{AtomicFile, Output, Overwrite, escape_path};

use crate::args::PlotArgs;
use crate::binding::{self, Binding};
use crate::eval::{self, Values};
use crate::failure::Failure;
use crate::interrupt::interruptible;
use crate::value::{Access, Value};
use crate::{engine, print, save};

pub(crate) use figure::{Figure, Series};
pub(crate) use terminal::{Canvas, Glyphs, Paint};

/// Width and height of a picture in a file, in pixels.
pub(crate) const PICTURE: [usize; 2] = [800, 500];

/// Least width and height in cells; in pixels ten times as much.
const LEAST: [usize; 2] = [20, 6];

/// Cells where standard output is no terminal.
const FALLBACK: [usize; 2] = [80, 24];

pub(crate) fn run(args: &PlotArgs, color: Color) -> Result<(), Failure> {
    let (text, arguments) = args.formula.resolve()?;
    let bindings = binding::parse_all(&arguments)?;
    let overwrite = if args.force { Overwrite::Replace } else { Overwrite::Refuse };
    let size = size(args)?;
    if let Some(path) = &args.output {
        check_output(path, overwrite)?;
    }
    let engine = engine::build(&args.engine, args.threads.unwrap_or(0))?;
    let formula = engine.formula(&text)?;
    let values = load(&formula, &bindings, args)?;
    interruptible(|token| {
        let engine = engine.with_cancel(token);
        let arrays = engine.formula(&text)?.evaluate_all(eval::variables(&values)?)?;
        let x = match axis_name(&formula, values.iter(), &arrays) {
            Some(name) => Some((name, engine.formula(name)?.evaluate(eval::variables(&values)?)?)),
            None => None,
        };
        let figure = figure(args, &formula, &arrays, x.as_ref())?;
        match &args.output {
            Some(path) => write(path, overwrite, &figure.svg(size[0], size[1])),
            None => {
                let glyphs = if args.ascii { Glyphs::Ascii } else { Glyphs::Braille };
                let [width, height] = size;
                let canvas = Canvas { width, height, glyphs, ..Canvas::of_terminal(color) };
                Ok(stdout().lock().write_all(figure.terminal(&canvas).as_bytes())?)
            }
        }
    })
}

/// What is to be drawn.
fn figure<'a>(
    args: &PlotArgs,
    formula: &Formula,
    arrays: &'a [Array],
    x: Option<&'a (&str, Array)>,
) -> Result<Figure<'a>, Failure> {
    let series = |(values, text): (&'a Array, &str)| Series { label: print::heading(text), values };
    let series: Vec<Series<'a>> = arrays.iter().zip(formula.results()).map(series).collect();
    let title = match (&args.title, &series[..]) {
        (Some(title), _) => Some(title.clone()),
        (None, [only]) => Some(only.label.clone()),
        (None, _) => None,
    };
    let figure = if args.hist {
        Figure::histogram(series)?
    } else {
        let x = x.map(|(name, values)| Series { label: (*name).to_string(), values });
        Figure::of(series, x)?
    };
    Ok(match title {
        Some(title) => figure.titled(&title),
        None => figure,
    })
}

/// The variable along the horizontal axis: the only vector that the formula uses, if results have its
/// length. The variable itself is drawn over its index.
pub(crate) fn axis_name<'v>(
    formula: &Formula,
    values: impl Iterator<Item = &'v (String, Value)>,
    arrays: &[Array],
) -> Option<&'v str> {
    let mut vectors = values.filter(|(_, value)| value.shape().len() == 1);
    let (Some((name, value)), None) = (vectors.next(), vectors.next()) else { return None };
    let is_real = value.dtype().is_integer() || value.dtype().is_float();
    let fits = arrays.iter().all(|array| array.shape() == value.shape());
    let is_drawn = formula.results().any(|result| result.trim() == name);
    (is_real && fits && !is_drawn && value.dtype() != DType::Bool).then_some(name)
}

fn load(formula: &Formula, bindings: &[Binding], args: &PlotArgs) -> Result<Values, Failure> {
    let access = if args.no_mmap { Access::READ } else { Access::MAP };
    let used = |binding: &&Binding| formula.names().any(|name| name == binding.name);
    let load =
        |binding: &Binding| Ok((binding.name.clone(), Value::load(&binding.source, access)?));
    bindings.iter().filter(used).map(load).collect()
}

/// Width and height, in cells or in pixels.
fn size(args: &PlotArgs) -> Result<[usize; 2], Failure> {
    let (default, unit, scale) = match &args.output {
        Some(_) => (PICTURE, "pixels", 10),
        None => (terminal_size(), "cells", 1),
    };
    let mut size = default;
    for (axis, (name, asked)) in
        [("--width", args.width), ("--height", args.height)].iter().enumerate()
    {
        let least = LEAST[axis] * scale;
        match *asked {
            Some(extent) if !(least..=20_000).contains(&extent) => {
                let message = format!("{name} {extent}: expected {least} to 20000 {unit}");
                return Err(Failure::Usage(message));
            }
            Some(extent) => size[axis] = extent,
            None => {}
        }
    }
    Ok(size)
}

/// Columns and rows for a picture: a row less than there are, for the prompt.
fn terminal_size() -> [usize; 2] {
    let dimensions =
        rustyline::DefaultEditor::new().ok().and_then(|mut editor| editor.dimensions());
    let cells = dimensions.map(|(columns, rows)| [columns, rows].map(usize::from));
    match cells {
        Some([columns, rows]) if columns > 0 && rows > 1 => {
            [columns.max(LEAST[0]), (rows - 1).max(LEAST[1])]
        }
        Some(_) | None => FALLBACK,
    }
}

/// The colours that standard output takes.
fn paint(color: Color) -> Paint {
    let true_color = std::env::var("COLORTERM").is_ok_and(|it| it == "truecolor" || it == "24bit");
    match color {
        Color::Never => Paint::Plain,
        Color::Always if true_color => Paint::True,
        Color::Always => Paint::Indexed,
    }
}

impl Canvas {
    /// Of the size of standard output; coloured as [`crate::text::output_color`] says.
    pub(crate) fn of_terminal(color: Color) -> Canvas {
        let [width, height] = terminal_size();
        Canvas { width, height, glyphs: Glyphs::Braille, paint: paint(color) }
    }
}

/// Refuses, before anything runs, what would be refused in the end.
pub(crate) fn check_output(path: &Path, overwrite: Overwrite) -> Result<(), Failure> {
    let is_svg = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("svg"));
    match Output::from_argument(path) {
        Output::Stdout => Ok(()),
        Output::Path(path) if !is_svg => {
            let message = format!("{}: pictures are written as SVG", escape_path(path));
            Err(Failure::Usage(format!("{message}; give the file a name that ends in .svg")))
        }
        Output::Path(path) => save::check_targets(&[path.to_owned()], overwrite),
    }
}

/// Writes the picture; the file appears complete or not at all.
pub(crate) fn write(path: &Path, overwrite: Overwrite, svg: &str) -> Result<(), Failure> {
    match Output::from_argument(path) {
        Output::Stdout => Ok(stdout().lock().write_all(svg.as_bytes())?),
        Output::Path(path) => {
            let file = AtomicFile::create(path, overwrite)?;
            file.write_at(0, svg.as_bytes())?;
            Ok(file.commit()?)
        }
    }
}

#[cfg(test)]
mod tests;
