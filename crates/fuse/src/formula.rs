//! Formulas: parsed once, compiled once for each combination of types.
//!
//! ```text
//! text ──▶ Parsed ──types──▶ Plan (program and code) ──arrays──▶ result
//!          cache of the engine  kept by the formula
//! ```
//!
//! Extents are no part of the types, so one formula on a thousand sizes is compiled once; which axes
//! have extent 1 is. Compilation is single-flight: threads that need the same plan wait for one.

use std::str::FromStr;
use std::sync::Arc;

use fuse_compile::{Compiled, Variable};
use fuse_ir::{DType, HostBackend, InputType, Strength};
use fuse_runtime::{
    DefaultFloats, DeviceExecutable, Executable, Operand, Pager, RunError, Survey, ViewMut,
};
use fuse_syntax::Ast;
use smallvec::SmallVec;

use crate::array::Array;
use crate::device::DeviceArray;
use crate::engine::{Engine, Shared};
use crate::error::{Error, ErrorKind};
use crate::limits::Limits;
use crate::output::AsOutputs;
use crate::plans::Plans;
use crate::vars::{Input, Vars};

/// Plans that one formula keeps.
const PLANS: usize = 64;

/// Calls whose largest input has no more elements run on the calling thread.
const SMALL: usize = 4096;

/// A formula, ready to be evaluated. `Send + Sync`, cheap to clone.
#[derive(Clone)]
pub struct Formula {
    pub(crate) engine: Engine,
    pub(crate) parsed: Arc<Parsed>,
}

/// A formula's text and tree, and the plans made of it so far.
pub(crate) struct Parsed {
    source: Arc<str>,
    pub(crate) ast: Ast,
    /// Names that may be variables, in order of first use.
    names: Vec<String>,
    plans: Plans<Plan, PLANS>,
}

/// A formula compiled for the types of its variables.
pub(crate) struct Plan {
    /// For each name of the formula the type of the variable, if it was given.
    types: Vec<Option<InputType>>,
    /// For each input of the program the position of its name.
    order: SmallVec<[usize; 4]>,
    code: Code,
}

/// Where a plan runs.
#[expect(
    clippy::large_enum_variant,
    reason = "a plan is shared; a box would be one more place to look"
)]
enum Code {
    Host(Executable),
    Device(DeviceExecutable),
}

/// Dtype and rank of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResultType {
    /// Element type.
    pub dtype: DType,
    /// Number of dimensions.
    pub rank: usize,
}

/// For each name of a formula the variable of that name.
type Gathered<'v, 'a> = SmallVec<[Option<&'v Input<'a>>; 4]>;

/// For each input of a program what a call gives.
type Operands<'v, 'a> = SmallVec<[&'v Operand<'a>; 4]>;

impl Parsed {
    pub(crate) fn new(text: &str, limits: &Limits) -> Result<Parsed, Error> {
        // Literals are rounded to nearest, whatever the caller's state.
        let _floats = DefaultFloats::enter();
        let ast = fuse_syntax::parse(text, &limits.syntax())
            .map_err(|diagnostics| Error::from_diagnostics(text, diagnostics))?;
        let names = fuse_compile::names(&ast).into_iter().map(str::to_string).collect();
        Ok(Parsed { source: text.into(), ast, names, plans: Plans::new() })
    }

    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    fn gather<'v, 'a>(&self, vars: &'v Vars<'a>) -> Gathered<'v, 'a> {
        let mut inputs = Gathered::new();
        self.gather_to(&mut inputs, vars);
        inputs
    }

    /// As [`Parsed::gather`], to where they stay.
    #[inline]
    fn gather_to<'v, 'a>(&self, inputs: &mut Gathered<'v, 'a>, vars: &'v Vars<'a>) {
        for (position, name) in self.names.iter().enumerate() {
            inputs.push(vars.entries.get_near(position, name));
        }
    }

    fn plan(&self, shared: &Shared, inputs: &Gathered<'_, '_>) -> Result<Arc<Plan>, Error> {
        let types = || inputs.iter().map(|input| input.map(Input::ty)).collect();
        let make = || self.compile_plan(shared, types());
        self.plans.find_or_make(|plan| plan.fits(inputs), make)
    }

    fn compile_plan(&self, shared: &Shared, types: Vec<Option<InputType>>) -> Result<Plan, Error> {
        // Threads that are started meanwhile inherit the state as well.
        let _floats = DefaultFloats::enter();
        let compiled = self.compile(shared, &types)?;
        let position = |name: &String| self.names.iter().position(|known| known == name);
        let inputs = compiled.program.inputs.iter();
        let order = inputs
            .map(|input| {
                position(&input.name).expect("the program's inputs are names of the formula")
            })
            .collect();
        let program = Arc::new(compiled.program);
        let code = match &shared.device {
            Some(device) => {
                Code::Device(DeviceExecutable::new(program, Arc::clone(&device.context)))
            }
            None => {
                let backends: Arc<dyn HostBackend> = shared.backends.clone();
                Code::Host(Executable::compile(program, &backends))
            }
        };
        Ok(Plan { types, order, code })
    }

    /// The formula compiled for variables of these types, one for each name.
    pub(crate) fn compile(
        &self,
        shared: &Shared,
        types: &[Option<InputType>],
    ) -> Result<Compiled, Error> {
        let given = self.names.iter().zip(types);
        let variables: Vec<Variable<'_>> = given
            .filter_map(|(name, ty)| Some(fuse_compile::variable(name, ty.clone()?)))
            .collect();
        self.compile_for(shared, &variables)
    }

    fn compile_for(&self, shared: &Shared, variables: &[Variable<'_>]) -> Result<Compiled, Error> {
        // Constants are folded here.
        let _floats = DefaultFloats::enter();
        fuse_compile::compile(&self.ast, variables, shared.options)
            .map_err(|diagnostics| Error::from_diagnostics(&self.source, diagnostics))
    }

    pub(crate) fn types_of(&self, variables: &[(&str, InputType)]) -> Vec<Option<InputType>> {
        let given = |name: &String| variables.iter().find(|(known, _)| known == name);
        self.names.iter().map(|name| given(name).map(|(_, ty)| ty.clone())).collect()
    }
}

impl Plan {
    #[inline]
    fn fits(&self, inputs: &Gathered<'_, '_>) -> bool {
        self.types.iter().zip(inputs).all(|(ty, input)| match (ty, input) {
            (Some(ty), Some(input)) => input.has_type(ty),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        })
    }

    fn on_device(&self) -> Result<&DeviceExecutable, Error> {
        match &self.code {
            Code::Device(executable) => Ok(executable),
            Code::Host(_) => {
                let message = "the engine has no device to leave results on: make it with \
                               `Engine::builder().device(..)`";
                Err(Error::new(ErrorKind::Device, message))
            }
        }
    }

    fn operands<'v, 'a>(&self, inputs: &Gathered<'v, 'a>) -> Operands<'v, 'a> {
        let mut operands = Operands::new();
        self.operands_to(&mut operands, inputs);
        operands
    }

    /// As [`Plan::operands`], to where they stay.
    #[inline]
    fn operands_to<'v, 'a>(&self, operands: &mut Operands<'v, 'a>, inputs: &Gathered<'v, 'a>) {
        for &position in &self.order {
            operands.push(&inputs[position].expect("the plan fits the inputs").operand);
        }
    }
}

/// Operands as devices take them.
fn owned<'a>(operands: &[&Operand<'a>]) -> SmallVec<[Operand<'a>; 4]> {
    operands.iter().copied().cloned().collect()
}

/// Is a call too small to be worth waking other threads?
fn is_small(inputs: &Gathered<'_, '_>) -> bool {
    let ranks = inputs.iter().flatten().map(|input| input.extents().len());
    let len =
        |input: &&Input<'_>| input.extents().iter().fold(1_usize, |n, &e| n.saturating_mul(e));
    ranks.max().unwrap_or(0) <= 1 && inputs.iter().flatten().all(|input| len(input) <= SMALL)
}

impl Formula {
    /// The formula's text.
    pub fn source(&self) -> &str {
        self.parsed.source()
    }

    /// Names that the formula reads, in order of first use; constants such as `pi` among them.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parsed.names.iter().map(String::as_str)
    }

    /// The results as they are written, in order: names or expressions.
    ///
    /// ```
    /// let f: fuse::Formula = "r*cos(t), r*sin(t), r".parse()?;
    /// assert!(f.results().eq(["r*cos(t)", "r*sin(t)", "r"]));
    /// # Ok::<(), fuse::Error>(())
    /// ```
    pub fn results(&self) -> impl ExactSizeIterator<Item = &str> {
        let ast = &self.parsed.ast;
        ast.results().iter().map(|&id| ast.span(id).slice(ast.source()))
    }

    /// Where the results stand in the text, in bytes.
    #[doc(hidden)]
    pub fn result_spans(&self) -> impl ExactSizeIterator<Item = std::ops::Range<usize>> {
        let ast = &self.parsed.ast;
        ast.results().iter().map(|&id| ast.span(id).range())
    }

    /// Types of the results for variables of these types. Variables that the formula does not use
    /// are what "did you mean" chooses from.
    ///
    /// # Errors
    /// [`ErrorKind::Name`], [`ErrorKind::Type`], [`ErrorKind::Unsupported`].
    pub fn outputs(&self, variables: &[(&str, InputType)]) -> Result<Vec<ResultType>, Error> {
        let compiled = self.compile_for(variables)?;
        let result =
            |spec: &fuse_ir::ArraySpec| ResultType { dtype: spec.dtype, rank: spec.shape.len() };
        Ok(compiled.program.results.iter().map(result).collect())
    }

    /// Dtypes and shapes of the results for these variables. Nothing is compiled to machine code or run, and
    /// no array is read.
    ///
    /// # Errors
    /// As [`Formula::outputs`], and [`ErrorKind::Shape`].
    ///
    /// ```
    /// let f: fuse::Formula = "x[1:], sum(x)".parse()?;
    /// let results = f.result_shapes(fuse::vars! { x = [1_f32, 2.0, 3.0] })?;
    /// assert_eq!(results[0].extents.as_slice(), [2]);
    /// assert!(results[1].extents.is_empty());
    /// # Ok::<(), fuse::Error>(())
    /// ```
    pub fn result_shapes<'a>(
        &self,
        vars: impl Into<Vars<'a>>,
    ) -> Result<Vec<fuse_runtime::ResultShape>, Error> {
        let vars = vars.into();
        let inputs = self.parsed.gather(&vars);
        let types: Vec<Option<InputType>> =
            inputs.iter().map(|input| input.map(Input::ty)).collect();
        let compiled = self.parsed.compile(&self.engine.shared, &types);
        let program = compiled.map_err(|error| self.name_error(&vars, error))?.program;
        let operand = |name: &str| vars.entries.get_near(0, name).map(|input| &input.operand);
        let operands: Operands<'_, 'a> =
            program.inputs.iter().filter_map(|input| operand(&input.name)).collect();
        fuse_runtime::infer(&program, &operands)
            .map_err(|error| Error::from_run(self.source(), error))
    }

    /// Evaluates into a new array.
    ///
    /// # Errors
    /// As [`crate::evaluate`].
    pub fn evaluate<'a>(&self, vars: impl Into<Vars<'a>>) -> Result<Array, Error> {
        self.planned(vars, |plan, inputs| self.run_alloc_one(plan, inputs))
    }

    /// Evaluates all results into new arrays.
    ///
    /// # Errors
    /// As [`crate::evaluate_all`].
    pub fn evaluate_all<'a>(&self, vars: impl Into<Vars<'a>>) -> Result<Vec<Array>, Error> {
        self.planned(vars, |plan, inputs| self.run_alloc(plan, inputs))
    }

    /// Evaluates into memory of the caller's: one output, or as many as there are results.
    ///
    /// # Errors
    /// As [`crate::evaluate_into`].
    pub fn evaluate_into<'a>(
        &self,
        vars: impl Into<Vars<'a>>,
        out: &mut (impl AsOutputs + ?Sized),
    ) -> Result<(), Error> {
        self.planned(vars, |plan, inputs| out.with_views(|outputs| self.run(plan, inputs, outputs)))
    }

    /// Evaluates into a new array that stays on the engine's device.
    ///
    /// # Errors
    /// As [`Engine::evaluate_on_device`].
    pub fn evaluate_on_device<'a>(&self, vars: impl Into<Vars<'a>>) -> Result<DeviceArray, Error> {
        self.planned(vars, |plan, inputs| {
            self.only("evaluate_all_on_device", || self.run_alloc_on_device(plan, inputs))
        })
    }

    /// Evaluates all results into new arrays that stay on the engine's device.
    ///
    /// # Errors
    /// As [`Engine::evaluate_all_on_device`].
    pub fn evaluate_all_on_device<'a>(
        &self,
        vars: impl Into<Vars<'a>>,
    ) -> Result<Vec<DeviceArray>, Error> {
        self.planned(vars, |plan, inputs| self.run_alloc_on_device(plan, inputs))
    }

    /// Evaluates into an array of the engine's device.
    ///
    /// # Errors
    /// As [`Engine::evaluate_into_device`].
    pub fn evaluate_into_device<'a>(
        &self,
        vars: impl Into<Vars<'a>>,
        out: &mut DeviceArray,
    ) -> Result<(), Error> {
        self.planned(vars, |plan, inputs| self.run_on_device(plan, inputs, out))
    }

    /// Compiles for variables of these types, for calls that need no lookup.
    ///
    /// # Errors
    /// [`ErrorKind::Name`], [`ErrorKind::Type`], [`ErrorKind::Unsupported`].
    ///
    /// ```
    /// use fuse::{DType, Formula, InputType, vars};
    ///
    /// let f: Formula = "x*x".parse()?;
    /// let prepared = f.prepare(&[("x", InputType::array(DType::F64, &[16]))])?;
    /// let (x, mut out) = ([3.0; 16], [0.0; 16]);
    /// prepared.evaluate_into(vars! { x }, &mut out)?;
    /// assert_eq!(out, [9.0; 16]);
    /// # Ok::<(), fuse::Error>(())
    /// ```
    pub fn prepare(&self, variables: &[(&str, InputType)]) -> Result<Prepared, Error> {
        let types = self.parsed.types_of(variables);
        let plan = self.parsed.compile_plan(&self.engine.shared, types)?;
        Ok(Prepared { formula: self.clone(), plan: Arc::new(plan) })
    }

    /// The formula compiled for variables of these types; all of them are named in errors.
    pub(crate) fn compile_for(&self, variables: &[(&str, InputType)]) -> Result<Compiled, Error> {
        let variables: Vec<Variable<'_>> =
            variables.iter().map(|(name, ty)| fuse_compile::variable(name, ty.clone())).collect();
        self.parsed.compile_for(&self.engine.shared, &variables)
    }

    /// What `run` does with the plan for these variables.
    fn planned<'a, T>(
        &self,
        vars: impl Into<Vars<'a>>,
        run: impl FnOnce(&Plan, &Gathered<'_, 'a>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let vars = vars.into();
        let inputs = self.parsed.gather(&vars);
        let plan = self.plan(&vars, &inputs)?;
        run(&plan, &inputs)
    }

    fn plan(&self, vars: &Vars<'_>, inputs: &Gathered<'_, '_>) -> Result<Arc<Plan>, Error> {
        self.parsed.plan(&self.engine.shared, inputs).map_err(|error| self.name_error(vars, error))
    }

    /// An unknown name may have been meant for a variable that the formula does not use.
    #[cold]
    fn name_error(&self, vars: &Vars<'_>, error: Error) -> Error {
        if error.kind() != ErrorKind::Name {
            return error;
        }
        let all: Vec<_> = vars.entries.iter().map(|(name, input)| (*name, input.ty())).collect();
        self.compile_for(&all).err().unwrap_or(error)
    }

    fn run(
        &self,
        plan: &Plan,
        inputs: &Gathered<'_, '_>,
        outputs: &mut [ViewMut<'_>],
    ) -> Result<(), Error> {
        let mut operands = Operands::new();
        plan.operands_to(&mut operands, inputs);
        let done = self.engine.with_options(|options| match &plan.code {
            // A short call needs no other threads, and is not kept waiting for them.
            Code::Host(executable) => match executable.run_short(&operands, outputs, options) {
                Some(done) => done,
                None => self.engine.with_threads(is_small(inputs), options, |options| {
                    executable.run_long(&operands, outputs, options).map_err(Box::new)
                }),
            },
            Code::Device(executable) => {
                executable.run(&owned(&operands), outputs, options).map_err(Box::new)
            }
        });
        done.map_err(|error| self.run_error(plan, *error))
    }

    fn run_alloc(&self, plan: &Plan, inputs: &Gathered<'_, '_>) -> Result<Vec<Array>, Error> {
        let operands = plan.operands(inputs);
        let arrays = self.engine.with_options(|options| match &plan.code {
            Code::Host(executable) => {
                self.engine.with_threads(is_small(inputs), options, |options| {
                    executable.run_alloc_borrowed(&operands, options)
                })
            }
            Code::Device(executable) => executable.run_alloc(&owned(&operands), options),
        });
        let arrays = arrays.map_err(|error| self.run_error(plan, error))?;
        Ok(arrays.into_iter().map(Array).collect())
    }

    /// Into one new array, where the formula has one result; otherwise nothing runs.
    fn run_alloc_one(&self, plan: &Plan, inputs: &Gathered<'_, '_>) -> Result<Array, Error> {
        self.only("evaluate_all", || self.run_alloc(plan, inputs))
    }

    /// The one result of a formula that has one; otherwise nothing runs.
    fn only<R>(&self, all: &str, run: impl FnOnce() -> Result<Vec<R>, Error>) -> Result<R, Error> {
        let results = self.results().count();
        let mut arrays = if results == 1 { run()? } else { Vec::new() };
        arrays.pop().ok_or_else(|| {
            let message = format!("the formula has {results} results, which `{all}` gives");
            Error::new(ErrorKind::Output, message)
        })
    }

    fn run_on_device(
        &self,
        plan: &Plan,
        inputs: &Gathered<'_, '_>,
        out: &mut DeviceArray,
    ) -> Result<(), Error> {
        let executable = plan.on_device()?;
        let (operands, outputs) = (owned(&plan.operands(inputs)), &mut [&mut out.0]);
        let done = self
            .engine
            .with_options(|options| executable.run_on_device(&operands, outputs, options));
        done.map_err(|error| self.run_error(plan, error))
    }

    fn run_alloc_on_device(
        &self,
        plan: &Plan,
        inputs: &Gathered<'_, '_>,
    ) -> Result<Vec<DeviceArray>, Error> {
        let executable = plan.on_device()?;
        let operands = owned(&plan.operands(inputs));
        let arrays =
            self.engine.with_options(|options| executable.run_alloc_on_device(&operands, options));
        let arrays = arrays.map_err(|error| self.run_error(plan, error))?;
        Ok(arrays.into_iter().map(DeviceArray).collect())
    }

    #[cold]
    fn run_error(&self, plan: &Plan, error: RunError) -> Error {
        let RunError::OnDevice { input } = error else {
            return Error::from_run(self.source(), error);
        };
        let name = plan.order.get(input).and_then(|&position| self.parsed.names.get(position));
        let name = name.map_or("", String::as_str);
        let (engine, other) = match plan.code {
            Code::Host(_) => ("the host", ""),
            Code::Device(_) => ("another device", "of its device "),
        };
        let message = format!(
            "variable `{name}` is in a device's memory, the engine runs on {engine}: give it \
             `{name}.download()`, or use an engine {other}made with `Engine::builder().device(..)`"
        );
        Error::new(ErrorKind::Input, message)
    }
}

impl FromStr for Formula {
    type Err = Error;

    /// Parses on the process's engine.
    fn from_str(text: &str) -> Result<Formula, Error> {
        Engine::global().formula(text)
    }
}

impl std::fmt::Debug for Formula {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Formula").field(&self.source()).finish()
    }
}

/// A formula compiled for given types. `Send + Sync`, cheap to clone.
#[derive(Clone)]
pub struct Prepared {
    pub(crate) formula: Formula,
    plan: Arc<Plan>,
}

impl Prepared {
    /// Evaluates into a new array.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] where the variables are not of the types it was prepared for; otherwise
    /// as [`crate::evaluate`].
    pub fn evaluate<'a>(&self, vars: impl Into<Vars<'a>>) -> Result<Array, Error> {
        let vars = vars.into();
        let inputs = self.inputs(&vars)?;
        self.formula.run_alloc_one(&self.plan, &inputs)
    }

    /// Evaluates all results into new arrays.
    ///
    /// # Errors
    /// As [`Prepared::evaluate`], for any number of results.
    pub fn evaluate_all<'a>(&self, vars: impl Into<Vars<'a>>) -> Result<Vec<Array>, Error> {
        let vars = vars.into();
        let inputs = self.inputs(&vars)?;
        self.formula.run_alloc(&self.plan, &inputs)
    }

    /// Evaluates into memory of the caller's; allocates nothing for up to four variables and results
    /// that are small arrays or scalars, where no array is kept between two passes; one of the first
    /// calls may compile something more.
    ///
    /// # Errors
    /// As [`Prepared::evaluate`], and [`ErrorKind::Output`] where an output does not fit, or where
    /// there are not as many as results.
    ///
    /// ```
    /// use fuse::{DType, Formula, InputType, vars};
    ///
    /// let f: Formula = "sum(x), x + 1".parse()?;
    /// let prepared = f.prepare(&[("x", InputType::array(DType::F64, &[3]))])?;
    /// let (mut total, mut next) = (0.0, [0.0; 3]);
    /// for x in [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]] {
    ///     prepared.evaluate_into(vars! { x }, &mut (&mut total, &mut next))?;
    /// }
    /// assert_eq!((total, next), (15.0, [5.0, 6.0, 7.0]));
    /// # Ok::<(), fuse::Error>(())
    /// ```
    #[inline]
    pub fn evaluate_into<'a>(
        &self,
        vars: impl Into<Vars<'a>>,
        out: &mut (impl AsOutputs + ?Sized),
    ) -> Result<(), Error> {
        let vars = vars.into();
        out.with_views(|outputs| self.run(&vars, outputs))
    }

    /// Evaluates into a new array that stays on the engine's device.
    ///
    /// # Errors
    /// As [`Prepared::evaluate`] and [`Engine::evaluate_on_device`].
    pub fn evaluate_on_device<'a>(&self, vars: impl Into<Vars<'a>>) -> Result<DeviceArray, Error> {
        let vars = vars.into();
        let inputs = self.inputs(&vars)?;
        let run = || self.formula.run_alloc_on_device(&self.plan, &inputs);
        self.formula.only("evaluate_all_on_device", run)
    }

    /// Evaluates all results into new arrays that stay on the engine's device.
    ///
    /// # Errors
    /// As [`Prepared::evaluate`] and [`Engine::evaluate_all_on_device`].
    pub fn evaluate_all_on_device<'a>(
        &self,
        vars: impl Into<Vars<'a>>,
    ) -> Result<Vec<DeviceArray>, Error> {
        let vars = vars.into();
        let inputs = self.inputs(&vars)?;
        self.formula.run_alloc_on_device(&self.plan, &inputs)
    }

    /// Evaluates into an array of the engine's device.
    ///
    /// # Errors
    /// As [`Prepared::evaluate`] and [`Engine::evaluate_into_device`].
    pub fn evaluate_into_device<'a>(
        &self,
        vars: impl Into<Vars<'a>>,
        out: &mut DeviceArray,
    ) -> Result<(), Error> {
        let vars = vars.into();
        let inputs = self.inputs(&vars)?;
        self.formula.run_on_device(&self.plan, &inputs, out)
    }

    /// Dtype and extents of each result for these variables.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] where the variables are not of the types it was prepared for,
    /// [`ErrorKind::Shape`] where their shapes do not fit.
    ///
    /// ```
    /// use fuse::{DType, Formula, InputType, vars};
    ///
    /// let f: Formula = "x + 1, sum(x)".parse()?;
    /// let prepared = f.prepare(&[("x", InputType::array(DType::F32, &[3]))])?;
    /// let shapes = prepared.result_shapes(vars! { x = [1.0_f32, 2.0, 3.0] })?;
    /// assert_eq!(shapes[0].0, DType::F32);
    /// assert_eq!((&shapes[0].1[..], &shapes[1].1[..]), (&[3][..], &[][..]));
    /// # Ok::<(), fuse::Error>(())
    /// ```
    pub fn result_shapes<'a>(
        &self,
        vars: impl Into<Vars<'a>>,
    ) -> Result<Vec<(DType, Vec<usize>)>, Error> {
        let vars = vars.into();
        let operands = self.plan.operands(&self.inputs(&vars)?);
        let shapes = match &self.plan.code {
            Code::Host(executable) => executable.result_shapes(&owned(&operands)),
            Code::Device(executable) => executable.result_shapes(&owned(&operands)),
        };
        let shapes = shapes.map_err(|error| self.formula.run_error(&self.plan, error))?;
        Ok(shapes.into_iter().map(|shape| (shape.dtype, shape.extents.to_vec())).collect())
    }

    /// The same, whose calls tell a pager what they read and write.
    #[doc(hidden)]
    #[must_use]
    pub fn with_pager(&self, pager: Arc<dyn Pager>) -> Prepared {
        let formula =
            Formula { engine: self.formula.engine.with_pager(pager), ..self.formula.clone() };
        Prepared { formula, plan: Arc::clone(&self.plan) }
    }

    /// What a call with these variables walks over, where it runs on the host: by name how often.
    #[doc(hidden)]
    pub fn survey<'a>(&self, vars: impl Into<Vars<'a>>) -> Result<(Survey, Vec<&str>), Error> {
        let vars = vars.into();
        let operands = self.plan.operands(&self.inputs(&vars)?);
        let names = &self.formula.parsed.names;
        let names = self.plan.order.iter().map(|&position| names[position].as_str()).collect();
        let survey = match &self.plan.code {
            Code::Host(executable) => executable.survey(&operands),
            Code::Device(_) => Ok(Survey::default()),
        };
        Ok((survey.map_err(|error| self.formula.run_error(&self.plan, error))?, names))
    }

    /// The program and its code, where it runs on the host.
    pub(crate) fn executable(&self) -> Option<&Executable> {
        match &self.plan.code {
            Code::Host(executable) => Some(executable),
            Code::Device(_) => None,
        }
    }

    fn run(&self, vars: &Vars<'_>, outputs: &mut [ViewMut<'_>]) -> Result<(), Error> {
        let mut inputs = Gathered::new();
        self.formula.parsed.gather_to(&mut inputs, vars);
        self.check(&inputs)?;
        self.formula.run(&self.plan, &inputs, outputs)
    }

    fn inputs<'v, 'a>(&self, vars: &'v Vars<'a>) -> Result<Gathered<'v, 'a>, Error> {
        let inputs = self.formula.parsed.gather(vars);
        self.check(&inputs)?;
        Ok(inputs)
    }

    /// Are the variables of the types that the formula was prepared for?
    fn check(&self, inputs: &Gathered<'_, '_>) -> Result<(), Error> {
        if self.plan.fits(inputs) { Ok(()) } else { Err(self.type_error(inputs)) }
    }

    #[cold]
    fn type_error(&self, inputs: &Gathered<'_, '_>) -> Error {
        let names = self.formula.parsed.names.iter();
        let wrong = names.zip(&self.plan.types).zip(inputs).find_map(|((name, ty), input)| {
            let fits = match (ty, input) {
                (Some(ty), Some(input)) => input.has_type(ty),
                (None, None) => true,
                (Some(_), None) | (None, Some(_)) => false,
            };
            (!fits).then_some(name)
        });
        let name = wrong.map_or("", String::as_str);
        let message =
            format!("variable `{name}` is not of the type that the formula was prepared for");
        Error::new(ErrorKind::Input, message)
    }
}

/// The weak type of a plain number, for [`Formula::outputs`] and [`Formula::prepare`].
impl Formula {
    /// The type of a plain number, which gives way to the types it meets.
    pub fn plain_number(dtype: DType) -> InputType {
        InputType::scalar(dtype, Strength::Weak)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Barrier;

    use crate::plans::Plans;
    use crate::{ErrorKind, evaluate, evaluate_all, evaluate_into, vars};

    /// Here, since the locks of `tests/models` do not live through a panic; std's do.
    #[test]
    fn a_panic_while_a_plan_is_made_keeps_nobody_waiting() {
        let plans = Plans::<u32, 2>::new();
        let start = Barrier::new(8);
        let fails = || -> Result<u32, Infallible> {
            start.wait();
            panic!("planted")
        };
        let works = || {
            start.wait();
            plans.find_or_make(|&plan| plan == 7, || Ok::<u32, Infallible>(7))
        };
        let failed = || catch_unwind(AssertUnwindSafe(|| plans.find_or_make(|_| false, fails)));
        std::thread::scope(|scope| {
            let first = scope.spawn(failed);
            let others: Vec<_> = (1..8).map(|_| scope.spawn(works)).collect();
            for other in others {
                assert_eq!(other.join().expect("no panic of theirs").as_deref(), Ok(&7));
            }
            assert!(first.join().expect("it is caught").is_err());
        });
    }

    #[test]
    fn an_unknown_name_is_compared_with_variables_that_the_formula_does_not_use() {
        let height = [1.0];
        let error = evaluate("heigth + 1", vars! { height }).expect_err("a typing error");
        assert_eq!(error.help(), Some("did you mean `height`?"));
    }

    #[test]
    fn results_and_outputs_are_equally_many() {
        let x = [1.0, 2.0];
        let (mut one, mut two) = ([0.0; 2], [0.0; 2]);
        let several = evaluate("x, x + 1", vars! { x }).expect_err("two results");
        assert_eq!(several.kind(), ErrorKind::Output);
        let message = "the formula has 2 results, which `evaluate_all` gives";
        assert_eq!(several.to_string(), message);
        let few = evaluate_into("x, x + 1", vars! { x }, &mut one).expect_err("one output");
        assert_eq!(
            (few.kind(), few.to_string().as_str()),
            (ErrorKind::Output, "expected 2 outputs, found 1")
        );
        let outputs = &mut (&mut one, &mut two);
        let many = evaluate_into("x + 1", vars! { x }, outputs).expect_err("two outputs");
        assert_eq!(
            (many.kind(), many.to_string().as_str()),
            (ErrorKind::Output, "expected 1 outputs, found 2")
        );
        assert_eq!(evaluate_all("x", vars! { x }).expect("one result").len(), 1);
        let wrong = evaluate_into("x, x > 1", vars! { x }, &mut (&mut one, &mut two));
        assert_eq!(wrong.map_err(|error| error.kind()), Err(ErrorKind::Output));
    }

    #[test]
    fn at_most_255_results() {
        let x = [1.0, 2.0, 3.0];
        let list =
            |count: usize| (0..count).map(|k| format!("x + {k}")).collect::<Vec<_>>().join(", ");
        let results = evaluate_all(&list(255), vars! { x }).expect("as many as allowed");
        for (k, result) in (0..256_u32).zip(&results) {
            let expected = x.map(|x| x + f64::from(k));
            assert_eq!(result.as_slice(), Some(expected.as_slice()));
        }
        let error = evaluate_all(&list(256), vars! { x }).expect_err("one more");
        assert_eq!((error.kind(), error.code()), (ErrorKind::Limit, Some("E0505")));
    }
}
