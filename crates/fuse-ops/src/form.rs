//! Forms: what is written like a function and is none, since an argument is no value but a shape, or
//! the result no single operator. The compiler writes them with the rows of the operator table.

/// A form. See [`FORMS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// Which one.
    pub kind: FormKind,
    /// Its name.
    pub name: &'static str,
    /// Fewest and most arguments.
    pub arity: (usize, usize),
    /// One line of documentation.
    pub doc: &'static str,
    /// A formula that uses it.
    pub example: &'static str,
}

macro_rules! forms {
    ($( $kind:ident $name:literal $least:literal $most:literal $doc:literal $example:literal; )*) => {
        /// What a form is; its row says all about it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum FormKind { $( #[doc = $doc] $kind, )* }

        /// Every form, one row each.
        pub static FORMS: &[Form] = &[$( Form {
            kind: FormKind::$kind, name: $name, arity: ($least, $most), doc: $doc, example: $example,
        } ),*];
    };
}

forms! {
    Clip "clip" 3 3 "minimum(maximum(a, low), high)" "clip(a, -1, 1)";
    Len "len" 1 1 "extent of the first axis, as a plain integer" "a / len(a)";
    Arange "arange" 1 3 "arange(n): 0, 1, … below n; arange(start, stop, step): start, start + step, … before stop; i64, or f64 of float literals; computed, never stored" "arange(10)**2";
    Linspace "linspace" 2 3 "linspace(start, stop, n=50): n numbers at equal distances, both ends included; f64" "sin(linspace(0, pi, 5))";
    Zeros "zeros" 1 1 "zeros(n), zeros((n, m)): an f64 array of zeros" "zeros(3) + 1";
    Ones "ones" 1 1 "ones(n), ones((n, m)): an f64 array of ones" "ones((2, 3))";
    Full "full" 2 2 "full(n, v), full((n, m), v): an array of a scalar, of its dtype" "full(3, 7)";
}

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
