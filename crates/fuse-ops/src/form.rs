//! Forms: reductions that are formulas over others. `mean` is a sum and a quotient.
//!
//! They have no fold of their own; the compiler writes them with the rows of the operator table.

use crate::parameter::{Parameter, REDUCTION};
use crate::typing::Typing;

/// What a reduction of no elements is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfNothing {
    /// It has a value.
    Value,
    /// It has none: an error.
    Error,
}

/// What a reduction is of complex numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfComplex {
    /// A complex number.
    Complex,
    /// A real number of the dtype of their parts, or what it is of all others.
    Real,
    /// Nothing: it needs an order.
    Error,
}

/// A form. See [`FORMS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// Which one.
    pub kind: FormKind,
    /// Its name.
    pub name: &'static str,
    /// Number of operands.
    pub arity: usize,
    /// The typing rule of an operand.
    pub typing: Typing,
    /// What it is of no elements.
    pub of_nothing: OfNothing,
    /// What it is of complex numbers.
    pub of_complex: OfComplex,
    /// What it takes beside its operands.
    pub parameters: &'static [Parameter],
    /// One line of documentation.
    pub doc: &'static str,
    /// A formula that uses it.
    pub example: &'static str,
}

macro_rules! forms {
    ($( $kind:ident $name:literal $arity:literal $typing:ident $of_nothing:ident $of_complex:ident $parameters:ident,
        $doc:literal, $example:literal; )*) => {
        /// What a form is; its row says all about it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum FormKind { $( #[doc = $doc] $kind, )* }

        /// Every form, one row each.
        pub static FORMS: &[Form] = &[$( Form {
            kind: FormKind::$kind, name: $name, arity: $arity, typing: Typing::$typing,
            of_nothing: OfNothing::$of_nothing,
            of_complex: OfComplex::$of_complex, parameters: $parameters, doc: $doc, example: $example,
        } ),*];
    };
}

forms! {
    Mean "mean" 1 Floating Error Complex REDUCTION, "the sum, kept in f64, by the number of elements; of integers f64", "mean(a)";
    Var "var" 1 Floating Error Real VARIANCE, "variance: the mean squared distance from the mean, real of complex numbers too; the divisor is the number of elements less ddof", "var(a, ddof=1)";
    Std "std" 1 Floating Error Real VARIANCE, "standard deviation: the square root of var", "std(a, ddof=1)";
    CountNonzero "count_nonzero" 1 Count Value Real REDUCTION, "how many elements are true, or not 0; i64", "count_nonzero(a > 0)";
    Argmax "argmax" 1 Any Error Error REDUCTION, "index of the first largest element, or NaN; over several axes in C order; i64", "argmax(a)";
    Argmin "argmin" 1 Any Error Error REDUCTION, "index of the first smallest element, or NaN; over several axes in C order; i64", "argmin(a)";
    Norm "norm" 1 Floating Value Real NORM, "2-norm: the root of the sum of squares, without overflow in between; 0 for no elements", "norm(a)";
    Dot "dot" 2 Any Value Complex NONE, "the sum of a * b, of two arrays of one axis", "dot(a, b)";
    NanSum "nansum" 1 Sum Value Complex REDUCTION, "sum of the elements that are not NaN", "nansum(a)";
    NanProd "nanprod" 1 Sum Value Complex REDUCTION, "product of the elements that are not NaN", "nanprod(a)";
    NanMean "nanmean" 1 Floating Error Complex REDUCTION, "mean of the elements that are not NaN; NaN if all are", "nanmean(a)";
    NanVar "nanvar" 1 Floating Error Real VARIANCE, "variance of the elements that are not NaN; NaN unless they are more than ddof", "nanvar(a)";
    NanStd "nanstd" 1 Floating Error Real VARIANCE, "square root of nanvar", "nanstd(a)";
}

/// The parameters of variances.
const VARIANCE: &[Parameter] = &[Parameter::Axis, Parameter::Keepdims, Parameter::Ddof];

/// The parameters of norm, which has `ord` in NumPy where others have `axis`.
const NORM: &[Parameter] = &[Parameter::NamedAxis, Parameter::Keepdims];

/// No parameters.
const NONE: &[Parameter] = &[];

impl Form {
    /// The form of that name.
    pub fn named(name: &str) -> Option<&'static Form> {
        FORMS.iter().find(|form| form.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_no_function() {
        for form in FORMS {
            assert!(crate::Op::function(form.name).is_none(), "{}", form.name);
            assert_eq!(Form::named(form.name), Some(form));
        }
    }
}
