//! Random inputs: the same ones at each run.
//!
//! Floats, and both parts of complex numbers, are normally distributed with mean 0 and deviation 1 (Box and Muller), or uniform in the
//! range given; integers are uniform in -100..100, or 0..100 where they have no sign.

use fuse::{Array, Complex, DType, Element, F16};

use crate::eval::Values;
use crate::failure::Failure;
use crate::signature::{Kind, Typed, Variable, several_dtypes};
use crate::value::{Access, Value};

/// Draws, reads or maps the values.
pub(super) fn make(variables: &[Variable], access: Access) -> Result<Values, Failure> {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut values = Values::new();
    for variable in variables {
        let value = match &variable.kind {
            Kind::Given(source) => Value::load(source, access)?,
            Kind::Typed(typed) => match typed.dtypes[..] {
                [dtype] => Value::Array(random.array(dtype, typed)?),
                _ => return Err(several_dtypes(&variable.name)),
            },
        };
        values.push((variable.name.clone(), value));
    }
    Ok(values)
}

/// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
struct Random(u64);

impl Random {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// In (0, 1), 52 bits of it.
    fn unit(&mut self) -> f64 {
        f64::from_bits((self.bits() >> 12) | 0x3ff0_0000_0000_0000) - (1.0 - f64::EPSILON / 2.0)
    }

    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * self.unit().ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    fn array(&mut self, dtype: DType, typed: &Typed) -> Result<Array, Failure> {
        let array = Array::zeroed(dtype, &typed.shape)?;
        let range = typed.range.clone();
        let mut float = || match &range {
            Some(range) => range.start + (range.end - range.start) * self.unit(),
            None => self.normal(),
        };
        #[expect(clippy::cast_possible_truncation, reason = "rounding is meant")]
        match dtype {
            DType::F64 => return Ok(filled(array, float)),
            DType::F32 => return Ok(filled(array, || float() as f32)),
            DType::F16 => return Ok(filled(array, || F16::from_f64(float()))),
            DType::C64 => {
                return Ok(filled(array, || Complex::new(float() as f32, float() as f32)));
            }
            DType::C128 => return Ok(filled(array, || Complex::new(float(), float()))),
            _ => {}
        }
        let low = if is_signed(dtype) { -100.0 } else { 0.0 };
        let (low, width) = match &typed.range {
            Some(range) => (range.start, range.end - range.start),
            None => (low, 100.0 - low),
        };
        let mut draw = || low + width * self.unit();
        macro_rules! draw {
            ($ty:ty) => {{
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "`as` saturates, which is what a range beyond the type should do"
                )]
                let element = || draw().floor() as $ty;
                filled(array, element)
            }};
        }
        Ok(match dtype {
            DType::Bool => filled(array, || self.bits() & 1 == 1),
            DType::I8 => draw!(i8),
            DType::I16 => draw!(i16),
            DType::I32 => draw!(i32),
            DType::I64 => draw!(i64),
            DType::U8 => draw!(u8),
            DType::U16 => draw!(u16),
            DType::U32 => draw!(u32),
            DType::U64 => draw!(u64),
            DType::F64 | DType::F32 | DType::F16 | DType::C64 | DType::C128 => array,
            DType::Bytes(_) | DType::Text(_) => {
                let message = format!("random arrays of dtype {dtype} are not built in yet");
                return Err(Failure::Usage(message));
            }
        })
    }
}

fn is_signed(dtype: DType) -> bool {
    matches!(dtype, DType::I8 | DType::I16 | DType::I32 | DType::I64)
}

/// Each element drawn.
fn filled<T: Element>(mut array: Array, mut draw: impl FnMut() -> T) -> Array {
    if let Some(elements) = array.as_mut_slice::<T>() {
        elements.fill_with(&mut draw);
    }
    array
}
