//! The table as arrays and texts.

use std::path::{Path, PathBuf};

use fuse::{Array, Complex, DType, Element, F16, PrintOptions};

/// Where the generator and its table lie.
pub(super) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("printing")
}

/// An array and how NumPy prints it.
pub(super) struct Case {
    /// Its first line, for reports.
    pub(super) head: String,
    pub(super) array: Array,
    pub(super) options: PrintOptions,
    /// Has it no options of its own?
    pub(super) is_default: bool,
    pub(super) deviation: Option<String>,
    pub(super) text: String,
}

/// All cases.
pub(super) fn cases() -> Vec<Case> {
    let text = std::fs::read_to_string(folder().join("table.txt")).expect("the table is there");
    let blocks = text.split("\n\n").map(str::trim_end).filter(|block| !block.is_empty());
    blocks.map(|block| case(block).unwrap_or_else(|| panic!("{block}"))).collect()
}

fn case(block: &str) -> Option<Case> {
    let mut lines = block.lines();
    let head = lines.next()?;
    let mut words = head.strip_prefix("case ")?.split(' ');
    let (dtype, shape) = (words.next()?, words.next()?);
    let shape: Vec<usize> = match shape {
        "-" => Vec::new(),
        extents => extents.split(',').map(str::parse).collect::<Result<_, _>>().ok()?,
    };
    let mut options = PrintOptions::default();
    let mut is_default = true;
    for word in words {
        let (name, value) = word.split_once('=')?;
        is_default = false;
        *option(&mut options, name)? = value.parse().ok()?;
    }
    let array = array(dtype, &shape, lines.next()?)?;
    let mut deviation = None;
    let mut text = Vec::new();
    for line in lines {
        match line.strip_prefix("deviation ") {
            Some(name) => deviation = Some(name.to_string()),
            None if line == "|" => text.push(""),
            None => text.push(line.strip_prefix("| ").unwrap_or(line)),
        }
    }
    let text = text.join("\n");
    Some(Case { head: head.to_string(), array, options, is_default, deviation, text })
}

/// An option by NumPy's name.
fn option<'o>(options: &'o mut PrintOptions, name: &str) -> Option<&'o mut usize> {
    match name {
        "precision" => Some(&mut options.precision),
        "threshold" => Some(&mut options.threshold),
        "edgeitems" => Some(&mut options.edge_items),
        "linewidth" => Some(&mut options.line_width),
        _ => None,
    }
}

fn array(dtype: &str, shape: &[usize], line: &str) -> Option<Array> {
    let (kind, items) = line.split_once(' ').unwrap_or((line, ""));
    let items: Vec<&str> = items.split(' ').filter(|item| !item.is_empty()).collect();
    if let Some(letter) = dtype.strip_prefix(['S', 'U']).map(|_| &dtype[..1]) {
        return texts(letter, shape, &items);
    }
    let dtype = DType::from_name(dtype)?;
    match kind {
        "elements" => elements(dtype, shape, &items),
        "progression" => {
            let (start, step) = (hex_float(items[0])?, hex_float(items[1])?);
            let n: usize = shape.iter().product();
            let values: Vec<f64> = (0..n).map(|index| start + step * index as f64).collect();
            progression(dtype, shape, &values)
        }
        _ => None,
    }
}

fn texts(letter: &str, shape: &[usize], items: &[&str]) -> Option<Array> {
    let units = |item: &&str| -> Option<Vec<u32>> {
        let units = item.split('.').filter(|unit| *unit != "-");
        units.map(|unit| u32::from_str_radix(unit, 16).ok()).collect()
    };
    let all: Vec<Vec<u32>> = items.iter().map(units).collect::<Option<_>>()?;
    if letter == "S" {
        let strings = all.into_iter().map(|units| {
            units.into_iter().map(|unit| u8::try_from(unit).expect("a byte")).collect()
        });
        return Array::from_byte_strings(&strings.collect::<Vec<Vec<u8>>>(), shape).ok();
    }
    let texts = all.into_iter().map(|units| {
        units.into_iter().map(|unit| char::from_u32(unit).expect("a character")).collect()
    });
    Array::from_texts(&texts.collect::<Vec<String>>(), shape).ok()
}

fn elements(dtype: DType, shape: &[usize], items: &[&str]) -> Option<Array> {
    fn read<T: Element>(
        shape: &[usize],
        items: &[&str],
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<Array> {
        let elements: Vec<T> = items.iter().map(|item| parse(item)).collect::<Option<_>>()?;
        Array::from_slice(&elements, shape).ok()
    }
    let pair = |item: &str| {
        let (re, im) = item.split_once(',')?;
        Some((hex_float(re)?, hex_float(im)?))
    };
    match dtype {
        DType::Bool => read(shape, items, |item| Some(item == "T")),
        DType::I8 => read::<i8>(shape, items, |item| item.parse().ok()),
        DType::I16 => read::<i16>(shape, items, |item| item.parse().ok()),
        DType::I32 => read::<i32>(shape, items, |item| item.parse().ok()),
        DType::I64 => read::<i64>(shape, items, |item| item.parse().ok()),
        DType::U8 => read::<u8>(shape, items, |item| item.parse().ok()),
        DType::U16 => read::<u16>(shape, items, |item| item.parse().ok()),
        DType::U32 => read::<u32>(shape, items, |item| item.parse().ok()),
        DType::U64 => read::<u64>(shape, items, |item| item.parse().ok()),
        DType::F16 => read(shape, items, |item| Some(F16::from_f64(hex_float(item)?))),
        DType::F32 => read(shape, items, |item| Some(hex_float(item)? as f32)),
        DType::F64 => read(shape, items, hex_float),
        DType::C64 => {
            read(shape, items, |item| pair(item).map(|(re, im)| Complex::new(re as f32, im as f32)))
        }
        DType::C128 => read(shape, items, |item| pair(item).map(|(re, im)| Complex::new(re, im))),
        DType::Bytes(_) | DType::Text(_) => None,
    }
}

fn progression(dtype: DType, shape: &[usize], values: &[f64]) -> Option<Array> {
    fn of<T: Element>(shape: &[usize], values: &[f64], make: fn(f64) -> T) -> Option<Array> {
        let elements: Vec<T> = values.iter().map(|value| make(*value)).collect();
        Array::from_slice(&elements, shape).ok()
    }
    match dtype {
        DType::Bool => of(shape, values, |value| value != 0.0),
        DType::I32 => of(shape, values, |value| value as i32),
        DType::I64 => of(shape, values, |value| value as i64),
        DType::F16 => of(shape, values, F16::from_f64),
        DType::F32 => of(shape, values, |value| value as f32),
        DType::F64 => of(shape, values, |value| value),
        DType::C64 => of(shape, values, |value| Complex::new(value as f32, 0.0)),
        DType::C128 => of(shape, values, |value| Complex::new(value, 0.0)),
        _ => None,
    }
}

/// Python's `float.hex`.
fn hex_float(text: &str) -> Option<f64> {
    let (sign, size) = match text.strip_prefix('-') {
        Some(size) => (-1.0, size),
        None => (1.0, text),
    };
    let Some(digits) = size.strip_prefix("0x") else {
        return Some(sign * size.parse::<f64>().ok()?);
    };
    let (digits, exponent) = digits.split_once('p')?;
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mantissa = u64::from_str_radix(&format!("{whole}{fraction}"), 16).ok()?;
    let exponent = exponent.parse::<i32>().ok()? - 4 * i32::try_from(fraction.len()).ok()?;
    // In two steps, neither of which rounds: subnormal numbers have fewer digits.
    let half = exponent / 2;
    Some(sign * mantissa as f64 * 2_f64.powi(half) * 2_f64.powi(exponent - half))
}

/// The elements at these positions, in this shape.
pub(super) fn gathered(array: &Array, positions: &[usize], shape: &[usize]) -> Array {
    fn of<T: Element>(array: &Array, positions: &[usize], shape: &[usize]) -> Option<Array> {
        let elements = array.as_slice::<T>()?;
        let elements: Vec<T> = positions.iter().map(|position| elements[*position]).collect();
        Array::from_slice(&elements, shape).ok()
    }
    let gather = [
        of::<bool>,
        of::<i8>,
        of::<i16>,
        of::<i32>,
        of::<i64>,
        of::<u8>,
        of::<u16>,
        of::<u32>,
        of::<u64>,
        of::<F16>,
        of::<f32>,
        of::<f64>,
        of::<Complex<f32>>,
        of::<Complex<f64>>,
    ];
    let found = gather.iter().find_map(|gather| gather(array, positions, shape));
    found.expect("an array of numbers, and a shape of as many")
}

#[test]
fn hex_floats_are_read() {
    for (text, value) in [
        ("0x1.999999999999ap-4", 0.1),
        ("-0x0.0p+0", -0.0),
        ("0x0.0000000000001p-1022", 5e-324),
        ("0x1.fffffffffffffp+1023", f64::MAX),
        ("-inf", f64::NEG_INFINITY),
    ] {
        assert_eq!(hex_float(text).map(f64::to_bits), Some(value.to_bits()), "{text}");
    }
}
