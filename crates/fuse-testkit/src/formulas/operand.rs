//! Arrays in memory, in every layout, and scalars.

use fuse_ir::{ByteOrder, DType, Lane, Prim};

use super::Family;
use crate::compare::special_values;
use crate::random::Random;

/// The value of a variable.
#[derive(Clone, Debug)]
pub struct Operand {
    /// Element type.
    pub dtype: DType,
    /// Is it a scalar rather than an array?
    pub is_scalar: bool,
    /// Extents, outermost first.
    pub extents: Vec<usize>,
    /// Byte strides.
    pub strides: Vec<isize>,
    /// Where element `[0, ..., 0]` lies in `bytes`.
    pub offset: usize,
    /// Byte order.
    pub order: ByteOrder,
    /// The memory, padding included.
    pub bytes: Vec<u8>,
    /// How many of the elements are special values.
    pub n_special: usize,
}

/// The lane of a dtype that formulas compute on; of complex numbers that of a part.
pub(super) fn lane_of(dtype: DType) -> Lane {
    dtype.part().unwrap_or(dtype).mem().expect("formulas compute on lanes").lane()
}

impl Operand {
    /// A random operand; `family` says what its values are.
    pub fn random(dtype: DType, extents: &[usize], family: Family, random: &mut Random) -> Operand {
        let size = dtype.size();
        let contiguous = random.percent(55);
        let strides = if contiguous {
            fuse_ir::contiguous_strides(extents, size).to_vec()
        } else {
            random_strides(extents, size, random)
        };
        let unaligned = !contiguous && random.percent(30);
        let slack = if unaligned { 1 + random.below(7) } else { 0 };
        let ends = || extents.iter().zip(&strides).map(|(&n, &s)| (n.max(1) - 1).cast_signed() * s);
        let before: isize = ends().map(|end| end.min(0)).sum();
        let after: isize = ends().map(|end| end.max(0)).sum();
        let offset = before.unsigned_abs() + slack;
        let bytes = vec![0; offset + after.unsigned_abs() + size];
        let swapped = !contiguous && size > 1 && random.percent(25);
        let order = if swapped { ByteOrder::Swapped } else { ByteOrder::Native };
        let (extents, is_scalar) = (extents.to_vec(), false);
        let mut operand =
            Operand { dtype, is_scalar, extents, strides, offset, order, bytes, n_special: 0 };
        random.apart(|random| operand.fill(family, random));
        operand
    }

    /// A random scalar.
    pub fn scalar(dtype: DType, family: Family, random: &mut Random) -> Operand {
        let mut operand = Operand {
            dtype,
            is_scalar: true,
            extents: Vec::new(),
            strides: Vec::new(),
            offset: 0,
            order: ByteOrder::Native,
            bytes: vec![0; dtype.size()],
            n_special: 0,
        };
        random.apart(|random| operand.fill(family, random));
        operand
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.extents.iter().product()
    }

    /// Has it no elements?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// C order, native bytes, aligned?
    pub fn is_contiguous(&self) -> bool {
        let c_order = fuse_ir::contiguous_strides(&self.extents, self.dtype.size());
        let aligned = self.offset.is_multiple_of(self.dtype.size());
        self.strides == c_order.as_slice() && self.order == ByteOrder::Native && aligned
    }

    /// The bits of the element at a position in C order; of a complex number those of its real part.
    pub fn bits(&self, position: usize) -> u64 {
        let mut word = [0; 8];
        let (at, size) = (self.at(position), self.part_size());
        word[..size].copy_from_slice(&self.bytes[at..at + size]);
        if self.order == ByteOrder::Swapped {
            word[..size].reverse();
        }
        u64::from_le_bytes(word)
    }

    /// The bytes of the element at a position in C order, in native order; of a complex number both parts.
    pub fn element(&self, position: usize) -> Vec<u8> {
        let (at, size) = (self.at(position), self.part_size());
        let mut bytes = self.bytes[at..at + self.dtype.size()].to_vec();
        if self.order == ByteOrder::Swapped {
            bytes.chunks_exact_mut(size).for_each(<[u8]>::reverse);
        }
        bytes
    }

    fn part_size(&self) -> usize {
        self.dtype.part().unwrap_or(self.dtype).size()
    }

    fn at(&self, position: usize) -> usize {
        let (mut rest, mut at) = (position, self.offset.cast_signed());
        for (&extent, &stride) in self.extents.iter().zip(&self.strides).rev() {
            at += (rest % extent).cast_signed() * stride;
            rest /= extent;
        }
        at.cast_unsigned()
    }

    fn fill(&mut self, family: Family, random: &mut Random) {
        let (size, part) = (self.part_size(), self.dtype.part().unwrap_or(self.dtype));
        for position in 0..self.len() {
            let first = self.at(position);
            for at in (first..first + self.dtype.size()).step_by(size) {
                let (bits, special) = element(part, family, random);
                self.n_special += usize::from(special && at == first);
                let mut bytes = bits.to_le_bytes();
                if self.order == ByteOrder::Swapped {
                    bytes[..size].reverse();
                }
                self.bytes[at..at + size].copy_from_slice(&bytes[..size]);
            }
        }
    }
}

/// Either order of the axes, a step of one to three elements, any signs.
fn random_strides(extents: &[usize], size: usize, random: &mut Random) -> Vec<isize> {
    let mut axes: Vec<usize> = (0..extents.len()).collect();
    if random.percent(60) {
        axes.reverse();
    }
    let mut strides = vec![0; extents.len()];
    let mut step = (size * (1 + random.below(3))).cast_signed();
    for axis in axes {
        strides[axis] = if random.percent(35) { -step } else { step };
        step *= extents[axis].max(1).cast_signed();
    }
    strides
}

/// Bits of one element, and whether it is a special value.
fn element(dtype: DType, family: Family, random: &mut Random) -> (u64, bool) {
    let lane = lane_of(dtype);
    if dtype == DType::Bool {
        // Any byte but 0 is true.
        return (random.pick(&[0, 0, 0, 1, 1, 1, 0xff, 2]), false);
    }
    if matches!(family, Family::Any | Family::Complex) && random.percent(18) {
        let specials = special_values(lane);
        return (specials[random.below(specials.len())], true);
    }
    if dtype.is_float() {
        return (float(dtype, random), false);
    }
    let small = (random.bits() % 201).wrapping_sub(100);
    let value = if random.percent(70) { small } else { random.bits() };
    (value & lane.all_ones(), false)
}

/// A full significand, or eighths: sums and products of those cancel exactly.
fn float(dtype: DType, random: &mut Random) -> u64 {
    let value = if random.percent(60) {
        f64::from_bits(random.moderate(Lane::F64))
    } else {
        random.below(129) as f64 / 8.0 - 8.0
    };
    match dtype {
        DType::F16 => Prim::F64ToF16.eval(Lane::F64, Lane::I16, [value.to_bits(), 0, 0]),
        DType::F32 => u64::from((value as f32).to_bits()),
        _ => value.to_bits(),
    }
}
