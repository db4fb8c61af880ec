//! What a thread may not do. The real assembler accepts every one of these texts.

use super::{Bench, Extent, Options, fault_of, kernel, kernel_after, run, understood};
use crate::ptx::PtxError;

/// The fault of one thread, and on which line.
fn check(body: &str, line: u32, part: &str) {
    check_text(&kernel(body), 1, line, part);
}

fn check_text(text: &str, threads: u32, line: u32, part: &str) {
    let PtxError { line: found, message } = fault_of(text, threads);
    assert!(message.contains(part), "`{message}` does not say `{part}`\n{text}");
    assert_eq!(found, line, "{message}\n{text}");
}

#[test]
fn registers_are_written_before_they_are_read() {
    check("\nadd.u32 %r0, %r1, 1;", 9, "%r1 is read before it is written (k, block 0, thread 0)");
    check("@%p3 mov.u32 %r0, 1;", 8, "%p3 is read");
    check("st.global.b64 [%rd4], 1;", 8, "%rd4 is read");
    check("st.global.f64 [%rd0], %fd2;", 8, "%fd2 is read");
    check("mov.f32 %f0, %f1;", 8, "%f1 is read");
    check("setp.eq.u64 %p0, %rd0, 0; @%p0 mov.u32 %r0, 1;\nadd.u32 %r1, %r0, 1;", 9, "%r0 is read");
    let other =
        "mov.u32 %r0, %tid.x; setp.eq.u32 %p0, %r0, 0; @%p0 mov.u32 %r1, 5;\nmov.u32 %r2, %r1;";
    check_text(&kernel(other), 2, 9, "%r1 is read");
    let shuffled = "mov.u32 %r0, 1;\nshfl.sync.down.b32 %r1, %r2, 1, 31, -1;";
    check_text(&kernel(shuffled), 32, 9, "%r2 is read");
}

#[test]
fn registers_do_not_survive_calls() {
    let function = ".func (.param .align 8 .b8 results[8]) f(.param .b64 x) { .reg .b64 %rd<2>;\
        .reg .pred %p<1>; ld.param.b64 %rd0, [x]; setp.eq.u64 %p0, %rd0, 0; @%p0 mov.u64 %rd1, 5;\
        st.param.b64 [results], %rd1; ret; }";
    let call = |value: u32| {
        format!(
            "{{ .param .b64 c0; .param .align 8 .b8 out[8]; st.param.b64 [c0], {value};\
             call (out), f, (c0); ld.param.b64 %rd2, [out]; }}\n"
        )
    };
    let body = format!("{}{}", call(0), call(1));
    check_text(&kernel_after(function, &body), 1, 4, "%rd1 is read before it is written (f,");
}

#[test]
fn parameters_are_stored_before_they_are_read() {
    let function = ".func (.param .align 8 .b8 results[16]) f(.param .b64 x, .param .b32 y) {\
        .reg .b64 %rd<2>; ld.param.b64 %rd0, [x]; st.param.b64 [results+8], %rd0; ret; }";
    let block = |inner: &str| {
        let body =
            format!("{{ .param .b64 c0; .param .b32 c1; .param .align 8 .b8 out[16];\n{inner}\n}}");
        kernel_after(function, &body)
    };
    let missing = "st.param.b64 [c0], 5;\ncall (out), f, (c0, c1);";
    check_text(&block(missing), 1, 10, "c1 is read before");
    let half = "st.param.b64 [c0], 5; st.param.b32 [c1], 5; call (out), f, (c0, c1);\n\
        ld.param.b64 %rd2, [out];";
    check_text(&block(half), 1, 10, "out is read before");
    let again = "mov.u32 %r0, 0;\nL: setp.ne.u32 %p0, %r0, 0; @%p0 bra M;\n\
        { .param .b64 c0; .param .b32 c1; .param .align 8 .b8 out[16]; st.param.b64 [c0], 5;\n\
        st.param.b32 [c1], 1; call (out), f, (c0, c1); ld.param.b64 %rd2, [out+8]; }\n\
        M: { .param .b64 c0; .param .b32 c1; .param .align 8 .b8 out[16]; st.param.b32 [c1], 1;\n\
        call (out), f, (c0, c1); }\nadd.u32 %r0, %r0, 1; bra L;";
    check_text(&kernel_after(function, again), 1, 13, "c0 is read before");
}

#[test]
fn accesses_are_aligned() {
    check("ld.global.u32 %r0, [%rd1+2];", 8, "not aligned to 4");
    check("ld.global.u64 %rd2, [%rd1+4];", 8, "not aligned to 8");
    check("ld.global.nc.v2.f64 {%fd0, %fd1}, [%rd1+8];", 8, "not aligned to 16");
    check("ld.global.v4.u8 {%r0, %r1, %r2, %r3}, [%rd1+2];", 8, "not aligned to 4");
    check("st.global.u16 [%rd0+1], 5;", 8, "not aligned to 2");
    check("st.global.v2.b32 [%rd0+4], {5, 6};", 8, "not aligned to 8");
}

#[test]
fn accesses_stay_in_allocations() {
    check("ld.global.u64 %rd2, [%rd1+512];", 8, "offset 512 of an allocation of 512 bytes");
    check("ld.global.u8 %r2, [%rd1+-1];", 8, "offset -1 of an allocation of 512 bytes");
    check("st.global.v2.b64 [%rd0+512], {1, 2};", 8, "offset 512");
    check("mov.u64 %rd2, 0; ld.global.u8 %r2, [%rd2];", 8, "no address of global memory");
    check("sub.u64 %rd2, 0, %rd1; ld.global.u8 %r2, [%rd2];", 8, "no address");
    check("ld.global.u64 %rd2, [%rd0];", 8, "nobody has written it");
    check("st.global.b32 [%rd0], 1;\nld.global.u64 %rd2, [%rd0];", 9, "nobody has written it");
}

#[test]
fn freed_memory_is_not_touched() {
    let module = understood(&kernel("ld.global.u64 %rd2, [%rd1];"));
    let mut bench = Bench::new();
    bench.memory.free(bench.input).expect("allocated");
    let error = bench.run(&module, 1).expect_err("freed");
    assert!(error.line == 8 && error.message.contains("was freed"), "{error}");
}

#[test]
fn tables_end_and_are_not_stored_to() {
    let tables = ".const .align 8 .b64 t[2] = {1, 2}; .global .align 8 .b64 g[2] = {1, 2};\
        .const .align 4 .b32 w[4] = {1, 2, 3, 4};";
    let check = |body: &str, part: &str| check_text(&kernel_after(tables, body), 1, 8, part);
    check("mov.u64 %rd2, t; ld.const.b64 %rd3, [%rd2+16];", "offset 16 of t, which has 16");
    check("mov.u64 %rd2, w; ld.const.b32 %r0, [%rd2+-4];", "offset -4 of w");
    check("mov.u64 %rd2, g; ld.global.nc.b64 %rd3, [%rd2+16];", "offset 16 of g");
    check("mov.u64 %rd2, t; ld.const.b32 %r0, [%rd2+2];", "not aligned to 4");
    check("mov.u64 %rd2, w; ld.const.b64 %rd3, [%rd2+8];", "not aligned to 8");
    check("mov.u64 %rd2, t; ld.global.b64 %rd3, [%rd2];", "no address of global memory");
    check("mov.u64 %rd2, g; ld.const.b64 %rd3, [%rd2];", "no address of a .const table");
    check("ld.const.b64 %rd3, [%rd1];", "no address of a .const table");
    check("mov.u64 %rd2, t; st.global.b64 [%rd2], 5;", "no address of global memory");
    check("mov.u64 %rd2, g; st.global.b64 [%rd2], 5;", "no address of global memory");
}

/// Sets `%r0` to the thread, `%p0` for thread 0, and `%rd2` to the thread's word of the output.
const WHO: &str = "mov.u32 %r0, %tid.x; setp.eq.u32 %p0, %r0, 0;\
    mul.wide.u32 %rd2, %r0, 8; add.u64 %rd2, %rd2, %rd0;";

#[test]
fn non_coherent_loads_see_no_stores() {
    let own = "ld.global.nc.b64 %rd3, [%rd1];\nst.global.b64 [%rd1], 5;";
    check(own, 9, "a .nc load of this launch read it");
    let after = "st.global.b64 [%rd1], 5;\nld.global.nc.b64 %rd3, [%rd1];";
    check(after, 9, ".nc load may not see");
    let other =
        format!("{WHO}\n@%p0 ld.global.nc.b64 %rd3, [%rd1];@!%p0 st.global.b32 [%rd1+4], 5;");
    check_text(&kernel(&other), 2, 9, ".nc load");
}

#[test]
fn threads_do_not_race() {
    check_text(&kernel("st.global.b32 [%rd0], 5;"), 2, 8, "another thread of this launch wrote it");
    check_text(&kernel(&format!("{WHO}\nst.global.v2.b64 [%rd0], {{1, 2}};")), 64, 9, "wrote it");
    let overlap = format!("{WHO}\nst.global.b64 [%rd2], 1; @%p0 st.global.u8 [%rd2+15], 2;");
    check_text(&kernel(&overlap), 2, 9, "wrote it");
    let read = format!("{WHO}\n@%p0 st.global.b64 [%rd1], 1; @!%p0 ld.global.b64 %rd3, [%rd1];");
    check_text(&kernel(&read), 2, 9, "another thread of this launch");
    let exchange =
        format!("{WHO}\nst.global.b64 [%rd2], 1; bar.warp.sync -1; ld.global.b64 %rd3, [%rd0];");
    check_text(&kernel(&exchange), 32, 9, "another thread of this launch");
}

#[test]
fn shuffles_are_for_whole_warps() {
    let shuffle = "shfl.sync.down.b32 %r1, %r0, 1, 31, -1;";
    let exits = format!("{WHO}\n@%p0 exit;\n{shuffle}");
    check_text(&kernel(&exits), 32, 10, "31 threads of the warp wait here");
    let skips = format!("{WHO}\n@!%p0 {shuffle}");
    check_text(&kernel(&skips), 32, 9, "31 threads of the warp wait here");
    check_text(&kernel(&format!("{WHO}\n{shuffle}")), 16, 9, "16 threads of the warp wait here");
    check_text(&kernel("\nbar.warp.sync -1;"), 48, 9, "16 threads");
    let elsewhere = format!("{WHO}\n@%p0 bra L;{shuffle}\n@!%p0 bra M;\nL: {shuffle}\nM:");
    let fault = fault_of(&kernel(&elsewhere), 32);
    assert!(fault.message.contains("waits elsewhere"), "{fault}");
}

#[test]
fn threads_come_to_an_end() {
    check("L:\nbra L;", 9, "does not come to an end");
    let module = understood(&kernel("L: bra L;"));
    let options = Options { budget: 100, ..Options::default() };
    assert!(Bench::new().run_in(&module, 1, options).is_err());
}

#[test]
fn integers_are_not_divided_by_zero() {
    check("mov.u32 %r0, 0; div.u32 %r1, 5, %r0;", 8, "divided by 0");
    check("mov.u64 %rd2, 0; rem.u64 %rd3, 5, %rd2;", 8, "divided by 0");
}

#[test]
fn launches_fit_their_entries() {
    let module = understood(&kernel(""));
    let mut memory = crate::ptx::Memory::new(100);
    let cases: [(&str, &[u64], u32, u32, &str); 6] = [
        ("k", &[1], 1, 1, "1 parameters where 2 are declared"),
        ("k", &[1, 2, 3], 1, 1, "3 parameters"),
        ("l", &[1, 2], 1, 1, "no entry l"),
        ("k", &[1, 2], 0, 1, "0 blocks"),
        ("k", &[1, 2], 1, 0, "0 threads"),
        ("k", &[1, 2], 1, 257, "at most 256"),
    ];
    for (entry, params, blocks, block_size, part) in cases {
        let extent = Extent { blocks, block_size };
        let error = run(&module, entry, extent, params, &mut memory, Options::default());
        let error = error.expect_err(part);
        assert!(error.line == 0 && error.message.contains(part), "{error}");
    }
}
