//! Round trips over hand-written and random kernels, and errors by line.

use super::parse_kernel;
use crate::ids::{RegionId, TableId, ValueId};
use crate::kernel::{
    Control, Fold, InputClass, Kernel, Node, OperandInput, OperandOutput, Region, Scalar,
    StateSlot, Table,
};
use crate::lane::Lane;
use crate::prim::Prim;
use crate::verify::verify;

const EVERYTHING: &str = "\
table0.i16 = 1, -2, 3, -32768
table1.f64 = 0x7ff8000000000001, -0.0
region0(f64)
  v0 = param.f64 0
  v1 = fsqrt.f64 v0
  return v1
region1(i64, mask)
  v0 = param.i64 0
  v1 = param.mask 1
  v2 = const.i64 -1
  v3 = iadd.i64 v0, v2
  v4 = mask_not.mask v1
  return v3, v1, v4
input0 = f64 stream
input1 = bool splat
uniform(f32)
  v0 = param.f32 0
  v1 = promote.f64 v0
  return v1
lane(f64, mask, f64)
  v0 = param.f64 0
  v1 = param.mask 1
  v2 = param.f64 2
  v3 = fma.f64 v0, v2, v0
  v4 = lane_index.i64
  v5 = lookup.f64 table1, v4
  c0 = rare v1, region0(v3) else (v5)
  c1 = repeat 9, region1(v4, v1)
  v6 = result.mask c1.1
  v7 = result.f64 c0.0
  v8 = const.f32 1e-45
  v9 = const.f64 0x7ff0000000000001
  return v7, v6, v0
output0 = f64
output1 = bool
fold0 = f64 -inf, mask false
fold0.step(f64, mask, f64)
  v0 = param.f64 0
  v1 = param.mask 1
  v2 = param.f64 2
  v3 = fadd.f64 v0, v2
  return v3, v1
fold0.merge(f64, mask, f64, mask)
  v0 = param.f64 0
  v1 = param.mask 1
  return v0, v1
fold0.finish(f64, mask)
  v0 = param.f64 0
  return v0
";

#[test]
fn a_kernel_with_everything_is_printed_as_it_was_written() {
    let kernel = parse_kernel(EVERYTHING).expect("well formed");
    assert_eq!(kernel.to_string(), EVERYTHING);
    verify(kernel).expect("and valid");
}

#[test]
fn comments_blank_lines_and_spaces_mean_nothing() {
    let spaced = EVERYTHING.replace('\n', "   # remark, v9 = \n\n").replace(", ", "  ,");
    assert_eq!(parse_kernel(&spaced), parse_kernel(EVERYTHING));
}

#[test]
fn an_empty_text_is_the_empty_kernel() {
    assert_eq!(parse_kernel(""), Ok(Kernel::default()));
    assert_eq!(Kernel::default().to_string(), "");
}

#[test]
fn errors_name_their_line() {
    let cases = [
        ("lane()\n  v1 = lane_index.i64\n  return", "line 2: expected v0, found v1"),
        ("\nlane()\n v0 = fsin.f64 v0\n return", "line 3: there is no primitive `fsin`"),
        ("lane()\n v0 = fadd.f64 v0\n return", "line 2: fadd takes 2 values, not 1"),
        ("lane()\n v0 = const.i8 256\n", "line 2: `256` is not a constant of i8"),
        ("lane()\n v0 = const.i8 -129\n", "line 2: `-129` is not a constant of i8"),
        ("lane()\n v0 = const.f64 nan\n", "line 2: `nan` is not a constant of f64"),
        ("lane()\n v0 = const.f64 \n", "line 2: `` is not a constant of f64"),
        ("lane()\n v0 = const.f64 0x+1\n", "line 2: `0x+1` is not a constant of f64"),
        ("lane()\nlane()", "line 2: the region before lacks its `return`"),
        ("lane()\nreturn\nlane()", "line 3: this region has been given before"),
        ("lane()", "line 1: the region before lacks its `return`"),
        ("v0 = lane_index.i64", "line 1: a value outside a region"),
        ("return", "line 1: `return` outside a region"),
        ("input0 = c64 stream", "line 1: `c64` is not a form of memory"),
        ("input0 = f64 row", "line 1: `row` is not `stream` or `splat`"),
        ("output0 = f64 nan", "line 1: expected `never_nan`, found `nan`"),
        ("fold0.step()", "line 1: there is no fold0 yet"),
        ("region9999999999()", "line 1: `region9999999999` does not start a line"),
        ("lane(f64) f", "line 1: unexpected `f`"),
        ("é", "line 1: expected a word, found `é`"),
    ];
    for (text, message) in cases {
        let error = parse_kernel(text).expect_err(text);
        assert_eq!(error.to_string(), message, "{text:?}");
    }
}

/// Every prefix and every single-byte change of a kernel's text is read or refused, without panics;
/// what is read prints and reads again as the same kernel.
#[test]
fn damaged_texts_do_not_panic() {
    let text = EVERYTHING.as_bytes();
    let read_twice = |bytes: &[u8]| {
        if let Ok(kernel) = parse_kernel(&String::from_utf8_lossy(bytes)) {
            assert_eq!(parse_kernel(&kernel.to_string()), Ok(kernel));
        }
    };
    let mut random = Random(1);
    for len in 0..text.len() {
        read_twice(&text[..len]);
        for _ in 0..8 {
            let mut changed = text.to_vec();
            let replacements = b" ,.()=#v0123456789crx-\n\xff";
            changed[len] = replacements[random.below(replacements.len())];
            read_twice(&changed);
        }
    }
}

#[test]
fn every_lane_constant_survives() {
    let mut random = Random(7);
    for &lane in Lane::ALL {
        for round in 0..2000 {
            let special = [0, 1, u64::MAX, 1 << (lane.bits() - 1), 0x7ff0_0000_0000_0001];
            let bits = special.get(round).copied().unwrap_or_else(|| random.next());
            let bits = bits & lane.all_ones();
            let table = Table { lane, entries: vec![bits] };
            let kernel = Kernel { tables: vec![table], ..Kernel::default() };
            assert_eq!(parse_kernel(&kernel.to_string()), Ok(kernel));
        }
    }
}

/// Kernels of random parts, well formed but mostly not valid: the text form does not care.
#[test]
fn random_kernels_survive() {
    for seed in 1..500 {
        let kernel = random_kernel(&mut Random(seed));
        let text = kernel.to_string();
        assert_eq!(parse_kernel(&text), Ok(kernel), "{text}");
    }
}

/// splitmix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn lane(&mut self) -> Lane {
        Lane::ALL[self.below(Lane::ALL.len())]
    }

    fn value(&mut self) -> ValueId {
        ValueId::new(self.below(100))
    }

    fn scalar(&mut self, lane: Lane) -> Scalar {
        Scalar { lane, bits: self.next() & lane.all_ones() }
    }

    fn several<T>(&mut self, make: fn(&mut Random) -> T) -> Vec<T> {
        (0..self.below(4)).map(|_| make(self)).collect()
    }
}

fn random_kernel(random: &mut Random) -> Kernel {
    Kernel {
        regions: random.several(random_region),
        tables: random.several(|random| {
            let lane = random.lane();
            Table { lane, entries: (0..8).map(|_| random.scalar(lane).bits).collect() }
        }),
        uniform: random_region(random),
        inputs: random.several(|random| OperandInput {
            mem: random.lane().mem(),
            class: [InputClass::Stream, InputClass::Splat][random.below(2)],
        }),
        lane: random_region(random),
        outputs: random.several(|random| OperandOutput {
            mem: random.lane().mem(),
            never_nan: random.below(2) == 0,
        }),
        folds: random.several(|random| Fold {
            state: random.several(|random| {
                let lane = random.lane();
                StateSlot { init: random.scalar(lane) }
            }),
            step: random_region(random),
            merge: random_region(random),
            finish: random_region(random),
        }),
    }
}

fn random_region(random: &mut Random) -> Region {
    let lanes: Vec<Lane> = (0..random.below(12)).map(|_| random.lane()).collect();
    let nodes = lanes.iter().map(|&lane| random_node(random, lane)).collect();
    let params = random.several(Random::lane);
    let controls = random.several(random_control);
    Region { params, nodes, lanes, controls, results: random.several(Random::value) }
}

fn random_node(random: &mut Random, lane: Lane) -> Node {
    match random.below(6) {
        0 => Node::Param(random.below(9) as u32),
        1 => Node::Const(random.scalar(lane)),
        2 => Node::Lookup(TableId::new(random.below(9)), random.value()),
        3 => Node::Result { control: random.below(3) as u32, index: random.below(3) as u32 },
        _ => {
            let prim = Prim::ALL[random.below(Prim::ALL.len())];
            let mut args = [ValueId::new(0); 3];
            args[..prim.arity()].fill_with(|| random.value());
            Node::Prim(prim, args)
        }
    }
}

fn random_control(random: &mut Random) -> Control {
    let region = RegionId::new(random.below(5));
    let (values, others) = (random.several(Random::value), random.several(Random::value));
    if random.below(2) == 0 {
        Control::Rare { mask: random.value(), region, args: values, otherwise: others }
    } else {
        Control::Repeat { at_most: random.below(99) as u32, region, init: values }
    }
}
