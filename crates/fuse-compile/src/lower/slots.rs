//! Temporaries share memory when their lives do not meet.
//!
//! A temporary lives from the pass that writes it to the last one that reads it. Temporaries of equal
//! dtype and shape take turns in one slot, so a formula cut into fifty passes keeps two or three
//! arrays, not fifty. A slot is free for the passes *after* the last reader, never for that reader's
//! own outputs, since a pass may read and write in any order. The passes of a nest run tile by tile, so
//! a nest is one step; what is local to it has memory of its own, of the size of a tile.

use fuse_ir::{ArraySpec, Pass, Program, Sink, Source, index_u32};

/// Renames the temporaries of a program to as few as their lives allow.
pub(super) fn share(program: &mut Program) {
    let last_reads = last_reads(program);
    let lives = lives(program, &last_reads);
    let mut slots: Vec<Slot> = Vec::new();
    let mut slot_of: Vec<Option<u32>> = vec![None; program.temporaries.len()];
    for number in 0..program.passes.len() {
        for temporary in written(&program.passes[number]) {
            let spec = &program.temporaries[temporary];
            slot_of[temporary] = Some(take(&mut slots, spec, &lives[temporary]));
        }
    }
    let slot = |index: u32| slot_of[index as usize].expect("every temporary is written");
    for pass in &mut program.passes {
        for view in pass.operands.iter_mut().chain(&mut pass.scalars) {
            if let Source::Temporary(index) = &mut view.source {
                *index = slot(*index);
            }
        }
        for sink in pass.sinks_mut() {
            if let Sink::Temporary(index) = sink {
                *index = slot(*index);
            }
        }
    }
    for nest in &mut program.nests {
        for local in &mut nest.locals {
            *local = slot(*local);
        }
        nest.locals.sort_unstable();
    }
    program.temporaries = slots.into_iter().map(|slot| slot.spec).collect();
}

/// From when to when a temporary holds its value.
struct Life {
    /// The nest that it is local to.
    nest: Option<usize>,
    /// The first pass that needs its memory; of what is no local, of its nest.
    from: usize,
    /// The last one.
    until: usize,
}

/// The lives of all temporaries, each written by the first pass that names it.
fn lives(program: &Program, last_reads: &[usize]) -> Vec<Life> {
    let nest_of =
        |pass: usize| program.nests.iter().find(|nest| nest.passes.contains(&index_u32(pass)));
    let mut lives = Vec::with_capacity(program.temporaries.len());
    for (temporary, &until) in last_reads.iter().enumerate() {
        let writes = |pass: &Pass| written(pass).contains(&temporary);
        let from = program.passes.iter().position(writes).unwrap_or(until);
        let is_local = |nest: &fuse_ir::Nest| nest.locals.contains(&index_u32(temporary));
        let nest = program.nests.iter().position(is_local);
        let (from, until) = match nest {
            Some(_) => (from, until),
            None => (
                nest_of(from).map_or(from, |nest| nest.passes.start as usize),
                nest_of(until).map_or(until, |nest| nest.passes.end as usize - 1),
            ),
        };
        lives.push(Life { nest, from, until });
    }
    lives
}

/// Memory that temporaries take turns in.
struct Slot {
    spec: ArraySpec,
    /// The nest to which what it holds is local.
    nest: Option<usize>,
    /// The last pass that reads what it holds.
    busy_until: usize,
}

/// A slot for a value of that life.
fn take(slots: &mut Vec<Slot>, spec: &ArraySpec, life: &Life) -> u32 {
    let free = |slot: &Slot| {
        slot.spec == *spec && slot.nest.or(life.nest).is_none() && slot.busy_until < life.from
    };
    let position = slots.iter().position(free).unwrap_or_else(|| {
        slots.push(Slot { spec: spec.clone(), nest: life.nest, busy_until: 0 });
        slots.len() - 1
    });
    slots[position].busy_until = life.until;
    index_u32(position)
}

/// For each temporary the last pass that reads it.
fn last_reads(program: &Program) -> Vec<usize> {
    let mut last = vec![0; program.temporaries.len()];
    for (number, pass) in program.passes.iter().enumerate() {
        for view in pass.operands.iter().chain(&pass.scalars) {
            if let Source::Temporary(index) = view.source {
                last[index as usize] = number;
            }
        }
        for temporary in written(pass) {
            last[temporary] = last[temporary].max(number);
        }
    }
    last
}

fn written(pass: &Pass) -> Vec<usize> {
    let temporary = |sink: &Sink| match sink {
        Sink::Temporary(index) => Some(*index as usize),
        Sink::Result(_) | Sink::Part(..) => None,
    };
    pass.sinks().filter_map(temporary).collect()
}
