//! Checks that a program does not contradict itself: all that does not depend on extents.
//!
//! Positions are in range, dtypes are those that kernels read, temporaries are written before they are
//! read, every result is written once. A call then only has to check extents.

use std::collections::BTreeSet;
use std::ops::Range;

use fuse_ir::{
    DType, Dim, Mem, Nest, OperandView, Pass, Pick, Program, Reach, Shape, Sink, Source, Symbol,
    TextOperand, index_u32,
};

use crate::compile::Defect;
use crate::reduce::split_axes;

/// Which values have been written, pass by pass.
struct Written {
    /// Of each half of an element; a real result has one half twice.
    results: Vec<[bool; 2]>,
    temporaries: Vec<bool>,
}

/// Checks all that does not depend on extents.
pub(crate) fn check(program: &Program) -> Result<(), Defect> {
    check_symbols(program)?;
    let shapes = program.results.iter().chain(&program.temporaries).map(|spec| &spec.shape);
    let shapes = shapes.chain(program.passes.iter().map(|pass| &pass.space));
    for shape in shapes {
        check_shape(program, shape)?;
    }
    for rule in &program.shape_rules {
        let known = |symbol: u32| (symbol as usize) < program.symbols.len();
        expect(known(rule.symbols.0) && known(rule.symbols.1), "a shape rule names no symbol")?;
        check_shape(program, &rule.lhs.0)?;
        check_shape(program, &rule.rhs.0)?;
    }
    for rule in &program.element_rules {
        check_shape(program, &rule.operand.0)?;
    }
    for rule in &program.index_rules {
        check_shape(program, &rule.operand.0)?;
        expect((rule.axis as usize) < rule.operand.0.len(), "an index rule names no axis")?;
        expect((rule.index as usize) < program.symbols.len(), "an index rule names no symbol")?;
    }
    let counts =
        program.count_rules.iter().all(|rule| (rule.count as usize) < program.symbols.len());
    expect(counts, "a count rule names no symbol")?;
    let fits = program.fit_rules.iter().all(|rule| (rule.number as usize) < program.symbols.len());
    expect(fits, "a fit rule names no symbol")?;
    check_predicates(program)?;
    let mut written = Written {
        results: vec![[false; 2]; program.results.len()],
        temporaries: vec![false; program.temporaries.len()],
    };
    for pass in &program.passes {
        check_pass(program, pass, &mut written)?;
    }
    check_nests(program)?;
    expect(written.results.iter().flatten().all(|&half| half), "a result is never written")
}

/// Symbols name axes and scalars that there are, and refer to earlier ones.
fn check_symbols(program: &Program) -> Result<(), Defect> {
    for (position, symbol) in program.symbols.iter().enumerate() {
        let input = |input: u32| program.inputs.get(input as usize).map(|input| &input.ty);
        let holds = match *symbol {
            Symbol::Axis { input: of, axis } => {
                input(of).is_some_and(|ty| (axis as usize) < ty.axes.len())
            }
            Symbol::Literal(_) => true,
            Symbol::Scalar(of) => input(of).is_some_and(|ty| ty.axes.is_empty()),
            Symbol::Apply(_, a, b) => (a.max(b) as usize) < position,
        };
        expect(holds, "a symbol refers to nothing")?;
    }
    Ok(())
}

/// Predicates ask about texts of one kind, which are inputs or constants.
fn check_predicates(program: &Program) -> Result<(), Defect> {
    let none = Written { results: Vec::new(), temporaries: Vec::new() };
    for predicate in &program.predicates {
        check_shape(program, &predicate.shape)?;
        let mut kinds = Vec::new();
        for operand in &predicate.operands {
            let dtype = match operand {
                TextOperand::View(view) => {
                    let (dtype, rank) = check_source(program, view.source, &none)?;
                    check_picks(program, view, rank)?;
                    let axes = view.axes.len() == predicate.shape.len();
                    expect(axes, "a text has not one entry for each axis of its predicate")?;
                    dtype
                }
                TextOperand::Constant(constant) => constant.dtype(),
            };
            expect(dtype.is_text(), "a predicate is of texts")?;
            kinds.push(dtype.kind());
        }
        expect(kinds[0] == kinds[1], "a predicate is of texts of one kind")?;
    }
    Ok(())
}

fn expect(holds: bool, otherwise: &'static str) -> Result<(), Defect> {
    if holds { Ok(()) } else { Err(Defect::Program(otherwise)) }
}

fn check_shape(program: &Program, shape: &Shape) -> Result<(), Defect> {
    let known = |dim: &Dim| match dim {
        Dim::One => true,
        Dim::Symbol(symbol) => (*symbol as usize) < program.symbols.len(),
    };
    expect(shape.iter().all(known), "a shape names no symbol")
}

fn check_pass(program: &Program, pass: &Pass, written: &mut Written) -> Result<(), Defect> {
    let kernel = &pass.kernel;
    let counts = [
        (pass.scalars.len(), kernel.uniform.params.len()),
        (pass.operands.len(), kernel.inputs.len()),
        (pass.outputs.len(), kernel.outputs.len()),
        (pass.folds.len(), kernel.folds.len()),
    ];
    expect(counts.iter().all(|(given, wanted)| given == wanted), "a pass does not fit its kernel")?;
    for (view, &lane) in pass.scalars.iter().zip(&kernel.uniform.params) {
        let (dtype, rank) = check_source(program, view.source, written)?;
        check_picks(program, view, rank)?;
        let mem = dtype.mem().ok_or(Defect::DType(dtype))?;
        let is_one = view.axes.is_empty()
            && view.picks.len() == rank
            && view.picks.iter().all(|pick| pick.extent == Dim::One);
        expect(is_one && mem.lane() == lane, "a scalar does not fit the kernel")?;
    }
    for (view, input) in pass.operands.iter().zip(&kernel.inputs) {
        let (dtype, rank) = check_source(program, view.source, written)?;
        check_picks(program, view, rank)?;
        let mem = dtype.mem().ok_or(Defect::DType(dtype))?;
        expect(mem == input.mem, "an operand does not fit the kernel")?;
    }
    for (&sink, output) in pass.outputs.iter().zip(&kernel.outputs) {
        let mem = check_sink(program, sink, written)?;
        expect(mem == output.mem, "a sink does not fit the kernel")?;
    }
    let axes_rise = pass.reduced.is_sorted_by(|a, b| a < b);
    let axes_exist = pass.reduced.iter().all(|&axis| (axis as usize) < pass.space.len());
    expect(axes_rise && axes_exist, "a pass reduces an axis that it has not")?;
    let reduces_some = !kernel.folds.is_empty() && pass.reduced.len() < pass.space.len();
    expect(!(reduces_some && kernel.reads_index()), "a fold over some axes reads the index")?;
    let kept = pass.kept();
    for (sinks, fold) in pass.folds.iter().zip(&kernel.folds) {
        expect(sinks.len() == fold.finish.results.len(), "a fold's sinks are not its results")?;
        for (sinks, lane) in sinks.iter().zip(fold.finish.result_lanes()) {
            for &sink in sinks {
                let mem = check_sink(program, sink, written)?;
                let has_shape = program.sink(sink).shape.len() == kept.len();
                expect(has_shape && mem.lane() == lane, "a fold's sink does not fit")?;
            }
        }
    }
    Ok(())
}

fn check_picks(program: &Program, view: &OperandView, rank: usize) -> Result<(), Defect> {
    expect(view.picks.is_empty() || view.picks.len() == rank, "a view picks no axis")?;
    let known = |symbol: u32| (symbol as usize) < program.symbols.len();
    let holds = |pick: &Pick| {
        let extent = match pick.extent {
            Dim::One => true,
            Dim::Symbol(symbol) => known(symbol),
        };
        extent && known(pick.start) && pick.step != 0
    };
    expect(view.picks.iter().all(holds), "a pick names no symbol")
}

/// Dtype and rank of a source that exists and has been written.
fn check_source(
    program: &Program,
    source: Source,
    written: &Written,
) -> Result<(DType, usize), Defect> {
    match source {
        Source::Input(index) => {
            let input = program.inputs.get(index as usize);
            let ty = &input.ok_or(Defect::Program("there is no such input"))?.ty;
            Ok((ty.dtype, ty.axes.len()))
        }
        Source::Part(index, _) => {
            let (dtype, rank) = check_source(program, Source::Input(index), written)?;
            Ok((dtype.part().ok_or(Defect::Program("a real input has no parts"))?, rank))
        }
        Source::Temporary(index) => {
            let is_written = written.temporaries.get(index as usize).copied();
            expect(is_written == Some(true), "a temporary is read before it is written")?;
            let spec = &program.temporaries[index as usize];
            Ok((spec.dtype, spec.shape.len()))
        }
        Source::Symbol(symbol) => {
            expect((symbol as usize) < program.symbols.len(), "there is no such symbol")?;
            Ok((DType::I64, 0))
        }
        Source::Predicate(index) => {
            let predicate = program.predicates.get(index as usize);
            let predicate = predicate.ok_or(Defect::Program("there is no such predicate"))?;
            Ok((DType::Bool, predicate.shape.len()))
        }
    }
}

fn check_sink(program: &Program, sink: Sink, written: &mut Written) -> Result<Mem, Defect> {
    let halves: &mut [bool] = match sink {
        Sink::Result(index) => {
            written.results.get_mut(index as usize).map(<[bool; 2]>::as_mut_slice)
        }
        Sink::Part(index, part) => {
            let halves = written.results.get_mut(index as usize);
            halves.and_then(|halves| halves.get_mut(part as usize..=part as usize))
        }
        Sink::Temporary(index) => {
            written.temporaries.get_mut(index as usize).map(std::slice::from_mut)
        }
    }
    .ok_or(Defect::Program("there is no such sink"))?;
    // A temporary may be written again once nothing reads its former value; a result may not.
    let again = matches!(sink, Sink::Temporary(_));
    expect(again || !halves.contains(&true), "a result is written twice")?;
    halves.fill(true);
    if let Sink::Part(index, _) = sink {
        let is_complex = program.results[index as usize].dtype.is_complex();
        expect(is_complex, "a real result has no parts")?;
    }
    let dtype = program.sink(sink).dtype;
    dtype.mem().ok_or(Defect::DType(dtype))
}

/// See [`Nest`] for what must hold.
fn check_nests(program: &Program) -> Result<(), Defect> {
    let mut end = 0;
    for nest in &program.nests {
        let Range { start, end: after } = nest.passes;
        let in_order = end <= start && start < after && after as usize <= program.passes.len();
        expect(in_order, "a nest's passes are not a run of their own")?;
        end = after;
        expect(!nest.domain.is_empty(), "a nest has no domain")?;
        check_shape(program, &nest.domain)?;
        check_locals(program, nest)?;
        let own = &program.passes[start as usize..after as usize];
        let temporary = |sink: &Sink| match *sink {
            Sink::Temporary(index) => Some(index),
            Sink::Result(_) | Sink::Part(..) => None,
        };
        let written: Vec<u32> =
            own.iter().flat_map(|pass| pass.sinks().filter_map(temporary)).collect();
        let mut before: Vec<(u32, Reach)> = Vec::new();
        expect(
            nest.reach.is_empty() || nest.reach.len() == own.len(),
            "a nest's reach is not its passes'",
        )?;
        for (position, pass) in own.iter().enumerate() {
            let reach = nest.reach(position);
            check_reach((nest, pass), reach)?;
            let reach = reach.unwrap_or_default();
            check_nested_pass(program, (nest, pass, reach), (&written, &before))?;
            before.extend(pass.sinks().filter_map(temporary).map(|index| (index, reach)));
        }
        let distinct: BTreeSet<u32> = before.iter().map(|&(index, _)| index).collect();
        let starts_anew = before.len() == distinct.len();
        expect(starts_anew, "a nest writes a temporary twice")?;
    }
    Ok(())
}

/// A pass that runs beyond its tile, or whose loop is longer than the domain, writes what only its own
/// tile reads.
fn check_reach((nest, pass): (&Nest, &Pass), reach: Option<Reach>) -> Result<(), Defect> {
    let Some(reach) = reach else { return Ok(()) };
    if reach == Reach::default() && pass.space.first() == nest.domain.first() {
        return Ok(());
    }
    let is_local = |sink: &Sink| match *sink {
        Sink::Temporary(index) => nest.locals.contains(&index),
        Sink::Result(_) | Sink::Part(..) => false,
    };
    let fits = nest.domain.len() == 1
        && reach.low <= reach.high
        && pass.kernel.folds.is_empty()
        && pass.sinks().all(is_local);
    expect(fits, "a pass of a nest may not run beyond its tile")
}

/// A local is known to no pass outside of its nest, and written in it.
fn check_locals(program: &Program, nest: &Nest) -> Result<(), Defect> {
    expect(nest.locals.is_sorted_by(|a, b| a < b), "a nest's locals are not in order")?;
    let known = nest.locals.iter().all(|&local| (local as usize) < program.temporaries.len());
    expect(known, "there is no such local")?;
    let is_local = |index: u32| nest.locals.contains(&index);
    for (number, pass) in program.passes.iter().enumerate() {
        let sources = pass.operands.iter().chain(&pass.scalars).map(|view| view.source);
        let reads = sources.into_iter().any(|source| match source {
            Source::Temporary(index) => is_local(index),
            Source::Input(_) | Source::Part(..) | Source::Symbol(_) | Source::Predicate(_) => false,
        });
        let writes = pass.sinks().any(|sink| match *sink {
            Sink::Temporary(index) => is_local(index),
            Sink::Result(_) | Sink::Part(..) => false,
        });
        let inside = nest.passes.contains(&index_u32(number));
        expect(inside || !(reads || writes), "a local is used outside of its nest")?;
    }
    Ok(())
}

/// `written`: the temporaries that the nest writes; `before`: those that its passes so far do.
fn check_nested_pass(
    program: &Program,
    (nest, pass, reach): (&Nest, &Pass, Reach),
    (written, before): (&[u32], &[(u32, Reach)]),
) -> Result<(), Defect> {
    let rank = nest.domain.len();
    let has_folds = !pass.kernel.folds.is_empty();
    let (kept, _) = split_axes(pass, pass.space.len());
    let fits = if has_folds { kept.len() == rank } else { pass.space.len() >= rank };
    expect(fits, "a pass of a nest does not run over its domain")?;
    // A pass that reduces no axis has all of them kept; its tiles are those of the leading ones.
    let domain_axes = &kept[..rank];
    let is_written = |source: Source| match source {
        Source::Temporary(index) => written.contains(&index).then_some(index),
        Source::Input(_) | Source::Part(..) | Source::Symbol(_) | Source::Predicate(_) => None,
    };
    let scalars_apart = pass.scalars.iter().all(|view| is_written(view.source).is_none());
    expect(scalars_apart, "a nest reads a scalar that it writes")?;
    for view in &pass.operands {
        let Some(index) = is_written(view.source) else { continue };
        let shape = &program.temporaries[index as usize].shape;
        let at_its_place = |(axis, &place): (usize, &usize)| match shape[axis] {
            Dim::One => matches!(view.axes.get(place), Some(None | Some(_))),
            Dim::Symbol(_) => view.axes.get(place).is_some_and(|own| *own == Some(index_u32(axis))),
        };
        let writer = before.iter().find(|&&(written, _)| written == index);
        let start = program.slice_start(pass, view);
        let in_reach = writer.zip(start).is_some_and(|(&(_, writer), start)| {
            let sliced = rank == 1 && !has_folds;
            let (low, high) = (reach.low.saturating_add(start), reach.high.saturating_add(start));
            let covered = writer.low <= low && high <= writer.high;
            covered && (view.picks.is_empty() || sliced)
        });
        let own_tile = in_reach
            && shape.len() >= rank
            && domain_axes.iter().enumerate().all(at_its_place)
            && view.axes.iter().enumerate().all(|(place, own)| {
                // No other axis of the loop leads along one of the domain's.
                domain_axes.contains(&place) || own.is_none_or(|own| own as usize >= rank)
            });
        expect(own_tile, "a nest reads more of a temporary than a tile of its own")?;
    }
    for sink in pass.sinks() {
        let is_long = program.sink(*sink).shape.len() >= rank;
        expect(is_long, "a nest's sink does not begin with its domain")?;
    }
    Ok(())
}
