//! Constants of the trigonometric functions.
//!
//! Written by `crates/fuse-ops/coefficients/trig.py`; not edited by hand.

/// 2/π.
pub(crate) const TWO_OVER_PI: f64 = 0.6366197723675814;

/// π/2.
pub(crate) const HALF_PI: f64 = 1.5707963267948966;

/// π/2 - HALF_PI to 33 bits.
pub(crate) const HALF_PI_2: f64 = 6.12323399538461e-17;

/// π/2 - HALF_PI - HALF_PI_2.
pub(crate) const HALF_PI_3: f64 = 3.5215598651832e-27;

/// π/2 - HALF_PI to 53 bits.
pub(crate) const HALF_PI_LOW: f64 = 6.123233995736766e-17;

/// P of sin r = r - r³·P(z), z = r², |r| ≤ π/4; relative error 2^-57.8.
pub(crate) const SINE: [f64; 6] = [
    0.1666666666666663,
    -0.008333333333321844,
    0.00019841269829362618,
    -2.75573135402321e-06,
    2.5050734786366864e-08,
    -1.589547071861523e-10,
];

/// P of cos r = 1 - z/2 + z²·P(z), z = r², |r| ≤ π/4; relative error 2^-63.9.
pub(crate) const COSINE: [f64; 6] = [
    0.041666666666666595,
    -0.0013888888888873344,
    2.4801587289004285e-05,
    -2.7557314217856496e-07,
    2.0875705525887054e-09,
    -1.1358756683714033e-11,
];

/// P of 2·tan(r/2) = r + r³·P(z), z = r², |r| ≤ π/4; relative error 2^-58.7.
pub(crate) const TANGENT: [f64; 9] = [
    0.08333333333333376,
    0.008333333333305722,
    0.0008432539688699926,
    8.542768286799065e-05,
    8.655544895040622e-06,
    8.7683069192231e-07,
    8.92060147622957e-08,
    8.531472458125046e-09,
    1.2540204657946665e-09,
];

/// P of sin r = r·P(z) for f32, z = r², |r| ≤ π/4; relative error 2^-28.0.
pub(crate) const SINE_SINGLE: [f64; 4] =
    [1.0, -0.16666654611021073, 0.008332160964019104, -0.00019515323894266258];

/// P of cos r = P(z) for f32, z = r², |r| ≤ π/4; relative error 2^-33.9.
pub(crate) const COSINE_SINGLE: [f64; 5] =
    [1.0, -0.49999999694556735, 0.04166662036496493, -0.0013886681882652396, 2.438359097073249e-05];

/// P of 2·tan(r/2) = r·P(z) for f32, z = r², |r| ≤ π/4; relative error 2^-28.9.
pub(crate) const TANGENT_SINGLE: [f64; 5] =
    [1.0, 0.08333323071735693, 0.008334937058032697, 0.0008355218027924706, 9.986551962194078e-05];

/// Bits 8i to 8i + 63 of 1/(2π), after 32 zeros; up to what the largest f64 reaches.
pub(crate) static TURNS: [u64; 256] = [
    0x28be60db,
    0x28be60db93,
    0x28be60db9391,
    0x28be60db939105,
    0x28be60db9391054a,
    0xbe60db9391054a7f,
    0x60db9391054a7f09,
    0xdb9391054a7f09d5,
    0x9391054a7f09d5f4,
    0x91054a7f09d5f47d,
    0x54a7f09d5f47d4d,
    0x4a7f09d5f47d4d37,
    0x7f09d5f47d4d3770,
    0x9d5f47d4d377036,
    0xd5f47d4d377036d8,
    0xf47d4d377036d8a5,
    0x7d4d377036d8a566,
    0x4d377036d8a5664f,
    0x377036d8a5664f10,
    0x7036d8a5664f10e4,
    0x36d8a5664f10e410,
    0xd8a5664f10e4107f,
    0xa5664f10e4107f94,
    0x664f10e4107f9458,
    0x4f10e4107f9458ea,
    0x10e4107f9458eaf7,
    0xe4107f9458eaf7ae,
    0x107f9458eaf7aef1,
    0x7f9458eaf7aef158,
    0x9458eaf7aef1586d,
    0x58eaf7aef1586dc9,
    0xeaf7aef1586dc91b,
    0xf7aef1586dc91b8e,
    0xaef1586dc91b8e90,
    0xf1586dc91b8e9093,
    0x586dc91b8e909374,
    0x6dc91b8e909374b8,
    0xc91b8e909374b801,
    0x1b8e909374b80192,
    0x8e909374b801924b,
    0x909374b801924bba,
    0x9374b801924bba82,
    0x74b801924bba8274,
    0xb801924bba827464,
    0x1924bba82746487,
    0x924bba827464873f,
    0x4bba827464873f87,
    0xba827464873f877a,
    0x827464873f877ac7,
    0x7464873f877ac72c,
    0x64873f877ac72c4a,
    0x873f877ac72c4a69,
    0x3f877ac72c4a69cf,
    0x877ac72c4a69cfba,
    0x7ac72c4a69cfba20,
    0xc72c4a69cfba208d,
    0x2c4a69cfba208d7d,
    0x4a69cfba208d7d4b,
    0x69cfba208d7d4bae,
    0xcfba208d7d4baed1,
    0xba208d7d4baed121,
    0x208d7d4baed1213a,
    0x8d7d4baed1213a67,
    0x7d4baed1213a671c,
    0x4baed1213a671c09,
    0xaed1213a671c09ad,
    0xd1213a671c09ad17,
    0x213a671c09ad17df,
    0x3a671c09ad17df90,
    0x671c09ad17df904e,
    0x1c09ad17df904e64,
    0x9ad17df904e6475,
    0xad17df904e64758e,
    0x17df904e64758e60,
    0xdf904e64758e60d4,
    0x904e64758e60d4ce,
    0x4e64758e60d4ce7d,
    0x64758e60d4ce7d27,
    0x758e60d4ce7d2721,
    0x8e60d4ce7d272117,
    0x60d4ce7d272117e2,
    0xd4ce7d272117e2ef,
    0xce7d272117e2ef7e,
    0x7d272117e2ef7e4a,
    0x272117e2ef7e4a0e,
    0x2117e2ef7e4a0ec7,
    0x17e2ef7e4a0ec7fe,
    0xe2ef7e4a0ec7fe25,
    0xef7e4a0ec7fe25ff,
    0x7e4a0ec7fe25fff7,
    0x4a0ec7fe25fff781,
    0xec7fe25fff78166,
    0xc7fe25fff7816603,
    0xfe25fff7816603fb,
    0x25fff7816603fbcb,
    0xfff7816603fbcbc4,
    0xf7816603fbcbc462,
    0x816603fbcbc462d6,
    0x6603fbcbc462d682,
    0x3fbcbc462d6829b,
    0xfbcbc462d6829b47,
    0xcbc462d6829b47db,
    0xc462d6829b47db4d,
    0x62d6829b47db4d9f,
    0xd6829b47db4d9fb3,
    0x829b47db4d9fb3c9,
    0x9b47db4d9fb3c9f2,
    0x47db4d9fb3c9f2c2,
    0xdb4d9fb3c9f2c26d,
    0x4d9fb3c9f2c26dd3,
    0x9fb3c9f2c26dd3d1,
    0xb3c9f2c26dd3d18f,
    0xc9f2c26dd3d18fd9,
    0xf2c26dd3d18fd9a7,
    0xc26dd3d18fd9a797,
    0x6dd3d18fd9a797fa,
    0xd3d18fd9a797fa8b,
    0xd18fd9a797fa8b5d,
    0x8fd9a797fa8b5d49,
    0xd9a797fa8b5d49ee,
    0xa797fa8b5d49eeb1,
    0x97fa8b5d49eeb1fa,
    0xfa8b5d49eeb1faf9,
    0x8b5d49eeb1faf97c,
    0x5d49eeb1faf97c5e,
    0x49eeb1faf97c5ecf,
    0xeeb1faf97c5ecf41,
    0xb1faf97c5ecf41ce,
    0xfaf97c5ecf41ce7d,
    0xf97c5ecf41ce7de2,
    0x7c5ecf41ce7de294,
    0x5ecf41ce7de294a4,
    0xcf41ce7de294a4ba,
    0x41ce7de294a4ba9a,
    0xce7de294a4ba9afe,
    0x7de294a4ba9afed7,
    0xe294a4ba9afed7ec,
    0x94a4ba9afed7ec47,
    0xa4ba9afed7ec47e3,
    0xba9afed7ec47e357,
    0x9afed7ec47e35742,
    0xfed7ec47e3574215,
    0xd7ec47e357421580,
    0xec47e357421580cc,
    0x47e357421580cc11,
    0xe357421580cc11bf,
    0x57421580cc11bf1e,
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
