//! A kernel together with what it is run on.

use fuse_ir::{InputClass, Kernel, Mem, VerifiedKernel, verify};

use crate::random::Random;

/// What an input is filled with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill {
    /// Special and random values, pairs of specials met systematically.
    Special,
    /// Finite floats of moderate size, any integers: for folds, where one NaN would hide an order.
    Finite,
    /// Integers below a bound.
    Below(u64),
    /// True in that many cases of a hundred. For bools; true is any byte but 0.
    Percent(usize),
}

/// A kernel to be run, its scalars, and how its inputs are filled.
#[derive(Clone, Debug)]
pub struct Case {
    /// Unique among the cases; names what is tested.
    pub name: String,
    /// The kernel.
    pub kernel: VerifiedKernel,
    /// Bits of the uniform region's parameters.
    pub scalars: Vec<u64>,
    /// One for each input.
    pub fills: Vec<Fill>,
    /// `(output, input)` pairs that share their memory.
    pub in_place: Vec<(usize, usize)>,
    /// What `lane_index` counts from.
    pub first_index: u64,
}

impl Case {
    /// A case with special values in every input.
    ///
    /// # Panics
    /// When the kernel is not valid.
    pub fn new(name: impl Into<String>, kernel: Kernel) -> Case {
        let name = name.into();
        let fills = vec![Fill::Special; kernel.inputs.len()];
        let text = kernel.to_string();
        let kernel = verify(kernel).unwrap_or_else(|error| invalid(&name, &error, &text));
        Case { name, kernel, scalars: vec![], fills, in_place: vec![], first_index: 0 }
    }

    /// The same case with these fills.
    pub fn filled(mut self, fills: &[Fill]) -> Case {
        assert_eq!(fills.len(), self.fills.len());
        self.fills = fills.to_vec();
        self
    }

    /// The same case with these scalars.
    pub fn with_scalars(mut self, scalars: &[u64]) -> Case {
        self.scalars = scalars.to_vec();
        self
    }

    /// The bytes of every input for `n` elements; a splat has one element.
    pub fn make_inputs(&self, n: usize, random: &mut Random) -> Vec<Vec<u8>> {
        let mut stride = 1;
        let inputs = self.kernel.inputs.iter().zip(&self.fills);
        inputs
            .map(|(input, &fill)| match input.class {
                InputClass::Stream => fill_bytes(input.mem, fill, n, &mut stride, random),
                InputClass::Splat => fill_bytes(input.mem, fill, 1, &mut stride, random),
            })
            .collect()
    }
}

#[expect(clippy::panic, reason = "an invalid kernel is a bug of the test")]
fn invalid(name: &str, error: &fuse_ir::VerifyError, text: &str) -> VerifiedKernel {
    panic!("{name}: {error}\n{text}")
}

/// The bytes of `n` elements. `stride` lets the specials of successive inputs run at different
/// speeds, like the digits of a counter, so that all pairs meet in long arrays.
fn fill_bytes(mem: Mem, fill: Fill, n: usize, stride: &mut usize, random: &mut Random) -> Vec<u8> {
    let lane = mem.lane();
    let specials = crate::compare::special_values(lane);
    let first = random.below(specials.len() * *stride);
    let mut bytes = Vec::with_capacity(n * mem.size());
    for element in 0..n {
        let bits = match fill {
            Fill::Special if mem == Mem::Bool => random.pick(&[0, 0, 0, 1, 1, 2, 0x80, 0xff]),
            Fill::Special if random.percent(70) => {
                specials[(first + element) / *stride % specials.len()]
            }
            Fill::Special => random.operand(lane),
            Fill::Finite => random.moderate(lane),
            Fill::Below(bound) => random.bits() % bound,
            Fill::Percent(chance) if random.percent(chance) => random.pick(&[1, 2, 0x80, 0xff]),
            Fill::Percent(_) => 0,
        };
        push_element(&mut bytes, mem, bits);
    }
    *stride = (*stride * specials.len()).min(1 << 16);
    bytes
}

/// Appends the low bytes of `bits` as one element.
pub(crate) fn push_element(bytes: &mut Vec<u8>, mem: Mem, bits: u64) {
    const { assert!(cfg!(target_endian = "little"), "the low bytes come first") };
    bytes.extend_from_slice(&bits.to_ne_bytes()[..mem.size()]);
}

/// The raw bits of one element, zero extended.
pub(crate) fn raw_element(bytes: &[u8], mem: Mem, element: usize) -> u64 {
    let mut padded = [0; 8];
    let start = element * mem.size();
    padded[..mem.size()].copy_from_slice(&bytes[start..start + mem.size()]);
    u64::from_ne_bytes(padded)
}

/// What loading an element gives.
pub(crate) fn load_element(bytes: &[u8], mem: Mem, element: usize) -> u64 {
    let raw = raw_element(bytes, mem, element);
    if mem == Mem::Bool { u64::from(raw != 0) } else { raw }
}
