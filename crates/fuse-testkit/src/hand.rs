//! Expectations derived by hand, in plain Rust, for control constructs, folds and operands: what
//! [`crate::direct`] itself is tested against. The interpreter is then tested against `direct`.

use fuse_ir::interp::Interpreter;
use fuse_ir::{CANONICAL_NAN_F64, GRANULE, HostBackend};

use crate::case::Case;
use crate::direct::{self, BLOCK, Outcome};
use crate::dispatch::{Dispatcher, Form, Layout, MemoryPool};
use crate::fence::Placement;
use crate::kernels::all_cases;
use crate::random::Random;

/// The outcome of a case by direct evaluation, equal to the interpreter's in both forms.
fn outcome(name: &str, inputs: &[Vec<u8>], n: usize) -> Outcome {
    let case: Case = all_cases().into_iter().find(|case| case.name == name).expect(name);
    let expected = direct::outcome(&case.kernel, &case.scalars, inputs, n, case.first_index);
    let mut memory = MemoryPool::default();
    for form in [Form::Split, Form::Packed] {
        let compiled = Interpreter.compile(&case.kernel).expect("takes every kernel");
        let layout = Layout { placement: Placement::Misaligned(7), form };
        let run = Dispatcher::new(&case, compiled, &mut memory, layout).run(inputs, n);
        assert_eq!(run.damage, [] as [String; 0]);
        assert_eq!(run.outcome, expected, "{name}");
    }
    expected
}

fn bytes_f64(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_ne_bytes()).collect()
}

fn bytes_i32(values: &[i32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_ne_bytes()).collect()
}

fn floats(n: usize) -> Vec<f64> {
    let mut random = Random::new(n as u64);
    (0..n).map(|_| f64::from_bits(random.moderate(fuse_ir::Lane::F64))).collect()
}

fn bits(values: impl IntoIterator<Item = f64>) -> Vec<u64> {
    let canonical = |value: f64| if value.is_nan() { CANONICAL_NAN_F64 } else { value.to_bits() };
    values.into_iter().map(canonical).collect()
}

#[test]
fn rare_takes_the_slow_path_where_the_mask_is_set() {
    let values = floats(75);
    let mask: Vec<u8> = (0..75).map(|i| u8::from(i % 9 == 4) * 0x80).collect();
    let got = outcome("rare in 2 %", &[bytes_f64(&values), mask.clone()], 75);
    let slow =
        values.iter().zip(&mask).map(|(x, &set)| if set != 0 { x.sqrt() - 1.0 } else { x + x });
    assert_eq!(got.outputs[0], bits(slow));
}

#[test]
fn nested_rare_nests() {
    let values = floats(40);
    let mask: Vec<u8> = (0..40).map(|i| u8::from(i % 3 == 0)).collect();
    let got = outcome("nested rare in 50 %", &[bytes_f64(&values), mask.clone()], 40);
    let expected = values.iter().zip(&mask).map(|(&x, &set)| {
        let inner = if x < 0.0 { (0.0 - x).sqrt() - 1.0 } else { x };
        if set != 0 { inner * inner } else { x }
    });
    assert_eq!(got.outputs[0], bits(expected));
}

/// The body runs before its mask is looked at: 1 goes through 4, 2 and back to 1.
#[test]
fn repeat_runs_at_least_once_and_at_most_its_bound() {
    let values: Vec<i32> = (0..50).collect();
    for at_most in [1, 2, 7, 300] {
        let name = format!("repeat at most {at_most}: collatz");
        let got = outcome(&name, &[bytes_i32(&values)], 50);
        for (element, &start) in values.iter().enumerate() {
            let (mut n, mut count) = (u64::from(start.cast_unsigned()), 0);
            loop {
                n = if n % 2 == 0 { n / 2 } else { 3 * n + 1 };
                count += 1;
                if n == 1 || count == at_most {
                    break;
                }
            }
            assert_eq!((got.outputs[0][element], got.outputs[1][element]), (n, count), "{start}");
        }
    }
}

#[test]
fn growth_to_the_bound_multiplies_nine_times() {
    let values = floats(33);
    let got = outcome("repeat up to its bound", &[bytes_f64(&values)], 33);
    let grown = values.iter().map(|&x| (0..9).fold(x, |x, _| x * 1.0625));
    assert_eq!(got.outputs[0], bits(grown));
    let got = outcome("repeat that runs once", &[bytes_f64(&values)], 33);
    assert_eq!(got.outputs[0], bits(values.iter().map(|x| x * 1.0625)));
}

/// Element i of a block goes to accumulator i mod 32, in increasing i, from +0.
#[test]
fn sums_keep_their_order_and_freeze_past_the_tail() {
    for n in [0, 1, 31, 32, 33, 1023, 1024, 1025, 2100] {
        let values = floats(n);
        let got = outcome("fold f64", &[bytes_f64(&values)], n);
        let mut expected = vec![[0.0_f64; GRANULE]; n.div_ceil(BLOCK).max(1)];
        for (index, value) in values.iter().enumerate() {
            expected[index / BLOCK][index % BLOCK % GRANULE] += value;
        }
        let expected: Vec<_> = expected.iter().map(|block| vec![block.map(f64::to_bits)]).collect();
        assert_eq!(got.folds, expected, "{n} elements");
    }
}

#[test]
fn counting_sees_valid_elements_only() {
    let n = 1024 + 70;
    let got = outcome("fold that counts", &[bytes_f64(&floats(n))], n);
    assert_eq!(got.folds[0], vec![[32; GRANULE]]);
    // 70 = 2 * 32 + 6
    let last: [u64; GRANULE] = std::array::from_fn(|lane| if lane < 6 { 3 } else { 2 });
    assert_eq!(got.folds[1], vec![last]);
}

#[test]
fn two_states_of_a_fold_advance_together() {
    let mut mask = vec![0_u8; 100];
    mask[40] = 2;
    mask[72] = 0xff;
    mask[99] = 1;
    let got = outcome("fold: count and any", &[mask], 100);
    // Lanes 8, 8 and 3, from an init of 5.
    let count: [u64; GRANULE] = std::array::from_fn(|lane| match lane {
        8 => 7,
        3 => 6,
        _ => 5,
    });
    let any: [u64; GRANULE] = std::array::from_fn(|lane| u64::from(lane == 8 || lane == 3));
    assert_eq!(got.folds, vec![vec![count, any]]);
}

#[test]
fn stored_nans_are_canonical_and_stored_bools_are_0_or_1() {
    let nans: Vec<u8> = [0x7ff0_0000_0000_0001_u64, u64::MAX, 0xfff8_0000_0000_0000]
        .iter()
        .flat_map(|bits| bits.to_ne_bytes())
        .collect();
    assert_eq!(outcome("copy f64", &[nans], 3).outputs[0], [CANONICAL_NAN_F64; 3]);
    let got = outcome("copy bool", &[vec![0, 1, 2, 0x80, 0xff]], 5);
    assert_eq!(got.outputs[0], [0, 1, 1, 1, 1]);
}

#[test]
fn indices_count_across_blocks_and_wrap() {
    let got = outcome("lane_index from 18446744073709551565", &[], 60);
    let expected: Vec<u64> = (0..60).map(|i| (u64::MAX - 50).wrapping_add(i)).collect();
    assert_eq!(got.outputs[0], expected);
    assert_eq!(got.outputs[1][50], (-1.0_f64).to_bits());
}

#[test]
fn in_place_results_do_not_see_each_other() {
    let (a, b) = (bytes_i32(&[5, -7, 1 << 30]), bytes_i32(&[0, 0, 0]));
    let got = outcome("in place: two outputs over two inputs", &[a, b], 3);
    assert_eq!(got.outputs[1], [10, 0xffff_fff2, 0x8000_0000]);
    assert_eq!(got.outputs[0][0], 5);
    // The bits of -7 are a NaN; those of 2^30 are 2.0.
    assert_eq!(got.outputs[0][1..], [0x7fc0_0000, 0x4000_0000]);
}

/// 1 / 7.5, sqrt(2); 0x9d is -99 and (-99)^2 = 9801 = 0x2649, kept to 8 bits.
#[test]
fn uniform_values_are_computed_once_and_zero_extended() {
    let values = floats(10);
    let got = outcome("uniform arithmetic", &[bytes_f64(&values)], 10);
    let inverse = 1.0 / 7.5_f64;
    let sext = i64::from(0x8001_u16.cast_signed()).cast_unsigned();
    let root = 2f64.sqrt();
    assert_eq!(got.uniforms, [inverse.to_bits(), root.to_bits(), 0x49, sext, 0]);
    assert_eq!(got.outputs[0], bits(values));
    assert_eq!(got.outputs[1], [0x49; 10]);
    assert_eq!(got.outputs[2], [sext; 10]);
}

#[test]
fn lookups_mask_their_index() {
    let case = all_cases().into_iter().find(|case| case.name == "lookup 8 i16 by i32");
    let entries = case.expect("is there").kernel.tables[0].entries.clone();
    let indices = [0, 7, 8, -1, i32::MIN, 1_000_003];
    let got = outcome("lookup 8 i16 by i32", &[bytes_i32(&indices)], indices.len());
    let expected = [0, 7, 0, 7, 0, 3].map(|index: usize| entries[index]);
    assert_eq!(got.outputs[0], expected);
}
