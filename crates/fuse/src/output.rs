//! Where results are written.
//!
//! ```text
//! &mut x  ─────────────────────────▶ AsOutput ──▶ one output
//! &mut (&mut x, &mut y), arrays ───▶ AsOutputs ─▶ several, in the order of the results
//! ```

use fuse_runtime::{Complex, Element, F16, ViewMut};
use smallvec::SmallVec;

use crate::array::Array;

/// Memory that a result can be written into: `&mut [T]`, `&mut Vec<T>` of the right length, `&mut
/// [T; N]`, `&mut Array`, a [`ViewMut`], one element for a scalar result; with feature `ndarray` its
/// mutable arrays and views of any strides but 0.
///
/// It is never resized and never cast.
pub trait AsOutput {
    /// Borrows the memory.
    fn as_output(&mut self) -> ViewMut<'_>;
}

impl<T: AsOutput + ?Sized> AsOutput for &mut T {
    fn as_output(&mut self) -> ViewMut<'_> {
        (**self).as_output()
    }
}

impl<T: Element> AsOutput for [T] {
    fn as_output(&mut self) -> ViewMut<'_> {
        ViewMut::from_slice(self)
    }
}

impl<T: Element, const N: usize> AsOutput for [T; N] {
    fn as_output(&mut self) -> ViewMut<'_> {
        ViewMut::from_slice(self)
    }
}

impl<T: Element> AsOutput for Vec<T> {
    fn as_output(&mut self) -> ViewMut<'_> {
        ViewMut::from_slice(self)
    }
}

impl AsOutput for Array {
    fn as_output(&mut self) -> ViewMut<'_> {
        self.view_mut()
    }
}

impl AsOutput for ViewMut<'_> {
    fn as_output(&mut self) -> ViewMut<'_> {
        self.reborrow()
    }
}

macro_rules! element_outputs {
    ($($ty:ty),*) => {
        $(impl AsOutput for $ty {
            fn as_output(&mut self) -> ViewMut<'_> {
                ViewMut::from_element(self)
            }
        })*
    };
}

element_outputs!(bool, i8, i16, i32, i64, u8, u16, u32, u64, F16, f32, f64);
element_outputs!(Complex<f32>, Complex<f64>);

/// The outputs of one call, in the order of the formula's results: for programs that learn only when
/// they run how many there are. Elsewhere a tuple is shorter; see [`AsOutputs`].
///
/// Up to four take no heap memory.
///
/// ```
/// use fuse::{AsOutput, Outputs, evaluate_into, vars};
///
/// let x = [1.0, 2.0, 4.0];
/// let mut powers = [[0.0; 3]; 2];
/// let mut outputs: Outputs<'_> = powers.iter_mut().map(AsOutput::as_output).collect();
/// evaluate_into("x*x, x**3", vars! { x }, &mut outputs)?;
/// drop(outputs);
/// assert_eq!(powers, [[1.0, 4.0, 16.0], [1.0, 8.0, 64.0]]);
/// # Ok::<(), fuse::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Outputs<'a> {
    pub(crate) views: SmallVec<[ViewMut<'a>; 4]>,
}

impl<'a> Outputs<'a> {
    /// No outputs.
    pub fn new() -> Outputs<'a> {
        Outputs::default()
    }

    /// Adds the place of the next result.
    pub fn push(&mut self, output: ViewMut<'a>) {
        self.views.push(output);
    }
}

impl<'a> FromIterator<ViewMut<'a>> for Outputs<'a> {
    fn from_iter<I: IntoIterator<Item = ViewMut<'a>>>(outputs: I) -> Outputs<'a> {
        Outputs { views: outputs.into_iter().collect() }
    }
}

/// Memory for all results of a formula, in their order. One result: anything [`AsOutput`]. Several: a
/// tuple of up to eight such, owned or borrowed; an array, slice or vector of [`Array`]s, such as
/// [`crate::evaluate_all`] gave before; a slice of `&mut dyn AsOutput`; or [`Outputs`].
///
/// ```
/// use fuse::{AsOutput, evaluate_all, evaluate_into, vars};
///
/// let (a, b) = ([1.0, 2.0], [3.0, 5.0]);
/// let (mut sum, mut difference, mut total) = ([0.0; 2], vec![0.0; 2], 0.0);
/// evaluate_into("a + b, a - b", vars! { a, b }, &mut (&mut sum, &mut difference))?;
/// assert_eq!((sum, difference.as_slice()), ([4.0, 7.0], [-2.0, -3.0].as_slice()));
///
/// let outputs: &mut [&mut dyn AsOutput] = &mut [&mut total, &mut sum];
/// evaluate_into("sum(a), a*b", vars! { a, b }, outputs)?;
/// assert_eq!((total, sum), (3.0, [3.0, 10.0]));
///
/// let mut arrays = evaluate_all("a + 1, b + 1", vars! { a, b })?;
/// evaluate_into("a*2, b*2", vars! { a, b }, &mut arrays)?;
/// assert_eq!(arrays[1].to_string(), "[ 6. 10.]");
/// # Ok::<(), fuse::Error>(())
/// ```
pub trait AsOutputs {
    /// Borrows the memory.
    fn as_outputs(&mut self) -> Outputs<'_>;

    /// The same for the time of a call; the views of one output, or of a tuple, are not moved.
    #[doc(hidden)]
    fn with_views<R>(&mut self, call: impl FnOnce(&mut [ViewMut<'_>]) -> R) -> R {
        call(&mut self.as_outputs().views)
    }
}

impl<T: AsOutput + ?Sized> AsOutputs for T {
    fn as_outputs(&mut self) -> Outputs<'_> {
        [self.as_output()].into_iter().collect()
    }

    #[inline]
    fn with_views<R>(&mut self, call: impl FnOnce(&mut [ViewMut<'_>]) -> R) -> R {
        call(&mut [self.as_output()])
    }
}

impl AsOutputs for Outputs<'_> {
    fn as_outputs(&mut self) -> Outputs<'_> {
        self.views.iter_mut().map(ViewMut::reborrow).collect()
    }
}

impl AsOutputs for [Array] {
    fn as_outputs(&mut self) -> Outputs<'_> {
        self.iter_mut().map(Array::view_mut).collect()
    }
}

impl<const N: usize> AsOutputs for [Array; N] {
    fn as_outputs(&mut self) -> Outputs<'_> {
        self.as_mut_slice().as_outputs()
    }
}

impl AsOutputs for Vec<Array> {
    fn as_outputs(&mut self) -> Outputs<'_> {
        self.as_mut_slice().as_outputs()
    }
}

impl AsOutputs for [&mut dyn AsOutput] {
    fn as_outputs(&mut self) -> Outputs<'_> {
        self.iter_mut().map(|output| output.as_output()).collect()
    }
}

macro_rules! tuple_outputs {
    ($($name:ident)*) => {
        impl<$($name: AsOutput),*> AsOutputs for ($($name,)*) {
            fn as_outputs(&mut self) -> Outputs<'_> {
                #[expect(non_snake_case, reason = "an element is called as its type")]
                let ($($name,)*) = self;
                [$($name.as_output()),*].into_iter().collect()
            }

            fn with_views<R>(&mut self, call: impl FnOnce(&mut [ViewMut<'_>]) -> R) -> R {
                #[expect(non_snake_case, reason = "an element is called as its type")]
                let ($($name,)*) = self;
                call(&mut [$($name.as_output()),*])
            }
        }
    };
}

tuple_outputs!(A);
tuple_outputs!(A B);
tuple_outputs!(A B C);
tuple_outputs!(A B C D);
tuple_outputs!(A B C D E);
tuple_outputs!(A B C D E F);
tuple_outputs!(A B C D E F G);
tuple_outputs!(A B C D E F G H);
