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
//! Method: greedy, in one sweep over the passes. Cost: passes times operands.

use std::ops::Range;

use fuse_ir::{Dim, Nest, OperandView, Pass, Program, Shape, Sink, Source, index_u32};

/// The nests of a program.
pub(super) fn nests(program: &Program) -> Vec<Nest> {
    let readers = readers(program);
    let mut nests = Vec::new();
    let mut start = 0;
    while start < program.passes.len() {
        let (end, domain) = longest(program, start);
        let passes = start..end;
        let locals = locals(program, &passes, &domain, &readers);
        if !locals.is_empty() {
            nests.push(Nest { passes: index_u32(start)..index_u32(end), domain, locals });
        }
        start = end;
    }
    nests
}

/// The end of the longest nest that begins with a pass, and its domain.
fn longest(program: &Program, start: usize) -> (usize, Shape) {
    let mut domains = domains(&program.passes[start]);
    let mut end = start + 1;
    while end < program.passes.len() {
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
    // What a fold's pass writes besides has the whole loop's shape: a range of it only if the reduced
    // axes come last.
    pass.kept() == *domain && (pass.outputs.is_empty() || begins_with)
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
    let mut readers = vec![usize::MAX..0; program.temporaries.len()];
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
    domain: &Shape,
    readers: &[Range<usize>],
) -> Vec<u32> {
    let within = &program.passes[passes.clone()];
    (0..program.temporaries.len())
        .filter(|&index| {
            let source = Source::Temporary(index_u32(index));
            let read_within =
                passes.start <= readers[index].start && readers[index].end <= passes.end;
            let shape = &program.temporaries[index].shape;
            is_written(within, source) && read_within && shape.starts_with(domain)
        })
        .map(index_u32)
        .collect()
}
