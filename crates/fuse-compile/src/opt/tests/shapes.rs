//! The forms that must come out of the optimizer, and those that must not.

use fuse_ops::Op;

use super::{Mode, optimized, raw};
use crate::graph::{Graph, Node};
use crate::opt::{RULES, RuleClass, RuleName};

fn ops(graph: &Graph) -> Vec<Op> {
    let op = |node| match node {
        Node::Apply(op, _) | Node::Reduce(op, ..) => Some(op),
        Node::Input(_) | Node::Const(_) | Node::Power(..) | Node::Symbol(_) => None,
        Node::Index { .. } | Node::Expand(..) | Node::View(..) => None,
        Node::Text(_) | Node::Predicate(..) => None,
    };
    graph.iter().filter_map(|(_, node)| op(node)).collect()
}

fn relaxed_ops(formula: &str) -> Vec<Op> {
    ops(&optimized(formula, Mode::Relaxed).0)
}

#[test]
fn the_headline_is_seven_fma_and_nothing_else() {
    let written = "x + x**2 + x**3 + x**4 + x**5 + x**6 + x**7 + x**8";
    let (graph, report) = optimized(written, Mode::Relaxed);
    assert_eq!(ops(&graph), [Op::Fma; 7]);
    assert_eq!(report.rewrites.len(), 1);
    assert_eq!(report.rewrites[0].roundings_before, [7, 8, 8, 8, 8, 8, 8, 8]);
    assert_eq!(report.rewrites[0].roundings_after, [1, 2, 3, 4, 5, 6, 7, 7]);
    let nested = "x*(1 + x*(1 + x*(1 + x*(1 + x*(1 + x*(1 + x*(1 + x)))))))";
    assert_eq!(optimized(nested, Mode::Relaxed).0.to_string(), graph.to_string());
}

#[test]
fn any_value_may_be_the_variable() {
    let ops = relaxed_ops("(f + g) + (f + g)**2 + (f + g)**3");
    assert_eq!(ops, [Op::Add, Op::Fma, Op::Fma]);
}

#[test]
fn two_polynomials_in_one_sum_are_both_nested() {
    assert_eq!(
        relaxed_ops("x + x**2 + x**3 + y + y**2 + y**3"),
        [Op::Fma, Op::Fma, Op::Fma, Op::Fma, Op::Add]
    );
}

#[test]
fn a_part_is_nested_where_the_whole_cannot_be() {
    // 1/3 as a coefficient of x would be a fourth rounding of x, after three as written.
    assert_eq!(relaxed_ops("w*z + (x + x**2) / 3"), [Op::Mul, Op::Fma, Op::Div, Op::Add]);
    // Here y takes the place of a constant term, and x passes three instead of four.
    assert_eq!(relaxed_ops("y + (x + x**2 + x**3) / 3"), [Op::Fma, Op::Fma, Op::Fma]);
}

#[test]
fn even_and_odd_polynomials_take_the_square() {
    assert_eq!(relaxed_ops("1 - x**2/2 + x**4/24"), [Op::Mul, Op::Fma, Op::Fma]);
    assert_eq!(relaxed_ops("x - x**3/6 + x**5/120"), [Op::Mul, Op::Fma, Op::Mul, Op::Fma]);
}

#[test]
fn gaps_are_bridged_by_powers_and_cost_no_more() {
    assert_eq!(relaxed_ops("1 + x + x**64").len(), 8);
    assert_eq!(relaxed_ops("x**63 + x**2 + 1").len(), 12);
}

#[test]
fn sums_of_two_products_stay_as_written() {
    for formula in ["a*b - c*x", "b*b - 4*a*c", "a*b + c*x", "a*b - c/x", "a*b + sqrt(c)"] {
        assert!(!relaxed_ops(formula).contains(&Op::Fma), "{formula}");
    }
    // Rank 0 changes nothing: a discriminant of scalars is one, too.
    assert!(!relaxed_ops("s*s - t*s*3").contains(&Op::Fma));
}

#[test]
fn what_feeds_a_sensitive_operator_stays_as_written() {
    for formula in [
        "sqrt(x**2 - 2*x + 1)",
        "sqrt(x*x - y)",
        "sqrt(1 - (x*x + y*y))",
        "sqrt((x*y + z) / w)",
        "where(x*y + z > 0, 1.0, 2.0)",
        "floor(x*y + z)",
        "i64(x*y + z)",
        "(x*y + z) % 2",
        "copysign(1.0, x*y + z)",
        "sqrt(x + 1 - 1)",
        "floor(x * 9 / 5)",
    ] {
        let raw = ops(&raw(formula, Mode::Relaxed)).len();
        let ops = relaxed_ops(formula);
        assert!(!ops.contains(&Op::Fma) && ops.len() >= raw, "{formula}: {ops:?}");
    }
}

#[test]
fn one_signed_sums_are_contracted_below_a_root() {
    assert_eq!(relaxed_ops("sqrt(x*x + y*y)"), [Op::Mul, Op::Fma, Op::Sqrt]);
    assert_eq!(relaxed_ops("sqrt(x*x + y*y + z*z)"), [Op::Mul, Op::Fma, Op::Fma, Op::Sqrt]);
}

#[test]
fn strict_mode_uses_exact_rules_only() {
    for row in RULES.iter().filter(|row| row.class == RuleClass::Relaxed) {
        let Ok(raw) = super::try_raw(row.witness, Mode::Strict) else { continue };
        let (_, report) = crate::opt::optimize(&raw, Mode::Strict);
        assert_eq!(report.count(row.rule), 0, "{}", row.name);
    }
}

#[test]
fn every_rule_has_a_witness_that_fires_it() {
    for (index, row) in RULES.iter().enumerate() {
        assert_eq!(row.rule as usize, index);
        assert_eq!(RuleName::from_name(row.name), Some(row.rule));
        let (graph, report) = optimized(row.witness, Mode::Relaxed);
        assert!(report.count(row.rule) > 0, "{}: {}\n{graph}", row.name, row.witness);
    }
}

#[test]
fn differences_are_contracted_where_a_sign_is_free() {
    for formula in ["x*y - 3", "z - 3*x", "x*y - s", "z - s*x", "z - 2*x", "1 - x*3"] {
        let ops = relaxed_ops(formula);
        assert!(ops.contains(&Op::Fma), "{formula}: {ops:?}");
    }
    for formula in ["x*y - z", "z - x*y"] {
        assert_eq!(relaxed_ops(formula), [Op::Mul, Op::Sub], "{formula}");
    }
}

#[test]
fn constants_merge_only_where_they_may() {
    let text = |formula: &str| optimized(formula, Mode::Relaxed).0.to_string();
    assert!(text("x + 17 + 17").contains("= 34.0"));
    assert_eq!(relaxed_ops("x + .1 + .2"), [Op::Add, Op::Add]);
    assert_eq!(relaxed_ops("x * 9 / 5"), [Op::Mul]);
    assert!(text("x * 9 / 5").contains("= 1.8"));
    assert_eq!(relaxed_ops("x / 3 / 7"), [Op::Mul]);
    assert_eq!(relaxed_ops("x / 3"), [Op::Div]);
    assert_eq!(relaxed_ops("x / s / t"), [Op::Div, Op::Div]);
    assert_eq!(relaxed_ops("x * 1e-200 * 1e-200"), [Op::Mul, Op::Mul]);
    assert_eq!(relaxed_ops("x * 1e200 * 1e200"), [Op::Mul, Op::Mul]);
}

#[test]
fn what_looks_like_an_identity_of_floats_and_is_none_stays() {
    for formula in ["x + 0", "x * 0", "x - x", "-(x - y)", "x / 3"] {
        assert_eq!(
            relaxed_ops(formula).len(),
            ops(&raw(formula, Mode::Relaxed)).len(),
            "{formula}"
        );
    }
}

#[test]
fn rewrites_keep_shapes() {
    // A scalar chosen by an array's condition is an array.
    assert_eq!(relaxed_ops("where(x > 0, s, s)"), [Op::Gt, Op::Where]);
}
