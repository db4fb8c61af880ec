//! GPUs, without one: PTX and the driver's stand-in.
//!
//! | module | |
//! |---|---|
//! | `modules` | texts of formulas: the canonical ones of `tests/gpu/canonical.toml`, and every row of the tables |
//! | `engines` | engines on devices that are stood in for, beside engines on the host |
//! | `golden` | the canonical texts, as committed |
//! | `ptxas` | all texts through NVIDIA's assembler: no spills, registers as in the committed table |
//! | `library`, `driver` | `tests/fake-driver` stands in for the NVIDIA driver's library, in processes of their own |
//! | `opening`, `copying`, `launching` | the launch path over it, with faults |
//! | `memory`, `start` | what these call by address: copies and kernels |

mod copying;
mod driver;
mod engines;
mod golden;
mod launching;
mod library;
mod memory;
mod modules;
mod opening;
mod ptxas;
mod start;

use fuse_ptx::CudaDevice;
use fuse_testkit::Random;

/// `add_one(n, from, to)`: the n `f64` elements of `from`, each with 1 added, to `to`.
const ADD_ONE: &str = "\
.version 6.0
.target sm_70
.address_size 64
.visible .entry add_one(.param .u64 a0, .param .u64 a1, .param .u64 a2)
.maxntid 256, 1, 1
{
\t.reg .pred %p<1>;
\t.reg .b32 %r<4>;
\t.reg .b64 %rd<9>;
\t.reg .f64 %fd<2>;
\tld.param.u64 %rd0, [a0];
\tld.param.u64 %rd1, [a1];
\tld.param.u64 %rd2, [a2];
\tmov.u32 %r0, %tid.x;
\tmov.u32 %r1, %ctaid.x;
\tmov.u32 %r2, %ntid.x;
\tmov.u32 %r3, %nctaid.x;
\tcvt.u64.u32 %rd3, %r0;
\tmad.wide.u32 %rd4, %r1, %r2, %rd3;
\tmul.wide.u32 %rd5, %r2, %r3;
L0:
\tsetp.ge.u64 %p0, %rd4, %rd0;
\t@%p0 bra L1;
\tshl.b64 %rd6, %rd4, 3;
\tadd.u64 %rd7, %rd1, %rd6;
\tld.global.f64 %fd0, [%rd7];
\tadd.rn.f64 %fd1, %fd0, 0d3FF0000000000000;
\tadd.u64 %rd8, %rd2, %rd6;
\tst.global.f64 [%rd8], %fd1;
\tadd.u64 %rd4, %rd4, %rd5;
\tbra L0;
L1:
\tret;
}
";

fn open() -> CudaDevice {
    CudaDevice::open(0).expect("the fake driver has a device")
}

fn message<T>(result: Result<T, fuse_ir::DeviceError>) -> String {
    result.err().expect("an error").to_string()
}

/// Bytes that no two places of an array have alike, but for chance.
fn bytes(len: usize, seed: u64) -> Vec<u8> {
    let mut random = Random::new(seed);
    (0..len).map(|_| random.bits() as u8).collect()
}
