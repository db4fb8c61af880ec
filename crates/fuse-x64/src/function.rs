//! The functions that the runtime calls: `run` and `run_uniform`, `extern "C" fn(*const KernelArgs)`.
//!
//! A kernel without folds is one loop over lanes, `N·U` at a time: N units of U lanes side by side, so that
//! their chains of operations overlap. All loads of a unit come before its stores.
//!
//! Outputs larger than the caches are stored past them where the runtime says so ([`fuse_ir::Hints`]). Such
//! stores must be aligned: the first pass stores as usual, and the streaming loop starts again at the first
//! aligned element; what is left at the end is one pass as usual over the last lanes. Lanes computed twice
//! are the same both times.
//!
//! ```text
//! elementwise:  for rcx in (0..32·granules).step_by(N·U) { body }
//!
//! folds:        for rbx in (0..32).step_by(N·U) {             a stripe of columns
//!                   states = load(folds)[rbx..]               stay in registers
//!                   for rcx in (rbx..).step_by(32) { body }   without the last granule where there is a tail
//!                   if tail: store(states); the last granule; states = choose(lane < tail, states, stored)
//!                   store(states) }
//! ```

use fuse_ir::abi::{ArgField, state_slot, uniform_slots};
use fuse_ir::{CodegenError, GRANULE, Hints, InputClass, Kernel, Lane, Mem};
use iced_x86::{Code as Opcode, Register};

use crate::allocate::{
    Allocator, Fixed, INDEX, SCRATCH, Stores, TEMPORARY, Taken, choice, emit_stubs,
};
use crate::asm::{Address, Arg, Assembler, Operation};
use crate::code::{Carried, Code, Inst, Invariant, Invariants, Kind, Place, Step, Value};
use crate::frame::Emitter;
use crate::level::Level;
use crate::live::pressure;
use crate::lower::{Held, Lower, bytes_of, lanes_of_unit};
use crate::op::{Op, Size};
use crate::pin::{Registers, fix, load_invariants, working_registers};

const ARGS: Register = Register::RDI;
const END: Register = Register::RDX;
const STRIPE: Register = Register::RBX;

/// Registers for pointers of operands, those first that need not be saved.
const POINTERS: [Register; 9] = [
    Register::R8,
    Register::R9,
    Register::R10,
    Register::R11,
    Register::RBP,
    Register::R12,
    Register::R13,
    Register::R14,
    Register::R15,
];

/// How many of `POINTERS` the caller does not want back.
const FREE_POINTERS: usize = 4;

/// Units side by side at most: additions take 4 cycles on two ports.
const MOST_UNITS: usize = 4;

/// Steps of a body, above which fewer units are taken side by side.
const LARGE: usize = 1500;

/// Steps of a body, above which its stores are not what takes time.
const MOST_STREAMED: usize = 256;

/// What a function's loop became.
#[derive(Clone, Debug, Default)]
pub(crate) struct Loop {
    /// The instructions of the body, as positions in the code.
    pub(crate) body: std::ops::Range<usize>,
    /// Lanes that a pass computes.
    pub(crate) lanes: usize,
    pub(crate) taken: Taken,
    pub(crate) code: Code,
}

/// Emits `run`.
///
/// # Errors
/// What the level lacks; too large code.
pub(crate) fn emit_run(emitter: &mut Emitter<'_>) -> Result<Loop, CodegenError> {
    let kernel = emitter.kernel;
    let level = emitter.asm.level;
    let steps = kernel.folds.iter().map(|fold| &fold.step);
    let regions: Vec<_> = std::iter::once(&kernel.lane).chain(steps).collect();
    let lanes = lanes_of_unit(kernel, &regions, level);
    let mut invariants = Invariants::default();
    let unit = lower_unit(kernel, level, lanes, &mut invariants)?;
    let units = units(&unit, lanes, level);
    let code = unit.side_by_side(units, lanes);
    let fixed = fix(emitter, &code, &invariants, Registers::All)?;
    let pointers = Pointers::of(&code);
    let saved = pointers.saved();

    emitter.asm.load(Opcode::Mov_r64_rm64, SCRATCH, argument(ArgField::Scratch));
    for &register in &saved {
        emitter.asm.one(Opcode::Push_r64, register);
    }
    load_invariants(emitter, &invariants, &fixed)?;
    pointers.load(&mut emitter.asm);
    let mut function =
        Function { emitter, lanes, code: &code, invariants: &invariants, fixed, pointers };
    let (body, taken, stubs) = if kernel.folds.is_empty() {
        function.elementwise(units * lanes)?
    } else {
        function.stripes(units * lanes)?
    };
    for &register in saved.iter().rev() {
        emitter.asm.one(Opcode::Pop_r64, register);
    }
    emitter.asm.plain(Opcode::VEX_Vzeroupper);
    emitter.asm.plain(Opcode::Retnq);
    emit_stubs(emitter, stubs, lanes)?;
    Ok(Loop { body, lanes: units * lanes, taken, code })
}

/// Units side by side: as many as registers hold, for the sake of overlapping chains.
fn units(unit: &Code, lanes: usize, level: Level) -> usize {
    let fits = |units: usize| {
        let small = || {
            let code = unit.side_by_side(units, lanes);
            pressure(&code) + working_registers(&code, level) < level.vectors()
        };
        units == 1 || (units * unit.steps.len() <= LARGE && small())
    };
    let halved = std::iter::successors(
        Some(std::env::var("UNITS").map_or(MOST_UNITS, |s| s.parse().unwrap_or(4))),
        |units| Some(units / 2),
    );
    let most = GRANULE / lanes;
    halved.take_while(|&units| units > 0).find(|&n| n <= most && fits(n)).unwrap_or(1)
}

/// One unit of the lane region, its stores, and the folds' steps.
fn lower_unit(
    kernel: &Kernel,
    level: Level,
    lanes: usize,
    invariants: &mut Invariants,
) -> Result<Code, CodegenError> {
    let mut lower = Lower::new(kernel, level, lanes, invariants);
    let mut results = lower.region(&kernel.lane, &mut |lower, position| {
        let Some(input) = kernel.inputs.get(position) else {
            let slot = kernel.uniform.params.len() + position - kernel.inputs.len();
            let mem = kernel.lane.params[position].mem();
            return Ok(lower.invariant(Invariant::Uniform(slot, mem), mem));
        };
        Ok(match input.class {
            InputClass::Stream => lower.load(Place::Input(position), input.mem),
            InputClass::Splat => lower.invariant(Invariant::Splat(position, input.mem), input.mem),
        })
    })?;
    let mut fold_args = results.split_off(kernel.outputs.len()).into_iter();
    for (number, (held, output)) in results.into_iter().zip(&kernel.outputs).enumerate() {
        let lane = output.mem.lane();
        let held =
            if lane.is_float() && !output.never_nan { lower.canonical(held, lane) } else { held };
        lower.store(held, Place::Output(number), output.mem);
    }
    for (number, fold) in kernel.folds.iter().enumerate() {
        let args: Vec<Held> = fold_args.by_ref().take(fold.n_args()).collect();
        step(&mut lower, kernel, number, &args)?;
    }
    Ok(lower.finish())
}

/// The step of a fold, its states carried on.
fn step(
    lower: &mut Lower<'_>,
    kernel: &Kernel,
    number: usize,
    args: &[Held],
) -> Result<(), CodegenError> {
    let fold = &kernel.folds[number];
    let before: Vec<Value> = fold.state.iter().map(|_| lower.code.value(Kind::Vector)).collect();
    let mut states: Vec<Option<Held>> = vec![None; before.len()];
    let after = lower.region(&fold.step, &mut |lower, position| {
        if let Some(arg) = position.checked_sub(before.len()) {
            return Ok(args[arg]);
        }
        let lane = fold.step.params[position];
        Ok(*states[position].get_or_insert_with(|| lower.from_vector(before[position], lane)))
    })?;
    for (index, (held, &before)) in after.into_iter().zip(&before).enumerate() {
        let lane = fold.state[index].init.lane;
        let value = lower.as_vector(held, lane);
        // Each is made by a step of its own, so that none is what another pass starts with.
        let result = lower.code.value(Kind::Vector);
        let taken = lower.code.carried.iter().any(|carried| carried.after == value);
        let size = lower.size(bytes_of(lane));
        let is_made = value.as_computed().is_some_and(|n| is_made_here(&lower.code, n));
        let after = if is_made && !taken {
            value
        } else {
            let args = smallvec::smallvec![value];
            let inst = Inst { op: Op::Mov, size, args, mask: None, immediate: 0 };
            lower.code.steps.push(Step::Do(inst, result));
            result
        };
        let slot = state_slot(kernel, number, index);
        lower.code.carried.push(Carried { before, after, slot, lane: 0, size });
    }
    Ok(())
}

/// Is a value what a step makes, and not what a pass starts with?
fn is_made_here(code: &Code, number: usize) -> bool {
    code.steps.iter().rev().any(|step| step.results().contains(&Value::new(number)))
}

/// Which operands have their pointer in a register.
struct Pointers(Vec<(Place, Register)>);

impl Pointers {
    fn of(code: &Code) -> Pointers {
        let mut places: Vec<Place> = Vec::new();
        for step in &code.steps {
            if let Step::Load { place, .. } | Step::Store { place, .. } = step
                && !places.contains(place)
            {
                places.push(*place);
            }
        }
        Pointers(places.into_iter().zip(POINTERS).collect())
    }

    /// The registers that the caller wants back.
    fn saved(&self) -> Vec<Register> {
        let kept = &POINTERS[FREE_POINTERS..];
        let mut saved = vec![STRIPE];
        saved.extend(self.0.iter().map(|&(_, register)| register).filter(|r| kept.contains(r)));
        saved
    }

    fn load(&self, asm: &mut Assembler) {
        for &(place, register) in &self.0 {
            load_pointer(asm, place, register);
        }
    }

    fn register(&self, place: Place) -> Option<Register> {
        self.0.iter().find(|(known, _)| *known == place).map(|&(_, register)| register)
    }
}

/// Loads the pointer of an operand.
fn load_pointer(asm: &mut Assembler, place: Place, register: Register) {
    let (field, number) = match place {
        Place::Input(number) => (ArgField::Inputs, number),
        Place::Output(number) => (ArgField::Outputs, number),
        Place::Frame(_) | Place::Slot(_) => return,
    };
    load_from_list(asm, field, number, register);
}

/// Loads a pointer from a list of the arguments.
fn load_from_list(asm: &mut Assembler, field: ArgField, number: usize, register: Register) {
    asm.load(Opcode::Mov_r64_rm64, register, argument(field));
    let offset = i32::try_from(8 * number).unwrap_or(i32::MAX);
    asm.load(Opcode::Mov_r64_rm64, register, Address::At(register, offset));
}

/// A field of the arguments.
fn argument(field: ArgField) -> Address {
    Address::At(ARGS, field.offset() as i32)
}

type Emitted = (std::ops::Range<usize>, Taken, Vec<crate::allocate::Stub>);

/// A function in the making.
struct Function<'a, 'k> {
    emitter: &'a mut Emitter<'k>,
    /// Lanes of a unit.
    lanes: usize,
    code: &'a Code,
    invariants: &'a Invariants,
    fixed: Fixed,
    pointers: Pointers,
}

impl Function<'_, '_> {
    fn body(&mut self, stores: Stores) -> Result<Emitted, CodegenError> {
        let start = self.emitter.asm.len();
        let pointers = &self.pointers;
        let access = |asm: &mut Assembler, place: Place, mem: Mem, lane: usize| {
            let base = pointers.register(place).unwrap_or_else(|| {
                load_pointer(asm, place, TEMPORARY);
                TEMPORARY
            });
            let displacement = i32::try_from(lane * mem.size()).unwrap_or(i32::MAX);
            Address::Indexed(base, INDEX, mem.size() as u32, displacement)
        };
        let mut allocator = Allocator::new(
            self.emitter,
            (self.code, self.lanes),
            (self.invariants, &self.fixed),
            (&access, stores),
        );
        allocator.run()?;
        let (stubs, taken) = (std::mem::take(&mut allocator.stubs), allocator.taken);
        Ok((start..self.emitter.asm.len(), taken, stubs))
    }

    /// Leaves in `rdx` the number of lanes of all granules.
    fn load_end(&mut self) {
        let asm = &mut self.emitter.asm;
        asm.load(Opcode::Mov_r64_rm64, END, argument(ArgField::Granules));
        asm.shift_left(END, GRANULE.trailing_zeros() as u8);
    }

    fn elementwise(&mut self, lanes: usize) -> Result<Emitted, CodegenError> {
        self.load_end();
        let streamed = self.streamed();
        let asm = &mut self.emitter.asm;
        let [again, done, plain, streaming] = [(); 4].map(|()| asm.label());
        asm.two(Opcode::Xor_r32_rm32, Register::ECX, Register::ECX);
        asm.two(Opcode::Test_rm64_r64, END, END);
        asm.jump(Opcode::Je_rel32_64, done);
        if let Some((number, size)) = streamed {
            self.choose_streaming((number, size), lanes, (plain, streaming));
        }
        let asm = &mut self.emitter.asm;
        asm.align();
        asm.place(plain);
        asm.place(again);
        let (body, taken, mut stubs) = self.body(Stores::Cached)?;
        let asm = &mut self.emitter.asm;
        asm.immediate(Opcode::Add_rm64_imm32, INDEX, lanes as i32);
        asm.two(Opcode::Cmp_r64_rm64, INDEX, END);
        asm.jump(Opcode::Jb_rel32_64, again);
        if streamed.is_some() {
            // Was that the first pass before the streaming loop?
            asm.two(Opcode::Test_rm64_r64, STRIPE, STRIPE);
            asm.jump(Opcode::Je_rel32_64, done);
            asm.two(Opcode::Mov_r64_rm64, INDEX, STRIPE);
            asm.two(Opcode::Xor_r32_rm32, Register::EBX, Register::EBX);
            asm.place(streaming);
            self.load_end();
            self.emitter.asm.immediate(Opcode::Sub_rm64_imm32, END, lanes as i32);
            let next = self.emitter.asm.label();
            self.emitter.asm.align();
            self.emitter.asm.place(next);
            stubs.extend(self.body(Stores::Streaming)?.2);
            let asm = &mut self.emitter.asm;
            asm.immediate(Opcode::Add_rm64_imm32, INDEX, lanes as i32);
            asm.two(Opcode::Cmp_r64_rm64, INDEX, END);
            asm.jump(Opcode::Jbe_rel32_64, next);
            asm.plain(Opcode::Sfence);
            self.load_end();
            let asm = &mut self.emitter.asm;
            asm.two(Opcode::Cmp_r64_rm64, INDEX, END);
            asm.jump(Opcode::Je_rel32_64, done);
            asm.load(Opcode::Lea_r64_m, INDEX, Address::At(END, -(lanes as i32)));
            asm.jump(Opcode::Jmp_rel32_64, plain);
        }
        self.emitter.asm.place(done);
        Ok((body, taken, stubs))
    }

    /// The output by which a streaming loop aligns itself, and the bytes of its elements: where all outputs
    /// are whole vectors and the body is small. Others gain nothing.
    fn streamed(&self) -> Option<(usize, usize)> {
        let outputs = &self.emitter.kernel.outputs;
        let whole = self.emitter.asm.level.vector_bytes();
        let fits = self.code.steps.len() <= MOST_STREAMED
            && outputs.iter().all(|output| output.mem.size() * self.lanes == whole);
        outputs.first().filter(|_| fits).map(|output| (0, output.mem.size()))
    }

    /// Goes on to the streaming loop, to its first pass, which is a plain one, or to the plain loop. Leaves in
    /// `rbx` the first aligned lane, where that is not 0, for after the first pass.
    fn choose_streaming(
        &mut self,
        (number, size): (usize, usize),
        lanes: usize,
        (plain, streaming): (crate::asm::Label, crate::asm::Label),
    ) {
        let whole = self.emitter.asm.level.vector_bytes() as i32;
        let asm = &mut self.emitter.asm;
        asm.two(Opcode::Xor_r32_rm32, Register::EBX, Register::EBX);
        asm.load(Opcode::Mov_r64_rm64, TEMPORARY, argument(ArgField::Hints));
        let hint = Hints::STREAM_OUTPUTS.bits() as i32;
        asm.immediate(Opcode::Test_rm32_imm32, Register::EAX, hint);
        asm.jump(Opcode::Je_rel32_64, plain);
        asm.immediate(Opcode::Cmp_rm64_imm32, END, 2 * lanes as i32);
        asm.jump(Opcode::Jb_rel32_64, plain);
        let n_outputs = self.emitter.kernel.outputs.len();
        let asm = &mut self.emitter.asm;
        for other in 1..n_outputs {
            // All must be aligned alike.
            load_from_list(asm, ArgField::Outputs, other, TEMPORARY);
            load_from_list(asm, ArgField::Outputs, number, STRIPE);
            asm.two(Opcode::Sub_r64_rm64, TEMPORARY, STRIPE);
            asm.two(Opcode::Xor_r32_rm32, Register::EBX, Register::EBX);
            asm.immediate(Opcode::Test_rm32_imm32, Register::EAX, whole - 1);
            asm.jump(Opcode::Jne_rel32_64, plain);
        }
        load_from_list(asm, ArgField::Outputs, number, TEMPORARY);
        asm.one(Opcode::Neg_rm32, Register::EAX);
        asm.immediate(Opcode::And_rm32_imm32, Register::EAX, whole - 1);
        asm.jump(Opcode::Je_rel32_64, streaming);
        asm.immediate(Opcode::Test_rm32_imm32, Register::EAX, size as i32 - 1);
        asm.jump(Opcode::Jne_rel32_64, plain);
        asm.two(Opcode::Mov_r32_rm32, Register::EBX, Register::EAX);
        asm.shift_right(STRIPE, size.trailing_zeros() as u8);
        asm.immediate(Opcode::Mov_rm64_imm32, END, lanes as i32);
    }

    fn stripes(&mut self, lanes: usize) -> Result<Emitted, CodegenError> {
        let granule = GRANULE as i32;
        let asm = &mut self.emitter.asm;
        let [stripe, again, after, whole, stored] = [(); 5].map(|()| asm.label());
        asm.two(Opcode::Xor_r32_rm32, Register::EBX, Register::EBX);
        asm.place(stripe);
        for index in 0..self.code.carried.len() {
            self.load_state(index)?;
        }
        self.load_end();
        let asm = &mut self.emitter.asm;
        let no_tail = asm.label();
        asm.compare_zero(argument(ArgField::Tail));
        asm.jump(Opcode::Je_rel32_64, no_tail);
        asm.immediate(Opcode::Sub_rm64_imm32, END, granule);
        asm.place(no_tail);
        asm.two(Opcode::Mov_r64_rm64, INDEX, STRIPE);
        asm.two(Opcode::Cmp_r64_rm64, INDEX, END);
        asm.jump(Opcode::Jae_rel32_64, after);
        asm.align();
        asm.place(again);
        let emitted = self.body(Stores::Cached)?;
        let asm = &mut self.emitter.asm;
        asm.immediate(Opcode::Add_rm64_imm32, INDEX, granule);
        asm.two(Opcode::Cmp_r64_rm64, INDEX, END);
        asm.jump(Opcode::Jb_rel32_64, again);
        asm.place(after);
        asm.compare_zero(argument(ArgField::Tail));
        asm.jump(Opcode::Je_rel32_64, whole);
        // With a tail: the last granule is still to come, or was the pass that ended.
        asm.load(Opcode::Mov_r64_rm64, TEMPORARY, argument(ArgField::Granules));
        asm.shift_left(TEMPORARY, GRANULE.trailing_zeros() as u8);
        let last_done = asm.label();
        asm.two(Opcode::Cmp_r64_rm64, END, TEMPORARY);
        asm.jump(Opcode::Je_rel32_64, last_done);
        asm.two(Opcode::Mov_r64_rm64, END, TEMPORARY);
        for index in 0..self.code.carried.len() {
            self.store_state(index)?;
        }
        self.emitter.asm.jump(Opcode::Jmp_rel32_64, again);
        self.emitter.asm.place(last_done);
        for index in 0..self.code.carried.len() {
            self.keep_past_tail(index)?;
        }
        self.emitter.asm.place(whole);
        for index in 0..self.code.carried.len() {
            self.store_state(index)?;
        }
        let asm = &mut self.emitter.asm;
        asm.place(stored);
        asm.immediate(Opcode::Add_rm64_imm32, STRIPE, lanes as i32);
        asm.immediate(Opcode::Cmp_rm64_imm32, STRIPE, granule);
        asm.jump(Opcode::Jb_rel32_64, stripe);
        Ok(emitted)
    }

    /// A carried value, its register, and its memory, whose pointer is loaded.
    fn state(&mut self, index: usize) -> (Carried, u8, Address, Mem) {
        let carried = self.code.carried[index];
        let lane = self.state_lane(carried.slot);
        load_from_list(&mut self.emitter.asm, ArgField::Folds, carried.slot, TEMPORARY);
        let mem = lane.mem();
        let displacement = (carried.lane * mem.size()) as i32;
        let address = Address::Indexed(TEMPORARY, STRIPE, mem.size() as u32, displacement);
        (carried, self.fixed.carried[index], address, mem)
    }

    fn state_lane(&self, slot: usize) -> Lane {
        let slots = self.emitter.kernel.state_slots();
        slots.map(|slot| slot.init.lane).nth(slot).unwrap_or(Lane::I64)
    }

    fn load_state(&mut self, index: usize) -> Result<(), CodegenError> {
        let (carried, register, address, mem) = self.state(index);
        let bytes = self.lanes * mem.size();
        self.load_to(register, address, bytes)?;
        if mem == Mem::Bool {
            // 0 and 1 become zeros and ones: 0 - x.
            let zero = self.fixed.temporaries(self.emitter.asm.level)?[0];
            self.simple(Op::Xor64, Size::Y, zero, &[zero, zero])?;
            self.simple(Op::Sub8, carried.size, register, &[zero, register])?;
        }
        Ok(())
    }

    fn store_state(&mut self, index: usize) -> Result<(), CodegenError> {
        let (carried, register, address, mem) = self.state(index);
        let bytes = self.lanes * mem.size();
        let mut from = register;
        if mem == Mem::Bool {
            let level = self.emitter.asm.level;
            from = self.fixed.temporaries(level)?[0];
            let zero = self.fixed.temporaries(level)?[1];
            self.simple(Op::Xor64, Size::Y, zero, &[zero, zero])?;
            self.simple(Op::Sub8, carried.size, from, &[zero, register])?;
        }
        self.emitter.asm.store_bytes(from, address, bytes);
        Ok(())
    }

    /// Takes a state as it was stored, in the lanes past the tail.
    fn keep_past_tail(&mut self, index: usize) -> Result<(), CodegenError> {
        let level = self.emitter.asm.level;
        let [mask, old] = self.fixed.temporaries(level)?;
        let (carried, register, address, mem) = self.state(index);
        let bytes = self.lanes * mem.size();
        self.load_to(old, address, bytes)?;
        if mem == Mem::Bool {
            self.simple(Op::Xor64, Size::Y, mask, &[mask, mask])?;
            self.simple(Op::Sub8, carried.size, old, &[mask, old])?;
        }
        // 64 bytes of ones and as many zeros, entered so that lane `tail` finds the first zero.
        let mut window = vec![0xff; GRANULE];
        window.resize(3 * GRANULE, 0);
        let asm = &mut self.emitter.asm;
        let window = asm.pooled(&window);
        asm.load(Opcode::Lea_r64_m, TEMPORARY, Address::Pool(window + GRANULE));
        asm.load(Opcode::Sub_r64_rm64, TEMPORARY, argument(ArgField::Tail));
        let at = Address::Indexed(TEMPORARY, STRIPE, 1, carried.lane as i32);
        self.load_to(mask, at, self.lanes)?;
        let width = mem.size();
        let mask = if level == Level::Avx512 {
            let bytes = Size::of(self.lanes);
            self.simple(Op::Test8, bytes, 1, &[mask, mask])?;
            1
        } else {
            let widen = match width {
                1 => None,
                2 => Some(Op::Sext8To16),
                4 => Some(Op::Sext8To32),
                _ => Some(Op::Sext8To64),
            };
            if let Some(widen) = widen {
                self.simple(widen, carried.size, mask, &[mask])?;
            }
            mask
        };
        self.emitter.asm.operation(&Operation {
            op: choice(level, width),
            size: carried.size,
            result: register,
            args: &[Arg::Vector(old), Arg::Vector(register)],
            mask: Some(mask),
            immediate: 0,
        })
    }

    fn load_to(&mut self, to: u8, from: Address, bytes: usize) -> Result<(), CodegenError> {
        self.emitter.asm.load_bytes(to, from, bytes)
    }

    fn simple(&mut self, op: Op, size: Size, result: u8, args: &[u8]) -> Result<(), CodegenError> {
        let args: smallvec::SmallVec<[Arg; 3]> = args.iter().map(|&arg| Arg::Vector(arg)).collect();
        self.emitter.asm.operation(&Operation {
            op,
            size,
            result,
            args: &args,
            mask: None,
            immediate: 0,
        })
    }
}

/// Emits `run_uniform`: the region on one small unit, all lanes alike.
///
/// # Errors
/// As [`emit_run`].
pub(crate) fn emit_uniform(emitter: &mut Emitter<'_>) -> Result<(), CodegenError> {
    let kernel = emitter.kernel;
    let level = emitter.asm.level;
    let lanes = lanes_of_unit(kernel, &[&kernel.uniform], level);
    let lanes = (lanes * Size::X.bytes() / level.vector_bytes()).max(2);
    let mut invariants = Invariants::default();
    let mut lower = Lower::new(kernel, level, lanes, &mut invariants);
    let region = &kernel.uniform;
    let results = lower.region(region, &mut |lower, position| {
        Ok(lower.load_repeated(Place::Slot(position), region.params[position].mem()))
    })?;
    for (index, (held, lane)) in results.into_iter().zip(region.result_lanes()).enumerate() {
        let slot = region.params.len() + index;
        debug_assert!(slot < uniform_slots(kernel));
        lower.store_first(held, Place::Slot(slot), lane.mem());
    }
    let code = lower.finish();
    let fixed = fix(emitter, &code, &invariants, Registers::None)?;
    let pointer = POINTERS[0];
    emitter.asm.load(Opcode::Mov_r64_rm64, SCRATCH, argument(ArgField::Scratch));
    emitter.asm.load(Opcode::Mov_r64_rm64, pointer, argument(ArgField::Uniforms));
    let access = |_: &mut Assembler, place: Place, _: Mem, _: usize| match place {
        Place::Slot(slot) => Address::At(pointer, i32::try_from(8 * slot).unwrap_or(i32::MAX)),
        Place::Input(_) | Place::Output(_) | Place::Frame(_) => Address::At(pointer, i32::MAX),
    };
    let mut allocator =
        Allocator::new(emitter, (&code, lanes), (&invariants, &fixed), (&access, Stores::Cached));
    allocator.run()?;
    let stubs = std::mem::take(&mut allocator.stubs);
    emitter.asm.plain(Opcode::VEX_Vzeroupper);
    emitter.asm.plain(Opcode::Retnq);
    emit_stubs(emitter, stubs, lanes)
}
