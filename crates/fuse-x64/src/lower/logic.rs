//! AVX-512's shorter forms of logic.
//!
//! * Two operations of bits, the first of which only the second reads, are one `vpternlog`: its immediate is
//!   the table of both, f(f0h, cch, aah).
//! * A mask that must hold together with a comparison's is given to the comparison, which leaves out the
//!   lanes where it is clear.
//!
//! Needs operations of equal operands to be one; leaves the operations that nothing reads any more.

use smallvec::smallvec;

use crate::code::{Code, Inst, Step, Value};
use crate::op::Op;

/// Shortens the logic of straight-line code.
pub(crate) fn shorten(code: &mut Code) {
    let n_uses = n_uses(code);
    let mut makers: Vec<Option<usize>> = vec![None; code.kinds.len()];
    for at in 0..code.steps.len() {
        let Step::Do(inst, result) = &code.steps[at] else { continue };
        let read_once = |value: Value| {
            let number = value.as_computed().filter(|&number| n_uses[number] == 1)?;
            match &code.steps[makers[number]?] {
                Step::Do(inner, _) => Some(inner),
                Step::Load { .. }
                | Step::LoadRepeated { .. }
                | Step::Store { .. }
                | Step::Position { .. }
                | Step::Canonical { .. }
                | Step::Rare(_)
                | Step::Repeat(_)
                | Step::Any { .. }
                | Step::Gather { .. } => None,
            }
        };
        let shorter = ternary(inst, read_once).or_else(|| masked_comparison(inst, read_once));
        if let Some(number) = result.as_computed() {
            makers[number] = Some(at);
        }
        if let (Some(shorter), Step::Do(inst, _)) = (shorter, &mut code.steps[at]) {
            *inst = shorter;
        }
    }
}

fn n_uses(code: &Code) -> Vec<usize> {
    let mut n_uses = vec![0; code.kinds.len()];
    let mut count = |value: Value| {
        value.as_computed().into_iter().for_each(|number| n_uses[number] += 1);
    };
    code.steps.iter().for_each(|step| step.for_each_arg(&mut count));
    code.carried.iter().for_each(|carried| count(carried.after));
    n_uses
}

/// A function of bits, of eight at once.
type Bits = fn(u8, u8) -> u8;

/// The operations of bits, and what they compute.
const BITS: [(Op, Bits); 7] = [
    (Op::And32, |a, b| a & b),
    (Op::And64, |a, b| a & b),
    (Op::Or32, |a, b| a | b),
    (Op::Or64, |a, b| a | b),
    (Op::Xor32, |a, b| a ^ b),
    (Op::Xor64, |a, b| a ^ b),
    (Op::Andn64, |a, b| !a & b),
];

/// What an operation of bits computes.
fn bits_of(op: Op) -> Option<Bits> {
    BITS.iter().find(|(known, _)| *known == op).map(|&(_, bits)| bits)
}

/// An operation of bits together with one that it alone reads.
fn ternary<'a>(outer: &Inst, read_once: impl Fn(Value) -> Option<&'a Inst>) -> Option<Inst> {
    let outer_bits = bits_of(outer.op)?;
    let (position, inner, inner_bits) = (0..2).find_map(|position| {
        let inner = read_once(outer.args[position]).filter(|inner| inner.size == outer.size)?;
        Some((position, inner, bits_of(inner.op)?))
    })?;
    let other = outer.args[1 - position];
    // The first is overwritten, the last may lie in memory.
    let mut args = [inner.args[0], inner.args[1], other];
    let constant = args.iter().position(|arg| arg.as_invariant().is_some());
    args.swap(constant.unwrap_or(2), 2);
    if args[0].as_invariant().is_some() {
        args.swap(0, 1);
    }
    let table = [0xf0, 0xcc, 0xaa];
    let of = |value: Value| table[args.iter().position(|&arg| arg == value).unwrap_or(0)];
    let inner_table = inner_bits(of(inner.args[0]), of(inner.args[1]));
    let immediate = match position {
        0 => outer_bits(inner_table, of(other)),
        _ => outer_bits(of(other), inner_table),
    };
    let is_narrow = |op: Op| matches!(op, Op::And32 | Op::Or32 | Op::Xor32);
    let narrow = is_narrow(outer.op) && is_narrow(inner.op);
    let op = if narrow { Op::Ternary32 } else { Op::Ternary64 };
    Some(Inst {
        op,
        size: outer.size,
        args: smallvec![args[0], args[1], args[2]],
        mask: None,
        immediate,
    })
}

/// Both of two masks, one of which a comparison makes for this alone.
fn masked_comparison<'a>(
    outer: &Inst,
    read_once: impl Fn(Value) -> Option<&'a Inst>,
) -> Option<Inst> {
    if outer.op != Op::KAnd || outer.args[0] == outer.args[1] {
        return None;
    }
    (0..2).find_map(|position| {
        let compare = read_once(outer.args[position])?;
        let compares = compare.op.form().masks == (true, false) && compare.mask.is_none();
        compares.then(|| Inst { mask: Some(outer.args[1 - position]), ..compare.clone() })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::Kind;
    use crate::op::Size;

    const OPS: [Op; 4] = [Op::And64, Op::Or64, Op::Xor64, Op::Andn64];

    fn step(op: Op, args: [Value; 2], result: Value) -> Step {
        let args = smallvec![args[0], args[1]];
        Step::Do(Inst { op, size: Size::Z, args, mask: None, immediate: 0 }, result)
    }

    /// Every pair of operations of three values, the inner one on either side: the immediate is the table
    /// of both, whatever the order of the operands has become.
    #[test]
    fn two_operations_of_bits_are_one_with_their_table() {
        for outer in OPS {
            for inner in OPS {
                for side in 0..2 {
                    let mut code = Code::default();
                    let [x, y, z, first, second] = [(); 5].map(|()| code.value(Kind::Vector));
                    code.steps.push(step(inner, [x, y], first));
                    let args = if side == 0 { [first, z] } else { [z, first] };
                    code.steps.push(step(outer, args, second));
                    shorten(&mut code);
                    let Step::Do(shorter, _) = &code.steps[1] else { unreachable!("a step") };
                    assert_eq!(shorter.op, Op::Ternary64);
                    let bits = |op| bits_of(op).expect("an operation of bits");
                    for number in 0..8_u8 {
                        let of = |value: Value| {
                            let position = shorter.args.iter().position(|&arg| arg == value);
                            number >> (2 - position.expect("an operand")) & 1
                        };
                        let inner = bits(inner)(of(x), of(y));
                        let both = if side == 0 {
                            bits(outer)(inner, of(z))
                        } else {
                            bits(outer)(of(z), inner)
                        };
                        assert_eq!(shorter.immediate >> number & 1, both & 1);
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_read_twice_stays() {
        let mut code = Code::default();
        let [x, y, first, second, third] = [(); 5].map(|()| code.value(Kind::Vector));
        code.steps.push(step(Op::And64, [x, y], first));
        code.steps.push(step(Op::Or64, [first, x], second));
        code.steps.push(step(Op::Xor64, [first, y], third));
        shorten(&mut code);
        let kept = |step: &Step| matches!(step, Step::Do(inst, _) if inst.op != Op::Ternary64);
        assert!(code.steps.iter().all(kept));
    }
}
