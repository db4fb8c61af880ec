//! Random formulas of 20 to 40 nodes over `a` and `b`, all different, as `benches/peers/small.py` makes them;
//! leaves and operations are nodes.

use crate::real::Random;

/// So many of them.
pub fn formulas(count: usize, seed: u64) -> Vec<String> {
    let mut random = Random::new(seed);
    let mut made: Vec<String> = Vec::new();
    while made.len() < count {
        let (text, nodes) = expression(&mut random, 5);
        let reads = |name| text.contains(name);
        if (20..=40).contains(&nodes) && reads('a') && reads('b') && !made.contains(&text) {
            made.push(text);
        }
    }
    made
}

/// A text and its number of nodes.
fn expression(random: &mut Random, depth: u32) -> (String, usize) {
    if depth == 0 || random.unit() < 0.1 {
        let number = constant(random);
        return (random.choose(&["a".to_string(), "b".to_string(), number]).clone(), 1);
    }
    let kinds = ["+", "-", "*", "+", "-", "*", "/", "sqrt", "where", "**"];
    let kind = *random.choose(&kinds);
    let (left, nodes) = expression(random, depth - 1);
    match kind {
        "sqrt" => return (format!("sqrt(abs({left}))"), nodes + 2),
        "**" => return (format!("({left})**{}", random.choose(&[2, 3])), nodes + 2),
        _ => {}
    }
    let (right, more) = expression(random, depth - 1);
    let nodes = nodes + more;
    match kind {
        "where" => (format!("where(a > {}, {left}, {right})", constant(random)), nodes + 4),
        "/" => (format!("({left})/(({right})**2 + 1.5)"), nodes + 5),
        _ => (format!("({left} {kind} {right})"), nodes + 1),
    }
}

fn constant(random: &mut Random) -> String {
    format!("{:.3}", 0.5 + 8.5 * random.unit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_different_and_evaluate() {
        let made = formulas(20, 7);
        assert_eq!(made, formulas(20, 7));
        let (a, b) = ([1.5; 16], [2.5; 16]);
        for text in made {
            fuse::evaluate(&text, fuse::vars! { a, b }).expect(&text);
        }
    }
}
