//! Arrays as text, as NumPy prints them.
//!
//! ```text
//! [[ 0.5   10.25]        points stand below each other, `1.0` is `1.`
//!  [-1.     2.  ]]       more than 1000 elements: three at either end of each axis
//! [1.5+2.j 1. -1.j]      of complex numbers each part is a column
//! ```
//!
//! Unlike NumPy's, digits are always the shortest that read back exactly, and lines are not broken.

use std::fmt;

use fuse_ir::DType;
use fuse_runtime::F16;

use crate::array::Array;

/// Arrays of more elements than this print in short form.
const THRESHOLD: usize = 1000;

/// Elements shown at either end of an axis in short form.
const EDGE: usize = 3;

/// An element's text from its native bytes.
pub(crate) fn element_text(dtype: DType, bytes: &[u8]) -> String {
    match dtype {
        DType::C64 | DType::C128 => {
            let [re, im] = parts(dtype, bytes);
            let [re, im] =
                [re, im].map(|part| part.strip_suffix(".0").unwrap_or(&part).to_string());
            // Python's: a real part of +0 is left out.
            if re == "0" { format!("{im}j") } else { format!("({re}{}j)", signed(&im)) }
        }
        real => real_text(real, bytes),
    }
}

/// Real and imaginary part of a complex element.
fn parts(dtype: DType, bytes: &[u8]) -> [String; 2] {
    let (part, half) = (if dtype == DType::C64 { DType::F32 } else { DType::F64 }, bytes.len() / 2);
    [&bytes[..half], &bytes[half..]].map(|bytes| real_text(part, bytes))
}

/// With its sign, even where that is plus.
fn signed(number: &str) -> String {
    if number.starts_with('-') { number.to_string() } else { format!("+{number}") }
}

fn real_text(dtype: DType, bytes: &[u8]) -> String {
    let mut word = [0; 8];
    let size = bytes.len().min(8);
    word[..size].copy_from_slice(&bytes[..size]);
    let bits = u64::from_le_bytes(word);
    let unused = 64 - 8 * size;
    let integer = (bits << unused).cast_signed() >> unused;
    match dtype {
        DType::Bool => (if bits == 0 { "False" } else { "True" }).to_string(),
        DType::I8 | DType::I16 | DType::I32 | DType::I64 => integer.to_string(),
        DType::U8 | DType::U16 | DType::U32 | DType::U64 => bits.to_string(),
        DType::F16 => float_text(&F16((bits & 0xffff) as u16).to_string()),
        DType::F32 => float_text(&format!("{:?}", f32::from_bits((bits & 0xffff_ffff) as u32))),
        DType::F64 => float_text(&format!("{:?}", f64::from_bits(bits))),
        DType::C64 | DType::C128 | DType::Bytes(_) | DType::Text(_) => {
            bytes.iter().map(|byte| format!("{byte:02x}")).collect()
        }
    }
}

/// Rust's shortest digits with Python's names and exponents.
fn float_text(text: &str) -> String {
    match text {
        "NaN" => "nan".to_string(),
        _ => match text.split_once('e') {
            Some((digits, exponent)) if !exponent.starts_with('-') => {
                format!("{digits}e+{exponent:0>2}")
            }
            Some((digits, exponent)) => format!("{digits}e-{:0>2}", &exponent[1..]),
            None => text.to_string(),
        },
    }
}

impl fmt::Display for Array {
    /// As NumPy prints arrays: nested brackets, columns aligned, long axes shortened. A scalar is its
    /// element.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.shape().is_empty() {
            return f.write_str(&self.element_text(0));
        }
        if self.is_empty() {
            return f.write_str("[]");
        }
        let mut out = String::new();
        Printer::new(self).axis(&mut out, 0, 0);
        f.write_str(&out)
    }
}

/// Characters before the point, and from it on, in all elements of a column.
#[derive(Clone, Copy, Debug, Default)]
struct Column {
    before: usize,
    behind: usize,
    /// Of what has no digits: `nan`, `-inf`.
    whole: usize,
}

impl Column {
    /// Makes room for a text.
    fn admit(&mut self, text: &str) {
        if is_word(text) {
            self.whole = self.whole.max(text.len());
            return;
        }
        let point = text.find('.').unwrap_or(text.len());
        self.before = self.before.max(point);
        self.behind = self.behind.max(text.len() - point);
    }

    /// The text with blanks at both ends.
    fn padded(self, text: &str) -> String {
        let before = self.before.max(self.whole.saturating_sub(self.behind));
        if is_word(text) {
            return format!("{text:>width$}", width = before + self.behind);
        }
        let point = text.find('.').unwrap_or(text.len());
        let (whole, fraction) = text.split_at(point);
        format!("{whole:>before$}{fraction:<behind$}", behind = self.behind)
    }
}

fn is_word(text: &str) -> bool {
    text.ends_with(|last: char| last.is_ascii_alphabetic())
}

struct Printer<'a> {
    array: &'a Array,
    shortened: bool,
    /// Of the real parts and of the imaginary ones.
    columns: [Column; 2],
}

impl<'a> Printer<'a> {
    fn new(array: &'a Array) -> Printer<'a> {
        let shortened = array.len() > THRESHOLD;
        let mut printer = Printer { array, shortened, columns: [Column::default(); 2] };
        let mut columns = printer.columns;
        printer.visit(0, 0, &mut |position| {
            let texts = texts(array, position);
            texts.iter().zip(&mut columns).for_each(|(text, column)| column.admit(text));
        });
        printer.columns = columns;
        printer
    }

    /// Positions along an axis; `None` stands for those left out.
    fn steps(&self, extent: usize) -> Vec<Option<usize>> {
        if !self.shortened || extent <= 2 * EDGE {
            return (0..extent).map(Some).collect();
        }
        let tail = (extent - EDGE..extent).map(Some);
        (0..EDGE).map(Some).chain([None]).chain(tail).collect()
    }

    fn visit(&self, axis: usize, base: usize, see: &mut dyn FnMut(usize)) {
        let Some(&extent) = self.array.shape().get(axis) else { return see(base) };
        for step in self.steps(extent).into_iter().flatten() {
            self.visit(axis + 1, base * extent + step, see);
        }
    }

    fn axis(&self, out: &mut String, axis: usize, base: usize) {
        let Some(&extent) = self.array.shape().get(axis) else {
            return out.push_str(&self.element(base));
        };
        let below = self.array.shape().len() - axis - 1;
        out.push('[');
        for (position, step) in self.steps(extent).into_iter().enumerate() {
            if position > 0 {
                let separator = if below == 0 { " ".to_string() } else { "\n".repeat(below) };
                out.push_str(&separator);
                if below > 0 {
                    out.push_str(&" ".repeat(axis + 1));
                }
            }
            match step {
                None => out.push_str("..."),
                Some(step) => self.axis(out, axis + 1, base * extent + step),
            }
        }
        out.push(']');
    }

    fn element(&self, position: usize) -> String {
        let texts = texts(self.array, position);
        let mut padded = texts.iter().zip(self.columns).map(|(text, column)| column.padded(text));
        let real = padded.next().unwrap_or_default();
        let Some(imaginary) = padded.next() else { return real };
        // The letter follows the digits, and the blanks the letter.
        let digits = imaginary.trim_end();
        format!("{real}{digits}j{}", &imaginary[digits.len()..])
    }
}

/// An element as it stands in an array, whole floats without their zero: one text, or two.
fn texts(array: &Array, position: usize) -> Vec<String> {
    let dtype = array.dtype();
    match dtype {
        DType::C64 | DType::C128 => {
            let size = dtype.size();
            let [re, im] = parts(dtype, &array.as_bytes()[position * size..][..size]);
            vec![trimmed(&re), signed(&trimmed(&im))]
        }
        _ => vec![trimmed(&array.element_text(position))],
    }
}

/// `1.0` in an array prints as `1.`, as in NumPy.
fn trimmed(text: &str) -> String {
    text.strip_suffix(".0").map_or_else(|| text.to_string(), |whole| format!("{whole}."))
}

#[cfg(test)]
mod tests {
    use fuse_runtime::Complex;

    use super::*;
    use crate::Element;

    fn printed<T: Element>(elements: &[T]) -> String {
        Array::from_slice(elements, &[elements.len()]).expect("it fits").to_string()
    }

    fn scalar<T: Element>(element: T) -> String {
        Array::from_slice(&[element], &[]).expect("one element").to_string()
    }

    /// Expected texts are those of NumPy 2.4.
    #[test]
    fn every_dtype_prints_as_in_numpy() {
        assert_eq!(printed(&[true, false]), "[ True False]");
        assert_eq!(printed(&[-128_i8, 5]), "[-128    5]");
        assert_eq!(printed(&[-32768_i16, 5]), "[-32768      5]");
        assert_eq!(printed(&[i32::MIN, 5]), "[-2147483648           5]");
        assert_eq!(printed(&[i64::MIN]), "[-9223372036854775808]");
        assert_eq!(printed(&[255_u8, 5]), "[255   5]");
        assert_eq!(printed(&[65535_u16]), "[65535]");
        assert_eq!(printed(&[u32::MAX]), "[4294967295]");
        assert_eq!(printed(&[u64::MAX]), "[18446744073709551615]");
        assert_eq!(printed(&[0.1, 1.0, 10.25].map(F16::from_f64)), "[ 0.1   1.   10.25]");
        assert_eq!(printed(&[0.5_f32, -3.0]), "[ 0.5 -3. ]");
        assert_eq!(printed(&[0.5, f64::NAN, 2.25]), "[0.5   nan 2.25]");
        assert_eq!(printed(&[1.0, f64::NEG_INFINITY]), "[  1. -inf]");
        let z = [Complex::new(1.0_f32, 2.0), Complex::new(10.5, -0.25)];
        assert_eq!(printed(&z), "[ 1. +2.j   10.5-0.25j]");
        let z = [Complex::new(0.0, f64::NAN), Complex::new(-1.0, 1.0)];
        assert_eq!(printed(&z), "[ 0.+nanj -1. +1.j]");
    }

    #[test]
    fn scalars_print_as_in_python() {
        assert_eq!(scalar(F16::from_f32(65504.0)), "65500.0");
        assert_eq!(scalar(F16(1)), "6e-08");
        for (re, im, text) in [
            (1.0, 2.0, "(1+2j)"),
            (0.0, -2.5, "-2.5j"),
            (-0.0, 2.0, "(-0+2j)"),
            (1e16, 1e-5, "(1e+16+1e-05j)"),
            (f64::NAN, f64::INFINITY, "(nan+infj)"),
        ] {
            assert_eq!(scalar(Complex::new(re, im)), text);
        }
        assert_eq!(scalar(Complex::new(0.1_f32, 0.2)), "(0.1+0.2j)");
    }
}
