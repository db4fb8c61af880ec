//! Elements of any real dtype as f64.

use fuse::{Array, DType, F16};

use super::figure::Series;
use crate::failure::Failure;

/// Elements in C order.
pub(super) type Values<'a> = Box<dyn Iterator<Item = f64> + 'a>;

/// Refuses elements that have no place on an axis.
pub(super) fn check_real(series: &Series<'_>) -> Result<(), Failure> {
    let label = &series.label;
    match series.values.dtype() {
        DType::C64 | DType::C128 => Err(Failure::Usage(format!(
            "`{label}` is complex: plot abs(…), angle(…), real(…) or imag(…) of it"
        ))),
        DType::Bytes(_) | DType::Text(_) => {
            Err(Failure::Usage(format!("`{label}` is text: there is nothing to plot")))
        }
        DType::Bool
        | DType::I8
        | DType::I16
        | DType::I32
        | DType::I64
        | DType::U8
        | DType::U16
        | DType::U32
        | DType::U64
        | DType::F16
        | DType::F32
        | DType::F64 => Ok(()),
    }
}

/// The elements; none of complex numbers and texts.
#[expect(clippy::cast_precision_loss, reason = "a picture has fewer digits")]
pub(super) fn values(array: &Array) -> Values<'_> {
    fn each<'a, T: fuse::Element>(array: &'a Array, f64_of: fn(T) -> f64) -> Values<'a> {
        let elements: &'a [T] = array.as_slice().unwrap_or(&[]);
        Box::new(elements.iter().map(move |element| f64_of(*element)))
    }
    match array.dtype() {
        DType::Bool => each::<bool>(array, |value| f64::from(u8::from(value))),
        DType::I8 => each::<i8>(array, f64::from),
        DType::I16 => each::<i16>(array, f64::from),
        DType::I32 => each::<i32>(array, f64::from),
        DType::I64 => each::<i64>(array, |value| value as f64),
        DType::U8 => each::<u8>(array, f64::from),
        DType::U16 => each::<u16>(array, f64::from),
        DType::U32 => each::<u32>(array, f64::from),
        DType::U64 => each::<u64>(array, |value| value as f64),
        DType::F16 => each::<F16>(array, F16::to_f64),
        DType::F32 => each::<f32>(array, f64::from),
        DType::F64 => each::<f64>(array, |value| value),
        DType::C64 | DType::C128 | DType::Bytes(_) | DType::Text(_) => Box::new(std::iter::empty()),
    }
}
