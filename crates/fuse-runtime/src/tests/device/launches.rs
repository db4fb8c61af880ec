//! Which kernels start for which operands, and with which parameters.

use fuse_ir::{ByteOrder, DType};

use super::super::recorder::Told;
use super::{Bench, array, fold, names, pair, sum};
use crate::{DeviceArray, FoldLanes, Operand, RunOptions, Tuning, View};

#[test]
fn contiguous_arrays_are_run_by_the_vector() {
    for (n, form, grid) in [(1, "p0_contiguous", 1), (2, "p0_vector", 1), (1025, "p0_vector", 2)] {
        let launches = pair(&[n], &[n]).plain(&[&[n], &[n]]);
        let (name, blocks, words) = &launches[0];
        assert_eq!((name.as_str(), *blocks, words.len()), (form, grid, 5), "{n}");
        assert_eq!(words[..2], [n as u64, 0]);
    }
    let many = pair(&[1 << 16], &[1 << 16]).plain(&[&[1 << 16], &[1 << 16]]);
    assert_eq!(many[0].1, 32, "eight blocks for each of four multiprocessors");
    assert!(pair(&[0], &[0]).plain(&[&[0], &[0]]).is_empty());
}

#[test]
fn dimensions_are_taken_together_where_all_operands_allow() {
    let one = pair(&[4, 5, 6], &[4, 5, 6]).plain(&[&[4, 5, 6], &[4, 5, 6]]);
    assert_eq!((one[0].0.as_str(), one[0].2[0]), ("p0_vector", 120));
    let two = pair(&[4, 5, 6], &[6]).plain(&[&[4, 5, 6], &[6]]);
    let (name, _, words) = &two[0];
    assert_eq!((name.as_str(), words.len()), ("p0_strided", 5 + 2 * 2 + 3 * 3));
    let divisor = fuse_ir::device::divisor;
    assert_eq!(words[5..9], [20, 6, divisor(20), divisor(6)]);
    assert_eq!(words[9..], [0, 48, 8, 0, 0, 8, 0, 48, 8]);
}

#[test]
fn what_stays_the_same_is_a_splat_of_a_contiguous_loop() {
    let launches = pair(&[7, 8], &[1, 1]).plain(&[&[7, 8], &[1, 1]]);
    assert_eq!(names(&launches), ["p0_vector"]);
    let by_row = pair(&[7, 8], &[7, 1]).plain(&[&[7, 8], &[7, 1]]);
    assert_eq!(names(&by_row), ["p0_strided"]);
}

#[test]
fn misaligned_arrays_are_run_by_the_element() {
    let Bench { recorder, executable } = pair(&[64], &[64]);
    let context = executable.context();
    let memory = DeviceArray::upload(context, &array(&[65]).view()).expect("it fits");
    let begin = memory.address().offset(8);
    let shape = (DType::F64, [64].as_slice());
    #[expect(unsafe_code, reason = "lays an array over another's memory")]
    // SAFETY: 64 of the 65 elements, which nothing writes.
    let shifted = unsafe { DeviceArray::from_raw(context, begin, 64, shape) }.expect("inside");
    let host = array(&[64]);
    let inputs = [Operand::from(&shifted), host.view().into()];
    executable.run_alloc(&inputs, &RunOptions::default()).expect("it runs");
    assert_eq!(names(&recorder.launches()), ["p0_contiguous"]);
}

#[test]
fn folds_end_with_one_state() {
    let run = |n: usize| fold(&[n], &[0]).plain(&[&[n]]);
    assert_eq!(names(&run(0)), ["p0_fold_short", "p0_finish"]);
    assert_eq!(names(&run(7)), ["p0_fold_short", "p0_finish"]);
    assert_eq!(names(&run(8)), ["p0_fold_lanes", "p0_finish"]);
    assert_eq!(names(&run(1025)), ["p0_fold_lanes", "p0_merge", "p0_finish"]);
    let long = run(33 * 1024 + 5);
    assert_eq!(names(&long), ["p0_fold_lanes", "p0_merge", "p0_merge", "p0_finish"]);
    let (lanes, grid, words) = &long[0];
    assert_eq!((lanes.as_str(), *grid), ("p0_fold_lanes", 5), "34 warps");
    assert_eq!(words[..4], [1, 33 * 1024 + 5, 0, 34]);
    let (first, second) = (&long[1].2, &long[2].2);
    assert_eq!((&first[..2], &second[..2]), ([1, 34].as_slice(), [1, 2].as_slice()));
    assert_eq!(first[2..4], words[5..7], "the states of the fold are merged");
    assert_eq!(first[4..], second[2..4], "and what that gave is merged again");
    assert_eq!(long[3].2[1..3], second[4..], "one state is finished");
    assert_eq!(long[3].2[5..], [8, 4], "the results are f64 and i32");
}

#[test]
fn lanes_of_a_fold_go_where_elements_lie_side_by_side() {
    let by_rows = fold(&[50, 100], &[1]).plain(&[&[50, 100]]);
    assert_eq!(names(&by_rows), ["p0_fold_lanes", "p0_finish"]);
    let by_columns = fold(&[100, 50], &[0]).plain(&[&[100, 50]]);
    assert_eq!(names(&by_columns), ["p0_fold_outputs", "p0_finish"]);
    let narrow = fold(&[100, 5], &[0]).plain(&[&[100, 5]]);
    assert_eq!(names(&narrow), ["p0_fold_lanes", "p0_finish"]);
    for (lanes, form) in [(FoldLanes::Elements, "lanes"), (FoldLanes::Outputs, "outputs")] {
        let tuning = Tuning { fold_lanes: Some(lanes), ..Tuning::default() };
        let forced = fold(&[100, 50], &[0]).launches(&[&[100, 50]], tuning);
        assert_eq!(forced[0].0, format!("p0_fold_{form}"));
    }
    let words = &by_columns[0].2;
    assert_eq!(words[..4], [50, 100, 0, 1]);
    assert_eq!(words[7..], [8, 400], "a column begins 8 bytes on, its elements are 400 apart");
    assert!(fold(&[100, 0], &[0]).plain(&[&[100, 0]]).is_empty());
}

/// A view that repeats one element makes a long loop of little memory.
#[test]
fn long_loops_have_long_indices() {
    let Bench { recorder, executable } = sum(9);
    let one = 1.0_f64.to_ne_bytes();
    for (n, width) in [((1 << 31) - 1, "W32"), (1 << 31, "W64")] {
        let layout = crate::Layout {
            dtype: DType::F64,
            order: ByteOrder::Native,
            extents: &[n],
            strides: &[0],
        };
        let view = View::from_bytes(&one, &layout, 0).expect("one element");
        executable.run_alloc(&[view.into()], &RunOptions::default()).expect("it runs");
        let told = recorder.told();
        let loaded = told.iter().find_map(|told| {
            if let Told::Load(text) = told { Some(text.contains(width)) } else { None }
        });
        assert_eq!(loaded, Some(true), "{n}");
    }
}
