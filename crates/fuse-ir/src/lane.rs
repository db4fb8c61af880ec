//! What one lane of a kernel value is, and how it lies in memory.

use std::fmt;

/// The type of one lane of a value. Integers are signless: signedness is in the primitive.
///
/// A mask has no width: it is the result of a comparison, and a back end keeps it in whatever form
/// suits (a vector of all-ones words, a mask register).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lane {
    /// True or false.
    Mask,
    /// 8-bit integer.
    I8,
    /// 16-bit integer (and the storage of f16).
    I16,
    /// 32-bit integer.
    I32,
    /// 64-bit integer.
    I64,
    /// IEEE binary32.
    F32,
    /// IEEE binary64.
    F64,
}

impl Lane {
    /// Every lane type.
    pub const ALL: &[Lane] =
        &[Lane::Mask, Lane::I8, Lane::I16, Lane::I32, Lane::I64, Lane::F32, Lane::F64];

    /// Significant bits of a lane; 1 for a mask.
    pub const fn bits(self) -> u32 {
        match self {
            Lane::Mask => 1,
            Lane::I8 => 8,
            Lane::I16 => 16,
            Lane::I32 | Lane::F32 => 32,
            Lane::I64 | Lane::F64 => 64,
        }
    }

    /// All significant bits set.
    pub const fn all_ones(self) -> u64 {
        u64::MAX >> (64 - self.bits())
    }

    /// Is it a float lane?
    pub const fn is_float(self) -> bool {
        matches!(self, Lane::F32 | Lane::F64)
    }

    /// Is it an integer lane? A mask is not.
    pub const fn is_int(self) -> bool {
        matches!(self, Lane::I8 | Lane::I16 | Lane::I32 | Lane::I64)
    }

    /// How values of this lane type are stored when a kernel keeps them in memory.
    pub const fn mem(self) -> Mem {
        match self {
            Lane::Mask => Mem::Bool,
            Lane::I8 => Mem::I8,
            Lane::I16 => Mem::I16,
            Lane::I32 => Mem::I32,
            Lane::I64 => Mem::I64,
            Lane::F32 => Mem::F32,
            Lane::F64 => Mem::F64,
        }
    }

    /// The name in the text form.
    pub const fn name(self) -> &'static str {
        match self {
            Lane::Mask => "mask",
            Lane::I8 => "i8",
            Lane::I16 => "i16",
            Lane::I32 => "i32",
            Lane::I64 => "i64",
            Lane::F32 => "f32",
            Lane::F64 => "f64",
        }
    }

    /// The lane type of that name.
    pub fn from_name(name: &str) -> Option<Lane> {
        Lane::ALL.iter().copied().find(|lane| lane.name() == name)
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How an operand's elements lie in memory: native byte order, any alignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mem {
    /// A byte; loads give `byte != 0`, stores write 0 or 1.
    Bool,
    /// One byte.
    I8,
    /// Two bytes.
    I16,
    /// Four bytes.
    I32,
    /// Eight bytes.
    I64,
    /// Four bytes; stored NaNs are canonical.
    F32,
    /// Eight bytes; stored NaNs are canonical.
    F64,
}

impl Mem {
    /// The lane type of a loaded element.
    pub const fn lane(self) -> Lane {
        match self {
            Mem::Bool => Lane::Mask,
            Mem::I8 => Lane::I8,
            Mem::I16 => Lane::I16,
            Mem::I32 => Lane::I32,
            Mem::I64 => Lane::I64,
            Mem::F32 => Lane::F32,
            Mem::F64 => Lane::F64,
        }
    }

    /// Bytes of one element.
    pub const fn size(self) -> usize {
        match self {
            Mem::Bool | Mem::I8 => 1,
            Mem::I16 => 2,
            Mem::I32 | Mem::F32 => 4,
            Mem::I64 | Mem::F64 => 8,
        }
    }
}

impl fmt::Display for Mem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Mem::Bool => "bool",
            Mem::I8 | Mem::I16 | Mem::I32 | Mem::I64 | Mem::F32 | Mem::F64 => self.lane().name(),
        })
    }
}
