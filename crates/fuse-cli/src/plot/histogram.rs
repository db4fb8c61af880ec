//! Counts in equal bins, as NumPy's `np.histogram(x, 'auto')`.
//!
//! The number of bins is the larger of two rules: Sturges' `log2 n + 1`, and Freedman and Diaconis'
//! width `2 IQR / n^(1/3)`; bins of integers are not narrower than 1. A value on an edge counts in the
//! bin above it, the greatest in the last one.

use fuse::DType;

use super::scale::Range;

/// More bins would not show.
const MOST_BINS: usize = 200;

/// The outline of the bars: from 0 up, over each bin, and down to 0. `None` without finite values.
pub(super) fn steps(values: impl Iterator<Item = f64>, dtype: DType) -> Option<Vec<(f64, f64)>> {
    let mut finite: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    let range = Range::of(finite.iter().copied())?;
    let n_bins = bins(&mut finite, range, dtype);
    // NumPy's: a constant has one bin of width 1 around it.
    let range = if range.low < range.high {
        range
    } else {
        Range { low: range.low - 0.5, high: range.high + 0.5 }.widened()
    };
    Some(outline(&count(&finite, range, n_bins), range))
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a number of bins"
)]
fn bins(finite: &mut [f64], range: Range, dtype: DType) -> usize {
    let n = finite.len() as f64;
    let span = range.high / 2.0 - range.low / 2.0;
    if span <= 0.0 {
        return 1;
    }
    let sturges = span / (n.log2() + 1.0);
    let spread = quantile(finite, 0.75) / 2.0 - quantile(finite, 0.25) / 2.0;
    let diaconis = 2.0 * spread / n.cbrt();
    let mut width = if diaconis > 0.0 { sturges.min(diaconis) } else { sturges };
    if dtype.is_integer() || dtype == DType::Bool {
        // Half of 1, as the span is half of the range.
        width = width.max(0.5);
    }
    ((span / width).ceil() as usize).clamp(1, MOST_BINS)
}

/// Linear between the two values beside it, as NumPy's.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a position"
)]
fn quantile(finite: &mut [f64], part: f64) -> f64 {
    let place = part * (finite.len() - 1) as f64;
    let index = place.floor() as usize;
    let (_, &mut below, rest) = finite.select_nth_unstable_by(index, f64::total_cmp);
    let above = rest.iter().copied().fold(f64::INFINITY, f64::min);
    if above.is_finite() { below + (above - below) * place.fract() } else { below }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the place is between 0 and 1"
)]
fn count(finite: &[f64], range: Range, n_bins: usize) -> Vec<u64> {
    let mut counts = vec![0; n_bins];
    for value in finite {
        let mut bin = ((range.place(*value) * n_bins as f64) as usize).min(n_bins - 1);
        // The edges decide, not the rounded place.
        if *value < edge(range, n_bins, bin) {
            bin = bin.saturating_sub(1);
        } else if bin + 1 < n_bins && *value >= edge(range, n_bins, bin + 1) {
            bin += 1;
        }
        counts[bin] += 1;
    }
    counts
}

#[expect(clippy::cast_precision_loss, reason = "few bins")]
fn edge(range: Range, n_bins: usize, index: usize) -> f64 {
    if index == n_bins {
        return range.high;
    }
    let step = (range.high / n_bins as f64) - (range.low / n_bins as f64);
    range.low + index as f64 * step
}

#[expect(clippy::cast_precision_loss, reason = "a picture has fewer digits")]
fn outline(counts: &[u64], range: Range) -> Vec<(f64, f64)> {
    let mut points = vec![(range.low, 0.0)];
    for (bin, count) in counts.iter().enumerate() {
        let edges = [bin, bin + 1].map(|index| edge(range, counts.len(), index));
        points.extend(edges.map(|edge| (edge, *count as f64)));
    }
    points.push((range.high, 0.0));
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(values: &[f64], dtype: DType) -> Vec<f64> {
        let points = steps(values.iter().copied(), dtype).unwrap();
        points[1..points.len() - 1].chunks(2).map(|pair| pair[0].1).collect()
    }

    /// Expected counts are those of `np.histogram(x, 'auto')` of NumPy 2.4.
    #[test]
    fn bins_are_numpys() {
        let squares: Vec<f64> = (0..100).map(|k| f64::from(k * k)).collect();
        assert_eq!(counts(&squares, DType::F64), [36.0, 14.0, 11.0, 10.0, 8.0, 7.0, 7.0, 7.0]);
        assert_eq!(counts(&[0.0, 1.0, 1.0, 2.0, 5.0], DType::F64), [1.0, 2.0, 1.0, 0.0, 1.0]);
        assert_eq!(counts(&[0.0, 1.0, 1.0, 1.0], DType::Bool), [4.0]);
        assert_eq!(counts(&[3.0; 7], DType::F64), [7.0]);
        assert_eq!(counts(&[f64::NAN, 2.0, f64::INFINITY], DType::F64), [1.0]);
        assert!(steps([f64::NAN].into_iter(), DType::F64).is_none());
    }

    #[test]
    fn every_finite_value_is_counted() {
        for scale in [1e-300, 1e-3, 1.0, 1e17, 1e300] {
            let values: Vec<f64> = (0..1000).map(|k| f64::from(k % 97) * scale).collect();
            assert_eq!(counts(&values, DType::F64).iter().sum::<f64>(), 1000.0, "{scale}");
        }
    }
}
