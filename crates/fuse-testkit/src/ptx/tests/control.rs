//! Branches, guards, calls and what a warp does together.

use super::{Bench, Options, Order, kernel, kernel_after, result_of, understood};

#[test]
fn special_registers_tell_who_a_thread_is() {
    let body = "mov.u32 %r0, %tid.x; mov.u32 %r1, %laneid; mov.u32 %r2, %ntid.x;\n\
        mov.u32 %r3, %ctaid.x; mov.u32 %r4, %nctaid.x;\n\
        mad.lo.u32 %r5, %r0, 1000, %r1; add.u32 %r5, %r5, %r2; add.u32 %r5, %r5, %r3;\n\
        add.u32 %r5, %r5, %r4; mul.wide.u32 %rd2, %r0, 4; add.u64 %rd2, %rd2, %rd0;\n\
        st.global.b32 [%rd2], %r5;";
    let mut bench = Bench::new();
    bench.run(&understood(&kernel(body)), 70).expect("no fault");
    for thread in 0..70_u32 {
        let expected = thread * 1000 + thread % 32 + 70 + 1;
        assert_eq!(bench.output32(u64::from(thread)), expected, "{thread}");
    }
}

#[test]
fn guards_and_loops() {
    let body = "mov.u32 %r0, 10; mov.u64 %rd2, 0; mov.u64 %rd3, 1;\n\
        L0: add.u64 %rd2, %rd2, %rd3; add.u64 %rd3, %rd3, 1;\n\
        sub.u32 %r0, %r0, 1; setp.ne.u32 %p0, %r0, 0; @%p0 bra L0;\n\
        @%p0 add.u64 %rd2, %rd2, 1000; @!%p0 add.u64 %rd2, %rd2, 100;\n\
        st.global.b64 [%rd0], %rd2; bra END; st.global.b64 [%rd0], %rd3;\nEND:";
    assert_eq!(result_of(body), 155);
}

const FUNCTIONS: &str = ".func (.param .align 8 .b8 results[16]) half(.param .b64 x, .param .b32 n) {\
    .reg .f64 %fd<3>; .reg .b32 %r<1>; .reg .pred %p<1>;\
    ld.param.f64 %fd0, [x]; ld.param.b32 %r0, [n]; setp.eq.s32 %p0, %r0, 0; @%p0 ret;\
    mul.rn.f64 %fd1, %fd0, 0d3fe0000000000000; cvt.rn.f64.s32 %fd2, %r0;\
    st.param.f64 [results], %fd1; st.param.b64 [results+8], %fd2; ret; } \
    .func (.param .align 4 .b8 results[4]) twice(.param .f64 x) {\
    .reg .f64 %fd<3>; .reg .f32 %f<1>; ld.param.f64 %fd0, [x];\
    { .param .f64 c0; .param .b32 c1; .param .align 8 .b8 out[16];\
      st.param.f64 [c0], %fd0; st.param.b32 [c1], 5; call (out), half, (c0, c1);\
      ld.param.f64 %fd0, [out]; ld.param.f64 %fd1, [out+8]; }\
    add.rn.f64 %fd2, %fd0, %fd1; cvt.rn.f32.f64 %f0, %fd2; st.param.f32 [results], %f0; ret; }";

/// A call of `twice` that puts its result, as f64, into `%fd0`.
const CALL: &str = "{ .param .f64 c0; .param .align 4 .b8 out[4]; st.param.f64 [c0], %fd0;\
    call (out), twice, (c0); ld.param.f32 %f0, [out]; } cvt.f64.f32 %fd0, %f0;";

#[test]
fn functions_call_functions() {
    let body = format!(
        "mov.u32 %r0, %tid.x; cvt.rn.f64.s32 %fd0, %r0;\n{CALL}\n{CALL}\n\
         mul.wide.u32 %rd2, %r0, 8; add.u64 %rd2, %rd2, %rd0; st.global.f64 [%rd2], %fd0;"
    );
    let mut bench = Bench::new();
    bench.run(&understood(&kernel_after(FUNCTIONS, &body)), 40).expect("no fault");
    for thread in 0..40_u32 {
        let expected = (f64::from(thread) / 2.0 + 5.0) / 2.0 + 5.0;
        assert_eq!(f64::from_bits(bench.output(u64::from(thread))), expected, "{thread}");
    }
}

#[test]
fn a_function_without_parameters() {
    let function =
        ".func (.param .align 8 .b8 results[8]) seven() { st.param.b64 [results], 7; ret; }";
    let body = "{ .param .align 8 .b8 out[8]; call (out), seven, (); ld.param.b64 %rd2, [out]; }\n\
        st.global.b64 [%rd0], %rd2;";
    let mut bench = Bench::new();
    bench.run(&understood(&kernel_after(function, body)), 1).expect("no fault");
    assert_eq!(bench.output(0), 7);
}

#[test]
fn lanes_shuffle_down() {
    let body = "mov.u32 %r0, %tid.x; add.u32 %r1, %r0, 100;\n\
        shfl.sync.down.b32 %r2, %r1, 4, 31, -1; bar.warp.sync -1;\n\
        shfl.sync.down.b32 %r1, %r2, 16, 31, 0xffffffff;\n\
        and.b32 %r3, %r0, 1; shfl.sync.down.b32 %r4, %r0, %r3, 31, -1;\n\
        mul.wide.u32 %rd2, %r0, 8; add.u64 %rd2, %rd2, %rd0; st.global.v2.b32 [%rd2], {%r1, %r4};";
    for order in [Order::Ascending, Order::Shuffled(5)] {
        let mut bench = Bench::new();
        let options = Options { order, ..Options::default() };
        bench.run_in(&understood(&kernel(body)), 64, options).expect("no fault");
        for thread in 0..64_u32 {
            let (warp, lane) = (thread / 32 * 32, thread % 32);
            let far = if lane + 16 < 32 { lane + 16 } else { lane };
            let source = if far + 4 < 32 { far + 4 } else { far };
            let near = if lane % 2 == 1 && lane < 31 { lane + 1 } else { lane };
            let found = [0, 1].map(|half| bench.output32(u64::from(2 * thread + half)));
            assert_eq!(found, [warp + source + 100, warp + near], "{thread}");
        }
    }
}

/// The fixed shape of a fold: 16, 8, 4, 2, 1.
#[test]
fn a_warp_adds_its_lanes() {
    let mut body = String::from("mov.u32 %r0, %tid.x; cvt.rn.f64.s32 %fd0, %r0;\n");
    for distance in [16, 8, 4, 2, 1] {
        body += &format!(
            "mov.b64 {{%r1, %r2}}, %fd0; shfl.sync.down.b32 %r1, %r1, {distance}, 31, -1;\n\
             shfl.sync.down.b32 %r2, %r2, {distance}, 31, -1; mov.b64 %fd1, {{%r1, %r2}};\n\
             add.rn.f64 %fd0, %fd0, %fd1;\n"
        );
    }
    body += "setp.ne.u32 %p0, %r0, 0; @%p0 exit; st.global.f64 [%rd0], %fd0;";
    let mut bench = Bench::new();
    bench.run(&understood(&kernel(&body)), 32).expect("no fault");
    assert_eq!(f64::from_bits(bench.output(0)), 496.0);
}
