//! Temporaries share memory when their lives do not meet.
//!
//! A temporary lives from the pass that writes it to the last one that reads it. Temporaries of equal
//! dtype and shape take turns in one slot, so a formula cut into fifty passes keeps two or three
//! arrays, not fifty. A slot is free for the passes *after* the last reader, never for that reader's
//! own outputs, since a pass may read and write in any order.

use fuse_ir::{ArraySpec, Pass, Program, Sink, Source, index_u32};

/// Renames the temporaries of a program to as few as their lives allow.
pub(super) fn share(program: &mut Program) {
    let last_reads = last_reads(program);
    let mut slots: Vec<Slot> = Vec::new();
    let mut slot_of: Vec<Option<u32>> = vec![None; program.temporaries.len()];
    for number in 0..program.passes.len() {
        for temporary in written(&program.passes[number]) {
            let spec = &program.temporaries[temporary];
            let last_read = last_reads[temporary];
            slot_of[temporary] = Some(take(&mut slots, spec, number, last_read));
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
    program.temporaries = slots.into_iter().map(|slot| slot.spec).collect();
}

/// Memory that temporaries take turns in.
struct Slot {
    spec: ArraySpec,
    /// The last pass that reads what it holds.
    busy_until: usize,
}

/// A slot for a value written by pass `number`.
fn take(slots: &mut Vec<Slot>, spec: &ArraySpec, number: usize, last_read: usize) -> u32 {
    let free = |slot: &Slot| slot.spec == *spec && slot.busy_until < number;
    let position = slots.iter().position(free).unwrap_or_else(|| {
        slots.push(Slot { spec: spec.clone(), busy_until: 0 });
        slots.len() - 1
    });
    slots[position].busy_until = last_read;
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
