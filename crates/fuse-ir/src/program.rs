//! What a formula becomes: typed inputs, shape rules, and passes over kernels.
//!
//! ```text
//! inputs ──▶ pass 0 ──▶ temporaries ──▶ pass 1 ──▶ … ──▶ results
//! ```
//!
//! **Static types, dynamic extents.** A program knows dtypes and ranks and which axes have extent 1
//! (its [`Signature`]); every other extent is a [`Symbol`], bound per call by [`Program::bind`], which
//! checks the shape rules. One formula on a thousand sizes is one program and one compilation.
//!
//! **Passes.** A pass runs one verified kernel over a loop space in logical C order. Each operand is
//! a view of an input or a temporary: a map from loop axes to source axes, where a missing axis
//! broadcasts. Elementwise results go to sinks of the loop's shape; folds reduce some of its axes, and
//! their results have the shape of the others. A value computed at a coarser rate than the loop that
//! uses it (a row of an outer product, a reduction) is a temporary of its own, smaller shape.

use std::fmt;
use std::ops::Range;

use smallvec::SmallVec;

use crate::dtype::{DType, Part};
use crate::ids::index_u32;
use crate::predicate::{TextConstant, TextOp};
use crate::shape::Extents;
use crate::symbol::{Symbol, symbol_text};
use crate::verify::VerifiedKernel;

/// What is known of an axis before any array is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Axis {
    /// Its extent is 1: it broadcasts.
    One,
    /// Any other extent, 0 included.
    Many,
}

/// Does an input's dtype take part in promotion?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Strength {
    /// It does, as NumPy's arrays and typed scalars do.
    Strong,
    /// It gives way, as Python's plain numbers do: `f32_array * 2.5` is f32.
    Weak,
}

/// What a program is specialised on for one input.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct InputType {
    /// Element type.
    pub dtype: DType,
    /// One entry per dimension; empty for a scalar.
    pub axes: SmallVec<[Axis; 4]>,
    /// Weak only for scalars.
    pub strength: Strength,
}

impl InputType {
    /// An array of that dtype and these extents.
    pub fn array(dtype: DType, extents: &[usize]) -> InputType {
        let axis = |&extent: &usize| if extent == 1 { Axis::One } else { Axis::Many };
        InputType { dtype, axes: extents.iter().map(axis).collect(), strength: Strength::Strong }
    }

    /// A scalar.
    pub fn scalar(dtype: DType, strength: Strength) -> InputType {
        InputType { dtype, axes: SmallVec::new(), strength }
    }
}

/// The types of all inputs, in the order of the program's inputs.
pub type Signature = Vec<InputType>;

/// A named input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramInput {
    /// The variable's name.
    pub name: String,
    /// Its type.
    pub ty: InputType,
}

/// A place in the formula's text, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SourceSpan {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// The extent of one axis of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dim {
    /// 1: it broadcasts.
    One,
    /// The extent bound to [`Program::symbols`] at this position.
    Symbol(u32),
}

/// The shape of a value, outermost axis first.
pub type Shape = SmallVec<[Dim; 4]>;

/// Two axes that broadcasting puts side by side: their extents must be equal, or one of them 1 (which
/// the extent of an input's axis is not, but that of a slice can be).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShapeRule {
    /// Shape and place of the left operand.
    pub lhs: (Shape, SourceSpan),
    /// Shape and place of the right operand.
    pub rhs: (Shape, SourceSpan),
    /// The two symbols.
    pub symbols: (u32, u32),
}

/// A reduction without a value for no elements: each of its results must be of some.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ElementRule {
    /// Name of the reduction.
    pub reduction: &'static str,
    /// Shape and place of the operand.
    pub operand: (Shape, SourceSpan),
    /// The axes that are reduced.
    pub axes: SmallVec<[u32; 4]>,
}

/// An integer index: it must lie inside its axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexRule {
    /// The index as written, negative ones counting from the end.
    pub index: u32,
    /// The axis of the operand.
    pub axis: u32,
    /// Shape of what is indexed, and place of the index.
    pub operand: (Shape, SourceSpan),
}

/// A number of elements that a formula asks for: it must not be negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountRule {
    /// The number.
    pub count: u32,
    /// Where in the formula.
    pub span: SourceSpan,
}

/// A weak integer, a scalar or an extent, that takes on an integer dtype: its value must fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FitRule {
    /// Symbol of its value.
    pub number: u32,
    /// The dtype it takes on.
    pub dtype: DType,
    /// Where in the formula.
    pub span: SourceSpan,
}

/// Dtype and shape of a temporary or a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArraySpec {
    /// Element type.
    pub dtype: DType,
    /// Shape; empty for a scalar.
    pub shape: Shape,
}

/// Where a pass reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// Input at this position.
    Input(u32),
    /// That half of each element of the complex input at this position.
    Part(u32, Part),
    /// Temporary at this position, written by an earlier pass.
    Temporary(u32),
    /// The i64 value of a symbol: a scalar.
    Symbol(u32),
    /// The bools of the predicate at this position of [`Program::predicates`].
    Predicate(u32),
}

/// A question about two texts, element by element: a source of bools that is evaluated where it is
/// read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Predicate {
    /// What is asked.
    pub op: TextOp,
    /// The texts, of one kind: both S or both U.
    pub operands: [TextOperand; 2],
    /// What the texts broadcast to: the axes of the views.
    pub shape: Shape,
}

/// A text of a predicate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextOperand {
    /// Of an input, by the axes of the predicate.
    View(OperandView),
    /// The same for all elements.
    Constant(TextConstant),
}

/// Where a pass writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sink {
    /// Result at this position.
    Result(u32),
    /// That half of each element of the complex result at this position.
    Part(u32, Part),
    /// Temporary at this position.
    Temporary(u32),
}

/// What of a source's axis an operand reads: the elements `start`, `start + step`, ….
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pick {
    /// Symbol of the first element's position; without elements it may lie anywhere.
    pub start: u32,
    /// From an element to the next; not 0.
    pub step: i64,
    /// How many elements; [`Dim::One`] for an integer index.
    pub extent: Dim,
}

/// An operand of a pass: an array for an input of its kernel, an element for a scalar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperandView {
    /// What it reads.
    pub source: Source,
    /// One entry for each axis of the source; none where every axis is read whole.
    pub picks: Vec<Pick>,
    /// For each loop axis the source's axis, or `None` where the operand broadcasts.
    pub axes: SmallVec<[Option<u32>; 4]>,
}

/// One kernel over one loop space.
#[derive(Clone, Debug)]
pub struct Pass {
    /// The loop space, outermost axis first.
    pub space: Shape,
    /// The axes of the loop that the folds reduce, in rising order; none in a pass without folds. A
    /// fold's results have the extents of the other axes.
    pub reduced: SmallVec<[u32; 4]>,
    /// The kernel, with a splat input for each operand that broadcasts along the last loop axis.
    pub kernel: VerifiedKernel,
    /// For each parameter of the kernel's uniform region the scalar it is: no view has loop axes.
    pub scalars: Vec<OperandView>,
    /// For each input of the kernel the operand it reads.
    pub operands: Vec<OperandView>,
    /// For each output of the kernel where it goes; the sink's shape is the loop space.
    pub outputs: Vec<Sink>,
    /// For each fold, for each of its results, where that goes; a sink's shape is [`Pass::kept`].
    pub folds: Vec<Vec<Vec<Sink>>>,
}

impl Pass {
    /// The shape of its folds' results: the axes that are not reduced.
    pub fn kept(&self) -> Shape {
        let is_kept = |axis: &usize| !self.reduced.iter().any(|&reduced| reduced as usize == *axis);
        (0..self.space.len()).filter(is_kept).map(|axis| self.space[axis]).collect()
    }

    /// Everywhere it writes.
    pub fn sinks(&self) -> impl Iterator<Item = &Sink> {
        self.outputs.iter().chain(self.folds.iter().flatten().flatten())
    }

    /// Everywhere it writes.
    pub fn sinks_mut(&mut self) -> impl Iterator<Item = &mut Sink> {
        self.outputs.iter_mut().chain(self.folds.iter_mut().flatten().flatten())
    }
}

/// Passes that run together, tile by tile, so that what they hand to each other never leaves the cache.
///
/// ```text
/// softmax over rows, domain (rows):   m = max(x, 1) │ e = exp(x - m), s = sum(e, 1) │ e / s
/// tile [o0, o1) of the domain         m[o0..o1]       e[o0..o1, :], s[o0..o1]         result[o0..o1, :]
/// ```
///
/// A tile is a range `[o0, o1)` of the C-order index of `domain`, whose rank is at least 1. For each
/// tile every pass runs its part, in order:
/// * a pass without folds: its space begins with the domain's axes, and it runs elements
///   `[o0 · inner, o1 · inner)` of its loop in C order, `inner` being the number of elements of the axes
///   after them;
/// * a pass with folds: [`Pass::kept`] is the domain (the reduced axes may stand anywhere), and it runs
///   outputs `[o0, o1)`.
///
/// A temporary that one of the passes writes has a shape that begins with the domain's axes. The passes
/// after it may read it as an operand, whole, each of the domain's axes at that very axis of the loop
/// (of the loop's kept axes where it folds): then a tile reads what it has written itself. None may read
/// it as a scalar, or as the passes before the writer do, from an earlier tile.
///
/// **Reach.** Where the domain has one axis, a pass without folds that writes nothing but locals may run
/// beyond its tile, `[o0 + low, o1 + high)` along the axis: what neighbours of an element read of it is
/// then computed with the tile, once, and again for the next. Its loop may be longer than the domain. A
/// pass that runs `[o0 + l, o1 + h)` reads such a local as a slice from `s` on, of step 1 and as long as
/// its own loop, if `low <= l + s` and `h + s <= high`.
///
/// The tiles run in any order and on any threads, and their size is the runtime's choice: no result may
/// depend on it, and by these rules none does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nest {
    /// Positions of the passes: a run of [`Program::passes`].
    pub passes: Range<u32>,
    /// What is cut into tiles.
    pub domain: Shape,
    /// How far each pass runs beyond a tile; empty if no loop is longer than the domain.
    pub reach: Vec<Reach>,
    /// The temporaries that these passes alone write and read, in rising order: a thread keeps them a
    /// tile at a time. No other pass, nor a nest, may use one.
    pub locals: Vec<u32>,
}

/// The elements that a pass of a nest runs for a tile `[o0, o1)`: `[o0 + low, o1 + high)`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// What is added to the first.
    pub low: u32,
    /// What is added to the end; not less than `low`.
    pub high: u32,
}

impl Nest {
    /// How far the pass at this position of the nest runs beyond a tile; `None` in a nest whose loops
    /// are all as long as the domain.
    pub fn reach(&self, position: usize) -> Option<Reach> {
        self.reach.get(position).copied()
    }
}

/// A compiled formula, before any back end has seen it.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// The inputs it reads.
    pub inputs: Vec<ProgramInput>,
    /// Where extents come from; each refers to earlier ones.
    pub symbols: Vec<Symbol>,
    /// What broadcasting demands.
    pub shape_rules: Vec<ShapeRule>,
    /// What reductions demand.
    pub element_rules: Vec<ElementRule>,
    /// What integer indices demand.
    pub index_rules: Vec<IndexRule>,
    /// What numbers of elements demand.
    pub count_rules: Vec<CountRule>,
    /// What weak integers must fit.
    pub fit_rules: Vec<FitRule>,
    /// Values between passes. A pass may write one again when no later pass reads its former value.
    pub temporaries: Vec<ArraySpec>,
    /// What the formula returns.
    pub results: Vec<ArraySpec>,
    /// The passes, in order.
    pub passes: Vec<Pass>,
    /// Which of them run together: runs that do not meet, in rising order. Any other pass runs alone.
    pub nests: Vec<Nest>,
    /// Questions about texts that passes read the answers to.
    pub predicates: Vec<Predicate>,
}

/// Why arrays could not be bound to a program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BindError {
    /// The number, rank or extent-1 axes of the inputs are not those of the signature.
    #[error("input {input} does not have the type that the program was compiled for")]
    Signature {
        /// Position of the input.
        input: usize,
    },
    /// Two shapes do not broadcast.
    #[error("shapes {} and {} do not broadcast", shape_text(.lhs.0.as_slice()), shape_text(.rhs.0.as_slice()))]
    Shapes {
        /// Extents and place of the left operand.
        lhs: (Extents, SourceSpan),
        /// Extents and place of the right operand.
        rhs: (Extents, SourceSpan),
    },
    /// A reduction that has no value of no elements.
    #[error("{reduction} of no elements: axis {axis} is empty")]
    NoElements {
        /// Name of the reduction.
        reduction: &'static str,
        /// The axis that has no elements.
        axis: u32,
        /// Extents and place of its operand.
        operand: (Extents, SourceSpan),
    },
    /// An integer index outside its axis.
    #[error("index {index} is outside axis {axis} of shape {}", shape_text(.operand.0.as_slice()))]
    Index {
        /// The index.
        index: i64,
        /// The axis.
        axis: u32,
        /// Extents of what is indexed, and place of the index.
        operand: (Extents, SourceSpan),
    },
    /// A negative number of elements.
    #[error("{count} elements are asked for")]
    Count {
        /// The number.
        count: i64,
        /// Where in the formula.
        span: SourceSpan,
    },
}

/// The symbols of one call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bound {
    values: SmallVec<[i64; 8]>,
}

impl Bound {
    /// The extents of a shape.
    pub fn extents(&self, shape: &[Dim]) -> Extents {
        shape.iter().map(|&dim| self.extent(dim)).collect()
    }

    /// The extent of one axis.
    pub fn extent(&self, dim: Dim) -> usize {
        match dim {
            Dim::One => 1,
            Dim::Symbol(symbol) => usize::try_from(self.value(symbol)).unwrap_or(0),
        }
    }

    /// The value of a symbol.
    pub fn value(&self, symbol: u32) -> i64 {
        self.values[symbol as usize]
    }
}

impl Program {
    /// Binds the extents of a call's inputs, and the values of the integer scalars that extents depend
    /// on, and checks all rules. Allocates nothing for up to eight symbols.
    ///
    /// # Errors
    /// [`BindError`] where the inputs are not of the program's signature or a rule does not hold.
    pub fn bind(
        &self,
        inputs: &[&[usize]],
        scalar: impl Fn(u32) -> i64,
    ) -> Result<Bound, BindError> {
        if inputs.len() != self.inputs.len() {
            return Err(BindError::Signature { input: inputs.len().min(self.inputs.len()) });
        }
        for (input, (&extents, declared)) in inputs.iter().zip(&self.inputs).enumerate() {
            let fits = |(&extent, &axis): (&usize, &Axis)| (extent == 1) == (axis == Axis::One);
            let axes = &declared.ty.axes;
            if extents.len() != axes.len() || !extents.iter().zip(axes).all(fits) {
                return Err(BindError::Signature { input });
            }
        }
        let bound = Bound { values: self.values(inputs, scalar) };
        self.check_shapes(&bound)?;
        self.check_numbers(&bound)?;
        Ok(bound)
    }

    fn values(&self, inputs: &[&[usize]], scalar: impl Fn(u32) -> i64) -> SmallVec<[i64; 8]> {
        let mut values: SmallVec<[i64; 8]> = SmallVec::with_capacity(self.symbols.len());
        for &symbol in &self.symbols {
            values.push(match symbol {
                Symbol::Axis { input, axis } => {
                    i64::try_from(inputs[input as usize][axis as usize]).unwrap_or(i64::MAX)
                }
                Symbol::Literal(value) => value,
                Symbol::Scalar(input) => scalar(input),
                Symbol::Apply(op, a, b) => op.apply(values[a as usize], values[b as usize]),
            });
        }
        values
    }

    fn check_shapes(&self, bound: &Bound) -> Result<(), BindError> {
        for rule in &self.shape_rules {
            let (lhs, rhs) = (bound.value(rule.symbols.0), bound.value(rule.symbols.1));
            if lhs != rhs && lhs != 1 && rhs != 1 {
                return Err(BindError::Shapes {
                    lhs: (bound.extents(&rule.lhs.0), rule.lhs.1),
                    rhs: (bound.extents(&rule.rhs.0), rule.rhs.1),
                });
            }
        }
        Ok(())
    }

    fn check_numbers(&self, bound: &Bound) -> Result<(), BindError> {
        for rule in &self.count_rules {
            let count = bound.value(rule.count);
            if count < 0 {
                return Err(BindError::Count { count, span: rule.span });
            }
        }
        for rule in &self.index_rules {
            let (index, dim) = (bound.value(rule.index), rule.operand.0[rule.axis as usize]);
            let extent = i64::try_from(bound.extent(dim)).unwrap_or(i64::MAX);
            if index >= extent || index < -extent {
                let operand = (bound.extents(&rule.operand.0), rule.operand.1);
                return Err(BindError::Index { index, axis: rule.axis, operand });
            }
        }
        for rule in &self.element_rules {
            let extents = bound.extents(&rule.operand.0);
            let is_empty = |axis: usize| extents[axis] == 0;
            let is_reduced = |axis: usize| rule.axes.contains(&index_u32(axis));
            let has_results = (0..extents.len()).all(|axis| is_reduced(axis) || !is_empty(axis));
            let empty = rule.axes.iter().copied().find(|&axis| is_empty(axis as usize));
            if let (Some(axis), true) = (empty, has_results) {
                let (reduction, operand) = (rule.reduction, (extents, rule.operand.1));
                return Err(BindError::NoElements { reduction, axis, operand });
            }
        }
        Ok(())
    }

    /// From which element on a view reads along its source's first axis, if it reads as many as the loop's
    /// first axis has, one by one: what [`Nest::reach`] goes by. 0 for a whole source.
    pub fn slice_start(&self, pass: &Pass, view: &OperandView) -> Option<u32> {
        let Some(pick) = view.picks.first() else { return Some(0) };
        let Symbol::Literal(start) = self.symbols[pick.start as usize] else { return None };
        let fits = pick.step == 1 && pass.space.first() == Some(&pick.extent);
        u32::try_from(start).ok().filter(|_| fits)
    }

    /// The spec of a source.
    pub fn source(&self, source: Source) -> ArraySpec {
        match source {
            Source::Temporary(index) => self.temporaries[index as usize].clone(),
            Source::Input(index) => {
                let ty = &self.inputs[index as usize].ty;
                ArraySpec { dtype: ty.dtype, shape: self.input_shape(index) }
            }
            Source::Part(index, _) => half(self.source(Source::Input(index))),
            Source::Symbol(_) => ArraySpec { dtype: DType::I64, shape: Shape::new() },
            Source::Predicate(index) => {
                let shape = self.predicates[index as usize].shape.clone();
                ArraySpec { dtype: DType::Bool, shape }
            }
        }
    }

    /// Work of an answer, in primitives: at most so many units of the texts are looked at.
    pub fn predicate_work(&self, predicate: &Predicate) -> usize {
        let units = |operand: &TextOperand| match self.text_dtype(operand) {
            DType::Bytes(n) | DType::Text(n) => n as usize,
            _ => 0,
        };
        let [lhs, rhs] = predicate.operands.each_ref().map(units);
        lhs.saturating_add(rhs).saturating_add(1)
    }

    /// The dtype of a text.
    pub fn text_dtype(&self, operand: &TextOperand) -> DType {
        match operand {
            TextOperand::View(view) => self.source(view.source).dtype,
            TextOperand::Constant(constant) => constant.dtype(),
        }
    }

    /// The spec of a sink.
    pub fn sink(&self, sink: Sink) -> ArraySpec {
        match sink {
            Sink::Result(index) => self.results[index as usize].clone(),
            Sink::Part(index, _) => half(self.results[index as usize].clone()),
            Sink::Temporary(index) => self.temporaries[index as usize].clone(),
        }
    }

    fn input_shape(&self, input: u32) -> Shape {
        let symbol_of = |(axis, kind): (usize, &Axis)| match kind {
            Axis::One => Dim::One,
            Axis::Many => {
                let wanted = Symbol::Axis { input, axis: index_u32(axis) };
                let position = self.symbols.iter().position(|&symbol| symbol == wanted);
                Dim::Symbol(index_u32(position.expect("every axis of unknown extent is a symbol")))
            }
        };
        self.inputs[input as usize].ty.axes.iter().enumerate().map(symbol_of).collect()
    }
}

/// The spec of the halves of complex numbers.
fn half(spec: ArraySpec) -> ArraySpec {
    ArraySpec { dtype: spec.dtype.part().unwrap_or(spec.dtype), ..spec }
}

/// A shape as Python prints it: `()`, `(3,)`, `(2, 3)`.
pub fn shape_text(extents: &[usize]) -> String {
    match extents {
        [only] => format!("({only},)"),
        many => {
            let parts: Vec<String> = many.iter().map(ToString::to_string).collect();
            format!("({})", parts.join(", "))
        }
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, pass) in self.passes.iter().enumerate() {
            writeln!(f, "pass {number}: over [{}]", self.space_text(&pass.space))?;
            let arrays = pass.operands.iter().map(|view| self.view_text(view));
            let scalars = pass.scalars.iter().map(|view| self.view_text(view));
            let sinks = pass.sinks();
            write_list(f, "reads", arrays.collect())?;
            write_list(f, "scalars", scalars.collect())?;
            write_list(f, "writes", sinks.map(|&sink| sink_name(sink)).collect())?;
        }
        for Nest { passes, domain, reach, locals } in &self.nests {
            let (first, last) = (passes.start, passes.end.saturating_sub(1));
            writeln!(f, "passes {first} to {last} by tiles of [{}]", self.space_text(domain))?;
            for (pass, Reach { low, high }) in passes.clone().zip(reach) {
                if (*low, *high) != (0, 0) {
                    writeln!(f, "  pass {pass} from {low} to {high} beyond")?;
                }
            }
            let local = |&local: &u32| sink_name(Sink::Temporary(local));
            write_list(f, "keeps a tile of", locals.iter().map(local).collect())?;
        }
        Ok(())
    }
}

impl Program {
    fn source_name(&self, source: Source) -> String {
        match source {
            Source::Input(index) => self.inputs[index as usize].name.clone(),
            Source::Part(index, part) => {
                format!("{}.{part}", self.inputs[index as usize].name)
            }
            Source::Temporary(index) => format!("temporary {index}"),
            Source::Symbol(symbol) => self.symbol_text(symbol),
            Source::Predicate(index) => self.predicate_text(&self.predicates[index as usize]),
        }
    }

    /// `s == 'ab'`, `contains(s, t)`.
    fn predicate_text(&self, predicate: &Predicate) -> String {
        let [lhs, rhs] = predicate.operands.each_ref().map(|operand| match operand {
            TextOperand::View(view) => self.view_text(view),
            TextOperand::Constant(constant) => constant.to_string(),
        });
        let symbol = predicate.op.symbol();
        match predicate.op {
            TextOp::Contains => format!("{symbol}({lhs}, {rhs})"),
            TextOp::Eq | TextOp::Ne | TextOp::Lt | TextOp::Le | TextOp::Gt | TextOp::Ge => {
                format!("{lhs} {symbol} {rhs}")
            }
        }
    }

    fn symbol_text(&self, symbol: u32) -> String {
        symbol_text(&self.symbols, symbol, &|input| &self.inputs[input as usize].name)
    }

    fn space_text(&self, shape: &[Dim]) -> String {
        let dim = |dim: &Dim| match dim {
            Dim::One => "1".to_string(),
            Dim::Symbol(symbol) => self.symbol_text(*symbol),
        };
        shape.iter().map(dim).collect::<Vec<String>>().join(", ")
    }

    /// `x`, `x[1:, 0]`: the source, and where not all of it is read, start and step along each axis.
    fn view_text(&self, view: &OperandView) -> String {
        let name = self.source_name(view.source);
        if view.picks.is_empty() {
            return name;
        }
        let pick = |pick: &Pick| match (pick.extent, pick.step) {
            (Dim::One, _) => self.symbol_text(pick.start),
            (Dim::Symbol(_), 1) => format!("{}:", self.symbol_text(pick.start)),
            (Dim::Symbol(_), step) => format!("{}::{step}", self.symbol_text(pick.start)),
        };
        let picks: Vec<String> = view.picks.iter().map(pick).collect();
        format!("{name}[{}]", picks.join(", "))
    }
}

/// A line of names, if there are any.
fn write_list(f: &mut fmt::Formatter<'_>, what: &str, names: Vec<String>) -> fmt::Result {
    if names.is_empty() { Ok(()) } else { writeln!(f, "  {what} {}", names.join(", ")) }
}

fn sink_name(sink: Sink) -> String {
    match sink {
        Sink::Result(index) => format!("result {index}"),
        Sink::Part(index, part) => format!("result {index}.{part}"),
        Sink::Temporary(index) => format!("temporary {index}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two_vectors() -> Program {
        let vector = |name: &str| ProgramInput {
            name: name.to_string(),
            ty: InputType::array(DType::F64, &[5]),
        };
        let shape = |symbol| -> Shape { [Dim::Symbol(symbol)].into_iter().collect() };
        Program {
            inputs: vec![vector("a"), vector("b")],
            symbols: vec![Symbol::Axis { input: 0, axis: 0 }, Symbol::Axis { input: 1, axis: 0 }],
            shape_rules: vec![ShapeRule {
                lhs: (shape(0), SourceSpan { start: 0, end: 1 }),
                rhs: (shape(1), SourceSpan { start: 4, end: 5 }),
                symbols: (0, 1),
            }],
            ..Program::default()
        }
    }

    #[test]
    fn equal_extents_bind_and_unequal_ones_name_both_shapes() {
        let program = two_vectors();
        let bound = program.bind(&[&[7], &[7]], |_| 0).expect("they broadcast");
        assert_eq!(bound.extents(&[Dim::One, Dim::Symbol(1)]).as_slice(), [1, 7]);
        let error = program.bind(&[&[7], &[8]], |_| 0).expect_err("they do not");
        assert_eq!(error.to_string(), "shapes (7,) and (8,) do not broadcast");
    }

    #[test]
    fn a_reduction_can_demand_elements() {
        let mut program = two_vectors();
        let operand = (program.shape_rules[0].lhs.0.clone(), SourceSpan { start: 4, end: 5 });
        let axes = [0].into_iter().collect();
        program.element_rules = vec![ElementRule { reduction: "max", operand, axes }];
        assert!(program.bind(&[&[7], &[7]], |_| 0).is_ok());
        let error = program.bind(&[&[0], &[0]], |_| 0).expect_err("nothing to choose from");
        assert_eq!(error.to_string(), "max of no elements: axis 0 is empty");
    }

    #[test]
    fn without_results_a_reduction_demands_no_elements() {
        let mut program = two_vectors();
        let shape: Shape = [Dim::Symbol(0), Dim::Symbol(1)].into_iter().collect();
        program.shape_rules.clear();
        let operand = (shape, SourceSpan { start: 4, end: 5 });
        let axes = [1].into_iter().collect();
        program.element_rules = vec![ElementRule { reduction: "max", operand, axes }];
        assert!(program.bind(&[&[0], &[0]], |_| 0).is_ok(), "(0, 0) has no rows");
        assert!(program.bind(&[&[0], &[7]], |_| 0).is_ok());
        let error = program.bind(&[&[7], &[0]], |_| 0).expect_err("seven rows of nothing");
        assert_eq!(error.to_string(), "max of no elements: axis 1 is empty");
    }

    #[test]
    fn an_extent_of_one_is_another_signature() {
        let error = two_vectors().bind(&[&[7], &[1]], |_| 0).expect_err("axis of extent 1");
        assert_eq!(error, BindError::Signature { input: 1 });
    }
}
