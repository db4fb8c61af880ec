//! Constant coefficients: products and quotients of the constants that a monomial meets.
//!
//! A float coefficient is kept as `numerator / denominator`, both numbers of the dtype, with the number
//! of roundings that its value has on top of them. So 9 and then /5 is the constant 9/5 rounded once,
//! not 9·fl(1/5) rounded twice. Products that are not exact are rounded and counted. Integers wrap.
//! Arithmetic of f32 is done in f64, where products, and sums that pass the exactness test, are exact.

use fuse_ir::DType;

use crate::graph::Constant;

/// The coefficient of a monomial.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Coefficient {
    /// `numerator / denominator`, and the roundings in them.
    Float {
        /// Multiplies.
        numerator: f64,
        /// Divides.
        denominator: f64,
        /// How often the two were rounded on the way.
        roundings: u32,
    },
    /// Modulo 2^width.
    Int(i64),
}

impl Coefficient {
    /// 1 in a dtype.
    pub fn one(dtype: DType) -> Coefficient {
        if dtype.is_float() {
            Coefficient::Float { numerator: 1.0, denominator: 1.0, roundings: 0 }
        } else {
            Coefficient::Int(1)
        }
    }

    /// A constant.
    pub fn of(constant: Constant) -> Option<Coefficient> {
        match (constant.as_float(), constant.as_int()) {
            (Some(numerator), _) => {
                Some(Coefficient::Float { numerator, denominator: 1.0, roundings: 0 })
            }
            (_, Some(value)) => Some(Coefficient::Int(value)),
            (None, None) => None,
        }
    }

    /// The negation.
    pub fn minus(self) -> Coefficient {
        match self {
            Coefficient::Float { numerator, denominator, roundings } => {
                Coefficient::Float { numerator: -numerator, denominator, roundings }
            }
            Coefficient::Int(value) => Coefficient::Int(value.wrapping_neg()),
        }
    }

    /// Is it 1?
    pub fn is_one(self) -> bool {
        match self {
            Coefficient::Float { numerator, denominator, roundings } => {
                numerator == denominator && roundings == 0
            }
            Coefficient::Int(value) => value == 1,
        }
    }

    /// The product of two coefficients of a dtype.
    pub fn times(self, other: Coefficient, dtype: DType) -> Coefficient {
        match (self, other) {
            (
                Coefficient::Float { numerator: n1, denominator: d1, roundings: r1 },
                Coefficient::Float { numerator: n2, denominator: d2, roundings: r2 },
            ) => {
                let (numerator, n_exact) = product(dtype, n1, n2);
                let (denominator, d_exact) = product(dtype, d1, d2);
                let roundings = r1 + r2 + u32::from(!n_exact) + u32::from(!d_exact);
                Coefficient::Float { numerator, denominator, roundings }
            }
            (Coefficient::Int(a), Coefficient::Int(b)) => Coefficient::Int(a.wrapping_mul(b)),
            (Coefficient::Float { .. } | Coefficient::Int(_), _) => self,
        }
    }

    /// The quotient by a float constant.
    pub fn over(self, divisor: Coefficient, dtype: DType) -> Coefficient {
        match divisor {
            Coefficient::Float { numerator, denominator, roundings } => self.times(
                Coefficient::Float { numerator: denominator, denominator: numerator, roundings },
                dtype,
            ),
            Coefficient::Int(_) => self,
        }
    }

    /// The sum, if it is exact.
    pub fn plus(self, other: Coefficient, dtype: DType) -> Option<Coefficient> {
        match (self, other) {
            (Coefficient::Float { .. }, Coefficient::Float { .. }) => {
                let (a, b) = (self.constant(dtype)?, other.constant(dtype)?);
                let sum = exact_sum(dtype, a.0.as_float()?, b.0.as_float()?)?;
                let exact = a.1 == 0 && b.1 == 0;
                exact.then_some(Coefficient::Float {
                    numerator: sum,
                    denominator: 1.0,
                    roundings: 0,
                })
            }
            (Coefficient::Int(a), Coefficient::Int(b)) => Some(Coefficient::Int(a.wrapping_add(b))),
            (Coefficient::Float { .. } | Coefficient::Int(_), _) => None,
        }
    }

    /// The coefficient as one constant and how often it is rounded in all; `None` where it is not a
    /// normal number (0, infinities, NaN and subnormals are left as they were written).
    pub fn constant(self, dtype: DType) -> Option<(Constant, u32)> {
        match self {
            Coefficient::Float { numerator, denominator, roundings } => {
                let constant = Constant::float(dtype, numerator / denominator);
                let value = constant.as_float()?;
                let exact = product(dtype, value, denominator) == (numerator, true);
                is_normal(dtype, value).then_some((constant, roundings + u32::from(!exact)))
            }
            Coefficient::Int(value) => {
                let constant = Constant::int(dtype, value);
                (constant.bits != 0).then_some((constant, 0))
            }
        }
    }
}

/// The sum of two floats of a dtype, if it is one.
pub fn exact_sum(dtype: DType, a: f64, b: f64) -> Option<f64> {
    let sum = a + b;
    // Knuth's TwoSum: the error of a + b, exactly.
    let virtual_b = sum - a;
    let error = (a - (sum - virtual_b)) + (b - virtual_b);
    let representable = Constant::float(dtype, sum).as_float() == Some(sum);
    (sum.is_finite() && error == 0.0 && representable).then_some(sum)
}

/// The product of two floats of a dtype, rounded to it, and whether that was exact.
fn product(dtype: DType, a: f64, b: f64) -> (f64, bool) {
    if a == 1.0 || b == 1.0 {
        return (a * b, true);
    }
    let wide = a * b;
    let rounded = Constant::float(dtype, wide).as_float().unwrap_or(f64::NAN);
    // Far from underflow the error of a product is a number, which the fma computes exactly.
    let exact = wide.abs() > 1e-250 && rounded.is_finite() && a.mul_add(b, -rounded) == 0.0;
    (rounded, exact)
}

fn is_normal(dtype: DType, value: f64) -> bool {
    if dtype == DType::F32 { (value as f32).is_normal() } else { value.is_normal() }
}

/// Is |value| a power of two, so that multiplying by it rounds nothing (but where it underflows)?
pub fn is_power_of_two(value: f64) -> bool {
    value.is_normal() && value.to_bits().trailing_zeros() >= 52
}
