//! Integers that are known when a call binds its inputs: extents, positions of slices, counts.
//!
//! ```text
//! s0 = extent of x along axis 0      s1 = 1      s2 = less s0 s1      x[1:] has extent s2 = max(s0 - 1, 0)
//! ```
//!
//! Symbols lie in one list, each referring to earlier ones only, so a call computes them in one loop.
//! Arithmetic saturates at the ends of i64: what it serves are positions, which are clamped to an axis
//! anyway, and extents, which no memory could hold beyond that.

use std::fmt;

/// How an integer is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Symbol {
    /// The extent of an axis of an input that is not of extent 1.
    Axis {
        /// Position of the input.
        input: u32,
        /// Its axis.
        axis: u32,
    },
    /// A number of the formula.
    Literal(i64),
    /// The value of an integer scalar: an input's position.
    Scalar(u32),
    /// An operation on two symbols before this one.
    Apply(SymbolOp, u32, u32),
}

macro_rules! symbol_ops {
    ($( $(#[$doc:meta])* $op:ident $name:literal |$a:ident, $b:ident| $value:expr; )*) => {
        /// An operation on integers that a call binds.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum SymbolOp { $( $(#[$doc])* $op, )* }

        impl SymbolOp {
            /// The result; saturating.
            pub fn apply(self, a: i64, b: i64) -> i64 {
                match self { $( SymbolOp::$op => { let ($a, $b) = (a, b); $value } )* }
            }

            /// Its name in the text form.
            pub fn name(self) -> &'static str {
                match self { $( SymbolOp::$op => $name, )* }
            }
        }
    };
}

symbol_ops! {
    /// a + b.
    Add "add" |a, b| a.saturating_add(b);
    /// a - b.
    Sub "sub" |a, b| a.saturating_sub(b);
    /// a · b.
    Mul "mul" |a, b| a.saturating_mul(b);
    /// a / b rounded down; 0 for b = 0.
    FloorDiv "floor_div" |a, b| floor_div(a, b);
    /// a - b · (a / b rounded down), with the sign of b; 0 for b = 0.
    Mod "mod" |a, b| floor_mod(a, b);
    /// a / b rounded up; 0 for b = 0.
    CeilDiv "ceil_div" |a, b| floor_div(a, b).saturating_add(i64::from(b != 0 && a.wrapping_rem(b) != 0));
    /// The smaller.
    Min "min" |a, b| a.min(b);
    /// The larger.
    Max "max" |a, b| a.max(b);
    /// a - b, but not below 0.
    Less "less" |a, b| a.saturating_sub(b).max(0);
    /// Python's index a on an axis of extent b: negative ones count from the end.
    Wrap "wrap" |a, b| if a < 0 { a.saturating_add(b) } else { a };
    /// What an integer dtype of |b| bits, signed for b > 0, keeps of a; beyond i64 its nearest.
    Narrow "narrow" |a, b| narrow(a, b);
    /// The extent that axes of extents a and b broadcast to.
    Broadcast "broadcast" |a, b| if a == 1 { b } else { a };
}

fn floor_div(a: i64, b: i64) -> i64 {
    if b == 0 {
        return 0;
    }
    let quotient = a.saturating_div(b);
    let inexact = a.wrapping_rem(b) != 0;
    quotient - i64::from(inexact && (a < 0) != (b < 0))
}

fn floor_mod(a: i64, b: i64) -> i64 {
    if b == 0 {
        return 0;
    }
    let rest = a.wrapping_rem(b);
    if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest }
}

fn narrow(a: i64, b: i64) -> i64 {
    let unused = 64_i64.saturating_sub(b.saturating_abs());
    match (b > 0, unused) {
        (true, 0..64) => a << unused >> unused,
        (false, 0) if a < 0 => i64::MAX,
        (false, 1..64) => (a.cast_unsigned() << unused >> unused).cast_signed(),
        _ => a,
    }
}

impl Symbol {
    /// Can its value be 1? Extents that cannot broadcast only against their like.
    pub fn may_be_one(self) -> bool {
        match self {
            Symbol::Axis { .. } => false,
            Symbol::Literal(value) => value == 1,
            Symbol::Scalar(_) | Symbol::Apply(..) => true,
        }
    }
}

/// A symbol as text: `x.shape[0]`, `less(x.shape[0], 1)`; nested deeper than eight is `…`.
pub fn symbol_text<'a>(
    symbols: &[Symbol],
    symbol: u32,
    input_name: &dyn Fn(u32) -> &'a str,
) -> String {
    let mut text = String::new();
    write_symbol(symbols, symbol, input_name, 8, &mut text).expect("strings take all text");
    text
}

fn write_symbol<'a>(
    symbols: &[Symbol],
    symbol: u32,
    input_name: &dyn Fn(u32) -> &'a str,
    depth: u32,
    text: &mut dyn fmt::Write,
) -> fmt::Result {
    match symbols[symbol as usize] {
        _ if depth == 0 => text.write_str("…"),
        Symbol::Axis { input, axis } => write!(text, "{}.shape[{axis}]", input_name(input)),
        Symbol::Literal(value) => write!(text, "{value}"),
        Symbol::Scalar(input) => text.write_str(input_name(input)),
        Symbol::Apply(op, a, b) => {
            write!(text, "{}(", op.name())?;
            write_symbol(symbols, a, input_name, depth - 1, text)?;
            text.write_str(", ")?;
            write_symbol(symbols, b, input_name, depth - 1, text)?;
            text.write_str(")")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::SymbolOp::*;

    #[test]
    fn division_rounds_and_never_traps() {
        for (a, b, down, up) in [(7, 2, 3, 4), (-7, 2, -4, -3), (7, -2, -4, -3), (6, 3, 2, 2)] {
            assert_eq!((FloorDiv.apply(a, b), CeilDiv.apply(a, b)), (down, up), "{a} / {b}");
        }
        for (a, b, rest) in
            [(7, 2, 1), (-7, 2, 1), (7, -2, -1), (6, -3, 0), (1, 0, 0), (i64::MIN, -1, 0)]
        {
            assert_eq!(Mod.apply(a, b), rest, "{a} % {b}");
        }
        assert_eq!((FloorDiv.apply(1, 0), CeilDiv.apply(1, 0)), (0, 0));
        assert_eq!(FloorDiv.apply(i64::MIN, -1), i64::MAX);
        assert_eq!(CeilDiv.apply(i64::MIN, -1), i64::MAX);
    }

    #[test]
    fn arithmetic_saturates() {
        assert_eq!(Add.apply(i64::MAX, 1), i64::MAX);
        assert_eq!(Mul.apply(i64::MAX, -2), i64::MIN);
        assert_eq!(Less.apply(3, 5), 0);
        assert_eq!(Less.apply(i64::MAX, i64::MIN), i64::MAX);
    }

    #[test]
    fn dtypes_keep_low_bits() {
        for a in [0, 1, -1, 127, 128, 255, 256, 300, -129, i64::MAX, i64::MIN] {
            assert_eq!(Narrow.apply(a, 8), i64::from(a as i8), "{a}");
            assert_eq!(Narrow.apply(a, -8), i64::from(a as u8), "{a}");
            assert_eq!(Narrow.apply(a, -32), i64::from(a as u32), "{a}");
            assert_eq!(Narrow.apply(a, 64), a);
            assert_eq!(Narrow.apply(a, -64), i64::try_from(a as u64).unwrap_or(i64::MAX), "{a}");
            for b in [0, 65, -65, i64::MIN, i64::MAX] {
                assert_eq!(Narrow.apply(a, b), a, "no dtype has {b} bits");
            }
        }
    }

    #[test]
    fn negative_indices_count_from_the_end() {
        assert_eq!((Wrap.apply(-1, 5), Wrap.apply(4, 5), Wrap.apply(-7, 5)), (4, 4, -2));
    }
}
