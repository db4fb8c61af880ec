//! What a kernel's code takes: what `fuse explain` prints.
//!
//! The estimate is the largest of the times that the parts of a core need for a pass, data in the first-level
//! cache: micro-operations on the vector ports (two at 512 bits, three below), the divider, two loads, one
//! store and six instructions a cycle. Latency does not count: passes overlap, if not always.

use fuse_ir::CodeFacts;

use crate::code::{Code, Step};
use crate::function::Loop;
use crate::level::Level;
use crate::op::Size;

/// The facts of a kernel's code.
pub(crate) fn facts(program: &crate::Program, level: Level) -> CodeFacts {
    let Loop { body, lanes, taken, code } = &program.body;
    let memory = program.image.memory_accesses(body.clone());
    let cycles = [
        vector_cycles(code, level),
        divider_cycles(code),
        memory.loads as f64 / 2.0,
        memory.stores as f64,
        body.len() as f64 / 6.0,
    ];
    CodeFacts {
        registers: taken.vectors.count_ones() as usize,
        mask_registers: taken.masks.count_ones() as usize,
        spills: taken.spills,
        bytes: program.image.bytes.len(),
        elements: *lanes,
        cycles_per_element: cycles.into_iter().fold(0.0, f64::max) / *lanes as f64,
    }
}

/// The loop as text, under a line of facts.
pub(crate) fn listing(program: &crate::Program, level: Level) -> String {
    let facts = facts(program, level);
    let masks = match level {
        Level::Avx2 => String::new(),
        Level::Avx512 => format!(", {} of 7 mask registers", facts.mask_registers),
    };
    format!(
        "; {level}: {} elements a pass, {} of {} vector registers{masks}, {} spills, {} bytes in all,\n\
         ; about {:.2} cycles an element\n{}",
        facts.elements,
        facts.registers,
        level.vectors(),
        facts.spills,
        facts.bytes,
        facts.cycles_per_element,
        program.image.listing(program.body.body.clone()),
    )
}

fn vector_cycles(code: &Code, level: Level) -> f64 {
    let uops: usize = code.steps.iter().map(uops).sum();
    match level {
        Level::Avx2 => uops as f64 / 3.0,
        Level::Avx512 => uops as f64 / 2.0,
    }
}

fn uops(step: &Step) -> usize {
    match step {
        Step::Do(inst, _) => inst.op.form().uops,
        Step::Gather { op, .. } => op.form().uops,
        Step::Canonical { values, .. } => values.len().div_ceil(2) + values.len().div_ceil(4),
        Step::Rare(_) | Step::Any { .. } => 1,
        Step::Position { .. } => 1,
        Step::Load { .. } | Step::LoadRepeated { .. } | Step::Store { .. } | Step::Repeat(_) => 0,
    }
}

fn divider_cycles(code: &Code) -> f64 {
    let cycles = |step: &Step| match step {
        Step::Do(inst, _) => inst.op.form().divider as f64 * share(inst.size),
        Step::Gather { .. }
        | Step::Canonical { .. }
        | Step::Rare(_)
        | Step::Any { .. }
        | Step::Position { .. }
        | Step::Load { .. }
        | Step::LoadRepeated { .. }
        | Step::Store { .. }
        | Step::Repeat(_) => 0.0,
    };
    code.steps.iter().map(cycles).sum()
}

/// The part of 512 bits that a size is.
fn share(size: Size) -> f64 {
    size.bytes() as f64 / Size::Z.bytes() as f64
}
