//! Loads and stores of every width, tables, and threads that stride over an array.

use super::{Bench, Options, Order, kernel, kernel_after, result_of, understood};
use crate::ptx::launch::{Extent, run};
use crate::ptx::{Memory, launch};

#[test]
fn narrow_loads_have_zeros_above() {
    let word = 0xf1e2_d3c4_b5a6_9788_u64;
    let cases = [
        ("u8 %r0, [%rd1+7]", 0xf1),
        ("u16 %r0, [%rd1+6]", 0xf1e2),
        ("b16 %r0, [%rd1+2]", 0xb5a6),
        ("u32 %r0, [%rd1+4]", 0xf1e2_d3c4),
        ("b32 %r0, [%rd1]", 0xb5a6_9788),
        ("v2.u8 {%r1, %r0}, [%rd1+4]", 0xd3),
        ("v4.u8 {%r3, %r2, %r1, %r0}, [%rd1]", 0xb5),
        ("v2.u16 {%r1, %r0}, [%rd1+4]", 0xf1e2),
        ("v4.b16 {%r3, %r0, %r2, %r1}, [%rd1]", 0xb5a6),
        ("v2.b32 {%r1, %r0}, [%rd1]", 0xf1e2_d3c4),
    ];
    for (load, expected) in cases {
        for form in ["ld.global.", "ld.global.nc."] {
            let body = format!("{form}{load}; cvt.u64.u32 %rd2, %r0; st.global.b64 [%rd0], %rd2;");
            let mut bench = Bench::new();
            bench.set_input(0, word);
            bench.run(&understood(&kernel(&body)), 1).expect("no fault");
            assert_eq!(bench.output(0), expected, "{form}{load}");
        }
    }
}

#[test]
fn wide_loads_keep_their_order() {
    let body = "ld.global.v2.f64 {%fd0, %fd1}, [%rd1+16]; st.global.v2.f64 [%rd0], {%fd1, %fd0};\n\
        ld.global.nc.v2.b64 {%rd2, %rd3}, [%rd1+-0]; st.global.v2.b64 [%rd0+16], {%rd2, %rd3};\n\
        ld.global.v4.f32 {%f0, %f1, %f2, %f3}, [%rd1]; st.global.v4.f32 [%rd0+32], {%f3, %f2, %f1, %f0};\n\
        ld.global.v4.b32 {%r0, %r1, %r2, %r3}, [%rd1]; st.global.v2.b32 [%rd0+48], {%r2, %r1};";
    let mut bench = Bench::new();
    bench.run(&understood(&kernel(body)), 1).expect("no fault");
    let found: Vec<u64> = (0..7).map(|word| bench.output(word)).collect();
    assert_eq!(found, [1003, 1002, 1000, 1001, 1001 << 32, 1000 << 32, 1001]);
}

#[test]
fn narrow_stores_cut_off() {
    let body = "mov.u32 %r0, 0x12345678; mov.u32 %r1, 0xabcd; cvt.u16.u32 %h0, %r1;\n\
        st.global.u8 [%rd0], %r0; st.global.u8 [%rd0+1], %r1;\n\
        st.global.u16 [%rd0+2], %r0; st.global.b16 [%rd0+4], %h0; st.global.v2.u8 [%rd0+6], {%r1, %r0};";
    assert_eq!(result_of(body), 0x78cd_abcd_5678_cd78);
    let body = "st.global.b32 [%rd0+4], -1; st.global.u16 [%rd0+2], 0xffff; st.global.v2.u8 [%rd0], {5, -2};";
    assert_eq!(result_of(body), 0xffff_ffff_ffff_fe05);
}

const TABLES: &str = ".const .align 8 .b64 t[3] = {0x3ff0000000000000, 7, -1}; \
    .const .align 2 .b16 s[4] = {1, 2, 0xffff, 4}; .const .align 1 .b8 c[3] = {9, 8, 7}; \
    .global .align 8 .b64 g[2] = {5, 6}; .const .align 4 .b32 w[1] = {0x3f800000};";

#[test]
fn tables_are_read_where_they_lie() {
    let cases = [
        ("mov.u64 %rd3, t; ld.const.b64 %rd2, [%rd3+16];", u64::MAX),
        ("mov.u64 %rd3, t; ld.const.f64 %fd0, [%rd3]; mov.b64 %rd2, %fd0;", 1.0_f64.to_bits()),
        ("mov.u64 %rd3, s; ld.const.u16 %r0, [%rd3+4]; cvt.u64.u32 %rd2, %r0;", 0xffff),
        ("mov.u64 %rd3, c; ld.const.u8 %r0, [%rd3+1]; cvt.u64.u32 %rd2, %r0;", 8),
        ("mov.u64 %rd3, w; ld.const.b32 %r0, [%rd3]; cvt.u64.u32 %rd2, %r0;", 0x3f80_0000),
        (
            "mov.u64 %rd3, w; ld.const.f32 %f0, [%rd3]; cvt.f64.f32 %fd0, %f0; mov.b64 %rd2, %fd0;",
            1.0_f64.to_bits(),
        ),
        ("mov.u64 %rd3, g; ld.global.nc.b64 %rd2, [%rd3+8];", 6),
        ("mov.u64 %rd3, g; ld.global.u64 %rd2, [%rd3];", 5),
    ];
    for (body, expected) in cases {
        let text = kernel_after(TABLES, &format!("{body} st.global.b64 [%rd0], %rd2;"));
        let mut bench = Bench::new();
        bench.run(&understood(&text), 1).unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(bench.output(0), expected, "{body}");
    }
}

/// `y[i] = x[i] + i`, for n elements, by a loop that strides over the grid.
const STRIDING: &str = ".version 6.0\n.target sm_70\n.address_size 64
.visible .entry k(.param .u64 n, .param .u64 x, .param .u64 y)
.maxntid 256, 1, 1
{
.reg .pred %p<1>; .reg .b32 %r<6>; .reg .b64 %rd<6>; .reg .f64 %fd<3>;
ld.param.u64 %rd0, [n]; ld.param.u64 %rd1, [x]; ld.param.u64 %rd2, [y];
cvt.u32.u64 %r0, %rd0;
mov.u32 %r1, %ctaid.x; mov.u32 %r2, %ntid.x; mov.u32 %r3, %tid.x; mov.u32 %r4, %nctaid.x;
mad.lo.u32 %r5, %r1, %r2, %r3;
mul.lo.u32 %r4, %r4, %r2;
bra.uni TEST;
LOOP:
mul.wide.u32 %rd3, %r5, 8;
add.u64 %rd4, %rd1, %rd3;
add.u64 %rd5, %rd2, %rd3;
ld.global.nc.f64 %fd0, [%rd4];
cvt.rn.f64.s32 %fd1, %r5;
add.rn.f64 %fd2, %fd0, %fd1;
st.global.f64 [%rd5], %fd2;
add.u32 %r5, %r5, %r4;
TEST:
setp.lt.u32 %p0, %r5, %r0;
@%p0 bra LOOP;
exit;
}
";

fn bytes_of(values: impl Iterator<Item = f64>) -> Vec<u8> {
    values.flat_map(|value| value.to_bits().to_le_bytes()).collect()
}

#[test]
fn a_grid_strides_over_an_array_in_any_order() {
    let module = understood(STRIDING);
    assert_eq!(module.entry_params("k"), Some(3));
    assert_eq!(module.entries().collect::<Vec<_>>(), ["k"]);
    let n = 1000_u32;
    let input = bytes_of((0..n).map(|i| f64::from(i) / 8.0));
    let expected = bytes_of((0..n).map(|i| f64::from(i) / 8.0 + f64::from(i)));
    let orders = [Order::Ascending, Order::Shuffled(1), Order::Shuffled(2)];
    for (order, (blocks, block_size)) in orders.into_iter().zip([(2, 256), (3, 100), (1, 1)]) {
        let mut memory = Memory::new(1 << 20);
        let [x, y] = [(); 2].map(|()| memory.alloc(8000).expect("room"));
        memory.write(x, &input).expect("inside");
        let extent = Extent { blocks, block_size };
        let options = Options { order, ..Options::default() };
        let params = [u64::from(n), x, y];
        run(&module, "k", extent, &params, &mut memory, options).expect("no fault");
        let mut output = vec![0; 8000];
        memory.read(y, &mut output).expect("every element is written");
        assert!(output == expected, "{order:?}");
    }
}

#[test]
fn launches_follow_one_another() {
    let module = understood(STRIDING);
    let mut memory = Memory::new(1 << 20);
    let [x, y] = [(); 2].map(|()| memory.alloc(80).expect("room"));
    memory.write(x, &bytes_of((0..10).map(|_| 0.5))).expect("inside");
    launch(&module, "k", 1, 256, &[10, x, y], &mut memory).expect("no fault");
    launch(&module, "k", 1, 256, &[10, y, x], &mut memory).expect("no fault");
    let mut output = vec![0; 80];
    memory.read(x, &mut output).expect("written");
    assert_eq!(output, bytes_of((0..10).map(|i| 0.5 + 2.0 * f64::from(i))));
}
