//! Texts of single elements; whole arrays are compared with NumPy's in the suite, `printing`.

use fuse_ir::DType;
use fuse_runtime::{Complex, F16};

use super::*;
use crate::Element;

fn scalar<T: Element>(element: T) -> String {
    Array::from_slice(&[element], &[]).expect("one element").to_string()
}

#[test]
fn scalars_print_as_in_python() {
    assert_eq!(scalar(F16::from_f32(65504.0)), "6.55e+04");
    assert_eq!(scalar(999_999.94_f32), "999999.94");
    assert_eq!(scalar(1e6_f32), "1e+06");
    assert_eq!(scalar(1e15), "1000000000000000.0");
    assert_eq!(scalar(F16(1)), "6e-08");
    for (re, im, text) in [
        (1.0, 2.0, "(1+2j)"),
        (0.0, -2.5, "-2.5j"),
        (-0.0, 2.0, "(-0+2j)"),
        (1e16, 1e-5, "(1e+16+1e-05j)"),
        (f64::NAN, f64::INFINITY, "(nan+infj)"),
    ] {
        assert_eq!(scalar(Complex::new(re, im)), text);
    }
    assert_eq!(scalar(Complex::new(0.1_f32, 0.2)), "(0.1+0.2j)");
}

#[test]
fn no_element_moves_the_cursor() {
    let hostile = "a\u{1b}[2J\n\t\u{202e}\u{200b}\u{e9}'\\";
    let array = Array::from_texts(&[hostile], &[1]).expect("one text");
    let escaped = r"a\x1b[2J\n\t\u202e\u200bé";
    assert_eq!(array.to_string(), format!(r#"["{escaped}'\\"]"#));
    assert_eq!(array.element_text(0), format!(r"{escaped}'\\"));
    let array = Array::from_byte_strings(&[&b"\xe9\x1b\"'\0"[..]], &[]).expect("one string");
    assert_eq!(array.to_string(), r#"b'\xe9\x1b"\''"#);
    assert_eq!(array.element_text(0), r#"\xe9\x1b"'"#);
}

#[test]
fn a_part_prints_as_the_whole() {
    let elements: Vec<f64> = (0..40 * 50).map(|index| f64::from(index) / 8.0).collect();
    let whole = Array::from_slice(&elements, &[40, 50]).expect("it fits");
    let mut options = PrintOptions::default();
    for edge_items in [1, 3, 22] {
        options.edge_items = edge_items;
        let [rows, columns] = &options.printed_indices(&[40, 50])[..] else {
            unreachable!("2 axes")
        };
        let part: Vec<f64> = rows
            .iter()
            .flat_map(|row| columns.iter().map(move |column| (row * 50 + column) as f64 / 8.0))
            .collect();
        let part = Array::from_slice(&part, &[rows.len(), columns.len()]).expect("it fits");
        let printed = part.display_as_part(&[40, 50], &options).to_string();
        assert_eq!(printed, whole.display(&options).to_string());
    }
    let scalar = Array::from_slice(&[0.1], &[]).expect("one element");
    assert_eq!(scalar.display_as_part(&[], &options).to_string(), "0.1");
    let empty = Array::zeroed(DType::F64, &[0, 9999]).expect("nothing");
    assert_eq!(options.printed_indices(&[0, 9999]), [[], []] as [[usize; 0]; 2]);
    assert_eq!(empty.display_as_part(&[0, 9999], &options).to_string(), "[]");
}
