//! Constants of the trigonometric functions.
//!
//! Written by `crates/fuse-ops/coefficients/trig.py`; not edited by hand.

/// 2/π.
pub(crate) const TWO_OVER_PI: f64 = 0.6366197723675814;

/// π/2 in three parts of 53 bits.
pub(crate) const HALF_PI: [f64; 3] =
    [1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33];

/// π/2 in three parts of 24 bits, the first rounded down.
pub(crate) const HALF_PI_SINGLE: [f64; 3] =
    [1.570796251296997, 7.549790126404332e-08, -1.7151245100058819e-15];

/// P of sin r = r - r³·P(z), z = r², |r| ≤ π/4; relative error at π/4, up to thrice that near 0, 2^-58.6.
pub(crate) const SINE: [f64; 6] = [
    0.16666666666666613,
    -0.00833333333331845,
    0.00019841269827045776,
    -2.7557312837398704e-06,
    2.5050636736588073e-08,
    -1.5890331191189166e-10,
];

/// P of sin r = r - r³·P(z), z = r², |r| ≤ π/4; relative error at π/4, up to thrice that near 0, 2^-28.5.
pub(crate) const SINE_SINGLE: [f64; 3] =
    [0.16666650772094727, -0.00833197496831417, 0.00019494535808917135];

/// P of cos r = 1 - z/2 + z²·P(z), z = r², |r| ≤ π/4; relative error 2^-63.9.
pub(crate) const COSINE: [f64; 6] = [
    0.041666666666666595,
    -0.0013888888888873344,
    2.4801587289004292e-05,
    -2.7557314217861944e-07,
    2.08757055272212e-09,
    -1.1358756786441188e-11,
];

/// P of cos r = 1 - z/2 + z²·P(z), z = r², |r| ≤ π/4; relative error 2^-32.9.
pub(crate) const COSINE_SINGLE: [f64; 3] =
    [0.04166664555668831, -0.001388730714097619, 2.4431867132079788e-05];

/// P of 2·tan(r/2) = r + r³·P(z), z = r², |r| ≤ π/4; relative error 2^-58.7.
pub(crate) const TANGENT: [f64; 9] = [
    0.08333333333333376,
    0.008333333333305722,
    0.0008432539688699908,
    8.542768286802299e-05,
    8.65554489480396e-06,
    8.768306928015717e-07,
    8.920601299990352e-08,
    8.531474275988721e-09,
    1.2540197083271634e-09,
];

/// P of 2·tan(r/2) = r + r³·P(z), z = r², |r| ≤ π/4; relative error 2^-28.8.
pub(crate) const TANGENT_SINGLE: [f64; 4] =
    [0.08333323150873184, 0.008334941230714321, 0.0008354851743206382, 9.991419938160107e-05];

/// Less the bits of a float, those of its inverse, but for 0.0505 of it.
pub(crate) const INVERSE: i64 = 0x7fde6238502484ba;

/// Bits 8i to 8i + 63 of 1/(2π), after 20 zeros; up to what the largest f64 reaches.
pub(crate) static TURNS: [u64; 256] = [
    0x28be60db939,
    0x28be60db93910,
    0x28be60db9391054,
    0x8be60db9391054a7,
    0xe60db9391054a7f0,
    0xdb9391054a7f09d,
    0xb9391054a7f09d5f,
    0x391054a7f09d5f47,
    0x1054a7f09d5f47d4,
    0x54a7f09d5f47d4d3,
    0xa7f09d5f47d4d377,
    0xf09d5f47d4d37703,
    0x9d5f47d4d377036d,
    0x5f47d4d377036d8a,
    0x47d4d377036d8a56,
    0xd4d377036d8a5664,
    0xd377036d8a5664f1,
    0x77036d8a5664f10e,
    0x36d8a5664f10e41,
    0x6d8a5664f10e4107,
    0x8a5664f10e4107f9,
    0x5664f10e4107f945,
    0x64f10e4107f9458e,
    0xf10e4107f9458eaf,
    0xe4107f9458eaf7a,
    0x4107f9458eaf7aef,
    0x7f9458eaf7aef15,
    0xf9458eaf7aef1586,
    0x458eaf7aef1586dc,
    0x8eaf7aef1586dc91,
    0xaf7aef1586dc91b8,
    0x7aef1586dc91b8e9,
    0xef1586dc91b8e909,
    0x1586dc91b8e90937,
    0x86dc91b8e909374b,
    0xdc91b8e909374b80,
    0x91b8e909374b8019,
    0xb8e909374b801924,
    0xe909374b801924bb,
    0x9374b801924bba8,
    0x374b801924bba827,
    0x4b801924bba82746,
    0x801924bba8274648,
    0x1924bba827464873,
    0x24bba827464873f8,
    0xbba827464873f877,
    0xa827464873f877ac,
    0x27464873f877ac72,
    0x464873f877ac72c4,
    0x4873f877ac72c4a6,
    0x73f877ac72c4a69c,
    0xf877ac72c4a69cfb,
    0x77ac72c4a69cfba2,
    0xac72c4a69cfba208,
    0x72c4a69cfba208d7,
    0xc4a69cfba208d7d4,
    0xa69cfba208d7d4ba,
    0x9cfba208d7d4baed,
    0xfba208d7d4baed12,
    0xa208d7d4baed1213,
    0x8d7d4baed1213a6,
    0xd7d4baed1213a671,
    0xd4baed1213a671c0,
    0xbaed1213a671c09a,
    0xed1213a671c09ad1,
    0x1213a671c09ad17d,
    0x13a671c09ad17df9,
    0xa671c09ad17df904,
    0x71c09ad17df904e6,
    0xc09ad17df904e647,
    0x9ad17df904e64758,
    0xd17df904e64758e6,
    0x7df904e64758e60d,
    0xf904e64758e60d4c,
    0x4e64758e60d4ce7,
    0xe64758e60d4ce7d2,
    0x4758e60d4ce7d272,
    0x58e60d4ce7d27211,
    0xe60d4ce7d272117e,
    0xd4ce7d272117e2e,
    0x4ce7d272117e2ef7,
    0xe7d272117e2ef7e4,
    0xd272117e2ef7e4a0,
    0x72117e2ef7e4a0ec,
    0x117e2ef7e4a0ec7f,
    0x7e2ef7e4a0ec7fe2,
    0x2ef7e4a0ec7fe25f,
    0xf7e4a0ec7fe25fff,
    0xe4a0ec7fe25fff78,
    0xa0ec7fe25fff7816,
    0xec7fe25fff781660,
    0x7fe25fff7816603f,
    0xe25fff7816603fbc,
    0x5fff7816603fbcbc,
    0xff7816603fbcbc46,
    0x7816603fbcbc462d,
    0x16603fbcbc462d68,
    0x603fbcbc462d6829,
    0x3fbcbc462d6829b4,
    0xbcbc462d6829b47d,
    0xbc462d6829b47db4,
    0x462d6829b47db4d9,
    0x2d6829b47db4d9fb,
    0x6829b47db4d9fb3c,
    0x29b47db4d9fb3c9f,
    0xb47db4d9fb3c9f2c,
    0x7db4d9fb3c9f2c26,
    0xb4d9fb3c9f2c26dd,
    0xd9fb3c9f2c26dd3d,
    0xfb3c9f2c26dd3d18,
    0x3c9f2c26dd3d18fd,
    0x9f2c26dd3d18fd9a,
    0x2c26dd3d18fd9a79,
    0x26dd3d18fd9a797f,
    0xdd3d18fd9a797fa8,
    0x3d18fd9a797fa8b5,
    0x18fd9a797fa8b5d4,
    0xfd9a797fa8b5d49e,
    0x9a797fa8b5d49eeb,
    0x797fa8b5d49eeb1f,
    0x7fa8b5d49eeb1faf,
    0xa8b5d49eeb1faf97,
    0xb5d49eeb1faf97c5,
    0xd49eeb1faf97c5ec,
    0x9eeb1faf97c5ecf4,
    0xeb1faf97c5ecf41c,
    0x1faf97c5ecf41ce7,
    0xaf97c5ecf41ce7de,
    0x97c5ecf41ce7de29,
    0xc5ecf41ce7de294a,
    0xecf41ce7de294a4b,
    0xf41ce7de294a4ba9,
    0x1ce7de294a4ba9af,
    0xe7de294a4ba9afed,
    0xde294a4ba9afed7e,
    0x294a4ba9afed7ec4,
    0x4a4ba9afed7ec47e,
    0x4ba9afed7ec47e35,
    0xa9afed7ec47e3574,
    0xafed7ec47e357421,
    0xed7ec47e35742158,
    0x7ec47e357421580c,
    0xc47e357421580cc1,
    0x7e357421580cc11b,
    0x357421580cc11bf1,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
    0x0,
];

/// π/180, rounded down.
pub(crate) const RADIANS: f64 = 0.017453292519943295;

/// π/180 - RADIANS.
pub(crate) const RADIANS_LOW: f64 = 2.9486522708701687e-19;

/// π/180, rounded down.
pub(crate) const RADIANS_SINGLE: f32 = 0.01745329238474369;

/// π/180 - RADIANS_SINGLE.
pub(crate) const RADIANS_LOW_SINGLE: f32 = 1.3519960151420207e-10;

/// 180/π, rounded down.
pub(crate) const DEGREES: f64 = 57.295779513082316;

/// 180/π - DEGREES.
pub(crate) const DEGREES_LOW: f64 = 5.117577790543373e-15;

/// 180/π, rounded down.
pub(crate) const DEGREES_SINGLE: f32 = 57.2957763671875;

/// 180/π - DEGREES_SINGLE.
pub(crate) const DEGREES_LOW_SINGLE: f32 = 3.1458948797080666e-06;
