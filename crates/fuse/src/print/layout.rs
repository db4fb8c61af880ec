//! Brackets, lines, and what is left out: NumPy's `_formatArray`.
//!
//! An element that does not fit into its line begins the next one; rows of a matrix begin lines of
//! their own, matrices have an empty line between them.

use std::fmt;

use fuse_ir::DType;
use fuse_runtime::{Complex, F16};

use super::element::push_element;
use super::float::{FloatFormat, Real, Sign};
use super::{PrintOptions, text};
use crate::array::Array;

/// Which elements along an axis are printed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    extent: usize,
    /// At either end, if something between them is left out.
    edge: Option<usize>,
    /// Stand the last ones right behind the first in memory?
    closed: bool,
}

impl Axis {
    /// Of an array in which what is left out is not there.
    pub(super) fn closed(self) -> Axis {
        Axis { closed: true, ..self }
    }

    /// Positions in memory.
    pub(super) fn indices(self) -> impl Iterator<Item = usize> {
        let (head, tail) = match self.edge {
            None => (self.extent, 0),
            Some(edge) => (edge, edge),
        };
        let end = if self.closed { head + tail } else { self.extent };
        (0..head).chain(end - tail..end)
    }
}

impl PrintOptions {
    /// What is printed of an array of this shape.
    pub(super) fn axes(&self, shape: &[usize]) -> Vec<Axis> {
        let len = shape.iter().try_fold(1_usize, |len, &extent| len.checked_mul(extent));
        let is_short = shape.contains(&0) || len.is_some_and(|len| len <= self.threshold);
        let edge = self.edge_items.max(1);
        let axis = |&extent: &usize| {
            let is_cut = !is_short && extent > edge.saturating_mul(2);
            Axis { extent, edge: is_cut.then_some(edge), closed: false }
        };
        shape.iter().map(axis).collect()
    }
}

/// An array's text.
pub(super) struct Printed(String);

impl fmt::Display for Printed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Prints the elements that the axes name.
pub(super) fn print(array: &Array, axes: &[Axis], options: &PrintOptions) -> Printed {
    if array.shape().is_empty() {
        return Printed(scalar(array));
    }
    if array.is_empty() {
        return Printed("[]".to_string());
    }
    let mut positions = Vec::new();
    collect_positions(array.shape(), axes, 0, &mut positions);
    let format = Format::of(array, &positions, options.precision);
    let words = positions.iter().map(|&position| format.word(array, position)).collect();
    let mut out = String::new();
    let mut printer = Printer { axes, words, next: 0, line_width: options.line_width };
    printer.axis(&mut out, 0);
    Printed(out)
}

fn scalar(array: &Array) -> String {
    let mut out = String::new();
    match array.dtype() {
        DType::Bytes(_) => text::push_quoted(&mut out, array.dtype(), array.as_bytes()),
        dtype => push_element(&mut out, dtype, array.as_bytes()),
    }
    out
}

/// Positions in memory of the elements that are printed, in their order.
fn collect_positions(shape: &[usize], axes: &[Axis], base: usize, positions: &mut Vec<usize>) {
    match (shape, axes) {
        ([extent, inner_shape @ ..], [axis, inner_axes @ ..]) => {
            for step in axis.indices() {
                collect_positions(inner_shape, inner_axes, base * extent + step, positions);
            }
        }
        _ => positions.push(base),
    }
}

struct Printer<'a> {
    axes: &'a [Axis],
    /// The elements' texts in order.
    words: Vec<String>,
    /// The one to print next.
    next: usize,
    line_width: usize,
}

impl Printer<'_> {
    /// A bracket of this depth; lines in it are indented by one blank more than there are brackets
    /// open before it.
    fn axis(&mut self, out: &mut String, depth: usize) {
        out.push('[');
        if depth + 1 == self.axes.len() {
            self.row(out, depth);
        } else {
            self.rows(out, depth);
        }
        out.push(']');
    }

    fn rows(&mut self, out: &mut String, depth: usize) {
        let below = self.axes.len() - depth - 1;
        let gap = self.gap(depth);
        for index in 0..self.axes[depth].indices().count() {
            if index > 0 {
                self.break_line(out, depth, below);
            }
            if Some(index) == gap {
                out.push_str("...");
                self.break_line(out, depth, below);
            }
            self.axis(out, depth + 1);
        }
    }

    fn break_line(&self, out: &mut String, depth: usize, lines: usize) {
        out.extend(std::iter::repeat_n('\n', lines));
        out.extend(std::iter::repeat_n(' ', depth + 1));
    }

    /// How many elements stand before those that are left out.
    fn gap(&self, depth: usize) -> Option<usize> {
        self.axes[depth].edge
    }

    /// The innermost bracket: one or several lines of elements.
    fn row(&mut self, out: &mut String, depth: usize) {
        // The brackets before this one take a blank each, those behind it a character each.
        let indent = depth + 1;
        let mut line =
            Line { out, indent, len: indent, width: self.line_width.saturating_sub(indent) };
        let gap = self.gap(depth);
        for index in 0..self.axes[depth].indices().count() {
            if Some(index) == gap {
                line.push("...");
            }
            let word = self.words.get(self.next).map_or("", String::as_str);
            line.push(word);
            self.next += 1;
        }
    }
}

/// A line in the making.
struct Line<'a> {
    out: &'a mut String,
    indent: usize,
    /// Characters in it.
    len: usize,
    width: usize,
}

impl Line<'_> {
    /// Appends a word; one that does not fit stands on a new line, unless this one has no other.
    fn push(&mut self, word: &str) {
        let characters = word.chars().count();
        let is_first = self.len == self.indent;
        if !is_first {
            self.out.push(' ');
            self.len += 1;
        }
        if !is_first && self.len + characters > self.width {
            self.out.truncate(self.out.trim_end_matches(' ').len());
            self.out.push('\n');
            self.out.extend(std::iter::repeat_n(' ', self.indent));
            self.len = self.indent;
        }
        self.out.push_str(word);
        self.len += characters;
    }
}

/// The common form of an array's elements.
enum Format {
    Bool,
    /// Right-aligned in so many characters.
    Integer(usize),
    Real(FloatFormat),
    Complex(FloatFormat, FloatFormat),
    Text,
}

impl Format {
    fn of(array: &Array, positions: &[usize], precision: usize) -> Format {
        match array.dtype() {
            DType::Bool => Format::Bool,
            DType::I8
            | DType::I16
            | DType::I32
            | DType::I64
            | DType::U8
            | DType::U16
            | DType::U32
            | DType::U64 => {
                let widths = positions.iter().map(|&position| array.element_text(position).len());
                Format::Integer(widths.max().unwrap_or(0))
            }
            DType::F16 | DType::F32 | DType::F64 => {
                let values: Vec<Real> = positions.iter().map(|&at| parts(array, at)[0]).collect();
                Format::Real(FloatFormat::new(&values, precision, Sign::Minus))
            }
            DType::C64 | DType::C128 => {
                let part = |part: usize, sign| {
                    let values: Vec<Real> =
                        positions.iter().map(|&at| parts(array, at)[part]).collect();
                    FloatFormat::new(&values, precision, sign)
                };
                Format::Complex(part(0, Sign::Minus), part(1, Sign::Both))
            }
            DType::Bytes(_) | DType::Text(_) => Format::Text,
        }
    }

    fn word(&self, array: &Array, position: usize) -> String {
        match self {
            Format::Bool => format!("{:>5}", array.element_text(position)),
            Format::Integer(width) => format!("{:>width$}", array.element_text(position)),
            Format::Real(format) => format.text(parts(array, position)[0]),
            Format::Complex(real, imaginary) => {
                let [re, im] = parts(array, position);
                let imaginary = imaginary.text(im);
                // The letter follows the digits, and the blanks the letter.
                let digits = imaginary.trim_end();
                format!("{}{digits}j{}", real.text(re), &imaginary[digits.len()..])
            }
            Format::Text => {
                let (dtype, mut out) = (array.dtype(), String::new());
                let bytes = &array.as_bytes()[position * dtype.size()..][..dtype.size()];
                text::push_quoted(&mut out, dtype, bytes);
                out
            }
        }
    }
}

/// Real and imaginary part of an element.
fn parts(array: &Array, position: usize) -> [Real; 2] {
    if let Some(elements) = array.as_slice::<F16>() {
        return [Real::F16(elements[position]), Real::F16(F16(0))];
    }
    if let Some(elements) = array.as_slice::<f32>() {
        return [Real::F32(elements[position]), Real::F32(0.0)];
    }
    if let Some(elements) = array.as_slice::<Complex<f32>>() {
        return [Real::F32(elements[position].re), Real::F32(elements[position].im)];
    }
    if let Some(elements) = array.as_slice::<Complex<f64>>() {
        return [Real::F64(elements[position].re), Real::F64(elements[position].im)];
    }
    let element = array.as_slice::<f64>().map_or(0.0, |elements| elements[position]);
    [Real::F64(element), Real::F64(0.0)]
}
