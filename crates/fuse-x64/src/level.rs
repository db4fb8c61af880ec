//! The instruction sets that there is code for, and which of them this CPU has.

use std::fmt;

/// An instruction set with vectors wider than 128 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// AVX2 with FMA and F16C: 16 registers of 256 bits, masks in vectors.
    Avx2,
    /// AVX-512 F, CD, DQ, BW and VL, which all its CPUs since 2017 have: 32 registers of 512 bits
    /// and 8 of masks.
    Avx512,
}

impl Level {
    /// Every level, the widest last.
    pub const ALL: &[Level] = &[Level::Avx2, Level::Avx512];

    /// The widest that this CPU has.
    pub fn native() -> Option<Level> {
        Level::ALL.iter().copied().rfind(|level| level.is_available())
    }

    /// The name, as `--isa` takes it.
    pub const fn name(self) -> &'static str {
        match self {
            Level::Avx2 => "avx2",
            Level::Avx512 => "avx512",
        }
    }

    /// Has this CPU, and its system, all that the level needs?
    #[cfg(target_arch = "x86_64")]
    pub fn is_available(self) -> bool {
        match self {
            Level::Avx2 => {
                is_x86_feature_detected!("avx2")
                    && is_x86_feature_detected!("fma")
                    && is_x86_feature_detected!("f16c")
            }
            Level::Avx512 => {
                Level::Avx2.is_available()
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512cd")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512vl")
            }
        }
    }

    /// Has this CPU, and its system, all that the level needs?
    #[cfg(not(target_arch = "x86_64"))]
    pub fn is_available(self) -> bool {
        false
    }

    /// Bytes of a vector register.
    pub const fn vector_bytes(self) -> usize {
        match self {
            Level::Avx2 => 32,
            Level::Avx512 => 64,
        }
    }

    /// Number of vector registers.
    pub const fn vectors(self) -> usize {
        match self {
            Level::Avx2 => 16,
            Level::Avx512 => 32,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
