//! Variables: names with borrowed arrays or scalars.

use fuse_ir::{Axis, DType, InputType, Strength, TextConstant};
use fuse_runtime::{Complex, Element, F16, Operand, ScalarValue, View};
use fuse_syntax::{Node, SyntaxLimits};

use crate::array::Array;
use crate::device::DeviceArray;
use crate::error::{Error, ErrorKind};
use crate::spare::Entries;

/// The value of a variable for one call: a borrowed array, or a scalar.
#[derive(Clone, Debug)]
pub struct Input<'a> {
    pub(crate) operand: Operand<'a>,
    pub(crate) strength: Strength,
}

impl<'a> Input<'a> {
    /// An array of any strides and byte order.
    #[inline]
    pub fn array(view: View<'a>) -> Input<'a> {
        Input { operand: Operand::Array(view), strength: Strength::Strong }
    }

    /// A scalar that takes part in promotion, as NumPy's typed scalars do.
    pub fn scalar(value: impl Into<ScalarValue>) -> Input<'a> {
        Input { operand: Operand::Scalar(value.into()), strength: Strength::Strong }
    }

    /// An integer that gives way to the types it meets, as Python's do: an i32 array stays i32.
    pub fn weak_int(value: i64) -> Input<'a> {
        Input { operand: Operand::Scalar(value.into()), strength: Strength::Weak }
    }

    /// A float that gives way to the types it meets, as Python's do: an f32 array stays f32.
    pub fn weak_float(value: f64) -> Input<'a> {
        Input { operand: Operand::Scalar(value.into()), strength: Strength::Weak }
    }

    /// A text (dtype `U`), copied.
    pub fn text(text: &str) -> Input<'a> {
        Input { operand: TextConstant::text(text).into(), strength: Strength::Strong }
    }

    /// A byte string (dtype `S`), copied.
    pub fn bytes(bytes: &[u8]) -> Input<'a> {
        Input { operand: TextConstant::bytes(bytes).into(), strength: Strength::Strong }
    }

    /// A text or a byte string as a formula writes it: `'ab'`, `b'ab'`, with Python's escapes.
    ///
    /// # Errors
    /// [`ErrorKind::Syntax`] where the text is no such literal.
    pub fn from_literal(literal: &str) -> Result<Input<'a>, Error> {
        let ast = fuse_syntax::parse(literal, &SyntaxLimits::default())
            .map_err(|diagnostics| Error::from_diagnostics(literal, diagnostics))?;
        match ast.nodes() {
            [Node::Text(text)] => Ok(Input::text(ast.text(*text))),
            [Node::Bytes(bytes)] => Ok(Input::bytes(ast.bytes(*bytes))),
            _ => Err(Error::new(ErrorKind::Syntax, "expected a text, such as 'ab' or b'ab'")),
        }
    }

    /// A complex number that gives way to the types it meets, as Python's do: an f32 array gives c64.
    pub fn weak_complex(value: Complex<f64>) -> Input<'a> {
        Input { operand: Operand::Scalar(value.into()), strength: Strength::Weak }
    }

    /// An array in a device's memory, for engines of that device.
    pub fn device(array: &'a DeviceArray) -> Input<'a> {
        Input { operand: Operand::Device(&array.0), strength: Strength::Strong }
    }

    #[inline]
    pub(crate) fn dtype(&self) -> DType {
        match &self.operand {
            Operand::Array(view) => view.dtype(),
            Operand::Scalar(scalar) => scalar.dtype(),
            Operand::Text(text) => text.dtype(),
            Operand::Device(array) => array.dtype(),
        }
    }

    #[inline]
    pub(crate) fn extents(&self) -> &[usize] {
        match &self.operand {
            Operand::Array(view) => view.extents(),
            Operand::Scalar(_) | Operand::Text(_) => &[],
            Operand::Device(array) => array.extents(),
        }
    }

    /// Its type, as formulas are compiled for it.
    pub fn ty(&self) -> InputType {
        InputType { strength: self.strength, ..InputType::array(self.dtype(), self.extents()) }
    }

    /// Is `ty` its type? Allocates nothing.
    #[inline]
    pub(crate) fn has_type(&self, ty: &InputType) -> bool {
        let extents = self.extents();
        self.dtype() == ty.dtype
            && self.strength == ty.strength
            && extents.len() == ty.axes.len()
            && extents.iter().zip(&ty.axes).all(|(&n, &axis)| (n == 1) == (axis == Axis::One))
    }
}

/// What a formula can take as a variable: slices, vectors, arrays, scalars, texts, [`View`]s, [`Array`]s;
/// with feature `ndarray` its arrays and views of any layout; for engines of a device its [`DeviceArray`]s.
pub trait AsInput {
    /// Borrows the value.
    fn as_input(&self) -> Input<'_>;
}

impl<T: AsInput + ?Sized> AsInput for &T {
    #[inline]
    fn as_input(&self) -> Input<'_> {
        (**self).as_input()
    }
}

impl<T: Element> AsInput for [T] {
    #[inline]
    fn as_input(&self) -> Input<'_> {
        Input::array(View::from_slice(self))
    }
}

impl<T: Element, const N: usize> AsInput for [T; N] {
    #[inline]
    fn as_input(&self) -> Input<'_> {
        self.as_slice().as_input()
    }
}

impl<T: Element> AsInput for Vec<T> {
    #[inline]
    fn as_input(&self) -> Input<'_> {
        self.as_slice().as_input()
    }
}

impl AsInput for str {
    fn as_input(&self) -> Input<'_> {
        Input::text(self)
    }
}

impl AsInput for String {
    fn as_input(&self) -> Input<'_> {
        Input::text(self)
    }
}

impl AsInput for Array {
    fn as_input(&self) -> Input<'_> {
        Input::array(self.view())
    }
}

impl AsInput for View<'_> {
    fn as_input(&self) -> Input<'_> {
        Input::array(self.clone())
    }
}

impl AsInput for Input<'_> {
    fn as_input(&self) -> Input<'_> {
        self.clone()
    }
}

macro_rules! scalar_inputs {
    ($($ty:ty),*) => {
        $(impl AsInput for $ty {
            #[inline]
            fn as_input(&self) -> Input<'_> {
                Input::scalar(*self)
            }
        })*
    };
}

scalar_inputs!(bool, i8, i16, i32, i64, u8, u16, u32, u64, F16, f32, f64);
scalar_inputs!(Complex<f32>, Complex<f64>);

/// The variables of one call. Made by [`crate::vars!`], or from pairs:
///
/// ```
/// use fuse::{AsInput, Vars, evaluate};
///
/// let x = [1.0, 2.0];
/// let vars = Vars::from([("x", x.as_input()), ("k", 3.0.as_input())]);
/// assert_eq!(evaluate("k*x", vars)?.to_string(), "[3. 6.]");
/// # Ok::<(), fuse::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Vars<'a> {
    pub(crate) entries: Entries<'a>,
}

impl<'a> Vars<'a> {
    /// No variables.
    pub fn new() -> Vars<'a> {
        Vars::default()
    }

    /// Adds a variable; one of the same name is replaced.
    pub fn insert(&mut self, name: &'a str, input: Input<'a>) {
        self.entries.make_room(name);
        self.entries.fill((name, input));
    }

    /// Takes the next variable's name, and by [`Named::is`] its value: [`Vars::insert`] for [`crate::vars!`],
    /// in two steps so that the value is made where it is kept.
    #[doc(hidden)]
    #[inline]
    #[must_use]
    pub fn named(mut self, name: &'a str) -> Named<'a> {
        self.entries.make_room(name);
        Named { vars: self, name }
    }
}

/// Variables, and the name of one more.
#[doc(hidden)]
#[derive(Debug)]
pub struct Named<'a> {
    vars: Vars<'a>,
    name: &'a str,
}

impl<'a> Named<'a> {
    /// The variables with this value for the name.
    #[inline(always)]
    #[must_use]
    pub fn is(mut self, input: Input<'a>) -> Vars<'a> {
        self.vars.entries.fill((self.name, input));
        self.vars
    }
}

impl<'a, const N: usize> From<[(&'a str, Input<'a>); N]> for Vars<'a> {
    fn from(pairs: [(&'a str, Input<'a>); N]) -> Vars<'a> {
        pairs.into_iter().collect()
    }
}

impl<'a> FromIterator<(&'a str, Input<'a>)> for Vars<'a> {
    fn from_iter<I: IntoIterator<Item = (&'a str, Input<'a>)>>(pairs: I) -> Vars<'a> {
        let mut vars = Vars::new();
        for (name, input) in pairs {
            vars.insert(name, input);
        }
        vars
    }
}

/// Variables by name, borrowed: `vars! { a, b, k = 2.5 }`.
///
/// `a` alone is the variable of that name; `k = expression` gives another value a name. Nothing is
/// moved or copied.
///
/// ```
/// use fuse::{evaluate, vars};
///
/// let a = vec![1_i32, 2, 3];
/// let r = evaluate("a + k", vars! { a, k = 10_i32 })?;
/// assert_eq!(r.into_vec::<i32>()?, [11, 12, 13]);
/// # Ok::<(), fuse::Error>(())
/// ```
#[macro_export]
macro_rules! vars {
    (@value $name:ident) => { $crate::AsInput::as_input(&$name) };
    (@value $name:ident $value:expr) => { $crate::AsInput::as_input(&$value) };
    ($($name:ident $(= $value:expr)?),* $(,)?) => {
        $crate::Vars::new()$(.named(stringify!($name)).is($crate::vars!(@value $name $($value)?)))*
    };
}
