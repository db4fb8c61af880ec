//! The elementary functions, one family a file: each a formula over primitives.
//!
//! Special values are C99's Annex F unless a function says otherwise; subnormal results are within
//! the budget; zeros keep their sign. What is rare (arguments near overflow, huge or subnormal ones)
//! runs in one rare region a function.

pub mod atan2;
pub mod error_function;
pub mod exp;
mod extended;
pub mod gamma;
pub mod hyperbolic;
pub mod inverse_hyperbolic;
pub mod inverse_trig;
pub mod log;
pub mod logaddexp;
mod logexp;
pub mod neighbour;
pub mod pow;
pub mod roots;
pub mod trig;
pub mod trig_reduction;

/// 1.5·2^52: numbers below 2^51 added to it are rounded to integers, which are its low bits (Hart's
/// trick).
const SHIFTER: f64 = 6_755_399_441_055_744.0;
/// The same of f32: 1.5·2^23.
const SHIFTER_SINGLE: f64 = 12_582_912.0;
