//! Elements taken out of arrays: those at all combinations of some indices of each axis.
//!
//! ```text
//! indices of a result     axis 0: 0 1 8 9      axis 1: 2 3
//! an operand (10, 5)              0 1 8 9              2 3      a part of shape (4, 2)
//! an operand     (5,)                                  2 3      a part of shape    (2,)
//! an operand (10, 1)              0 1 8 9              0        a part of shape (4, 1)
//! ```
//!
//! A formula of which each element of each result depends on the elements at its own place alone makes of the
//! parts of its operands the same part of its results.

use fuse::raw::ByteOrder;
use fuse::{Array, DType, Engine, Formula, Input, InputType, Layout, Vars, View};

use super::Values;
use crate::failure::Failure;
use crate::paging::{Memory, WINDOW, c_strides};
use crate::value::Value;

/// Most jumps in a mapped file between two times that it is let go of.
const MOST_JUMPS: usize = 64;

/// Elements taken out of an array.
pub(super) struct Part {
    dtype: DType,
    order: ByteOrder,
    extents: Vec<usize>,
    bytes: Vec<u8>,
}

impl Part {
    /// The elements of an array at all combinations of a result's indices; `None` of a scalar. Of a mapped file,
    /// about so many bytes are in memory at a time.
    fn gather(value: &Value, of_result: &[Vec<usize>], room: usize) -> Option<Part> {
        let raw = value.raw()?;
        let indices = own_indices(of_result, value.shape());
        let size = raw.dtype.size();
        let most = (room / WINDOW).clamp(1, MOST_JUMPS);
        let let_go = || value.mapped().inspect(|file| file.let_go(0..raw.bytes.len()));
        let mut bytes = Vec::new();
        for (number, span) in spans(strided_offsets(&indices, &raw.strides), size).enumerate() {
            bytes.extend_from_slice(&raw.bytes[span]);
            if (number + 1).is_multiple_of(most) {
                let_go();
            }
        }
        let_go();
        let extents = indices.iter().map(Vec::len).collect();
        Some(Part { dtype: raw.dtype, order: raw.order, extents, bytes })
    }

    /// The same, of a result of which some windows have been kept.
    pub(super) fn of_windows(
        dtype: DType,
        indices: &[Vec<usize>],
        shape: &[usize],
        memory: &Memory,
    ) -> Part {
        let mut bytes = Vec::new();
        for offset in offsets(indices, shape, dtype.size()) {
            let window = memory.window(offset / WINDOW).unwrap_or(&[]);
            bytes.extend_from_slice(
                window.get(offset % WINDOW..).map_or(&[], |rest| &rest[..dtype.size()]),
            );
        }
        let extents = indices.iter().map(Vec::len).collect();
        Part { dtype, order: ByteOrder::Native, extents, bytes }
    }

    fn input(&self) -> Result<Input<'_>, Failure> {
        let strides = c_strides(&self.extents, self.dtype.size());
        let Part { dtype, order, extents, bytes } = self;
        let layout = Layout { dtype: *dtype, order: *order, extents, strides: &strides };
        Ok(Input::array(View::from_bytes(bytes, &layout, 0).map_err(fuse::Error::from)?))
    }

    pub(super) fn array(&self, engine: &Engine) -> Result<Array, Failure> {
        Ok(engine.evaluate("copy(part)", [("part", self.input()?)])?)
    }
}

/// The parts of all values that go with a part of a result.
pub(super) struct Sample<'a> {
    values: &'a Values,
    parts: Vec<Option<Part>>,
}

impl<'a> Sample<'a> {
    /// The elements that those of a result at all combinations of these indices need.
    pub(super) fn gather(values: &'a Values, indices: &[Vec<usize>], room: usize) -> Sample<'a> {
        let part = |(_, value): &(String, Value)| Part::gather(value, indices, room);
        Sample { values, parts: values.iter().map(part).collect() }
    }

    /// As variables of a formula.
    pub(super) fn vars(&self) -> Result<Vars<'_>, Failure> {
        Ok(self.inputs()?.into_iter().collect())
    }

    fn inputs(&self) -> Result<Vec<(&str, Input<'_>)>, Failure> {
        let pairs = self.values.iter().zip(&self.parts);
        let inputs = pairs.map(|((name, value), part)| {
            let input = part.as_ref().map_or_else(|| value.as_input(), Part::input)?;
            Ok((name.as_str(), input))
        });
        inputs.collect()
    }

    /// Does the formula make results of this shape of it? Not one that says itself how many elements there are,
    /// as `x + ones(1000)` does.
    pub(super) fn gives(&self, formula: &Formula, indices: &[Vec<usize>]) -> Result<bool, Failure> {
        let inputs = self.inputs()?;
        let types: Vec<(&str, InputType)> =
            inputs.iter().map(|(name, input)| (*name, input.ty())).collect();
        let vars: Vars<'_> = inputs.into_iter().collect();
        let shapes = formula.prepare(&types).and_then(|prepared| prepared.result_shapes(vars));
        match shapes {
            Ok(shapes) => Ok(shapes.iter().all(|(_, shape)| {
                shape.len() == indices.len()
                    && shape.iter().zip(indices).all(|(&extent, list)| extent == list.len())
            })),
            Err(error) if error.kind() == fuse::ErrorKind::Shape => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// May all values be broadcast to this shape, and are all results of it?
pub(super) fn have_one_shape(results: &[(DType, Vec<usize>)], values: &Values) -> bool {
    let Some((_, shape)) = results.first() else { return false };
    let broadcasts = |own: &[usize]| {
        let mut pairs = own.iter().rev().zip(shape.iter().rev());
        own.len() <= shape.len() && pairs.all(|(&own, &all)| own == 1 || own == all)
    };
    results.iter().all(|(_, own)| own == shape)
        && values.iter().all(|(_, value)| broadcasts(value.shape()))
}

/// Of a result's indices those of an operand that broadcasts to it.
fn own_indices(indices: &[Vec<usize>], shape: &[usize]) -> Vec<Vec<usize>> {
    let of_last = &indices[indices.len() - shape.len()..];
    let own =
        |(list, &extent): (&Vec<usize>, &usize)| if extent == 1 { vec![0] } else { list.clone() };
    of_last.iter().zip(shape).map(own).collect()
}

/// Byte offsets of the elements at all combinations of indices, in C order.
pub(super) fn offsets(indices: &[Vec<usize>], shape: &[usize], item_size: usize) -> Vec<usize> {
    strided_offsets(indices, &c_strides(shape, item_size))
}

/// The same, where the elements lie at these strides, of which none is negative.
pub(super) fn strided_offsets(indices: &[Vec<usize>], strides: &[isize]) -> Vec<usize> {
    let mut all = vec![0_usize];
    for (list, stride) in indices.iter().zip(strides) {
        let next = |offset: &usize| {
            let offset = *offset;
            list.iter().map(move |&index| offset + index * stride.unsigned_abs())
        };
        all = all.iter().flat_map(next).collect();
    }
    all
}

/// The bytes of elements at these offsets, those that follow each other together.
pub(super) fn spans(
    offsets: Vec<usize>,
    item_size: usize,
) -> impl Iterator<Item = std::ops::Range<usize>> {
    let mut offsets = offsets.into_iter().peekable();
    std::iter::from_fn(move || {
        let start = offsets.next()?;
        let mut end = start + item_size;
        while offsets.next_if_eq(&end).is_some() {
            end += item_size;
        }
        Some(start..end)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operand_has_the_indices_of_its_own_axes() {
        let indices = [vec![0, 1, 8, 9], vec![2, 3]];
        assert_eq!(own_indices(&indices, &[10, 5]), indices);
        assert_eq!(own_indices(&indices, &[5]), [[2, 3]]);
        assert_eq!(own_indices(&indices, &[10, 1]), [vec![0, 1, 8, 9], vec![0]]);
        assert_eq!(own_indices(&indices, &[]), Vec::<Vec<usize>>::new());
    }

    #[test]
    fn elements_that_follow_each_other_are_one_span() {
        let all: Vec<_> = spans(offsets(&[vec![0, 1, 2], vec![0, 1, 3]], &[3, 4], 8), 8).collect();
        assert_eq!(all, [0..16, 24..48, 56..80, 88..96]);
        assert!(spans(offsets(&[], &[], 8), 8).eq(std::iter::once(0..8)));
        assert_eq!(spans(offsets(&[vec![]], &[0], 8), 8).count(), 0);
    }
}
