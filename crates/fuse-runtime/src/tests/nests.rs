//! Nests of passes against the same passes run one after the other, and against naive evaluation.

use fuse_ir::{
    ArraySpec, Builder, DType, Dim, InputClass, InputType, Lane, Mem, Nest, OperandOutput,
    OperandView, Pass, Pick, Prim, Program, ProgramInput, Reach, RegionBuilder, Shape, Sink,
    Source, Symbol, SymbolOp, verify,
};

use super::axes::sum;
use super::support::{
    Random, Strided, assert_same, chopped, executables, f64_layout, interpreter, run_f64, sum_fold,
};
use crate::{Executable, FoldLanes, Operand, RunOptions, Threads, View, ViewMut};

/// A shape of symbols.
fn shape(symbols: &[u32]) -> Shape {
    symbols.iter().map(|&symbol| Dim::Symbol(symbol)).collect()
}

/// A program without passes, of f64 inputs of these extents: one symbol for each axis.
fn inputs(extents: &[&[usize]]) -> Program {
    let mut program = Program::default();
    for (number, extents) in extents.iter().enumerate() {
        let ty = InputType::array(DType::F64, extents);
        program.inputs.push(ProgramInput { name: format!("x{number}"), ty });
        for axis in 0..extents.len() as u32 {
            program.symbols.push(Symbol::Axis { input: number as u32, axis });
        }
    }
    program
}

type Reads<'r> = &'r [(Source, &'r [Option<u32>])];

/// A pass that writes `prim` of its operands (the only one as it is), or sums it over some axes.
fn pass(space: Shape, reduced: &[u32], prim: Prim, reads: Reads<'_>, sinks: &[Sink]) -> Pass {
    let mut builder = Builder::new();
    let mut lane = RegionBuilder::new(&[]);
    let mut values = Vec::new();
    let mut operands = Vec::new();
    for (source, axes) in reads {
        let splat = matches!(axes.last(), Some(None));
        builder.input(Mem::F64, if splat { InputClass::Splat } else { InputClass::Stream });
        values.push(lane.add_param(Lane::F64));
        let axes = axes.iter().copied().collect();
        operands.push(OperandView { source: *source, picks: vec![], axes });
    }
    let value = if values.len() == 1 { values[0] } else { lane.prim(prim, &values) };
    let (mut outputs, mut folds) = (vec![], vec![]);
    if reduced.is_empty() {
        builder.output(OperandOutput { mem: Mem::F64, never_nan: false });
        outputs = sinks.to_vec();
    } else {
        builder.fold(sum_fold());
        folds = vec![vec![sinks.to_vec()]];
    }
    let kernel = verify(builder.finish(lane.finish(&[value]))).expect("a valid kernel");
    Pass { space, reduced: reduced.into(), kernel, scalars: vec![], operands, outputs, folds }
}

fn spec(shape: Shape) -> ArraySpec {
    ArraySpec { dtype: DType::F64, shape }
}

/// `e = x - sum(x, 1); e / sum(e, 1)` over `(n, m)`, and the last sum as a result of its own.
fn rows() -> Program {
    let (x, whole, by_row) = (Source::Input(0), [Some(0), Some(1)], [Some(0), None]);
    let mut program = inputs(&[&[9, 9]]);
    let [t0, t1, t2] = [0, 1, 2].map(Source::Temporary);
    program.temporaries = vec![spec(shape(&[0])), spec(shape(&[0, 1])), spec(shape(&[0]))];
    program.results = vec![spec(shape(&[0, 1])), spec(shape(&[0]))];
    let space = || shape(&[0, 1]);
    let sub = Prim::FSub;
    program.passes = vec![
        pass(space(), &[1], sub, &[(x, &whole)], &[Sink::Temporary(0)]),
        pass(space(), &[], sub, &[(x, &whole), (t0, &by_row)], &[Sink::Temporary(1)]),
        pass(space(), &[1], sub, &[(t1, &whole)], &[Sink::Temporary(2), Sink::Result(1)]),
        pass(space(), &[], Prim::FDiv, &[(t1, &whole), (t2, &by_row)], &[Sink::Result(0)]),
    ];
    program.nests =
        vec![Nest { passes: 0..4, domain: shape(&[0]), reach: vec![], locals: vec![0, 1, 2] }];
    program
}

/// `sqrt(sum(p[:, None, :] - q[None, :, :], 2))`-like: a sum over the last axis, and its square.
fn pairs() -> Program {
    let mut program = inputs(&[&[9, 9], &[8, 9]]);
    let (p, q, t0) = (Source::Input(0), Source::Input(1), Source::Temporary(0));
    program.temporaries = vec![spec(shape(&[0, 2]))];
    program.results = vec![spec(shape(&[0, 2]))];
    let (p_axes, q_axes) = ([Some(0), None, Some(1)], [None, Some(0), Some(1)]);
    let whole = [Some(0), Some(1)];
    let space = shape(&[0, 2, 1]);
    let reads: Reads<'_> = &[(p, &p_axes), (q, &q_axes)];
    program.passes = vec![
        pass(space, &[2], Prim::FSub, reads, &[Sink::Temporary(0)]),
        pass(shape(&[0, 2]), &[], Prim::FMul, &[(t0, &whole), (t0, &whole)], &[Sink::Result(0)]),
    ];
    program.nests =
        vec![Nest { passes: 0..2, domain: shape(&[0, 2]), reach: vec![], locals: vec![0] }];
    program
}

/// `x - sum(x, 0)` with the domain along the last axis: `(x.T - s[:, None])`, and `s` itself.
fn columns() -> Program {
    let mut program = inputs(&[&[9, 9]]);
    let (x, t0) = (Source::Input(0), Source::Temporary(0));
    program.temporaries = vec![spec(shape(&[1]))];
    program.results = vec![spec(shape(&[1, 0])), spec(shape(&[1]))];
    let sinks = [Sink::Temporary(0), Sink::Result(1)];
    let turned: Reads<'_> = &[(x, &[Some(1), Some(0)]), (t0, &[Some(0), None])];
    program.passes = vec![
        pass(shape(&[0, 1]), &[0], Prim::FSub, &[(x, &[Some(0), Some(1)])], &sinks),
        pass(shape(&[1, 0]), &[], Prim::FSub, turned, &[Sink::Result(0)]),
    ];
    program.nests =
        vec![Nest { passes: 0..2, domain: shape(&[1]), reach: vec![], locals: vec![0] }];
    program
}

/// `t = x * x; t[1:-1] - t[2:]` over the rows of a matrix: the first pass reaches from 1 to 2 rows beyond.
fn stencil() -> Program {
    stencil_from([1, 2])
}

/// The same, reading rows from these two on, of 0, 1 and 2.
fn stencil_from(starts: [u32; 2]) -> Program {
    let mut program = inputs(&[&[9, 9]]);
    let (x, t0, whole) = (Source::Input(0), Source::Temporary(0), [Some(0), Some(1)]);
    let apply = |op, a, b| Symbol::Apply(op, a, b);
    let literals = [2, 3, 4];
    program.symbols.extend([Symbol::Literal(0), Symbol::Literal(1), Symbol::Literal(2)]);
    program.symbols.push(apply(SymbolOp::Less, 0, literals[2]));
    let inner = shape(&[5, 1]);
    program.temporaries = vec![spec(shape(&[0, 1]))];
    program.results = vec![spec(inner.clone())];
    let rows = |start| {
        let row = Pick { start, step: 1, extent: Dim::Symbol(5) };
        vec![row, Pick { start: literals[0], step: 1, extent: Dim::Symbol(1) }]
    };
    let both = [(t0, whole.as_slice()), (t0, &whole)];
    let mut neighbours = pass(inner, &[], Prim::FSub, &both, &[Sink::Result(0)]);
    for (operand, start) in neighbours.operands.iter_mut().zip(starts) {
        operand.picks = rows(literals[start as usize]);
    }
    let squares = [(x, whole.as_slice()), (x, &whole)];
    let first = pass(shape(&[0, 1]), &[], Prim::FMul, &squares, &[Sink::Temporary(0)]);
    program.passes = vec![first, neighbours];
    let [low, high] = starts;
    let reach = vec![Reach { low, high }, Reach::default()];
    program.nests = vec![Nest { passes: 0..2, domain: shape(&[5]), reach, locals: vec![0] }];
    program
}

fn alone(mut program: Program) -> Program {
    program.nests.clear();
    program
}

/// Every tile size, number of threads and way to fold gives what the passes give alone.
fn same_as_alone(program: &Program, inputs: &[&Strided]) -> Vec<Vec<f64>> {
    let [plain, _] = executables(&alone(program.clone()));
    let expected = run_f64(&plain, inputs, &RunOptions::default()).expect("it runs");
    for executable in executables(program) {
        let check = |options: &RunOptions<'_>| {
            let found = run_f64(&executable, inputs, options).expect("it runs");
            for (found, expected) in found.iter().zip(&expected) {
                assert_same(found, expected, &format!("{:?}", options.tuning));
            }
        };
        check(&RunOptions::default());
        let cuts = [(1, Some(1)), (1, Some(32)), (2, None), (2, Some(3)), (3, Some(1000))];
        for (threads, tile) in cuts.into_iter().chain([(7, Some(1)), (7, None)]) {
            let pool =
                rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
            for lanes in [FoldLanes::Elements, FoldLanes::Outputs] {
                let mut options = chopped(Threads::Pool(&pool), threads as u64);
                (options.tuning.tile, options.tuning.fold_lanes) = (tile, Some(lanes));
                check(&options);
            }
        }
    }
    expected
}

#[test]
fn rows_tile_by_tile() {
    let mut random = Random(21);
    for (n, m) in [(5_usize, 3), (33, 8), (7, 100), (3, 1100), (100, 9), (4, 0), (0, 4)] {
        let strides = [8, 8 * n.max(1).cast_signed()];
        for x in [
            Strided::random(DType::F64, &[n, m], &mut random),
            Strided::laid_out(DType::F64, &[n, m], &strides, 0, &mut random),
        ] {
            let found = same_as_alone(&rows(), &[&x]);
            for row in 0..n {
                let xs: Vec<f64> = (0..m).map(|col| x.get(&[row, col])).collect();
                let total = sum(&xs);
                let es: Vec<f64> = xs.iter().map(|x| x - total).collect();
                let expected: Vec<f64> = es.iter().map(|e| e / sum(&es)).collect();
                assert_same(&found[0][row * m..(row + 1) * m], &expected, "a row");
            }
        }
    }
}

#[test]
fn pairs_tile_by_tile() {
    let mut random = Random(22);
    for (n, m, k) in [(3, 5, 2), (7, 70, 3), (40, 100, 3), (2, 33, 40), (9, 64, 9)] {
        let p = Strided::random(DType::F64, &[n, k], &mut random);
        let q = Strided::random(DType::F64, &[m, k], &mut random);
        let found = same_as_alone(&pairs(), &[&p, &q]);
        for (at, found) in found[0].iter().enumerate() {
            let (i, j) = (at / m, at % m);
            let xs: Vec<f64> = (0..k).map(|k| p.get(&[i, k]) - q.get(&[j, k])).collect();
            assert_eq!(found.to_bits(), (sum(&xs) * sum(&xs)).to_bits(), "{n} {m} {k}");
        }
    }
}

#[test]
fn columns_tile_by_tile() {
    let mut random = Random(23);
    for (n, m) in [(5, 3), (40, 7), (9, 100), (1100, 3)] {
        let x = Strided::random(DType::F64, &[n, m], &mut random);
        same_as_alone(&columns(), &[&x]);
    }
}

#[test]
fn neighbours_tile_by_tile() {
    let mut random = Random(27);
    for (n, m) in [(3, 2), (5, 7), (40, 3), (200, 33), (2, 3), (0, 3)] {
        let x = Strided::random(DType::F64, &[n, m], &mut random);
        // A loop longer than the domain need not run beyond its tile: 0, 0.
        for (a, b) in [(1, 2), (0, 2), (0, 0), (2, 2)] {
            let found = same_as_alone(&stencil_from([a, b]), &[&x]);
            for (at, found) in found[0].iter().enumerate() {
                let square = |row: u32| {
                    let row = at / m + row as usize;
                    x.get(&[row, at % m]) * x.get(&[row, at % m])
                };
                let expected = square(a) - square(b);
                assert_eq!(found.to_bits(), expected.to_bits(), "{n} {m} {a} {b}");
            }
        }
    }
}

/// Every way to break the rules of reach is refused.
#[test]
fn reaches_that_lie_are_refused() {
    type Lie = fn(&mut Program);
    let lies: [(&str, Lie); 11] = [
        ("no reach", |p| p.nests[0].reach.clear()),
        ("too low", |p| p.nests[0].reach[0].low = 2),
        ("too short", |p| p.nests[0].reach[0].high = 1),
        ("too far", |p| p.nests[0].reach[0].high = 3),
        ("upside down", |p| p.nests[0].reach[0] = Reach { low: 3, high: 2 }),
        ("a result beyond its tile", |p| p.nests[0].reach[1].high = 1),
        ("one too many", |p| p.nests[0].reach.push(Reach::default())),
        ("a result longer than the domain", |p| {
            p.passes[1].space[0] = p.temporaries[0].shape[0];
            p.results[0].shape[0] = p.temporaries[0].shape[0];
        }),
        ("not known beforehand", |p| p.passes[1].operands[0].picks[0].start = 5),
        ("every other row", |p| p.passes[1].operands[0].picks[0].step = 2),
        ("no local", |p| p.nests[0].locals.clear()),
    ];
    let x = Strided::random(DType::F64, &[30, 5], &mut Random(28));
    for (name, lie) in lies {
        let mut program = stencil();
        lie(&mut program);
        let executable = Executable::compile(program.into(), &interpreter());
        let result = executable.run_alloc(&[Operand::from(x.view())], &RunOptions::default());
        assert!(matches!(result, Err(crate::RunError::Program { .. })), "{name}: {result:?}");
    }
}

/// A result over the input: right where every pass reads its own tile, else by way of a copy.
#[test]
#[expect(unsafe_code, reason = "an output over its input")]
fn results_over_inputs() {
    let (n, m) = (40, 40);
    let extents = [n, m];
    let layout = f64_layout(&extents, &[320, 8]);
    // With `turned`, the first pass reads columns where the last writes rows.
    for turned in [false, true] {
        let mut program = rows();
        if turned {
            program.passes[0].operands[0].axes = [Some(1), Some(0)].into_iter().collect();
        }
        let input = Random(24).floats(n * m);
        let view = View::from_shaped(&input, &extents).expect("it fits");
        let options = chopped(Threads::Inline, 3);
        for executable in executables(&program) {
            let apart = executable.run_alloc(&[view.clone().into()], &options).expect("it runs");
            let (mut x, mut s) = (input.clone(), vec![0.0; n]);
            let base = x.as_mut_ptr().cast::<u8>();
            // SAFETY: both are the vector, which nothing else uses meanwhile.
            let (over, output) =
                unsafe { (View::from_raw(base, &layout), ViewMut::from_raw(base, &layout)) };
            let operands = [Operand::from(over.expect("a view"))];
            let mut outputs = [output.expect("a view"), ViewMut::from_slice(&mut s)];
            let mut options = options;
            options.tuning.tile = Some(3);
            executable.run(&operands, &mut outputs, &options).expect("it runs");
            assert_same(&x, apart[0].as_slice().expect("f64"), &format!("turned: {turned}"));
            assert_same(&s, apart[1].as_slice().expect("f64"), "sums");
        }
    }
}

#[test]
fn locals_do_not_count_as_memory_of_the_call() {
    let x = Strided::random(DType::F64, &[50, 60], &mut Random(25));
    let results = 8 * (50 * 60 + 50);
    let options = RunOptions { max_output_bytes: Some(results), ..RunOptions::default() };
    let [nested, _] = executables(&rows());
    assert!(run_f64(&nested, &[&x], &options).is_ok());
    let [plain, _] = executables(&alone(rows()));
    assert!(run_f64(&plain, &[&x], &options).is_err());
}

/// Every way to break the rules of `Nest` is refused when the program is compiled or when it is bound.
#[test]
fn nests_that_lie_are_refused() {
    type Lie = fn(&mut Program);
    let lies: [(&str, Lie); 13] = [
        ("passes past the end", |p| p.nests[0].passes = 2..5),
        ("no passes", |p| p.nests[0].passes = 1..1),
        ("passes of two nests", |p| p.nests.push(p.nests[0].clone())),
        ("no domain", |p| p.nests[0].domain.clear()),
        ("a domain of no symbol", |p| p.nests[0].domain = shape(&[7])),
        ("a domain of other rank", |p| p.nests[0].domain = shape(&[0, 1])),
        ("a domain of another axis", |p| p.nests[0].domain = shape(&[1])),
        ("a local used outside", |p| p.nests[0].passes = 0..3),
        ("no such local", |p| p.nests[0].locals = vec![0, 1, 2, 3]),
        ("locals in disorder", |p| p.nests[0].locals = vec![1, 0, 2]),
        ("a turned view", |p| {
            p.passes[3].operands[0].axes = [Some(1), Some(0)].into_iter().collect()
        }),
        ("a diagonal view", |p| {
            p.passes[3].operands[0].axes = [Some(0), Some(0)].into_iter().collect()
        }),
        ("an unaligned view", |p| {
            p.passes[3].operands[1].axes = [None, Some(0)].into_iter().collect()
        }),
    ];
    let x = Strided::random(DType::F64, &[30, 40], &mut Random(26));
    for (name, lie) in lies {
        let mut program = rows();
        lie(&mut program);
        let executable = Executable::compile(program.into(), &interpreter());
        let operands = [Operand::from(x.view())];
        let result = executable.run_alloc(&operands, &RunOptions::default());
        assert!(matches!(result, Err(crate::RunError::Program { .. })), "{name}: {result:?}");
    }
    let honest = Executable::compile(rows().into(), &interpreter());
    assert!(honest.run_alloc(&[Operand::from(x.view())], &RunOptions::default()).is_ok());
}

#[test]
fn a_program_says_what_runs_together() {
    let text = rows().to_string();
    let last: Vec<&str> = text.lines().rev().take(2).collect();
    assert_eq!(last[1], "passes 0 to 3 by tiles of [x0.shape[0]]", "{text}");
    assert_eq!(last[0], "  keeps a tile of temporary 0, temporary 1, temporary 2");
}
