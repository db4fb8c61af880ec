//! Arrays as text, as NumPy 2 prints them with `str(array)`.
//!
//! ```text
//! [[ 0.5   10.25]        points stand below each other, `1.0` is `1.`, 8 digits behind the point
//!  [-1.     2.  ]]       more than 1000 elements: three at either end of each axis
//! [1.e-05 1.e+00]        large, small or far apart: exponents
//! [1.5+2.j 1. -1.j]      of complex numbers each part is a column
//! ```
//!
//! * `element`: one element, with the shortest digits that read back exactly.
//! * `text`: elements of `S` and `U`, escaped.
//! * `float`: the common form of the floats of an array.
//! * `layout`: brackets, lines, what is left out.
//!
//! Invariants. *An array prints byte for byte as in NumPy 2.4, but for the deviations that
//! `docs/language.md` lists; a test compares both. Nothing that a terminal acts on is printed.*

mod element;
mod float;
mod layout;
mod text;

use std::fmt;

use crate::array::Array;

pub(crate) use element::push_element;
pub use element::write_element;

/// How arrays print: NumPy's `set_printoptions`, with its defaults.
///
/// ```
/// use fuse::{Array, PrintOptions};
///
/// let thirds = Array::from_slice(&[1.0 / 3.0, 20.0 / 3.0], &[2])?;
/// assert_eq!(thirds.to_string(), "[0.33333333 6.66666667]");
/// let mut options = PrintOptions::default();
/// options.precision = 3;
/// assert_eq!(thirds.display(&options).to_string(), "[0.333 6.667]");
/// # Ok::<(), fuse::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PrintOptions {
    /// Most digits behind the point; fewer where fewer read back exactly.
    pub precision: usize,
    /// Arrays of more elements than this print in short form.
    pub threshold: usize,
    /// Elements at either end of an axis in short form; at least one.
    pub edge_items: usize,
    /// Characters of a line, where an element is no longer than that.
    pub line_width: usize,
}

impl Default for PrintOptions {
    fn default() -> Self {
        PrintOptions { precision: 8, threshold: 1000, edge_items: 3, line_width: 75 }
    }
}

impl PrintOptions {
    /// Positions along each axis that are printed of an array of this shape: all that
    /// [`Array::display_as_part`] needs. No positions where the array has no elements.
    ///
    /// ```
    /// let options = fuse::PrintOptions::default();
    /// assert_eq!(options.printed_indices(&[2, 1000]), [vec![0, 1], vec![0, 1, 2, 997, 998, 999]]);
    /// ```
    pub fn printed_indices(&self, shape: &[usize]) -> Vec<Vec<usize>> {
        if shape.contains(&0) {
            return vec![Vec::new(); shape.len()];
        }
        let axes = self.axes(shape);
        axes.iter().map(|axis| axis.indices().collect()).collect()
    }
}

impl Array {
    /// The array as text in this form; [`ToString`] has NumPy's defaults.
    pub fn display(&self, options: &PrintOptions) -> impl fmt::Display + use<> {
        layout::print(self, &options.axes(self.shape()), options)
    }

    /// The text of an array of this shape in short form, of which these are the elements at the
    /// [`PrintOptions::printed_indices`]: what is left out need not be there.
    ///
    /// ```
    /// use fuse::{Array, PrintOptions};
    ///
    /// let options = PrintOptions::default();
    /// let part = Array::from_slice(&[0, 1, 2, 4997, 4998, 4999], &[6])?;
    /// let text = part.display_as_part(&[5000], &options).to_string();
    /// assert_eq!(text, "[   0    1    2 ... 4997 4998 4999]");
    /// # Ok::<(), fuse::Error>(())
    /// ```
    ///
    /// Where the part has another shape than that, its own elements are printed.
    pub fn display_as_part(
        &self,
        shape: &[usize],
        options: &PrintOptions,
    ) -> impl fmt::Display + use<> {
        let axes: Vec<layout::Axis> =
            options.axes(shape).into_iter().map(layout::Axis::closed).collect();
        let fits = axes.iter().map(|axis| axis.indices().count()).eq(self.shape().iter().copied());
        if fits || self.is_empty() {
            layout::print(self, &axes, options)
        } else {
            layout::print(self, &options.axes(self.shape()), options)
        }
    }
}

impl fmt::Display for Array {
    /// As NumPy prints arrays: nested brackets, columns aligned, long axes shortened. A scalar is its
    /// element, with all of its digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.display(&PrintOptions::default()).fmt(f)
    }
}

#[cfg(test)]
mod tests;
