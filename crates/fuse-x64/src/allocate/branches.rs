//! What hardly ever happens: tests on the usual path, and the stubs that they lead to.

use iced_x86::{Code as Opcode, Instruction, Register};

use fuse_ir::{CodegenError, Lane, Mem};
use smallvec::SmallVec;

use super::{Allocator, Owner, scratch};
use crate::asm::{Address, Arg, Assembler, Label, Operation, mask_register, vector};
use crate::code::{Kind, Rare, RareUnit, Repeat, Value};
use crate::frame::{Emitter, Frame, OutlineKind};
use crate::internal;
use crate::level::Level;
use crate::op::{Op, Size};

/// Code that hardly ever runs, emitted after the function.
pub(crate) struct Stub {
    at: Label,
    back: Label,
    kind: StubKind,
}

enum StubKind {
    Rare { label: Label, mask_width: usize, calls: SmallVec<[StubCall; 2]> },
    Canonical { lane: Lane, size: Size, registers: SmallVec<[u8; 4]>, test: u8 },
}

/// The call for one unit.
struct StubCall {
    mask: u8,
    args: Vec<(usize, Source)>,
    results: Vec<StubResult>,
}

struct StubResult {
    register: u8,
    mask: u8,
    mem: Mem,
    /// Its array in the frame.
    offset: usize,
}

/// Where a value is.
#[derive(Clone, Copy, Debug)]
enum Source {
    Register(u8),
    Memory(Address),
}
impl Allocator<'_, '_> {
    /// Leaves in the flags whether any lane of a mask register, or of two of them, is set; of vectors the
    /// first counts.
    pub(super) fn test_any(&mut self, registers: (u8, u8), width: usize) {
        test_any(&mut self.emitter.asm, self.lanes, registers, width);
    }

    /// NaNs made canonical. Of several vectors two are compared at once, and the choice is out of line.
    pub(super) fn canonical(
        &mut self,
        at: usize,
        lane: Lane,
        size: Size,
        values: &[(Value, Value)],
    ) -> Result<(), CodegenError> {
        const UNORDERED: u8 = 3;
        let compare = if lane == Lane::F32 { Op::CmpPs } else { Op::CmpPd };
        let evex = self.level == Level::Avx512;
        for &(from, _) in values {
            self.protected.push(from);
        }
        let mut registers: SmallVec<[u8; 4]> = SmallVec::new();
        for &(from, to) in values {
            registers.push(self.tied(at, to, from)?);
        }
        let kind = if evex { Kind::Mask } else { Kind::Vector };
        let mut tests: SmallVec<[u8; 4]> = SmallVec::new();
        for pair in registers.chunks(2) {
            let test = self.temporary_of(at, kind, &tests)?;
            let args = [Arg::Vector(pair[0]), Arg::Vector(pair[pair.len() - 1])];
            self.emit((compare, size), test, &args, None, UNORDERED)?;
            tests.push(test);
        }
        if let ([register], [test]) = (registers.as_slice(), tests.as_slice()) {
            self.choose_nan(lane, size, *register, *test)?;
        } else {
            let width = if lane == Lane::F32 { 4 } else { 8 };
            if let (&[first, second], Level::Avx2) = (tests.as_slice(), self.level) {
                let args = [Arg::Vector(first), Arg::Vector(second)];
                self.emit((Op::Or64, size), first, &args, None, 0)?;
            }
            self.test_any((tests[0], tests[tests.len() - 1]), width);
            let kind = StubKind::Canonical { lane, size, registers, test: tests[0] };
            self.branch(kind);
        }
        let read: SmallVec<[Value; 4]> = values.iter().map(|&(from, _)| from).collect();
        self.finish(at, &read, None);
        Ok(())
    }

    /// A temporary register beside others of this step.
    fn temporary_of(&mut self, at: usize, kind: Kind, others: &[u8]) -> Result<u8, CodegenError> {
        if kind == Kind::Vector {
            return self.temporary(at, kind);
        }
        // Masks: hold the others while another is looked for.
        let held: SmallVec<[(usize, Owner); 4]> = others
            .iter()
            .map(|&register| (usize::from(register), self.masks.owners[usize::from(register)]))
            .collect();
        for &(register, _) in &held {
            self.masks.owners[register] = Owner::Fixed;
        }
        let found = self.find(at, kind);
        for (register, owner) in held {
            self.masks.owners[register] = owner;
        }
        found
    }

    fn choose_nan(
        &mut self,
        lane: Lane,
        size: Size,
        register: u8,
        test: u8,
    ) -> Result<(), CodegenError> {
        let level = self.level;
        let (op, nan) = nan_choice(&mut self.emitter.asm, level, lane);
        self.emit((op, size), register, &[Arg::Vector(register), nan], Some(test), 0)
    }

    /// Jumps to a stub where the flags say so.
    fn branch(&mut self, kind: StubKind) {
        let asm = &mut self.emitter.asm;
        let (at, back) = (asm.label(), asm.label());
        asm.jump(Opcode::Jne_rel32_64, at);
        asm.place(back);
        self.stubs.push(Stub { at, back, kind });
    }

    /// A branch to calls out of line, where any lane of the units' masks is set.
    pub(super) fn rare(&mut self, at: usize, rare: &Rare) -> Result<(), CodegenError> {
        let frame = self.emitter.frame(OutlineKind::Rare, rare.region, self.lanes);
        let mut masks: SmallVec<[u8; 2]> = SmallVec::new();
        for unit in &rare.units {
            masks.push(self.register(at, unit.mask)?);
        }
        for result in rare.results() {
            self.register(at, result.mask)?;
        }
        for arg in rare.args() {
            if self.is_carried_before(arg) {
                self.protected.push(arg);
            }
        }
        let joined = self.any_of(at, &masks, rare.mask_width)?;
        let mut calls: SmallVec<[StubCall; 2]> = SmallVec::new();
        for (unit, &mask) in rare.units.iter().zip(&masks) {
            let results = self.rare_results(at, rare, unit, &frame)?;
            calls.push(StubCall { mask, args: Vec::new(), results });
        }
        for (unit, call) in rare.units.iter().zip(&mut calls) {
            for (&value, &offset) in unit.args.iter().zip(&frame.args) {
                call.args.push((offset, self.source(value)?));
            }
        }
        self.test_joined(&masks, joined, rare.mask_width);
        self.branch(StubKind::Rare { label: frame.label, calls, mask_width: rare.mask_width });
        self.protected.clear();
        for arg in rare.args() {
            self.release(at + 1, &[arg]);
        }
        Ok(())
    }

    /// The registers of a unit's results, with what they are where the mask is clear.
    fn rare_results(
        &mut self,
        at: usize,
        rare: &Rare,
        unit: &RareUnit,
        frame: &Frame,
    ) -> Result<Vec<StubResult>, CodegenError> {
        let mut results = Vec::new();
        for (result, &offset) in unit.results.iter().zip(&frame.results) {
            if self.is_over(result.result, at + 1) {
                continue;
            }
            // Read only as this result's other value, its register may be taken over.
            let read_once = rare.args().filter(|&arg| arg == result.otherwise).count() == 1;
            let register = if read_once {
                self.tied(at, result.result, result.otherwise)?
            } else {
                let register = self.allocate(at, result.result)?;
                self.protected.push(result.result);
                self.move_to(Kind::Vector, register, result.otherwise)?;
                register
            };
            let mask =
                self.in_register(result.mask).ok_or_else(|| internal("a mask is nowhere"))?;
            results.push(StubResult { register, mask, mem: result.mem, offset });
        }
        Ok(results)
    }

    /// One vector for the masks of two units, where masks live in vectors.
    fn any_of(
        &mut self,
        at: usize,
        masks: &[u8],
        width: usize,
    ) -> Result<Option<u8>, CodegenError> {
        let (&[first, second], Level::Avx2) = (masks, self.level) else { return Ok(None) };
        let joined = self.temporary(at, Kind::Vector)?;
        let args = [Arg::Vector(first), Arg::Vector(second)];
        self.emit((Op::Or64, Size::of(self.lanes * width)), joined, &args, None, 0)?;
        Ok(Some(joined))
    }

    /// Leaves in the flags whether any lane of one or two masks is set.
    fn test_joined(&mut self, masks: &[u8], joined: Option<u8>, width: usize) {
        match (masks, joined) {
            (_, Some(joined)) => self.test_any((joined, joined), width),
            (&[first, second], None) => self.test_any((first, second), width),
            (masks, None) => masks.iter().for_each(|&mask| self.test_any((mask, mask), width)),
        }
    }

    fn source(&mut self, value: Value) -> Result<Source, CodegenError> {
        match self.in_register(value) {
            Some(register) => Ok(Source::Register(register)),
            None => Ok(Source::Memory(self.home(value)?)),
        }
    }

    pub(super) fn repeat(&mut self, at: usize, repeat: &Repeat) -> Result<(), CodegenError> {
        let Repeat { region, at_most, args, results } = repeat;
        let (lanes, level) = (self.lanes, self.level);
        let kind = OutlineKind::Repeat { at_most: *at_most };
        let frame = self.emitter.frame(kind, *region, lanes);
        for (&value, &offset) in args.iter().zip(&frame.args) {
            let register = self.register(at, value)?;
            self.emitter.asm.store_bytes(register, scratch(offset), level.vector_bytes());
            self.protected.clear();
        }
        self.emitter.asm.jump(Opcode::Call_rel32_64, frame.label);
        self.finish(at, args, None);
        for (&result, &offset) in results.iter().zip(&frame.results) {
            if !self.is_over(result, at + 1) {
                let register = self.allocate(at, result)?;
                self.protected.push(result);
                self.load_bytes(register, scratch(offset), level.vector_bytes())?;
            }
        }
        Ok(())
    }
}

/// Emits the stubs of a function.
pub(crate) fn emit_stubs(
    emitter: &mut Emitter<'_>,
    stubs: Vec<Stub>,
    lanes: usize,
) -> Result<(), CodegenError> {
    let level = emitter.asm.level;
    for stub in stubs {
        let asm = &mut emitter.asm;
        asm.place(stub.at);
        match stub.kind {
            StubKind::Canonical { lane, size, registers, test } => {
                let compare = if lane == Lane::F32 { Op::CmpPs } else { Op::CmpPd };
                let (op, nan) = nan_choice(asm, level, lane);
                for register in registers {
                    let own = Arg::Vector(register);
                    asm.operation(&Operation {
                        op: compare,
                        size,
                        result: test,
                        args: &[own, own],
                        mask: None,
                        immediate: 3,
                    })?;
                    asm.operation(&Operation {
                        op,
                        size,
                        result: register,
                        args: &[own, nan],
                        mask: Some(test),
                        immediate: 0,
                    })?;
                }
            }
            StubKind::Rare { label, mask_width, calls } => {
                let several = calls.len() > 1;
                let spare = (0..level.vectors() as u8)
                    .find(|spare| calls.iter().all(|call| !call.uses(*spare)))
                    .unwrap_or(0);
                for call in calls {
                    let next = emitter.asm.label();
                    if several {
                        test_any(&mut emitter.asm, lanes, (call.mask, call.mask), mask_width);
                        emitter.asm.jump(Opcode::Je_rel32_64, next);
                    }
                    emit_call(emitter, label, &call, spare)?;
                    emitter.asm.place(next);
                }
            }
        }
        emitter.asm.jump(Opcode::Jmp_rel32_64, stub.back);
    }
    Ok(())
}

impl StubCall {
    /// Does a register hold an operand, a result or a mask?
    fn uses(&self, register: u8) -> bool {
        let holds = |source: &Source| matches!(source, Source::Register(own) if *own == register);
        self.args.iter().any(|(_, source)| holds(source))
            || self.results.iter().any(|r| r.register == register || r.mask == register)
            || self.mask == register
    }
}

/// Stores operands in the frame, calls, and takes the results where the mask is set.
fn emit_call(
    emitter: &mut Emitter<'_>,
    label: Label,
    call: &StubCall,
    spare: u8,
) -> Result<(), CodegenError> {
    let asm = &mut emitter.asm;
    let level = asm.level;
    let bytes = level.vector_bytes();
    let (mut registers, mut in_memory) = (Vec::new(), Vec::new());
    for &(offset, source) in &call.args {
        match source {
            Source::Register(register) => registers.push((offset, register)),
            Source::Memory(address) => in_memory.push((offset, address)),
        }
    }
    for (offset, register) in registers {
        asm.store_bytes(register, scratch(offset), bytes);
    }
    if !in_memory.is_empty() {
        let saved = scratch(emitter.scratch.spare(level));
        asm.store_bytes(spare, saved, bytes);
        for (offset, address) in in_memory {
            asm.load_bytes(spare, address, bytes)?;
            asm.store_bytes(spare, scratch(offset), bytes);
        }
        asm.load_bytes(spare, saved, bytes)?;
    }
    asm.jump(Opcode::Call_rel32_64, label);
    for result in &call.results {
        asm.operation(&Operation {
            op: choice(level, result.mem.size()),
            size: Size::of(bytes),
            result: result.register,
            args: &[Arg::Vector(result.register), Arg::Memory(scratch(result.offset))],
            mask: Some(result.mask),
            immediate: 0,
        })?;
    }
    Ok(())
}

/// See [`Allocator::test_any`].
fn test_any(asm: &mut Assembler, lanes: usize, (first, second): (u8, u8), width: usize) {
    if asm.level == Level::Avx512 {
        let whole = match lanes {
            8 => Some(Opcode::VEX_Kortestb_kr_kr),
            16 => Some(Opcode::VEX_Kortestw_kr_kr),
            32 => Some(Opcode::VEX_Kortestd_kr_kr),
            _ => None,
        };
        let [first, second] = [first, second].map(mask_register);
        if let Some(code) = whole {
            return asm.two(code, first, second);
        }
        // k0 holds no values.
        let both = Instruction::with3(Opcode::VEX_Kord_kr_kr_kr, Register::K0, first, second);
        asm.push(both.expect("masks"));
        asm.two(Opcode::VEX_Kmovd_r32_kr, Register::EAX, Register::K0);
        let lanes_set = ((1_u64 << lanes) - 1) as i32;
        return asm.immediate(Opcode::Test_rm32_imm32, Register::EAX, lanes_set);
    }
    let bytes = lanes * width;
    let size = Size::of(bytes);
    let whole = bytes == size.bytes();
    let code = match (width, size) {
        (8, Size::X) if whole => Opcode::VEX_Vmovmskpd_r32_xmm,
        (8, _) if whole => Opcode::VEX_Vmovmskpd_r32_ymm,
        (4, Size::X) if whole => Opcode::VEX_Vmovmskps_r32_xmm,
        (4, _) if whole => Opcode::VEX_Vmovmskps_r32_ymm,
        (_, Size::X) => Opcode::VEX_Vpmovmskb_r32_xmm,
        (_, _) => Opcode::VEX_Vpmovmskb_r32_ymm,
    };
    asm.two(code, Register::EAX, vector(size, first));
    if whole {
        return asm.two(Opcode::Test_rm32_r32, Register::EAX, Register::EAX);
    }
    let bytes_set = ((1_u64 << bytes) - 1) as i32;
    asm.immediate(Opcode::Test_rm32_imm32, Register::EAX, bytes_set);
}

/// The choice between vectors of lanes of so many bytes.
pub(crate) fn choice(level: Level, width: usize) -> Op {
    match (level, width) {
        (Level::Avx512, 1) => Op::Blend8,
        (Level::Avx512, 2) => Op::Blend16,
        (Level::Avx512, 4) => Op::Blend32,
        (Level::Avx512, _) => Op::Blend64,
        (Level::Avx2, _) => Op::BlendV8,
    }
}

/// How the canonical NaN is chosen, and where it lies.
fn nan_choice(asm: &mut Assembler, level: Level, lane: Lane) -> (Op, Arg) {
    let single = lane == Lane::F32;
    let bits = if single {
        fuse_ir::CANONICAL_NAN_F32 * 0x1_0000_0001
    } else {
        fuse_ir::CANONICAL_NAN_F64
    };
    match level {
        Level::Avx512 => {
            let nan = Arg::Repeated(Address::Pool(asm.pooled(&bits.to_le_bytes())));
            (if single { Op::Blend32 } else { Op::Blend64 }, nan)
        }
        Level::Avx2 => {
            let nan = Arg::Memory(Address::Pool(asm.pooled(&bits.to_le_bytes().repeat(4))));
            (if single { Op::BlendVPs } else { Op::BlendVPd }, nan)
        }
    }
}
