//! Results on standard output.
//!
//! | rank | tsv, csv | json |
//! |---|---|---|
//! | 0 | the element | the element |
//! | 1 | one element a line, as `np.savetxt` | `[1.0, 2.0]` |
//! | 2 | one row a line | `[[…], […]]` |
//! | 3 and more | matrices with an empty line between them | nested |
//!
//! Several results stand below each other, each under a line `# a + b` that says which it is, with an
//! empty line between them; in JSON they are the elements of one array.
//!
//! Digits are the shortest that read back exactly. JSON has no NaN, which becomes `null`, and no
//! infinity, which becomes `1e999`: every JSON reader makes an infinity of it. Complex numbers are texts
//! there, as Python's `complex` reads them.
//!
//! [`Printer`] takes whole arrays, or their elements in runs: a result that does not fit into memory is
//! printed as it is computed. `rows` knows where lines and brackets begin.

mod rows;

use std::io::{IsTerminal as _, Write as _, stdout};

use fuse::{Array, CancelToken, DType, Formula, PrintOptions};

use crate::args::Format;
use crate::failure::{Failure, INTERRUPTED};
use rows::{RowFormat, Rows};

/// Elements printed between two looks at the token.
const POLL: usize = 4096;

/// Bytes that are kept before they are written.
const BUFFER: usize = 1 << 16;

/// Most characters of a result's heading.
const HEADING: usize = 76;

/// NumPy's format on a terminal, tabs in a pipe.
pub(crate) fn default_format() -> Format {
    if stdout().is_terminal() { Format::Numpy } else { Format::Tsv }
}

/// Prints each result of a formula.
pub(crate) fn print_all(
    formula: &Formula,
    arrays: &[Array],
    format: Format,
    token: &CancelToken,
) -> Result<(), Failure> {
    let mut printer = Printer::of(formula, format, token);
    for array in arrays {
        printer.array(array)?;
    }
    printer.finish()
}

/// Standard output while results are printed, one after the other.
///
/// A result is given whole ([`Printer::array`]), by the elements that are shown ([`Printer::edges`]), or
/// between [`Printer::begin`] and [`Printer::end`] by all of its elements, run by run. What an error
/// leaves in the buffer is not written.
pub(crate) struct Printer {
    headings: Vec<String>,
    format: Format,
    options: PrintOptions,
    token: CancelToken,
    /// Results begun.
    n_begun: usize,
    rows: Option<Rows>,
    buffer: String,
}

impl Printer {
    /// For the results of a formula.
    pub(crate) fn of(formula: &Formula, format: Format, token: &CancelToken) -> Printer {
        Printer::new(formula.results().map(heading).collect(), format, token)
    }

    /// For as many results as there are headings; that of a single one is not shown.
    pub(crate) fn new(headings: Vec<String>, format: Format, token: &CancelToken) -> Printer {
        let (options, buffer) = (PrintOptions::default(), String::with_capacity(2 * BUFFER));
        let token = token.clone();
        Printer { headings, format, options, token, n_begun: 0, rows: None, buffer }
    }

    /// With another form of NumPy's format.
    pub(crate) fn with_options(self, options: PrintOptions) -> Printer {
        Printer { options, ..self }
    }

    /// A whole result.
    pub(crate) fn array(&mut self, array: &Array) -> Result<(), Failure> {
        if self.row_format().is_none() {
            self.heading()?;
            self.buffer.push_str(&array.display(&self.options).to_string());
            return self.end_line();
        }
        self.begin(array.dtype(), array.shape())?;
        self.elements(array.as_bytes())?;
        self.end()
    }

    /// A result of this shape in NumPy's format, of which these are the elements at
    /// [`PrintOptions::printed_indices`].
    pub(crate) fn edges(&mut self, part: &Array, shape: &[usize]) -> Result<(), Failure> {
        self.heading()?;
        self.buffer.push_str(&part.display_as_part(shape, &self.options).to_string());
        self.end_line()
    }

    /// Begins a result whose elements follow, in a format other than NumPy's, which needs all of them at
    /// once.
    pub(crate) fn begin(&mut self, dtype: DType, shape: &[usize]) -> Result<(), Failure> {
        let format = self.row_format().unwrap_or(RowFormat::Tsv);
        self.heading()?;
        self.rows = Some(Rows::new(format, dtype, shape));
        Ok(())
    }

    /// The next elements of the result that was begun: whole ones, native bytes in C order.
    pub(crate) fn elements(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let Some(mut rows) = self.rows.take() else { return Ok(()) };
        for run in bytes.chunks(POLL * rows.item_size()) {
            if self.token.is_cancelled() {
                return Err(Failure::Reported(INTERRUPTED));
            }
            rows.push(&mut self.buffer, run);
            if self.buffer.len() >= BUFFER {
                self.write()?;
            }
        }
        self.rows = Some(rows);
        Ok(())
    }

    /// All elements of the result have been given.
    pub(crate) fn end(&mut self) -> Result<(), Failure> {
        if let Some(rows) = self.rows.take() {
            rows.finish(&mut self.buffer);
        }
        if self.format == Format::Json {
            return self.end_line();
        }
        self.write()
    }

    /// All results have been given.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        self.write()?;
        Ok(stdout().lock().flush()?)
    }

    fn row_format(&self) -> Option<RowFormat> {
        match self.format {
            Format::Numpy => None,
            Format::Tsv => Some(RowFormat::Tsv),
            Format::Csv => Some(RowFormat::Csv),
            Format::Json => Some(RowFormat::Json),
        }
    }

    /// What stands before a result.
    fn heading(&mut self) -> Result<(), Failure> {
        let position = self.n_begun;
        self.n_begun += 1;
        let is_first = position == 0;
        match (&self.headings[..], self.format) {
            ([_], _) => {}
            (_, Format::Json) => self.buffer.push_str(if is_first { "[" } else { ", " }),
            (headings, Format::Numpy | Format::Tsv | Format::Csv) => {
                let gap = if is_first { "" } else { "\n" };
                let heading = headings.get(position).map_or("", String::as_str);
                self.buffer.push_str(&format!("{gap}# {heading}\n"));
            }
        }
        self.write()
    }

    /// What stands behind a result: of several in JSON only behind the last.
    fn end_line(&mut self) -> Result<(), Failure> {
        let is_last = self.n_begun >= self.headings.len();
        match (self.headings.len(), self.format) {
            (1, _) | (_, Format::Numpy | Format::Tsv | Format::Csv) => self.buffer.push('\n'),
            (_, Format::Json) if is_last => self.buffer.push_str("]\n"),
            (_, Format::Json) => {}
        }
        self.write()
    }

    /// Writes what has been kept, in large pieces.
    fn write(&mut self) -> Result<(), Failure> {
        if self.buffer.len() >= BUFFER || self.n_begun >= self.headings.len() && self.rows.is_none()
        {
            stdout().lock().write_all(self.buffer.as_bytes())?;
            self.buffer.clear();
        }
        Ok(())
    }
}

/// A result's text in one line, escaped.
pub(crate) fn heading(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = crate::text::escaped(&words.join(" "));
    match line.char_indices().nth(HEADING) {
        Some(_) => line.chars().take(HEADING - 1).chain(['…']).collect(),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: f64) -> String {
        Array::from_slice(&[value], &[]).unwrap().element_text(0)
    }

    #[test]
    fn digits_are_pythons_and_read_back() {
        for (value, expected) in [
            (0.1, "0.1"),
            (1.0, "1.0"),
            (-0.0, "-0.0"),
            (1e16, "1e+16"),
            (1e-5, "1e-05"),
            (0.0001, "0.0001"),
            (1.0 / 3.0, "0.3333333333333333"),
            (f64::MAX, "1.7976931348623157e+308"),
            (5e-324, "5e-324"),
            (f64::NAN, "nan"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(text(value), expected);
            let read: f64 = expected.parse().unwrap();
            assert!(read.to_bits() == value.to_bits() || value.is_nan());
        }
    }

    #[test]
    fn headings_are_one_line() {
        assert_eq!(heading("(a +\n   b)"), "(a + b)");
        assert_eq!(heading("a == '\u{1b}[2J\u{202e}'"), "a == '\\u{1b}[2J\\u{202e}'");
        let long = heading(&"x + ".repeat(50));
        assert!(long.chars().count() == HEADING && long.ends_with('…'), "{long}");
    }
}
