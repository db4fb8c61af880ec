//! Every instruction that only computes, on a few values with a known result.

use super::{Bench, kernel, understood};
use crate::ptx::opcodes::ROWS;
use crate::ptx::operation::{NAN_F32, NAN_F64};

/// Spelling, classes of the result and of the sources, and values.
type Case = (&'static str, &'static str, &'static [(&'static [u64], u64)]);

const fn d(value: f64) -> u64 {
    value.to_bits()
}

const fn f(value: f32) -> u64 {
    value.to_bits() as u64
}

const fn low(value: i32) -> u64 {
    value as u32 as u64
}

const fn signed(value: i64) -> u64 {
    value as u64
}

const NAN: u64 = f64::NAN.to_bits();
const NAN32: u64 = f32::NAN.to_bits() as u64;
const MADE: u64 = NAN_F64;
const MADE32: u64 = NAN_F32 as u64;
const INF: u64 = d(f64::INFINITY);
const INF32: u64 = f(f32::INFINITY);
const MIN32: u64 = 1 << 31;
const MIN64: u64 = 1 << 63;
const ONES32: u64 = 0xffff_ffff;
const ONES: u64 = u64::MAX;
const HALF_ULP: f64 = 1.0 / (1_u64 << 53) as f64;
const HALF_ULP32: f32 = 1.0 / (1 << 24) as f32;
const A_BIT: f64 = 1.0 / (1 << 30) as f64;
const A_BIT32: f32 = 1.0 / (1 << 14) as f32;

/// Sources: `%h`, `%r`, `%rd`, `%f`, `%fd` or `%p`, by their order.
#[rustfmt::skip]
const CASES: &[Case] = &[
    ("cvta.to.global.u64", "rd rd", &[(&[12345], 12345)]),
    ("add.u32", "r r r", &[(&[ONES32, 3], 2), (&[5, 6], 11)]),
    ("add.s32", "r r r", &[(&[low(-7), 3], low(-4))]),
    ("add.u64", "rd rd rd", &[(&[ONES, 3], 2), (&[ONES32, 1], 1 << 32)]),
    ("add.s64", "rd rd rd", &[(&[signed(-7), 3], signed(-4))]),
    ("sub.u32", "r r r", &[(&[2, 3], ONES32)]),
    ("sub.s32", "r r r", &[(&[2, low(-3)], 5)]),
    ("sub.u64", "rd rd rd", &[(&[2, 3], ONES)]),
    ("sub.s64", "rd rd rd", &[(&[1 << 32, 1], ONES32)]),
    ("mul.lo.u32", "r r r", &[(&[0x1_0001, 0x1_0001], 0x2_0001)]),
    ("mul.lo.s32", "r r r", &[(&[low(-3), 5], low(-15))]),
    ("mul.lo.u64", "rd rd rd", &[(&[0x1_0000_0001, 0x1_0000_0001], 0x2_0000_0001)]),
    ("mul.lo.s64", "rd rd rd", &[(&[signed(-3), 5], signed(-15))]),
    ("mul.hi.u32", "r r r", &[(&[ONES32, ONES32], 0xffff_fffe), (&[7, 9], 0)]),
    ("mul.wide.u32", "rd r r", &[(&[ONES32, ONES32], 0xffff_fffe_0000_0001)]),
    ("mul.wide.s32", "rd r r", &[(&[low(-3), 5], signed(-15)), (&[MIN32, MIN32], 1 << 62)]),
    ("mad.lo.u32", "r r r r", &[(&[0x1_0001, 0x1_0001, ONES32], 0x2_0000)]),
    ("mad.lo.s32", "r r r r", &[(&[low(-3), 5, 20], 5)]),
    ("mad.lo.u64", "rd rd rd rd", &[(&[1 << 40, 1 << 40, 9], 9)]),
    ("mad.lo.s64", "rd rd rd rd", &[(&[signed(-3), 5, 20], 5)]),
    ("mad.wide.u32", "rd r r rd", &[(&[ONES32, 2, 2], 1 << 33)]),
    ("mad.wide.s32", "rd r r rd", &[(&[low(-1), 2, 1], signed(-1))]),
    ("div.u32", "r r r", &[(&[ONES32, 10], 429_496_729)]),
    ("div.u64", "rd rd rd", &[(&[ONES, 10], 1_844_674_407_370_955_161)]),
    ("rem.u32", "r r r", &[(&[ONES32, 10], 5)]),
    ("rem.u64", "rd rd rd", &[(&[ONES, 10], 5)]),
    ("and.b32", "r r r", &[(&[0xff00_ff00, 0x0ff0_0ff0], 0x0f00_0f00)]),
    ("and.b64", "rd rd rd", &[(&[0xff00 << 32, 0x0ff0 << 32], 0x0f00 << 32)]),
    ("and.pred", "p p p", &[(&[1, 1], 1), (&[1, 0], 0), (&[0, 0], 0)]),
    ("or.b32", "r r r", &[(&[0xf0, 0x0f], 0xff)]),
    ("or.b64", "rd rd rd", &[(&[0xf0 << 32, 0x0f], 0xf0_0000_000f)]),
    ("or.pred", "p p p", &[(&[1, 1], 1), (&[1, 0], 1), (&[0, 0], 0)]),
    ("xor.b32", "r r r", &[(&[ONES32, 0x0f], 0xffff_fff0)]),
    ("xor.b64", "rd rd rd", &[(&[ONES, 0x0f], ONES - 15)]),
    ("xor.pred", "p p p", &[(&[1, 1], 0), (&[1, 0], 1), (&[0, 0], 0)]),
    ("not.b32", "r r", &[(&[5], 0xffff_fffa)]),
    ("not.b64", "rd rd", &[(&[5], ONES - 5)]),
    ("not.pred", "p p", &[(&[0], 1), (&[1], 0)]),
    ("shl.b32", "r r r", &[(&[3, 31], MIN32), (&[3, 32], 0), (&[3, ONES32], 0), (&[3, 0], 3)]),
    ("shl.b64", "rd rd r", &[(&[3, 63], MIN64), (&[3, 64], 0), (&[3, 32], 3 << 32)]),
    ("shr.u32", "r r r", &[(&[ONES32, 31], 1), (&[ONES32, 32], 0), (&[ONES32, 255], 0)]),
    ("shr.u64", "rd rd r", &[(&[ONES, 63], 1), (&[ONES, 64], 0)]),
    ("shr.s32", "r r r", &[(&[low(-8), 1], low(-4)), (&[low(-8), 32], ONES32), (&[8, 99], 0)]),
    ("shr.s64", "rd rd r", &[(&[signed(-8), 1], signed(-4)), (&[MIN64, 64], ONES), (&[8, 99], 0)]),
    ("bfe.u32", "r r r r", &[
        (&[0x1234_5678, 8, 12], 0x456), (&[0x1234_5678, 28, 32], 1), (&[ONES32, 0, 0], 0),
        (&[ONES32, 32, 5], 0), (&[ONES32, 0, 32], ONES32), (&[0x80, 0x107, 0x101], 1),
    ]),
    ("bfi.b32", "r r r r r", &[
        (&[0xabc, 0x1234_5678, 8, 12], 0x123a_bc78), (&[ONES32, 0, 28, 32], 0xf000_0000),
        (&[ONES32, 7, 32, 4], 7), (&[ONES32, 7, 3, 0], 7), (&[9, 7, 0, 32], 9),
    ]),
    ("clz.b32", "r r", &[(&[0], 32), (&[1], 31), (&[ONES32], 0)]),
    ("clz.b64", "r rd", &[(&[0], 64), (&[1 << 40], 23), (&[ONES], 0)]),
    ("brev.b32", "r r", &[(&[1], MIN32), (&[0x8000_0006], 0x6000_0001)]),
    ("min.u32", "r r r", &[(&[ONES32, 3], 3), (&[2, 3], 2)]),
    ("min.u64", "rd rd rd", &[(&[ONES, 3], 3)]),
    ("max.u32", "r r r", &[(&[ONES32, 3], ONES32), (&[2, 3], 3)]),
    ("max.u64", "rd rd rd", &[(&[ONES, 3], ONES)]),
    ("add.rn.f32", "f f f", &[
        (&[f(1.0), f(HALF_ULP32)], f(1.0)), (&[f(1.0), f(3.0 * HALF_ULP32)], f(1.0 + 4.0 * HALF_ULP32)),
        (&[INF32, f(f32::NEG_INFINITY)], MADE32), (&[NAN32, f(1.0)], MADE32), (&[1, 1], 2),
    ]),
    ("add.rn.f64", "fd fd fd", &[
        (&[d(1.0), d(HALF_ULP)], d(1.0)), (&[d(1.0), d(3.0 * HALF_ULP)], d(1.0 + 4.0 * HALF_ULP)),
        (&[INF, d(f64::NEG_INFINITY)], MADE), (&[NAN, d(1.0)], MADE), (&[1, 1], 2),
    ]),
    ("sub.rn.f32", "f f f", &[(&[f(1.0), f(0.25)], f(0.75)), (&[f(1.0), f(1.0)], 0)]),
    ("sub.rn.f64", "fd fd fd", &[(&[d(1.0), d(0.25)], d(0.75)), (&[INF, INF], MADE)]),
    ("mul.rn.f32", "f f f", &[(&[f(3.0), f(-0.5)], f(-1.5)), (&[INF32, 0], MADE32)]),
    ("mul.rn.f64", "fd fd fd", &[(&[d(3.0), d(-0.5)], d(-1.5)), (&[INF, 0], MADE)]),
    ("div.rn.f32", "f f f", &[(&[f(1.0), f(3.0)], 0x3eaa_aaab), (&[0, 0], MADE32), (&[f(1.0), 0], INF32)]),
    ("div.rn.f64", "fd fd fd", &[(&[d(1.0), d(3.0)], 0x3fd5_5555_5555_5555), (&[0, MIN64], MADE)]),
    ("fma.rn.f32", "f f f f", &[
        (&[f(1.0 + A_BIT32), f(1.0 + A_BIT32), f(-1.0 - 2.0 * A_BIT32)], f(A_BIT32 * A_BIT32)),
        (&[INF32, 0, 0], MADE32),
    ]),
    ("fma.rn.f64", "fd fd fd fd", &[
        (&[d(1.0 + A_BIT), d(1.0 + A_BIT), d(-1.0 - 2.0 * A_BIT)], d(A_BIT * A_BIT)),
        (&[NAN, 0, 0], MADE),
    ]),
    ("sqrt.rn.f32", "f f", &[(&[f(2.0)], 0x3fb5_04f3), (&[f(-1.0)], MADE32), (&[MIN32], MIN32)]),
    ("sqrt.rn.f64", "fd fd", &[(&[d(2.0)], 0x3ff6_a09e_667f_3bcd), (&[d(-1.0)], MADE), (&[MIN64], MIN64)]),
    ("cvt.rmi.f32.f32", "f f", &[(&[f(-1.5)], f(-2.0)), (&[f(1.5)], f(1.0)), (&[NAN32], MADE32)]),
    ("cvt.rmi.f64.f64", "fd fd", &[(&[d(-1.5)], d(-2.0)), (&[d(0.5)], 0), (&[NAN], MADE)]),
    ("cvt.rpi.f32.f32", "f f", &[(&[f(-0.5)], MIN32), (&[f(1.5)], f(2.0)), (&[NAN32], MADE32)]),
    ("cvt.rpi.f64.f64", "fd fd", &[(&[d(-0.5)], MIN64), (&[d(1.5)], d(2.0)), (&[NAN], MADE)]),
    ("cvt.rzi.f32.f32", "f f", &[(&[f(-0.5)], MIN32), (&[f(1.5)], f(1.0)), (&[INF32], INF32)]),
    ("cvt.rzi.f64.f64", "fd fd", &[(&[d(-1.5)], d(-1.0)), (&[d(1.5)], d(1.0)), (&[NAN], MADE)]),
    ("cvt.rni.f32.f32", "f f", &[(&[f(2.5)], f(2.0)), (&[f(3.5)], f(4.0)), (&[f(-0.5)], MIN32)]),
    ("cvt.rni.f64.f64", "fd fd", &[(&[d(2.5)], d(2.0)), (&[d(3.5)], d(4.0)), (&[NAN], MADE)]),
    ("cvt.f64.f32", "fd f", &[(&[f(0.1)], 0x3fb9_9999_a000_0000), (&[1], 0x36a0_0000_0000_0000), (&[NAN32], MADE)]),
    ("cvt.rn.f32.f64", "f fd", &[(&[d(0.1)], 0x3dcc_cccd), (&[d(1e300)], INF32), (&[NAN], MADE32), (&[d(-1e-300)], MIN32)]),
    ("cvt.rn.f64.s32", "fd r", &[(&[low(-7)], d(-7.0))]),
    ("cvt.rn.f64.s64", "fd rd", &[(&[signed(-7)], d(-7.0)), (&[(1 << 53) + 1], d(9_007_199_254_740_992.0))]),
    ("cvt.rn.f64.u64", "fd rd", &[(&[ONES], d(18_446_744_073_709_551_616.0))]),
    ("cvt.rn.f32.s64", "f rd", &[(&[signed(-7)], f(-7.0)), (&[(1 << 60) + (1 << 36) + 1], 0x5d80_0001)]),
    ("cvt.rn.f32.u64", "f rd", &[(&[ONES], f(18_446_744_073_709_551_616.0)), (&[1 << 24 | 1], f(16_777_216.0))]),
    ("cvt.rzi.s32.f32", "r f", &[(&[f(-1.9)], low(-1)), (&[f(1e10)], 0x7fff_ffff), (&[f(-1e10)], MIN32), (&[NAN32], 0)]),
    ("cvt.rzi.s64.f32", "rd f", &[(&[f(-1.9)], signed(-1)), (&[INF32], MIN64 - 1), (&[NAN32], MIN64)]),
    ("cvt.rzi.u64.f32", "rd f", &[(&[f(-1.9)], 0), (&[INF32], ONES), (&[NAN32], MIN64)]),
    ("cvt.rzi.s32.f64", "r fd", &[(&[d(-1.9)], low(-1)), (&[d(1e10)], 0x7fff_ffff), (&[NAN], MIN32)]),
    ("cvt.rzi.s64.f64", "rd fd", &[(&[d(-1.9)], signed(-1)), (&[d(1e30)], MIN64 - 1), (&[NAN], MIN64)]),
    ("cvt.rzi.u64.f64", "rd fd", &[(&[d(1e19)], 10_000_000_000_000_000_000), (&[d(-3.0)], 0), (&[NAN], MIN64)]),
    ("cvt.f32.f16", "f h", &[(&[0x3555], 0x3eaa_a000), (&[1], f(5.960_464_5e-8)), (&[0x7e00], MADE32), (&[0xfc00], f(f32::NEG_INFINITY))]),
    ("cvt.rn.f16.f32", "h f", &[(&[f(1.0)], 0x3c00), (&[f(65520.0)], 0x7c00), (&[f(65519.996)], 0x7bff), (&[NAN32], 0x7fff)]),
    // Over f32 the second would round to 1 + 2^-11 and then to 1.
    ("cvt.rn.f16.f64", "h fd", &[(&[d(-2.0)], 0xc000), (&[d(1.0 + 1.0 / 2048.0 + HALF_ULP * 4.0)], 0x3c01), (&[NAN], 0x7fff)]),
    ("cvt.u16.u32", "h r", &[(&[0x1234_5678], 0x5678)]),
    ("cvt.u32.u16", "r h", &[(&[0xffff], 0xffff)]),
    ("cvt.u64.u32", "rd r", &[(&[ONES32], ONES32)]),
    ("cvt.u32.u64", "r rd", &[(&[ONES - 1], 0xffff_fffe)]),
    ("cvt.s64.s32", "rd r", &[(&[low(-2)], signed(-2)), (&[2], 2)]),
    ("cvt.s32.s8", "r r", &[(&[0x1ff], ONES32), (&[0x17f], 0x7f)]),
    ("cvt.s32.s16", "r r", &[(&[0x1_8000], 0xffff_8000), (&[0x1_7fff], 0x7fff)]),
    ("setp.eq.b32", "p r r", &[(&[5, 5], 1), (&[5, 6], 0)]),
    ("setp.eq.b64", "p rd rd", &[(&[5, 5], 1), (&[5, 1 << 32 | 5], 0)]),
    ("setp.eq.u32", "p r r", &[(&[5, 5], 1), (&[5, 6], 0)]),
    ("setp.eq.s32", "p r r", &[(&[5, 5], 1), (&[5, 6], 0)]),
    ("setp.eq.u64", "p rd rd", &[(&[5, 5], 1), (&[5, 6], 0)]),
    ("setp.eq.s64", "p rd rd", &[(&[5, 5], 1), (&[5, 6], 0)]),
    ("setp.ne.b32", "p r r", &[(&[5, 5], 0), (&[5, 6], 1)]),
    ("setp.ne.b64", "p rd rd", &[(&[5, 5], 0), (&[5, 1 << 32 | 5], 1)]),
    ("setp.ne.u32", "p r r", &[(&[5, 5], 0), (&[5, 6], 1)]),
    ("setp.ne.s32", "p r r", &[(&[5, 5], 0), (&[5, 6], 1)]),
    ("setp.ne.u64", "p rd rd", &[(&[5, 5], 0), (&[5, 6], 1)]),
    ("setp.ne.s64", "p rd rd", &[(&[5, 5], 0), (&[5, 6], 1)]),
    ("setp.lt.u32", "p r r", &[(&[5, ONES32], 1), (&[5, 5], 0), (&[ONES32, 5], 0)]),
    ("setp.lt.s32", "p r r", &[(&[5, ONES32], 0), (&[5, 5], 0), (&[ONES32, 5], 1)]),
    ("setp.lt.u64", "p rd rd", &[(&[5, ONES], 1), (&[5, 5], 0), (&[ONES, 5], 0)]),
    ("setp.lt.s64", "p rd rd", &[(&[5, ONES], 0), (&[5, 5], 0), (&[ONES, 5], 1)]),
    ("setp.le.u32", "p r r", &[(&[5, ONES32], 1), (&[5, 5], 1), (&[ONES32, 5], 0)]),
    ("setp.le.s32", "p r r", &[(&[5, ONES32], 0), (&[5, 5], 1), (&[ONES32, 5], 1)]),
    ("setp.le.u64", "p rd rd", &[(&[5, ONES], 1), (&[5, 5], 1), (&[ONES, 5], 0)]),
    ("setp.le.s64", "p rd rd", &[(&[5, ONES], 0), (&[5, 5], 1), (&[ONES, 5], 1)]),
    ("setp.gt.u32", "p r r", &[(&[5, ONES32], 0), (&[5, 5], 0), (&[ONES32, 5], 1)]),
    ("setp.gt.s32", "p r r", &[(&[5, ONES32], 1), (&[5, 5], 0), (&[ONES32, 5], 0)]),
    ("setp.gt.u64", "p rd rd", &[(&[5, ONES], 0), (&[5, 5], 0), (&[ONES, 5], 1)]),
    ("setp.gt.s64", "p rd rd", &[(&[5, ONES], 1), (&[5, 5], 0), (&[ONES, 5], 0)]),
    ("setp.ge.u32", "p r r", &[(&[5, ONES32], 0), (&[5, 5], 1), (&[ONES32, 5], 1)]),
    ("setp.ge.s32", "p r r", &[(&[5, ONES32], 1), (&[5, 5], 1), (&[ONES32, 5], 0)]),
    ("setp.ge.u64", "p rd rd", &[(&[5, ONES], 0), (&[5, 5], 1), (&[ONES, 5], 1)]),
    ("setp.ge.s64", "p rd rd", &[(&[5, ONES], 1), (&[5, 5], 1), (&[ONES, 5], 0)]),
    ("setp.eq.f32", "p f f", &[(&[0, MIN32], 1), (&[NAN32, NAN32], 0), (&[f(1.0), f(2.0)], 0)]),
    ("setp.eq.f64", "p fd fd", &[(&[0, MIN64], 1), (&[NAN, NAN], 0), (&[d(1.0), d(2.0)], 0)]),
    ("setp.lt.f32", "p f f", &[(&[MIN32, 0], 0), (&[f(-1.0), 0], 1), (&[NAN32, 0], 0), (&[0, NAN32], 0)]),
    ("setp.lt.f64", "p fd fd", &[(&[MIN64, 0], 0), (&[d(-1.0), 0], 1), (&[NAN, 0], 0), (&[0, NAN], 0)]),
    ("setp.le.f32", "p f f", &[(&[0, MIN32], 1), (&[f(1.0), 0], 0), (&[NAN32, NAN32], 0)]),
    ("setp.le.f64", "p fd fd", &[(&[0, MIN64], 1), (&[d(1.0), 0], 0), (&[NAN, NAN], 0)]),
    ("setp.nan.f32", "p f f", &[(&[0, NAN32], 1), (&[NAN32, 0], 1), (&[INF32, 0], 0)]),
    ("setp.nan.f64", "p fd fd", &[(&[0, NAN], 1), (&[NAN, 0], 1), (&[INF, 0], 0)]),
    ("selp.b32", "r r r p", &[(&[5, 6, 1], 5), (&[5, 6, 0], 6)]),
    ("selp.b64", "rd rd rd p", &[(&[5, ONES, 1], 5), (&[5, ONES, 0], ONES)]),
    ("selp.f32", "f f f p", &[(&[NAN32, 6, 1], NAN32), (&[5, 6, 0], 6)]),
    ("selp.f64", "fd fd fd p", &[(&[NAN, 6, 1], NAN), (&[5, 6, 0], 6)]),
];

/// A text that loads the sources from the input, computes, and stores 64 bits.
fn text_of(opcode: &str, classes: &str) -> String {
    let mut classes = classes.split(' ');
    let result = classes.next().expect("a class");
    let mut body = String::new();
    let mut operands = vec![format!("%{result}7")];
    for (at, class) in classes.enumerate() {
        let (address, register) = (format!("[%rd1+{}]", 8 * at), format!("%{class}{}", at + 2));
        body += &match class {
            "h" => format!("ld.global.u16 {register}, {address};\n"),
            "r" => format!("ld.global.u32 {register}, {address};\n"),
            "rd" => format!("ld.global.u64 {register}, {address};\n"),
            "f" => format!("ld.global.f32 {register}, {address};\n"),
            "fd" => format!("ld.global.f64 {register}, {address};\n"),
            "p" => format!("ld.global.u32 %r0, {address}; setp.ne.u32 {register}, %r0, 0;\n"),
            other => panic!("no registers of the class {other}"),
        };
        operands.push(register);
    }
    body += &format!("{opcode} {};\n", operands.join(", "));
    body += match result {
        "h" => "cvt.u32.u16 %r0, %h7; cvt.u64.u32 %rd2, %r0; st.global.b64 [%rd0], %rd2;",
        "r" => "cvt.u64.u32 %rd2, %r7; st.global.b64 [%rd0], %rd2;",
        "rd" => "st.global.b64 [%rd0], %rd7;",
        "f" => "mov.b32 %r0, %f7; cvt.u64.u32 %rd2, %r0; st.global.b64 [%rd0], %rd2;",
        "fd" => "st.global.f64 [%rd0], %fd7;",
        "p" => "selp.b64 %rd2, 1, 0, %p7; st.global.b64 [%rd0], %rd2;",
        other => panic!("no registers of the class {other}"),
    };
    kernel(&body)
}

#[test]
fn every_computation_gives_its_known_results() {
    for (opcode, classes, values) in CASES {
        let text = text_of(opcode, classes);
        let module = understood(&text);
        for (sources, expected) in *values {
            let mut bench = Bench::new();
            for (&source, word) in sources.iter().zip(0..) {
                bench.set_input(word, source);
            }
            bench.run(&module, 1).unwrap_or_else(|error| panic!("{opcode}: {error}\n{text}"));
            let found = bench.output(0);
            assert_eq!(
                found, *expected,
                "{opcode} {sources:#x?} gives {found:#x}, not {expected:#x}"
            );
        }
    }
}

#[test]
fn every_computation_has_a_case() {
    for row in ROWS {
        assert!(CASES.iter().any(|(opcode, ..)| *opcode == row.opcode), "{}", row.opcode);
    }
}

#[test]
fn literals_are_operands() {
    use super::result_of;
    let cases = [
        ("mov.u64 %rd2, 18446744073709551615;", ONES),
        ("mov.u64 %rd2, 0xfffffffffffffff0;", ONES - 15),
        ("mov.b64 %rd2, -2;", ONES - 1),
        ("mov.b64 %rd2, 0d3ff8000000000000;", d(1.5)),
        ("mov.u32 %r0, -1; cvt.u64.u32 %rd2, %r0;", ONES32),
        ("mov.b32 %r0, 0f3fc00000; cvt.u64.u32 %rd2, %r0;", f(1.5)),
        ("mov.f64 %fd0, 0d3ff8000000000000; mov.b64 %rd2, %fd0;", d(1.5)),
        ("mov.f32 %f0, 0f3fc00000; cvt.f64.f32 %fd0, %f0; mov.b64 %rd2, %fd0;", d(1.5)),
        ("mov.u64 %rd3, 40; sub.s64 %rd2, 2, %rd3;", signed(-38)),
        ("setp.lt.s32 %p0, -1, 0; mov.pred %p1, %p0; selp.b64 %rd2, 3, 4, %p1;", 3),
        (
            "mov.u64 %rd3, 0x100000002; mov.b64 {%r0, %r1}, %rd3; mov.b64 %rd2, {%r1, %r0};",
            1 << 33 | 1,
        ),
        ("mov.b64 %rd2, {7, 9};", 9 << 32 | 7),
        (
            "mov.f64 %fd0, 0d7ff0000000000001; mov.f64 %fd1, %fd0; mov.b64 %rd2, %fd1;",
            0x7ff0_0000_0000_0001,
        ),
    ];
    for (body, expected) in cases {
        assert_eq!(result_of(&format!("{body} st.global.b64 [%rd0], %rd2;")), expected, "{body}");
    }
}
