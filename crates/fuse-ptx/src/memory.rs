//! Loads and stores of elements, one by one or side by side.
//!
//! ```text
//! width 2 of f64   ld.global.nc.v2.f64 {%fd0, %fd1}            16 bytes
//! width 8 of i16   ld.global.nc.v4.b32 {%r0, %r1, %r2, %r3}    taken apart by bfe
//! width 2 of bool  ld.global.nc.u16 %r0                        taken apart by bfe
//! ```
//!
//! Elements narrower than four bytes travel in words, since vectors have at most four parts. A bool is a
//! byte: any but 0 is true, and 0 or 1 is written. What becomes a result passes [`canonical`] first.

use fuse_ir::{CANONICAL_NAN_F32, CANONICAL_NAN_F64, Lane, Mem, Scalar};

use crate::body::{Body, Class, Reg, Value, line};
use crate::prims::is_nan;
use crate::region::{from_word, to_word};

/// The type by which an element is loaded and stored.
fn access_ty(mem: Mem) -> &'static str {
    match mem {
        Mem::Bool | Mem::I8 => "u8",
        Mem::I16 => "u16",
        Mem::I32 => "b32",
        Mem::I64 => "b64",
        Mem::F32 => "f32",
        Mem::F64 => "f64",
    }
}

/// The class of the register that an element is loaded into.
fn access_class(mem: Mem) -> Class {
    if mem == Mem::Bool { Class::B32 } else { Class::of(mem.lane()) }
}

/// Loads an element by an instruction such as `ld.global.nc`.
pub(crate) fn load_through(body: &mut Body, op: &str, mem: Mem, address: Reg) -> Value {
    let reg = body.reg(access_class(mem));
    line!(body, "{op}.{} {reg}, [{address}];", access_ty(mem));
    if mem == Mem::Bool { from_word(body, reg).into() } else { reg.into() }
}

/// Loads elements that lie side by side, aligned to all of them together.
pub(crate) fn load_side_by_side(
    body: &mut Body,
    op: &str,
    (mem, width): (Mem, usize),
    address: Reg,
) -> Vec<Value> {
    if width == 1 {
        return vec![load_through(body, op, mem, address)];
    }
    if mem.size() >= 4 {
        let regs: Vec<Reg> = (0..width).map(|_| body.reg(access_class(mem))).collect();
        line!(body, "{op}.v{width}.{} {}, [{address}];", access_ty(mem), list(&regs));
        return regs.into_iter().map(Value::Reg).collect();
    }
    let words = load_words(body, op, mem.size() * width, address);
    (0..width).map(|position| take(body, &words, mem, position)).collect()
}

/// Bytes, 2 to 16, as 32-bit words.
fn load_words(body: &mut Body, op: &str, bytes: usize, address: Reg) -> Vec<Reg> {
    let words: Vec<Reg> = (0..bytes.div_ceil(4)).map(|_| body.reg(Class::B32)).collect();
    match words.as_slice() {
        [word] if bytes == 2 => line!(body, "{op}.u16 {word}, [{address}];"),
        [word] => line!(body, "{op}.b32 {word}, [{address}];"),
        several => {
            line!(body, "{op}.v{}.b32 {}, [{address}];", several.len(), list(several));
        }
    }
    words
}

/// The element at a position of the words.
fn take(body: &mut Body, words: &[Reg], mem: Mem, position: usize) -> Value {
    let bits = 8 * mem.size();
    let (word, shift) = (words[position * bits / 32], position * bits % 32);
    let reg = body.reg(Class::B32);
    line!(body, "bfe.u32 {reg}, {word}, {shift}, {bits};");
    if mem == Mem::Bool { from_word(body, reg).into() } else { reg.into() }
}

/// Stores an element.
pub(crate) fn store(body: &mut Body, mem: Mem, value: Value, address: Reg) {
    let reg = stored(body, mem, value);
    line!(body, "st.global.{} [{address}], {reg};", access_ty(mem));
}

/// Stores elements side by side.
pub(crate) fn store_side_by_side(body: &mut Body, mem: Mem, values: &[Value], address: Reg) {
    if let [value] = values {
        return store(body, mem, *value, address);
    }
    let regs: Vec<Reg> = values.iter().map(|&value| stored(body, mem, value)).collect();
    if mem.size() >= 4 {
        line!(body, "st.global.v{}.{} [{address}], {};", regs.len(), access_ty(mem), list(&regs));
        return;
    }
    let bits = 8 * mem.size();
    let words: Vec<Reg> = regs.chunks(32 / bits).map(|part| join(body, part, bits)).collect();
    match words.as_slice() {
        [word] if regs.len() * bits == 16 => line!(body, "st.global.u16 [{address}], {word};"),
        [word] => line!(body, "st.global.b32 [{address}], {word};"),
        several => {
            line!(body, "st.global.v{}.b32 [{address}], {};", several.len(), list(several));
        }
    }
}

/// Zero-extended elements in one word, the first one lowest.
fn join(body: &mut Body, elements: &[Reg], bits: usize) -> Reg {
    let mut word = elements[0];
    for (position, element) in elements.iter().enumerate().skip(1) {
        let joined = body.reg(Class::B32);
        line!(body, "bfi.b32 {joined}, {element}, {word}, {}, {bits};", position * bits);
        word = joined;
    }
    word
}

/// The register that is stored for a value.
fn stored(body: &mut Body, mem: Mem, value: Value) -> Reg {
    let reg = body.in_register(value);
    if mem == Mem::Bool { to_word(body, reg) } else { reg }
}

/// The value with NaNs made canonical.
pub(crate) fn canonical(body: &mut Body, lane: Lane, value: Value) -> Value {
    let bits = match lane {
        Lane::F32 => CANONICAL_NAN_F32,
        Lane::F64 => CANONICAL_NAN_F64,
        Lane::Mask | Lane::I8 | Lane::I16 | Lane::I32 | Lane::I64 => return value,
    };
    let (reg, result) = (body.in_register(value), body.lane(lane));
    let nan = is_nan(body, reg);
    let canonical = Value::Const(Scalar { lane, bits });
    line!(body, "selp.{} {result}, {canonical}, {reg}, {nan};", reg.class.ty());
    result.into()
}

fn list(regs: &[Reg]) -> String {
    let names: Vec<String> = regs.iter().map(ToString::to_string).collect();
    format!("{{{}}}", names.join(", "))
}
