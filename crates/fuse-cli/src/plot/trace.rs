//! A curve reduced to what shows on a grid of so many columns.
//!
//! ```text
//! points in order      ·.:':·.  ...         of a run of points in one column, in their order:
//! column of dots       |  |  |  |  |        first, least, greatest, last (M4: Jugel et al., VLDB 2014)
//! ```
//!
//! A point that is NaN ends a piece. An infinite one does so too, and leaves a mark at the edge. One pass,
//! and memory for the grid only: where x goes to and fro so often that the runs are many, the points
//! are drawn, each once, not the lines between them.

use super::figure::Curves;
use super::scale::Range;

/// Runs of one column beyond which lines of a curve that goes to and fro are not drawn.
const MOST_RUNS: usize = 1 << 15;

/// Cells of a grid on which such points are counted once: at most 2^22.
const GRID: usize = 1 << 11;

/// Places on the axes: 0 and 1 are their ends.
pub(super) type Place = (f64, f64);

/// What is left of a curve.
#[derive(Debug, Default)]
pub(super) struct Trace {
    /// Lines; one of a single place is a point.
    pub(super) pieces: Vec<Vec<Place>>,
    /// Infinite values, each column once for each end: where, and whether at the upper end.
    pub(super) marks: Vec<(f64, End)>,
    /// Values that are infinite.
    pub(super) n_infinite: usize,
    /// Values that are NaN.
    pub(super) n_nan: usize,
}

/// Of an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Lower,
    Upper,
}

/// Reduces each curve to what a grid of so many columns shows.
pub(super) fn traces(curves: &Curves<'_>, y: Range, n_columns: usize) -> Vec<Trace> {
    let reduce = |curve: &super::figure::Curve<'_>| {
        let mut tracer = Tracer::new(n_columns);
        for (a, b) in curve.points() {
            tracer.point(curves.x, y, a, b);
            if tracer.is_to_and_fro() {
                return scatter(curve.points(), curves.x, y, n_columns);
            }
        }
        tracer.finish()
    };
    curves.curves.iter().map(reduce).collect()
}

/// Consecutive points of one column.
#[derive(Clone, Copy, Debug)]
struct Run {
    column: usize,
    first: Place,
    least: (usize, Place),
    greatest: (usize, Place),
    last: Place,
    len: usize,
}

struct Tracer {
    n_columns: usize,
    run: Option<Run>,
    piece: Vec<Place>,
    n_runs: usize,
    trace: Trace,
}

impl Tracer {
    fn new(n_columns: usize) -> Tracer {
        Tracer { n_columns, run: None, piece: Vec::new(), n_runs: 0, trace: Trace::default() }
    }

    fn point(&mut self, x_range: Range, y_range: Range, x: f64, y: f64) {
        if x.is_finite() && y.is_finite() {
            return self.place((x_range.place(x), y_range.place(y)));
        }
        self.end_piece();
        if x.is_nan() || y.is_nan() {
            self.trace.n_nan += 1;
            return;
        }
        self.trace.n_infinite += 1;
        if x.is_finite() {
            let end = if y > 0.0 { End::Upper } else { End::Lower };
            self.mark(x_range.place(x), end);
        }
    }

    fn mark(&mut self, x: f64, end: End) {
        let column = column(x, self.n_columns);
        let is_there =
            |mark: &&(f64, End)| mark.1 == end && self::column(mark.0, self.n_columns) == column;
        if !self.trace.marks.iter().rev().take(2).any(|mark| is_there(&mark)) {
            self.trace.marks.push((x, end));
        }
    }

    fn place(&mut self, place: Place) {
        let column = column(place.0, self.n_columns);
        match &mut self.run {
            Some(run) if run.column == column => run.append(place),
            _ => {
                self.end_run();
                self.n_runs += 1;
                self.run = Some(Run::new(column, place));
            }
        }
    }

    fn end_run(&mut self) {
        let Some(run) = self.run.take() else { return };
        let mut between = [run.least, run.greatest];
        between.sort_unstable_by_key(|(index, _)| *index);
        let places = [run.first, between[0].1, between[1].1, run.last];
        for place in places {
            if self.piece.last() != Some(&place) {
                self.piece.push(place);
            }
        }
    }

    fn end_piece(&mut self) {
        self.end_run();
        if !self.piece.is_empty() {
            self.trace.pieces.push(std::mem::take(&mut self.piece));
        }
    }

    /// Are there far more runs than one pass from one end to the other can have?
    fn is_to_and_fro(&self) -> bool {
        self.n_runs > MOST_RUNS.max(4 * self.n_columns) && self.trace.pieces.len() < self.n_runs / 2
    }

    fn finish(mut self) -> Trace {
        self.end_piece();
        self.trace
    }
}

impl Run {
    fn new(column: usize, place: Place) -> Run {
        Run { column, first: place, least: (0, place), greatest: (0, place), last: place, len: 1 }
    }

    fn append(&mut self, place: Place) {
        if place.1 < self.least.1.1 {
            self.least = (self.len, place);
        }
        if place.1 > self.greatest.1.1 {
            self.greatest = (self.len, place);
        }
        self.last = place;
        self.len += 1;
    }
}

/// The column of a place, of so many.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "from 0 to the number of columns"
)]
pub(super) fn column(place: f64, n_columns: usize) -> usize {
    ((place * n_columns as f64) as usize).min(n_columns.saturating_sub(1))
}

/// The middle of a column.
#[expect(clippy::cast_precision_loss, reason = "few columns")]
fn middle(column: usize, n_columns: usize) -> f64 {
    (column as f64 + 0.5) / n_columns as f64
}

/// Each cell of the grid that has a point, once.
fn scatter(points: impl Iterator<Item = (f64, f64)>, x: Range, y: Range, n: usize) -> Trace {
    let n = n.min(GRID);
    let mut taken = vec![false; n * n];
    let mut tracer = Tracer::new(n);
    for (a, b) in points {
        if !(a.is_finite() && b.is_finite()) {
            tracer.point(x, y, a, b);
            continue;
        }
        let (column, row) = (column(x.place(a), n), column(y.place(b), n));
        if !std::mem::replace(&mut taken[row * n + column], true) {
            tracer.trace.pieces.push(vec![(middle(column, n), middle(row, n))]);
        }
    }
    tracer.finish()
}
