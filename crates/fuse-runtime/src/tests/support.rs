//! Programs and arrays for the tests.

use std::sync::Arc;

use fuse_ir::interp::Interpreter;
use fuse_ir::{
    ArraySpec, Axis, Builder, ByteOrder, DType, Dim, Fold, HostBackend, InputClass, InputType,
    Lane, OperandOutput, OperandView, Pass, Prim, Program, ProgramInput, Region, RegionBuilder,
    Scalar, Shape, ShapeRule, Sink, Source, SourceSpan, StateSlot, Symbol, ValueId, verify,
};

use crate::{Executable, Layout, Operand, RunError, RunOptions, Threads, View, ViewMut};

/// splitmix64.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).expect("small")
    }

    pub(super) fn float(&mut self) -> f64 {
        f64::from(u32::try_from(self.next() >> 40).expect("24 bits")) / 1000.0 - 8000.0
    }

    pub(super) fn floats(&mut self, n: usize) -> Vec<f64> {
        (0..n).map(|_| self.float()).collect()
    }
}

/// Strided bytes owned by a test.
#[derive(Clone, Debug)]
pub(super) struct Strided {
    pub(super) bytes: Vec<u8>,
    pub(super) dtype: DType,
    pub(super) order: ByteOrder,
    pub(super) extents: Vec<usize>,
    pub(super) strides: Vec<isize>,
    pub(super) offset: usize,
}

impl Strided {
    /// A C-ordered array of random bytes.
    pub(super) fn random(dtype: DType, extents: &[usize], random: &mut Random) -> Strided {
        let strides = fuse_ir::contiguous_strides(extents, dtype.size()).to_vec();
        Strided::laid_out(dtype, extents, &strides, 0, random)
    }

    /// Random elements at any strides; `slack` bytes before the first one (unaligned if odd).
    pub(super) fn laid_out(
        dtype: DType,
        extents: &[usize],
        strides: &[isize],
        slack: usize,
        random: &mut Random,
    ) -> Strided {
        let (low, high) = crate::views::reach(extents, strides, dtype.size());
        let before = usize::try_from(-low).expect("low is not positive");
        let bytes = before + usize::try_from(high).expect("high") + 2 * slack;
        let mut strided = Strided {
            bytes: vec![0; bytes],
            dtype,
            order: ByteOrder::Native,
            extents: extents.to_vec(),
            strides: strides.to_vec(),
            offset: before + slack,
        };
        for index in indices(extents) {
            let value = random.float();
            strided.set(&index, value);
        }
        strided
    }

    pub(super) fn swapped(mut self) -> Strided {
        for index in indices(&self.extents.clone()) {
            let at = self.at(&index);
            self.bytes[at..at + self.dtype.size()].reverse();
        }
        self.order = ByteOrder::Swapped;
        self
    }

    pub(super) fn layout(&self) -> Layout<'_> {
        let Strided { dtype, order, .. } = *self;
        Layout { dtype, order, extents: &self.extents, strides: &self.strides }
    }

    pub(super) fn view(&self) -> View<'_> {
        View::from_bytes(&self.bytes, &self.layout(), self.offset).expect("inside its bytes")
    }

    pub(super) fn view_mut(&mut self) -> ViewMut<'_> {
        let Strided { dtype, order, .. } = *self;
        let layout = Layout { dtype, order, extents: &self.extents, strides: &self.strides };
        ViewMut::from_bytes(&mut self.bytes, &layout, self.offset).expect("inside its bytes")
    }

    fn at(&self, index: &[usize]) -> usize {
        let mut at = self.offset.cast_signed();
        for (&index, &stride) in index.iter().zip(&self.strides) {
            at += index.cast_signed() * stride;
        }
        at.cast_unsigned()
    }

    /// An element as its little-endian native bytes.
    pub(super) fn element(&self, index: &[usize]) -> Vec<u8> {
        let at = self.at(index);
        let mut bytes = self.bytes[at..at + self.dtype.size()].to_vec();
        if self.order == ByteOrder::Swapped {
            bytes.reverse();
        }
        bytes
    }

    /// An f64 element.
    pub(super) fn get(&self, index: &[usize]) -> f64 {
        f64::from_ne_bytes(self.element(index).try_into().expect("f64"))
    }

    /// Writes a value in whatever native form the dtype has; bools get 0, 1 and other bytes.
    fn set(&mut self, index: &[usize], value: f64) {
        let at = self.at(index);
        let size = self.dtype.size();
        let bytes = match self.dtype {
            DType::F64 => value.to_ne_bytes().to_vec(),
            DType::F32 => (value as f32).to_ne_bytes().to_vec(),
            DType::Bool => vec![value.to_bits().to_ne_bytes()[6] % 3],
            _ => value.to_bits().to_ne_bytes()[8 - size..].to_vec(),
        };
        self.bytes[at..at + size].copy_from_slice(&bytes);
    }

    /// The element that an index of the broadcast shape reads.
    pub(super) fn broadcast_index(&self, index: &[usize]) -> Vec<usize> {
        let skip = index.len() - self.extents.len();
        let own = index[skip..].iter().zip(&self.extents);
        own.map(|(&index, &extent)| if extent == 1 { 0 } else { index }).collect()
    }
}

/// Every index of a shape in C order.
pub(super) fn indices(extents: &[usize]) -> Vec<Vec<usize>> {
    let mut all = vec![vec![]];
    for &extent in extents {
        let longer =
            |index: Vec<usize>| (0..extent).map(move |last| [index.as_slice(), &[last]].concat());
        all = all.into_iter().flat_map(longer).collect();
    }
    all
}

/// NumPy's broadcasting of shapes that fit.
pub(super) fn broadcast(shapes: &[&[usize]]) -> Vec<usize> {
    let rank = shapes.iter().map(|shape| shape.len()).max().unwrap_or(0);
    let mut result = vec![1; rank];
    for shape in shapes {
        for (axis, &extent) in shape.iter().enumerate() {
            let place = &mut result[rank - shape.len() + axis];
            *place = if extent == 1 { *place } else { extent };
        }
    }
    result
}

/// What a test's kernel computes.
pub(super) struct Body {
    /// Lane region: from the inputs' values to outputs, then fold arguments.
    pub(super) lane: fn(&mut RegionBuilder, &[ValueId]) -> Vec<ValueId>,
    /// Dtypes of the elementwise results.
    pub(super) outputs: Vec<DType>,
    /// Folds, each with its results' dtypes.
    pub(super) folds: Vec<(Fold, Vec<DType>)>,
}

/// A program of one pass over the broadcast shape of its inputs, which its folds reduce whole.
pub(super) fn program(inputs: &[(DType, &[usize])], body: &Body) -> Program {
    let rank = inputs.iter().map(|(_, extents)| extents.len()).max().unwrap_or(0);
    let all: Vec<u32> = if body.folds.is_empty() { vec![] } else { (0..rank as u32).collect() };
    program_over(inputs, body, &all)
}

/// As [`program`], with folds over these axes.
pub(super) fn program_over(inputs: &[(DType, &[usize])], body: &Body, reduced: &[u32]) -> Program {
    let mut program = Program::default();
    let rank = inputs.iter().map(|(_, extents)| extents.len()).max().unwrap_or(0);
    let mut space: Shape = (0..rank).map(|_| Dim::One).collect();
    for (number, (dtype, extents)) in inputs.iter().enumerate() {
        let ty = InputType::array(*dtype, extents);
        for (axis, &kind) in ty.axes.iter().enumerate() {
            if kind == Axis::Many {
                let symbol = u32::try_from(program.symbols.len()).expect("few");
                let (input, own_axis) = (number as u32, axis as u32);
                program.symbols.push(Symbol::Axis { input, axis: own_axis });
                let place = &mut space[rank - extents.len() + axis];
                match *place {
                    Dim::One => *place = Dim::Symbol(symbol),
                    Dim::Symbol(other) => program.shape_rules.push(rule(other, symbol)),
                }
            }
        }
        program.inputs.push(ProgramInput { name: format!("x{number}"), ty });
    }
    let (mut builder, mut operands) = (Builder::new(), Vec::new());
    let mut lane = RegionBuilder::new(&[]);
    let mut values = Vec::new();
    for (number, (dtype, extents)) in inputs.iter().enumerate() {
        let view = operand(Source::Input(number as u32), extents, rank);
        let splat = matches!(view.axes.last(), Some(None));
        let mem = dtype.mem().expect("a lane");
        builder.input(mem, if splat { InputClass::Splat } else { InputClass::Stream });
        values.push(lane.add_param(mem.lane()));
        operands.push(view);
    }
    let results = (body.lane)(&mut lane, &values);
    let mut pass_outputs = Vec::new();
    for &dtype in &body.outputs {
        builder.output(OperandOutput { mem: dtype.mem().expect("a lane"), never_nan: false });
        pass_outputs.push(Sink::Result(program.results.len() as u32));
        program.results.push(ArraySpec { dtype, shape: space.clone() });
    }
    let mut folds = Vec::new();
    for (fold, dtypes) in &body.folds {
        builder.fold(fold.clone());
        let first = program.results.len();
        let is_kept = |axis: &usize| !reduced.contains(&(*axis as u32));
        let kept: Shape = (0..rank).filter(is_kept).map(|axis| space[axis]).collect();
        let spec = |&dtype: &DType| ArraySpec { dtype, shape: kept.clone() };
        program.results.extend(dtypes.iter().map(spec));
        folds.push((first..program.results.len()).map(|n| vec![Sink::Result(n as u32)]).collect());
    }
    let kernel = verify(builder.finish(lane.finish(&results))).expect("a valid kernel");
    program.passes.push(Pass {
        space,
        reduced: reduced.into(),
        kernel,
        scalars: vec![],
        operands,
        outputs: pass_outputs,
        folds,
    });
    program
}

fn rule(lhs: u32, rhs: u32) -> ShapeRule {
    let shape = |symbol| -> Shape { [Dim::Symbol(symbol)].into_iter().collect() };
    let side = |symbol| (shape(symbol), SourceSpan::default());
    ShapeRule { lhs: side(lhs), rhs: side(rhs), symbols: (lhs, rhs) }
}

/// The view of a source in a loop of that rank, aligned as NumPy does.
pub(super) fn operand(source: Source, extents: &[usize], rank: usize) -> OperandView {
    let skip = rank - extents.len();
    let axis = |loop_axis: usize| {
        let own = loop_axis.checked_sub(skip)?;
        (extents[own] != 1).then_some(own as u32)
    };
    OperandView { source, picks: vec![], axes: (0..rank).map(axis).collect() }
}

pub(super) fn interpreter() -> Arc<dyn HostBackend> {
    Arc::new(Interpreter)
}

/// On the interpreter as it is.
pub(super) fn executable(program: Program) -> Executable {
    let executable = Executable::compile(Arc::new(program), &interpreter());
    assert_eq!(executable.defect, Ok(()));
    executable
}

/// On the interpreter, and on the interpreter disguised as a native back end.
pub(super) fn executables(program: &Program) -> [Executable; 2] {
    let disguised: Arc<dyn HostBackend> = Arc::new(super::disguise::Disguised);
    let program = Arc::new(program.clone());
    [interpreter(), disguised].map(|backend| {
        let executable = Executable::compile(Arc::clone(&program), &backend);
        assert_eq!(executable.defect, Ok(()));
        executable
    })
}

/// `3 a - b` over f64: not commutative, exact enough to be computed the same way in a test.
pub(super) fn combine(lane: &mut RegionBuilder, values: &[ValueId]) -> Vec<ValueId> {
    let three = lane.constant(Scalar::f64(3.0));
    let mut acc = values[0];
    for &value in &values[1..] {
        let product = lane.prim(Prim::FMul, &[acc, three]);
        acc = lane.prim(Prim::FSub, &[product, value]);
    }
    vec![acc]
}

pub(super) fn combine_naive(values: &[f64]) -> f64 {
    values[1..].iter().fold(values[0], |acc, value| acc * 3.0 - value)
}

pub(super) fn elementwise() -> Body {
    Body { lane: combine, outputs: vec![DType::F64], folds: vec![] }
}

/// `sum` over f64.
pub(super) fn sum_fold() -> Fold {
    let plus = || {
        let mut region = RegionBuilder::new(&[Lane::F64, Lane::F64]);
        let (a, b) = (region.param(0), region.param(1));
        let sum = region.prim(Prim::FAdd, &[a, b]);
        region.finish(&[sum])
    };
    let state = vec![StateSlot { init: Scalar::f64(0.0) }];
    Fold { state, step: plus(), merge: plus(), finish: identity(&[Lane::F64]) }
}

/// A fold that no reordering leaves unchanged: `(s, k) -> (s / 3 + x, k + 1)`, merged as
/// `(s₁ · 0.75 - s₂, k₁ + k₂)`, with result `s + k`. Two slots of different sizes.
pub(super) fn odd_fold() -> Fold {
    let lanes = [Lane::F64, Lane::I32];
    let mut step = RegionBuilder::new(&[Lane::F64, Lane::I32, Lane::F64]);
    let (s, k, x) = (step.param(0), step.param(1), step.param(2));
    let three = step.constant(Scalar::f64(3.0));
    let third = step.prim(Prim::FDiv, &[s, three]);
    let next = step.prim(Prim::FAdd, &[third, x]);
    let one = step.constant(Scalar::int(Lane::I32, 1));
    let count = step.prim(Prim::IAdd, &[k, one]);
    let step = step.finish(&[next, count]);

    let mut merge = RegionBuilder::new(&[lanes[0], lanes[1], lanes[0], lanes[1]]);
    let (s1, k1, s2, k2) = (merge.param(0), merge.param(1), merge.param(2), merge.param(3));
    let weight = merge.constant(Scalar::f64(0.75));
    let weighted = merge.prim(Prim::FMul, &[s1, weight]);
    let s = merge.prim(Prim::FSub, &[weighted, s2]);
    let k = merge.prim(Prim::IAdd, &[k1, k2]);
    let merge = merge.finish(&[s, k]);

    let mut finish = RegionBuilder::new(&lanes);
    let (s, k) = (finish.param(0), finish.param(1));
    let count = finish.prim_to(Prim::SintToF64, &[k], Lane::F64);
    let total = finish.prim(Prim::FAdd, &[s, count]);
    let finish = finish.finish(&[total, k]);
    let inits = [Scalar::f64(0.5), Scalar::int(Lane::I32, 0)];
    let state = inits.into_iter().map(|init| StateSlot { init }).collect();
    Fold { state, step, merge, finish }
}

fn identity(lanes: &[Lane]) -> Region {
    let region = RegionBuilder::new(lanes);
    let results: Vec<ValueId> = (0..lanes.len()).map(|position| region.param(position)).collect();
    region.finish(&results)
}

/// Options that cut every loop into tasks of one block of 1024, in shuffled order.
pub(super) fn chopped(threads: Threads<'_>, seed: u64) -> RunOptions<'_> {
    let mut options = RunOptions { threads, ..RunOptions::default() };
    options.tuning.inline_below = Some(0);
    options.tuning.block = Some(1024);
    options.tuning.shuffle = Some(seed);
    options
}

/// Runs into C-ordered f64 results.
pub(super) fn run_f64(
    executable: &Executable,
    inputs: &[&Strided],
    options: &RunOptions<'_>,
) -> Result<Vec<Vec<f64>>, RunError> {
    let operands: Vec<Operand<'_>> = inputs.iter().map(|input| input.view().into()).collect();
    let arrays = executable.run_alloc(&operands, options)?;
    Ok(arrays.iter().map(|array| array.as_slice::<f64>().expect("f64").to_vec()).collect())
}

/// Equal bits.
pub(super) fn assert_same(found: &[f64], expected: &[f64], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert_eq!(found.to_bits(), expected.to_bits(), "{what}: {found} {expected} at {index}");
    }
}

/// A layout of native f64.
pub(super) fn f64_layout<'l>(extents: &'l [usize], strides: &'l [isize]) -> Layout<'l> {
    Layout { dtype: DType::F64, order: ByteOrder::Native, extents, strides }
}
