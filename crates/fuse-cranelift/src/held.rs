//! How a kernel value is held while a group of lanes is computed.
//!
//! | lane | vectors |
//! |---|---|
//! | i8 … f64 | S × size / 16 vectors of that lane type, at least one |
//! | mask | the same with integers of `width` bytes, all ones or all zeros |
//!
//! A mask has no width of its own. It is held at the width of what made it (the compared lanes; one
//! byte when loaded) and converted where a consumer's lanes are wider or narrower, one step at a
//! time: widening sign-extends, narrowing packs with signed saturation, which maps -1 to -1.
//! 64-bit masks pack as pairs of equal 32-bit lanes, so every step is one instruction per vector.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Type, Value, types};
use fuse_ir::{Lane, Mem};

use crate::vector::{Parts, Vectors, int_vector, lane_bytes, vector_type};

/// A kernel value of one group of lanes.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    /// The lane type.
    pub(crate) lane: Lane,
    /// Bytes that a lane takes here.
    pub(crate) width: usize,
    /// The vectors.
    pub(crate) parts: Parts,
}

impl Held {
    /// A value that is no mask.
    pub(crate) fn new(lane: Lane, parts: Parts) -> Held {
        Held { lane, width: lane_bytes(lane), parts }
    }

    /// A mask of that width.
    pub(crate) fn mask(width: usize, parts: Parts) -> Held {
        Held { lane: Lane::Mask, width, parts }
    }

    /// The CLIF type of each part.
    pub(crate) fn part_type(&self) -> Type {
        if self.lane == Lane::Mask { int_vector(self.width) } else { vector_type(self.lane) }
    }

    /// The same value with other vectors of the same number and type.
    pub(crate) fn with_parts(&self, parts: Parts) -> Held {
        Held { parts, ..*self }
    }
}

impl Vectors<'_, '_> {
    /// The same vector in every part of a value of this lane type.
    pub(crate) fn repeated(&self, lane: Lane, part: Value) -> Held {
        Held::new(lane, Parts::from_elem(part, self.n_parts(lane_bytes(lane))))
    }

    /// A constant.
    pub(crate) fn constant(&mut self, lane: Lane, bits: u64) -> Value {
        let bits = if lane == Lane::Mask && bits != 0 { u64::MAX } else { bits };
        self.splat_bits(vector_type(lane), lane_bytes(lane), bits)
    }

    /// Each part changed alike.
    pub(crate) fn map(
        &mut self,
        lane: Lane,
        parts: &[Value],
        mut change: impl FnMut(&mut Self, Value) -> Value,
    ) -> Held {
        Held::new(lane, parts.iter().map(|&part| change(self, part)).collect())
    }

    /// The parts of a mask at that width.
    pub(crate) fn mask_at(&mut self, mask: &Held, width: usize) -> Parts {
        let (mut at, mut parts) = (mask.width, mask.parts.clone());
        while at < width {
            parts = self.widen(&parts, at, Extend::Sign);
            at *= 2;
        }
        while at > width {
            parts = self.narrow_mask(&parts, at);
            at /= 2;
        }
        parts
    }

    /// A mask held at that width.
    pub(crate) fn mask_held_at(&mut self, mask: &Held, width: usize) -> Held {
        Held::mask(width, self.mask_at(mask, width))
    }

    /// Integer lanes of `width` bytes to twice that.
    pub(crate) fn widen(&mut self, parts: &[Value], width: usize, extend: Extend) -> Parts {
        let wanted = self.n_parts(2 * width);
        let mut wide = Parts::new();
        for &part in parts {
            let part = self.cast(int_vector(width), part);
            wide.push(match extend {
                Extend::Sign => self.builder.ins().swiden_low(part),
                Extend::Zero => self.builder.ins().uwiden_low(part),
            });
            if wide.len() < wanted {
                wide.push(match extend {
                    Extend::Sign => self.builder.ins().swiden_high(part),
                    Extend::Zero => self.builder.ins().uwiden_high(part),
                });
            }
        }
        wide
    }

    /// The low halves of integer lanes of `width` bytes.
    pub(crate) fn narrow(&mut self, parts: &[Value], width: usize) -> Parts {
        pairs(parts).map(|(low, high)| self.narrow_pair(low, high, width)).collect()
    }

    fn narrow_pair(&mut self, low: Value, high: Value, width: usize) -> Value {
        if width == 8 {
            return self.low_words(low, high);
        }
        // Sign-extended low halves survive signed saturation.
        let half = 4 * width as u64;
        let [low, high] = [low, high].map(|part| {
            let part = self.cast(int_vector(width), part);
            let top = self.shift(crate::vector::Shift::Left, part, half);
            self.shift(crate::vector::Shift::RightSigned, top, half)
        });
        self.builder.ins().snarrow(low, high)
    }

    fn narrow_mask(&mut self, parts: &[Value], width: usize) -> Parts {
        let packed = if width == 2 { types::I16X8 } else { types::I32X4 };
        let narrow = pairs(parts).map(|(low, high)| {
            let [low, high] = [low, high].map(|part| self.cast(packed, part));
            let narrow = self.builder.ins().snarrow(low, high);
            self.cast(int_vector(width / 2), narrow)
        });
        narrow.collect()
    }

    /// `set` where the mask is set, `clear` elsewhere.
    pub(crate) fn blend_held(&mut self, mask: &Held, set: &Held, clear: &Held) -> Held {
        let set =
            if set.lane == Lane::Mask { self.mask_held_at(set, clear.width) } else { set.clone() };
        let mask = self.mask_at(mask, clear.width);
        let parts = mask.iter().zip(set.parts.iter().zip(&clear.parts));
        let blended = parts.map(|(&mask, (&set, &clear))| self.blend(mask, set, clear)).collect();
        clear.with_parts(blended)
    }

    /// What loaded elements are as a kernel value: bytes become a mask.
    pub(crate) fn held_from_memory(&mut self, mem: Mem, parts: Parts) -> Held {
        if mem != Mem::Bool {
            return Held::new(mem.lane(), parts);
        }
        let zero = self.splat_int(1, 0);
        let mask = parts.iter().map(|&part| self.icmp(IntCC::NotEqual, part, zero)).collect();
        Held::mask(1, mask)
    }

    /// What is stored for a value: a mask becomes bytes 0 and 1.
    pub(crate) fn parts_for_memory(&mut self, held: &Held) -> Parts {
        if held.lane != Lane::Mask {
            return held.parts.clone();
        }
        let mask = self.mask_at(held, 1);
        let one = self.splat_int(1, 1);
        mask.iter().map(|&part| self.builder.ins().band(part, one)).collect()
    }
}

/// Neighbouring vectors; a single one is its own neighbour, whose lanes do not matter.
fn pairs(parts: &[Value]) -> impl Iterator<Item = (Value, Value)> + '_ {
    parts.chunks(2).map(|pair| (pair[0], pair[pair.len() - 1]))
}

/// How integers grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extend {
    /// By their sign.
    Sign,
    /// By zeros.
    Zero,
}
