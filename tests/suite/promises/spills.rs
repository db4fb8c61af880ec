//! More values at once than there are registers: the rest waits in memory, and no bit changes.

use fuse::{Backend, DType, Engine, InputType, Isa, Mode, vars};
use fuse_testkit::skip;
use fuse_x64::Level;

use crate::backends::x64;

/// Values that are needed again after their sum is known: more than the 32 registers of AVX-512.
const VALUES: u32 = 40;

/// `t1 = x*c1 + y*d1; …; s = t1 + … + t40; t1*(s - 1) + … + t40*(s - 40)`, no two factors equal. Strict mode
/// may not rearrange it: no `t` can be forgotten before `s` is known.
fn formula() -> String {
    let all = || 1..=VALUES;
    let bind = |k: u32| {
        let (c, d) = (f64::from(2 * k + 1) / 8.0, f64::from(81 - 2 * k) / 16.0);
        format!("t{k} = x*{c} + y*{d}\n")
    };
    let values: String = all().map(bind).collect();
    let sum: Vec<String> = all().map(|k| format!("t{k}")).collect();
    let products: Vec<String> = all().map(|k| format!("t{k}*(s - {k})")).collect();
    format!("{values}s = {}\n{}", sum.join(" + "), products.join(" + "))
}

fn same_bits_with_spills(level: Level, isa: Isa) {
    if let Err(reason) = x64(level) {
        skip!("{reason}");
    }
    let engine = |backend, mode| {
        let builder = Engine::builder().backend(backend).isa(isa).mode(mode).threads(1);
        builder.build().expect("this CPU has the level")
    };
    let x: Vec<f64> = (0..1000).map(|k| f64::from(k) * 0.37 - 50.0).collect();
    let y: Vec<f64> = x.iter().map(|x| 1.0 / (x + 0.01)).collect();
    let [f, g] = [&x, &y].map(|values| values.iter().map(|&v| v as f32).collect::<Vec<f32>>());
    for mode in [Mode::Strict, Mode::Relaxed] {
        let run = |backend| {
            let formula = engine(backend, mode).formula(&formula()).expect("parses");
            let wide = formula.evaluate(vars! { x, y }).expect("evaluates");
            let narrow = formula.evaluate(vars! { x = f, y = g }).expect("evaluates");
            [wide.as_bytes().to_vec(), narrow.as_bytes().to_vec()]
        };
        assert!(run(Backend::X64) == run(Backend::Interp), "{level}, {mode:?}: other bits");
    }
    let formula = engine(Backend::X64, Mode::Strict).formula(&formula()).expect("parses");
    for dtype in [DType::F64, DType::F32] {
        let types = ["x", "y"].map(|name| (name, InputType::array(dtype, &[1000])));
        let code = formula.prepare(&types).expect("compiles").kernel_code().expect("on the host");
        let [only] = code.as_slice() else { unreachable!("one pass") };
        assert_eq!((only.backend, only.isa.as_str()), ("x64", level.name()), "{:?}", only.declined);
        let facts = only.facts.expect("x64 has facts");
        assert!(facts.spills > 0, "{level}, {dtype}: {facts:?}");
        assert!(facts.registers <= level.vectors(), "{level}, {dtype}: {facts:?}");
    }
}

#[test]
fn forty_values_spill_on_avx2() {
    same_bits_with_spills(Level::Avx2, Isa::Avx2);
}

#[test]
fn forty_values_spill_on_avx512() {
    same_bits_with_spills(Level::Avx512, Isa::Avx512);
}

/// They are all there after optimizing: 40 differences, 40 products with them.
#[test]
fn strict_mode_keeps_all_forty_values() {
    let engine = Engine::builder().mode(Mode::Strict).build().expect("an engine");
    let formula = engine.formula(&formula()).expect("parses");
    let types = ["x", "y"].map(|name| (name, InputType::array(DType::F64, &[1000])));
    let counts = formula.kernel_counts(&types).expect("compiles");
    // 3 to make each value, 39 + 39 sums, and 2 for each product.
    assert_eq!((counts.len(), counts[0].arith), (1, 3 * 40 + 2 * 39 + 2 * 40));
}
