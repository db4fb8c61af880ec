//! Borrowed arrays of any layout.
//!
//! ```text
//! element [i, j] lies at  base + i * strides[0] + j * strides[1]      (bytes, any sign, 0 allowed)
//! ```
//!
//! Invariant of [`Strided`], which [`View`] and [`ViewMut`] wrap: for every index inside the extents
//! the element's bytes are readable (for a `ViewMut`: writable, and no two elements share a byte)
//! while the view lives; extents and strides are equal in number and at most [`MAX_RANK`]; the number
//! of bytes of a C-ordered copy fits `isize`. All constructors but `from_raw` check it.

#![expect(unsafe_code, reason = "promises about raw memory: pointers cross threads, from_raw")]

use std::marker::PhantomData;

use fuse_ir::{
    ByteOrder, DType, Extents, MAX_RANK, Part, TextConstant, checked_len, contiguous_strides,
};
use smallvec::SmallVec;

use crate::device::DeviceArray;
use crate::element::{Complex, Element, F16};
use crate::error::ViewError;

/// Byte strides.
pub type Strides = SmallVec<[isize; 4]>;

/// A pointer that may be sent to other threads. Only reading or writing through it needs care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Address(pub(crate) *mut u8);

// SAFETY: an address alone gives no access; every dereference states why it may.
unsafe impl Send for Address {}
// SAFETY: as above.
unsafe impl Sync for Address {}

impl Address {
    /// The address that many bytes on.
    pub(crate) fn offset(self, bytes: isize) -> Address {
        Address(self.0.wrapping_offset(bytes))
    }

    /// How many bytes behind another address.
    pub(crate) fn behind(self, other: Address) -> isize {
        self.0.addr().wrapping_sub(other.0.addr()).cast_signed()
    }

    /// The address that many bytes on.
    pub(crate) fn add(self, bytes: usize) -> Address {
        Address(self.0.wrapping_add(bytes))
    }
}

/// Memory with a shape; see the module for its invariant.
#[derive(Clone, Debug)]
struct Strided {
    base: Address,
    dtype: DType,
    order: ByteOrder,
    extents: Extents,
    strides: Strides,
}

/// What the rest of the crate sees of a view: borrowed shape, copyable.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Raw<'c> {
    pub(crate) base: Address,
    pub(crate) dtype: DType,
    pub(crate) order: ByteOrder,
    pub(crate) extents: &'c [usize],
    pub(crate) strides: &'c [isize],
}

impl Raw<'_> {
    /// That half of each element of a complex array; of any other the array itself.
    pub(crate) fn part(self, part: Part) -> Self {
        let Some(dtype) = self.dtype.part() else { return self };
        let base = match part {
            Part::Real => self.base,
            Part::Imaginary => self.base.add(dtype.size()),
        };
        Raw { base, dtype, ..self }
    }
}

/// A borrowed array to read.
#[derive(Clone, Debug)]
pub struct View<'a> {
    strided: Strided,
    memory: PhantomData<&'a [u8]>,
}

/// A borrowed array to write: no two of its elements share memory.
#[derive(Debug)]
pub struct ViewMut<'a> {
    strided: Strided,
    memory: PhantomData<&'a mut [u8]>,
}

impl Strided {
    /// A C-ordered array.
    fn contiguous(base: *mut u8, dtype: DType, extents: &[usize]) -> Strided {
        let strides = contiguous_strides(extents, dtype.size());
        let extents = Extents::from_slice(extents);
        Strided { base: Address(base), dtype, order: ByteOrder::Native, extents, strides }
    }

    /// A vector without gaps. Inlined where it is called: a call's views are made each time.
    #[inline]
    fn vector<T: Element>(base: *mut u8, len: usize) -> Strided {
        let extents = Extents::from_buf_and_len([len, 0, 0, 0], 1);
        let strides = Strides::from_buf_and_len([size_of::<T>().cast_signed(), 0, 0, 0], 1);
        Strided { base: Address(base), dtype: T::DTYPE, order: ByteOrder::Native, extents, strides }
    }

    /// One element. Inlined as [`Strided::vector`] is.
    #[inline]
    fn element<T: Element>(base: *mut u8) -> Strided {
        let (extents, strides) = (Extents::new(), Strides::new());
        Strided { base: Address(base), dtype: T::DTYPE, order: ByteOrder::Native, extents, strides }
    }

    /// A layout inside `bytes` bytes at `start`, its element `[0, …, 0]` at `offset`.
    fn within(
        start: *mut u8,
        bytes: usize,
        layout: &Layout<'_>,
        offset: usize,
    ) -> Result<Strided, ViewError> {
        let (low, high) = layout.reach()?;
        let offset_wide = offset as i128;
        let is_empty = layout.extents.contains(&0);
        if !is_empty && (offset_wide + low < 0 || offset_wide + high > bytes as i128) {
            return Err(ViewError::OutOfBounds { bytes });
        }
        let base = if is_empty { start } else { start.wrapping_add(offset) };
        Ok(layout.at(base))
    }

    #[inline]
    fn raw(&self) -> Raw<'_> {
        Raw {
            base: self.base,
            dtype: self.dtype,
            order: self.order,
            extents: &self.extents,
            strides: &self.strides,
        }
    }
}

/// How elements lie in memory, without the memory.
#[derive(Clone, Copy, Debug)]
pub struct Layout<'l> {
    /// Element type.
    pub dtype: DType,
    /// Byte order.
    pub order: ByteOrder,
    /// Extents, outermost first.
    pub extents: &'l [usize],
    /// Byte strides.
    pub strides: &'l [isize],
}

impl Layout<'_> {
    /// The bytes touched, relative to element `[0, …, 0]`: first, and one past the last.
    fn reach(&self) -> Result<(i128, i128), ViewError> {
        let (extents, strides) = (self.extents, self.strides);
        let refused = ViewError::Rank { extents: extents.len(), strides: strides.len() };
        if extents.len() != strides.len() || extents.len() > MAX_RANK {
            return Err(refused);
        }
        let len = extents.iter().try_fold(1_u128, |len, &e| len.checked_mul(e as u128));
        if checked_len(extents, self.dtype.size()).is_none() {
            let len = usize::try_from(len.unwrap_or(u128::MAX)).unwrap_or(usize::MAX);
            return Err(ViewError::Length { len });
        }
        Ok(reach(extents, strides, self.dtype.size()))
    }

    fn at(&self, base: *mut u8) -> Strided {
        Strided {
            base: Address(base),
            dtype: self.dtype,
            order: self.order,
            extents: Extents::from_slice(self.extents),
            strides: Strides::from_slice(self.strides),
        }
    }
}

/// Bytes touched relative to the first element: first, and one past the last. `(0, 0)` when empty.
pub(crate) fn reach(extents: &[usize], strides: &[isize], size: usize) -> (i128, i128) {
    if extents.contains(&0) {
        return (0, 0);
    }
    let (mut low, mut high) = (0, size as i128);
    for (&extent, &stride) in extents.iter().zip(strides) {
        let end = (extent as i128 - 1) * stride as i128;
        low += end.min(0);
        high += end.max(0);
    }
    (low, high)
}

/// The first axis, by growing stride, that steps onto bytes of the axes within it.
fn self_overlap(extents: &[usize], strides: &[isize], size: usize) -> Option<usize> {
    if extents.contains(&0) {
        return None;
    }
    let mut axes: SmallVec<[usize; 4]> = (0..extents.len()).filter(|&k| extents[k] > 1).collect();
    axes.sort_by_key(|&axis| strides[axis].unsigned_abs());
    let mut span = size as u128;
    for axis in axes {
        let stride = strides[axis].unsigned_abs() as u128;
        if stride < span {
            return Some(axis);
        }
        span += stride * (extents[axis] as u128 - 1);
    }
    None
}

/// The shape of a slice must have exactly its number of elements.
fn check_length<T: Element>(len: usize, extents: &[usize]) -> Result<(), ViewError> {
    let fits = extents.len() <= MAX_RANK && checked_len(extents, size_of::<T>()) == Some(len);
    if fits { Ok(()) } else { Err(ViewError::Length { len }) }
}

macro_rules! shape_accessors {
    () => {
        /// Element type.
        #[inline]
        pub fn dtype(&self) -> DType {
            self.strided.dtype
        }

        /// Byte order.
        pub fn order(&self) -> ByteOrder {
            self.strided.order
        }

        /// Extents, outermost first.
        #[inline]
        pub fn extents(&self) -> &[usize] {
            &self.strided.extents
        }

        /// Byte strides.
        pub fn strides(&self) -> &[isize] {
            &self.strided.strides
        }

        #[inline]
        pub(crate) fn raw(&self) -> Raw<'_> {
            self.strided.raw()
        }
    };
}

impl<'a> View<'a> {
    shape_accessors!();

    /// A slice as a vector.
    #[inline]
    pub fn from_slice<T: Element>(slice: &'a [T]) -> View<'a> {
        View::wrap(Strided::vector::<T>(slice.as_ptr().cast_mut().cast(), slice.len()))
    }

    /// One element as a 0-d array.
    #[inline]
    pub fn from_element<T: Element>(element: &'a T) -> View<'a> {
        View::wrap(Strided::element::<T>(std::ptr::from_ref(element).cast_mut().cast()))
    }

    /// A slice in C order.
    ///
    /// # Errors
    /// [`ViewError::Length`] where the product of the extents is not the length.
    pub fn from_shaped<T: Element>(slice: &'a [T], extents: &[usize]) -> Result<Self, ViewError> {
        check_length::<T>(slice.len(), extents)?;
        let base = slice.as_ptr().cast_mut().cast();
        Ok(View::wrap(Strided::contiguous(base, T::DTYPE, extents)))
    }

    /// A layout over bytes, element `[0, …, 0]` at `offset`; of any alignment.
    ///
    /// # Errors
    /// [`ViewError`] where an element would lie outside the bytes.
    pub fn from_bytes(
        bytes: &'a [u8],
        layout: &Layout<'_>,
        offset: usize,
    ) -> Result<Self, ViewError> {
        let base = bytes.as_ptr().cast_mut();
        Strided::within(base, bytes.len(), layout, offset).map(View::wrap)
    }

    /// A layout over memory of any origin, element `[0, …, 0]` at `base`.
    ///
    /// # Errors
    /// [`ViewError`] where the layout is none: ranks differ, or the size overflows.
    ///
    /// # Safety
    /// For `'a`, every element inside the extents is readable, and nothing writes to it but calls of
    /// this crate that are given this view as an input and an output over the same memory.
    pub unsafe fn from_raw(base: *const u8, layout: &Layout<'_>) -> Result<View<'a>, ViewError> {
        layout.reach()?;
        Ok(View::wrap(layout.at(base.cast_mut())))
    }

    #[inline]
    fn wrap(strided: Strided) -> View<'a> {
        View { strided, memory: PhantomData }
    }

    /// A C-ordered array whose memory the caller keeps borrowed for `'a`.
    pub(crate) fn contiguous(base: *mut u8, dtype: DType, extents: &[usize]) -> View<'a> {
        View::wrap(Strided::contiguous(base, dtype, extents))
    }
}

impl<'a> ViewMut<'a> {
    shape_accessors!();

    /// The same memory, borrowed for shorter.
    pub fn reborrow(&mut self) -> ViewMut<'_> {
        ViewMut::wrap(self.strided.clone())
    }

    /// A slice as a vector.
    #[inline]
    pub fn from_slice<T: Element>(slice: &'a mut [T]) -> ViewMut<'a> {
        ViewMut::wrap(Strided::vector::<T>(slice.as_mut_ptr().cast(), slice.len()))
    }

    /// One element as a 0-d array.
    #[inline]
    pub fn from_element<T: Element>(element: &'a mut T) -> ViewMut<'a> {
        ViewMut::wrap(Strided::element::<T>(std::ptr::from_mut(element).cast()))
    }

    /// A slice in C order.
    ///
    /// # Errors
    /// [`ViewError::Length`] where the product of the extents is not the length.
    pub fn from_shaped<T: Element>(
        slice: &'a mut [T],
        extents: &[usize],
    ) -> Result<Self, ViewError> {
        check_length::<T>(slice.len(), extents)?;
        Ok(ViewMut::wrap(Strided::contiguous(slice.as_mut_ptr().cast(), T::DTYPE, extents)))
    }

    /// A layout over bytes, element `[0, …, 0]` at `offset`; of any alignment.
    ///
    /// # Errors
    /// [`ViewError`] where an element would lie outside the bytes or share them with another.
    pub fn from_bytes(
        bytes: &'a mut [u8],
        layout: &Layout<'_>,
        offset: usize,
    ) -> Result<Self, ViewError> {
        ViewMut::distinct(Strided::within(bytes.as_mut_ptr(), bytes.len(), layout, offset)?)
    }

    /// A layout over memory of any origin, element `[0, …, 0]` at `base`.
    ///
    /// # Errors
    /// [`ViewError`] where the layout is none, or two elements would share memory.
    ///
    /// # Safety
    /// For `'a`, every element inside the extents is writable, and nothing else reads or writes it
    /// but views given as inputs of the same call.
    pub unsafe fn from_raw(base: *mut u8, layout: &Layout<'_>) -> Result<ViewMut<'a>, ViewError> {
        layout.reach()?;
        ViewMut::distinct(layout.at(base))
    }

    fn distinct(strided: Strided) -> Result<ViewMut<'a>, ViewError> {
        match self_overlap(&strided.extents, &strided.strides, strided.dtype.size()) {
            Some(axis) => Err(ViewError::SelfOverlap { axis }),
            None => Ok(ViewMut::wrap(strided)),
        }
    }

    #[inline]
    fn wrap(strided: Strided) -> ViewMut<'a> {
        ViewMut { strided, memory: PhantomData }
    }

    /// A C-ordered array whose memory the caller keeps mutably borrowed for `'a`.
    pub(crate) fn contiguous(base: *mut u8, dtype: DType, extents: &[usize]) -> ViewMut<'a> {
        ViewMut::wrap(Strided::contiguous(base, dtype, extents))
    }
}

/// A scalar of any dtype of fixed size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(8))]
pub struct ScalarValue {
    bytes: [u8; 16],
    dtype: DType,
}

impl ScalarValue {
    /// The scalar with these bits, zero extended; `None` for complex128 and text.
    #[inline]
    pub fn new(dtype: DType, bits: u64) -> Option<ScalarValue> {
        let size = dtype.size();
        if size > 8 {
            return None;
        }
        let skip = if cfg!(target_endian = "little") { 0 } else { 8 - size };
        let mut bytes = [0; 16];
        bytes[..size].copy_from_slice(&bits.to_ne_bytes()[skip..skip + size]);
        Some(ScalarValue { bytes, dtype })
    }

    /// A complex scalar of a real and an imaginary part.
    fn pair<const N: usize>(dtype: DType, parts: &[[u8; N]; 2]) -> ScalarValue {
        let mut bytes = [0; 16];
        bytes[..2 * N].copy_from_slice(parts.as_flattened());
        ScalarValue { bytes, dtype }
    }

    /// Element type.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    pub(crate) fn raw(&self) -> Raw<'_> {
        let base = Address(self.bytes.as_ptr().cast_mut());
        Raw { base, dtype: self.dtype, order: ByteOrder::Native, extents: &[], strides: &[] }
    }
}

macro_rules! scalar_from {
    ($($ty:ty => $bits:expr),* $(,)?) => {
        $(
            impl From<$ty> for ScalarValue {
                #[inline]
                fn from(value: $ty) -> ScalarValue {
                    let bits: fn($ty) -> u64 = $bits;
                    ScalarValue::new(<$ty>::DTYPE, bits(value)).expect("at most eight bytes")
                }
            }
        )*
    };
}

scalar_from! {
    bool => u64::from,
    i8 => |x| u64::from(x.cast_unsigned()),
    i16 => |x| u64::from(x.cast_unsigned()),
    i32 => |x| u64::from(x.cast_unsigned()),
    i64 => i64::cast_unsigned,
    u8 => u64::from,
    u16 => u64::from,
    u32 => u64::from,
    u64 => |x| x,
    F16 => |x| u64::from(x.0),
    f32 => |x| u64::from(x.to_bits()),
    f64 => f64::to_bits,
}

impl From<Complex<f32>> for ScalarValue {
    fn from(value: Complex<f32>) -> ScalarValue {
        ScalarValue::pair(DType::C64, &[value.re.to_ne_bytes(), value.im.to_ne_bytes()])
    }
}

impl From<Complex<f64>> for ScalarValue {
    fn from(value: Complex<f64>) -> ScalarValue {
        ScalarValue::pair(DType::C128, &[value.re.to_ne_bytes(), value.im.to_ne_bytes()])
    }
}

/// What a call gives for one input.
#[derive(Clone, Debug)]
pub enum Operand<'a> {
    /// An array, of any rank.
    Array(View<'a>),
    /// A scalar, for an input of rank 0.
    Scalar(ScalarValue),
    /// A text, for an input of rank 0.
    Text(TextConstant),
    /// An array in a device's memory, for calls on that device.
    Device(&'a DeviceArray),
}

impl Operand<'_> {
    #[inline]
    pub(crate) fn raw(&self) -> Raw<'_> {
        match self {
            Operand::Array(view) => view.raw(),
            Operand::Scalar(scalar) => scalar.raw(),
            Operand::Text(text) => Raw {
                base: Address(text.memory().as_ptr().cast_mut()),
                dtype: text.dtype(),
                order: ByteOrder::Native,
                extents: &[],
                strides: &[],
            },
            Operand::Device(array) => array.raw(),
        }
    }
}

impl<'a> From<&'a DeviceArray> for Operand<'a> {
    fn from(array: &'a DeviceArray) -> Self {
        Operand::Device(array)
    }
}

impl<'a> From<View<'a>> for Operand<'a> {
    fn from(view: View<'a>) -> Self {
        Operand::Array(view)
    }
}

impl From<TextConstant> for Operand<'_> {
    fn from(text: TextConstant) -> Self {
        Operand::Text(text)
    }
}

impl From<ScalarValue> for Operand<'_> {
    fn from(scalar: ScalarValue) -> Self {
        Operand::Scalar(scalar)
    }
}
