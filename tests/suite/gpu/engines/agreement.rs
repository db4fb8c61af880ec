//! Formulas over arrays of every dtype and layout give the bits of the host.

use fuse::{Array, AsInput, Complex, DType, Engine, F16, Input, View, vars};

use super::{agree, array, chunked, engine, numbers, stand_ins, tame};

#[test]
fn elementwise() {
    for n in [0, 1, 2, 3, 31, 1000, 3077] {
        let (a, b) = (numbers(n, 1), numbers(n, 2));
        for formula in [
            "2*a + 3*b**2",
            "a if a > b else sqrt(abs(b))",
            "exp(a)/b",
            "sin(a)",
            "a > b",
            "floor(a/b) % 7",
            "i64(a) // 3",
            "f16(a) + f32(b)",
        ] {
            agree(formula, [("a", a.as_input()), ("b", b.as_input())]);
        }
    }
}

#[test]
fn dtypes() {
    let n = 1500;
    let of = |modulus: i64| (0..n as i64).map(move |k| k * 37 % modulus - modulus / 3);
    let bools: Vec<bool> = of(3).map(|k| k > 0).collect();
    let bytes: Vec<u8> = of(251).map(|k| k.unsigned_abs() as u8).collect();
    let shorts: Vec<i16> = of(60_000).map(|k| k as i16).collect();
    let longs: Vec<i64> = of(1 << 40).collect();
    let halves: Vec<F16> = of(2000).map(|k| F16::from_f64(k as f64 / 8.0)).collect();
    let floats: Vec<f32> = of(9999).map(|k| k as f32 / 7.0).collect();
    let inputs = || {
        [
            ("p", bools.as_input()),
            ("u", bytes.as_input()),
            ("s", shorts.as_input()),
            ("l", longs.as_input()),
            ("h", halves.as_input()),
            ("f", floats.as_input()),
        ]
    };
    for formula in
        ["u + s", "u*u", "l // s", "h*f", "~p | (u > 7)", "p + s", "f**3 + h", "l % u, s << 3"]
    {
        agree(formula, inputs());
    }
    agree("sum(u), max(s), min(l), mean(h), sum(f), any(p), argmax(f)", inputs());
}

#[test]
fn broadcasting_and_layouts() {
    let (rows, columns) = (37, 45);
    let m = array(&numbers(rows * columns, 3), &[rows, columns]);
    let (r, c) = (numbers(columns, 4), array(&numbers(rows, 5), &[rows, 1]));
    for formula in [
        "m + r",
        "m*c - r",
        "exp(c)*exp(r)",
        "m.T + 1",
        "m.T*c.T",
        "(m.T + r[:, None]).T",
        "m[::2, 1:]",
        "m[::-1, ::-3] + 1",
        "m[5] + m[:, 7][:, None]",
        "m[3, 4] + r",
        "m[1:] - m[:-1]",
        "r[1:] - r[:-1]",
        "m[2:2] + r",
        "arange(37)[:, None] + m",
        "m + r, m - c, r[0]",
    ] {
        agree(formula, [("m", m.as_input()), ("r", r.as_input()), ("c", c.as_input())]);
    }
}

/// Strided, reversed, byte-swapped and repeated arrays are packed while they are copied.
#[test]
fn host_arrays_of_every_layout() {
    let values = numbers(2000, 6);
    let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_ne_bytes()).collect();
    let swapped: Vec<u8> =
        values.iter().flat_map(|x| x.to_bits().swap_bytes().to_ne_bytes()).collect();
    let view = |bytes, order, strides: &[isize], offset| {
        let layout = fuse::Layout { dtype: DType::F64, order, extents: &[30, 20], strides };
        View::from_bytes(bytes, &layout, offset).expect("inside")
    };
    use fuse::raw::ByteOrder::{Native, Swapped};
    for (order, strides, offset) in [
        (Native, [160, 8], 0),
        (Native, [8, 240], 8),
        (Native, [-168, 8], 8000),
        (Native, [0, 16], 0),
        (Native, [16, 0], 0),
        (Swapped, [160, 8], 0),
        (Swapped, [-8, 480], 4000),
    ] {
        let x = view(if order == Native { &bytes } else { &swapped }, order, &strides, offset);
        let y = view(&bytes, Native, &[160, 8], 8);
        agree("x*2 - y, sum(x, axis=0)", [("x", x.as_input()), ("y", y.as_input())]);
    }
}

#[test]
fn outputs_of_every_layout() {
    let x = tame(600, 7);
    for (name, device) in stand_ins() {
        for engine in [engine(&device), chunked(&device, 1024)] {
            for (strides, offset) in [([8, 240], 0), ([-160, 8], 29 * 160), ([320, 16], 8)] {
                let outputs = [Engine::global(), &engine].map(|engine| {
                    let mut bytes = vec![0_u8; 2 * 600 * 8 + 64];
                    let layout = fuse::Layout {
                        dtype: DType::F64,
                        order: fuse::raw::ByteOrder::Native,
                        extents: &[30, 20],
                        strides: &strides,
                    };
                    let m = array(&x, &[30, 20]);
                    let mut out =
                        fuse::ViewMut::from_bytes(&mut bytes, &layout, offset).expect("inside");
                    engine.evaluate_into("exp(m) + m", vars! { m }, &mut out).expect("it fits");
                    bytes
                });
                assert_eq!(outputs[0], outputs[1], "{name} {strides:?}");
            }
        }
    }
}

#[test]
fn complex_numbers() {
    let n = 777;
    let z: Vec<Complex<f64>> =
        tame(n, 8).iter().zip(tame(n, 9)).map(|(&re, im)| Complex::new(re, im)).collect();
    let w: Vec<Complex<f32>> =
        z.iter().rev().map(|z| Complex::new(z.im as f32, z.re as f32)).collect();
    let k = Complex::new(0.5, -2.0);
    for formula in [
        "z*z + k",
        "z/w",
        "exp(z)",
        "abs(z) + real(w)",
        "conj(z[::-1])",
        "sum(z), mean(w)",
        "z.imag",
    ] {
        agree(formula, [("z", z.as_input()), ("w", w.as_input()), ("k", k.as_input())]);
    }
    let m = array(&z[..700], &[35, 20]);
    agree("sum(m, axis=0), m.T*2", [("m", m.as_input())]);
}

#[test]
fn texts_are_asked_about_on_the_host() {
    let words = ["ada", "grace", "alan", "barbara", "a", ""];
    let texts: Vec<&str> = (0..1200).map(|k| words[k * 7 % 6]).collect();
    let s = Array::from_texts(&texts, &[1200]).expect("small");
    let m = Array::from_byte_strings(&texts[..600], &[30, 20]).expect("small");
    let x = numbers(1200, 10);
    agree("where(contains(s, 'a'), x, -x)", [("s", s.as_input()), ("x", x.as_input())]);
    agree("sum(x*(s > 'b'))", [("s", s.as_input()), ("x", x.as_input())]);
    agree("sum(m == b'ada', axis=0), (m < b'b').T", [("m", m.as_input())]);
    agree("where(t == 'yes', x, 0)", [("t", "yes".as_input()), ("x", x.as_input())]);
}

#[test]
fn scalars_of_reductions() {
    let x = tame(2500, 11);
    let m = array(&tame(30 * 70, 12), &[30, 70]);
    agree("(x - mean(x))/std(x)", [("x", x.as_input())]);
    agree("exp(x - max(x))/sum(exp(x - max(x)))", [("x", x.as_input())]);
    agree("m - mean(m, axis=1, keepdims=True)", [("m", m.as_input())]);
    agree(
        "e = exp(m - max(m, axis=1, keepdims=True)); e/sum(e, axis=1, keepdims=True)",
        [("m", m.as_input())],
    );
    agree("(m - mean(m, axis=0))/std(m, axis=0)", [("m", m.as_input())]);
    agree("s = sum(x); s, x/s, s*k, sqrt(k)", [("x", x.as_input()), ("k", 2.5.as_input())]);
    agree("x[n:] + x[:-n]", [("x", x.as_input()), ("n", Input::weak_int(3))]);
    agree("linspace(0, k, 9) + arange(9)", [("k", 2.5.as_input())]);
}
