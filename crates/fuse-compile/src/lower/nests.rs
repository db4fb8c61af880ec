//! Which passes run together, tile by tile, so that what lies between them never leaves the cache.
//!
//! ```text
//! sqrt(sum((p[:,None,:] - q[None,:,:])**2, axis=2))    pass 0: fold over k, kept i, j  ┐ one nest over (i, j):
//!                                                      pass 1: square root over i, j   ┘ its temporary is local
//! softmax over rows                                    largest, sum, quotient: one nest over rows
//! ```
//!
//! Consecutive passes make a nest if they share a *domain*: the axes that a fold keeps, or that an
//! elementwise loop begins with; and if each temporary that one of them writes and another reads is read
//! at its own place of the domain. A temporary that no other pass reads is local to the nest. The order
//! of passes is kept, and no bit depends on nests: `fuse_ir::Nest`.
//!
//! A stencil on a value that is dear to compute is a nest as well: the value is computed for a tile and what
//! lies around it.
//!
//! Method: greedy, in one sweep over the passes. Cost: passes times operands.

use std::ops::Range;

use fuse_ir::{Dim, Nest, OperandView, Pass, Program, Reach, Shape, Sink, Source, index_u32};

/// Passes of a nest: those of a very large formula hand on so many values that a tile would be short.
const LONGEST_NEST: usize = 16;
/// Passes of a stencil: more are rare, and looking for them costs the square.
const LONGEST_STENCIL: usize = 8;
/// Elements that a pass of a stencil may run beyond its tile: few beside a tile.
const FARTHEST: u32 = 64;

/// The nests of a program.
pub(super) fn nests(program: &Program) -> Vec<Nest> {
    let readers = readers(program);
    let mut nests = Vec::new();
    let mut start = 0;
    while start < program.passes.len() {
        let mut nest = stencil(program, start, &readers).unwrap_or_else(|| {
            let (end, domain) = longest(program, start);
            let passes = index_u32(start)..index_u32(end);
            Nest { passes, domain, reach: Vec::new(), locals: Vec::new() }
        });
        let end = nest.passes.end as usize;
        nest.locals = locals(program, &(start..end), &nest, &readers);
        if !nest.locals.is_empty() {
            nests.push(nest);
        }
        start = end;
    }
    nests
}

/// Passes that end in one that reads neighbours of what those before it write: `d = exp(x); d[1:] - d[:-1]`.
/// Those before it reach beyond their tile.
fn stencil(program: &Program, start: usize, readers: &[Range<usize>]) -> Option<Nest> {
    let most = program.passes.len().min(start + LONGEST_STENCIL);
    (start + 2..=most).rev().find_map(|end| {
        let reach = reaches(program, start..end, readers)?;
        let domain = Shape::from_slice(&program.passes[end - 1].space[..1]);
        let sliced = reach.iter().any(|reach| *reach != Reach::default());
        let passes = index_u32(start)..index_u32(end);
        sliced.then_some(Nest { passes, domain, reach, locals: Vec::new() })
    })
}

/// How far each of some passes has to run beyond a tile of the last one's first axis; `None` where they
/// are no stencil.
fn reaches(
    program: &Program,
    passes: Range<usize>,
    readers: &[Range<usize>],
) -> Option<Vec<Reach>> {
    let own = &program.passes[passes.clone()];
    let is_loop = |pass: &Pass| pass.folds.is_empty() && is_cut(pass.space.get(..1).unwrap_or(&[]));
    if !own.iter().all(is_loop) {
        return None;
    }
    let mut reach = vec![Reach::default(); own.len()];
    for position in (0..own.len() - 1).rev() {
        let mut needed: Option<Reach> = None;
        for sink in own[position].sinks() {
            let Sink::Temporary(written) = *sink else { return None };
            if readers[written as usize].end > passes.end {
                return None;
            }
            for (reader, pass) in own.iter().enumerate().skip(position + 1) {
                if pass.scalars.iter().any(|view| view.source == Source::Temporary(written)) {
                    return None;
                }
                for view in pass.operands.iter() {
                    if view.source != Source::Temporary(written) {
                        continue;
                    }
                    let from = start_of_rows(program, pass, view)?;
                    let Reach { low, high } = reach[reader];
                    let (low, high) = (low.checked_add(from)?, high.checked_add(from)?);
                    let before = needed.unwrap_or(Reach { low, high });
                    needed = Some(Reach { low: low.min(before.low), high: high.max(before.high) });
                }
            }
        }
        reach[position] = needed?;
    }
    let most = reach.iter().map(|reach| reach.high).max().unwrap_or(0);
    (most <= FARTHEST).then_some(reach)
}

/// From which element on a pass reads a temporary along its loop's first axis: as many as that has, one
/// by one, and along no other axis of the loop.
fn start_of_rows(program: &Program, pass: &Pass, view: &OperandView) -> Option<u32> {
    let rows_alone = view.axes.iter().skip(1).all(|axis| *axis != Some(0));
    if view.axes.first() != Some(&Some(0)) || !rows_alone {
        return None;
    }
    let whole = view.picks.is_empty();
    if whole && program.source(view.source).shape.first() != pass.space.first() {
        return None;
    }
    program.slice_start(pass, view)
}

/// The end of the longest nest that begins with a pass, and its domain.
fn longest(program: &Program, start: usize) -> (usize, Shape) {
    let mut domains = domains(&program.passes[start]);
    let mut end = start + 1;
    while end < program.passes.len().min(start + LONGEST_NEST) {
        let next = &program.passes[end];
        let fits = |domain: &Shape| {
            has_domain(next, domain)
                && next.operands.iter().all(|view| {
                    !is_written(&program.passes[start..end], view.source)
                        || reads_in_place(program, next, view, domain)
                })
        };
        // A scalar that a pass of the nest computes is there only when that pass has ended.
        let waits = |view: &OperandView| is_written(&program.passes[start..end], view.source);
        let fitting: Vec<Shape> = domains.iter().filter(|domain| fits(domain)).cloned().collect();
        if fitting.is_empty() || next.scalars.iter().any(waits) {
            break;
        }
        domains = fitting;
        end += 1;
    }
    (end, domains.into_iter().max_by_key(|domain| domain.len()).unwrap_or_default())
}

/// The domains that a pass can have; none where it has no axes to cut.
fn domains(pass: &Pass) -> Vec<Shape> {
    if !pass.folds.is_empty() {
        let kept = pass.kept();
        return if is_cut(&kept) && has_domain(pass, &kept) { vec![kept] } else { Vec::new() };
    }
    let prefixes = (1..=pass.space.len()).map(|len| Shape::from_slice(&pass.space[..len]));
    prefixes.filter(|domain| is_cut(domain)).collect()
}

/// Has it an axis that is not of extent 1?
fn is_cut(domain: &[Dim]) -> bool {
    domain.iter().any(|dim| *dim != Dim::One)
}

fn has_domain(pass: &Pass, domain: &Shape) -> bool {
    let begins_with = pass.space.starts_with(domain);
    if pass.folds.is_empty() {
        return begins_with;
    }
    // The reduced axes come last: a tile of columns, of a fold over rows, would walk over memory in short
    // steps, to save temporaries that are small beside what is folded.
    pass.kept() == *domain && begins_with
}

/// For each axis of the domain the loop's.
fn domain_axes(pass: &Pass) -> impl Iterator<Item = usize> + '_ {
    (0..pass.space.len()).filter(|&axis| !pass.reduced.contains(&index_u32(axis)))
}

/// Does the pass read the source at the place of the domain where it is?
fn reads_in_place(program: &Program, pass: &Pass, view: &OperandView, domain: &Shape) -> bool {
    let leads = |(own, axis): (usize, usize)| match (domain[own], view.axes[axis]) {
        (_, Some(to)) => to as usize == own,
        (Dim::One, None) => true,
        (Dim::Symbol(_), None) => false,
    };
    view.picks.is_empty()
        && program.source(view.source).shape.starts_with(domain)
        && domain_axes(pass).take(domain.len()).enumerate().all(leads)
}

fn is_written(passes: &[Pass], source: Source) -> bool {
    let Source::Temporary(index) = source else { return false };
    passes.iter().any(|pass| pass.sinks().any(|sink| *sink == Sink::Temporary(index)))
}

/// For each temporary the first pass that reads it, and one past the last.
fn readers(program: &Program) -> Vec<Range<usize>> {
    let none = Range { start: usize::MAX, end: 0 };
    let mut readers = vec![none; program.temporaries.len()];
    for (number, pass) in program.passes.iter().enumerate() {
        for view in pass.operands.iter().chain(&pass.scalars) {
            if let Source::Temporary(index) = view.source {
                let range = &mut readers[index as usize];
                *range = range.start.min(number)..range.end.max(number + 1);
            }
        }
    }
    readers
}

/// The temporaries that only the passes of a nest use.
fn locals(
    program: &Program,
    passes: &Range<usize>,
    nest: &Nest,
    readers: &[Range<usize>],
) -> Vec<u32> {
    let within = &program.passes[passes.clone()];
    (0..program.temporaries.len())
        .filter(|&index| {
            let source = Source::Temporary(index_u32(index));
            let read_within =
                passes.start <= readers[index].start && readers[index].end <= passes.end;
            let shape = &program.temporaries[index].shape;
            let has_domain = !nest.reach.is_empty() || shape.starts_with(&nest.domain);
            is_written(within, source) && read_within && has_domain
        })
        .map(index_u32)
        .collect()
}
