//! What the PTX interpreter costs: nanoseconds an instruction, and microseconds an empty launch.
//!
//! `cargo run -p fuse-testkit --example ptx_cost` measures it as the tests are compiled.

#![expect(clippy::print_stdout, reason = "prints what it measures")]

use std::time::Instant;

use fuse_testkit::ptx::{Memory, Module, launch, parse};

const N: u32 = 100_000;

/// `y[i] = p(x[i])` with as many multiplications and additions as the body repeats.
fn text(repetitions: usize) -> String {
    let body = "fma.rn.f64 %fd1, %fd1, %fd0, 0d3fe0000000000000;\nand.b32 %r0, %r5, 7;\n";
    format!(
        ".version 6.0\n.target sm_70\n.address_size 64
.visible .entry k(.param .u64 n, .param .u64 x, .param .u64 y)
.maxntid 256, 1, 1
{{
.reg .pred %p<1>; .reg .b32 %r<6>; .reg .b64 %rd<6>; .reg .f64 %fd<3>;
ld.param.u64 %rd0, [n]; ld.param.u64 %rd1, [x]; ld.param.u64 %rd2, [y];
cvt.u32.u64 %r0, %rd0;
mov.u32 %r1, %ctaid.x; mov.u32 %r2, %ntid.x; mov.u32 %r3, %tid.x; mov.u32 %r4, %nctaid.x;
mad.lo.u32 %r5, %r1, %r2, %r3;
mul.lo.u32 %r4, %r4, %r2;
LOOP:
setp.ge.u32 %p0, %r5, %r0;
@%p0 exit;
mul.wide.u32 %rd3, %r5, 8;
add.u64 %rd4, %rd1, %rd3;
add.u64 %rd5, %rd2, %rd3;
ld.global.nc.f64 %fd0, [%rd4];
mov.f64 %fd1, %fd0;
{}st.global.f64 [%rd5], %fd1;
add.u32 %r5, %r5, %r4;
cvt.u32.u64 %r0, %rd0;
bra LOOP;
}}
",
        body.repeat(repetitions)
    )
}

/// Instructions of the loop for an element.
fn steps(repetitions: u32) -> u32 {
    11 + 2 * repetitions
}

fn main() {
    let mut memory = Memory::new(1 << 24);
    let [x, y] = [(); 2].map(|()| memory.alloc(8 * u64::from(N)).expect("room"));
    let values = (0..N).flat_map(|i| f64::from(i).to_bits().to_le_bytes());
    memory.write(x, &values.collect::<Vec<u8>>()).expect("inside");
    for repetitions in [0, 10, 100] {
        let module = parse(&text(repetitions)).expect("in the subset");
        let repetitions = u32::try_from(repetitions).expect("few");
        let seconds = timed(&module, u64::from(N), [x, y], &mut memory);
        let nanoseconds = seconds * 1e9 / f64::from(N * steps(repetitions));
        println!("{} instructions an element: {nanoseconds:.1} ns each", steps(repetitions));
    }
    let module = parse(&text(0)).expect("in the subset");
    let seconds = (0..1000).map(|_| timed(&module, 0, [x, y], &mut memory)).sum::<f64>() / 1000.0;
    println!("a launch of 512 threads with nothing to do: {:.1} us", seconds * 1e6);
}

fn timed(module: &Module, n: u64, [x, y]: [u64; 2], memory: &mut Memory) -> f64 {
    let started = Instant::now();
    launch(module, "k", 2, 256, &[n, x, y], memory).expect("no fault");
    started.elapsed().as_secs_f64()
}
