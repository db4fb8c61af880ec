//! Outputs that share memory with inputs: as if every input were read before any store.

use fuse_ir::{ByteOrder, DType};

use super::support::{
    Random, assert_same, combine_naive, elementwise, executable, executables, f64_layout, program,
};
use crate::overlap::may_share;
use crate::{Layout, Operand, RunError, RunOptions, View, ViewMut};

/// `start, stride` of slices of `n` elements of a buffer; starts are multiples of `step`.
fn slices(len: usize, n: usize, step: usize) -> Vec<(usize, isize)> {
    let mut slices = Vec::new();
    for stride in [-2_isize, -1, 1, 2] {
        for start in (0..len).step_by(step) {
            let last = start.cast_signed() + stride * (n.cast_signed() - 1);
            if 0 <= last && last < len.cast_signed() {
                slices.push((start, stride));
            }
        }
    }
    slices
}

/// Short slices at every place, and slices of several granules, whose stores come before later loads.
#[test]
fn every_pair_of_slices_of_a_buffer() {
    let cases = [(32, 2, 1), (32, 5, 1), (32, 16, 1), (150, 70, 3), (150, 75, 1)];
    for (len, n, step) in cases {
        let program = program(&[(DType::F64, &[n]), (DType::F64, &[n])], &elementwise());
        let own = slices(len, n, step);
        let own: Vec<_> = own.into_iter().step_by(if n == 75 { 5 } else { 1 }).collect();
        for exe in executables(&program) {
            every_pair(&exe, n, &own, (&Random(1).floats(len), &Random(2).floats(n)));
        }
    }
}

#[expect(unsafe_code, reason = "views of one buffer that overlap")]
fn every_pair(
    exe: &crate::Executable,
    n: usize,
    own: &[(usize, isize)],
    (original, other): (&[f64], &[f64]),
) {
    for &(from, from_stride) in own {
        for &(to, to_stride) in own {
            let mut buffer = original.to_vec();
            let mut expected = original.to_vec();
            for (index, &other) in other[..n].iter().enumerate() {
                let at = |start: usize, stride: isize| {
                    (start.cast_signed() + stride * index.cast_signed()).cast_unsigned()
                };
                let value = original[at(from, from_stride)];
                expected[at(to, to_stride)] = combine_naive(&[value, other]);
            }
            let base = buffer.as_mut_ptr();
            let extents = [n];
            let strides = [[from_stride * 8], [to_stride * 8]];
            // SAFETY: both slices lie inside the buffer, which nothing else uses meanwhile.
            let (input, output) = unsafe {
                (
                    View::from_raw(base.add(from).cast(), &f64_layout(&extents, &strides[0])),
                    ViewMut::from_raw(base.add(to).cast(), &f64_layout(&extents, &strides[1])),
                )
            };
            let input = Operand::from(input.expect("a layout"));
            let inputs = [input, Operand::from(View::from_slice(&other[..n]))];
            let mut outputs = [output.expect("a layout")];
            exe.run(&inputs, &mut outputs, &RunOptions::default()).expect("it runs");
            assert_same(&buffer, &expected, &format!("{from}:{from_stride} {to}:{to_stride}"));
        }
    }
}

/// Where the elements of a rectangle lie: start and strides in elements, of two rows of three.
type Rectangle = (usize, [isize; 2]);

const ROWS: usize = 2;
const COLUMNS: usize = 3;

fn places((start, strides): Rectangle) -> impl Iterator<Item = isize> {
    let at = move |row: usize, column: usize| {
        start.cast_signed() + strides[0] * row.cast_signed() + strides[1] * column.cast_signed()
    };
    (0..ROWS).flat_map(move |row| (0..COLUMNS).map(move |column| at(row, column)))
}

/// Every way to lay two rows of three into a buffer with these strides, transposed and backwards too.
fn rectangles(len: usize) -> Vec<Rectangle> {
    const STRIDES: [isize; 8] = [-9, -3, -2, -1, 1, 2, 3, 9];
    let mut all = Vec::new();
    for start in 0..len {
        for row in STRIDES {
            let inside = |&at: &isize| 0 <= at && at < len.cast_signed();
            let candidates = STRIDES.iter().map(|&column| (start, [row, column]));
            all.extend(candidates.filter(|&candidate| places(candidate).all(|at| inside(&at))));
        }
    }
    all
}

/// As [`every_pair_of_slices_of_a_buffer`], of matrices: an output over an input gives what a copy gives.
#[expect(unsafe_code, reason = "views of one buffer that overlap")]
#[test]
fn every_pair_of_rectangles_of_a_buffer() {
    const LEN: usize = 32;
    let extents = [ROWS, COLUMNS];
    let operand = (DType::F64, &extents[..]);
    let exe = executable(program(&[operand, operand], &elementwise()));
    let original = Random(1).floats(LEN);
    let all = rectangles(LEN);
    let (mut ran, mut refused) = (0, 0);
    for &from in &all {
        // A thirteenth of the pairs, each time others: all of them are 600 000.
        for &to in all.iter().skip(ran % 13).step_by(13) {
            let mut buffer = original.clone();
            let base = buffer.as_mut_ptr();
            let view = |(start, strides): Rectangle| (start, strides.map(|stride| stride * 8));
            let ((from_start, from_strides), (to_start, to_strides)) = (view(from), view(to));
            // SAFETY: all elements lie inside the buffer, which nothing else uses meanwhile.
            let (input, output) = unsafe {
                (
                    View::from_raw(
                        base.add(from_start).cast(),
                        &f64_layout(&extents, &from_strides),
                    ),
                    ViewMut::from_raw(
                        base.add(to_start).cast(),
                        &f64_layout(&extents, &to_strides),
                    ),
                )
            };
            let Ok(output) = output else {
                refused += 1;
                continue;
            };
            let input = Operand::from(input.expect("a layout"));
            let inputs = [input.clone(), input];
            exe.run(&inputs, &mut [output], &RunOptions::default()).expect("it runs");
            let mut expected = original.clone();
            for (source, target) in places(from).zip(places(to)) {
                let value = original[source.cast_unsigned()];
                expected[target.cast_unsigned()] = combine_naive(&[value, value]);
            }
            assert_same(&buffer, &expected, &format!("{from:?} {to:?}"));
            ran += 1;
        }
    }
    assert!(ran > 20_000, "{ran} ran, {refused} outputs overlap themselves");
}

#[expect(unsafe_code, reason = "views of one buffer that overlap")]
#[test]
fn a_broadcast_or_transposed_input_is_copied() {
    let exe = executable(program(&[(DType::F64, &[4, 4]), (DType::F64, &[4])], &elementwise()));
    let mut square = Random(3).floats(16);
    let expected: Vec<f64> = (0..16)
        .map(|index| combine_naive(&[square[index % 4 * 4 + index / 4], square[index % 4]]))
        .collect();
    let base = square.as_mut_ptr().cast::<u8>();
    // SAFETY: all lie inside the buffer, which nothing else uses meanwhile.
    let (transposed, row, out) = unsafe {
        (
            View::from_raw(base, &f64_layout(&[4, 4], &[8, 32])).expect("a layout"),
            View::from_raw(base, &f64_layout(&[4], &[8])).expect("a layout"),
            ViewMut::from_raw(base, &f64_layout(&[4, 4], &[32, 8])).expect("a layout"),
        )
    };
    exe.run(&[transposed.into(), row.into()], &mut [out], &RunOptions::default()).expect("it runs");
    assert_same(&square, &expected, "square");
}

#[expect(unsafe_code, reason = "outputs that overlap")]
#[test]
fn outputs_may_interleave_but_not_overlap() {
    let body = super::support::Body {
        lane: |_, values| vec![values[0], values[0]],
        outputs: vec![DType::F64, DType::F64],
        folds: vec![],
    };
    let exe = executable(program(&[(DType::F64, &[4])], &body));
    let input = [1.0, 2.0, 3.0, 4.0];
    let mut buffer = [0.0_f64; 12];
    let base = buffer.as_mut_ptr();
    let strides = [16];
    let layout =
        Layout { dtype: DType::F64, order: ByteOrder::Native, extents: &[4], strides: &strides };
    for (second, meets) in [(1, false), (2, true), (4, true)] {
        // SAFETY: inside the buffer.
        let mut outputs = unsafe {
            [base, base.add(second)]
                .map(|at| ViewMut::from_raw(at.cast(), &layout).expect("layout"))
        };
        let inputs = [Operand::from(View::from_slice(&input))];
        let result = exe.run(&inputs, &mut outputs, &RunOptions::default());
        let expected = Err(RunError::OutputOverlap { first: 0, second: 1 });
        assert_eq!(result, if meets { expected } else { Ok(()) });
    }
    assert_eq!(buffer[..8], [1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0]);
}

#[test]
fn sharing_is_never_denied() {
    let buffer = [0_u8; 64];
    let mut views = Vec::new();
    for size in [1, 2, 4] {
        let dtype =
            [DType::U8, DType::U16, DType::U32][[1, 2, 4].iter().position(|&s| s == size).unwrap()];
        for stride in [-5_isize, -3, 1, 2, 4, 6] {
            for offset in 16..28 {
                let strides = [stride];
                let layout =
                    Layout { dtype, order: ByteOrder::Native, extents: &[4], strides: &strides };
                if let Ok(view) = View::from_bytes(&buffer, &layout, offset) {
                    let bytes: u64 = (0..4)
                        .flat_map(|index| (0..size).map(move |byte| (index, byte)))
                        .map(|(index, byte)| 1 << (offset as isize + index * stride + byte))
                        .fold(0, |all, bit: u64| all | bit);
                    views.push((view, bytes));
                }
            }
        }
    }
    for (one, one_bytes) in &views {
        for (other, other_bytes) in &views {
            if one_bytes & other_bytes != 0 {
                assert!(may_share(one.raw(), other.raw()), "{one:?} {other:?}");
            }
        }
    }
}
