//! `:plot` and `:hist`: the results of a formula as a picture, in the terminal or in a file.

use std::io::{Write as _, stdout};

use fuse::Array;
use fuse_npy::{Overwrite, escape_path};

use super::redirect::{self, Redirect};
use super::session::Session;
use crate::failure::Failure;
use crate::plot::{self, Canvas, Figure, PICTURE, Series, axis_name};
use crate::print;

/// What is drawn of the results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Curves of vectors, an image of a matrix.
    Curves,
    /// How often which values are.
    Histogram,
}

/// Evaluates the formula and draws what it gives, in the size of the terminal, or into the file behind it.
pub(super) fn draw(session: &Session, text: &str, kind: Kind) -> Result<(), Failure> {
    let (text, redirect) = redirect::split(text);
    if let Some(redirect) = &redirect {
        check(redirect)?;
    }
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
    match redirect {
        Some(Redirect { path, overwrite }) => {
            plot::write(&path, overwrite, &figure.svg(PICTURE[0], PICTURE[1]))
        }
        None => {
            let drawn = figure.terminal(&Canvas::of_terminal(session.settings.color));
            Ok(stdout().lock().write_all(drawn.as_bytes())?)
        }
    }
}

/// Refuses a file before anything runs; says what replaces one here.
fn check(Redirect { path, overwrite }: &Redirect) -> Result<(), Failure> {
    if *overwrite == Overwrite::Refuse && path.is_file() {
        plot::check_output(path, Overwrite::Replace)?;
        let message = format!("{}: the file exists; `>!` replaces it", escape_path(path));
        return Err(Failure::Run(message));
    }
    plot::check_output(path, *overwrite)
}

fn series<'a>(label: &str, values: &'a Array) -> Series<'a> {
    Series { label: label.to_string(), values }
}
