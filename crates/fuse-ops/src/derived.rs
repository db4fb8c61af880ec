//! Functions that are formulas over others, or (`contains`) of what is no number: they have no expansion,
//! the compiler writes the formula.
//!
//! Their arguments have names, and may have defaults. A derived function may share its name with a row
//! of the operator table: the row takes as many plain arguments as it has, the derived function any
//! other call (`round(a)` and `round(a, 2)`). Adding one: a row here, its formula in
//! `fuse-compile/src/resolve/derived.rs`.

/// An argument of a derived function.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameter {
    /// Its name, as a keyword.
    pub name: &'static str,
    /// Its value where it is left out; `None` where it must be given.
    pub default: Option<Default>,
}

/// The value of an argument that is left out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Default {
    /// A plain number.
    Number(f64),
    /// A plain integer.
    Integer(i64),
    /// None: what that means is the function's to say.
    Absent,
    /// False.
    False,
}

/// What a derived function makes of its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Makes {
    /// Of the elements of its operands those of its result, one by one.
    Elements,
    /// An array of extents and scalars.
    Array,
    /// A number of the shape of its operand, whatever the elements.
    Extent,
    /// A truth value of texts.
    Texts,
}

/// One row. See the module.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DerivedRow {
    /// The function.
    pub function: Derived,
    /// Its name.
    pub name: &'static str,
    /// What it makes of its arguments.
    pub makes: Makes,
    /// Other names.
    pub aliases: &'static [&'static str],
    /// Its arguments; those with a default come last.
    pub parameters: &'static [Parameter],
    /// One line of documentation.
    pub doc: &'static str,
    /// A formula that uses it.
    pub example: &'static str,
}

macro_rules! derived {
    ($( $function:ident $name:literal $makes:ident [$($alias:literal),*] ( $($parameter:ident $(= $default:expr)?),* ) $doc:literal, $example:literal; )*) => {
        /// A derived function; the row says all about it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Derived { $( #[doc = $doc] $function, )* }

        /// The table, in the order of [`Derived`].
        pub static DERIVED: &[DerivedRow] = &[$( DerivedRow {
            function: Derived::$function,
            name: $name,
            makes: Makes::$makes,
            aliases: &[$($alias),*],
            parameters: &[$( Parameter {
                name: stringify!($parameter),
                default: [$(Some($default),)? None][0],
            } ),*],
            doc: $doc,
            example: $example,
        } ),*];
    };
}

derived! {
    Arange "arange" Array [] (start, stop = Default::Absent, step = Default::Integer(1)) "arange(n): 0, 1, ... below n; arange(start, stop, step): start, start + step, ... before stop; i64, or f64 of float literals", "arange(10)**2";
    Clip "clip" Elements [] (a, min, max) "minimum(maximum(a, min), max)", "clip(a, 0, 1)";
    Contains "contains" Texts [] (a, b) "does the text b occur in the text a? Both bytes or both text; an empty one occurs in all", "contains(s, 'ab')";
    Copy "copy" Elements [] (a) "a itself", "copy(a)";
    Full "full" Array [] (shape, fill_value) "an array of that scalar, of its dtype; the shape is a number, a tuple, or that of an array", "full((2, 3), 7)";
    IsClose "isclose" Elements [] (a, b, rtol = Default::Number(1e-5), atol = Default::Number(1e-8), equal_nan = Default::False) "abs(a - b) <= atol + rtol * abs(b) with finite b, or a == b; NaN is close to NaN if equal_nan is True", "isclose(a, b, atol=1e-6)";
    Len "len" Extent [] (a) "extent of the first axis, a plain integer", "a / len(a)";
    Linspace "linspace" Array [] (start, stop, num = Default::Integer(50)) "num numbers at equal distances, both ends included; f64", "sin(linspace(0, pi, 5))";
    Ones "ones" Array [] (shape) "an f64 array of ones; the shape is a number, a tuple, or that of an array", "ones((2, 3))";
    Zeros "zeros" Array [] (shape) "an f64 array of zeros; the shape is a number, a tuple, or that of an array", "zeros(3) + 1";
    RoundTo "round" Elements ["around"] (a, decimals) "a rounded to so many decimals, an integer literal: round(a * 10**decimals) / 10**decimals; of integers a itself, or a multiple of 10**-decimals", "round(a, 2)";
}

impl Derived {
    /// The function's row.
    pub fn row(self) -> &'static DerivedRow {
        &DERIVED[self as usize]
    }

    /// The derived function of that name or alias.
    pub fn function(name: &str) -> Option<Derived> {
        let named = |row: &&DerivedRow| row.name == name || row.aliases.contains(&name);
        DERIVED.iter().find(named).map(|row| row.function)
    }
}

impl DerivedRow {
    /// How it is called: `isclose(a, b, rtol=1e-5, ...)`.
    pub fn written(&self) -> String {
        let parameter = |parameter: &Parameter| match parameter.default {
            None => parameter.name.to_string(),
            Some(Default::Number(value)) => format!("{}={value:e}", parameter.name),
            Some(Default::Integer(value)) => format!("{}={value}", parameter.name),
            Some(Default::Absent) => format!("{}=None", parameter.name),
            Some(Default::False) => format!("{}=False", parameter.name),
        };
        let parameters: Vec<String> = self.parameters.iter().map(parameter).collect();
        format!("{}({})", self.name, parameters.join(", "))
    }

    /// The documentation behind a word for what is no function of elements.
    pub fn documentation(&self) -> String {
        let word = match self.makes {
            Makes::Elements => "",
            Makes::Array => "new array: ",
            Makes::Extent => "shape: ",
            Makes::Texts => "of texts: ",
        };
        format!("{word}{}", self.doc)
    }

    /// Number of arguments that must be given.
    pub fn required(&self) -> usize {
        self.parameters.iter().filter(|parameter| parameter.default.is_none()).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Op;

    #[test]
    fn rows_stand_in_order_and_required_arguments_come_first() {
        for (index, row) in DERIVED.iter().enumerate() {
            assert_eq!(row.function as usize, index);
            let required = &row.parameters[..row.required()];
            assert!(required.iter().all(|parameter| parameter.default.is_none()), "{}", row.name);
        }
    }

    /// Where a name stands in both tables, the number of arguments tells which is meant.
    #[test]
    fn a_shared_name_has_another_number_of_arguments() {
        for row in DERIVED {
            for name in std::iter::once(&row.name).chain(row.aliases) {
                let Some(op) = Op::function(name) else { continue };
                let arity = op.row().arity;
                assert!(arity < row.required() || row.parameters.len() < arity, "{name}");
            }
        }
    }

    #[test]
    fn calls_are_written_with_their_defaults() {
        let written = Derived::IsClose.row().written();
        assert_eq!(written, "isclose(a, b, rtol=1e-5, atol=1e-8, equal_nan=False)");
    }
}
