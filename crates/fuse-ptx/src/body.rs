//! The body of one function of a module: its lines, registers and labels.
//!
//! | registers | class | hold |
//! |---|---|---|
//! | `%p` | `.pred` | masks |
//! | `%h` | `.b16` | f16 on its way |
//! | `%r` | `.b32` | i8, i16 (zero extended), i32, 32-bit indices |
//! | `%rd` | `.b64` | i64, addresses, 64-bit indices |
//! | `%f` | `.f32` | f32 |
//! | `%fd` | `.f64` | f64 |
//!
//! Every value gets a register of its own: the assembler allocates. Text from users never gets here.

use std::fmt::{self, Write as _};

use fuse_ir::{Lane, Scalar};

/// Appends one instruction or directive to a body.
macro_rules! line {
    ($body:expr, $($arg:tt)*) => { $body.push(format_args!($($arg)*)) };
}
pub(crate) use line;

/// Kinds of registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Pred,
    B16,
    B32,
    B64,
    F32,
    F64,
}

impl Class {
    const ALL: [Class; 6] =
        [Class::Pred, Class::B16, Class::B32, Class::B64, Class::F32, Class::F64];

    /// The class that holds values of a lane type.
    pub(crate) const fn of(lane: Lane) -> Class {
        match lane {
            Lane::Mask => Class::Pred,
            Lane::I8 | Lane::I16 | Lane::I32 => Class::B32,
            Lane::I64 => Class::B64,
            Lane::F32 => Class::F32,
            Lane::F64 => Class::F64,
        }
    }

    /// The type by which registers of the class are moved.
    pub(crate) const fn ty(self) -> &'static str {
        match self {
            Class::Pred => "pred",
            Class::B16 => "b16",
            Class::B32 => "b32",
            Class::B64 => "b64",
            Class::F32 => "f32",
            Class::F64 => "f64",
        }
    }

    const fn prefix(self) -> &'static str {
        match self {
            Class::Pred => "p",
            Class::B16 => "h",
            Class::B32 => "r",
            Class::B64 => "rd",
            Class::F32 => "f",
            Class::F64 => "fd",
        }
    }
}

/// A register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reg {
    pub(crate) class: Class,
    number: u32,
}

impl fmt::Display for Reg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "%{}{}", self.class.prefix(), self.number)
    }
}

/// An operand: a register or a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Reg(Reg),
    Const(Scalar),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Reg(reg) => reg.fmt(f),
            Value::Const(Scalar { lane: Lane::F64, bits }) => write!(f, "0d{bits:016X}"),
            Value::Const(Scalar { lane: Lane::F32, bits }) => write!(f, "0f{bits:08X}"),
            Value::Const(Scalar { bits, .. }) if *bits < 1 << 16 => bits.fmt(f),
            Value::Const(Scalar { bits, .. }) => write!(f, "{bits:#x}"),
        }
    }
}

impl From<Reg> for Value {
    fn from(reg: Reg) -> Value {
        Value::Reg(reg)
    }
}

/// A place to branch to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Label(u32);

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "L{}", self.0)
    }
}

/// The body of a function.
#[derive(Debug, Default)]
pub(crate) struct Body {
    lines: String,
    counts: [u32; Class::ALL.len()],
    labels: u32,
}

impl Body {
    /// A fresh register.
    pub(crate) fn reg(&mut self, class: Class) -> Reg {
        let count = &mut self.counts[class as usize];
        *count += 1;
        Reg { class, number: *count - 1 }
    }

    /// A fresh register for a value of a lane type.
    pub(crate) fn lane(&mut self, lane: Lane) -> Reg {
        self.reg(Class::of(lane))
    }

    /// Appends a line; see [`line!`].
    pub(crate) fn push(&mut self, line: fmt::Arguments<'_>) {
        writeln!(self.lines, "\t{line}").expect("strings take all text");
    }

    /// A label that is not placed yet.
    pub(crate) fn label(&mut self) -> Label {
        self.labels += 1;
        Label(self.labels - 1)
    }

    /// Places a label here.
    pub(crate) fn place(&mut self, label: Label) {
        writeln!(self.lines, "{label}:").expect("strings take all text");
    }

    /// Copies a value into a register of its class.
    pub(crate) fn set(&mut self, reg: Reg, value: Value) {
        match value {
            Value::Reg(own) if own == reg => {}
            // No instruction takes a constant mask.
            Value::Const(Scalar { lane: Lane::Mask, bits }) => {
                let word = self.reg(Class::B32);
                line!(self, "mov.b32 {word}, {bits};");
                line!(self, "setp.ne.u32 {reg}, {word}, 0;");
            }
            Value::Reg(_) | Value::Const(_) => {
                line!(self, "mov.{} {reg}, {value};", reg.class.ty());
            }
        }
    }

    /// A register that holds the value: its own, or a fresh one for a constant.
    pub(crate) fn in_register(&mut self, value: Value) -> Reg {
        match value {
            Value::Reg(reg) => reg,
            Value::Const(scalar) => self.copy(scalar.lane, value),
        }
    }

    /// A fresh register that holds the value now.
    pub(crate) fn copy(&mut self, lane: Lane, value: Value) -> Reg {
        let reg = self.lane(lane);
        self.set(reg, value);
        reg
    }

    /// Fresh registers that hold these values now.
    pub(crate) fn copies(&mut self, lanes: impl Iterator<Item = Lane>, from: &[Value]) -> Vec<Reg> {
        lanes.zip(from).map(|(lane, &value)| self.copy(lane, value)).collect()
    }

    /// Copies values into registers, none of which is read by a later copy: the values are those of
    /// other registers, or of the same ones.
    pub(crate) fn set_all(&mut self, regs: &[Reg], values: &[Value]) {
        // A value that is itself one of the registers set before it would be lost: copy such first.
        let is_target = |value: &Value| regs.iter().any(|&reg| *value == Value::Reg(reg));
        let safe: Vec<Value> = regs
            .iter()
            .zip(values)
            .map(|(&reg, &value)| {
                if !is_target(&value) || value == Value::Reg(reg) {
                    return value;
                }
                let copy = self.reg(reg.class);
                self.set(copy, value);
                Value::Reg(copy)
            })
            .collect();
        for (&reg, &value) in regs.iter().zip(&safe) {
            self.set(reg, value);
        }
    }

    /// The declarations and lines, in braces.
    pub(crate) fn finish(self) -> String {
        let mut text = String::from("{\n");
        for (class, count) in Class::ALL.into_iter().zip(self.counts) {
            if count > 0 {
                let (ty, prefix) = (class.ty(), class.prefix());
                writeln!(text, "\t.reg .{ty} %{prefix}<{count}>;").expect("strings take all text");
            }
        }
        text.push_str(&self.lines);
        text.push_str("\tret;\n}\n");
        text
    }
}
