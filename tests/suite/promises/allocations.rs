//! Small prepared calls ask for no memory, whatever the number of their results; nor does a sampler that
//! calls its likelihood 1500 times.

use fuse::{AsOutputs, DType, Engine, InputType, Strength, vars};

use crate::allocator::counted;

#[path = "../../../crates/fuse/examples/mcmc.rs"]
#[expect(dead_code, reason = "the example's main is not this test's")]
mod mcmc;

/// Requests of the second of two calls: the first one fills the thread's scratch memory.
fn requests(formula: &str, outputs: &mut (impl AsOutputs + ?Sized)) -> usize {
    let engine = Engine::builder().threads(1).build().expect("an engine");
    let array = InputType::array(DType::F64, &[20]);
    let k = InputType::scalar(DType::F64, Strength::Strong);
    let prepared = engine
        .formula(formula)
        .and_then(|formula| formula.prepare(&[("a", array.clone()), ("b", array), ("k", k)]))
        .unwrap_or_else(|error| panic!("{formula}: {error:?}"));
    let (a, b) = ([1.5; 20], [2.5; 20]);
    let mut call = || {
        let done = prepared.evaluate_into(vars! { a, b, k = 3.0 }, &mut *outputs);
        done.unwrap_or_else(|error| panic!("{formula}: {error:?}"));
    };
    call();
    counted(call).1
}

#[test]
fn small_prepared_calls_ask_for_no_memory() {
    let (mut x, mut y, mut z, mut w) = ([0.0; 20], [0.0; 20], [0.0; 20], [0.0; 20]);
    let (mut s, mut t) = (0.0, 0.0);
    assert_eq!(requests("2*a + k*b", &mut x), 0);
    assert_eq!(requests("a + b*k, a - b*k", &mut (&mut x, &mut y)), 0);
    assert_eq!(requests("a*k, b, a, a*b", &mut (&mut x, &mut y, &mut z, &mut w)), 0);
    assert_eq!(requests("sum(a*b*k)", &mut s), 0);
    assert_eq!(requests("sum(a*k), b, sum(a*b), a", &mut (&mut s, &mut x, &mut t, &mut y)), 0);
    assert_eq!(requests("k*k + a*0, k, b", &mut (&mut x, &mut s, &mut y)), 0, "two passes");
    assert_eq!((x, s, y), ([9.0; 20], 3.0, [2.5; 20]));
}

#[test]
fn a_sampler_asks_for_no_memory_and_finds_the_posterior() {
    let x = mcmc::observations(&mut mcmc::Random(20));
    let likelihood = mcmc::prepare().expect("it compiles");
    let mut chain = vec![mcmc::State { m: 0.0, s: 0.0, likelihood: 0.0 }; 1500];
    for seed in 1..=3 {
        let run = || mcmc::sample(&likelihood, &x, &mut mcmc::Random(seed), &mut chain);
        let (accepted, requests) = counted(run);
        let accepted = accepted.unwrap_or_else(|error| panic!("{error:?}"));
        // What is called often is compiled once more, among the first calls.
        assert!(requests == 0 || seed == 1 && requests < 1000, "{requests} requests");
        assert!((200..1200).contains(&accepted), "{accepted} of 1500 accepted");
        mcmc::check(&x, &chain).unwrap_or_else(|found| panic!("seed {seed}: {found}"));
    }
    chain[700].likelihood *= 1.0 + 4e-12;
    assert!(mcmc::check(&x, &chain).is_err(), "a wrong likelihood is found");
}
