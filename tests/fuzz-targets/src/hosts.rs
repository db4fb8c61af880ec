//! Target `backends`: a random kernel or formula on every back end that this machine has.

use std::cell::RefCell;
use std::sync::{Arc, OnceLock};

use fuse::Mode;
use fuse_cranelift::CraneliftBackend;
use fuse_ir::{HostBackend, Prim};
use fuse_runtime::{Executable, Threads};
use fuse_testkit::Random;
use fuse_testkit::dispatch::MemoryPool;
use fuse_testkit::faulty::{Fault, FaultyBackend};
use fuse_testkit::fenced::FencedBackend;
use fuse_testkit::formulas::Subject;
use fuse_testkit::random_kernel::{random_case_from, run_alike};
use fuse_x64::{Level, X64Backend};

use crate::formula::{assert_same, compiled, cut, interpreted, run, short};
use crate::{PLANTED, choices};

/// Elements of a kernel's run: granules, their tails, and now and then a second block.
const MOST_ELEMENTS: &[usize] = &[70, 70, 70, 1100];

/// The back ends that compile, each bare and with its kernels' operands behind page fences.
pub(crate) struct Host {
    pub(crate) name: &'static str,
    pub(crate) bare: Arc<dyn HostBackend>,
    pub(crate) fenced: Arc<dyn HostBackend>,
}

impl Host {
    fn new(name: &'static str, bare: impl HostBackend + 'static) -> Host {
        let bare: Arc<dyn HostBackend> = Arc::new(bare);
        Host { name, fenced: Arc::new(FencedBackend(Arc::clone(&bare))), bare }
    }
}

/// Every back end that compiles, Cranelift first.
pub(crate) fn hosts() -> &'static [Host] {
    static HOSTS: OnceLock<Vec<Host>> = OnceLock::new();
    HOSTS.get_or_init(|| {
        let native = CraneliftBackend::native().expect("Cranelift knows this machine");
        let mut hosts = vec![Host::new("cranelift", native)];
        for (level, name) in [(Level::Avx2, "x64 avx2"), (Level::Avx512, "x64 avx512")] {
            if let Ok(backend) = X64Backend::new(level) {
                hosts.push(Host::new(name, backend));
            }
        }
        hosts
    })
}

/// Two threads.
pub(crate) fn pool() -> &'static rayon::ThreadPool {
    static POOL: OnceLock<rayon::ThreadPool> = OnceLock::new();
    POOL.get_or_init(|| rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("a pool"))
}

thread_local! {
    static MEMORY: RefCell<MemoryPool> = RefCell::default();
}

/// Runs a random kernel or formula on all back ends.
///
/// # Panics
/// When one declines it or gives other bits than the interpreter.
pub fn backends(bytes: &[u8]) {
    let mut random = Random::of_bytes(bytes);
    if random.percent(50) {
        check_kernel(&mut random);
    } else {
        let mode = random.pick(&[Mode::Strict, Mode::Relaxed]);
        check_formula(&choices::subject(random), mode);
    }
}

fn check_kernel(random: &mut Random) {
    let most = random.pick(MOST_ELEMENTS);
    let n = 1 + random.below(most);
    let case = random_case_from(random, "fuzzed".to_string());
    let seed = random.bits();
    // Defect: a back end with a wrong bit in one lane of one primitive.
    let faulty = FaultyBackend { fault: Fault::Prim(Prim::UintToF32, 29) };
    let faulty: Option<(&str, &dyn HostBackend)> = PLANTED.then_some(("faulty", &faulty));
    let real = hosts().iter().map(|host| (host.name, &*host.bare));
    for (name, backend) in real.chain(faulty) {
        let kernel = || case.kernel.kernel();
        let compiled = backend.compile(&case.kernel);
        let compiled = match compiled {
            Ok(compiled) => compiled,
            Err(_) if !backend.capabilities().native_fma => continue,
            Err(error) => panic!("{name} declines: {error}\n{}", kernel()),
        };
        MEMORY.with_borrow_mut(|memory| {
            let found = run_alike(&case, &compiled, n, &mut Random::new(seed), memory);
            assert_eq!(found, Ok(()), "{name}\n{}", kernel());
        });
    }
}

fn check_formula(subject: &Subject, mode: Mode) {
    let mode = if subject.relaxed_only { Mode::Relaxed } else { mode };
    let text = subject.tree.text();
    let Some(compiled) = compiled(&text, &subject.operands, mode) else { return };
    let program = Arc::new(compiled.program);
    let oracle = interpreted(&program);
    let Ok(expected) = run(&oracle, &subject.operands, Threads::Inline, cut()) else { return };
    let (one, two) = (Threads::Inline, Threads::Pool(pool()));
    for host in hosts() {
        let native = Executable::compile(Arc::clone(&program), &host.fenced);
        let declined = native.fallbacks();
        assert!(
            declined.is_empty() || !host.bare.capabilities().native_fma,
            "{declined:?}: {text}"
        );
        for (way, threads, tuning) in
            [("1 thread", one, cut()), ("2 threads", two, cut()), ("the short way", one, short())]
        {
            let got = run(&native, &subject.operands, threads, tuning);
            let got = got.unwrap_or_else(|error| panic!("{}, {way}: {error}: {text}", host.name));
            assert_same(&expected, &got, &|| format!("{}, {way}: {text}", host.name));
        }
    }
}
