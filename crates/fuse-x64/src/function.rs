//! The functions that the runtime calls: `run` and `run_uniform`, `extern "C" fn(*const KernelArgs)`.
//!
//! A kernel with folds has loops of its own (`stripes`). One without is one loop over lanes, `N·U` at a time:
//! N units of U lanes side by side, so that their chains of operations overlap. All loads of a unit come
//! before its stores.
//!
//! Outputs larger than the caches are stored past them where the runtime says so ([`fuse_ir::Hints`]). Such
//! stores must be aligned: the first pass stores as usual, and the streaming loop starts again at the first
//! aligned element; what is left at the end is one pass as usual over the last lanes. Lanes computed twice
//! are the same both times.
//!
//! ```text
//! elementwise:  for rcx in (0..32·granules).step_by(N·U) { body }
//! ```

use fuse_ir::abi::{ArgField, uniform_slots};
use fuse_ir::{CodegenError, GRANULE, Hints, InputClass, Kernel, Mem};
use iced_x86::{Code as Opcode, Register};

use crate::allocate::{Allocator, Fixed, INDEX, SCRATCH, Stores, TEMPORARY, Taken, emit_stubs};
use crate::asm::{Address, Assembler};
use crate::code::{Code, Invariant, Invariants, Place, Step};
use crate::frame::Emitter;
use crate::level::Level;
use crate::live::pressure;
use crate::lower::{Held, Lower, lanes_of_unit};
use crate::op::Size;
use crate::pin::{Registers, fix, load_invariants, working_registers};
use crate::stripes::lower_step;

const ARGS: Register = Register::RDI;
pub(crate) const END: Register = Register::RDX;
pub(crate) const STRIPE: Register = Register::RBX;

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
    let halved = std::iter::successors(Some(MOST_UNITS), |units| Some(units / 2));
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
        lower_step(&mut lower, kernel, number, &args)?;
    }
    Ok(lower.finish())
}

/// Which operands have their pointer in a register.
pub(crate) struct Pointers(Vec<(Place, Register)>);

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

    pub(crate) fn register(&self, place: Place) -> Option<Register> {
        self.0.iter().find(|(known, _)| *known == place).map(|&(_, register)| register)
    }
}

/// Loads the pointer of an operand.
pub(crate) fn load_pointer(asm: &mut Assembler, place: Place, register: Register) {
    let (field, number) = match place {
        Place::Input(number) => (ArgField::Inputs, number),
        Place::Output(number) => (ArgField::Outputs, number),
        Place::Frame(_) | Place::Slot(_) => return,
    };
    load_from_list(asm, field, number, register);
}

/// Loads a pointer from a list of the arguments.
pub(crate) fn load_from_list(
    asm: &mut Assembler,
    field: ArgField,
    number: usize,
    register: Register,
) {
    asm.load(Opcode::Mov_r64_rm64, register, argument(field));
    let offset = i32::try_from(8 * number).unwrap_or(i32::MAX);
    asm.load(Opcode::Mov_r64_rm64, register, Address::At(register, offset));
}

/// A field of the arguments.
pub(crate) fn argument(field: ArgField) -> Address {
    Address::At(ARGS, field.offset() as i32)
}

pub(crate) type Emitted = (std::ops::Range<usize>, Taken, Vec<crate::allocate::Stub>);

/// A function in the making.
pub(crate) struct Function<'a, 'k> {
    pub(crate) emitter: &'a mut Emitter<'k>,
    /// Lanes of a unit.
    pub(crate) lanes: usize,
    pub(crate) code: &'a Code,
    invariants: &'a Invariants,
    pub(crate) fixed: Fixed,
    pub(crate) pointers: Pointers,
}

impl Function<'_, '_> {
    pub(crate) fn body(&mut self, stores: Stores) -> Result<Emitted, CodegenError> {
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
    pub(crate) fn load_end(&mut self) {
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
