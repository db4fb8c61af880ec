//! What is drawn: curves or an image, and the ranges of its axes.

use fuse::Array;

use super::histogram::steps;
use super::scale::Range;
use super::values::{Values, check_real, values};
use crate::failure::Failure;
use crate::text::{counted, escaped};

/// An array with its name.
#[derive(Clone, Debug)]
pub(crate) struct Series<'a> {
    pub(crate) label: String,
    pub(crate) values: &'a Array,
}

/// A picture before it has a size.
#[derive(Debug)]
pub(crate) struct Figure<'a> {
    pub(super) title: Option<String>,
    pub(super) content: Content<'a>,
}

#[derive(Debug)]
pub(super) enum Content<'a> {
    Curves(Curves<'a>),
    Image(Matrix<'a>),
}

/// Curves over a common pair of axes.
#[derive(Debug)]
pub(super) struct Curves<'a> {
    pub(super) curves: Vec<Curve<'a>>,
    pub(super) x: Range,
    pub(super) y: Range,
    pub(super) x_label: String,
    pub(super) shape: Shape,
}

/// What a curve is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Line,
    /// The outline of bars that stand on 0.
    Bars,
}

#[derive(Debug)]
pub(super) struct Curve<'a> {
    pub(super) label: String,
    source: Source<'a>,
}

#[derive(Debug)]
enum Source<'a> {
    /// Over the index, or over another array of as many elements.
    Arrays {
        x: Option<&'a Array>,
        y: &'a Array,
    },
    Points(Vec<(f64, f64)>),
}

/// A matrix of real numbers and the range of the finite ones.
#[derive(Debug)]
pub(super) struct Matrix<'a> {
    values: &'a Array,
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) range: Range,
}

impl<'a> Figure<'a> {
    /// Lines where the arrays are vectors, an image of one matrix.
    ///
    /// # Errors
    /// Of arrays that are neither, that have no finite element, or elements that are not real.
    pub(crate) fn of(
        series: Vec<Series<'a>>,
        x: Option<Series<'a>>,
    ) -> Result<Figure<'a>, Failure> {
        match &series[..] {
            [only] if only.values.shape().len() == 2 => Figure::image(only.clone()),
            _ => Figure::lines(series, x),
        }
    }

    /// Vectors as lines, over another or over the index.
    ///
    /// # Errors
    /// As [`Figure::of`], and where the other is not as long.
    pub(crate) fn lines(
        series: Vec<Series<'a>>,
        x: Option<Series<'a>>,
    ) -> Result<Figure<'a>, Failure> {
        for one in series.iter().chain(&x) {
            check_real(one)?;
            check_vector(one)?;
            check_elements(one)?;
        }
        if let Some(x) = &x
            && let Some(other) = series.iter().find(|one| one.values.len() != x.values.len())
        {
            let [n, m] = [other.values.len(), x.values.len()].map(|n| counted(n, "element"));
            let message = format!("`{}` has {n}, and `{}` has {m}", other.label, x.label);
            return Err(Failure::Usage(message));
        }
        let x_label = x.as_ref().map_or("index", |x| &x.label).to_string();
        let curves = series.into_iter().map(|one| Curve {
            label: one.label,
            source: Source::Arrays { x: x.as_ref().map(|x| x.values), y: one.values },
        });
        Figure::curves(curves.collect(), &x_label, Shape::Line)
    }

    /// How many elements fall into each of equal bins, over all axes of each array.
    ///
    /// # Errors
    /// Of arrays that have no finite element, or elements that are not real.
    pub(crate) fn histogram(series: Vec<Series<'a>>) -> Result<Figure<'a>, Failure> {
        let mut curves = Vec::new();
        for one in &series {
            check_real(one)?;
            check_elements(one)?;
            let points =
                steps(values(one.values), one.values.dtype()).ok_or_else(|| nothing(one))?;
            curves.push(Curve { label: one.label.clone(), source: Source::Points(points) });
        }
        let x_label = match &series[..] {
            [only] => only.label.clone(),
            _ => "value".to_string(),
        };
        Figure::curves(curves, &x_label, Shape::Bars)
    }

    /// A matrix, its first row on top.
    ///
    /// # Errors
    /// Of what is no matrix, has no finite element, or elements that are not real.
    pub(crate) fn image(series: Series<'a>) -> Result<Figure<'a>, Failure> {
        check_real(&series)?;
        check_elements(&series)?;
        let &[rows, columns] = series.values.shape() else {
            return Err(wrong_rank(&series, "an image is drawn of a matrix"));
        };
        let range = Range::of(values(series.values)).ok_or_else(|| nothing(&series))?;
        let matrix = Matrix { values: series.values, rows, columns, range };
        Ok(Figure { title: None, content: Content::Image(matrix) })
    }

    /// With a title.
    pub(crate) fn titled(self, title: &str) -> Figure<'a> {
        Figure { title: Some(escaped(title)), ..self }
    }

    fn curves(curves: Vec<Curve<'a>>, x_label: &str, shape: Shape) -> Result<Figure<'a>, Failure> {
        let ranges = |curve: &Curve<'a>| {
            let finite =
                |value: f64| value.is_finite().then_some(Range { low: value, high: value });
            let joined = |a: Option<Range>, b: Option<Range>| match (a, b) {
                (Some(a), Some(b)) => Some(a.union(b)),
                (a, b) => a.or(b),
            };
            // Values without a place have one along the axis, where they are marked or missing.
            let [x, y] = curve.points().fold([None, None], |[xs, ys], (x, y)| {
                let y = finite(x).and(finite(y));
                [joined(xs, finite(x)), joined(ys, y)]
            });
            Some([x?, y?])
        };
        let ranges = curves.iter().filter_map(ranges);
        let Some([x, y]) = ranges.reduce(|[x, y], [u, v]| [x.union(u), y.union(v)]) else {
            let labels: Vec<String> = curves.iter().map(|it| format!("`{}`", it.label)).collect();
            return Err(Failure::Run(nothing_in(&labels.join(", "))));
        };
        let curves = curves
            .into_iter()
            .map(|curve| Curve { label: escaped(&curve.label), ..curve })
            .collect();
        let (x, y) = (x.widened(), y.widened());
        let content = Content::Curves(Curves { curves, x, y, x_label: escaped(x_label), shape });
        Ok(Figure { title: None, content })
    }
}

impl Curve<'_> {
    /// Its points in order.
    #[expect(clippy::cast_precision_loss, reason = "2^53 elements fit no memory")]
    pub(super) fn points(&self) -> Box<dyn Iterator<Item = (f64, f64)> + '_> {
        match &self.source {
            Source::Points(points) => Box::new(points.iter().copied()),
            Source::Arrays { x: Some(x), y } => Box::new(values(x).zip(values(y))),
            Source::Arrays { x: None, y } => {
                Box::new(values(y).enumerate().map(|(index, value)| (index as f64, value)))
            }
        }
    }
}

impl Matrix<'_> {
    /// Elements row by row.
    pub(super) fn elements(&self) -> Values<'_> {
        values(self.values)
    }
}

/// Refuses an array without elements.
fn check_elements(series: &Series<'_>) -> Result<(), Failure> {
    if series.values.is_empty() && !series.values.shape().is_empty() {
        let message = format!("there is nothing to draw: `{}` has no elements", series.label);
        return Err(Failure::Run(message));
    }
    Ok(())
}

fn check_vector(series: &Series<'_>) -> Result<(), Failure> {
    match series.values.shape() {
        [_] => Ok(()),
        _ => Err(wrong_rank(series, "a line is drawn of a vector, and an image of one matrix")),
    }
}

fn wrong_rank(series: &Series<'_>, rule: &str) -> Failure {
    let label = &series.label;
    Failure::Usage(match series.values.shape() {
        [] => format!("`{label}` is one number, {}: {rule}", series.values),
        shape => format!("`{label}` has shape {}: {rule}", fuse::raw::shape_text(shape)),
    })
}

fn nothing(series: &Series<'_>) -> Failure {
    Failure::Run(nothing_in(&format!("`{}`", series.label)))
}

fn nothing_in(labels: &str) -> String {
    format!("there is nothing to draw: no finite element in {labels}")
}
