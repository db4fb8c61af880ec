//! The rule table: every rewrite that the optimizer knows, one row each.
//!
//! A row names the rule, says whether it is **exact** (the same bits for every input) or **relaxed**
//! (no term is rounded more often), what it does, and gives a witness: a formula over
//! [`witness_variables`] that makes it fire. Reports, fuel, fault injection and the coverage test go by
//! this table. Adding a rule: one row here, one function in its pass.

use std::fmt;

use fuse_ir::{DType, InputType, Strength};

use crate::resolve::Variable;

/// What a rule promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RuleClass {
    /// The same bits for every input.
    Exact,
    /// r′(m) ≤ r(m) for every monomial m, see [`super::rounding`].
    Relaxed,
}

/// One row. See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The rule.
    pub rule: RuleName,
    /// Its name in reports.
    pub name: &'static str,
    /// What it promises.
    pub class: RuleClass,
    /// A formula that makes it fire.
    pub witness: &'static str,
    /// What it does.
    pub doc: &'static str,
}

macro_rules! rules {
    ($( $variant:ident $name:literal $class:ident, $witness:literal, $doc:literal; )*) => {
        /// A rule, by name; its row says all about it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum RuleName { $( #[doc = $doc] $variant, )* }

        /// The table, in the order of [`RuleName`].
        pub static RULES: &[Rule] = &[$( Rule {
            rule: RuleName::$variant,
            name: $name,
            class: RuleClass::$class,
            witness: $witness,
            doc: $doc,
        } ),*];
    };
}

rules! {
    View "view" Exact, "(x*y)[:2] + (z - w)[:2]", "a slice of an expression is the expression of slices, unless that computes more";
    Fold "fold" Exact, "x + 7 // 2.0", "an operator on constants is its value, computed by its own expansion";
    TimesOne "times-one" Exact, "x * 1", "x*1 and x/1 are x";
    TimesMinusOne "times-minus-one" Exact, "x * -1", "x*(-1) and x/(-1) are -x";
    PlusZero "plus-zero" Exact, "x - 0.0", "x-(+0) and x+(-0) are x; x+0 too on integers";
    DoubleNegation "double-negation" Exact, "--x", "a negation or complement undoes itself";
    Doubling "doubling" Exact, "2 * x", "x*2 is x+x";
    Reciprocal "reciprocal" Exact, "x / 8", "x/2^k is x*2^-k where that is representable";
    PlusNegated "plus-negated" Exact, "x + -y", "x+(-y) is x-y, x-(-y) is x+y";
    NegatedFactor "negated-factor" Exact, "-x * 3", "signs of factors cancel or move into a constant";
    SameArms "same-arms" Exact, "where(x > 0, y, y) + x", "where(c, a, a) is a";
    KnownCondition "known-condition" Exact, "where(1 < 2, x, y - y + x)", "where of a constant condition is one of its arms";
    Idempotent "idempotent" Exact, "minimum(x, x)", "a op a is a: and, or, minimum, maximum";
    NeutralTruth "neutral-truth" Exact, "(x > 0) & (1 < 2)", "c and True, c or False are c";
    AbsOfSign "abs-of-sign" Exact, "abs(-x)", "abs undoes negation and abs, and x*x needs none";
    SquareOfAbs "square-of-abs" Exact, "abs(x) * abs(x)", "abs(x)*abs(x) is x*x";
    NoCast "no-cast" Exact, "f32(f64(f))", "a cast after a cast that loses nothing is one cast, or none";
    RoundTwice "round-twice" Exact, "floor(round(x))", "rounding to integers what is an integer does nothing";
    IntegerHorner "integer-horner" Exact, "3*i**3 + 5*i**2 + 7*i + 1", "a polynomial of integers in nested form";
    Horner "horner" Relaxed, "x + x**2 + x**3", "a polynomial in nested form, each step one fma";
    IntegerPower "integer-power" Exact, "i**5", "a power of integers as a product of squares";
    Power "power" Relaxed, "x**5", "a power as a product of squares";
    IntegerSum "integer-sum" Exact, "i + 17 + 17", "constants of a chain of integer sums are one";
    IntegerOutward "integer-outward" Exact, "(i + 17) + j + 17", "constants of integer sums move outwards, where they meet";
    IntegerProduct "integer-product" Exact, "i * 3 * 5", "constants of a chain of integer products are one";
    ConstantSum "constant-sum" Relaxed, "x + 17 + 17", "constants of a chain of sums are one where their sum is exact";
    ConstantProduct "constant-product" Relaxed, "x * 9 / 5", "constants of a chain of products and quotients are one";
    Contract "contract" Relaxed, "x * y + z", "a product and a sum are one fma";
    SumOfProducts "sum-of-products" Relaxed, "sum(x * y)", "a sum of products adds them by fma";
}

impl RuleName {
    /// The rule's row.
    pub fn row(self) -> &'static Rule {
        &RULES[self as usize]
    }

    /// The rule of that name.
    pub fn from_name(name: &str) -> Option<RuleName> {
        RULES.iter().find(|row| row.name == name).map(|row| row.rule)
    }
}

impl fmt::Display for RuleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.row().name)
    }
}

/// The variables that witnesses are written in: arrays of f64 (x y z w a b c), of f32 (f g), of i64
/// (i j k), of i32 (m n), of bool (p q), and f64 scalars (s t).
pub fn witness_variables() -> Vec<Variable<'static>> {
    let array = |dtype| InputType::array(dtype, &[2]);
    let groups: [(&[&str], InputType); 6] = [
        (&["x", "y", "z", "w", "a", "b", "c"], array(DType::F64)),
        (&["f", "g"], array(DType::F32)),
        (&["i", "j", "k"], array(DType::I64)),
        (&["m", "n"], array(DType::I32)),
        (&["p", "q"], array(DType::Bool)),
        (&["s", "t"], InputType::scalar(DType::F64, Strength::Strong)),
    ];
    let variables = groups.into_iter().flat_map(|(names, ty)| {
        names.iter().map(move |&name| Variable { name, ty: ty.clone() }).collect::<Vec<_>>()
    });
    variables.collect()
}
