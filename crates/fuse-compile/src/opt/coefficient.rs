//! Constant coefficients: products and quotients of the constants that a monomial meets.
//!
//! A float coefficient is kept as `numerator / denominator`, both sums of two floats, with the number
//! of roundings that its value has on top of them. So 9 and then /5 is the constant 9/5 rounded once,
//! not 9·fl(1/5) rounded twice, and /a/b is 1/(a·b) rounded once: what products in twice the precision
//! lose, 2^-100 at most, is not counted. Products near overflow or underflow are rounded and counted.
//! Integers wrap.
//! Arithmetic of f32 is done in f64, where products, and sums that pass the exactness test, are exact.

use fuse_ir::DType;

use crate::graph::Constant;

/// The coefficient of a monomial.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Coefficient {
    /// `numerator / denominator`, and the roundings in them.
    Float {
        /// Multiplies.
        numerator: Factor,
        /// Divides.
        denominator: Factor,
        /// How often the two were rounded on the way.
        roundings: u32,
    },
    /// Modulo 2^width.
    Int(i64),
}

/// A product of constants, `hi + lo`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Factor {
    hi: f64,
    lo: f64,
}

impl Factor {
    const ONE: Factor = Factor { hi: 1.0, lo: 0.0 };

    fn minus(self) -> Factor {
        Factor { hi: -self.hi, lo: -self.lo }
    }

    /// The nearest f64.
    #[cfg(test)]
    pub fn value(self) -> f64 {
        self.hi
    }

    /// Is it ±2^k?
    pub fn is_power_of_two(self) -> bool {
        self.lo == 0.0 && is_power_of_two(self.hi)
    }

    /// The product, and whether it is that but for 2^-100 of it.
    fn times(self, other: Factor) -> (Factor, bool) {
        if self == Factor::ONE || other == Factor::ONE {
            return (if self == Factor::ONE { other } else { self }, true);
        }
        let hi = self.hi * other.hi;
        if !(1e-250 < hi.abs() && hi.abs() < 1e300) {
            return (Factor { hi, lo: 0.0 }, hi == 0.0);
        }
        // Far from underflow the error of a product is a number, which the fma computes exactly.
        let error = self.hi.mul_add(other.hi, -hi);
        let lo = error + self.hi.mul_add(other.lo, self.lo * other.hi);
        let sum = hi + lo;
        (Factor { hi: sum, lo: lo - (sum - hi) }, true)
    }

    /// The number of a dtype nearest to the quotient, and whether it is the quotient.
    fn over(self, divisor: Factor, dtype: DType) -> Option<(Constant, f64, bool)> {
        let first = self.hi / divisor.hi;
        let rest = (-first).mul_add(divisor.hi, self.hi) + (-first).mul_add(divisor.lo, self.lo);
        let second = rest / divisor.hi;
        let quotient = if second.is_finite() { first + second } else { first };
        let constant = Constant::float(dtype, quotient);
        let value = constant.as_float()?;
        let product = value * divisor.hi;
        let error = value.mul_add(divisor.hi, -product);
        let exact =
            product.abs() > 1e-250 && product == self.hi && error + value * divisor.lo == self.lo;
        Some((constant, value, exact))
    }
}

impl Coefficient {
    /// 1 in a dtype.
    pub fn one(dtype: DType) -> Coefficient {
        if dtype.is_float() {
            Coefficient::Float { numerator: Factor::ONE, denominator: Factor::ONE, roundings: 0 }
        } else {
            Coefficient::Int(1)
        }
    }

    /// A constant.
    pub fn of(constant: Constant) -> Option<Coefficient> {
        match (constant.as_float(), constant.as_int()) {
            (Some(value), _) => Some(Coefficient::float(value)),
            (_, Some(value)) => Some(Coefficient::Int(value)),
            (None, None) => None,
        }
    }

    fn float(value: f64) -> Coefficient {
        let numerator = Factor { hi: value, lo: 0.0 };
        Coefficient::Float { numerator, denominator: Factor::ONE, roundings: 0 }
    }

    /// The negation.
    pub fn minus(self) -> Coefficient {
        match self {
            Coefficient::Float { numerator, denominator, roundings } => {
                Coefficient::Float { numerator: numerator.minus(), denominator, roundings }
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
    pub fn times(self, other: Coefficient) -> Coefficient {
        match (self, other) {
            (
                Coefficient::Float { numerator: n1, denominator: d1, roundings: r1 },
                Coefficient::Float { numerator: n2, denominator: d2, roundings: r2 },
            ) => {
                let (numerator, n_exact) = n1.times(n2);
                let (denominator, d_exact) = d1.times(d2);
                let roundings = r1 + r2 + u32::from(!n_exact) + u32::from(!d_exact);
                Coefficient::Float { numerator, denominator, roundings }
            }
            (Coefficient::Int(a), Coefficient::Int(b)) => Coefficient::Int(a.wrapping_mul(b)),
            (Coefficient::Float { .. } | Coefficient::Int(_), _) => self,
        }
    }

    /// The quotient by a float constant.
    pub fn over(self, divisor: Coefficient) -> Coefficient {
        match divisor {
            Coefficient::Float { numerator, denominator, roundings } => {
                self.times(Coefficient::Float {
                    numerator: denominator,
                    denominator: numerator,
                    roundings,
                })
            }
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
                exact.then_some(Coefficient::float(sum))
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
                let (constant, value, exact) = numerator.over(denominator, dtype)?;
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

fn is_normal(dtype: DType, value: f64) -> bool {
    if dtype == DType::F32 { (value as f32).is_normal() } else { value.is_normal() }
}

/// Is |value| a power of two, so that multiplying by it rounds nothing (but where it underflows)?
pub fn is_power_of_two(value: f64) -> bool {
    value.is_normal() && value.to_bits().trailing_zeros() >= 52
}
