//! The one table of diagnostic codes, for all stages: `E01` syntax, `E02` names, `E03` types, `E04` shapes,
//! `E05` limits, `E09` not supported.
//!
//! To add a code, append a row to its block: variant, number, title, explanation. Numbers are
//! never reused: users look them up. The explanation is what `fuse explain E0101` prints: what the
//! rule is, and why. Behind it stands an example, `mistake => correction`, whose variables are
//! [`EXAMPLE_VARIABLES`]; where a limit is the rule, the example is for [`EXAMPLE_LIMIT`].
//! `fuse explain` and `docs/errors.md` are made of this table. The tests of the workspace evaluate the
//! examples, and demand a rendered case of each code, `tests/ui/E0101-….txt`.

use std::fmt;

macro_rules! codes {
    ($($variant:ident $number:literal $title:literal $explanation:literal
        $mistake:literal => $correction:literal;)*) => {
        /// What kind of error a [`crate::Diagnostic`] is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Code {
            $(#[doc = concat!($number, ": ", $title, ".")] $variant,)*
        }

        impl Code {
            /// All codes in the order of the table.
            pub const ALL: &'static [Code] = &[$(Code::$variant),*];

            /// `E0101`.
            pub fn number(self) -> &'static str {
                match self { $(Code::$variant => $number,)* }
            }

            /// A few lower-case words.
            pub fn title(self) -> &'static str {
                match self { $(Code::$variant => $title,)* }
            }

            /// A paragraph with an example.
            pub fn explanation(self) -> &'static str {
                match self { $(Code::$variant => $explanation,)* }
            }

            /// A formula that has this error, and one without it that does what was meant.
            pub fn example(self) -> Example {
                match self {
                    $(Code::$variant => Example { mistake: $mistake, correction: $correction },)*
                }
            }
        }
    };
}

impl Code {
    /// Is it about a formula that exceeds a limit?
    pub fn is_limit(self) -> bool {
        self.number().starts_with("E05")
    }
}

/// A formula with an error, and its correction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Example {
    /// The formula that fails.
    pub mistake: &'static str,
    /// The formula that is right.
    pub correction: &'static str,
}

/// The variables of all examples, with their dtypes: vectors of three elements.
pub const EXAMPLE_VARIABLES: &[(&str, &str)] =
    &[("a", "f64"), ("b", "f64"), ("x", "f64"), ("y", "f64"), ("i", "i64"), ("m", "bool")];

/// What the limits are in examples of exceeding them: bytes of text, depth, operators, variables, results.
pub const EXAMPLE_LIMIT: usize = 3;

codes! {
    // Syntax: raised by this crate.
    UnexpectedToken "E0101" "unexpected token"
        "A token stands where the grammar has no place for it: a colon outside of a subscript, \
         `...` outside of `x[...]`, an attribute that is not a name."
        "x[0]: 1" => "x[0]";
    MissingOperand "E0102" "missing operand"
        "An operator, a comma or a bracket stands where a value must stand. `a + * b` lacks a value \
         between `+` and `*`; `f(a,,b)` lacks one between the commas. A formula that goes on in the \
         next line needs brackets around it."
        "a + * b" => "a + b";
    MissingOperator "E0103" "missing operator"
        "Two values stand side by side. Multiplication is always written: `2*x`, not `2 x`; \
         `(a + b)*(c + d)`, not `(a + b) (c + d)`. Arguments are separated by commas."
        "2 x" => "2*x";
    UnbalancedBracket "E0104" "unbalanced bracket"
        "Every `(` needs its `)` and every `[` its `]`, in the right order."
        "(a + b" => "(a + b)";
    UnterminatedText "E0105" "unterminated text"
        "A text literal begins with a quote and ends with the same quote on the same line. Write a \
         line break inside a text as `\\n`, and the quote itself as `\\'` or `\\\"`."
        "'abc' == 'abc" => "'abc' == 'abc'";
    InvalidCharacter "E0106" "invalid character"
        "The character has no meaning in a formula. Names are made of letters, digits and `_` of any \
         script; typographic quotes, dashes and multiplication signs are not operators."
        "2 × x" => "2*x";
    InvalidNumber "E0107" "invalid number"
        "Numbers are written as in Python: `42`, `1_000`, `0x1f`, `0o7`, `0b1`, `1e3`, `.5`, `2.`, \
         `1.5j`. Integer literals reach up to 2**127 - 1. A decimal number does not begin with 0: octal \
         is `0o17`."
        "017*x" => "0o17*x";
    InvalidEscape "E0108" "invalid escape in a text"
        "Escapes are Python's: `\\\\ \\' \\\" \\a \\b \\f \\n \\r \\t \\v`, octal `\\101`, `\\x41`, and in \
         text, not in bytes, `\\u0041` and `\\U00000041`. Bytes literals hold ASCII and escapes only."
        "'\\q' == 'q'" => "'\\\\q' == 'q'";
    ForeignOperator "E0109" "operator of another language"
        "The operator exists elsewhere, but not here. Write `&` or `and` for `&&`, `|` or `or` for `||`, `~` \
         or `not` for `!`, `x if c else y` for `c ? x : y`, `!=` for `<>`, `==` for `is`."
        "a > 0 && b > 0" => "(a > 0) & (b > 0)";
    AssignmentInExpression "E0110" "assignment inside an expression"
        "`=` binds a name at the start of a statement or names an argument of a call. To \
         compare, write `==`: `where(a == 1, x, y)`."
        "(a = 1)*x" => "(a == 1)*x";
    InvalidTarget "E0111" "invalid target of an assignment"
        "To the left of `=` stands one name, `d = x - y`, or a function with its parameters, \
         `f(x, y) = x*y`. Nothing is ever changed in place, hence `x[0] = 1` has no meaning; write \
         `where(...)`."
        "x[0] = 1; x" => "where(arange(len(x)) == 0, 1, x)";
    NoResult "E0112" "no result"
        "The last statement of a program is its result, or several, separated by commas: \
         `d = x - y; d*d`."
        "d = a - b" => "d = a - b; d*d";
    UnusedResult "E0113" "value that nothing uses"
        "Only the last statement gives results. An earlier statement that only computes a value is an \
         error, since its value would be lost: bind it to a name, or list all results in the end, as in \
         `r = sqrt(d); r, d`. A formula that goes on in the next line needs brackets around it."
        "a - b; x" => "d = a - b; d, x";
    InvalidCall "E0114" "call of something that is not a function"
        "Only names and methods are called: `f(x)`, `x.sum()`. A value before `(` most likely lacks an \
         operator: `(a + b)*(c + d)`."
        "2(a + b)" => "2*(a + b)";
    IncompleteConditional "E0115" "incomplete conditional"
        "A conditional has three parts: `x if c else y`. A conditional inside the condition needs \
         brackets."
        "a if m" => "a if m else b";
    MisplacedNot "E0116" "`not` after an operator"
        "`not` binds looser than arithmetic and comparisons, as in Python; after such an operator \
         it needs brackets: `a == (not b)`. On arrays, `~b` does the same and binds tighter."
        "a == not m" => "a == (not m)";
    InvalidSubscript "E0117" "invalid subscript"
        "A subscript holds integers, slices `start:stop:step`, `None` and at most one `...`: `x[1:]`, \
         `x[::2]`, `x[:, None]`, `x[..., 0]`."
        "x[::0]" => "x[::2]";
    InvalidArgument "E0118" "invalid argument list"
        "Arguments without a keyword come first, each keyword once: `sum(x, axis=0, keepdims=True)`. \
         Parameters of a local function are distinct names."
        "sum(axis=0, x)" => "sum(x, axis=0)";
    ReservedWord "E0119" "reserved word"
        "Python's keywords cannot be names."
        "x + class" => "x + a";

    // Names: raised by the compiler.
    UnknownName "E0201" "unknown name"
        "The formula uses a variable that was not given, and that is neither assigned before nor a constant \
         (`pi e inf nan`)."
        "widht*2" => "a*2";
    UnknownFunction "E0202" "unknown function"
        "There is no function of that name. `fuse info --functions` lists all of them. Names of numexpr and \
         of NumPy are known; a leading `np.` is dropped."
        "sqr(x)" => "sqrt(x)";
    WrongArity "E0203" "wrong number of arguments"
        "The function takes another number of arguments."
        "sqrt(x, y)" => "hypot(x, y)";
    UnknownKeyword "E0204" "unknown keyword argument"
        "The function has no argument of that name, or not as a keyword."
        "sum(x, axes=0)" => "sum(x, axis=0)";
    UnknownAttribute "E0205" "unknown attribute or method"
        "Values have the attributes `real imag T size ndim shape`. Some functions are methods too, with the \
         value in front as the first argument, as in NumPy: `x.sum()` is `sum(x)`. All others are written \
         as calls: `sqrt(x)`."
        "x.sqrt()" => "sqrt(x)";
    UnknownSuffix "E0206" "unknown suffix of a number"
        "Letters behind a number name its type, as in `3.5f64` or `7i32`. `2x` is not a product: \
         write `2*x`."
        "2x" => "2*x";
    RecursiveFunction "E0207" "recursive function"
        "Local functions are inlined, hence cannot call themselves, directly or through others: a function \
         sees only those that are defined before it. Write out as many steps as you need: \
         `f(x) = x*x; f(f(f(x)))`."
        "f(u) = u*f(u - 1); f(x)" => "f(u) = u*u; f(f(x))";
    ShadowedFunction "E0208" "built-in function redefined"
        "No statement can give the name of a built-in function or of a dtype another meaning: \
         `sum = a + b` is written `total = a + b`. Parameters of local functions may have such names, and so \
         may the variables of a call."
        "sum = a + b; sum/2" => "total = a + b; total/2";

    // Types: raised by the compiler.
    TypeMismatch "E0301" "type mismatch"
        "The operator or function does not accept values of that type."
        "x << 1" => "x*2";
    LiteralOutOfRange "E0302" "literal out of range"
        "A literal takes the type of the array it meets, as in NumPy 2, and must fit into it: `u8 + 300` is \
         an error. Give the literal a type of its own, `300i16`, or cast the array."
        "u8(i) + 300" => "u8(i) + 300i16";
    NegativeIntegerPower "E0303" "integer to a negative power"
        "The result of `i ** -1` is not an integer. Write `1.0 / i` or `f64(i) ** -1`."
        "i**-1" => "f64(i)**-1";
    IntegerOverflow "E0304" "constant too large"
        "Integer constants are computed exactly within 128 bits; this one is larger."
        "2**200 + i" => "2.0**200 + i";
    NotConstant "E0305" "constant expected"
        "`axis`, `keepdims`, `ddof`, slice steps and the like are literals: the type and the rank of a result \
         must be known before the data are."
        "sum(x, axis=i)" => "sum(x, axis=0)";

    // Shapes: raised by the compiler and when a program is bound to arrays.
    ShapeMismatch "E0401" "shapes do not broadcast"
        "Shapes are aligned at their last axis. Two extents are compatible if they are equal or one of them \
         is 1: `(3, 4)` and `(4,)` fit, `(3, 4)` and `(3,)` do not. Insert an axis with `x[:, None]`."
        "arange(3) + arange(4)" => "arange(3)[:, None] + arange(4)";
    AxisOutOfRange "E0402" "axis out of range"
        "An array of `n` axes has the axes `0 .. n-1`, or `-n .. -1` counted from the end."
        "sum(arange(3), axis=1)" => "sum(arange(3), axis=0)";
    IndexOutOfRange "E0403" "index out of range"
        "The index is not less than the extent of its axis, or there are more indices than axes."
        "arange(3)[3]" => "arange(3)[-1]";
    EmptyReduction "E0404" "reduction over no elements"
        "min, max, mean, var, std, argmin and argmax of nothing have no value. sum is 0, prod 1, any False, all \
         True."
        "max(zeros(0))" => "sum(zeros(0))";

    // Limits: raised by all stages.
    SourceTooLong "E0501" "formula too long"
        "The text is longer than the limit on its length. The limits guard against formulas from \
         untrusted sources; they can be raised."
        "x + 1" => "x+1";
    NestingTooDeep "E0502" "nesting too deep"
        "Brackets, signs, `not`, `**` and `else` nest deeper than the limit. Bind inner parts to names."
        "((((x))))" => "x";
    TooManyNodes "E0503" "formula too large"
        "The formula has more operators, calls and commas than the limit allows, or the bodies of its \
         functions have, counted at each call. A long sum over many names is better an array and `sum`; \
         what several calls compute alike is better bound to a name."
        "x + x + x + x + x" => "5*x";
    TooManyInputs "E0504" "too many inputs"
        "The formula uses more variables than the limit allows."
        "a + b + x + y" => "a + b + x";
    TooManyResults "E0505" "too many results"
        "The last statement lists more values than the limit allows."
        "a, b, x, y" => "a, b, x";

    // Not supported: each says what to do instead.
    NotSupportedYet "E0901" "not supported yet"
        "This is understood but not built."
        "sum(x, dtype=f32)" => "f32(sum(x))";
    Matmul "E0902" "matrix products are not supported"
        "`@`, `matmul` and linear algebra are not elementwise. For two vectors write `dot(a, b)`; for \
         small cases broadcast and sum: `sum(a[:, :, None] * b[None, :, :], axis=1)`."
        "a @ b" => "dot(a, b)";
    OrderDependent "E0903" "cumulative and sorting functions are not supported"
        "cumsum, cumprod, diff, sort, median, quantile, histogram and the like do not fuse. \
         Compute them before, and pass the result in. `diff(x)` is `x[1:] - x[:-1]`."
        "cumsum(x)" => "x[1:] - x[:-1]";
    FancyIndexing "E0904" "indexing by arrays is not supported"
        "Arrays of integers or of bools as indices give results whose shape depends on data. For a mask \
         write `where(mask, x, 0)`, or `sum(where(mask, x, 0))`; take elements before the call."
        "x[m]" => "where(m, x, 0)";
    Datetime "E0905" "dates and times are not supported"
        "Pass dates as integers: `x.astype('i8')` in NumPy gives the ticks, which subtract and compare alike."
        "datetime64('2026-01-01')" => "i";
    Comprehension "E0906" "comprehensions are not supported"
        "Formulas work on whole arrays: `sum(x*x)` for `sum(v*v for v in x)`."
        "sum(v*v for v in x)" => "sum(x*x)";
    Lambda "E0907" "lambda is not supported"
        "Define a local function instead: `f(x) = x*x + 1; f(a)`."
        "lambda u: u + 1" => "f(u) = u + 1; f(x)";
    Loop "E0908" "loops and statements are not supported"
        "The language has no loops, so that every formula ends. Formulas work on whole arrays: \
         reductions such as `sum`, and `where(c, x, y)` for `if`."
        "for v in x: v" => "sum(x)";
    Random "E0909" "random numbers are not supported"
        "A formula gives the same result whenever it is evaluated. Generate random arrays before, and pass them in."
        "x + random(3)" => "x + y";
    ListLiteral "E0910" "list literals are not supported"
        "Arrays come from outside, as variables; a sequence of axes or extents is a tuple: `axis=(0, 1)`."
        "sum(x, axis=[0])" => "sum(x, axis=0)";
    Walrus "E0911" "`:=` is not supported"
        "Assignments are statements: `d = x - y; d*d`."
        "(d := a - b)*d" => "d = a - b; d*d";
    FormattedText "E0912" "formatted texts are not supported"
        "Only plain texts `'...'`, raw texts `r'...'` and bytes `b'...'` are literals."
        "f'{x}' == 'a'" => "'a' == 'a'";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.number())
    }
}

impl std::str::FromStr for Code {
    type Err = UnknownCode;

    /// Reads `E0101`, in either case.
    fn from_str(text: &str) -> Result<Self, UnknownCode> {
        let same = |code: &&Code| code.number().eq_ignore_ascii_case(text.trim());
        Code::ALL.iter().find(same).copied().ok_or(UnknownCode)
    }
}

/// There is no diagnostic code of that number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownCode;

impl fmt::Display for UnknownCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no diagnostic has this code")
    }
}

impl std::error::Error for UnknownCode {}

#[cfg(test)]
mod tests {
    use super::Code;

    #[test]
    fn numbers_ascend_and_are_read_back() {
        for pair in Code::ALL.windows(2) {
            assert!(pair[0].number() < pair[1].number(), "{} before {}", pair[0], pair[1]);
        }
        for code in Code::ALL {
            assert_eq!(code.number().parse(), Ok(*code));
            assert!(!code.title().ends_with('.') && code.explanation().ends_with('.'), "{code}");
        }
        assert!("E9999".parse::<Code>().is_err());
    }
}
