//! Questions about text, with a bool for an answer: comparisons and `contains`.
//!
//! ```text
//! 'ab' == 'ab\0'      zeros at the end are padding, as NumPy has it: both are of two units
//! 'ab' <  'abc'       by code point (bytes: by byte), the shorter filled up with zeros
//! contains('abc', 'bc'), contains('abc', '')                        True
//! ```
//!
//! The one definition of what they mean: the compiler folds constants with it, the runtime evaluates
//! elements.
//!
//! Method of `contains`: a short needle is looked for at each place; a longer one by the prefix function
//! of Knuth, Morris and Pratt, kept from one haystack to the next, so that no text takes more than
//! linear time. Cost of a comparison: linear in the longer text.

use std::cmp::Ordering;

use crate::dtype::{ByteOrder, DType};
use crate::ids::index_u32;

/// What is asked of two texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TextOp {
    /// The same text.
    Eq,
    /// Another text.
    Ne,
    /// The first comes before the second.
    Lt,
    /// It does, or they are equal.
    Le,
    /// The first comes after the second.
    Gt,
    /// It does, or they are equal.
    Ge,
    /// The second occurs in the first.
    Contains,
}

impl TextOp {
    /// How a formula writes it.
    pub const fn symbol(self) -> &'static str {
        match self {
            TextOp::Eq => "==",
            TextOp::Ne => "!=",
            TextOp::Lt => "<",
            TextOp::Le => "<=",
            TextOp::Gt => ">",
            TextOp::Ge => ">=",
            TextOp::Contains => "contains",
        }
    }

    /// May the operands be exchanged?
    pub const fn commutes(self) -> bool {
        match self {
            TextOp::Eq | TextOp::Ne => true,
            TextOp::Lt | TextOp::Le | TextOp::Gt | TextOp::Ge | TextOp::Contains => false,
        }
    }

    /// The answer. `search` keeps what is known of the needle between calls.
    pub fn holds<'a>(
        self,
        lhs: TextValue<'a>,
        rhs: TextValue<'a>,
        search: &mut Search<'a>,
    ) -> bool {
        match self {
            TextOp::Eq => lhs.equals(rhs),
            TextOp::Ne => !lhs.equals(rhs),
            TextOp::Lt => lhs.order(rhs).is_lt(),
            TextOp::Le => lhs.order(rhs).is_le(),
            TextOp::Gt => lhs.order(rhs).is_gt(),
            TextOp::Ge => lhs.order(rhs).is_ge(),
            TextOp::Contains => search.occurs(lhs, rhs),
        }
    }
}

/// An element of text, borrowed, without the zeros at its end.
#[derive(Clone, Copy, Debug)]
pub struct TextValue<'a>(Units<'a>);

#[derive(Clone, Copy, Debug)]
enum Units<'a> {
    Bytes(&'a [u8]),
    Text(&'a [[u8; 4]], ByteOrder),
}

impl<'a> TextValue<'a> {
    /// The element with these bytes; `None` for dtypes that are no text.
    pub fn new(dtype: DType, order: ByteOrder, bytes: &'a [u8]) -> Option<TextValue<'a>> {
        match dtype {
            DType::Bytes(_) => Some(TextValue(Units::Bytes(trimmed(bytes, &0)))),
            DType::Text(_) => {
                Some(TextValue(Units::Text(trimmed(bytes.as_chunks().0, &[0; 4]), order)))
            }
            _ => None,
        }
    }

    fn equals(self, other: TextValue<'_>) -> bool {
        match (self.0, other.0) {
            (Units::Bytes(lhs), Units::Bytes(rhs)) => lhs == rhs,
            (Units::Text(lhs, own), Units::Text(rhs, others)) if own == others => lhs == rhs,
            (Units::Bytes(_) | Units::Text(..), _) => self.order(other).is_eq(),
        }
    }

    /// Lexicographic. A text is never a prefix of another followed by zeros, so the shorter comes
    /// first, as if it were filled up with zeros.
    fn order(self, other: TextValue<'_>) -> Ordering {
        match (self.0, other.0) {
            (Units::Bytes(lhs), Units::Bytes(rhs)) => lhs.cmp(rhs),
            (Units::Bytes(lhs), Units::Text(rhs, order)) => {
                lhs.iter().map(|&unit| u32::from(unit)).cmp(code_points(rhs, order))
            }
            (Units::Text(lhs, order), Units::Bytes(rhs)) => {
                code_points(lhs, order).cmp(rhs.iter().map(|&unit| u32::from(unit)))
            }
            (Units::Text(lhs, own), Units::Text(rhs, others)) => {
                code_points(lhs, own).cmp(code_points(rhs, others))
            }
        }
    }

    /// The very same memory?
    fn is(self, other: TextValue<'_>) -> bool {
        match (self.0, other.0) {
            (Units::Bytes(one), Units::Bytes(two)) => std::ptr::eq(one, two),
            (Units::Text(one, own), Units::Text(two, others)) => {
                std::ptr::eq(one, two) && own == others
            }
            (Units::Bytes(_) | Units::Text(..), _) => false,
        }
    }
}

/// Units up to the last that is not zero.
fn trimmed<'a, T: PartialEq>(units: &'a [T], zero: &T) -> &'a [T] {
    let len = units.iter().rposition(|unit| unit != zero).map_or(0, |last| last + 1);
    &units[..len]
}

fn code_point(unit: [u8; 4], order: ByteOrder) -> u32 {
    match order {
        ByteOrder::Native => u32::from_ne_bytes(unit),
        ByteOrder::Swapped => u32::from_ne_bytes(unit).swap_bytes(),
    }
}

fn code_points(units: &[[u8; 4]], order: ByteOrder) -> impl Iterator<Item = u32> + '_ {
    units.iter().map(move |&unit| code_point(unit, order))
}

/// A needle is short up to this many units: looked for at each place of the haystack.
const SHORT: usize = 8;

/// What is known of the needle that was looked for last.
#[derive(Debug, Default)]
pub struct Search<'a> {
    needle: Option<TextValue<'a>>,
    /// For each length of a part of the needle from its front on, less one: the length of the longest
    /// shorter such part that it ends with.
    borders: Vec<u32>,
}

impl<'a> Search<'a> {
    /// Does the needle occur in the haystack? Both are of one kind, S or U; else it does not.
    fn occurs(&mut self, haystack: TextValue<'a>, needle: TextValue<'a>) -> bool {
        match (haystack.0, needle.0) {
            (Units::Bytes(units), Units::Bytes(wanted)) => {
                self.find(units, (needle, wanted), |a, b| a == b)
            }
            (Units::Text(units, own), Units::Text(wanted, other)) if own == other => {
                self.find(units, (needle, wanted), |a, b| a == b)
            }
            (Units::Text(units, own), Units::Text(wanted, other)) => {
                let same = |a: &[u8; 4], b: &[u8; 4]| code_point(*a, own) == code_point(*b, other);
                self.find(units, (needle, wanted), same)
            }
            (Units::Bytes(_), Units::Text(..)) | (Units::Text(..), Units::Bytes(_)) => false,
        }
    }

    fn find<T: PartialEq>(
        &mut self,
        haystack: &[T],
        (needle, wanted): (TextValue<'a>, &[T]),
        same: impl Fn(&T, &T) -> bool,
    ) -> bool {
        if wanted.len() > haystack.len() {
            return false;
        }
        if wanted.len() <= SHORT || !self.prepare(needle, wanted) {
            return occurs_somewhere(haystack, wanted, same);
        }
        let mut matched = 0;
        for unit in haystack {
            while matched > 0 && !same(unit, &wanted[matched]) {
                matched = self.borders[matched - 1] as usize;
            }
            matched += usize::from(same(unit, &wanted[matched]));
            if matched == wanted.len() {
                return true;
            }
        }
        false
    }

    /// The borders of a needle; false where there is no memory for them.
    fn prepare<T: PartialEq>(&mut self, needle: TextValue<'a>, wanted: &[T]) -> bool {
        if self.needle.is_some_and(|known| known.is(needle)) {
            return true;
        }
        self.needle = None;
        self.borders.clear();
        if self.borders.try_reserve(wanted.len()).is_err() {
            return false;
        }
        self.borders.push(0);
        let mut matched = 0;
        for unit in &wanted[1..] {
            while matched > 0 && *unit != wanted[matched] {
                matched = self.borders[matched - 1] as usize;
            }
            matched += usize::from(*unit == wanted[matched]);
            self.borders.push(index_u32(matched));
        }
        self.needle = Some(needle);
        true
    }
}

/// At each place of the haystack, unit by unit.
fn occurs_somewhere<T>(haystack: &[T], wanted: &[T], same: impl Fn(&T, &T) -> bool) -> bool {
    let Some(first) = wanted.first() else { return true };
    let last_place = haystack.len() - wanted.len();
    (0..=last_place).any(|place| {
        same(&haystack[place], first)
            && haystack[place..].iter().zip(wanted).all(|(unit, wanted)| same(unit, wanted))
    })
}

/// A text that a formula states.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TextConstant {
    dtype: DType,
    bytes: Vec<u8>,
}

impl TextConstant {
    /// As many code points as `text` has (NumPy's `U`).
    pub fn text(text: &str) -> TextConstant {
        let bytes: Vec<u8> = text.chars().flat_map(|unit| u32::from(unit).to_ne_bytes()).collect();
        TextConstant { dtype: DType::Text(index_u32(bytes.len() / 4)), bytes }
    }

    /// These bytes (NumPy's `S`).
    pub fn bytes(bytes: &[u8]) -> TextConstant {
        TextConstant { dtype: DType::Bytes(index_u32(bytes.len())), bytes: bytes.to_vec() }
    }

    /// Its dtype.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Its element's memory, native order.
    pub fn memory(&self) -> &[u8] {
        &self.bytes
    }

    /// Its value.
    pub fn value(&self) -> TextValue<'_> {
        let value = TextValue::new(self.dtype, ByteOrder::Native, &self.bytes);
        value.unwrap_or(TextValue(Units::Bytes(&[])))
    }
}

/// As a formula writes it, control characters escaped.
impl std::fmt::Display for TextConstant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.value().0 {
            Units::Bytes(bytes) => write!(f, "b'{}'", bytes.escape_ascii()),
            Units::Text(units, order) => {
                f.write_str("'")?;
                for unit in code_points(units, order) {
                    let unit = char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER);
                    write!(f, "{}", unit.escape_debug())?;
                }
                f.write_str("'")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(op: TextOp, lhs: &str, rhs: &str) -> bool {
        let (text, bytes) = (TextConstant::text, |text: &str| TextConstant::bytes(text.as_bytes()));
        let of = |lhs: &TextConstant, rhs: &TextConstant| {
            op.holds(lhs.value(), rhs.value(), &mut Search::default())
        };
        let answer = of(&text(lhs), &text(rhs));
        assert_eq!(of(&bytes(lhs), &bytes(rhs)), answer, "{lhs:?} {op:?} {rhs:?}");
        let swapped: Vec<u8> =
            rhs.chars().flat_map(|c| u32::from(c).swap_bytes().to_ne_bytes()).collect();
        let (lhs_text, dtype) = (text(lhs), DType::Text(index_u32(swapped.len() / 4)));
        let other = TextValue::new(dtype, ByteOrder::Swapped, &swapped).expect("text");
        assert_eq!(op.holds(lhs_text.value(), other, &mut Search::default()), answer);
        answer
    }

    #[test]
    fn zeros_at_the_end_are_padding() {
        assert!(ask(TextOp::Eq, "ab", "ab\0\0"));
        assert!(ask(TextOp::Le, "ab\0", "ab"));
        assert!(!ask(TextOp::Lt, "ab", "ab\0"));
        assert!(ask(TextOp::Lt, "ab", "ab\0c"));
        assert!(ask(TextOp::Ne, "\0a", "a"));
        assert!(ask(TextOp::Contains, "ab", "b\0"));
        assert!(ask(TextOp::Contains, "", "\0"));
    }

    #[test]
    fn order_is_by_unit() {
        assert!(ask(TextOp::Lt, "Z", "a"));
        assert!(ask(TextOp::Gt, "b", "ab"));
        assert!(ask(TextOp::Lt, "\u{ffff}", "\u{10000}"), "not by UTF-16");
        let (high, low) = (TextConstant::bytes(b"\xff"), TextConstant::bytes(b"a"));
        assert!(TextOp::Gt.holds(high.value(), low.value(), &mut Search::default()));
    }

    /// Against the standard library's search, over all words of two letters.
    #[test]
    fn a_search_finds_what_is_there() {
        let word = |len: usize, bits: usize| -> String {
            (0..len).map(|place| if bits >> place & 1 == 1 { 'b' } else { 'a' }).collect()
        };
        let mut random = 1_usize;
        for _ in 0..4000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let (n, m) = (random >> 33 & 31, random >> 40 & 15);
            let haystack = word(n, random >> 17);
            let needle = word(m, random >> 44);
            let expected = haystack.contains(&needle);
            assert_eq!(ask(TextOp::Contains, &haystack, &needle), expected, "{haystack} {needle}");
        }
        let deep = "ab".repeat(20);
        for needle in [format!("a{deep}b"), format!("{deep}c"), format!("{deep}{deep}")] {
            for haystack in [format!("{deep}a{deep}b"), format!("{deep}ab{deep}c"), deep.clone()] {
                let expected = haystack.contains(&needle);
                assert_eq!(ask(TextOp::Contains, &haystack, &needle), expected);
            }
        }
    }

    #[test]
    fn constants_are_written_as_in_a_formula() {
        assert_eq!(TextConstant::text("a'b\n").to_string(), "'a\\'b\\n'");
        assert_eq!(TextConstant::bytes(b"a\xff").to_string(), "b'a\\xff'");
    }
}
