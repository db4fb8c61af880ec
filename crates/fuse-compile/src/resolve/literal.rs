//! Arithmetic of plain numbers, as Python does it: integers exactly (within i128), `/` and negative
//! powers as floats.
//!
//! Only what is exact or one IEEE operation is computed here. Everything else (`//` and `%` of
//! floats, powers of floats, functions) becomes graph nodes on constants and is folded by the
//! optimizer through the operators' own expansions, so that a folded value cannot differ from a
//! computed one. Division of integers by zero gives 0, as it does for arrays.

use fuse_syntax::{BinaryOp, UnaryOp};

use super::Value;

/// An integer constant left the range of i128.
pub(super) struct Overflow;

/// Folds a unary operator on a plain number.
pub(super) fn unary(op: UnaryOp, operand: Value) -> Option<Value> {
    match (op, operand) {
        (UnaryOp::Pos, value @ (Value::Int(_) | Value::Float(_))) => Some(value),
        (UnaryOp::Neg, Value::Int(value)) => value.checked_neg().map(Value::Int),
        (UnaryOp::Neg, Value::Float(value)) => Some(Value::Float(-value)),
        (UnaryOp::Invert, Value::Int(value)) => Some(Value::Int(!value)),
        _ => None,
    }
}

/// Folds a binary operator on two plain numbers; `None` where it is left to the graph.
pub(super) fn binary(op: BinaryOp, lhs: Value, rhs: Value) -> Result<Option<Value>, Overflow> {
    match (lhs, rhs) {
        (base, Value::Int(exponent))
            if op == BinaryOp::Pow && power_of_two(base, exponent).is_some() =>
        {
            Ok(power_of_two(base, exponent).map(Value::Float))
        }
        (Value::Int(lhs), Value::Int(rhs)) => integers(op, lhs, rhs),
        (Value::Int(lhs), Value::Float(rhs)) => Ok(floats(op, lhs as f64, rhs)),
        (Value::Float(lhs), Value::Int(rhs)) => Ok(floats(op, lhs, rhs as f64)),
        (Value::Float(lhs), Value::Float(rhs)) => Ok(floats(op, lhs, rhs)),
        _ => Ok(None),
    }
}

fn floats(op: BinaryOp, lhs: f64, rhs: f64) -> Option<Value> {
    match op {
        BinaryOp::Add => Some(Value::Float(lhs + rhs)),
        BinaryOp::Sub => Some(Value::Float(lhs - rhs)),
        BinaryOp::Mul => Some(Value::Float(lhs * rhs)),
        BinaryOp::Div => Some(Value::Float(lhs / rhs)),
        BinaryOp::FloorDiv | BinaryOp::Mod | BinaryOp::Pow => None,
        BinaryOp::Shl | BinaryOp::Shr | BinaryOp::BitAnd | BinaryOp::BitXor => None,
        BinaryOp::BitOr | BinaryOp::And | BinaryOp::Or => None,
    }
}

fn integers(op: BinaryOp, lhs: i128, rhs: i128) -> Result<Option<Value>, Overflow> {
    let exact = match op {
        BinaryOp::Add => lhs.checked_add(rhs),
        BinaryOp::Sub => lhs.checked_sub(rhs),
        BinaryOp::Mul => lhs.checked_mul(rhs),
        BinaryOp::Div => return Ok(Some(Value::Float(lhs as f64 / rhs as f64))),
        BinaryOp::FloorDiv => floor_div(lhs, rhs),
        BinaryOp::Mod => floor_div(lhs, rhs).map(|quotient| {
            if rhs == 0 { 0 } else { lhs.wrapping_sub(quotient.wrapping_mul(rhs)) }
        }),
        BinaryOp::Pow if rhs < 0 => return Ok(None),
        BinaryOp::Pow => power(lhs, rhs),
        BinaryOp::Shl => shift_left(lhs, rhs),
        BinaryOp::Shr => Some(lhs >> u32::try_from(rhs).unwrap_or(127).min(127)),
        BinaryOp::BitAnd => Some(lhs & rhs),
        BinaryOp::BitXor => Some(lhs ^ rhs),
        BinaryOp::BitOr => Some(lhs | rhs),
        BinaryOp::And | BinaryOp::Or => return Ok(None),
    };
    exact.map(|value| Some(Value::Int(value))).ok_or(Overflow)
}

fn floor_div(lhs: i128, rhs: i128) -> Option<i128> {
    if rhs == 0 {
        return Some(0);
    }
    let quotient = lhs.checked_div(rhs)?;
    let inexact = lhs % rhs != 0;
    Some(quotient - i128::from(inexact && (lhs < 0) != (rhs < 0)))
}

/// 0, 1 and -1 to any power; other bases overflow beyond 127.
fn power(base: i128, exponent: i128) -> Option<i128> {
    match base {
        0 | 1 => Some(if exponent == 0 { 1 } else { base }),
        -1 => Some(if exponent % 2 == 0 { 1 } else { -1 }),
        _ => base.checked_pow(u32::try_from(exponent).ok()?),
    }
}

/// 2^m to an integer power, where Python gives a float: exact, or 0 or infinity beyond its range.
fn power_of_two(base: Value, exponent: i128) -> Option<f64> {
    let base = match base {
        Value::Int(base) if exponent < 0 && base.unsigned_abs().is_power_of_two() => base as f64,
        Value::Float(base) => base,
        Value::Int(_) | Value::Node(..) | Value::Type(_) | Value::Error => return None,
        Value::Shape(_) | Value::Tuple(_) | Value::None => return None,
    };
    let (bits, field) = (base.abs().to_bits(), base.abs().to_bits() >> 52);
    if bits << 12 != 0 || field == 0 || field == 0x7ff {
        return None;
    }
    let m = i128::from(field) - 1023;
    let magnitude = match m.saturating_mul(exponent) {
        n if n > 1023 => f64::INFINITY,
        n if n >= -1022 => f64::from_bits(u64::try_from(n + 1023).ok()? << 52),
        n if n >= -1074 => f64::from_bits(1 << u32::try_from(n + 1074).ok()?),
        _ => 0.0,
    };
    Some(if base < 0.0 && exponent % 2 != 0 { -magnitude } else { magnitude })
}

fn shift_left(value: i128, count: i128) -> Option<i128> {
    if count < 0 || value == 0 {
        return Some(0);
    }
    let shifted = u32::try_from(count).ok().filter(|&count| count < 127)?;
    value.checked_mul(1_i128 << shifted)
}
