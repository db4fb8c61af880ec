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
//! infinity, which becomes `1e999`: every JSON reader makes an infinity of it.

use std::io::{BufWriter, IsTerminal as _, StdoutLock, Write, stdout};

use fuse::{Array, CancelToken, DType, Formula};

use crate::args::Format;
use crate::failure::{Failure, INTERRUPTED};

/// Elements printed between two looks at the token.
const POLL: usize = 4096;

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
    let mut out = BufWriter::with_capacity(1 << 16, stdout().lock());
    let mut printer = Printer { out: &mut out, token };
    let printed = match arrays {
        [array] => printer.print(array, format),
        several => printer.several(formula, several, format),
    };
    if printed.is_err() {
        // What is in the buffer is not to be written when it is dropped.
        drop(out.into_parts());
        return printed;
    }
    Ok(out.flush()?)
}

struct Printer<'a> {
    out: &'a mut BufWriter<StdoutLock<'static>>,
    token: &'a CancelToken,
}

impl Printer<'_> {
    fn several(
        &mut self,
        formula: &Formula,
        arrays: &[Array],
        format: Format,
    ) -> Result<(), Failure> {
        if format == Format::Json {
            return self.json_list(arrays);
        }
        for (position, (array, text)) in arrays.iter().zip(formula.results()).enumerate() {
            let gap = if position > 0 { "\n" } else { "" };
            writeln!(self.out, "{gap}# {}", heading(text))?;
            self.print(array, format)?;
        }
        Ok(())
    }

    fn json_list(&mut self, arrays: &[Array]) -> Result<(), Failure> {
        for (position, array) in arrays.iter().enumerate() {
            self.out.write_all(if position > 0 { b", " } else { b"[" })?;
            self.json(array, 0, 0)?;
        }
        Ok(self.out.write_all(b"]\n")?)
    }

    fn print(&mut self, array: &Array, format: Format) -> Result<(), Failure> {
        match format {
            Format::Numpy => Ok(writeln!(self.out, "{array}")?),
            Format::Tsv => self.rows(array, "\t"),
            Format::Csv => self.rows(array, ","),
            Format::Json => {
                self.json(array, 0, 0)?;
                Ok(writeln!(self.out)?)
            }
        }
    }

    fn rows(&mut self, array: &Array, separator: &str) -> Result<(), Failure> {
        let shape = array.shape();
        let columns = if shape.len() < 2 { 1 } else { shape[shape.len() - 1] };
        let rows = if shape.len() < 3 { usize::MAX } else { shape[shape.len() - 2] };
        for position in 0..array.len() {
            self.poll(position)?;
            let begins_row = position % columns == 0;
            if begins_row && position > 0 {
                self.out.write_all(b"\n")?;
                if (position / columns).is_multiple_of(rows) {
                    self.out.write_all(b"\n")?;
                }
            }
            if !begins_row {
                self.out.write_all(separator.as_bytes())?;
            }
            self.out.write_all(array.element_text(position).as_bytes())?;
        }
        if array.is_empty() { Ok(()) } else { Ok(self.out.write_all(b"\n")?) }
    }

    fn json(&mut self, array: &Array, axis: usize, base: usize) -> Result<(), Failure> {
        let Some(&extent) = array.shape().get(axis) else {
            self.poll(base)?;
            return Ok(self.out.write_all(json_element(array, base).as_bytes())?);
        };
        self.out.write_all(b"[")?;
        for step in 0..extent {
            if step > 0 {
                self.out.write_all(b", ")?;
            }
            self.json(array, axis + 1, base * extent + step)?;
        }
        Ok(self.out.write_all(b"]")?)
    }

    fn poll(&self, position: usize) -> Result<(), Failure> {
        let interrupted = position.is_multiple_of(POLL) && self.token.is_cancelled();
        if interrupted { Err(Failure::Reported(INTERRUPTED)) } else { Ok(()) }
    }
}

/// A result's text in one line.
fn heading(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(HEADING) {
        Some(_) => line.chars().take(HEADING - 1).chain(['…']).collect(),
        None => line,
    }
}

fn json_element(array: &Array, position: usize) -> String {
    let text = array.element_text(position);
    match text.as_str() {
        "True" => "true".to_string(),
        "False" => "false".to_string(),
        "nan" => "null".to_string(),
        "inf" => "1e999".to_string(),
        "-inf" => "-1e999".to_string(),
        _ if is_number(array.dtype()) => text,
        _ => format!("\"{text}\""),
    }
}

/// Does it print as a number?
fn is_number(dtype: DType) -> bool {
    dtype.is_integer() || dtype.is_float()
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
        let long = heading(&"x + ".repeat(50));
        assert!(long.chars().count() == HEADING && long.ends_with('…'), "{long}");
    }

    #[test]
    fn json_has_no_nan() {
        let array = Array::from_slice(&[f64::NAN, f64::INFINITY, 1.5], &[3]).unwrap();
        let texts: Vec<String> = (0..3).map(|position| json_element(&array, position)).collect();
        assert_eq!(texts, ["null", "1e999", "1.5"]);
    }
}
