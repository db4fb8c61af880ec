//! What expansions are written in: primitives by name, over one region of a kernel being built.

use fuse_ir::{
    Builder, Control, DType, DTypeKind, Lane, Prim, Region, RegionBuilder, Scalar, ValueId,
};

/// One application of an operator: its operands have been cast to `dtype` where the typing rule says
/// so.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The dtype that the operands were cast to.
    pub operand: DType,
    /// The dtype of the result.
    pub result: DType,
    /// The operands' values.
    pub args: &'a [ValueId],
}

impl Call<'_> {
    /// Does the operation work on IEEE floats?
    pub fn is_float(&self) -> bool {
        self.operand.is_float()
    }

    /// Does the operation work on truth values?
    pub fn is_bool(&self) -> bool {
        self.operand == DType::Bool
    }

    /// Does the operation work on unsigned integers? Lanes do not know.
    pub fn is_unsigned(&self) -> bool {
        self.operand.kind() == DTypeKind::UInt
    }
}

/// The lane type that values of a dtype have inside a kernel.
///
/// # Panics
/// For dtypes that are not a single lane: those are expanded before they get here.
pub fn lane_of(dtype: DType) -> Lane {
    dtype.mem().expect("a dtype of one lane").lane()
}

/// Pushes primitives into a region; regions and tables go to the kernel.
pub struct Expander<'a> {
    /// The kernel, for closed regions and tables.
    pub kernel: &'a mut Builder,
    /// The region being built.
    pub region: &'a mut RegionBuilder,
}

/// Defines methods that are a primitive each, named as in the primitive table.
macro_rules! primitive_methods {
    ($( $method:ident $prim:ident ( $($arg:ident),* ) ; )*) => {
        impl Expander<'_> {
            $(
                #[doc = concat!("[`Prim::", stringify!($prim), "`]")]
                pub fn $method(&mut self, $($arg: ValueId),*) -> ValueId {
                    self.region.prim(Prim::$prim, &[$($arg),*])
                }
            )*
        }
    };
}

primitive_methods! {
    fadd FAdd(a, b); fsub FSub(a, b); fmul FMul(a, b); fdiv FDiv(a, b);
    fsqrt FSqrt(a); fma Fma(a, b, c);
    ffloor FFloor(a); fceil FCeil(a); ftrunc FTrunc(a); fround FRound(a);
    feq FEq(a, b); flt FLt(a, b); fle FLe(a, b);
    iadd IAdd(a, b); isub ISub(a, b); imul IMul(a, b);
    iand IAnd(a, b); ior IOr(a, b); ixor IXor(a, b);
    shl Shl(a, count); shr_u ShrU(a, count); shr_s ShrS(a, count);
    ieq IEq(a, b); ilt_s ILtS(a, b); ilt_u ILtU(a, b);
    select Select(mask, set, clear);
    mask_and MaskAnd(a, b); mask_or MaskOr(a, b); mask_not MaskNot(a);
}

/// The constants of a test of the range [low, high) of floats without a sign: as an integer, a float's
/// bits plus the first exceed the second where it is outside, or NaN. The bits of `low` become the least
/// integer, which all others follow.
pub(crate) fn range_test(lane: Lane, low: f64, high: f64) -> (i64, i64) {
    let bits = |bound| Scalar::float(lane, bound).bits.cast_signed();
    let (low, high) = (bits(low), bits(high));
    let least = if lane == Lane::F32 { i64::from(i32::MIN) } else { i64::MIN };
    (least.wrapping_sub(low), least.wrapping_add(high - low - 1))
}

impl Expander<'_> {
    /// The lane type of a value.
    pub fn lane(&self, value: ValueId) -> Lane {
        self.region.lane(value)
    }

    /// A conversion to the given lane type.
    pub fn convert(&mut self, prim: Prim, value: ValueId, to: Lane) -> ValueId {
        self.region.prim_to(prim, &[value], to)
    }

    /// A constant.
    pub fn constant(&mut self, scalar: Scalar) -> ValueId {
        self.region.constant(scalar)
    }

    /// A float constant of the lane type of `like`.
    pub fn float(&mut self, like: ValueId, value: f64) -> ValueId {
        let lane = self.lane(like);
        self.constant(Scalar::float(lane, value))
    }

    /// An integer constant of the lane type of `like`.
    pub fn int(&mut self, like: ValueId, value: i64) -> ValueId {
        let lane = self.lane(like);
        self.constant(Scalar::int(lane, value))
    }

    /// A float's bits as an integer of equal width.
    pub fn bits_of(&mut self, value: ValueId) -> ValueId {
        let lane = if self.lane(value) == Lane::F32 { Lane::I32 } else { Lane::I64 };
        self.convert(Prim::Bitcast, value, lane)
    }

    /// An integer's bits as a float of equal width.
    pub fn float_of_bits(&mut self, value: ValueId) -> ValueId {
        let lane = if self.lane(value) == Lane::I32 { Lane::F32 } else { Lane::F64 };
        self.convert(Prim::Bitcast, value, lane)
    }

    /// `a != a`: is it NaN?
    pub fn is_nan(&mut self, value: ValueId) -> ValueId {
        let equal = self.feq(value, value);
        self.mask_not(equal)
    }

    /// -x, exact for every x: -0.0 - x.
    pub fn fneg(&mut self, value: ValueId) -> ValueId {
        let zero = self.float(value, -0.0);
        self.fsub(zero, value)
    }

    /// |x|: the sign bit cleared.
    pub fn fabs(&mut self, value: ValueId) -> ValueId {
        let bits = self.bits_of(value);
        let mask =
            self.int(bits, if self.lane(value) == Lane::F32 { 0x7fff_ffff } else { i64::MAX });
        let cleared = self.iand(bits, mask);
        self.float_of_bits(cleared)
    }

    /// The sign bit of `sign` on the magnitude of `magnitude`, NaN or not.
    pub fn fcopysign(&mut self, magnitude: ValueId, sign: ValueId) -> ValueId {
        let magnitude = self.fabs(magnitude);
        let magnitude = self.bits_of(magnitude);
        let sign = self.bits_of(sign);
        let top = self
            .int(sign, if self.lane(sign) == Lane::I32 { i64::from(i32::MIN) } else { i64::MIN });
        let sign = self.iand(sign, top);
        let both = self.ior(magnitude, sign);
        self.float_of_bits(both)
    }

    /// A select on masks, which the primitive does not cover.
    pub fn select_mask(&mut self, mask: ValueId, set: ValueId, clear: ValueId) -> ValueId {
        let set = self.mask_and(mask, set);
        let not = self.mask_not(mask);
        let clear = self.mask_and(not, clear);
        self.mask_or(set, clear)
    }

    /// Adds a closed region of these parameters, built by `body`, and gives its results' lanes.
    pub fn closed_region(
        &mut self,
        params: &[Lane],
        body: impl FnOnce(&mut Expander<'_>) -> Vec<ValueId>,
    ) -> (fuse_ir::RegionId, Vec<Lane>) {
        let mut builder = RegionBuilder::new(params);
        let results = body(&mut Expander { kernel: self.kernel, region: &mut builder });
        let region: Region = builder.finish(&results);
        let lanes = region.result_lanes().collect();
        (self.kernel.region(region), lanes)
    }

    /// `select(mask, body(args), otherwise)`, the body out of line and entered only when needed.
    pub fn rare(
        &mut self,
        mask: ValueId,
        args: &[ValueId],
        otherwise: &[ValueId],
        body: impl FnOnce(&mut Expander<'_>) -> Vec<ValueId>,
    ) -> Vec<ValueId> {
        let params: Vec<Lane> = args.iter().map(|&arg| self.lane(arg)).collect();
        let (region, lanes) = self.closed_region(&params, body);
        let control =
            Control::Rare { mask, region, args: args.to_vec(), otherwise: otherwise.to_vec() };
        self.region.control(control, &lanes)
    }

    /// Runs `body` on the state until its last result, a mask, is clear.
    pub fn repeat(
        &mut self,
        at_most: u32,
        init: &[ValueId],
        body: impl FnOnce(&mut Expander<'_>) -> Vec<ValueId>,
    ) -> Vec<ValueId> {
        let params: Vec<Lane> = init.iter().map(|&value| self.lane(value)).collect();
        let (region, lanes) = self.closed_region(&params, body);
        let control = Control::Repeat { at_most, region, init: init.to_vec() };
        self.region.control(control, &lanes[..init.len()])
    }

    /// The parameter at this position.
    pub fn param(&self, position: usize) -> ValueId {
        self.region.param(position)
    }
}
