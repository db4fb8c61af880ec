//! The corpus files as cases. `tests/corpus/make.py` says what stands in them.

use std::path::{Path, PathBuf};

use fuse::raw::ScalarValue;
use fuse::{Complex, DType, F16, Input, InputType, Layout, Mode, View};
use fuse_ir::Strength;
use fuse_testkit::Random;
use toml::{Table, Value};

/// Elements of one dtype and shape, as bits; of complex numbers the bits of each part, of text its units.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Data {
    pub(crate) dtype: DType,
    pub(crate) shape: Vec<usize>,
    pub(crate) bits: Vec<u64>,
}

/// What a variable is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Role {
    Array,
    Scalar,
    Weak,
}

/// What a case must give.
#[derive(Clone, Debug)]
pub(crate) enum Expect {
    /// One for each result.
    Values(Vec<Data>),
    Error(String),
}

/// One case.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// `theme/number`, the number counted from 1.
    pub(crate) name: String,
    pub(crate) formula: String,
    pub(crate) mode: Mode,
    /// Is it run in the other mode, too, and gives the same bits there?
    pub(crate) in_either_mode: bool,
    pub(crate) inputs: Vec<(String, Role, Data)>,
    pub(crate) expect: Expect,
    /// Floats that an element may be from the expected one.
    pub(crate) ulp: u64,
}

impl Data {
    /// What the bits are of: elements, their parts, or units of text.
    pub(crate) fn unit(&self) -> DType {
        match self.dtype {
            DType::Bytes(_) => DType::U8,
            DType::Text(_) => DType::U32,
            dtype => dtype.part().unwrap_or(dtype),
        }
    }

    /// How many of these an element has.
    pub(crate) fn units(&self) -> usize {
        match self.dtype {
            DType::Bytes(n) | DType::Text(n) => n as usize,
            dtype if dtype.is_complex() => 2,
            _ => 1,
        }
    }

    /// The first element as a scalar.
    pub(crate) fn scalar(&self) -> ScalarValue {
        let single = |at: usize| f32::from_bits(u32::try_from(self.bits[at]).expect("32 bits"));
        match self.dtype {
            DType::C64 => Complex::new(single(0), single(1)).into(),
            DType::C128 => {
                Complex::new(f64::from_bits(self.bits[0]), f64::from_bits(self.bits[1])).into()
            }
            dtype => ScalarValue::new(dtype, self.bits[0]).expect("at most eight bytes"),
        }
    }

    /// The elements' bytes in native order.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let size = self.unit().size();
        self.bits.iter().flat_map(|bits| bits.to_le_bytes()[..size].to_vec()).collect()
    }

    /// The bits of elements of this dtype in native order.
    pub(crate) fn bits_of(&self, bytes: &[u8]) -> Vec<u64> {
        let element = |bytes: &[u8]| {
            let mut word = [0; 8];
            word[..bytes.len()].copy_from_slice(bytes);
            u64::from_le_bytes(word)
        };
        bytes.chunks_exact(self.unit().size()).map(element).collect()
    }

    /// The elements again and again, up to this length.
    pub(crate) fn tiled(&self, len: usize) -> Data {
        let bits = self.bits.iter().copied().cycle().take(len * self.units()).collect();
        Data { dtype: self.dtype, shape: vec![len], bits }
    }
}

impl Case {
    /// Is it to be run in this mode?
    pub(crate) fn runs_in(&self, mode: Mode) -> bool {
        self.mode == mode || self.in_either_mode
    }

    /// The types of its variables, as `explain` wants them.
    pub(crate) fn types(&self) -> Vec<(&str, InputType)> {
        let ty = |role: Role, data: &Data| match role {
            Role::Array => InputType::array(data.dtype, &data.shape),
            Role::Scalar => InputType::scalar(data.dtype, Strength::Strong),
            Role::Weak => InputType::scalar(data.dtype, Strength::Weak),
        };
        self.inputs.iter().map(|(name, role, data)| (name.as_str(), ty(*role, data))).collect()
    }
}

/// A variable's value for one call.
pub(crate) fn input<'a>(role: Role, data: &Data, bytes: &'a [u8]) -> Input<'a> {
    match (role, data.dtype) {
        (Role::Array, dtype) => {
            let strides = fuse_ir::contiguous_strides(&data.shape, dtype.size());
            let order = fuse::raw::ByteOrder::Native;
            let layout = Layout { dtype, order, extents: &data.shape, strides: &strides };
            Input::array(View::from_bytes(bytes, &layout, 0).expect("the bytes hold the array"))
        }
        (Role::Scalar, _) => Input::scalar(data.scalar()),
        (Role::Weak, DType::F64) => Input::weak_float(f64::from_bits(data.bits[0])),
        (Role::Weak, _) => Input::weak_int(data.bits[0].cast_signed()),
    }
}

/// The folder of the corpus.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

/// The themes: the names of the corpus files.
pub(crate) fn themes() -> Vec<String> {
    let files = std::fs::read_dir(folder()).expect("the corpus is there");
    let paths = files.map(|entry| entry.expect("readable").path());
    let toml = paths.filter(|path| path.extension().is_some_and(|extension| extension == "toml"));
    let mut names: Vec<String> =
        toml.map(|path| path.file_stem().expect("named").to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// The cases of one theme.
pub(crate) fn cases(theme: &str) -> Vec<Case> {
    let path = folder().join(format!("{theme}.toml"));
    let text = std::fs::read_to_string(&path).expect("the corpus file can be read");
    assert!(text.starts_with("# "), "{theme}: the file's comment says why it exists");
    let table: Table = text.parse().unwrap_or_else(|error| panic!("{theme}: {error}"));
    let vectors = table.get("vectors").and_then(Value::as_table).cloned().unwrap_or_default();
    let cases = table["case"].as_array().expect("an array of cases");
    let case = |(number, value): (usize, &Value)| {
        let table = value.as_table().expect("a table");
        read_case(format!("{theme}/{}", number + 1), table, &vectors)
    };
    cases.iter().enumerate().map(case).collect()
}

fn read_case(name: String, table: &Table, vectors: &Table) -> Case {
    let text = |key: &str| table.get(key).map(|value| value.as_str().expect("a text").to_string());
    let expect = match (text("error"), table.get("expect")) {
        (Some(code), None) => Expect::Error(code),
        (None, Some(value)) => Expect::Values(results(value).map(read_data).collect()),
        _ => panic!("{name}: a case has `expect` or `error`"),
    };
    let (mode, in_either_mode) = match text("mode").as_deref() {
        None => (Mode::Strict, false),
        Some("relaxed") => (Mode::Relaxed, false),
        Some("both") => (Mode::Strict, true),
        Some(other) => panic!("{name}: unknown mode {other}"),
    };
    let ulp = table
        .get("expect")
        .and_then(|expect| results(expect).find_map(|table| table.get("ulp")))
        .map_or(0, |ulp| u64::try_from(ulp.as_integer().expect("a number")).expect("not negative"));
    let given = table.get("inputs").and_then(Value::as_table).cloned().unwrap_or_default();
    let inputs = given.iter().map(|(variable, value)| {
        let value = value.as_table().expect("a table");
        let (role, data) = read_input(value, vectors);
        (variable.clone(), role, data)
    });
    let formula = text("formula").expect("a case has a formula");
    Case { inputs: inputs.collect(), name, formula, mode, in_either_mode, expect, ulp }
}

/// The tables of `expect`: one, or an array of them.
fn results(expect: &Value) -> impl Iterator<Item = &Table> {
    let several = expect.as_array().map_or(std::slice::from_ref(expect), Vec::as_slice);
    several.iter().map(|value| value.as_table().expect("a table"))
}

fn read_input(table: &Table, vectors: &Table) -> (Role, Data) {
    if let Some(name) = table.get("vector") {
        let vector = &vectors[name.as_str().expect("a name")];
        return (Role::Array, read_data(vector.as_table().expect("a table")));
    }
    if let Some(seed) = table.get("splitmix") {
        let seed = seed.as_integer().expect("a seed").cast_unsigned();
        return (Role::Array, splitmix(read_dtype(table), read_shape(table), seed));
    }
    let is = |key: &str| table.get(key).is_some_and(|value| value.as_bool() == Some(true));
    let role = match (is("scalar"), is("weak")) {
        (true, _) => Role::Scalar,
        (_, true) => Role::Weak,
        _ => Role::Array,
    };
    (role, read_data(table))
}

/// `oracle.splitmix` of the generator.
fn splitmix(dtype: DType, shape: Vec<usize>, seed: u64) -> Data {
    let len: usize = shape.iter().product();
    let mut state = seed;
    let bits = (0..len).map(|_| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let value = ((z ^ (z >> 31)) >> 11) as f64 * 2f64.powi(-52) - 1.0;
        float_bits(dtype, value)
    });
    Data { dtype, bits: bits.collect(), shape }
}

fn float_bits(dtype: DType, value: f64) -> u64 {
    match dtype {
        DType::F32 => u64::from((value as f32).to_bits()),
        DType::F16 => u64::from(F16::from_f64(value).0),
        _ => value.to_bits(),
    }
}

fn read_dtype(table: &Table) -> DType {
    let name = table["dtype"].as_str().expect("a name");
    let length = || name[1..].parse().expect("a length");
    match &name[..1] {
        "S" => DType::Bytes(length()),
        "U" => DType::Text(length()),
        _ => DType::from_name(name).expect("a dtype"),
    }
}

fn read_shape(table: &Table) -> Vec<usize> {
    let extents = table["shape"].as_array().expect("an array").iter();
    extents.map(|n| usize::try_from(n.as_integer().expect("an extent")).expect("small")).collect()
}

fn read_data(table: &Table) -> Data {
    let dtype = read_dtype(table);
    let values = table["values"].as_array().expect("an array");
    let mut data = Data { dtype, shape: vec![], bits: vec![] };
    let unit = data.unit();
    let units = if dtype.is_complex() { 2 } else { 1 };
    let vector = || vec![values.len() / units];
    data.shape = if table.contains_key("shape") { read_shape(table) } else { vector() };
    let len = data.shape.iter().product::<usize>() * units;
    assert_eq!(len, values.len(), "the shape makes the values");
    if let DType::Bytes(n) | DType::Text(n) = dtype {
        data.bits = values.iter().flat_map(|value| text(value, n as usize)).collect();
        return data;
    }
    data.bits = values.iter().map(|value| element(unit, value)).collect();
    data
}

/// The units of a text: code points; of bytes, which stand as characters below 256, these.
fn text(value: &Value, n: usize) -> Vec<u64> {
    let text = value.as_str().expect("a text");
    let mut units: Vec<u64> = text.chars().map(|unit| u64::from(u32::from(unit))).collect();
    assert!(units.len() <= n, "{text:?} has more than {n} units");
    units.resize(n, 0);
    units
}

fn element(dtype: DType, value: &Value) -> u64 {
    match value {
        Value::Boolean(truth) => u64::from(*truth),
        Value::Integer(value) => {
            let unused = 64 - dtype.bits();
            value.cast_unsigned() << unused >> unused
        }
        Value::String(text) => match text.as_str() {
            "nan" if dtype == DType::F32 => 0x7fc0_0000,
            "nan" if dtype == DType::F16 => 0x7e00,
            "nan" => 0x7ff8_0000_0000_0000,
            "inf" => float_bits(dtype, f64::INFINITY),
            "-inf" => float_bits(dtype, f64::NEG_INFINITY),
            // Beyond TOML's integers.
            digits if dtype == DType::U64 => digits.parse().expect("a u64"),
            _ => float_bits(dtype, hex_float(text)),
        },
        other => panic!("{other} is no element"),
    }
}

/// `-0x1.8p+3`: exact, since at most 53 bits are written.
fn hex_float(text: &str) -> f64 {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (mantissa, exponent) =
        digits.strip_prefix("0x").and_then(|rest| rest.split_once('p')).expect("a hex float");
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let significand = u64::from_str_radix(&format!("{whole}{fraction}"), 16).expect("hex digits");
    let exponent: i32 = exponent.parse().expect("an exponent");
    let mut value = significand as f64;
    // One factor may leave the range of normal numbers where both together do not.
    let shift = exponent - 4 * i32::try_from(fraction.len()).expect("short");
    let (half, rest) = (shift / 2, shift - shift / 2);
    value *= 2f64.powi(half);
    value *= 2f64.powi(rest);
    if negative { -value } else { value }
}

#[test]
fn hex_floats_are_read_exactly() {
    let mut random = Random::new(3);
    assert_eq!(hex_float("0x1.8p+1"), 3.0);
    assert_eq!(hex_float("-0x0p+0").to_bits(), (-0.0_f64).to_bits());
    assert_eq!(hex_float("0x0.0000000000001p-1022"), f64::from_bits(1));
    assert_eq!(hex_float("0x1.fffffffffffffp+1023"), f64::MAX);
    for _ in 0..1000 {
        let bits = random.bits() & !(1 << 63);
        let (exponent, fraction) = ((bits >> 52).cast_signed() - 1023, bits & ((1 << 52) - 1));
        if -1022 < exponent && exponent < 1024 {
            let text = format!("0x1.{fraction:013x}p{exponent}");
            assert_eq!(hex_float(&text).to_bits(), bits, "{text}");
        }
    }
}
