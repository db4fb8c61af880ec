//! Regions out of line, and the scratch memory that calls of them go through.
//!
//! A region is emitted once for each way in which it is called, however often. Operands and results travel
//! in a frame in scratch memory, an array of the caller's lanes for each; masks as bytes, all ones or
//! zeros. The function saves every register that it touches, so that a cold call costs the usual path
//! nothing. It computes units of its own, as many as the caller's lanes make:
//!
//! ```text
//! rare:    for each unit: results = region(args)
//! repeat:  for each unit: active = all; do { next, go_on = region(state);
//!              state = choose(active, next, state); active &= go_on } while any(active), at most n
//! ```
//!
//! A region calls only regions before it, so there is no recursion, and every function's frame has a
//! place of its own in scratch memory.

use fuse_ir::{CodegenError, Kernel, Mem, RegionId};
use iced_x86::Code as Opcode;

use crate::allocate::{Allocator, INDEX, Stores, emit_stubs, scratch};
use crate::asm::{Address, Assembler, Label};
use crate::code::{Code, Invariants, Place, Step};
use crate::level::Level;
use crate::lower::{Held, Lower, lanes_of_unit};
use crate::pin::{Registers, fix, load_invariants};
use crate::{internal, too_large};

/// Bytes of scratch memory, above which a kernel is refused.
const MOST_SCRATCH: usize = 1 << 20;

/// What functions share while they are emitted.
pub(crate) struct Emitter<'k> {
    pub(crate) kernel: &'k Kernel,
    pub(crate) asm: Assembler,
    pub(crate) scratch: Scratch,
    outlines: Vec<(Outline, Frame)>,
    emitted: usize,
}

/// How a region is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OutlineKind {
    /// Once, for the lanes of a mask.
    Rare,
    /// In a loop.
    Repeat {
        /// Upper bound on the runs.
        at_most: u32,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Outline {
    kind: OutlineKind,
    region: RegionId,
    /// Lanes of the caller's unit.
    lanes: usize,
}

/// Where a call's operands and results lie in scratch memory.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) label: Label,
    pub(crate) args: Vec<usize>,
    pub(crate) results: Vec<usize>,
}

/// Scratch memory in the making.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scratch {
    bytes: usize,
    spare: Option<usize>,
}

impl Scratch {
    /// Memory for one vector.
    pub(crate) fn vector(&mut self, level: Level) -> usize {
        let offset = self.bytes;
        self.bytes += level.vector_bytes();
        offset
    }

    /// Memory for one vector that is used for a moment only.
    pub(crate) fn spare(&mut self, level: Level) -> usize {
        if let Some(offset) = self.spare {
            return offset;
        }
        let offset = self.vector(level);
        self.spare = Some(offset);
        offset
    }

    /// How many bytes it is.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl<'k> Emitter<'k> {
    pub(crate) fn new(kernel: &'k Kernel, level: Level) -> Emitter<'k> {
        Emitter {
            kernel,
            asm: Assembler::new(level),
            scratch: Scratch::default(),
            outlines: Vec::new(),
            emitted: 0,
        }
    }

    /// The frame of a region that is called so.
    pub(crate) fn frame(&mut self, kind: OutlineKind, region: RegionId, lanes: usize) -> Frame {
        let outline = Outline { kind, region, lanes };
        if let Some((_, frame)) = self.outlines.iter().find(|(known, _)| *known == outline) {
            return frame.clone();
        }
        let called = &self.kernel.regions[region.index()];
        let level = self.asm.level;
        let args: Vec<usize> = called.params.iter().map(|_| self.scratch.vector(level)).collect();
        let results = match kind {
            OutlineKind::Rare => {
                called.results.iter().map(|_| self.scratch.vector(level)).collect()
            }
            OutlineKind::Repeat { .. } => args.clone(),
        };
        let frame = Frame { label: self.asm.label(), args, results };
        self.outlines.push((outline, frame.clone()));
        frame
    }

    /// Emits the regions that the code so far calls, and those that they call.
    ///
    /// # Errors
    /// What the level lacks; [`CodegenError::TooLarge`] for too much scratch memory.
    pub(crate) fn emit_outlines(&mut self) -> Result<(), CodegenError> {
        while let Some((outline, frame)) = self.outlines.get(self.emitted).cloned() {
            self.emitted += 1;
            self.emit_outline(outline, &frame)?;
            if self.scratch.bytes > MOST_SCRATCH {
                return Err(too_large(self.scratch.bytes, MOST_SCRATCH));
            }
        }
        Ok(())
    }

    fn emit_outline(&mut self, outline: Outline, frame: &Frame) -> Result<(), CodegenError> {
        let level = self.asm.level;
        let region = &self.kernel.regions[outline.region.index()];
        let lanes = lanes_of_unit(self.kernel, &[region], level).min(outline.lanes);
        let active = self.scratch.vector(level);
        let mut invariants = Invariants::default();
        let code = lower(self.kernel, outline, frame, (level, lanes), active, &mut invariants)?;
        let hoists = match outline.kind {
            OutlineKind::Rare => Registers::None,
            OutlineKind::Repeat { .. } => Registers::All,
        };
        let fixed = fix(self, &code, &invariants, hoists)?;
        let saved_index = self.scratch.vector(level);
        let start = self.asm.label();
        self.asm.place(start);
        load_invariants(self, &invariants, &fixed)?;
        self.asm.store(Opcode::Mov_rm64_r64, scratch(saved_index), INDEX);
        self.asm.immediate(Opcode::Mov_rm64_imm32, INDEX, 0);
        let next_unit = self.asm.label();
        self.asm.place(next_unit);
        let access = |_: &mut Assembler, place: Place, mem: Mem, lane: usize| match place {
            Place::Frame(offset) => {
                let displacement = offset + lane * mem.size();
                let displacement = i32::try_from(displacement).unwrap_or(i32::MAX);
                let size = mem.size() as u32;
                Address::Indexed(crate::allocate::SCRATCH, INDEX, size, displacement)
            }
            Place::Input(_) | Place::Output(_) | Place::Slot(_) => scratch(usize::MAX),
        };
        let again = self.asm.label();
        if let OutlineKind::Repeat { at_most } = outline.kind {
            self.start_repeat(active, saved_index, at_most)?;
        }
        self.asm.place(again);
        let mut allocator =
            Allocator::new(self, (&code, lanes), (&invariants, &fixed), (&access, Stores::Cached));
        allocator.run()?;
        let (stubs, taken) = (std::mem::take(&mut allocator.stubs), allocator.taken);
        if let OutlineKind::Repeat { .. } = outline.kind {
            let done = self.asm.label();
            self.asm.jump(Opcode::Je_rel32_64, done);
            self.asm.decrement(scratch(saved_index + 8));
            self.asm.jump(Opcode::Jne_rel32_64, again);
            self.asm.place(done);
        }
        let unit_lanes = lanes;
        let lanes = i32::try_from(lanes).unwrap_or(i32::MAX);
        let bound = i32::try_from(outline.lanes).unwrap_or(i32::MAX);
        if lanes < bound {
            self.asm.immediate(Opcode::Add_rm64_imm32, INDEX, lanes);
            self.asm.immediate(Opcode::Cmp_rm64_imm32, INDEX, bound);
            self.asm.jump(Opcode::Jb_rel32_64, next_unit);
        }
        self.asm.load(Opcode::Mov_r64_rm64, INDEX, scratch(saved_index));
        self.restore_and_return(&taken, frame.label, start)?;
        emit_stubs(self, stubs, unit_lanes)
    }

    /// Sets all lanes active and the number of runs.
    fn start_repeat(
        &mut self,
        active: usize,
        saved_index: usize,
        at_most: u32,
    ) -> Result<(), CodegenError> {
        let bytes = self.asm.level.vector_bytes();
        for offset in (0..bytes).step_by(8) {
            self.asm.store_immediate(Opcode::Mov_rm64_imm32, scratch(active + offset), -1);
        }
        let runs = i32::try_from(at_most).map_err(|_| internal("too many runs"))?;
        self.asm.store_immediate(Opcode::Mov_rm64_imm32, scratch(saved_index + 8), runs);
        Ok(())
    }

    /// Ends a function: loads the registers that it took, and returns. Then its entry, which stores them
    /// and goes to `start`: what it takes is known only now.
    fn restore_and_return(
        &mut self,
        taken: &crate::allocate::Taken,
        entry: Label,
        start: Label,
    ) -> Result<(), CodegenError> {
        let level = self.asm.level;
        let vectors: Vec<(u8, usize)> = (0..level.vectors() as u8)
            .filter(|register| taken.vectors & 1 << register != 0)
            .map(|register| (register, self.scratch.vector(level)))
            .collect();
        let masks: Vec<(u8, usize)> = (0..8)
            .filter(|register| taken.masks & 1 << register != 0)
            .map(|register| (register, self.scratch.vector(level)))
            .collect();
        for &(register, offset) in &vectors {
            self.asm.load_vector(register, scratch(offset))?;
        }
        for &(register, offset) in &masks {
            let register = crate::asm::mask_register(register);
            self.asm.load(Opcode::VEX_Kmovq_kr_km64, register, scratch(offset));
        }
        self.asm.plain(Opcode::Retnq);
        self.asm.place(entry);
        for (register, offset) in vectors {
            self.asm.store_bytes(register, scratch(offset), level.vector_bytes());
        }
        for (register, offset) in masks {
            let register = crate::asm::mask_register(register);
            self.asm.store(Opcode::VEX_Kmovq_m64_kr, scratch(offset), register);
        }
        self.asm.jump(Opcode::Jmp_rel32_64, start);
        Ok(())
    }
}

/// The code of one unit of a region.
fn lower(
    kernel: &Kernel,
    outline: Outline,
    frame: &Frame,
    (level, lanes): (Level, usize),
    active: usize,
    invariants: &mut Invariants,
) -> Result<Code, CodegenError> {
    let region = &kernel.regions[outline.region.index()];
    let mut lower = Lower::new(kernel, level, lanes, invariants);
    let load = |lower: &mut Lower<'_>, position: usize| {
        lower.load(Place::Frame(frame.args[position]), region.params[position].mem())
    };
    match outline.kind {
        OutlineKind::Rare => {
            let results = lower.region(region, &mut |lower, position| Ok(load(lower, position)))?;
            for ((held, lane), &offset) in
                results.into_iter().zip(region.result_lanes()).zip(&frame.results)
            {
                lower.store(held, Place::Frame(offset), lane.mem());
            }
        }
        OutlineKind::Repeat { .. } => {
            let state: Vec<Held> =
                (0..region.params.len()).map(|position| load(&mut lower, position)).collect();
            let mask = lower.load(Place::Frame(active), Mem::Bool);
            let mut next = lower.region(region, &mut |_, position| Ok(state[position]))?;
            let go_on = next.pop().ok_or_else(|| internal("a loop has no condition"))?;
            let mut chosen = Vec::new();
            for ((next, before), &lane) in next.iter().zip(&state).zip(&region.params) {
                chosen.push(lower.choose_lane(mask, *next, *before, lane));
            }
            for ((held, &lane), &offset) in chosen.iter().zip(&region.params).zip(&frame.args) {
                lower.store(*held, Place::Frame(offset), lane.mem());
            }
            let go_on = lower.both(mask, go_on);
            lower.store(go_on, Place::Frame(active), Mem::Bool);
            lower.code.steps.push(Step::Any { mask: go_on.value, width: go_on.width });
        }
    }
    Ok(lower.finish())
}
