//! `rare` and `repeat`: no lane, some lanes, all lanes; nested; shared; frozen lanes.

use fuse_ir::{Control, Kernel, Lane, Mem, Prim, Region, RegionId, Scalar, ValueId};

use crate::assemble::Assembler;
use crate::case::{Case, Fill};
use crate::kernels::{output, region, stream, stream_kernel};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for percent in [0, 2, 50, 100] {
        cases.push(one_rare(percent));
        cases.push(rare_of_every_lane(percent));
        cases.push(nested_rare(percent));
        cases.push(rare_around_repeat(percent));
    }
    cases.extend([shared_region(), rare_by_comparison(), chained_rare()]);
    cases.extend([constant_masks(), results_unused(), control_in_uniform()]);
    for at_most in [1, 2, 7, 300] {
        cases.push(collatz(at_most));
        cases.push(countdown_of_every_lane(at_most));
    }
    cases.extend([repeat_never_goes_on(), repeat_always_goes_on(), rare_in_repeat()]);
    cases.extend([repeat_with_mask_state(), nested_repeat(), deeply_nested_rare()]);
    cases
}

fn rare(mask: ValueId, region: usize, args: &[ValueId], otherwise: &[ValueId]) -> Control {
    Control::Rare {
        mask,
        region: RegionId::new(region),
        args: args.to_vec(),
        otherwise: otherwise.to_vec(),
    }
}

fn repeat(at_most: u32, region: usize, init: &[ValueId]) -> Control {
    Control::Repeat { at_most, region: RegionId::new(region), init: init.to_vec() }
}

/// `x -> sqrt(x) - 1`
fn slow_path() -> Region {
    region(&[Lane::F64], |code| {
        let root = code.prim(Prim::FSqrt, &[code.param(0)]);
        let one = code.f64(1.0);
        vec![code.prim(Prim::FSub, &[root, one])]
    })
}

fn with_regions(regions: &[Region], kernel: Kernel) -> Kernel {
    Kernel { regions: regions.to_vec(), ..kernel }
}

fn one_rare(percent: usize) -> Case {
    let kernel = stream_kernel(&[Mem::F64, Mem::Bool], &[Mem::F64], |code| {
        let (a, mask) = (code.param(0), code.param(1));
        let doubled = code.prim(Prim::FAdd, &[a, a]);
        code.control(rare(mask, 0, &[a], &[doubled]), &[Lane::F64])
    });
    Case::new(format!("rare in {percent} %"), with_regions(&[slow_path()], kernel))
        .filled(&[Fill::Special, Fill::Percent(percent)])
}

/// Arguments and results of every lane type; the region returns them in another order of values.
fn rare_of_every_lane(percent: usize) -> Case {
    let slow = region(Lane::ALL, |code| {
        let params = code.params();
        let change = |value| match code.lane(value) {
            Lane::Mask => code.prim(Prim::MaskNot, &[value]),
            Lane::I8 | Lane::I16 | Lane::I32 | Lane::I64 => code.prim(Prim::IMul, &[value, value]),
            Lane::F32 | Lane::F64 => code.prim(Prim::FAdd, &[value, value]),
        };
        params.into_iter().map(change).collect()
    });
    let mems: Vec<Mem> = Lane::ALL.iter().map(|lane| lane.mem()).collect();
    let inputs = [mems.as_slice(), &[Mem::Bool]].concat();
    let kernel = stream_kernel(&inputs, &mems, |code| {
        let mask = code.param(mems.len());
        let values = code.params()[..mems.len()].to_vec();
        code.control(rare(mask, 0, &values, &values), Lane::ALL)
    });
    let mut fills = vec![Fill::Special; mems.len()];
    fills.push(Fill::Percent(percent));
    Case::new(format!("rare of every lane in {percent} %"), with_regions(&[slow], kernel))
        .filled(&fills)
}

/// A slow path that has a slower path of its own for negative arguments.
fn nested_rare(percent: usize) -> Case {
    let outer = region(&[Lane::F64], |code| {
        let a = code.param(0);
        let zero = code.f64(0.0);
        let negative = code.prim(Prim::FLt, &[a, zero]);
        let magnitude = code.prim(Prim::FSub, &[zero, a]);
        let inner = code.control(rare(negative, 0, &[magnitude], &[a]), &[Lane::F64]);
        vec![code.prim(Prim::FMul, &[inner[0], inner[0]])]
    });
    let kernel = stream_kernel(&[Mem::F64, Mem::Bool], &[Mem::F64], |code| {
        let (a, mask) = (code.param(0), code.param(1));
        code.control(rare(mask, 1, &[a], &[a]), &[Lane::F64])
    });
    Case::new(format!("nested rare in {percent} %"), with_regions(&[slow_path(), outer], kernel))
        .filled(&[Fill::Special, Fill::Percent(percent)])
}

/// Euclid's algorithm by subtraction, bounded, where the mask is set.
fn rare_around_repeat(percent: usize) -> Case {
    let step = region(&[Lane::I32, Lane::I32], |code| {
        let (a, b) = (code.param(0), code.param(1));
        let less = code.prim(Prim::ILtU, &[a, b]);
        let larger = code.prim(Prim::Select, &[less, b, a]);
        let smaller = code.prim(Prim::Select, &[less, a, b]);
        let rest = code.prim(Prim::ISub, &[larger, smaller]);
        let zero = code.int(Lane::I32, 0);
        let done = code.prim(Prim::IEq, &[rest, zero]);
        let go_on = code.prim(Prim::MaskNot, &[done]);
        vec![rest, smaller, go_on]
    });
    let gcd = region(&[Lane::I32, Lane::I32], |code| {
        let state = code.control(repeat(20, 0, &code.params()), &[Lane::I32, Lane::I32]);
        vec![code.prim(Prim::IOr, &state)]
    });
    let kernel = stream_kernel(&[Mem::I32, Mem::I32, Mem::Bool], &[Mem::I32], |code| {
        let params = code.params();
        code.control(rare(params[2], 1, &params[..2], &params[..1]), &[Lane::I32])
    });
    Case::new(format!("repeat inside rare in {percent} %"), with_regions(&[step, gcd], kernel))
        .filled(&[Fill::Below(30), Fill::Below(30), Fill::Percent(percent)])
}

/// One region called for four values under four masks.
fn shared_region() -> Case {
    let inputs = [Mem::F64, Mem::F64, Mem::Bool, Mem::Bool];
    let kernel = stream_kernel(&inputs, &[Mem::F64; 4], |code| {
        let [a, b, first, second] = [0, 1, 2, 3].map(|position| code.param(position));
        let both = code.prim(Prim::MaskAnd, &[first, second]);
        let sum = code.prim(Prim::FAdd, &[a, b]);
        let mut call = |mask, arg, otherwise| {
            code.control(rare(mask, 0, &[arg], &[otherwise]), &[Lane::F64])[0]
        };
        let one = call(first, a, b);
        let two = call(second, b, one);
        let three = call(both, sum, two);
        vec![one, two, three, call(first, three, a)]
    });
    Case::new("rare: one region, four calls", with_regions(&[slow_path()], kernel)).filled(&[
        Fill::Special,
        Fill::Special,
        Fill::Percent(10),
        Fill::Percent(60),
    ])
}

fn rare_by_comparison() -> Case {
    let kernel = stream_kernel(&[Mem::F32, Mem::F64], &[Mem::F64, Mem::Bool], |code| {
        let hundred = code.constant(Scalar::f32(100.0));
        let huge = code.prim(Prim::FLt, &[hundred, code.param(0)]);
        let b = code.param(1);
        let result = code.control(rare(huge, 0, &[b], &[b]), &[Lane::F64])[0];
        vec![result, huge]
    });
    Case::new("rare where an f32 is large", with_regions(&[slow_path()], kernel))
}

/// Sixteen rare calls, each on the result of the one before.
fn chained_rare() -> Case {
    let kernel = stream_kernel(&[Mem::F64, Mem::I32], &[Mem::F64], |code| {
        let mut value = code.param(0);
        for turn in 0..16 {
            let turn = code.int(Lane::I32, turn);
            let mask = code.prim(Prim::IEq, &[code.param(1), turn]);
            value = code.control(rare(mask, 0, &[value], &[value]), &[Lane::F64])[0];
        }
        vec![value]
    });
    Case::new("rare: sixteen in a chain", with_regions(&[slow_path()], kernel))
        .filled(&[Fill::Special, Fill::Below(24)])
}

fn constant_masks() -> Case {
    let kernel = stream_kernel(&[Mem::F64], &[Mem::F64, Mem::F64], |code| {
        let a = code.param(0);
        let (never, always) =
            (code.constant(Scalar::mask(false)), code.constant(Scalar::mask(true)));
        let first = code.control(rare(never, 0, &[a], &[a]), &[Lane::F64]);
        let second = code.control(rare(always, 0, &[a], &[a]), &[Lane::F64]);
        [first, second].concat()
    });
    Case::new("rare under constant masks", with_regions(&[slow_path()], kernel))
}

/// Of three results the last alone is read; a second control is not read at all.
fn results_unused() -> Case {
    let three = region(&[Lane::F64], |code| {
        let a = code.param(0);
        let root = code.prim(Prim::FSqrt, &[a]);
        let byte = code.int(Lane::I8, 7);
        vec![root, byte, a]
    });
    let kernel = stream_kernel(&[Mem::F64, Mem::Bool], &[Mem::F64], |code| {
        let (a, mask) = (code.param(0), code.param(1));
        let byte = code.int(Lane::I8, 1);
        let two = code.f64(2.0);
        let lanes = [Lane::F64, Lane::I8, Lane::F64];
        let results = code.control(rare(mask, 0, &[a], &[a, byte, two]), &lanes);
        code.control(rare(mask, 0, &[a], &[a, byte, two]), &[]);
        vec![results[2]]
    });
    Case::new("rare with unused results", with_regions(&[three], kernel))
}

fn control_in_uniform() -> Case {
    let uniform = region(&[Lane::F64, Lane::I32], |code| {
        let (a, n) = (code.param(0), code.param(1));
        let zero = code.f64(0.0);
        let positive = code.prim(Prim::FLt, &[zero, a]);
        let root = code.control(rare(positive, 0, &[a], &[zero]), &[Lane::F64]);
        let counted = code.control(repeat(50, 1, &[n, n]), &[Lane::I32, Lane::I32]);
        [root, counted].concat()
    });
    let kernel = Kernel {
        regions: vec![slow_path(), collatz_step()],
        uniform,
        inputs: vec![stream(Mem::F64)],
        lane: region(&[Lane::F64, Lane::F64, Lane::I32, Lane::I32], |code| {
            let product = code.prim(Prim::FMul, &[code.param(0), code.param(1)]);
            vec![product, code.param(2), code.param(3)]
        }),
        outputs: [Mem::F64, Mem::I32, Mem::I32].map(output).to_vec(),
        ..Kernel::default()
    };
    Case::new("controls in the uniform region", kernel).with_scalars(&[6.25f64.to_bits(), 9])
}

/// `(n, count) -> (next of n, count + 1)`, going on while n is not 1.
fn collatz_step() -> Region {
    region(&[Lane::I32, Lane::I32], |code| {
        let [zero, one, three] = [0, 1, 3].map(|value| code.int(Lane::I32, value));
        let (n, count) = (code.param(0), code.param(1));
        let half = code.prim(Prim::ShrU, &[n, one]);
        let triple = code.prim(Prim::IMul, &[n, three]);
        let more = code.prim(Prim::IAdd, &[triple, one]);
        let low = code.prim(Prim::IAnd, &[n, one]);
        let even = code.prim(Prim::IEq, &[low, zero]);
        let next = code.prim(Prim::Select, &[even, half, more]);
        let done = code.prim(Prim::IEq, &[next, one]);
        let count = code.prim(Prim::IAdd, &[count, one]);
        vec![next, count, code.prim(Prim::MaskNot, &[done])]
    })
}

/// Lanes leave after different numbers of runs, some only at the bound.
fn collatz(at_most: u32) -> Case {
    let kernel = stream_kernel(&[Mem::I32], &[Mem::I32, Mem::I32], |code| {
        let zero = code.int(Lane::I32, 0);
        code.control(repeat(at_most, 0, &[code.param(0), zero]), &[Lane::I32, Lane::I32])
    });
    Case::new(format!("repeat at most {at_most}: collatz"), with_regions(&[collatz_step()], kernel))
        .filled(&[Fill::Below(100)])
}

/// State of every lane type, changed while an i8 counts down.
fn countdown_of_every_lane(at_most: u32) -> Case {
    let step = region(Lane::ALL, |code| {
        let one = code.int(Lane::I8, 1);
        let params = code.params();
        let mut next: Vec<ValueId> = params.iter().map(|&value| advance(code, value)).collect();
        let counter = params.iter().position(|&value| code.lane(value) == Lane::I8);
        let counter = counter.expect("i8 is a lane");
        next[counter] = code.prim(Prim::ISub, &[params[counter], one]);
        let zero = code.int(Lane::I8, 0);
        next.push(code.prim(Prim::ILtS, &[zero, next[counter]]));
        next
    });
    let mems: Vec<Mem> = Lane::ALL.iter().map(|lane| lane.mem()).collect();
    let kernel = stream_kernel(&mems, &mems, |code| {
        let init = code.params();
        code.control(repeat(at_most, 0, &init), Lane::ALL)
    });
    let fill = |lane: &Lane| if *lane == Lane::I8 { Fill::Below(12) } else { Fill::Special };
    let fills: Vec<Fill> = Lane::ALL.iter().map(fill).collect();
    let name = format!("repeat at most {at_most}: countdown with state of every lane");
    Case::new(name, with_regions(&[step], kernel)).filled(&fills)
}

fn advance(code: &mut Assembler, value: ValueId) -> ValueId {
    match code.lane(value) {
        Lane::Mask => code.prim(Prim::MaskNot, &[value]),
        lane @ (Lane::I8 | Lane::I16 | Lane::I32 | Lane::I64) => {
            let three = code.int(lane, 3);
            code.prim(Prim::IMul, &[value, three])
        }
        lane @ (Lane::F32 | Lane::F64) => {
            let factor = code.constant(Scalar::float(lane, 1.0625));
            code.prim(Prim::FMul, &[value, factor])
        }
    }
}

/// `x -> (x * 1.0625, go_on)` with a constant mask.
fn growing(go_on: bool) -> Region {
    region(&[Lane::F64], |code| {
        let next = advance(code, code.param(0));
        vec![next, code.constant(Scalar::mask(go_on))]
    })
}

fn growth(name: &str, go_on: bool) -> Case {
    let kernel = stream_kernel(&[Mem::F64], &[Mem::F64], |code| {
        code.control(repeat(9, 0, &[code.param(0)]), &[Lane::F64])
    });
    Case::new(name, with_regions(&[growing(go_on)], kernel))
}

fn repeat_never_goes_on() -> Case {
    growth("repeat that runs once", false)
}

fn repeat_always_goes_on() -> Case {
    growth("repeat up to its bound", true)
}

/// A loop body with a slow path: halve, or take the root of what is above 100.
fn rare_in_repeat() -> Case {
    let step = region(&[Lane::F64], |code| {
        let [half, one, hundred] = [0.5, 1.0, 100.0].map(|value| code.f64(value));
        let a = code.param(0);
        let halved = code.prim(Prim::FMul, &[a, half]);
        let large = code.prim(Prim::FLt, &[hundred, a]);
        let next = code.control(rare(large, 0, &[a], &[halved]), &[Lane::F64])[0];
        vec![next, code.prim(Prim::FLt, &[one, next])]
    });
    let kernel = stream_kernel(&[Mem::F64], &[Mem::F64], |code| {
        code.control(repeat(40, 1, &[code.param(0)]), &[Lane::F64])
    });
    Case::new("rare inside repeat", with_regions(&[slow_path(), step], kernel))
}

/// A mask in the state is not the mask of the lanes that go on.
fn repeat_with_mask_state() -> Case {
    let step = region(&[Lane::Mask, Lane::I64], |code| {
        let one = code.int(Lane::I64, 1);
        let zero = code.int(Lane::I64, 0);
        let count = code.prim(Prim::ISub, &[code.param(1), one]);
        let flipped = code.prim(Prim::MaskNot, &[code.param(0)]);
        vec![flipped, count, code.prim(Prim::ILtS, &[zero, count])]
    });
    let kernel = stream_kernel(&[Mem::Bool, Mem::I64], &[Mem::Bool, Mem::I64], |code| {
        let init = code.params();
        code.control(repeat(64, 0, &init), &[Lane::Mask, Lane::I64])
    });
    Case::new("repeat with a mask in its state", with_regions(&[step], kernel))
        .filled(&[Fill::Special, Fill::Below(40)])
}

/// The inner loop multiplies, the outer one counts.
fn nested_repeat() -> Case {
    let outer = region(&[Lane::I32, Lane::I32], |code| {
        let inner = code.control(repeat(3, 0, &code.params()), &[Lane::I32, Lane::I32]);
        let bound = code.int(Lane::I32, 20);
        let go_on = code.prim(Prim::ILtS, &[inner[1], bound]);
        vec![inner[0], inner[1], go_on]
    });
    let kernel = stream_kernel(&[Mem::I32], &[Mem::I32, Mem::I32], |code| {
        let zero = code.int(Lane::I32, 0);
        code.control(repeat(30, 1, &[code.param(0), zero]), &[Lane::I32, Lane::I32])
    });
    Case::new("nested repeat", with_regions(&[collatz_step(), outer], kernel))
        .filled(&[Fill::Below(60)])
}

/// Twelve regions, each calling the one before where its argument is at least its number.
fn deeply_nested_rare() -> Case {
    let mut regions = vec![slow_path()];
    for depth in 1..12 {
        regions.push(region(&[Lane::F64], |code| {
            let (a, level) = (code.param(0), code.f64(f64::from(depth)));
            let scaled = code.prim(Prim::FDiv, &[a, level]);
            let deeper = code.prim(Prim::FLe, &[level, a]);
            let inner =
                code.control(rare(deeper, regions.len() - 1, &[scaled], &[a]), &[Lane::F64]);
            vec![code.prim(Prim::FSub, &[inner[0], scaled])]
        }));
    }
    let kernel = stream_kernel(&[Mem::F64, Mem::Bool], &[Mem::F64], |code| {
        let (a, mask) = (code.param(0), code.param(1));
        code.control(rare(mask, 11, &[a], &[a]), &[Lane::F64])
    });
    Case::new("rare nested twelve deep", with_regions(&regions, kernel))
}
