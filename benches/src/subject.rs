//! A formula compiled for arrays by one back end, ready to be called in both ways that are compared.

use std::sync::Arc;

use fuse::{Engine, InputType, Prepared, vars};
use fuse_ir::{CodegenError, HostBackend};

use crate::aligned::Aligned;
use crate::direct::Direct;
use crate::keeper::Keeper;
use crate::real::Real;

/// Names of a formula's variables, in order.
const NAMES: [&str; 2] = ["x", "y"];

/// See the module.
pub struct Subject {
    /// The machine code.
    pub kernel: Direct,
    /// The public call.
    pub prepared: Prepared,
}

impl Subject {
    /// Compiles an elementwise formula of `x`, or of `x` and `y`, for arrays of `T`.
    ///
    /// # Errors
    /// What the back end said where it declined the formula's kernel.
    ///
    /// # Panics
    /// Where the formula is not one elementwise pass over as many arrays.
    pub fn compile<T: Real>(
        backend: Arc<dyn HostBackend>,
        threads: usize,
        text: &str,
        inputs: &[Aligned<T>],
    ) -> Result<Subject, CodegenError> {
        let keeper = Arc::new(Keeper::new(backend));
        let host = Arc::<Keeper>::clone(&keeper);
        let engine = Engine::builder().threads(threads).host_backend(host).build();
        let formula = engine.and_then(|engine| engine.formula(text)).expect("a formula");
        let ty = |input: &Aligned<T>| InputType::array(T::DTYPE, &[input.len()]);
        let types: Vec<_> = NAMES.into_iter().zip(inputs.iter().map(ty)).collect();
        let prepared = formula.prepare(&types).expect("an elementwise formula of x and y");
        let kept = keeper.take();
        assert_eq!(kept.len(), 1, "`{text}` is one kernel");
        let kernel = Direct::new::<T>(&kept[0])?;
        Ok(Subject { kernel, prepared })
    }
}

/// Calls a prepared formula of `x`, or of `x` and `y`.
///
/// # Panics
/// Where it was prepared for other arrays.
pub fn call<T: Real>(prepared: &Prepared, inputs: &[Aligned<T>], out: &mut [T]) {
    let done = match inputs {
        [x, y] => prepared.evaluate_into(vars! { x = **x, y = **y }, out),
        _ => prepared.evaluate_into(vars! { x = *inputs[0] }, out),
    };
    done.expect("the arrays are those that it was prepared for");
}
