//! Instructions in the order in which they will lie in memory, with labels and a pool of constants.
//!
//! ```text
//! image:  pool of constants and tables │ code …          the pool's offsets are known before the code's,
//!         ▲ 64-byte aligned            ▲                 so that code can address it while it is emitted
//! ```
//!
//! Code addresses the pool relative to itself, so the image runs wherever it is placed. All jumps have
//! 32-bit distances: sizes are then known at once, and distances are patched at the end.

use iced_x86::{Code, Encoder, Formatter, Instruction, IntelFormatter, MemoryOperand, Register};
use rustc_hash::FxHashMap;

use crate::level::Level;
use crate::op::{Op, Size};
use crate::{internal, too_large};
use fuse_ir::CodegenError;

/// Bytes of code, above which a kernel is refused.
pub(crate) const MOST_BYTES: usize = 4 << 20;

/// A place in the code that jumps and calls go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Label(usize);

/// A place in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    /// So many bytes from a register.
    At(Register, i32),
    /// `base + index * scale + displacement`.
    Indexed(Register, Register, u32, i32),
    /// An offset in the pool.
    Pool(usize),
}

/// An operand of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arg {
    /// A vector register.
    Vector(u8),
    /// A mask register.
    Mask(u8),
    /// Memory of the operand's size.
    Memory(Address),
    /// One element in memory, repeated in every lane.
    Repeated(Address),
}

/// One instruction with its operands in place.
#[derive(Clone, Debug)]
pub(crate) struct Operation<'a> {
    pub(crate) op: Op,
    pub(crate) size: Size,
    /// Register of the result.
    pub(crate) result: u8,
    pub(crate) args: &'a [Arg],
    /// Register of the mask that chooses.
    pub(crate) mask: Option<u8>,
    pub(crate) immediate: u8,
}

/// The code of a kernel in the making.
pub(crate) struct Assembler {
    pub(crate) level: Level,
    instructions: Vec<Instruction>,
    /// Position of each label, once it is placed.
    labels: Vec<Option<usize>>,
    /// Instructions that go to a label.
    jumps: Vec<(usize, Label)>,
    /// Instructions that start on a multiple of 64 bytes.
    aligned: Vec<usize>,
    pool: Vec<u8>,
    pooled: FxHashMap<Vec<u8>, usize>,
}

/// Finished code: position-independent bytes.
pub(crate) struct Image {
    pub(crate) bytes: Vec<u8>,
    /// Offset of each instruction, in order, and of the end.
    pub(crate) offsets: Vec<usize>,
    /// The instructions with the distances of their jumps.
    instructions: Vec<Instruction>,
}

impl Assembler {
    pub(crate) fn new(level: Level) -> Assembler {
        Assembler {
            level,
            instructions: Vec::new(),
            labels: Vec::new(),
            jumps: Vec::new(),
            aligned: Vec::new(),
            pool: Vec::new(),
            pooled: FxHashMap::default(),
        }
    }

    /// Number of instructions so far.
    pub(crate) fn len(&self) -> usize {
        self.instructions.len()
    }

    /// The offset in the pool of these bytes, aligned to their number.
    pub(crate) fn pooled(&mut self, bytes: &[u8]) -> usize {
        if let Some(&offset) = self.pooled.get(bytes) {
            return offset;
        }
        let alignment = bytes.len().next_power_of_two().min(64);
        self.pool.resize(self.pool.len().next_multiple_of(alignment), 0);
        let offset = self.pool.len();
        self.pool.extend_from_slice(bytes);
        self.pooled.insert(bytes.to_vec(), offset);
        offset
    }

    /// A label that is not placed yet.
    pub(crate) fn label(&mut self) -> Label {
        self.labels.push(None);
        Label(self.labels.len() - 1)
    }

    /// Places a label before the next instruction.
    pub(crate) fn place(&mut self, label: Label) {
        self.labels[label.0] = Some(self.instructions.len());
    }

    /// Lets the next instruction start a cache line.
    pub(crate) fn align(&mut self) {
        self.aligned.push(self.instructions.len());
    }

    /// Appends an instruction of iced's.
    pub(crate) fn push(&mut self, instruction: Instruction) {
        self.instructions.push(instruction);
    }

    /// Appends a jump or call.
    pub(crate) fn jump(&mut self, code: Code, to: Label) {
        self.jumps.push((self.instructions.len(), to));
        let mut instruction = Instruction::default();
        instruction.set_code(code);
        instruction.set_op0_kind(iced_x86::OpKind::NearBranch64);
        self.push(instruction);
    }

    /// An instruction of two general registers, or a register and memory.
    pub(crate) fn two(&mut self, code: Code, to: Register, from: Register) {
        let mut instruction = Instruction::default();
        instruction.set_code(code);
        instruction.set_op0_register(to);
        instruction.set_op1_register(from);
        self.push(instruction);
    }

    /// An instruction whose only operand is a general register.
    pub(crate) fn one(&mut self, code: Code, register: Register) {
        let mut instruction = Instruction::default();
        instruction.set_code(code);
        instruction.set_op0_register(register);
        self.push(instruction);
    }

    /// An instruction without operands.
    pub(crate) fn plain(&mut self, code: Code) {
        let mut instruction = Instruction::default();
        instruction.set_code(code);
        self.push(instruction);
    }

    /// An instruction of a register and a 32-bit immediate.
    pub(crate) fn immediate(&mut self, code: Code, register: Register, value: i32) {
        let instruction = Instruction::with2(code, register, value);
        self.push(instruction.expect("a register and an immediate"));
    }

    /// An instruction that loads a register from memory.
    pub(crate) fn load(&mut self, code: Code, to: Register, from: Address) {
        let instruction = Instruction::with2(code, to, memory(from));
        self.push(instruction.expect("a register and memory"));
    }

    /// An instruction that stores a register to memory.
    pub(crate) fn store(&mut self, code: Code, to: Address, from: Register) {
        let instruction = Instruction::with2(code, memory(to), from);
        self.push(instruction.expect("memory and a register"));
    }

    /// An instruction that stores a 32-bit immediate, sign extended.
    pub(crate) fn store_immediate(&mut self, code: Code, to: Address, value: i32) {
        let instruction = Instruction::with2(code, memory(to), value);
        self.push(instruction.expect("memory and an immediate"));
    }

    /// Stores the low bytes of a vector register: 1, 2, 4, 8, or a vector of them.
    pub(crate) fn store_bytes(&mut self, from: u8, to: Address, bytes: usize) {
        let evex = self.level == Level::Avx512;
        let code = match (bytes, evex) {
            (1 | 2, _) => {
                let code = match (bytes, evex) {
                    (1, false) => Code::VEX_Vpextrb_r32m8_xmm_imm8,
                    (1, true) => Code::EVEX_Vpextrb_r32m8_xmm_imm8,
                    (_, false) => Code::VEX_Vpextrw_r32m16_xmm_imm8,
                    (_, true) => Code::EVEX_Vpextrw_r32m16_xmm_imm8,
                };
                let instruction = Instruction::with3(code, memory(to), vector(Size::X, from), 0);
                return self.push(instruction.expect("memory, a vector and an immediate"));
            }
            (4, false) => Code::VEX_Vmovd_rm32_xmm,
            (4, true) => Code::EVEX_Vmovd_rm32_xmm,
            (8, false) => Code::VEX_Vmovq_xmmm64_xmm,
            (8, true) => Code::EVEX_Vmovq_xmmm64_xmm,
            (16, false) => Code::VEX_Vmovups_xmmm128_xmm,
            (16, true) => Code::EVEX_Vmovups_xmmm128_k1z_xmm,
            (32, false) => Code::VEX_Vmovups_ymmm256_ymm,
            (32, true) => Code::EVEX_Vmovups_ymmm256_k1z_ymm,
            (_, _) => Code::EVEX_Vmovups_zmmm512_k1z_zmm,
        };
        self.store(code, to, vector(Size::of(bytes), from));
    }

    /// Stores a whole vector register past the caches, to aligned memory.
    pub(crate) fn stream(&mut self, from: u8, to: Address) {
        let code = match self.level {
            Level::Avx2 => Code::VEX_Vmovntps_m256_ymm,
            Level::Avx512 => Code::EVEX_Vmovntps_m512_zmm,
        };
        self.store(code, to, vector(Size::of(self.level.vector_bytes()), from));
    }

    /// Loads the low bytes of a vector register: 1, 2, 4, 8, or a vector of them. What lies above is
    /// unspecified.
    ///
    /// # Errors
    /// Internal errors.
    pub(crate) fn load_bytes(
        &mut self,
        to: u8,
        from: Address,
        bytes: usize,
    ) -> Result<(), CodegenError> {
        let evex = self.level == Level::Avx512;
        let code = match (bytes, evex) {
            (4, false) => Code::VEX_Vmovd_xmm_rm32,
            (4, true) => Code::EVEX_Vmovd_xmm_rm32,
            (8, false) => Code::VEX_Vmovq_xmm_xmmm64,
            (8, true) => Code::EVEX_Vmovq_xmm_xmmm64,
            (_, _) => {
                let (op, size) = match bytes {
                    1 => (Op::Broadcast8, Size::X),
                    2 => (Op::Broadcast16, Size::X),
                    _ => (Op::Mov, Size::of(bytes)),
                };
                let args = [Arg::Memory(from)];
                let (result, mask, immediate) = (to, None, 0);
                let operation = Operation { op, size, result, args: &args, mask, immediate };
                return self.operation(&operation);
            }
        };
        self.load(code, vector(Size::X, to), from);
        Ok(())
    }

    /// Shifts a general register left.
    pub(crate) fn shift_left(&mut self, register: Register, bits: u8) {
        let instruction = Instruction::with2(Code::Shl_rm64_imm8, register, i32::from(bits));
        self.push(instruction.expect("a register and an immediate"));
    }

    /// Shifts a general register right.
    pub(crate) fn shift_right(&mut self, register: Register, bits: u8) {
        let instruction = Instruction::with2(Code::Shr_rm64_imm8, register, i32::from(bits));
        self.push(instruction.expect("a register and an immediate"));
    }

    /// Compares a 64-bit number in memory with zero.
    pub(crate) fn compare_zero(&mut self, at: Address) {
        let instruction = Instruction::with2(Code::Cmp_rm64_imm8, memory(at), 0);
        self.push(instruction.expect("memory and an immediate"));
    }

    /// Loads a whole vector register.
    ///
    /// # Errors
    /// Internal errors.
    pub(crate) fn load_vector(&mut self, to: u8, from: Address) -> Result<(), CodegenError> {
        let size = Size::of(self.level.vector_bytes());
        let args = [Arg::Memory(from)];
        let op = Op::Mov;
        self.operation(&Operation { op, size, result: to, args: &args, mask: None, immediate: 0 })
    }

    /// Asks for a line, which need not be memory of ours.
    pub(crate) fn prefetch(&mut self, at: Address) {
        let instruction = Instruction::with1(Code::Prefetcht0_m8, memory(at));
        self.push(instruction.expect("memory"));
    }

    /// Takes one off a 64-bit number in memory.
    pub(crate) fn decrement(&mut self, at: Address) {
        let instruction = Instruction::with1(Code::Dec_rm64, memory(at));
        self.push(instruction.expect("memory"));
    }

    /// Gathers all lanes of a table at `base`, by a mask that is set first and lost.
    ///
    /// # Errors
    /// [`CodegenError::Internal`] where the level has no such instruction.
    pub(crate) fn gather(
        &mut self,
        (op, size): (Op, Size),
        result: u8,
        (base, index): (Register, u8),
        mask: u8,
    ) -> Result<(), CodegenError> {
        let code = op.encoding(self.level, size).ok_or_else(|| internal("no such gather"))?;
        let scale = op.form().broadcast as u32;
        let (result, index) = (vector(size, result), vector(size, index));
        let from = MemoryOperand::new(base, index, scale, 0, 0, false, Register::None);
        let instruction = if self.level == Level::Avx512 {
            let mask = mask_register(mask);
            let all = Instruction::with3(Code::VEX_Kxnorq_kr_kr_kr, mask, mask, mask);
            self.push(all.expect("masks"));
            let mut gather = Instruction::with2(code, result, from).expect("a vector and memory");
            gather.set_op_mask(mask);
            gather
        } else {
            let all = vector(Size::Y, mask);
            let ones = Code::VEX_Vpcmpeqd_ymm_ymm_ymmm256;
            self.push(Instruction::with3(ones, all, all, all).expect("vectors"));
            Instruction::with3(code, result, from, vector(size, mask)).expect("a gather")
        };
        self.push(instruction);
        Ok(())
    }

    /// Appends an operation.
    ///
    /// # Errors
    /// [`CodegenError::Internal`] where the level has no such instruction.
    pub(crate) fn operation(&mut self, operation: &Operation<'_>) -> Result<(), CodegenError> {
        let Operation { op, size, result, args, mask, immediate } = *operation;
        let form = op.form();
        let code = op
            .encoding(self.level, size)
            .ok_or_else(|| internal(format!("no {op:?} of {size:?} at {}", self.level)))?;
        debug_assert!(args.len() == form.n_args && !form.gather, "{op:?} of {args:?}");
        debug_assert!(mask.is_some() || !form.by_mask, "{op:?} without a mask");
        let evex = self.level == Level::Avx512;
        let mut instruction = Instruction::default();
        instruction.set_code(code);
        let mut position = 0;
        let result_size = narrowed(size, form.narrow_result);
        instruction.set_op_register(
            position,
            if form.masks.0 && evex { mask_register(result) } else { vector(result_size, result) },
        );
        position += 1;
        for arg in &args[usize::from(form.tied)..] {
            match *arg {
                Arg::Vector(register) => {
                    let size = narrowed(size, form.narrow_args);
                    instruction.set_op_register(position, vector(size, register));
                }
                Arg::Mask(register) => {
                    instruction.set_op_register(position, mask_register(register));
                }
                Arg::Memory(address) => set_memory(&mut instruction, position, address),
                Arg::Repeated(address) => {
                    set_memory(&mut instruction, position, address);
                    instruction.set_is_broadcast(true);
                }
            }
            position += 1;
        }
        match (mask, evex) {
            (Some(mask), true) => instruction.set_op_mask(mask_register(mask)),
            (Some(mask), false) => {
                instruction.set_op_register(position, vector(size, mask));
                position += 1;
            }
            (None, _) => {}
        }
        if form.immediate {
            instruction.set_op_kind(position, iced_x86::OpKind::Immediate8);
            instruction.set_immediate8(immediate);
        }
        self.push(instruction);
        Ok(())
    }

    /// Encodes all.
    ///
    /// # Errors
    /// [`CodegenError::TooLarge`]; [`CodegenError::Internal`] for what iced refuses.
    pub(crate) fn finish(mut self) -> Result<(Image, impl Fn(Label) -> usize), CodegenError> {
        let start = self.pool.len().next_multiple_of(64);
        let mut encoder = Encoder::new(64);
        let mut offsets = Vec::with_capacity(self.instructions.len() + 1);
        let mut at = start;
        let mut aligned = self.aligned.iter().copied().peekable();
        let mut gaps = Vec::new();
        let mut code = Vec::new();
        for (index, instruction) in self.instructions.iter_mut().enumerate() {
            while aligned.next_if_eq(&index).is_some() {
                let gap = at.next_multiple_of(64) - at;
                code.extend(nops(gap));
                gaps.push((at, gap));
                at += gap;
            }
            offsets.push(at);
            if instruction.op0_kind() == iced_x86::OpKind::NearBranch64 {
                // Any distance for now.
                instruction.set_near_branch64(at as u64);
            }
            let len = encoder
                .encode(instruction, at as u64)
                .map_err(|error| internal(format!("{error}: {:?}", instruction.code())))?;
            code.extend(encoder.take_buffer());
            at += len;
            if at > MOST_BYTES {
                return Err(too_large(at, MOST_BYTES));
            }
        }
        offsets.push(at);
        let positions: Vec<usize> =
            self.labels.iter().map(|place| place.map_or(start, |place| offsets[place])).collect();
        for &(index, label) in &self.jumps {
            let (next, target) = (offsets[index + 1], positions[label.0]);
            // The distance ends the instruction; a gap may follow it.
            let end =
                next - gaps.iter().find(|&&(at, gap)| at + gap == next).map_or(0, |gap| gap.1);
            let distance = i32::try_from(target as i64 - end as i64)
                .map_err(|_| internal("a jump is too far"))?;
            code[end - start - 4..end - start].copy_from_slice(&distance.to_le_bytes());
            self.instructions[index].set_near_branch64(target as u64);
        }
        let mut bytes = self.pool;
        bytes.resize(start, 0);
        bytes.extend(code);
        let image = Image { bytes, offsets, instructions: self.instructions };
        Ok((image, move |label: Label| positions[label.0]))
    }
}

/// How often some instructions read and write memory.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct MemoryAccesses {
    pub(crate) loads: usize,
    pub(crate) stores: usize,
}

impl Image {
    /// How often some of the instructions read and write memory.
    pub(crate) fn memory_accesses(&self, instructions: std::ops::Range<usize>) -> MemoryAccesses {
        let mut accesses = MemoryAccesses::default();
        for instruction in &self.instructions[instructions] {
            if instruction.op0_kind() == iced_x86::OpKind::Memory {
                accesses.stores += 1;
            } else if instruction.memory_base() != Register::None
                && instruction.mnemonic() != iced_x86::Mnemonic::Lea
            {
                accesses.loads += 1;
            }
        }
        accesses
    }

    /// Some of the instructions as text, with their offsets.
    pub(crate) fn listing(&self, instructions: std::ops::Range<usize>) -> String {
        let mut formatter = IntelFormatter::new();
        formatter.options_mut().set_space_after_operand_separator(true);
        formatter.options_mut().set_first_operand_char_index(12);
        let mut text = String::new();
        let mut line = String::new();
        for index in instructions {
            line.clear();
            formatter.format(&self.instructions[index], &mut line);
            text.push_str(&format!("{:6x}  {line}\n", self.offsets[index]));
        }
        text
    }
}

/// The vector register of that number.
pub(crate) fn vector(size: Size, number: u8) -> Register {
    let first = match size {
        Size::X => Register::XMM0,
        Size::Y => Register::YMM0,
        Size::Z => Register::ZMM0,
    };
    first + u32::from(number)
}

/// The mask register of that number.
pub(crate) fn mask_register(number: u8) -> Register {
    Register::K0 + u32::from(number)
}

/// The size of a side that is so many times narrower.
pub(crate) fn narrowed(size: Size, times: usize) -> Size {
    Size::of(size.bytes() / times)
}

fn memory(address: Address) -> MemoryOperand {
    let none = Register::None;
    match address {
        Address::At(base, offset) => {
            MemoryOperand::new(base, none, 1, i64::from(offset), 1, false, none)
        }
        Address::Indexed(base, index, scale, offset) => {
            MemoryOperand::new(base, index, scale, i64::from(offset), 1, false, none)
        }
        Address::Pool(offset) => {
            MemoryOperand::new(Register::RIP, none, 1, offset as i64, 8, false, none)
        }
    }
}

fn set_memory(instruction: &mut Instruction, position: u32, address: Address) {
    let operand = memory(address);
    instruction.set_op_kind(position, iced_x86::OpKind::Memory);
    instruction.set_memory_base(operand.base);
    instruction.set_memory_index(operand.index);
    instruction.set_memory_index_scale(operand.scale);
    instruction.set_memory_displacement64(operand.displacement as u64);
    instruction.set_memory_displ_size(operand.displ_size);
}

/// Instructions that do nothing, of so many bytes.
fn nops(mut bytes: usize) -> Vec<u8> {
    const LONGEST: [u8; 9] = [0x66, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0];
    let mut code = Vec::with_capacity(bytes);
    while bytes >= LONGEST.len() {
        code.extend(LONGEST);
        bytes -= LONGEST.len();
    }
    code.extend(std::iter::repeat_n(0x90, bytes));
    code
}
