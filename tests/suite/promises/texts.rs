//! Text against a naive reading of it: random lengths, shapes, strides, byte orders, back ends, threads.

use std::sync::Arc;

use fuse::raw::{ByteOrder, Interpreter, Tuning};
use fuse::{Array, DType, Engine, Input, Layout, Limits, Mode, View};
use fuse_runtime::FoldLanes;
use fuse_testkit::Random;

/// A text array in memory of its own.
struct Texts {
    bytes: Vec<u8>,
    dtype: DType,
    order: ByteOrder,
    extents: Vec<usize>,
    strides: Vec<isize>,
    offset: usize,
}

/// NumPy's elements: units, zeros at the end cut off.
fn units(element: &[u8], dtype: DType, order: ByteOrder) -> Vec<u32> {
    let mut units: Vec<u32> = match (dtype, order) {
        (DType::Bytes(_), _) => element.iter().map(|&unit| u32::from(unit)).collect(),
        (_, ByteOrder::Native) => {
            element.chunks(4).map(|unit| u32::from_ne_bytes(unit.try_into().unwrap())).collect()
        }
        (_, ByteOrder::Swapped) => element
            .chunks(4)
            .map(|unit| u32::from_ne_bytes(unit.try_into().unwrap()).swap_bytes())
            .collect(),
    };
    while units.last() == Some(&0) {
        units.pop();
    }
    units
}

impl Texts {
    /// Axes in any order, backwards or broadcast, of any alignment; words over few letters.
    fn random(kind: fn(u32) -> DType, extents: &[usize], random: &mut Random) -> Texts {
        let length = [0, 1, 2, 3, 8, 9, 20, 40][random.below(8)];
        let dtype = kind(length);
        let order = match (dtype, random.below(3)) {
            (DType::Text(_), 0) => ByteOrder::Swapped,
            _ => ByteOrder::Native,
        };
        let mut axes: Vec<usize> = (0..extents.len()).collect();
        for last in (1..axes.len()).rev() {
            axes.swap(last, random.below(last + 1));
        }
        let (mut strides, mut offset) = (vec![0_isize; extents.len()], random.below(4));
        let mut step = dtype.size() + random.below(3);
        for axis in axes {
            let stride = if random.below(6) == 0 { 0 } else { step };
            step = step.max(1) * extents[axis].max(1);
            strides[axis] = stride.cast_signed();
            if random.below(3) == 0 {
                offset += stride * extents[axis].saturating_sub(1);
                strides[axis] = -strides[axis];
            }
        }
        let letters = [0, b'a', b'a', b'a', b'b', 0xff];
        let mut bytes = vec![0_u8; offset + step + dtype.size() + 64];
        for byte in &mut bytes {
            *byte = letters[random.below(letters.len())];
        }
        Texts { bytes, dtype, order, extents: extents.to_vec(), strides, offset }
    }

    fn input(&self) -> Input<'_> {
        let Texts { dtype, order, ref extents, ref strides, .. } = *self;
        let layout = Layout { dtype, order, extents, strides };
        Input::array(View::from_bytes(&self.bytes, &layout, self.offset).expect("inside"))
    }

    /// The element that broadcasts to an index.
    fn at(&self, index: &[usize]) -> Vec<u32> {
        let own = &index[index.len() - self.extents.len()..];
        let mut at = self.offset.cast_signed();
        for ((&k, &extent), &stride) in own.iter().zip(&self.extents).zip(&self.strides) {
            at += if extent == 1 { 0 } else { k.cast_signed() * stride };
        }
        let at = usize::try_from(at).expect("inside");
        units(&self.bytes[at..at + self.dtype.size()], self.dtype, self.order)
    }
}

fn holds(op: &str, lhs: &[u32], rhs: &[u32]) -> bool {
    match op {
        "==" => lhs == rhs,
        "!=" => lhs != rhs,
        "<" => lhs < rhs,
        "<=" => lhs <= rhs,
        ">" => lhs > rhs,
        ">=" => lhs >= rhs,
        _ => rhs.is_empty() || lhs.windows(rhs.len()).any(|window| window == rhs),
    }
}

const OPS: [&str; 7] = ["==", "!=", "<", "<=", ">", ">=", "contains"];

fn written(op: &str) -> String {
    if op == "contains" { "contains(s, t)".to_string() } else { format!("s {op} t") }
}

fn engines() -> Vec<Engine> {
    let mut engines = Vec::new();
    for (interpreted, threads, fold_lanes) in [
        (true, 1, None),
        (false, 1, Some(FoldLanes::Outputs)),
        (false, 3, Some(FoldLanes::Elements)),
        (false, 3, None),
    ] {
        let tuning = Tuning {
            inline_below: Some(0),
            shuffle: Some(threads as u64),
            fold_lanes,
            ..Tuning::default()
        };
        let builder = Engine::builder().threads(threads).mode(Mode::Strict).tuning(tuning);
        let builder =
            if interpreted { builder.host_backend(Arc::new(Interpreter)) } else { builder };
        engines.push(builder.build().expect("an engine"));
    }
    engines
}

/// All indices of a shape, in C order.
fn indices(extents: &[usize]) -> Vec<Vec<usize>> {
    extents.iter().fold(vec![vec![]], |indices, &extent| {
        let longer =
            |index: Vec<usize>| (0..extent).map(move |k| [index.as_slice(), &[k]].concat());
        indices.into_iter().flat_map(longer).collect()
    })
}

#[test]
fn texts_of_any_layout_compare_as_their_units_do() {
    let (mut random, engines) = (Random::new(11), engines());
    let (mut n_true, mut n_all) = (0, 0);
    for round in 0..240 {
        let kind = if random.below(2) == 0 { DType::Bytes } else { DType::Text };
        let rank = 1 + random.below(3);
        let extents: Vec<usize> = (0..rank).map(|_| [1, 2, 3, 5, 34][random.below(5)]).collect();
        let part = |random: &mut Random| -> Vec<usize> {
            let own = &extents[random.below(rank + 1)..];
            own.iter().map(|&n| if random.below(4) == 0 { 1 } else { n }).collect()
        };
        let mut shapes = [part(&mut random), part(&mut random)];
        shapes[round % 2] = extents.clone();
        let [s, t] = shapes.map(|shape| Texts::random(kind, &shape, &mut random));
        let op = OPS[random.below(OPS.len())];
        let truth: Vec<bool> =
            indices(&extents).iter().map(|index| holds(op, &s.at(index), &t.at(index))).collect();
        n_true += truth.iter().filter(|&&truth| truth).count();
        n_all += truth.len();
        let axis = random.below(rank);
        let inner: usize = extents[axis + 1..].iter().product();
        let mut sums = vec![0_i64; truth.len() / extents[axis]];
        for (at, &truth) in truth.iter().enumerate() {
            let outer = at / inner / extents[axis];
            sums[outer * inner + at % inner] += i64::from(truth);
        }
        let asked = written(op);
        for engine in &engines {
            let vars = || [("s", s.input()), ("t", t.input())];
            let run = |formula: &str| engine.evaluate(formula, vars()).expect("evaluates");
            let what = format!("round {round}: {asked}, {} {:?}", s.dtype, extents);
            let got = run(&asked).into_vec::<bool>().expect("bool");
            assert_eq!(got, truth, "{what}");
            let got = run(&format!("sum({asked}, axis={axis})")).into_vec::<i64>().expect("i64");
            assert_eq!(got, sums, "{what}, axis {axis}");
            let slices = format!("p = ({asked})[::-1]; q = sum(p); where(p, q, -q)");
            let got = run(&slices).into_vec::<i64>().expect("i64");
            let total: i64 = sums.iter().sum();
            let row: usize = extents[1..].iter().product();
            let reversed =
                (0..truth.len()).map(|at| truth[(extents[0] - 1 - at / row) * row + at % row]);
            let expected: Vec<i64> =
                reversed.map(|truth| if truth { total } else { -total }).collect();
            assert_eq!(got, expected, "{what}, reversed");
        }
    }
    assert!(n_true * 10 > n_all && n_true * 10 < n_all * 9, "{n_true} of {n_all} are true");
}

/// A formula of more questions than one kernel takes.
#[test]
fn many_questions_in_one_formula() {
    let names: Vec<String> = (0..1500).map(|k| format!("n{}", k * 7 % 5003)).collect();
    let s = Array::from_texts(&names, &[1500]).expect("small");
    let terms: Vec<String> = (0..1200).map(|k| format!("(s == 'n{k}')")).collect();
    let got = fuse::evaluate(&terms.join(" | "), fuse::vars! { s }).expect("evaluates");
    let expected: Vec<bool> = (0..1500).map(|k| k * 7 % 5003 < 1200).collect();
    assert_eq!(got.into_vec::<bool>().expect("bool"), expected);
}

/// No needle takes more than linear time: naively these would be 10^12 steps.
#[test]
fn hostile_needles_are_found_in_linear_time() {
    let s = Array::from_byte_strings(&[vec![b'a'; 2_000_000]], &[1]).expect("small");
    let mut needle = vec![b'a'; 500_000];
    needle.push(b'b');
    let found = fuse::evaluate(
        "contains(s, t)",
        [("s", fuse::AsInput::as_input(&s)), ("t", Input::bytes(&needle))],
    );
    assert!(!found.expect("evaluates").into_vec::<bool>().expect("bool")[0]);
}

/// Long texts count as work.
#[test]
fn the_limit_on_work_sees_the_length_of_texts() {
    let mut limits = Limits::default();
    limits.work = Some(100_000);
    let engine = Engine::builder().limits(limits).build().expect("an engine");
    let run = |length: u32| {
        let s = Array::zeroed(DType::Bytes(length), &[1000]).expect("small");
        engine.evaluate("s == b'x'", fuse::vars! { s }).map(|_| ()).map_err(|error| error.kind())
    };
    assert_eq!(run(20), Ok(()));
    assert_eq!(run(2000), Err(fuse::ErrorKind::WorkLimit));
}

/// Text is copied out of the way of an output over its memory.
#[test]
fn outputs_over_texts_give_what_copies_give() {
    for (dtype, order) in [
        (DType::Bytes(3), ByteOrder::Native),
        (DType::Text(2), ByteOrder::Native),
        (DType::Text(2), ByteOrder::Swapped),
    ] {
        let mut random = Random::new(5);
        let n = 300;
        let mut memory: Vec<u8> =
            (0..n * dtype.size()).map(|_| [0, 0, b'a', b'b'][random.below(4)]).collect();
        let (extents, strides) = ([n], [dtype.size().cast_signed()]);
        let layout = Layout { dtype, order, extents: &extents, strides: &strides };
        let run = |view: View<'_>| {
            fuse::evaluate("s[::-1] < s", [("s", Input::array(view))]).expect("evaluates")
        };
        let expected = run(View::from_bytes(&memory, &layout, 0).expect("inside"));
        super::aliasing::over(&mut memory, &layout, "s[::-1] < s");
        assert_eq!(&memory[..n], expected.as_bytes(), "{dtype}");
    }
}
