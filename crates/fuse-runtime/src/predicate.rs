//! Predicates of text: arrays of bools that are nowhere, until a block of them is read.
//!
//! ```text
//! contains(s, t)   lhs    (N, 1) of S5     ┐ walks over the        0 1 2 3 …   C order of (N, M):
//!                  rhs    (M,)   of S2     ┘ broadcast space       the "address" of an answer
//! ```
//!
//! To plans a predicate is a C-ordered array of bools at address 0, so that slices, broadcasting, loop
//! orders and folds treat it as they do arrays. Only where elements would be gathered into scratch, the
//! address is turned back into an index, and the answer computed. No text enters a kernel.
//!
//! Cost: an index a text costs a division for each of its dimensions beyond the first that do not
//! coalesce; then what `fuse_ir::TextOp` says. Not counted on: answers that several tiles of a fold read
//! are computed for each.

use std::sync::Arc;

use fuse_ir::{
    Bound, ByteOrder, DType, Extents, Predicate, Search, Source, TextOp, TextOperand, TextValue,
    checked_len, contiguous_strides,
};
use smallvec::SmallVec;

use crate::error::RunError;
use crate::pack::{Dim, Elements, period, walk};
use crate::plan::{Access, PlanInput, form_of, input_strides, picked};
use crate::views::{Address, Raw, Strides};

/// One predicate in one call. Promised by whoever makes one: the texts' memory outlives the call.
#[derive(Debug)]
pub(crate) struct TextPredicate {
    op: TextOp,
    texts: [Text; 2],
    extents: Extents,
    strides: Strides,
}

/// One of its texts, by the index of the answer.
#[derive(Debug)]
struct Text {
    elements: Elements,
    dtype: DType,
    order: ByteOrder,
}

impl TextPredicate {
    /// The predicates of a program for a call with these inputs.
    ///
    /// # Errors
    /// [`RunError::Program`] where a text does not cover the predicate's shape.
    pub(crate) fn all(
        predicates: &[Predicate],
        binding: &Bound,
        sources: &[Raw<'_>],
    ) -> Result<Vec<Arc<TextPredicate>>, RunError> {
        let bound = |predicate| TextPredicate::new(predicate, binding, sources).map(Arc::new);
        predicates.iter().map(bound).collect()
    }

    fn new(
        predicate: &Predicate,
        binding: &Bound,
        sources: &[Raw<'_>],
    ) -> Result<TextPredicate, RunError> {
        let extents = binding.extents(&predicate.shape);
        if checked_len(&extents, 1).is_none() {
            return Err(RunError::Program { reason: "a predicate has too many answers" });
        }
        let strides = contiguous_strides(&extents, 1);
        let [lhs, rhs] = &predicate.operands;
        let text = |operand| Text::new(operand, &extents, binding, sources);
        let texts = [text(lhs)?, text(rhs)?];
        Ok(TextPredicate { op: predicate.op, texts, extents, strides })
    }

    /// The array of bools that plans see. Nothing may read its memory.
    pub(crate) fn raw(&self) -> Raw<'_> {
        Raw {
            base: Address(std::ptr::null_mut()),
            dtype: DType::Bool,
            order: ByteOrder::Native,
            extents: &self.extents,
            strides: &self.strides,
        }
    }

    /// The answer at an address of that array.
    pub(crate) fn at(&self, address: Address) -> bool {
        self.answer(address.0.addr(), &mut Search::default())
    }

    /// The texts that answers in this range of addresses come from: walks, and which elements of them.
    pub(crate) fn texts(
        &self,
        answers: std::ops::Range<usize>,
    ) -> impl Iterator<Item = (&Access, (usize, usize))> {
        let range = (answers.start, answers.len());
        self.texts.iter().map(move |text| (text.elements.walk(), range))
    }

    fn answer<'a>(&'a self, index: usize, search: &mut Search<'a>) -> bool {
        let [lhs, rhs] = self.texts.each_ref().map(|text| text.value(index));
        match (lhs, rhs) {
            (Some(lhs), Some(rhs)) => self.op.holds(lhs, rhs, search),
            (None, _) | (_, None) => false,
        }
    }

    /// Writes the answers `start .. start + to.len()` of the walk `dims` from `base` on.
    pub(crate) fn fill(&self, (base, dims): (Address, &[Dim]), start: usize, to: &mut [u8]) {
        let count = to.len();
        let mut search = Search::default();
        let mut at = 0;
        walk(dims, start, count.min(period(dims, count)), |tile| {
            for row in 0..tile.rows.extent {
                let line = tile.offset + row.cast_signed() * tile.rows.stride;
                for col in 0..tile.cols.extent {
                    let address = base.offset(line + col.cast_signed() * tile.cols.stride);
                    to[at] = u8::from(self.answer(address.0.addr(), &mut search));
                    at += 1;
                }
            }
        });
        while at < count {
            let more = at.min(count - at);
            to.copy_within(..more, at);
            at += more;
        }
    }
}

impl Text {
    fn new(
        operand: &TextOperand,
        extents: &[usize],
        binding: &Bound,
        sources: &[Raw<'_>],
    ) -> Result<Text, RunError> {
        let no_text = RunError::Program { reason: "a predicate reads no text" };
        let (raw, picks, axes) = match operand {
            TextOperand::View(view) => {
                let Source::Input(input) = view.source else { return Err(no_text) };
                (sources[input as usize], view.picks.as_slice(), view.axes.clone())
            }
            TextOperand::Constant(constant) => {
                let base = Address(constant.memory().as_ptr().cast_mut());
                let (dtype, order) = (constant.dtype(), ByteOrder::Native);
                let raw = Raw { base, dtype, order, extents: &[], strides: &[] };
                (raw, [].as_slice(), SmallVec::from_elem(None, extents.len()))
            }
        };
        let picked = picked(raw, picks, binding)?;
        let begin = (picked.base, form_of(&raw));
        let input = PlanInput { raw, picked, axes: &axes, predicate: None };
        let strides = input_strides(&input, extents)?;
        let every: SmallVec<[usize; 4]> = (0..extents.len()).collect();
        let access = Access::new(begin, extents, &strides, &every);
        let elements = Elements::new(access, extents.iter().product());
        Ok(Text { elements, dtype: raw.dtype, order: raw.order })
    }

    fn value(&self, index: usize) -> Option<TextValue<'_>> {
        TextValue::new(self.dtype, self.order, self.elements.bytes(index))
    }
}
