//! Times reductions over some axes, below the language: programs built by hand, minima of many runs.
//!
//! `cargo run --release -p fuse-benches --example axes [part of a name]`; `axes.py` beside it does the
//! same work in NumPy and Numba.

#![expect(clippy::print_stdout, reason = "prints what it measures")]

use std::sync::Arc;
use std::time::Instant;

use fuse_cranelift::CraneliftBackend;
use fuse_ir::{
    ArraySpec, Builder, DType, Dim, Fold, HostBackend, InputClass, InputType, Lane, Mem, Nest,
    OperandOutput, OperandView, Pass, Prim, Program, ProgramInput, RegionBuilder, Scalar, Shape,
    Sink, Source, StateSlot, Symbol, ValueId, verify,
};
use fuse_runtime::{Executable, FoldLanes, Operand, RunOptions, Threads, View, ViewMut};

type Body = fn(&mut RegionBuilder, &[ValueId]) -> ValueId;

/// A sum over some axes of a value of operands, which lie in the loop's axes as said.
struct Work {
    name: &'static str,
    space: &'static [usize],
    /// For each operand its extents, and which loop axis each of them is.
    operands: &'static [(&'static [usize], &'static [usize])],
    reduced: &'static [u32],
    body: Body,
    then: Then,
}

/// What becomes of the sum.
#[derive(Clone, Copy, PartialEq)]
enum Then {
    Nothing,
    /// Its square root, by a pass in one nest with the sum.
    Root,
    /// The same by passes one after the other.
    RootApart,
}

fn square(lane: &mut RegionBuilder, values: &[ValueId]) -> ValueId {
    lane.prim(Prim::FMul, &[values[0], values[0]])
}

fn product(lane: &mut RegionBuilder, values: &[ValueId]) -> ValueId {
    lane.prim(Prim::FMul, values)
}

fn distance(lane: &mut RegionBuilder, values: &[ValueId]) -> ValueId {
    let difference = lane.prim(Prim::FSub, values);
    lane.prim(Prim::FMul, &[difference, difference])
}

const WORK: &[Work] = &[
    Work {
        name: "small sum(a, (0, 1)), (100, 300)",
        space: &[100, 300],
        operands: &[(&[100, 300], &[0, 1])],
        reduced: &[0, 1],
        body: |_, values| values[0],
        then: Then::Nothing,
    },
    Work {
        name: "small sum(a, (0)), (100, 300)",
        space: &[100, 300],
        operands: &[(&[100, 300], &[0, 1])],
        reduced: &[0],
        body: |_, values| values[0],
        then: Then::Nothing,
    },
    Work {
        name: "small sum(a, (1)), (100, 300)",
        space: &[100, 300],
        operands: &[(&[100, 300], &[0, 1])],
        reduced: &[1],
        body: |_, values| values[0],
        then: Then::Nothing,
    },
    Work {
        name: "small sum(a, (0, 1)), (100, 1000)",
        space: &[100, 1000],
        operands: &[(&[100, 1000], &[0, 1])],
        reduced: &[0, 1],
        body: |_, values| values[0],
        then: Then::Nothing,
    },
    Work {
        name: "small sum(a, (0)), (100, 1000)",
        space: &[100, 1000],
        operands: &[(&[100, 1000], &[0, 1])],
        reduced: &[0],
        body: |_, values| values[0],
        then: Then::Nothing,
    },
    Work {
        name: "small sum(a, (1)), (100, 1000)",
        space: &[100, 1000],
        operands: &[(&[100, 1000], &[0, 1])],
        reduced: &[1],
        body: |_, values| values[0],
        then: Then::Nothing,
    },
    Work {
        name: "small sum(a, (0, 1)), (10000, 5)",
        space: &[10000, 5],
        operands: &[(&[10000, 5], &[0, 1])],
        reduced: &[0, 1],
        body: |_, values| values[0],
        then: Then::Nothing,
    },
    Work {
        name: "small sum(a, (0)), (10000, 5)",
        space: &[10000, 5],
        operands: &[(&[10000, 5], &[0, 1])],
        reduced: &[0],
        body: |_, values| values[0],
        then: Then::Nothing,
    },
    Work {
        name: "small sum(a, (1)), (10000, 5)",
        space: &[10000, 5],
        operands: &[(&[10000, 5], &[0, 1])],
        reduced: &[1],
        body: |_, values| values[0],
        then: Then::Nothing,
    },
    Work {
        name: "small sum(a, (0, 1)), (1000, 50)",
        space: &[1000, 50],
        operands: &[(&[1000, 50], &[0, 1])],
        reduced: &[0, 1],
        body: |_, values| values[0],
        then: Then::Nothing,
    },
    Work {
        name: "small sum(a, (0)), (1000, 50)",
        space: &[1000, 50],
        operands: &[(&[1000, 50], &[0, 1])],
        reduced: &[0],
        body: |_, values| values[0],
        then: Then::Nothing,
    },
    Work {
        name: "small sum(a, (1)), (1000, 50)",
        space: &[1000, 50],
        operands: &[(&[1000, 50], &[0, 1])],
        reduced: &[1],
        body: |_, values| values[0],
        then: Then::Nothing,
    },
    Work {
        name: "small sum(a, (0, 1)), (30, 1000)",
        space: &[30, 1000],
        operands: &[(&[30, 1000], &[0, 1])],
        reduced: &[0, 1],
        body: |_, values| values[0],
        then: Then::Nothing,
    },
    Work {
        name: "small sum(a, (0)), (30, 1000)",
        space: &[30, 1000],
        operands: &[(&[30, 1000], &[0, 1])],
        reduced: &[0],
        body: |_, values| values[0],
        then: Then::Nothing,
    },
    Work {
        name: "small sum(a, (1)), (30, 1000)",
        space: &[30, 1000],
        operands: &[(&[30, 1000], &[0, 1])],
        reduced: &[1],
        body: |_, values| values[0],
        then: Then::Nothing,
    },
    Work {
        name: "small sum(a, (0, 1)), (512, 64)",
        space: &[512, 64],
        operands: &[(&[512, 64], &[0, 1])],
        reduced: &[0, 1],
        body: |_, values| values[0],
        then: Then::Nothing,
    },
    Work {
        name: "small sum(a, (0)), (512, 64)",
        space: &[512, 64],
        operands: &[(&[512, 64], &[0, 1])],
        reduced: &[0],
        body: |_, values| values[0],
        then: Then::Nothing,
    },
    Work {
        name: "small sum(a, (1)), (512, 64)",
        space: &[512, 64],
        operands: &[(&[512, 64], &[0, 1])],
        reduced: &[1],
        body: |_, values| values[0],
        then: Then::Nothing,
    },
    Work {
        name: "sum(a), 1e7",
        space: &[10_000_000],
        operands: &[(&[10_000_000], &[0])],
        reduced: &[0],
        body: |_, values| values[0],
        then: Then::Nothing,
    },
    Work {
        name: "sum(a**2), 1e7",
        space: &[10_000_000],
        operands: &[(&[10_000_000], &[0])],
        reduced: &[0],
        body: square,
        then: Then::Nothing,
    },
    Work {
        name: "sum(a), (4000, 4000)",
        space: &[4000, 4000],
        operands: &[(&[4000, 4000], &[0, 1])],
        reduced: &[0, 1],
        body: |_, values| values[0],
        then: Then::Nothing,
    },
    Work {
        name: "sum(a, 0), (4000, 4000)",
        space: &[4000, 4000],
        operands: &[(&[4000, 4000], &[0, 1])],
        reduced: &[0],
        body: |_, values| values[0],
        then: Then::Nothing,
    },
    Work {
        name: "sum(a, 1), (4000, 4000)",
        space: &[4000, 4000],
        operands: &[(&[4000, 4000], &[0, 1])],
        reduced: &[1],
        body: |_, values| values[0],
        then: Then::Nothing,
    },
    Work {
        name: "sum(a, 0), (1000000, 5)",
        space: &[1_000_000, 5],
        operands: &[(&[1_000_000, 5], &[0, 1])],
        reduced: &[0],
        body: |_, values| values[0],
        then: Then::Nothing,
    },
    Work {
        name: "sum(a, 1), (1000000, 5)",
        space: &[1_000_000, 5],
        operands: &[(&[1_000_000, 5], &[0, 1])],
        reduced: &[1],
        body: |_, values| values[0],
        then: Then::Nothing,
    },
    Work {
        name: "sum(a, 1), (100000, 50)",
        space: &[100_000, 50],
        operands: &[(&[100_000, 50], &[0, 1])],
        reduced: &[1],
        body: |_, values| values[0],
        then: Then::Nothing,
    },
    Work {
        name: "sum(a, 1), (20000, 300)",
        space: &[20_000, 300],
        operands: &[(&[20_000, 300], &[0, 1])],
        reduced: &[1],
        body: |_, values| values[0],
        then: Then::Nothing,
    },
    Work {
        name: "product (500, 300) (300, 400)",
        space: &[500, 300, 400],
        operands: &[(&[500, 300], &[0, 1]), (&[300, 400], &[1, 2])],
        reduced: &[1],
        body: product,
        then: Then::Nothing,
    },
    Work {
        name: "distances of 1000 points in 3-d",
        space: &[1000, 1000, 3],
        operands: &[(&[1000, 3], &[0, 2]), (&[1000, 3], &[1, 2])],
        reduced: &[2],
        body: distance,
        then: Then::Nothing,
    },
    Work {
        name: "distances of (10000, 5) to a point",
        space: &[10_000, 5],
        operands: &[(&[10_000, 5], &[0, 1]), (&[5], &[1])],
        reduced: &[1],
        body: distance,
        then: Then::Nothing,
    },
    Work {
        name: "distances of (10000, 5) to 100 points",
        space: &[10_000, 100, 5],
        operands: &[(&[10_000, 5], &[0, 2]), (&[100, 5], &[1, 2])],
        reduced: &[2],
        body: distance,
        then: Then::Nothing,
    },
    Work {
        name: "distances of (10000, 2) to 5 points",
        space: &[10_000, 5, 2],
        operands: &[(&[10_000, 2], &[0, 2]), (&[5, 2], &[1, 2])],
        reduced: &[2],
        body: distance,
        then: Then::Nothing,
    },
    Work {
        name: "rooted distances of 1000 points in 3-d",
        space: &[1000, 1000, 3],
        operands: &[(&[1000, 3], &[0, 2]), (&[1000, 3], &[1, 2])],
        reduced: &[2],
        body: distance,
        then: Then::Root,
    },
    Work {
        name: "rooted apart: distances of 1000 points in 3-d",
        space: &[1000, 1000, 3],
        operands: &[(&[1000, 3], &[0, 2]), (&[1000, 3], &[1, 2])],
        reduced: &[2],
        body: distance,
        then: Then::RootApart,
    },
    Work {
        name: "rooted distances of (10000, 5) to a point",
        space: &[10_000, 5],
        operands: &[(&[10_000, 5], &[0, 1]), (&[5], &[1])],
        reduced: &[1],
        body: distance,
        then: Then::Root,
    },
    Work {
        name: "rooted apart: distances of (10000, 5) to a point",
        space: &[10_000, 5],
        operands: &[(&[10_000, 5], &[0, 1]), (&[5], &[1])],
        reduced: &[1],
        body: distance,
        then: Then::RootApart,
    },
    Work {
        name: "rooted distances of (10000, 5) to 100 points",
        space: &[10_000, 100, 5],
        operands: &[(&[10_000, 5], &[0, 2]), (&[100, 5], &[1, 2])],
        reduced: &[2],
        body: distance,
        then: Then::Root,
    },
    Work {
        name: "rooted apart: distances of (10000, 5) to 100 points",
        space: &[10_000, 100, 5],
        operands: &[(&[10_000, 5], &[0, 2]), (&[100, 5], &[1, 2])],
        reduced: &[2],
        body: distance,
        then: Then::RootApart,
    },
    Work {
        name: "rooted distances of (10000, 2) to 5 points",
        space: &[10_000, 5, 2],
        operands: &[(&[10_000, 2], &[0, 2]), (&[5, 2], &[1, 2])],
        reduced: &[2],
        body: distance,
        then: Then::Root,
    },
    Work {
        name: "rooted apart: distances of (10000, 2) to 5 points",
        space: &[10_000, 5, 2],
        operands: &[(&[10_000, 2], &[0, 2]), (&[5, 2], &[1, 2])],
        reduced: &[2],
        body: distance,
        then: Then::RootApart,
    },
];

fn sum() -> Fold {
    let plus = || {
        let mut region = RegionBuilder::new(&[Lane::F64, Lane::F64]);
        let (a, b) = (region.param(0), region.param(1));
        let sum = region.prim(Prim::FAdd, &[a, b]);
        region.finish(&[sum])
    };
    let identity = RegionBuilder::new(&[Lane::F64]);
    let state = identity.param(0);
    let finish = identity.finish(&[state]);
    let zero = StateSlot { init: Scalar::f64(0.0) };
    Fold { state: vec![zero], step: plus(), merge: plus(), finish }
}

fn program(work: &Work) -> Program {
    let mut program = Program::default();
    let rank = work.space.len();
    let mut space: Shape = (0..rank).map(|_| Dim::One).collect();
    let (mut builder, mut operands) = (Builder::new(), Vec::new());
    let mut lane = RegionBuilder::new(&[]);
    let mut values = Vec::new();
    for (number, (extents, places)) in work.operands.iter().enumerate() {
        let input = number as u32;
        let ty = InputType::array(DType::F64, extents);
        program.inputs.push(ProgramInput { name: format!("x{number}"), ty });
        let mut axes: smallvec::SmallVec<[Option<u32>; 4]> = (0..rank).map(|_| None).collect();
        for (axis, &place) in places.iter().enumerate() {
            let symbol = program.symbols.len() as u32;
            program.symbols.push(Symbol::Axis { input, axis: axis as u32 });
            space[place] = Dim::Symbol(symbol);
            axes[place] = Some(axis as u32);
        }
        let class = match axes.last() {
            Some(None) => InputClass::Splat,
            Some(Some(_)) | None => InputClass::Stream,
        };
        builder.input(Mem::F64, class);
        values.push(lane.add_param(Lane::F64));
        operands.push(OperandView { source: Source::Input(input), picks: vec![], axes });
    }
    let value = (work.body)(&mut lane, &values);
    builder.fold(sum());
    let kernel = verify(builder.finish(lane.finish(&[value]))).expect("a valid kernel");
    let mut pass = Pass {
        space,
        reduced: work.reduced.into(),
        kernel,
        scalars: vec![],
        operands,
        outputs: vec![],
        folds: vec![vec![vec![Sink::Result(0)]]],
    };
    pass.reduced.sort_unstable();
    let spec = ArraySpec { dtype: DType::F64, shape: pass.kept() };
    program.results.push(spec.clone());
    if work.then == Then::Nothing {
        program.passes.push(pass);
        return program;
    }
    pass.folds = vec![vec![vec![Sink::Temporary(0)]]];
    let domain = spec.shape.clone();
    program.temporaries.push(spec);
    program.passes = vec![pass, root(domain.clone())];
    if work.then == Then::Root {
        program.nests = vec![Nest { passes: 0..2, domain, locals: vec![0] }];
    }
    program
}

/// The square root of temporary 0.
fn root(space: Shape) -> Pass {
    let mut builder = Builder::new();
    builder.input(Mem::F64, InputClass::Stream);
    builder.output(OperandOutput { mem: Mem::F64, never_nan: false });
    let mut lane = RegionBuilder::new(&[Lane::F64]);
    let sum = lane.param(0);
    let root = lane.prim(Prim::FSqrt, &[sum]);
    let kernel = verify(builder.finish(lane.finish(&[root]))).expect("a valid kernel");
    let axes = (0..space.len() as u32).map(Some).collect();
    let view = OperandView { source: Source::Temporary(0), picks: vec![], axes };
    Pass {
        space,
        reduced: [].into_iter().collect(),
        kernel,
        scalars: vec![],
        operands: vec![view],
        outputs: vec![Sink::Result(0)],
        folds: vec![],
    }
}

fn time(work: &Work, backend: &Arc<dyn HostBackend>, pool: &rayon::ThreadPool) {
    let executable = Executable::compile(Arc::new(program(work)), backend);
    let arrays: Vec<Vec<f64>> = work
        .operands
        .iter()
        .map(|(extents, _)| {
            let len: usize = extents.iter().product();
            (0..len).map(|i| (i % 1013) as f64 * 0.37 - 100.0).collect()
        })
        .collect();
    let operands: Vec<Operand<'_>> = arrays
        .iter()
        .zip(work.operands)
        .map(|(array, (extents, _))| View::from_shaped(array, extents).expect("fits").into())
        .collect();
    let shape = executable.result_shapes(&operands).expect("it binds").remove(0).extents;
    let mut out = vec![0.0; shape.iter().product()];
    let elements: usize = work.space.iter().product();
    print!("{:<38}", work.name);
    for threads in [Threads::Inline, Threads::Pool(pool)] {
        for lanes in [None, Some(FoldLanes::Elements), Some(FoldLanes::Outputs)] {
            if work.reduced.len() == work.space.len() && lanes.is_some() {
                continue;
            }
            let mut options = RunOptions { threads, ..RunOptions::default() };
            options.tuning.fold_lanes = lanes;
            let mut best = f64::INFINITY;
            let begin = Instant::now();
            for _ in 0..1000 {
                let start = Instant::now();
                let mut outputs = [ViewMut::from_shaped(&mut out, &shape).expect("fits")];
                executable.run(&operands, &mut outputs, &options).expect("it runs");
                best = best.min(start.elapsed().as_secs_f64());
                if begin.elapsed().as_secs_f64() > 0.5 {
                    break;
                }
            }
            let each = best * 1e9 / elements as f64;
            print!(" {:8.3} ms {each:6.3} ns", best * 1e3);
        }
        print!(" |");
    }
    println!();
}

fn main() {
    let backend: Arc<dyn HostBackend> = Arc::new(CraneliftBackend::native().expect("a back end"));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("a pool");
    let wanted = std::env::args().nth(1).unwrap_or_default();
    println!("1 thread: chosen, elements, outputs | 2 threads: the same");
    for work in WORK.iter().filter(|work| work.name.contains(&wanted)) {
        time(work, &backend, &pool);
    }
}
