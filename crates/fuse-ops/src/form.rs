//! Forms: reductions that are formulas over others. `mean` is a sum and a quotient.
//!
//! They have no fold of their own; the compiler writes them with the rows of the operator table.

use crate::parameter::{Parameter, REDUCTION};
use crate::typing::Typing;

/// A form. See [`FORMS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// Which one.
    pub kind: FormKind,
    /// Its name.
    pub name: &'static str,
    /// Fewest and most operands.
    pub arity: (usize, usize),
    /// What it takes beside these; forms that reduce take some, others none.
    pub parameters: &'static [Parameter],
    /// One line of documentation.
    pub doc: &'static str,
    /// A formula that uses it.
    pub example: &'static str,
}

macro_rules! forms {
    ($( $kind:ident $name:literal $least:literal $most:literal $parameters:expr, $doc:literal $example:literal; )*) => {
        /// What a form is; its row says all about it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum FormKind { $( #[doc = $doc] $kind, )* }

        /// Every form, one row each.
        pub static FORMS: &[Form] = &[$( Form {
            kind: FormKind::$kind, name: $name, arity: ($least, $most),
            parameters: $parameters, doc: $doc, example: $example,
        } ),*];
    };
}

forms! {
    Mean "mean" 1 1 REDUCTION, "the sum, kept in f64, by the number of elements; of integers f64" "mean(a)";
    Var "var" 1 1 VARIANCE, "variance: the mean squared distance from the mean; the divisor is the number of elements less ddof" "var(a, ddof=1)";
    Std "std" 1 1 VARIANCE, "standard deviation: the square root of var" "std(a, ddof=1)";
    CountNonzero "count_nonzero" 1 1 REDUCTION, "how many elements are true, or not 0; i64" "count_nonzero(a > 0)";
    Argmax "argmax" 1 1 REDUCTION, "index of the first largest element, or NaN; over several axes in C order; i64" "argmax(a)";
    Argmin "argmin" 1 1 REDUCTION, "index of the first smallest element, or NaN; over several axes in C order; i64" "argmin(a)";
    Norm "norm" 1 1 NORM, "2-norm: the root of the sum of squares, without overflow in between; 0 for no elements" "norm(a)";
    Dot "dot" 2 2 &[], "the sum of a * b, of two arrays of one axis" "dot(a, b)";
    NanSum "nansum" 1 1 REDUCTION, "sum of the elements that are not NaN" "nansum(a)";
    NanProd "nanprod" 1 1 REDUCTION, "product of the elements that are not NaN" "nanprod(a)";
    NanMean "nanmean" 1 1 REDUCTION, "mean of the elements that are not NaN; NaN if all are" "nanmean(a)";
    NanVar "nanvar" 1 1 VARIANCE, "variance of the elements that are not NaN; NaN unless they are more than ddof" "nanvar(a)";
    NanStd "nanstd" 1 1 VARIANCE, "square root of nanvar" "nanstd(a)";
}

/// The parameters of variances.
const VARIANCE: &[Parameter] = &[Parameter::Axis, Parameter::Keepdims, Parameter::Ddof];

/// The parameters of norm, which has `ord` in NumPy where others have `axis`.
const NORM: &[Parameter] = &[Parameter::NamedAxis, Parameter::Keepdims];

impl Form {
    /// The form of that name.
    pub fn named(name: &str) -> Option<&'static Form> {
        FORMS.iter().find(|form| form.name == name)
    }

    /// Is it a reduction?
    pub fn reduces(&self) -> bool {
        !self.parameters.is_empty() || self.kind == FormKind::Dot
    }

    /// The typing rule of a form that reduces one operand.
    pub fn typing(&self) -> Typing {
        match self.kind {
            FormKind::Mean | FormKind::Var | FormKind::Std | FormKind::Norm => Typing::Floating,
            FormKind::NanMean | FormKind::NanVar | FormKind::NanStd => Typing::Floating,
            FormKind::CountNonzero => Typing::Count,
            FormKind::NanSum | FormKind::NanProd => Typing::Sum,
            FormKind::Argmax | FormKind::Argmin | FormKind::Dot => Typing::Any,
        }
    }

    /// Is it a reduction without a value for no elements?
    pub fn needs_an_element(&self) -> bool {
        match self.kind {
            FormKind::Mean | FormKind::Var | FormKind::Std => true,
            FormKind::Argmax | FormKind::Argmin => true,
            FormKind::NanMean | FormKind::NanVar | FormKind::NanStd => true,
            FormKind::CountNonzero | FormKind::Norm | FormKind::Dot => false,
            FormKind::NanSum | FormKind::NanProd => false,
        }
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
