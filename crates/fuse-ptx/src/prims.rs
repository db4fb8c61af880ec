//! Primitives as instructions.
//!
//! Rounding is in every name: `.rn`, without which the assembler would contract a product and a sum.
//! There is no `.ftz` and no `.approx`. i8 and i16 live zero extended in 32-bit registers; what could
//! leave the width is cut off after each operation.
//!
//! What the hardware does otherwise than [`Prim::eval`] says, and what is emitted therefore:
//!
//! | primitive | hardware | emitted |
//! |---|---|---|
//! | float to integer | NaN gives `1 << (w-1)` from f64 and for 64-bit targets | a select of 0 |
//! | float to f16 | NaN gives 0x7fff | a select of 0x7e00 |
//! | 64-bit shifts | the count is 32 bits, clamped to the width | the count clamped in 64 bits first |
//!
//! Shifts clamp their counts and conversions to integers saturate, as the language does.

use fuse_ir::{Lane, Prim, Scalar};

use crate::body::{Body, Class, Reg, Value, line};

/// What a primitive is applied to.
#[derive(Clone, Copy)]
pub(crate) struct Operands<'a> {
    /// Lane type of the numeric arguments, as in [`Prim::eval`].
    pub(crate) x: Lane,
    pub(crate) result: Lane,
    pub(crate) args: &'a [Value],
}

/// Emits a primitive; `lane_index` is not one here, since only its loop knows it.
pub(crate) fn emit_prim(body: &mut Body, prim: Prim, operands: Operands<'_>) -> Value {
    let x = operands.x;
    match prim {
        Prim::FAdd => float(body, "add.rn", operands),
        Prim::FSub => float(body, "sub.rn", operands),
        Prim::FMul => float(body, "mul.rn", operands),
        Prim::FDiv => float(body, "div.rn", operands),
        Prim::FSqrt => float(body, "sqrt.rn", operands),
        Prim::Fma => float(body, "fma.rn", operands),
        Prim::FFloor => rounded(body, "rmi", operands),
        Prim::FCeil => rounded(body, "rpi", operands),
        Prim::FTrunc => rounded(body, "rzi", operands),
        Prim::FRound => rounded(body, "rni", operands),
        Prim::FEq => compare(body, "eq", bits_ty(x), operands),
        Prim::FLt => compare(body, "lt", bits_ty(x), operands),
        Prim::FLe => compare(body, "le", bits_ty(x), operands),

        Prim::IAdd => wrapped(body, "add", signed_ty(x), operands),
        Prim::ISub => wrapped(body, "sub", signed_ty(x), operands),
        Prim::IMul => wrapped(body, "mul.lo", signed_ty(x), operands),
        Prim::IAnd => apply(body, "and", bits_ty(x), operands),
        Prim::IOr => apply(body, "or", bits_ty(x), operands),
        Prim::IXor => apply(body, "xor", bits_ty(x), operands),
        Prim::Shl => shift(body, "shl", bits_ty(x), operands),
        Prim::ShrU => shift(body, "shr", unsigned_ty(x), operands),
        Prim::ShrS => shift_signed(body, operands),
        Prim::IEq => compare(body, "eq", bits_ty(x), operands),
        Prim::ILtS => compare_signed(body, operands),
        Prim::ILtU => compare(body, "lt", unsigned_ty(x), operands),
        Prim::MulWideU32 => apply(body, "mul.wide", "u32", operands),
        Prim::Clz => leading_zeros(body, operands),

        Prim::Zext => zero_extended(body, operands),
        Prim::Sext => sign_extended(body, operands),
        Prim::TruncInt => truncated(body, operands),
        Prim::Promote => convert(body, "cvt.f64.f32", operands),
        Prim::Demote => convert(body, "cvt.rn.f32.f64", operands),
        Prim::SintToF64 | Prim::SintToF32 => from_integer(body, signed_ty(x), operands),
        Prim::UintToF64 | Prim::UintToF32 => from_integer(body, unsigned_ty(x), operands),
        Prim::FToSint => to_integer(body, signed_ty(operands.result), operands),
        Prim::FToUint => to_integer(body, unsigned_ty(operands.result), operands),
        Prim::F16ToF32 => from_half(body, operands),
        Prim::F32ToF16 | Prim::F64ToF16 => to_half(body, operands),
        Prim::Bitcast => bit_cast(body, operands),

        Prim::Select => select(body, operands),
        Prim::MaskAnd => apply(body, "and", "pred", operands),
        Prim::MaskOr => apply(body, "or", "pred", operands),
        Prim::MaskNot => apply(body, "not", "pred", operands),
        Prim::LaneIndex => unreachable!("the loop supplies positions"),
    }
}

/// The type of plain bits of a lane, and of its floats.
fn bits_ty(lane: Lane) -> &'static str {
    Class::of(lane).ty()
}

fn signed_ty(lane: Lane) -> &'static str {
    if lane == Lane::I64 { "s64" } else { "s32" }
}

fn unsigned_ty(lane: Lane) -> &'static str {
    if lane == Lane::I64 { "u64" } else { "u32" }
}

/// Is it kept zero extended in a wider register?
fn is_narrow(lane: Lane) -> bool {
    matches!(lane, Lane::I8 | Lane::I16)
}

/// `op.ty result, args…`; the first argument in a register, as are masks.
fn apply(body: &mut Body, op: &str, ty: &str, operands: Operands<'_>) -> Value {
    let result = body.lane(operands.result);
    apply_to(body, op, ty, result, operands.args);
    result.into()
}

fn apply_to(body: &mut Body, op: &str, ty: &str, result: Reg, args: &[Value]) {
    let is_mask = |value: &Value| matches!(value, Value::Const(Scalar { lane: Lane::Mask, .. }));
    let mut args = args.to_vec();
    for (position, arg) in args.iter_mut().enumerate() {
        if position == 0 || is_mask(arg) {
            *arg = body.in_register(*arg).into();
        }
    }
    match args.as_slice() {
        [a] => line!(body, "{op}.{ty} {result}, {a};"),
        [a, b] => line!(body, "{op}.{ty} {result}, {a}, {b};"),
        [a, b, c] => line!(body, "{op}.{ty} {result}, {a}, {b}, {c};"),
        other => unreachable!("primitives take one to three arguments, not {}", other.len()),
    }
}

fn float(body: &mut Body, op: &str, operands: Operands<'_>) -> Value {
    apply(body, op, bits_ty(operands.x), operands)
}

/// To an integer in float format.
fn rounded(body: &mut Body, mode: &str, operands: Operands<'_>) -> Value {
    let ty = bits_ty(operands.x);
    apply(body, &format!("cvt.{mode}.{ty}"), ty, operands)
}

fn compare(body: &mut Body, relation: &str, ty: &str, operands: Operands<'_>) -> Value {
    apply(body, &format!("setp.{relation}"), ty, operands)
}

fn compare_signed(body: &mut Body, operands: Operands<'_>) -> Value {
    let args: Vec<Value> = operands.args.iter().map(|&arg| signed(body, operands.x, arg)).collect();
    compare(body, "lt", signed_ty(operands.x), Operands { args: &args, ..operands })
}

/// The value as a signed 32-bit integer, where it is narrower.
fn signed(body: &mut Body, lane: Lane, value: Value) -> Value {
    if !is_narrow(lane) {
        return value;
    }
    let (reg, wide) = (body.in_register(value), body.reg(Class::B32));
    line!(body, "cvt.s32.s{} {wide}, {reg};", lane.bits());
    wide.into()
}

/// Cuts a narrow lane's result to its width.
fn cut(body: &mut Body, lane: Lane, value: Value) -> Value {
    if !is_narrow(lane) {
        return value;
    }
    let result = body.reg(Class::B32);
    line!(body, "and.b32 {result}, {value}, {:#x};", lane.all_ones());
    result.into()
}

/// An operation whose result may leave a narrow lane's width.
fn wrapped(body: &mut Body, op: &str, ty: &str, operands: Operands<'_>) -> Value {
    let result = apply(body, op, ty, operands);
    cut(body, operands.result, result)
}

/// The count of a shift as 32 bits. Those of 64-bit lanes are clamped first.
fn shift_count(body: &mut Body, lane: Lane, count: Value) -> Value {
    if lane != Lane::I64 {
        return count;
    }
    match count {
        Value::Const(scalar) => Value::Const(Scalar::int(Lane::I32, scalar.bits.min(64) as i64)),
        Value::Reg(count) => {
            let (clamped, narrow) = (body.reg(Class::B64), body.reg(Class::B32));
            line!(body, "min.u64 {clamped}, {count}, 64;");
            line!(body, "cvt.u32.u64 {narrow}, {clamped};");
            narrow.into()
        }
    }
}

fn shift(body: &mut Body, op: &str, ty: &str, operands: Operands<'_>) -> Value {
    let count = shift_count(body, operands.x, operands.args[1]);
    wrapped(body, op, ty, Operands { args: &[operands.args[0], count], ..operands })
}

fn shift_signed(body: &mut Body, operands: Operands<'_>) -> Value {
    let value = signed(body, operands.x, operands.args[0]);
    let args = [value, operands.args[1]];
    shift(body, "shr", signed_ty(operands.x), Operands { args: &args, ..operands })
}

fn leading_zeros(body: &mut Body, operands: Operands<'_>) -> Value {
    let lane = operands.x;
    let count = body.reg(Class::B32);
    apply_to(body, "clz", bits_ty(lane), count, operands.args);
    if lane == Lane::I64 {
        return widened(body, "cvt.u64.u32", count);
    }
    if lane == Lane::I32 {
        return count.into();
    }
    let result = body.reg(Class::B32);
    line!(body, "sub.s32 {result}, {count}, {};", 32 - lane.bits());
    result.into()
}

fn widened(body: &mut Body, op: &str, from: Reg) -> Value {
    let result = body.reg(Class::B64);
    line!(body, "{op} {result}, {from};");
    result.into()
}

fn zero_extended(body: &mut Body, operands: Operands<'_>) -> Value {
    if operands.result != Lane::I64 {
        return as_lane(operands.result, operands.args[0]);
    }
    let from = body.in_register(operands.args[0]);
    widened(body, "cvt.u64.u32", from)
}

/// The same register, or the same bits as a constant of that lane.
fn as_lane(lane: Lane, value: Value) -> Value {
    match value {
        Value::Reg(_) => value,
        Value::Const(scalar) => Value::Const(Scalar { lane, bits: scalar.bits }),
    }
}

fn sign_extended(body: &mut Body, operands: Operands<'_>) -> Value {
    let value = signed(body, operands.x, operands.args[0]);
    if operands.result != Lane::I64 {
        return cut(body, operands.result, value);
    }
    let from = body.in_register(value);
    widened(body, "cvt.s64.s32", from)
}

fn truncated(body: &mut Body, operands: Operands<'_>) -> Value {
    let value = operands.args[0];
    if operands.x != Lane::I64 {
        return cut(body, operands.result, value);
    }
    let (from, low) = (body.in_register(value), body.reg(Class::B32));
    line!(body, "cvt.u32.u64 {low}, {from};");
    cut(body, operands.result, low.into())
}

fn convert(body: &mut Body, op: &str, operands: Operands<'_>) -> Value {
    let (from, result) = (body.in_register(operands.args[0]), body.lane(operands.result));
    line!(body, "{op} {result}, {from};");
    result.into()
}

fn from_integer(body: &mut Body, ty: &str, operands: Operands<'_>) -> Value {
    convert(body, &format!("cvt.rn.{}.{ty}", bits_ty(operands.result)), operands)
}

/// The mask of NaNs.
pub(crate) fn is_nan(body: &mut Body, value: Reg) -> Reg {
    let mask = body.reg(Class::Pred);
    line!(body, "setp.nan.{} {mask}, {value}, {value};", value.class.ty());
    mask
}

fn to_integer(body: &mut Body, ty: &str, operands: Operands<'_>) -> Value {
    let from = body.in_register(operands.args[0]);
    let (converted, result) = (body.lane(operands.result), body.lane(operands.result));
    line!(body, "cvt.rzi.{ty}.{} {converted}, {from};", bits_ty(operands.x));
    let nan = is_nan(body, from);
    line!(body, "selp.{} {result}, 0, {converted}, {nan};", bits_ty(operands.result));
    result.into()
}

fn from_half(body: &mut Body, operands: Operands<'_>) -> Value {
    let from = body.in_register(operands.args[0]);
    let (half, result) = (body.reg(Class::B16), body.reg(Class::F32));
    line!(body, "cvt.u16.u32 {half}, {from};");
    line!(body, "cvt.f32.f16 {result}, {half};");
    result.into()
}

fn to_half(body: &mut Body, operands: Operands<'_>) -> Value {
    let from = body.in_register(operands.args[0]);
    let (half, bits, result) = (body.reg(Class::B16), body.reg(Class::B32), body.reg(Class::B32));
    line!(body, "cvt.rn.f16.{} {half}, {from};", bits_ty(operands.x));
    line!(body, "cvt.u32.u16 {bits}, {half};");
    let nan = is_nan(body, from);
    line!(body, "selp.b32 {result}, 0x7e00, {bits}, {nan};");
    result.into()
}

fn bit_cast(body: &mut Body, operands: Operands<'_>) -> Value {
    if let Value::Const(_) = operands.args[0] {
        return as_lane(operands.result, operands.args[0]);
    }
    let ty = if operands.result.bits() == 64 { "b64" } else { "b32" };
    apply(body, "mov", ty, operands)
}

fn select(body: &mut Body, operands: Operands<'_>) -> Value {
    let [mask, set, clear] = *operands.args else { unreachable!("select takes three") };
    let (mask, result) = (body.in_register(mask), body.lane(operands.result));
    line!(body, "selp.{} {result}, {set}, {clear}, {mask};", bits_ty(operands.result));
    result.into()
}
