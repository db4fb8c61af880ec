//! Symbols and views against counting: every bound, step and extent that is small.
//!
//! What a slice selects is what Python's `range(*slice(a, b, c).indices(n))` lists; the reference here
//! follows the text of Python's documentation of slicings, not the code under test.

use fuse_ir::{
    DType, Dim, InputType, Pick, ProgramInput, Shape, SourceSpan, Strength, Symbol, SymbolOp,
};
use fuse_syntax::{SyntaxLimits, parse};

use super::{Bound, Graph, Node, NodeId, View};
use crate::{Options, compile, variable};

/// splitmix64.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n as u64) as usize
    }

    fn percent(&mut self, n: usize) -> bool {
        self.below(100) < n
    }
}

/// A graph over one array; its extents are many.
fn graph_of(rank: usize) -> (Graph, NodeId) {
    let mut graph = Graph::default();
    let ty = InputType::array(DType::F64, &vec![9; rank]);
    let position = graph.add_input(ProgramInput { name: "x".to_string(), ty });
    let id = graph.input(position, SourceSpan::default());
    (graph, id)
}

/// The values of a graph's symbols for the extents of its only input.
fn values(graph: &Graph, extents: &[i64]) -> Vec<i64> {
    let mut values: Vec<i64> = Vec::new();
    for &symbol in graph.symbols() {
        values.push(match symbol {
            Symbol::Axis { axis, .. } => extents[axis as usize],
            Symbol::Literal(value) => value,
            Symbol::Scalar(_) => unreachable!("no scalars"),
            Symbol::Apply(op, a, b) => op.apply(values[a as usize], values[b as usize]),
        });
    }
    values
}

/// Python: `list(range(n))[start:stop:step]`.
fn sliced(n: i64, start: Option<i64>, stop: Option<i64>, step: i64) -> Vec<i64> {
    let (lowest, highest) = if step > 0 { (0, n) } else { (-1, n - 1) };
    let end = |value: Option<i64>, missing: i64| match value {
        None => missing,
        Some(value) => (if value < 0 { value + n } else { value }).clamp(lowest, highest),
    };
    let (first, last) = if step > 0 { (lowest, highest) } else { (highest, lowest) };
    let (mut at, stop) = (end(start, first), end(stop, last));
    let mut found = Vec::new();
    while if step > 0 { at < stop } else { at > stop } {
        found.push(at);
        at += step;
    }
    found
}

#[test]
fn the_reference_is_python() {
    assert_eq!(sliced(5, None, None, -2), [4, 2, 0]);
    assert_eq!(sliced(5, Some(-9), Some(3), 1), [0, 1, 2]);
    assert_eq!(sliced(5, Some(9), Some(-9), -1), [4, 3, 2, 1, 0]);
    assert_eq!(sliced(5, Some(3), Some(1), 1), [0; 0]);
}

#[test]
fn slices_of_one_length_have_one_symbol() {
    let ends = |text: &str| {
        let ast = parse(text, &SyntaxLimits::default()).expect("it parses");
        let x = variable("x", InputType::array(DType::F64, &[9]));
        let graph = compile(&ast, &[x], Options::default()).expect("it compiles").graph;
        graph.results.iter().map(|&id| graph.shape(id)).collect::<Vec<Shape>>()
    };
    for text in [
        "x[1:], x[:-1], x[1:][:], x[::-1][1:], x[-2::-1], x[:0:-1]",
        "x[2:], x[1:-1], x[:-2], x[1:][1:], x[1:][:-1], x[:-1][:-1], x[:-1][::-1][1:], x[-2:0:-1]",
        "x, x[:], x[::-1], x[0:], x + 1, x[::1], x[-1::-1]",
        "x[::2], x[::-2], x[:][::2]",
        "x[:7], x[:9][:7]",
    ] {
        let shapes = ends(text);
        assert!(shapes.iter().all(|shape| *shape == shapes[0]), "{text}: {shapes:?}");
    }
    let different = ends("x[1:], x[2:], x[::2], x[1::2], x[:7], x[-7:1]");
    for (position, shape) in different.iter().enumerate() {
        assert!(!different[..position].contains(shape), "{position}");
    }
}

/// Every pair of ends on every small axis.
#[test]
fn run_lengths_are_what_counting_gives() {
    let bounds = (0..6).flat_map(|k| [Bound::Front(k), Bound::Back(k)]);
    let bounds: Vec<Bound> = bounds.collect();
    let (mut graph, id) = graph_of(1);
    let shape = graph.shape(id);
    let n = graph.dim_symbol(shape[0]);
    let middle = {
        let two = graph.literal_symbol(2);
        Bound::Position(graph.combine(SymbolOp::FloorDiv, n, two))
    };
    for &low in bounds.iter().chain([&middle]) {
        for &high in bounds.iter().chain([&middle]) {
            let length = graph.run_length(low, high, n);
            let ends = [graph.position(low, n), graph.position(high, n)];
            for extent in 0..10 {
                let values = values(&graph, &[extent]);
                let position = |bound: Bound| match bound {
                    Bound::Front(k) => k.min(extent),
                    Bound::Back(k) => (extent - k).max(0),
                    Bound::Position(_) => extent / 2,
                };
                let expected = [position(low), position(high)];
                assert_eq!(ends.map(|end| values[end as usize]), expected, "{low:?} {high:?}");
                let found = values[length as usize];
                let distance = (expected[1] - expected[0]).max(0);
                assert_eq!(found, distance, "{low:?} to {high:?} of {extent}");
            }
        }
    }
}

/// What a program's only operand reads of axis 0, and the extent of its result.
fn picks(text: &str, n: usize, scalars: [i64; 2]) -> Vec<i64> {
    let ast = parse(text, &SyntaxLimits::default()).expect("it parses");
    let scalar = || InputType::scalar(DType::I64, Strength::Strong);
    let x = variable("x", InputType::array(DType::F64, &[n]));
    let variables = [x, variable("j", scalar()), variable("k", scalar())];
    let program = compile(&ast, &variables, Options::default()).expect("it compiles").program;
    let extents: Vec<Vec<usize>> = program
        .inputs
        .iter()
        .map(|input| if input.name == "x" { vec![n] } else { vec![] })
        .collect();
    let extents: Vec<&[usize]> = extents.iter().map(Vec::as_slice).collect();
    let value = |input: u32| scalars[usize::from(program.inputs[input as usize].name == "k")];
    let bound = program.bind(&extents, value).expect("nothing is out of range");
    let count = bound.extent(program.results[0].shape[0]) as i64;
    let pick = program.passes[0].operands[0].picks.first().copied();
    let (start, step) = pick.map_or((0, 1), |pick| (bound.value(pick.start), pick.step));
    (0..count).map(|at| start + at * step).collect()
}

#[test]
fn slices_of_literals_select_what_python_does() {
    let ends: Vec<Option<i64>> = [None].into_iter().chain((-4..=4).map(Some)).collect();
    let text = |end: Option<i64>| end.map_or(String::new(), |end| end.to_string());
    for &start in &ends {
        for &stop in &ends {
            for step in [1, 2, 3, -1, -2, -3] {
                let formula = format!("x[{}:{}:{step}]", text(start), text(stop));
                for n in [0, 1, 2, 3, 5] {
                    let expected = sliced(n, start, stop, step);
                    let found = picks(&formula, n as usize, [0, 0]);
                    assert_eq!(found, expected, "{formula} of {n}");
                }
            }
        }
    }
}

#[test]
fn slices_of_scalars_select_what_python_does() {
    for step in [1, 2, -1, -3] {
        let formula = format!("x[j:k:{step}]");
        for n in [0, 1, 2, 4] {
            for start in [-9, -5, -4, -1, 0, 1, 3, 4, 5, i64::MIN, i64::MAX] {
                for stop in [-9, -4, -1, 0, 2, 4, 5, i64::MIN, i64::MAX] {
                    let wrapped = |end: i64| Some(end.clamp(-100, 100));
                    let expected = sliced(n, wrapped(start), wrapped(stop), step);
                    let found = picks(&formula, n as usize, [start, stop]);
                    assert_eq!(found, expected, "{formula} of {n}, {start}, {stop}");
                }
            }
        }
    }
}

/// A random view of an array of these extents that reads inside it.
fn random_view(graph: &mut Graph, extents: &[i64], random: &mut Random) -> View {
    let mut view = View { picks: Vec::new(), axes: Vec::new().into() };
    for (axis, &n) in extents.iter().enumerate() {
        let start = random.below(n as usize) as i64;
        let single = random.percent(20);
        let (step, count) = match random.below(3) {
            _ if single => (1, 1),
            0 => (1 + random.below(3) as i64, (n - start + 2) / 3),
            1 => (-1 - (random.below(2) as i64), (start + 2) / 2),
            _ => (1, n - start),
        };
        let (start, count_symbol) = (graph.literal_symbol(start), graph.literal_symbol(count));
        let extent = if single { Dim::One } else { graph.symbol_dim(count_symbol) };
        view.picks.push(Pick { start, step, extent });
        if !single {
            view.axes.push(Some(axis as u32));
        }
        if random.percent(20) {
            view.axes.push(None);
        }
    }
    if random.percent(40) {
        view.axes.reverse();
    }
    view
}

/// Positions in the array below of a view's elements, in C order.
fn elements(graph: &Graph, view: &View, extents: &[i64], below: &[i64]) -> Vec<i64> {
    let values = values(graph, &[]);
    let extent = |dim: Dim| match dim {
        Dim::One => 1,
        Dim::Symbol(symbol) => values[symbol as usize],
    };
    let mut found = vec![vec![]];
    for axis in &view.axes {
        let n = axis.map_or(1, |axis| extent(view.picks[axis as usize].extent));
        found = found
            .into_iter()
            .flat_map(|index: Vec<i64>| (0..n).map(move |at| [index.clone(), vec![at]].concat()))
            .collect();
    }
    let position = |index: &Vec<i64>| {
        let mut at: Vec<i64> = view.picks.iter().map(|pick| values[pick.start as usize]).collect();
        for (axis, along) in view.axes.iter().zip(index) {
            if let Some(axis) = axis {
                at[*axis as usize] += view.picks[*axis as usize].step * along;
            }
        }
        let mut flat = 0;
        for (at, n) in at.iter().zip(extents) {
            assert!((0..*n).contains(at), "inside");
            flat = flat * n + at;
        }
        below[flat as usize]
    };
    found.iter().map(position).collect()
}

/// Three random views over one another give the elements that one after the other gives.
#[test]
fn views_of_views_select_the_same_elements() {
    let mut random = Random(11);
    let mut composed = 0;
    for _ in 0..3000 {
        let extents: Vec<i64> =
            (0..1 + random.below(3)).map(|_| 2 + random.below(5) as i64).collect();
        let mut graph = Graph::default();
        let axes: Vec<usize> = extents.iter().map(|&n| n as usize).collect();
        let scalar = graph.add_input(ProgramInput {
            name: "s".to_string(),
            ty: InputType::scalar(DType::F64, Strength::Strong),
        });
        let scalar = graph.input(scalar, SourceSpan::default());
        let shape: Shape = extents
            .iter()
            .map(|&n| {
                let symbol = graph.literal_symbol(n);
                graph.symbol_dim(symbol)
            })
            .collect();
        let base = graph.expand(scalar, shape, SourceSpan::default());
        let mut expected: Vec<i64> = (0..axes.iter().product::<usize>() as i64).collect();
        let (mut id, mut now) = (base, extents.clone());
        for _ in 0..3 {
            let view = random_view(&mut graph, &now, &mut random);
            expected = elements(&graph, &view, &now, &expected);
            let values = values(&graph, &[]);
            now = view
                .shape()
                .iter()
                .map(|dim| match dim {
                    Dim::One => 1,
                    Dim::Symbol(symbol) => values[*symbol as usize],
                })
                .collect();
            id = graph.view(id, view, SourceSpan::default());
            if expected.is_empty() {
                break;
            }
        }
        let Node::View(below, view) = graph.node(id) else { continue };
        if below != base {
            continue;
        }
        composed += 1;
        let whole: Vec<i64> = (0..axes.iter().product::<usize>() as i64).collect();
        let found = elements(&graph, graph.view_of(view), &extents, &whole);
        assert_eq!(found, expected, "{extents:?}: {:?}", graph.view_of(view));
    }
    assert!(composed > 1500, "{composed} were one view");
}

/// A slice of a new axis is no view of what lies below, but an element of it is again.
#[test]
fn a_part_of_a_new_axis_is_a_view_of_a_view() {
    let ast = |text: &str| parse(text, &SyntaxLimits::default()).expect("it parses");
    let x = || variable("x", InputType::array(DType::F64, &[9]));
    let below = |text: &str| {
        let graph = compile(&ast(text), &[x()], Options::default()).expect("it compiles").graph;
        let Node::View(below, _) = graph.node(graph.results[0]) else { panic!("{text} is a view") };
        matches!(graph.node(below), Node::Input(_))
    };
    assert!(!below("x[None][:x.size - 3]"));
    assert!(below("x[None][:x.size - 3][0, 1:]"));
    assert!(below("x[None][:, 1:]"));
    assert!(below("x[None][:1]"), "all of it, whatever x is");
}
