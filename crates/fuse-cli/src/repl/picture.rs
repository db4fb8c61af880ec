//! `:plot` and `:hist`: the results of a formula as a picture in the terminal.

use fuse::Array;

use super::session::Session;
use crate::failure::Failure;
use crate::plot::{Canvas, Figure, Series, axis_name};
use crate::print;

/// What is drawn of the results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Curves of vectors, an image of a matrix.
    Curves,
    /// How often which values are.
    Histogram,
}

/// Evaluates the formula and draws what it gives, in the size of the terminal.
pub(super) fn draw(session: &Session, text: &str, kind: Kind) -> Result<String, Failure> {
    let formula = session.formula(text)?;
    let arrays = session.evaluate(text)?;
    let labels: Vec<String> = formula.results().map(print::heading).collect();
    let series = labels.iter().zip(&arrays).map(|(label, values)| series(label, values)).collect();
    let used = session.values.iter().filter(|(known, _)| formula.names().any(|name| name == known));
    let axis = match axis_name(&formula, used, &arrays).filter(|_| kind == Kind::Curves) {
        Some(name) => Some((name, session.evaluate_one(name)?)),
        None => None,
    };
    let figure = match kind {
        Kind::Curves => Figure::of(series, axis.as_ref().map(|(name, x)| self::series(name, x)))?,
        Kind::Histogram => Figure::histogram(series)?,
    };
    let figure = match &labels[..] {
        [only] => figure.titled(only),
        _ => figure,
    };
    Ok(figure.terminal(&Canvas::of_terminal(session.settings.color)))
}

fn series<'a>(label: &str, values: &'a Array) -> Series<'a> {
    Series { label: label.to_string(), values }
}
