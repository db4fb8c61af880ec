//! What is not in the subset is refused, whatever the real assembler thinks of it.

use super::{HEAD, kernel, kernel_after};
use crate::ptx::parse;

/// Instructions that take registers of the right types, and still are not to be had.
const REFUSED: &[&str] = &[
    // Roundings that are not stated, and what approximates, flushes or saturates.
    "add.f64 %fd0, %fd1, %fd2;",
    "sub.f32 %f0, %f1, %f2;",
    "mul.f32 %f0, %f1, %f2;",
    "mul.f64 %fd0, %fd1, %fd2;",
    "fma.f64 %fd0, %fd1, %fd2, %fd3;",
    "mad.rn.f64 %fd0, %fd1, %fd2, %fd3;",
    "mad.f32 %f0, %f1, %f2, %f3;",
    "div.full.f32 %f0, %f1, %f2;",
    "div.approx.f32 %f0, %f1, %f2;",
    "div.f64 %fd0, %fd1, %fd2;",
    "add.rn.ftz.f32 %f0, %f1, %f2;",
    "add.ftz.f32 %f0, %f1, %f2;",
    "add.rn.sat.f32 %f0, %f1, %f2;",
    "add.rz.f64 %fd0, %fd1, %fd2;",
    "fma.rz.f64 %fd0, %fd1, %fd2, %fd3;",
    "fma.rm.f32 %f0, %f1, %f2, %f3;",
    "sqrt.approx.f32 %f0, %f1;",
    "sqrt.approx.ftz.f32 %f0, %f1;",
    "sqrt.rz.f64 %fd0, %fd1;",
    "rcp.rn.f64 %fd0, %fd1;",
    "rsqrt.approx.f64 %fd0, %fd1;",
    "sin.approx.f32 %f0, %f1;",
    "cos.approx.f32 %f0, %f1;",
    "ex2.approx.f32 %f0, %f1;",
    "lg2.approx.f32 %f0, %f1;",
    "tanh.approx.f32 %f0, %f1;",
    "rem.f32 %f0, %f1, %f2;",
    "max.f32 %f0, %f1, %f2;",
    "min.f64 %fd0, %fd1, %fd2;",
    "max.NaN.f32 %f0, %f1, %f2;",
    "neg.f64 %fd0, %fd1;",
    "abs.f32 %f0, %f1;",
    "copysign.f64 %fd0, %fd1, %fd2;",
    "testp.infinite.f64 %p0, %fd0;",
    // Integers.
    "add.u16 %h0, %h1, %h2;",
    "add.sat.s32 %r0, %r1, %r2;",
    "add.cc.u32 %r0, %r1, %r2;",
    "addc.u32 %r0, %r1, %r2;",
    "mul.hi.s32 %r0, %r1, %r2;",
    "mul.hi.u64 %rd0, %rd1, %rd2;",
    "mul24.lo.u32 %r0, %r1, %r2;",
    "mad.hi.u32 %r0, %r1, %r2, %r3;",
    "div.s32 %r0, %r1, %r2;",
    "rem.s64 %rd0, %rd1, %rd2;",
    "neg.s32 %r0, %r1;",
    "abs.s32 %r0, %r1;",
    "min.s32 %r0, %r1, %r2;",
    "max.s64 %rd0, %rd1, %rd2;",
    "and.b16 %h0, %h1, %h2;",
    "shl.b16 %h0, %h1, 1;",
    "bfe.s32 %r0, %r1, 1, 2;",
    "bfe.u64 %rd0, %rd1, 1, 2;",
    "bfi.b64 %rd0, %rd1, %rd2, 1, 2;",
    "popc.b32 %r0, %r1;",
    "brev.b64 %rd0, %rd1;",
    "prmt.b32 %r0, %r1, %r2, 1;",
    "lop3.b32 %r0, %r1, %r2, %r3, 1;",
    "shf.l.wrap.b32 %r0, %r1, %r2, %r3;",
    // Conversions, comparisons, selections and moves.
    "cvt.f32.f64 %f0, %fd0;",
    "cvt.rz.f32.f64 %f0, %fd0;",
    "cvt.rn.sat.f32.f64 %f0, %fd0;",
    "cvt.rn.ftz.f32.f64 %f0, %fd0;",
    "cvt.rn.f64.u32 %fd0, %r0;",
    "cvt.rn.f32.s32 %f0, %r0;",
    "cvt.rzi.u32.f64 %r0, %fd0;",
    "cvt.rni.s32.f64 %r0, %fd0;",
    "cvt.rzi.sat.s32.f64 %r0, %fd0;",
    "cvt.rz.f16.f32 %h0, %f0;",
    "cvt.s64.s8 %rd0, %r0;",
    "cvt.u32.u8 %r0, %r1;",
    "setp.ne.f64 %p0, %fd0, %fd1;",
    "setp.gt.f64 %p0, %fd0, %fd1;",
    "setp.ltu.f32 %p0, %f0, %f1;",
    "setp.num.f32 %p0, %f0, %f1;",
    "setp.eq.ftz.f32 %p0, %f0, %f1;",
    "setp.lt.b32 %p0, %r0, %r1;",
    "setp.lo.u32 %p0, %r0, %r1;",
    "setp.eq.and.u32 %p0, %r0, %r1, %p1;",
    "setp.eq.u32 %p0|%p1, %r0, %r1;",
    "set.eq.u32.u32 %r0, %r1, %r2;",
    "selp.u32 %r0, %r1, %r2, %p0;",
    "selp.s64 %rd0, %rd1, %rd2, %p0;",
    "slct.u32.s32 %r0, %r1, %r2, %r3;",
    "mov.s32 %r0, %r1;",
    "mov.u16 %h0, %h1;",
    "mov.b16 %h0, %h1;",
    "mov.b32 %r0, {%h0, %h1};",
    "mov.b64 %rd0, {%r0};",
    "mov.b64 {%r0, %r0}, %rd0;",
    "mov.u64 {%r0, %r1}, %rd0;",
    "cvta.global.u64 %rd0, %rd1;",
    "cvta.to.shared.u64 %rd0, %rd1;",
    // Memory.
    "ld.global.ca.f64 %fd0, [%rd0];",
    "ld.global.cg.f64 %fd0, [%rd0];",
    "ld.volatile.global.f64 %fd0, [%rd0];",
    "ld.relaxed.gpu.global.f64 %fd0, [%rd0];",
    "ld.f64 %fd0, [%rd0];",
    "ld.shared.f64 %fd0, [%rd0];",
    "ld.local.f64 %fd0, [%rd0];",
    "ld.global.s8 %r0, [%rd0];",
    "ld.global.b8 %r0, [%rd0];",
    "ld.global.s32 %r0, [%rd0];",
    "ld.global.s64 %rd0, [%rd0];",
    "ld.global.v4.f64 {%fd0, %fd1, %fd2, %fd3}, [%rd0];",
    "ld.global.v8.b16 {%r0, %r1, %r2, %r3, %r4, %r5, %r6, %r7}, [%rd0];",
    "ld.global.v2.nc.f64 {%fd0, %fd1}, [%rd0];",
    "ld.global.nc.L1::no_allocate.f64 %fd0, [%rd0];",
    "ldu.global.f64 %fd0, [%rd0];",
    "ld.const.v2.f64 {%fd0, %fd1}, [%rd0];",
    "ld.const.u32 %r0, [%rd0];",
    "st.global.wb.f64 [%rd0], %fd0;",
    "st.volatile.global.f64 [%rd0], %fd0;",
    "st.f64 [%rd0], %fd0;",
    "st.shared.f64 [%rd0], %fd0;",
    "st.local.f64 [%rd0], %fd0;",
    "st.const.f64 [%rd0], %fd0;",
    "st.global.u32 [%rd0], %r0;",
    "st.global.nc.f64 [%rd0], %fd0;",
    "prefetch.global.L2 [%rd0];",
    "prefetchu.L1 [%rd0];",
    "cp.async.ca.shared.global [%r0], [%rd0], 4;",
    "atom.global.add.u32 %r0, [%rd0], 1;",
    "atom.add.f64 %fd0, [%rd0], %fd1;",
    "atom.global.cas.b32 %r0, [%rd0], %r1, %r2;",
    "red.global.add.f32 [%rd0], %f0;",
    "membar.gl;",
    "fence.acq_rel.gpu;",
    // Control and the warp.
    "bar.sync 0;",
    "barrier.sync 0;",
    "bar.red.popc.u32 %r0, 0, %p0;",
    "bar.warp.sync %r0;",
    "bar.warp.sync 1;",
    "bar.warp.sync;",
    "shfl.down.b32 %r0, %r1, 1, 31;",
    "shfl.sync.up.b32 %r0, %r1, 1, 0, -1;",
    "shfl.sync.bfly.b32 %r0, %r1, 1, 31, -1;",
    "shfl.sync.idx.b32 %r0, %r1, 1, 31, -1;",
    "shfl.sync.down.b32 %r0|%p0, %r1, 1, 31, -1;",
    "shfl.sync.down.b32 %r0, %r1, 1, 15, -1;",
    "shfl.sync.down.b32 %r0, %r1, 1, 31, 0xffff;",
    "shfl.sync.down.b32 %r0, %r1, 1, %r2, -1;",
    "vote.sync.any.pred %p0, %p1, -1;",
    "activemask.b32 %r0;",
    "match.any.sync.b32 %r0, %r1, -1;",
    "L: @%p0 bra.uni L;",
    "brx.idx %r0, L;",
    "ret.uni;",
    "trap;",
    "brkpt;",
    "nanosleep.u32 5;",
    "exit 5;",
    "ret %r0;",
    // Registers that are not there, or of another kind.
    "mov.u32 %r0, %r8;",
    "mov.u32 %r01, %r0;",
    "mov.u32 %x0, %r0;",
    "mov.u32 r0, %r0;",
    "mov.u32 %r, %r0;",
    "mov.u32 %r0, %tid.y;",
    "mov.u32 %r0, %tid;",
    "mov.u32 %r0, %warpid;",
    "mov.u32 %r0, %lanemask_lt;",
    "mov.u32 %r0, %smid;",
    "mov.u32 %r0, %clock;",
    "mov.u64 %rd0, %clock64;",
    "mov.u64 %rd0, %tid.x;",
    "mov.b32 %r0, %tid.x;",
    "add.u32 %r0, %tid.x, 1;",
    "mov.u64 %rd0, missing;",
    "mov.u64 %rd0, a;",
    "add.u32 %r0, %r1, %rd0;",
    "add.u32 %rd0, %r1, %r2;",
    "add.u64 %rd0, %rd1, %r2;",
    "add.u32 %r0, %f1, %r2;",
    "add.rn.f64 %fd0, %fd1, %f2;",
    "add.rn.f32 %f0, %fd1, %f2;",
    "add.rn.f32 %rd0, %f1, %f2;",
    "mov.u32 %r0, %f0;",
    "mov.f32 %f0, %fd0;",
    "mov.pred %p0, %r0;",
    "mov.pred %p0, 1;",
    "mul.wide.u32 %r0, %r1, %r2;",
    "shl.b64 %rd0, %rd1, %rd2;",
    "clz.b64 %rd0, %rd1;",
    "cvt.s64.s32 %rd0, %rd1;",
    "cvt.f32.f16 %f0, %r0;",
    "setp.eq.u32 %r0, %r1, %r2;",
    "selp.b32 %r0, %r1, %r2, %r3;",
    "selp.b32 %r0, %r1, %r2, 1;",
    "@%r0 mov.u32 %r1, 0;",
    "@%p8 mov.u32 %r1, 0;",
    "ld.global.u8 %rd2, [%rd0];",
    "ld.global.u8 %h0, [%rd0];",
    "ld.global.u8 %f0, [%rd0];",
    "ld.global.f64 %rd2, [%r0];",
    "ld.global.f64 %f0, [%rd0];",
    "ld.global.f32 %fd0, [%rd0];",
    "ld.global.b32 %r0, [%fd0];",
    "ld.global.b32 %r0, [table];",
    "ld.global.b32 %r0, [1024];",
    "ld.global.b32 %r0, %rd0;",
    "ld.global.b32 %r0, [%rd0-8];",
    "ld.global.b32 %r0, [%rd0+%rd1];",
    "ld.global.b32 %r0, [%rd0+4294967296];",
    "ld.global.b32 {%r0}, [%rd0];",
    "ld.global.v2.b32 %r0, [%rd0];",
    "ld.global.v2.b32 {%r0, %r1, %r2}, [%rd0];",
    "ld.global.v2.b32 {%r0, %r0}, [%rd0];",
    "ld.global.v2.b32 {%r0, 5}, [%rd0];",
    "st.global.b32 [%rd0], %fd0;",
    "st.global.v2.b32 [%rd0], {%r0, %rd0};",
    "st.global.v4.b32 [%rd0], {%r0, %r1};",
    "ld.param.u64 %rd2, [c];",
    "ld.param.u64 %rd2, [a+8];",
    "ld.param.b32 %r0, [a];",
    "ld.param.f64 %fd0, [a];",
    "ld.param.u32 %r0, [a];",
    "st.param.b64 [a], %rd0;",
    "st.param.b32 [a], %r0;",
    // Numbers.
    "mov.u32 %r0, 4294967296;",
    "mov.u32 %r0, -2147483649;",
    "mov.u32 %r0, 010;",
    "mov.u32 %r0, 5U;",
    "mov.u32 %r0, 0f3f800000;",
    "mov.u32 %r0, 1.0;",
    "mov.u32 %r0, 1+1;",
    "mov.u64 %rd0, 0d3ff0000000000000;",
    "mov.f64 %fd0, 1;",
    "mov.f64 %fd0, 1.0;",
    "mov.f64 %fd0, 0f3f800000;",
    "mov.f64 %fd0, 0d3ff0;",
    "mov.f64 %fd0, -0d3ff0000000000000;",
    "mov.f32 %f0, 0d3ff0000000000000;",
    "st.global.u8 [%rd0], 256;",
    "mov.u32 5, %r0;",
    // Forms.
    "add.u32 %r0, %r1;",
    "add.u32 %r0, %r1, %r2, %r3;",
    "add.u32 %r0 %r1 %r2;",
    "add.u32 %r0, , %r2;",
    "ADD.u32 %r0, %r1, %r2;",
    "add. u32 %r0, %r1, %r2;",
    ".reg .b32 %x<1>;",
    ".shared .b32 x[1];",
    ".local .b32 x[1];",
    ".param .b32 x;",
    ".pragma \"nounroll\";",
    ".loc 1 1 1;",
    "bra;",
    "bra 5;",
    "bra %r0;",
    "bra NOWHERE;",
    "L: L: mov.u32 %r0, 1;",
    "L: bra END; { L2: ret; } END: ret;",
    "{ mov.u32 %r0, 1; }",
    "{ { mov.u32 %r0, 1; } }",
    "{ mov.u32 %r0, 1; .param .b32 c; }",
    "{ .param .b32 c; L: mov.u32 %r0, 1; }",
    "L: { .param .b32 c; bra L; }",
    "{ .reg .b32 %x<1>; }",
    "call f;",
    "call (r), f, ();",
    ";",
    "5;",
    "-;",
];

fn is_refused(text: &str, line: u32) {
    let error = parse(text).map(|_module| ()).expect_err(text);
    assert_eq!(error.line, line, "{error}\n{text}");
}

#[test]
fn instructions_outside_of_the_subset() {
    parse(&kernel("")).expect("the rest of the text is in the subset");
    for body in REFUSED {
        is_refused(&kernel(&format!("\n{body}\n")), 9);
    }
}

#[test]
fn other_heads() {
    let heads = [
        (".version 6.1\n.target sm_70\n.address_size 64\n", 1),
        (".version 7.0\n.target sm_70\n.address_size 64\n", 1),
        (".version 6.0\n.target sm_60\n.address_size 64\n", 2),
        (".version 6.0\n.target sm_80\n.address_size 64\n", 2),
        (".version 6.0\n.target sm_70, debug\n.address_size 64\n", 2),
        (".version 6.0\n.target sm_70\n.address_size 32\n", 3),
        (".target sm_70\n.version 6.0\n.address_size 64\n", 1),
        (".version 6.0\n.address_size 64\n", 2),
        ("", 2),
    ];
    for (head, line) in heads {
        is_refused(&kernel("").replace(HEAD, head), line);
    }
}

const FUNCTION: &str = ".func (.param .align 8 .b8 results[8]) f(.param .b64 x) { ret; }";

#[test]
fn declarations_outside_of_the_subset() {
    parse(&kernel_after(FUNCTION, "")).expect("in the subset");
    let results = ".func (.param .align 8 .b8 r[8])";
    let functions = [
        format!("{FUNCTION} {FUNCTION}"),
        format!("{results} k() {{ ret; }}"),
        format!(".visible {FUNCTION}"),
        format!(".extern {FUNCTION}"),
        format!(".weak {FUNCTION}"),
        format!("{results} f(.param .b64 x) .noinline {{ ret; }}"),
        format!(".noinline {FUNCTION}"),
        format!("{results} f(.param .b64 x);"),
        format!("{results} f(.param .u64 x) {{ ret; }}"),
        format!("{results} f(.param .b16 x) {{ ret; }}"),
        format!("{results} f(.param .b64 x, .param .b64 x) {{ ret; }}"),
        format!("{results} f(.param .b64 r) {{ ret; }}"),
        format!("{results} f(.reg .b64 %x) {{ ret; }}"),
        format!("{results} f {{ ret; }}"),
        format!("{results} f() {{ }}"),
        format!("{results} f() {{ .reg .pred %p<1>; @%p0 ret; }}"),
        format!("{results} f() {{ .reg .b32 %r<1>; .reg .b64 %r<1>; ret; }}"),
        format!("{results} f() {{ .reg .b32 %r<0>; ret; }}"),
        format!("{results} f() {{ .reg .b32 %r; ret; }}"),
        format!("{results} f() {{ .reg .b32 r<2>; ret; }}"),
        format!("{results} f() {{ .reg .b32 %r1<2>; ret; }}"),
        format!("{results} f() {{ .reg .b8 %r<2>; ret; }}"),
        format!("{results} f() {{ .reg .u32 %r<2>; ret; }}"),
        format!("{results} f() {{ ret; L: }}"),
        format!("{results} f() {{ call (r), f, (); ret; }}"),
        ".func f() { ret; }".to_string(),
        ".func (.param .b64 r) f() { ret; }".to_string(),
        ".func (.param .align 3 .b8 r[8]) f() { ret; }".to_string(),
        ".func (.param .align 8 .b8 r[6]) f() { ret; }".to_string(),
        ".func (.param .align 8 .b64 r[1]) f() { ret; }".to_string(),
    ];
    let others = [
        ".entry e() { ret; }",
        ".visible .entry e() .reqntid 256, 1, 1 { ret; }",
        ".visible .entry e() .maxntid 256, 2, 1 { ret; }",
        ".visible .entry e() .maxntid 256 { ret; }",
        ".visible .entry e() .maxntid 256, 1, 1 .minnctapersm 2 { ret; }",
        ".visible .entry e() .minnctapersm 1 { ret; }",
        ".visible .entry e(.param .b32 x) { ret; }",
        ".visible .entry e(.param .f64 x) { ret; }",
        ".visible .entry e(.param .u64 .ptr x) { ret; }",
        ".visible .entry e() { ret; } .visible .entry e() { ret; }",
        ".visible .entry k() { ret; }",
        ".shared .align 8 .b64 s[4];",
        ".local .align 8 .b64 s[4];",
        ".tex .u32 t;",
        ".file 1 \"x\"",
        ".pragma \"x\";",
        ".global .align 8 .b64 g[2];",
        ".visible .global .align 8 .b64 g[1] = {1};",
        ".const .b64 t[1] = {1};",
        ".const .align 4 .b64 t[1] = {1};",
        ".const .align 16 .b64 t[1] = {1};",
        ".const .align 8 .f64 t[1] = {0d3ff0000000000000};",
        ".const .align 8 .b64 t[1] = {0d3ff0000000000000};",
        ".const .align 8 .u64 t[1] = {1};",
        ".const .align 8 .b64 t[2] = {1};",
        ".const .align 8 .b64 t[1] = {1, 2};",
        ".const .align 8 .b64 t[0] = {};",
        ".const .align 8 .b64 t[] = {1};",
        ".const .align 8 .b64 t = 1;",
        ".const .align 1 .b8 t[1] = {256};",
        ".const .align 8 .b64 t[1] = {1}; .global .align 8 .b64 t[1] = {1};",
        "/* a comment */",
        ";",
    ];
    for declaration in functions.iter().map(String::as_str).chain(others) {
        let text = kernel_after(declaration, "");
        let error = parse(&text).map(|_module| ()).expect_err(&text);
        assert!((4..=5).contains(&error.line), "{error}\n{text}");
    }
    let table = |entries: usize| {
        let zeros = vec!["0"; entries].join(", ");
        format!("{HEAD}.const .align 8 .b64 t[{entries}] = {{{zeros}}};")
    };
    parse(&table(8192)).expect("64 KiB");
    is_refused(&table(8193), 4);
}

#[test]
fn calls_fit_what_they_call() {
    let function =
        ".func (.param .align 8 .b8 results[8]) f(.param .b64 x, .param .b32 y) { ret; }";
    let call =
        |variables: &str, call: &str| kernel_after(function, &format!("{{ {variables}\n{call} }}"));
    let all = ".param .b64 x; .param .b32 y; .param .align 8 .b8 r[8]; .param .b64 z;\
        .param .align 8 .b8 s[16]; .param .align 4 .b8 q[8];";
    parse(&call(all, "call (r), f, (x, y);")).expect("in the subset");
    let refused = [
        "call (r), f, (x);",
        "call (r), f, (x, y, z);",
        "call (r), f, (x, z);",
        "call (r), f, (y, x);",
        "call (s), f, (x, y);",
        "call (y), f, (x, y);",
        "call f, (x, y);",
        "call (r), f;",
        "call (r, s), f, (x, y);",
        "call (), f, (x, y);",
        "call (r), g, (x, y);",
        "call (r), k, (x, y);",
        "call (r), f, (%rd0, y);",
        "call (r), f, (5, y);",
        "call (r), f, (x, a);",
        "call (r), %rd0, (x, y);",
        "call.uni (r), f, (x, y);",
        "@%p0 call (r), f, (x, y);",
        "call (r), f, (x, y); call (r), f, (x, y);",
        "call (r), f, (x, y); @%p0 ld.param.b64 %rd2, [r];",
        "call (r), f, (x, y); st.param.b64 [x], 5;",
        "@%p0 st.param.b64 [x], 5; call (r), f, (x, y);",
        "ld.param.b64 %rd2, [r]; call (r), f, (x, y);",
        "st.param.b64 [x], 5;",
        "st.param.b32 [x], 5;",
        "st.param.b64 [y], 5;",
        "st.param.b64 [r], 5;",
        "ld.param.b64 %rd2, [x];",
        "call (r), f, (x, y); ld.param.b64 %rd2, [r+8];",
        "call (r), f, (x, y); ld.param.b64 %rd2, [r+-8];",
        "call (r), f, (x, y); ld.param.b64 %rd2, [q];",
        "st.param.u64 [x], 5;",
        "st.param.b16 [x], 5;",
        "st.param.v2.b32 [r], {5, 5};",
        "st.param.f64 [x], %f0;",
        "call (r), f, (x, y); ld.param.u64 %rd2, [r];",
        "call (r), f, (x, y); ld.param.b64 %rd2, [r+4];",
        "call (r), f, (x, y); ld.param.b64 %r0, [r];",
    ];
    for instruction in refused {
        is_refused(&call(all, instruction), 9);
    }
    is_refused(&call(all, "call (r), f, (x, y); }\nst.param.b64 [x], 5; {"), 10);
    is_refused(&kernel_after(function, "{\n.param .b64 x; .param .b64 x; }"), 9);
    is_refused(&kernel_after(function, "{\n.param .b64 a; }"), 9);
    is_refused(&kernel_after(function, "{ .param .b64 x;"), 10);
}

#[test]
fn functions_keep_to_their_parameters() {
    let text = |body: &str| {
        format!(
            "{HEAD}.func (.param .align 8 .b8 r[8]) f(.param .b64 x) {{ .reg .b64 %rd<2>;\n{body}\n\
             st.param.b64 [r], 5; ret; }}"
        )
    };
    parse(&text("ld.param.b64 %rd0, [x];")).expect("in the subset");
    for body in [
        "st.param.b64 [x], 5;",
        "ld.param.b64 %rd0, [r];",
        "ld.param.b32 %rd0, [x];",
        "ld.param.u64 %rd0, [x];",
        "st.param.b64 [r+8], 5;",
    ] {
        is_refused(&text(body), 5);
    }
}
