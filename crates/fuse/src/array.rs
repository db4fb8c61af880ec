//! Results: owned arrays in C order, printed as NumPy prints them.

use std::fmt;

use fuse_ir::DType;
use fuse_runtime::{Element, F16, View, ViewMut};

use crate::error::{Error, ErrorKind};

/// An owned array: C order, 64-byte aligned, of any dtype.
#[derive(Debug)]
pub struct Array(pub(crate) fuse_runtime::Array);

/// Arrays of more elements than this print in short form.
const THRESHOLD: usize = 1000;

/// Elements shown at either end of an axis in short form.
const EDGE: usize = 3;

impl Array {
    /// A copy of a slice in C order.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] where the extents do not make its length, [`ErrorKind::Alloc`] where
    /// memory is refused.
    pub fn from_slice<T: Element>(slice: &[T], extents: &[usize]) -> Result<Array, Error> {
        Ok(Array(fuse_runtime::Array::from_slice(slice, extents)?))
    }

    /// An array of zeros.
    ///
    /// # Errors
    /// [`ErrorKind::Alloc`] where memory is refused.
    pub fn zeroed(dtype: DType, extents: &[usize]) -> Result<Array, Error> {
        fuse_runtime::Array::zeroed(dtype, extents)
            .map(Array)
            .map_err(|error| Error::new(ErrorKind::Alloc, error.to_string()))
    }

    /// Element type.
    pub fn dtype(&self) -> DType {
        self.0.dtype()
    }

    /// Extents, outermost first; empty for a scalar.
    pub fn shape(&self) -> &[usize] {
        self.0.extents()
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Has it no elements?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The elements in C order, if they are of this type.
    pub fn as_slice<T: Element>(&self) -> Option<&[T]> {
        self.0.as_slice()
    }

    /// The elements in C order, if they are of this type.
    pub fn as_mut_slice<T: Element>(&mut self) -> Option<&mut [T]> {
        self.0.as_mut_slice()
    }

    /// The elements in C order.
    ///
    /// # Errors
    /// [`ErrorKind::Output`] where they are of another type.
    pub fn into_vec<T: Element>(self) -> Result<Vec<T>, Error> {
        self.as_slice().map(<[T]>::to_vec).ok_or_else(|| {
            let message = format!("the array holds {}, not {}", self.dtype(), T::DTYPE);
            Error::new(ErrorKind::Output, message)
        })
    }

    /// The elements' bytes in native order.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// The array, borrowed to read.
    pub fn view(&self) -> View<'_> {
        self.0.view()
    }

    /// The array, borrowed to write.
    pub fn view_mut(&mut self) -> ViewMut<'_> {
        self.0.view_mut()
    }

    /// Element at this position in C order as it prints: shortest digits that read back exactly.
    pub fn element_text(&self, position: usize) -> String {
        let size = self.dtype().size();
        let bytes = &self.as_bytes()[position * size..][..size];
        element_text(self.dtype(), bytes)
    }
}

/// An element's text from its native bytes.
fn element_text(dtype: DType, bytes: &[u8]) -> String {
    let mut word = [0; 8];
    let size = bytes.len().min(8);
    word[..size].copy_from_slice(&bytes[..size]);
    let bits = u64::from_le_bytes(word);
    let unused = 64 - 8 * size;
    let signed = (bits << unused).cast_signed() >> unused;
    match dtype {
        DType::Bool => (if bits == 0 { "False" } else { "True" }).to_string(),
        DType::I8 | DType::I16 | DType::I32 | DType::I64 => signed.to_string(),
        DType::U8 | DType::U16 | DType::U32 | DType::U64 => bits.to_string(),
        DType::F32 => float_text(&format!("{:?}", f32::from_bits((bits & 0xffff_ffff) as u32))),
        DType::F64 => float_text(&format!("{:?}", f64::from_bits(bits))),
        DType::F16 => float_text(&half_text(F16((bits & 0xffff) as u16))),
        DType::C64 | DType::C128 | DType::Bytes(_) | DType::Text(_) => {
            bytes.iter().map(|byte| format!("{byte:02x}")).collect()
        }
    }
}

/// The shortest digits that read back as this f16, as Rust prints floats: at most five.
fn half_text(half: F16) -> String {
    let value = half.to_f64();
    let read = |digits: usize| format!("{value:.digits$e}").parse().unwrap_or(value);
    let shortest = (0..5).map(read).find(|&shorter| F16::from_f64(shorter) == half);
    format!("{:?}", shortest.unwrap_or(value))
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
    /// As NumPy prints arrays: nested brackets, columns aligned, long axes shortened.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.shape().is_empty() {
            return f.write_str(&self.element_text(0));
        }
        if self.is_empty() {
            return f.write_str("[]");
        }
        let printer = Printer::new(self);
        let mut out = String::new();
        printer.axis(&mut out, 0, 0);
        f.write_str(&out)
    }
}

struct Printer<'a> {
    array: &'a Array,
    shortened: bool,
    width: usize,
    trim: bool,
}

impl<'a> Printer<'a> {
    fn new(array: &'a Array) -> Printer<'a> {
        let shortened = array.len() > THRESHOLD;
        let mut printer = Printer { array, shortened, width: 0, trim: false };
        let mut texts = Vec::new();
        printer.visit(0, 0, &mut |position| texts.push(array.element_text(position)));
        printer.trim = texts.iter().all(|text| text.ends_with(".0") || !text.contains('.'));
        printer.width = texts.iter().map(|text| printer.shown(text).len()).max().unwrap_or(0);
        printer
    }

    /// `1.0` among whole numbers prints as `1.`, as in NumPy.
    fn shown<'t>(&self, text: &'t str) -> &'t str {
        if self.trim {
            text.strip_suffix('0').filter(|t| t.ends_with('.')).unwrap_or(text)
        } else {
            text
        }
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
            let text = self.array.element_text(base);
            let text = self.shown(&text);
            out.push_str(&format!("{text:>width$}", width = self.width));
            return;
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
}
