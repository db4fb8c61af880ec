//! Back ends that are asked one after the other.
//!
//! ```text
//! kernel ──▶ x64 ──declines──▶ cranelift ──declines──▶ the runtime's interpreter
//!             └── no executable memory: no other would get it ──────▲
//! ```
//!
//! To the runtime a chain is one back end. Which link takes a kernel depends on the kernel alone, so that
//! text and facts of its code are those of what runs. A link declines by an error: it lacks something, the
//! code would be too large, or its compiler has a bug, which says nothing of the next one's. Results do
//! not depend on who takes a kernel.
//!
//! Asking costs a kernel that the first link takes nothing, and one that it declines as long as that takes
//! to find out.

use std::sync::Arc;

use fuse_ir::interp::Interpreter;
use fuse_ir::{
    Attempt, BlockKernel, Capabilities, CodeFacts, CodegenError, HostBackend, ListingForm,
    VerifiedKernel,
};

use crate::explain::Declined;

/// At least one back end.
pub(crate) struct Chain {
    first: Arc<dyn HostBackend>,
    rest: Vec<Arc<dyn HostBackend>>,
}

impl Chain {
    /// Those back ends in that order; the interpreter where there are none.
    pub(crate) fn new(backends: impl IntoIterator<Item = Arc<dyn HostBackend>>) -> Chain {
        let mut backends = backends.into_iter();
        let first = backends.next().unwrap_or_else(|| Arc::new(Interpreter));
        Chain { first, rest: backends.collect() }
    }

    /// The back end of that name that kernels run on; the interpreter has a part in every chain.
    pub(crate) fn named(&self, name: &str) -> &dyn HostBackend {
        let found = self.links().find(|link| link.name() == name);
        found.map_or(&Interpreter, Arc::as_ref)
    }

    fn links(&self) -> impl Iterator<Item = &Arc<dyn HostBackend>> {
        std::iter::once(&self.first).chain(&self.rest)
    }

    /// Asks each back end that all before it have declined.
    fn ask<T>(&self, question: impl Fn(&dyn HostBackend) -> Result<T, CodegenError>) -> Attempt<T> {
        let mut asked = &self.first;
        let mut outcome = question(asked.as_ref());
        let mut declined = Vec::new();
        for next in &self.rest {
            match outcome {
                Err(error) if is_for_the_next(&error) => declined.push(error),
                settled => return Attempt { outcome: settled, backend: asked.name(), declined },
            }
            asked = next;
            outcome = question(asked.as_ref());
        }
        Attempt { outcome, backend: asked.name(), declined }
    }
}

/// May the next back end do better?
fn is_for_the_next(error: &CodegenError) -> bool {
    match error {
        CodegenError::Unsupported { .. }
        | CodegenError::TooLarge { .. }
        | CodegenError::Internal(_) => true,
        CodegenError::Memory(_) => false,
    }
}

impl HostBackend for Chain {
    /// The first one's.
    fn name(&self) -> &'static str {
        self.first.name()
    }

    /// The first one's.
    fn capabilities(&self) -> Capabilities {
        self.first.capabilities()
    }

    fn compile(&self, kernel: &VerifiedKernel) -> Result<Arc<dyn BlockKernel>, CodegenError> {
        self.attempt(kernel).outcome
    }

    fn attempt(&self, kernel: &VerifiedKernel) -> Attempt<Arc<dyn BlockKernel>> {
        self.ask(|link| link.compile(kernel))
    }

    /// Machine code is that of the back end that takes the kernel, below a comment for each that declined
    /// it. An intermediate form is that of the first back end that has one, whoever takes the kernel.
    fn listing(
        &self,
        kernel: &VerifiedKernel,
        form: ListingForm,
    ) -> Result<Option<String>, CodegenError> {
        match form {
            ListingForm::Intermediate => {
                self.links().find_map(|link| link.listing(kernel, form).transpose()).transpose()
            }
            ListingForm::Assembly => {
                let Attempt { outcome, backend, declined } =
                    self.ask(|link| link.listing(kernel, form));
                let comment = |error: &CodegenError| {
                    let declined = Declined { reason: error.to_string(), taken_by: backend };
                    format!("; {declined}\n")
                };
                let comments: String = declined.iter().map(comment).collect();
                Ok(outcome?.map(|listing| comments + &listing))
            }
        }
    }

    fn code_facts(&self, kernel: &VerifiedKernel) -> Result<Option<CodeFacts>, CodegenError> {
        self.ask(|link| link.code_facts(kernel)).outcome
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use fuse_cranelift::CraneliftBackend;
    use fuse_runtime::Fallback;

    use super::*;
    use crate::{Array, DType, Engine, InputType, Stage, vars};

    /// Says the same of every kernel, and counts how often it is asked to compile one.
    struct Declining {
        error: CodegenError,
        asked: AtomicUsize,
    }

    impl Declining {
        fn with(error: CodegenError) -> Arc<Declining> {
            Arc::new(Declining { error, asked: AtomicUsize::new(0) })
        }

        fn asked(&self) -> usize {
            self.asked.load(Ordering::Relaxed)
        }
    }

    impl HostBackend for Declining {
        fn name(&self) -> &'static str {
            "declining"
        }

        fn capabilities(&self) -> Capabilities {
            Interpreter.capabilities()
        }

        fn compile(&self, _: &VerifiedKernel) -> Result<Arc<dyn BlockKernel>, CodegenError> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            Err(self.error.clone())
        }

        fn listing(
            &self,
            _: &VerifiedKernel,
            form: ListingForm,
        ) -> Result<Option<String>, CodegenError> {
            match form {
                ListingForm::Intermediate => Ok(None),
                ListingForm::Assembly => Err(self.error.clone()),
            }
        }
    }

    fn unsupported() -> CodegenError {
        CodegenError::Unsupported { backend: "declining", what: "anything".to_string() }
    }

    fn cranelift() -> Arc<dyn HostBackend> {
        Arc::new(CraneliftBackend::native().expect("Cranelift knows this machine"))
    }

    fn engine(links: impl IntoIterator<Item = Arc<dyn HostBackend>>) -> Engine {
        Engine::builder().chain(Chain::new(links)).build().expect("the back ends are given")
    }

    const TYPES: fn() -> [(&'static str, InputType); 1] =
        || [("x", InputType::array(DType::F64, &[3]))];

    /// Evaluates `sum(x*3)` on a chain; who ran the pass, and the fallbacks.
    fn run(links: Vec<Arc<dyn HostBackend>>) -> (&'static str, Vec<Fallback>) {
        let prepared = engine(links).formula("sum(x*3)").expect("parses").prepare(&TYPES());
        let prepared = prepared.expect("compiles");
        let total: Array = prepared.evaluate(vars! { x = [1.0, 2.0, 3.0] }).expect("runs");
        assert_eq!(total.as_slice(), Some([18.0].as_slice()));
        let executable = prepared.executable().expect("on the host");
        let ran = executable.backends().next().expect("a pass");
        (ran, executable.fallbacks())
    }

    #[test]
    fn what_one_declines_the_next_takes() {
        let too_large = CodegenError::TooLarge { bytes: 2, limit: 1 };
        for error in [unsupported(), too_large, CodegenError::Internal("a bug".to_string())] {
            let (declining, again) =
                (Declining::with(error.clone()), Declining::with(unsupported()));
            let (ran, fallbacks) = run(vec![declining.clone(), again.clone(), cranelift()]);
            assert_eq!(ran, "cranelift");
            assert!(fallbacks.iter().all(|fallback| fallback.taken_by == "cranelift"));
            let errors: Vec<&CodegenError> =
                fallbacks.iter().map(|fallback| &fallback.error).collect();
            assert_eq!(errors[..2], [&error, &unsupported()]);
            assert_eq!((errors.len(), declining.asked()), (2 * again.asked(), again.asked()));
        }
    }

    #[test]
    fn the_interpreter_takes_what_all_decline() {
        let (ran, fallbacks) =
            run(vec![Declining::with(unsupported()), Declining::with(unsupported())]);
        assert_eq!(ran, "interp");
        assert!(fallbacks.len() >= 2 && fallbacks.len().is_multiple_of(2));
        assert!(fallbacks.iter().all(|fallback| fallback.taken_by == "interp"));
        assert_eq!(run(vec![]), ("interp", vec![]));
    }

    #[test]
    fn without_executable_memory_no_other_is_asked() {
        let refused = CodegenError::Memory("denied".to_string());
        let (first, second) = (Declining::with(refused.clone()), Declining::with(unsupported()));
        let (ran, fallbacks) = run(vec![first.clone(), second.clone(), cranelift()]);
        assert_eq!((ran, second.asked()), ("interp", 0));
        assert_eq!(fallbacks.len(), first.asked());
        let expected = Fallback { pass: 0, error: refused, taken_by: "interp" };
        assert!(fallbacks.iter().all(|fallback| *fallback == expected));
    }

    #[test]
    fn the_first_that_takes_a_kernel_is_the_last_that_is_asked() {
        let second = Declining::with(unsupported());
        let (ran, fallbacks) = run(vec![cranelift(), second.clone()]);
        assert_eq!((ran, fallbacks, second.asked()), ("cranelift", vec![], 0));
    }

    #[test]
    fn stages_are_those_of_who_takes_the_kernel() {
        let explain = |links: Vec<Arc<dyn HostBackend>>, stage| {
            let formula = engine(links).formula("x*3").expect("parses");
            formula.explain(&TYPES(), stage)
        };
        let own = |stage| explain(vec![cranelift()], stage).expect("Cranelift has all stages");
        let second = |stage| explain(vec![Declining::with(unsupported()), cranelift()], stage);
        let comment = "; the declining back end does not support anything: cranelift takes it\n";
        assert_eq!(second(Stage::Asm).ok(), Some(format!("{comment}{}", own(Stage::Asm))));
        assert_eq!(second(Stage::Clif).ok(), Some(own(Stage::Clif)));
        let nobody = explain(vec![Declining::with(unsupported())], Stage::Clif);
        let message = nobody.expect_err("none has CLIF").to_string();
        assert_eq!(message, "the declining back end has no such stage");
    }

    #[test]
    fn code_is_told_of_with_who_made_it() {
        let links: [Arc<dyn HostBackend>; 2] = [Declining::with(unsupported()), cranelift()];
        let formula = engine(links).formula("x*3").expect("parses");
        let code = formula.prepare(&TYPES()).expect("compiles").kernel_code().expect("on the host");
        let [only] = code.as_slice() else { unreachable!("one pass") };
        assert_eq!((only.backend, &only.isa), ("cranelift", &cranelift().capabilities().isa));
        assert_eq!(only.facts, None);
        let [declined] = only.declined.as_slice() else { unreachable!("one back end declined") };
        assert_eq!(declined.reason, "the declining back end does not support anything");
        assert_eq!(declined.taken_by, "cranelift");
    }
}
