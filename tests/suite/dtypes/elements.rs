//! Elements as bits and as the table's text: decimals that a float is read back from, `re,im` for complex.

use std::collections::HashMap;
use std::sync::LazyLock;

use fuse::DType;

use crate::corpus::compare::agree;

/// An element's bits; of complex numbers the real part's are the lower ones.
pub(super) type Bits = u128;

/// The part of a complex dtype.
fn part(dtype: DType) -> Option<DType> {
    match dtype {
        DType::C64 => Some(DType::F32),
        DType::C128 => Some(DType::F64),
        _ => None,
    }
}

/// Reads an element; NaN is canonical but for `-nan`.
pub(super) fn parse(dtype: DType, text: &str) -> Option<Bits> {
    if let Some(part) = part(dtype) {
        let (re, im) = text.split_once(',')?;
        return Some(parse(part, re)? | parse(part, im)? << part.bits());
    }
    if dtype.is_float() && text == "-nan" {
        return Some(parse(dtype, "nan")? | 1 << (dtype.bits() - 1));
    }
    let mask = Bits::MAX >> (Bits::BITS as usize - dtype.bits());
    match dtype {
        DType::F16 => HALVES.get(&text.parse::<f64>().ok()?.to_bits()).map(|&bits| bits.into()),
        DType::F32 => Some(text.parse::<f32>().ok()?.to_bits().into()),
        DType::F64 => Some(text.parse::<f64>().ok()?.to_bits().into()),
        _ => Some(text.parse::<i128>().ok()?.cast_unsigned() & mask),
    }
}

/// An element as a report shows it.
pub(super) fn show(dtype: DType, bits: Bits) -> String {
    if let Some(part) = part(dtype) {
        let im = bits >> part.bits();
        return format!("{}, {}i", show(part, bits ^ im << part.bits()), show(part, im));
    }
    let unused = Bits::BITS as usize - dtype.bits();
    match dtype {
        DType::F16 => format!("{} ({bits:#06x})", half(u16::try_from(bits).expect("16 bits"))),
        DType::F32 => format!("{}", f32::from_bits(u32::try_from(bits).expect("32 bits"))),
        DType::F64 => format!("{:?}", f64::from_bits(u64::try_from(bits).expect("64 bits"))),
        DType::I8 | DType::I16 | DType::I32 | DType::I64 => {
            ((bits << unused).cast_signed() >> unused).to_string()
        }
        _ => bits.to_string(),
    }
}

/// The same bits, or floats within so many steps of each other.
pub(super) fn same(dtype: DType, steps: u64, expected: Bits, got: Bits) -> bool {
    if let Some(part) = part(dtype) {
        let low = Bits::MAX >> (Bits::BITS as usize - part.bits());
        return same(part, steps, expected & low, got & low)
            && same(part, steps, expected >> part.bits(), got >> part.bits());
    }
    let [expected, got] = [expected, got].map(|bits| u64::try_from(bits).expect("64 bits"));
    agree(dtype, steps, expected, got)
}

/// Complex numbers within so many units in the last place of the expected one's magnitude; where that is not
/// finite, parts alike: NaN, the same infinity, or some floats apart.
pub(super) fn near(dtype: DType, units: f64, expected: Bits, got: Bits) -> bool {
    const STEPS: u64 = 4;
    let (expected_parts, got_parts) = (parts(dtype, expected), parts(dtype, got));
    if expected_parts.iter().any(|part| !part.is_finite()) {
        return same(dtype, STEPS, expected, got);
    }
    let [precision, least] = if dtype == DType::C64 { [24, -126] } else { [53, -1022] };
    // Halved twice, so that the magnitude is finite.
    let magnitude = (expected_parts[0] / 4.0).hypot(expected_parts[1] / 4.0);
    let exponent = ((magnitude.to_bits() >> 52).cast_signed() - 1021).max(least);
    let unit = i32::try_from(exponent - precision + 1).expect("an exponent");
    let in_units = |a: f64, b: f64| (a - b) / 2f64.powi(unit / 2) / 2f64.powi(unit - unit / 2);
    let [re, im] = [0, 1].map(|index| in_units(got_parts[index], expected_parts[index]));
    re.hypot(im) <= units
}

/// The parts of a complex number.
fn parts(dtype: DType, bits: Bits) -> [f64; 2] {
    let word = |bits: Bits| u64::try_from(bits).expect("64 bits");
    let single = |bits: Bits| f64::from(f32::from_bits(u32::try_from(bits).expect("32 bits")));
    match dtype {
        DType::C64 => [single(bits & 0xffff_ffff), single(bits >> 32)],
        _ => [f64::from_bits(word(bits & u128::from(u64::MAX))), f64::from_bits(word(bits >> 64))],
    }
}

/// Elements' bytes in native order.
pub(super) fn bytes(dtype: DType, elements: &[Bits]) -> Vec<u8> {
    elements.iter().flat_map(|bits| bits.to_le_bytes()[..dtype.size()].to_vec()).collect()
}

/// The bits of elements in native order.
pub(super) fn bits(dtype: DType, bytes: &[u8]) -> Vec<Bits> {
    let element = |bytes: &[u8]| {
        let mut word = [0; 16];
        word[..bytes.len()].copy_from_slice(bytes);
        Bits::from_le_bytes(word)
    };
    bytes.chunks_exact(dtype.size()).map(element).collect()
}

/// The f16 of each number that is one, by the number's bits; NaN is canonical.
static HALVES: LazyLock<HashMap<u64, u16>> = LazyLock::new(|| {
    let numbers = (0..=u16::MAX).map(|bits| (half(bits), bits));
    let numbers = numbers.filter(|(number, _)| !number.is_nan());
    let nan = (f64::NAN.to_bits(), 0x7e00);
    numbers.map(|(number, bits)| (number.to_bits(), bits)).chain([nan]).collect()
});

/// An f16's number: exact.
fn half(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    let magnitude = match exponent {
        0 => fraction * 2_f64.powi(-24),
        0x1f if fraction == 0.0 => f64::INFINITY,
        0x1f => f64::NAN,
        _ => (1024.0 + fraction) * 2_f64.powi(exponent - 25),
    };
    if bits >> 15 == 0 { magnitude } else { -magnitude }
}

#[test]
fn elements_are_read() {
    assert_eq!(parse(DType::F16, "0.0999755859375"), Some(0x2e66));
    assert_eq!(parse(DType::F16, "-nan"), Some(0xfe00));
    assert_eq!(parse(DType::F16, "0.1"), None, "no f16");
    assert_eq!(parse(DType::I16, "-2"), Some(0xfffe));
    assert_eq!(parse(DType::C64, "1,-0"), Some(0x8000_0000_3f80_0000));
    assert_eq!(show(DType::I16, 0xfffe), "-2");
    let [one, beside] = [0x3f80_0000_3f80_0000, 0x3f80_0004_3f80_0000];
    assert!(near(DType::C64, 4.0, one, beside) && !near(DType::C64, 3.0, one, beside));
    assert!(same(DType::F16, 1, 0x2e66, 0x2e67) && !same(DType::F16, 1, 0, 1));
}
