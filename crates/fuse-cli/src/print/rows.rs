//! Elements in C order as lines or as nested lists, without looking back: memory for one element.
//!
//! | | between elements | text |
//! |---|---|---|
//! | tsv | tab, line break at a row's end, two at a matrix's | Python's escapes, so that a tab is `\t` |
//! | csv | comma, the same | the same, in quotes if there is a comma or a quote in it (RFC 4180) |
//! | json | `, ` and brackets | a JSON string; all that a terminal acts on is `\u001b` |

use std::fmt::Write as _;

use fuse::DType;
use fuse::raw::write_element;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RowFormat {
    Tsv,
    Csv,
    Json,
}

/// One array, as far as it has been printed.
#[derive(Debug)]
pub(super) struct Rows {
    format: RowFormat,
    dtype: DType,
    shape: Vec<usize>,
    /// Elements printed.
    position: usize,
}

impl Rows {
    pub(super) fn new(format: RowFormat, dtype: DType, shape: &[usize]) -> Rows {
        Rows { format, dtype, shape: shape.to_vec(), position: 0 }
    }

    /// Bytes of an element; at least one.
    pub(super) fn item_size(&self) -> usize {
        self.dtype.size().max(1)
    }

    /// The next elements.
    pub(super) fn push(&mut self, out: &mut String, bytes: &[u8]) {
        let size = self.item_size();
        for element in bytes.chunks_exact(size) {
            match self.format {
                RowFormat::Tsv | RowFormat::Csv => self.push_cell(out, element),
                RowFormat::Json => self.push_item(out, element),
            }
            self.position += 1;
        }
    }

    /// What stands behind the last element.
    pub(super) fn finish(&self, out: &mut String) {
        match self.format {
            RowFormat::Tsv | RowFormat::Csv if self.position > 0 => out.push('\n'),
            RowFormat::Tsv | RowFormat::Csv => {}
            RowFormat::Json if self.shape.contains(&0) => push_empty(out, &self.shape),
            RowFormat::Json => out.extend(std::iter::repeat_n(']', self.shape.len())),
        }
    }

    fn push_cell(&self, out: &mut String, element: &[u8]) {
        let columns = match self.shape[..] {
            [] | [_] => 1,
            [.., columns] => columns,
        };
        let rows = match self.shape[..] {
            [.., rows, _] if self.shape.len() > 2 => rows,
            _ => usize::MAX,
        };
        if !self.position.is_multiple_of(columns) {
            out.push(if self.format == RowFormat::Csv { ',' } else { '\t' });
        } else if self.position > 0 {
            let is_matrix = (self.position / columns).is_multiple_of(rows);
            out.push_str(if is_matrix { "\n\n" } else { "\n" });
        }
        let start = out.len();
        // Writing to a string cannot fail.
        _ = write_element(out, self.dtype, element);
        if self.format == RowFormat::Csv
            && self.dtype.is_text()
            && out[start..].contains([',', '"'])
        {
            let quoted = format!("\"{}\"", out[start..].replace('"', "\"\""));
            out.truncate(start);
            out.push_str(&quoted);
        }
    }

    fn push_item(&self, out: &mut String, element: &[u8]) {
        // How many brackets end before this element, and begin.
        let mut inner = 1;
        let turns = self.shape.iter().rev().take_while(|extent| {
            inner *= **extent;
            self.position.is_multiple_of(inner)
        });
        let turns = turns.count();
        if self.position > 0 {
            out.extend(std::iter::repeat_n(']', turns));
            out.push_str(", ");
        }
        out.extend(std::iter::repeat_n('[', turns));
        push_json(out, self.dtype, element);
    }
}

/// Nested lists of an array without elements.
fn push_empty(out: &mut String, shape: &[usize]) {
    let Some((extent, inner)) = shape.split_first() else { return };
    out.push('[');
    for index in 0..*extent {
        out.push_str(if index > 0 { ", " } else { "" });
        push_empty(out, inner);
    }
    out.push(']');
}

/// An element as JSON.
fn push_json(out: &mut String, dtype: DType, element: &[u8]) {
    if dtype.is_text() {
        return push_string(out, dtype, element);
    }
    let start = out.len();
    // Writing to a string cannot fail.
    _ = write_element(out, dtype, element);
    let other = match &out[start..] {
        "True" => Some("true".to_string()),
        "False" => Some("false".to_string()),
        "nan" => Some("null".to_string()),
        "inf" => Some("1e999".to_string()),
        "-inf" => Some("-1e999".to_string()),
        number if dtype.is_complex() => Some(format!("\"{number}\"")),
        _ => None,
    };
    if let Some(other) = other {
        out.truncate(start);
        out.push_str(&other);
    }
}

/// A text as a JSON string: bytes beyond ASCII are the characters of these numbers.
fn push_string(out: &mut String, dtype: DType, element: &[u8]) {
    let units: Vec<u32> = if let DType::Text(_) = dtype {
        element.as_chunks().0.iter().copied().map(u32::from_ne_bytes).collect()
    } else {
        element.iter().copied().map(u32::from).collect()
    };
    let padding = units.iter().rev().take_while(|unit| **unit == 0).count();
    out.push('"');
    for unit in &units[..units.len() - padding] {
        let c = char::from_u32(*unit).unwrap_or(char::REPLACEMENT_CHARACTER);
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            ' '..='~' => out.push(c),
            // What a terminal shows as it is stays; two characters mean that nothing was escaped.
            _ if ['a', c].iter().collect::<String>().escape_debug().count() == 2 => out.push(c),
            _ => {
                for half in c.encode_utf16(&mut [0; 2]) {
                    // Writing to a string cannot fail.
                    _ = write!(out, "\\u{half:04x}");
                }
            }
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use fuse::{Array, Complex};

    use super::*;

    fn printed(array: &Array, format: RowFormat) -> String {
        // Runs of every length give the same text.
        let texts = (1..=7).map(|n| {
            let (mut out, mut rows) =
                (String::new(), Rows::new(format, array.dtype(), array.shape()));
            let size = n * rows.item_size();
            array.as_bytes().chunks(size).for_each(|run| rows.push(&mut out, run));
            rows.finish(&mut out);
            out
        });
        let texts: Vec<String> = texts.collect();
        assert!(texts.iter().all(|text| *text == texts[0]), "{texts:?}");
        texts[0].clone()
    }

    fn counting(shape: &[usize]) -> Array {
        let elements: Vec<i64> = (0..shape.iter().product::<usize>() as i64).collect();
        Array::from_slice(&elements, shape).unwrap()
    }

    #[test]
    fn ranks_nest() {
        for (shape, tsv, json) in [
            (&[][..], "0\n", "0"),
            (&[1], "0\n", "[0]"),
            (&[3], "0\n1\n2\n", "[0, 1, 2]"),
            (&[2, 3], "0\t1\t2\n3\t4\t5\n", "[[0, 1, 2], [3, 4, 5]]"),
            (&[3, 1], "0\n1\n2\n", "[[0], [1], [2]]"),
            (&[2, 2, 1], "0\n1\n\n2\n3\n", "[[[0], [1]], [[2], [3]]]"),
            (&[1, 2, 1, 2], "0\t1\n\n2\t3\n", "[[[[0, 1]], [[2, 3]]]]"),
            (&[0], "", "[]"),
            (&[2, 0], "", "[[], []]"),
            (&[0, 2], "", "[]"),
            (&[2, 0, 2], "", "[[], []]"),
        ] {
            let array = counting(shape);
            assert_eq!(printed(&array, RowFormat::Tsv), tsv, "{shape:?}");
            assert_eq!(printed(&array, RowFormat::Csv), tsv.replace('\t', ","), "{shape:?}");
            let text = printed(&array, RowFormat::Json);
            assert_eq!(text, json, "{shape:?}");
            serde_json::from_str::<serde_json::Value>(&text).unwrap();
        }
    }

    #[test]
    fn json_has_no_nan_and_no_complex_numbers() {
        let array =
            Array::from_slice(&[f64::NAN, f64::INFINITY, -f64::INFINITY, 1.5], &[4]).unwrap();
        assert_eq!(printed(&array, RowFormat::Json), "[null, 1e999, -1e999, 1.5]");
        let array = Array::from_slice(&[true, false], &[2]).unwrap();
        assert_eq!(printed(&array, RowFormat::Json), "[true, false]");
        let array = Array::from_slice(&[Complex::new(1.0, f64::NAN)], &[1]).unwrap();
        assert_eq!(printed(&array, RowFormat::Json), "[\"(1+nanj)\"]");
    }

    #[test]
    fn texts_are_escaped() {
        let texts = ["a\tb\n", "\u{1b}[2J\u{202e}", "x,\"y\"", "é\\", ""];
        let array = Array::from_texts(&texts, &[5]).unwrap();
        let tsv = "a\\tb\\n\n\\x1b[2J\\u202e\nx,\"y\"\né\\\\\n\n";
        assert_eq!(printed(&array, RowFormat::Tsv), tsv);
        let csv = tsv.replace("x,\"y\"", "\"x,\"\"y\"\"\"");
        assert_eq!(printed(&array, RowFormat::Csv), csv);
        let json = printed(&array, RowFormat::Json);
        assert!(!json.contains(['\u{1b}', '\u{202e}', '\n', '\t']), "{json}");
        assert_eq!(serde_json::from_str::<Vec<String>>(&json).unwrap(), texts);
        let array = Array::from_byte_strings(&[&b"\xe9\x1b,"[..]], &[1]).unwrap();
        assert_eq!(printed(&array, RowFormat::Json), "[\"é\\u001b,\"]");
        assert_eq!(printed(&array, RowFormat::Csv), "\"\\xe9\\x1b,\"\n");
    }
}
