//! What a text becomes: every name resolved, every type checked.
//!
//! ```text
//! slots of a function's registers:
//!   parameters, then results (words of 32 bits) │ registers, as declared │ variables of call blocks
//! ```
//!
//! A thread's values lie in slots of 64 bits, one window of them for each function that it is in.
//! `.param` variables of functions and calls are slots too, one for each 32-bit word.

use super::bits::position32;
use super::operation::{BinaryOp, DivideOp, TernaryOp, UnaryOp};

/// A value of a function, by its position in the function's window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot(pub(super) u32);

impl Slot {
    #[inline(always)]
    pub(super) fn index(self) -> usize {
        position32(self.0)
    }

    /// The slot that many further on.
    pub(super) fn offset(self, slots: u32) -> Slot {
        Slot(self.0 + slots)
    }
}

/// A register or a literal.
#[derive(Clone, Copy, Debug)]
pub(super) enum Operand {
    Register(Slot),
    Literal(u64),
}

/// When an instruction is executed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Guard {
    Always,
    If(Slot),
    Unless(Slot),
}

/// Numbers that a thread is given.
#[derive(Clone, Copy, Debug)]
pub(super) enum Special {
    ThreadIndex,
    BlockIndex,
    BlockSize,
    GridSize,
    LaneIndex,
}

/// Adjacent words of `.param` variables: one, or the two of 64 bits, low one first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words {
    pub(super) first: Slot,
    pub(super) is_pair: bool,
}

/// Memory that is loaded from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Space {
    Global,
    /// Global, by `.nc`.
    NonCoherent,
    Constant,
}

/// A register's value and a constant.
#[derive(Clone, Copy, Debug)]
pub(super) struct Address {
    pub(super) base: Slot,
    pub(super) offset: i64,
}

/// Adjacent elements into as many registers.
#[derive(Clone, Debug)]
pub(super) struct Load {
    pub(super) space: Space,
    pub(super) address: Address,
    /// Of an element.
    pub(super) bytes: usize,
    pub(super) to: Box<[Slot]>,
}

/// As many operands as adjacent elements.
#[derive(Clone, Debug)]
pub(super) struct Store {
    pub(super) address: Address,
    /// Of an element.
    pub(super) bytes: usize,
    pub(super) from: Box<[Operand]>,
}

/// A call of a function before this one.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// Position in [`Code::functions`].
    pub(super) callee: usize,
    /// The words of the arguments, in the order of the callee's parameters.
    pub(super) arguments: Box<[Slot]>,
    /// The first word of the results.
    pub(super) results: Slot,
}

/// What a shuffle exchanges: down the warp, among all of its lanes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shuffle {
    pub(super) to: Slot,
    pub(super) from: Operand,
    pub(super) distance: Operand,
}

/// What a step does.
#[derive(Clone, Debug)]
pub(super) enum Instruction {
    Unary {
        op: UnaryOp,
        to: Slot,
        from: Operand,
    },
    Binary {
        op: BinaryOp,
        to: Slot,
        lhs: Operand,
        rhs: Operand,
    },
    Ternary {
        op: TernaryOp,
        to: Slot,
        from: Box<[Operand; 3]>,
    },
    Divide {
        op: DivideOp,
        to: Slot,
        lhs: Operand,
        rhs: Operand,
    },
    InsertBits {
        to: Slot,
        from: Box<[Operand; 4]>,
    },
    Select {
        to: Slot,
        from: Box<[Operand; 2]>,
        predicate: Slot,
    },
    /// Two halves to 64 bits, low one first.
    Pack {
        to: Slot,
        from: [Operand; 2],
    },
    Unpack {
        to: [Slot; 2],
        from: Operand,
    },
    Special {
        to: Slot,
        special: Special,
    },
    /// A parameter of the kernel, by its position.
    KernelParam {
        to: Slot,
        index: usize,
    },
    /// A call block begins: its variables are new.
    Forget {
        first: Slot,
        count: u32,
    },
    LoadParam {
        to: Slot,
        from: Words,
    },
    StoreParam {
        to: Words,
        from: Operand,
    },
    Load(Box<Load>),
    Store(Box<Store>),
    /// To a position in [`Function::steps`].
    Branch(usize),
    Call(Box<Call>),
    Return,
    Exit,
    Shuffle(Shuffle),
    WarpBarrier,
}

/// One instruction of a function.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) guard: Guard,
    pub(super) instruction: Instruction,
}

/// Adjacent slots of one name.
#[derive(Clone, Debug)]
pub(super) struct Naming {
    pub(super) first: Slot,
    /// What stands before the number, or all of the name.
    pub(super) name: String,
    pub(super) is_numbered: bool,
}

/// A function's parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parameter {
    pub(super) words: u32,
}

/// A body, of a function or of an entry.
#[derive(Clone, Debug, Default)]
pub(super) struct Function {
    pub(super) name: String,
    pub(super) steps: Vec<Step>,
    /// The line of each step.
    pub(super) lines: Vec<u32>,
    /// In the order of their slots.
    pub(super) names: Vec<Naming>,
    pub(super) n_slots: u32,
    /// An entry has none of these two: its parameters are read otherwise.
    pub(super) parameters: Vec<Parameter>,
    pub(super) result_words: u32,
}

/// What can be launched.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) body: Function,
    pub(super) n_params: usize,
    /// Of a block.
    pub(super) most_threads: Option<u32>,
}

impl Function {
    /// Words of all parameters: the slot of the first result.
    pub(super) fn parameter_words(&self) -> u32 {
        self.parameters.iter().map(|parameter| parameter.words).sum()
    }

    /// What the text calls a slot.
    pub(super) fn name_of(&self, slot: Slot) -> String {
        let after = self.names.partition_point(|naming| naming.first.0 <= slot.0);
        match after.checked_sub(1).map(|at| &self.names[at]) {
            Some(naming) if naming.is_numbered => {
                format!("{}{}", naming.name, slot.0 - naming.first.0)
            }
            Some(naming) => naming.name.clone(),
            None => format!("slot {}", slot.0),
        }
    }
}
