//! Engines: a back end, threads, limits, a mode and a cache of formulas.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use fuse_compile::{Mode, Options};
use fuse_ir::HostBackend;
use fuse_runtime::{CancelToken, Pager, RunOptions, Tuning, WorkerLog};

use crate::array::Array;
use crate::backend::{Backend, Isa, host};
use crate::cache::Cache;
use crate::chain::Chain;
use crate::device::{Device, DeviceArray};
use crate::error::Error;
use crate::formula::{Formula, Parsed};
use crate::limits::Limits;
use crate::output::AsOutputs;
use crate::pool::Pool;
use crate::vars::Vars;

/// Formulas that an engine keeps by their text.
const FORMULAS: usize = 256;

/// Evaluates formulas. Cheap to clone; clones share the cache and the threads.
#[derive(Clone)]
pub struct Engine {
    pub(crate) shared: Arc<Shared>,
    cancel: Option<CancelToken>,
    pager: Option<Arc<dyn Pager>>,
}

pub(crate) struct Shared {
    pub(crate) backends: Arc<Chain>,
    pub(crate) limits: Limits,
    pub(crate) options: Options,
    pub(crate) pool: Pool,
    /// How calls run that nothing may stop.
    run: RunOptions<'static>,
    pub(crate) workers: Option<Arc<WorkerLog>>,
    pub(crate) device: Option<Device>,
    cache: Cache<Parsed, FORMULAS>,
}

/// Makes an [`Engine`].
#[derive(Clone, Default)]
pub struct EngineBuilder {
    backend: Backend,
    isa: Isa,
    backends: Option<Arc<Chain>>,
    threads: usize,
    limits: Limits,
    mode: Mode,
    tuning: Tuning,
    workers: Option<Arc<WorkerLog>>,
    device: Option<Device>,
}

impl Engine {
    /// An engine with settings of one's own.
    pub fn builder() -> EngineBuilder {
        EngineBuilder::default()
    }

    /// The engine of the free functions: default limits, relaxed mode, all cores.
    pub fn global() -> &'static Engine {
        static GLOBAL: OnceLock<Engine> = OnceLock::new();
        GLOBAL.get_or_init(|| {
            EngineBuilder::default().build().expect("the automatic back end can always be had")
        })
    }

    /// The same engine, whose calls stop when the token is cancelled.
    #[must_use]
    pub fn with_cancel(&self, token: &CancelToken) -> Engine {
        Engine { cancel: Some(token.clone()), ..self.clone() }
    }

    /// The same engine, whose calls tell a pager what they read and write.
    #[doc(hidden)]
    #[must_use]
    pub fn with_pager(&self, pager: Arc<dyn Pager>) -> Engine {
        Engine { pager: Some(pager), ..self.clone() }
    }

    /// Parses a formula, or finds it in the cache.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Syntax`] or [`crate::ErrorKind::Limit`].
    pub fn formula(&self, text: &str) -> Result<Formula, Error> {
        let shared = &*self.shared;
        let parsed = shared.cache.find_or_make(text, || Parsed::new(text, &shared.limits))?;
        Ok(Formula { engine: self.clone(), parsed })
    }

    /// [`crate::evaluate`] on this engine.
    ///
    /// # Errors
    /// As [`crate::evaluate`].
    pub fn evaluate<'a>(&self, formula: &str, vars: impl Into<Vars<'a>>) -> Result<Array, Error> {
        self.formula(formula)?.evaluate(vars)
    }

    /// [`crate::evaluate_all`] on this engine.
    ///
    /// # Errors
    /// As [`crate::evaluate_all`].
    pub fn evaluate_all<'a>(
        &self,
        formula: &str,
        vars: impl Into<Vars<'a>>,
    ) -> Result<Vec<Array>, Error> {
        self.formula(formula)?.evaluate_all(vars)
    }

    /// [`crate::evaluate_into`] on this engine.
    ///
    /// # Errors
    /// As [`crate::evaluate_into`].
    pub fn evaluate_into<'a>(
        &self,
        formula: &str,
        vars: impl Into<Vars<'a>>,
        out: &mut (impl AsOutputs + ?Sized),
    ) -> Result<(), Error> {
        self.formula(formula)?.evaluate_into(vars, out)
    }

    /// Evaluates a formula into a new array that stays on the engine's device.
    ///
    /// Variables may be arrays of the host, which are copied, and [`DeviceArray`]s, which are not. When it
    /// returns the array is computed.
    ///
    /// # Errors
    /// As [`crate::evaluate`]; [`crate::ErrorKind::Device`] where the engine has no device.
    ///
    /// ```no_run
    /// use fuse::{Device, DeviceArray, Engine, vars};
    ///
    /// let device = Device::cuda(0)?;
    /// let engine = Engine::builder().device(&device).build()?;
    /// let mut x = DeviceArray::from_slice(&device, &[2.0; 1000], &[1000])?;
    /// for _ in 0..10 {
    ///     x = engine.evaluate_on_device("x - (x*x - k)/(2*x)", vars! { x, k = 3.0 })?;
    /// }
    /// println!("{}", x.download()?);
    /// # Ok::<(), fuse::Error>(())
    /// ```
    pub fn evaluate_on_device<'a>(
        &self,
        formula: &str,
        vars: impl Into<Vars<'a>>,
    ) -> Result<DeviceArray, Error> {
        self.formula(formula)?.evaluate_on_device(vars)
    }

    /// Evaluates a formula of any number of results into new arrays that stay on the engine's device.
    ///
    /// # Errors
    /// As [`Engine::evaluate_on_device`], for any number of results.
    pub fn evaluate_all_on_device<'a>(
        &self,
        formula: &str,
        vars: impl Into<Vars<'a>>,
    ) -> Result<Vec<DeviceArray>, Error> {
        self.formula(formula)?.evaluate_all_on_device(vars)
    }

    /// Evaluates a formula into an array of the engine's device, of the result's dtype and shape. Such an
    /// array may lie over the memory of a variable ([`DeviceArray::from_raw`]); results are as if it did
    /// not.
    ///
    /// # Errors
    /// As [`Engine::evaluate_on_device`], and [`crate::ErrorKind::Output`] where the array does not fit, or
    /// is another device's.
    pub fn evaluate_into_device<'a>(
        &self,
        formula: &str,
        vars: impl Into<Vars<'a>>,
        out: &mut DeviceArray,
    ) -> Result<(), Error> {
        self.formula(formula)?.evaluate_into_device(vars, out)
    }

    /// The device that formulas run on, if it is not the host.
    pub fn device(&self) -> Option<&Device> {
        self.shared.device.as_ref()
    }

    /// The name of the back end that runs, `x64`, `cranelift`, `interp` or, on a device, `cuda`: the one that
    /// is asked first. Which one took a kernel, [`Prepared::kernel_code`](crate::Prepared::kernel_code) says.
    pub fn backend_name(&self) -> &'static str {
        if self.shared.device.is_some() { "cuda" } else { self.shared.backends.name() }
    }

    /// The instruction set that it compiles for: `avx512` or `avx2` of the back end `x64`.
    pub fn isa(&self) -> String {
        match &self.shared.device {
            Some(device) => {
                let (major, minor) = device.info().capability;
                format!("sm_{major}{minor}")
            }
            None => self.shared.backends.capabilities().isa,
        }
    }

    /// Number of threads that a large call uses.
    pub fn threads(&self) -> usize {
        self.shared.pool.threads()
    }

    /// Runs `call` with the options of this engine, for the calling thread alone.
    #[inline]
    pub(crate) fn with_options<R>(&self, call: impl FnOnce(&RunOptions<'_>) -> R) -> R {
        let shared = &*self.shared;
        let (cancel, deadline) = (self.cancel.as_ref(), shared.limits.deadline);
        let watched = shared.workers.is_some() || self.pager.is_some();
        if cancel.is_none() && deadline.is_none() && !watched {
            return call(&shared.run);
        }
        let deadline = deadline.map(|limit| Instant::now() + limit);
        let (workers, pager) = (shared.workers.as_deref(), self.pager.as_deref());
        call(&RunOptions { cancel, deadline, workers, pager, ..shared.run })
    }

    /// Runs `call` with these options and the threads that it may use.
    pub(crate) fn with_threads<R>(
        &self,
        small: bool,
        options: &RunOptions<'_>,
        call: impl FnOnce(&RunOptions<'_>) -> R,
    ) -> R {
        self.shared.pool.with(small, |threads| call(&RunOptions { threads, ..*options }))
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("backend", &self.backend_name())
            .field("limits", &self.shared.limits)
            .field("mode", &self.shared.options.mode)
            .finish_non_exhaustive()
    }
}

impl EngineBuilder {
    /// The back end. Default: the fastest.
    #[must_use]
    pub fn backend(mut self, backend: Backend) -> Self {
        self.backend = backend;
        self
    }

    /// The instruction set. Default: this machine's.
    #[must_use]
    pub fn isa(mut self, isa: Isa) -> Self {
        self.isa = isa;
        self
    }

    /// The device that formulas run on, instead of the host: same results, same errors. Its memory must hold
    /// a call's arrays and what lies between its passes, unless the formula is one pass over contiguous
    /// arrays: such ones are copied and computed on piece by piece. Nothing runs on the host then but
    /// comparisons of texts; back end and threads mean nothing.
    #[must_use]
    pub fn device(mut self, device: &Device) -> Self {
        self.device = Some(device.clone());
        self
    }

    /// A back end of one's own.
    #[doc(hidden)]
    #[must_use]
    pub fn host_backend(self, backend: Arc<dyn HostBackend>) -> Self {
        self.chain(Chain::new([backend]))
    }

    /// Back ends of one's own.
    pub(crate) fn chain(mut self, backends: Chain) -> Self {
        self.backends = Some(Arc::new(backends));
        self
    }

    /// Threads that a large call uses; 0 for what affinity and cgroup allow, which is the default.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// Limits on text, results and work. Default: [`Limits::default`].
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Time that one call may run. Default: none.
    #[must_use]
    pub fn deadline(mut self, limit: Duration) -> Self {
        self.limits.deadline = Some(limit);
        self
    }

    /// Which rewrites are allowed. Default: [`Mode::Relaxed`].
    #[must_use]
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Sizes of blocks and tasks, for tests.
    #[doc(hidden)]
    #[must_use]
    pub fn tuning(mut self, tuning: Tuning) -> Self {
        self.tuning = tuning;
        self
    }

    /// Sees which threads ran, for tests.
    #[doc(hidden)]
    #[must_use]
    pub fn workers(mut self, workers: Arc<WorkerLog>) -> Self {
        self.workers = Some(workers);
        self
    }

    /// Makes the engine.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Codegen`] where a back end or an instruction set was asked for that this machine
    /// has not, or that do not go together.
    ///
    /// ```
    /// use fuse::{Backend, Engine, ErrorKind, Isa};
    ///
    /// let narrow = Engine::builder().backend(Backend::Cranelift).isa(Isa::Avx512).build();
    /// assert_eq!(narrow.unwrap_err().kind(), ErrorKind::Codegen);
    /// ```
    pub fn build(self) -> Result<Engine, Error> {
        let backends = match self.backends {
            Some(backends) => backends,
            None => Arc::new(host(self.backend, self.isa)?),
        };
        let options = Options {
            mode: self.mode,
            max_inputs: self.limits.inputs,
            max_results: self.limits.results,
            max_nodes: self.limits.nodes,
        };
        let run = RunOptions {
            max_work: self.limits.work,
            max_output_bytes: self.limits.output_bytes,
            tuning: self.tuning,
            ..RunOptions::default()
        };
        let shared = Shared {
            backends,
            limits: self.limits,
            options,
            pool: Pool::new(self.threads),
            run,
            workers: self.workers,
            device: self.device,
            cache: Cache::new(),
        };
        Ok(Engine { shared: Arc::new(shared), cancel: None, pager: None })
    }
}
