//! Matrices as blocks of colour.

use super::figure::Matrix;
use super::scale::Range;

/// The colour map viridis (Smith and van der Walt, 2015), nine of its colours at equal distances.
const VIRIDIS: [[u8; 3]; 9] = [
    [0x44, 0x01, 0x54],
    [0x47, 0x2d, 0x7b],
    [0x3b, 0x52, 0x8b],
    [0x2c, 0x72, 0x8e],
    [0x21, 0x90, 0x8c],
    [0x27, 0xad, 0x81],
    [0x5d, 0xc8, 0x63],
    [0xaa, 0xdc, 0x32],
    [0xfd, 0xe7, 0x25],
];

/// Means of the elements other than NaN in each of so many rows and columns of blocks, from one pass;
/// where there are fewer elements than blocks, the element that is there. NaN where there is nothing else.
pub(super) fn blocks(matrix: &Matrix<'_>, n_rows: usize, n_columns: usize) -> Vec<f64> {
    let [rows, columns] = [matrix.rows.min(n_rows), matrix.columns.min(n_columns)];
    let mut means = vec![(0.0_f64, 0.0_f64); rows * columns];
    for (index, value) in matrix.elements().enumerate().filter(|(_, value)| !value.is_nan()) {
        let (row, column) = (index / matrix.columns, index % matrix.columns);
        let block = part(row, matrix.rows, rows) * columns + part(column, matrix.columns, columns);
        let (mean, n) = &mut means[block];
        *n += 1.0;
        // Halves of the difference, which can be more than there is; an infinity stays.
        let step = (value / 2.0 - *mean / 2.0) * (2.0 / *n);
        *mean =
            if value.is_infinite() || mean.is_infinite() { *mean + value } else { *mean + step };
    }
    let block = |index: usize| {
        let row = part(index / n_columns, n_rows, rows);
        let (mean, n) = means[row * columns + part(index % n_columns, n_columns, columns)];
        if n > 0.0 { mean } else { f64::NAN }
    };
    (0..n_rows * n_columns).map(block).collect()
}

/// In which of so many parts an index falls.
fn part(index: usize, extent: usize, n_parts: usize) -> usize {
    // Extents of what is in memory times parts of a picture: 128 bits are enough for all.
    usize::try_from(index as u128 * n_parts as u128 / extent as u128).unwrap_or(0)
}

/// Where in the range a value is, from 0 to 1; infinities at its ends. `None` for NaN.
pub(super) fn place(range: Range, value: f64) -> Option<f64> {
    if value.is_nan() {
        return None;
    }
    let place =
        if range.low < range.high { range.place(value.clamp(range.low, range.high)) } else { 0.5 };
    Some(place.clamp(0.0, 1.0))
}

/// The colour of a value.
pub(super) fn color(range: Range, value: f64) -> Option<[u8; 3]> {
    place(range, value).map(viridis)
}

/// The colour of a place from 0 to 1.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "from 0 to 255"
)]
pub(super) fn viridis(place: f64) -> [u8; 3] {
    let at = place * (VIRIDIS.len() - 1) as f64;
    let index = (at as usize).min(VIRIDIS.len() - 2);
    let part = at - index as f64;
    std::array::from_fn(|channel| {
        let [from, to] = [VIRIDIS[index][channel], VIRIDIS[index + 1][channel]].map(f64::from);
        (from + (to - from) * part).round() as u8
    })
}

/// The nearest colour of the terminal's cube, 6 steps of each channel.
pub(super) fn indexed(color: [u8; 3]) -> u8 {
    const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    let nearest = |channel: u8| {
        let distance = |step: &u8| STEPS[usize::from(*step)].abs_diff(channel);
        (0..6_u8).min_by_key(distance).unwrap_or(0)
    };
    let [r, g, b] = color.map(nearest);
    16 + 36 * r + 6 * g + b
}
