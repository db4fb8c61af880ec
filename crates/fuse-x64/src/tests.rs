//! What the conformance suite does not see: encodings, spills, facts, what is declined.

use fuse_ir::{
    Builder, CodegenError, Control, HostBackend, InputClass, Lane, ListingForm, Mem, OperandOutput,
    Prim, RegionBuilder, Scalar, VerifiedKernel, verify,
};

use crate::asm::{Address, Arg, Assembler, Operation};
use crate::op::{Op, Size};
use crate::{Level, Program, X64Backend};

/// A back end of a level whether or not this CPU has it: nothing here runs code.
fn backend(level: Level) -> X64Backend {
    X64Backend { level }
}

fn output(mem: Mem) -> OperandOutput {
    OperandOutput { mem, never_nan: false }
}

/// Every row at every level and size, with registers and with memory as its last operand: iced encodes it,
/// and reads the same instruction from the bytes.
#[test]
fn every_operation_is_an_instruction() {
    for &level in Level::ALL {
        let mut n_checked = 0;
        for &op in Op::ALL {
            for size in [Size::X, Size::Y, Size::Z] {
                let Some(code) = op.encoding(level, size) else { continue };
                for last in last_operands(op, level) {
                    let read = read_again(op, level, size, last);
                    assert_eq!(read, code, "{op:?} {size:?} at {level} with {last:?}");
                    n_checked += 1;
                }
            }
        }
        assert!(n_checked > 200, "{n_checked} at {level}");
    }
}

/// What the last operand of an operation may be.
fn last_operands(op: Op, level: Level) -> Vec<Arg> {
    let form = op.form();
    let evex = level == Level::Avx512;
    if form.gather {
        return vec![];
    }
    let mut operands = Vec::new();
    if form.narrow_args < 64 {
        operands.push(if form.masks.1 && evex { Arg::Mask(3) } else { Arg::Vector(3) });
    }
    if form.memory && (evex || !form.memory_if_wide) {
        operands.push(Arg::Memory(Address::Pool(0)));
        if evex && form.broadcast > 0 {
            operands.push(Arg::Repeated(Address::Pool(0)));
        }
    }
    operands
}

/// The instruction that the encoding of an operation is read as.
fn read_again(op: Op, level: Level, size: Size, last: Arg) -> iced_x86::Code {
    let form = op.form();
    let mut assembler = Assembler::new(level);
    assembler.pooled(&[0; 64]);
    let first = if matches!(last, Arg::Mask(_)) { Arg::Mask(2) } else { Arg::Vector(2) };
    let mut args = vec![first; form.n_args];
    args[form.n_args - 1] = last;
    let result = if form.tied { 2 } else { 1 };
    let mask = form.by_mask.then_some(4);
    let operation = Operation { op, size, result, args: &args, mask, immediate: 1 };
    assembler.operation(&operation).expect("it exists");
    let (image, _) = assembler.finish().expect("it is encoded");
    iced_x86::Decoder::new(64, &image.bytes[64..], iced_x86::DecoderOptions::NONE).decode().code()
}

/// `sum x * c_i` twice, so that n values are alive at once.
fn many_values(n: usize, lane: Lane) -> VerifiedKernel {
    let mut region = RegionBuilder::new(&[lane]);
    let x = region.param(0);
    let mut terms = Vec::new();
    for number in 0..n {
        let factor = region.constant(Scalar::float(lane, number as f64 + 1.5));
        terms.push(region.prim(Prim::FMul, &[x, factor]));
    }
    let mut sum = terms[0];
    for &term in &terms[1..] {
        sum = region.prim(Prim::FAdd, &[sum, term]);
    }
    for &term in &terms {
        sum = region.prim(Prim::Fma, &[sum, term, x]);
    }
    let mut builder = Builder::new();
    builder.input(lane.mem(), InputClass::Stream);
    builder.output(output(lane.mem()));
    verify(builder.finish(region.finish(&[sum]))).expect("a kernel")
}

#[test]
fn values_without_a_register_are_spilled_and_others_are_not() {
    for &level in Level::ALL {
        let facts = |n| {
            let facts = backend(level).code_facts(&many_values(n, Lane::F64));
            facts.expect("it compiles").expect("it knows")
        };
        assert_eq!(facts(4).spills, 0, "{level}");
        let crowded = facts(2 * level.vectors());
        assert!(crowded.spills >= level.vectors() / 2, "{level}: {crowded:?}");
        assert_eq!(crowded.registers, level.vectors(), "{level}");
    }
}

/// Two units of f32 or four of f64 side by side where registers allow.
#[test]
fn few_values_are_computed_for_several_units_at_once() {
    for (level, lane, elements) in [
        (Level::Avx512, Lane::F64, 32),
        (Level::Avx512, Lane::F32, 32),
        (Level::Avx2, Lane::F64, 16),
        (Level::Avx2, Lane::F32, 32),
    ] {
        let facts = backend(level).code_facts(&many_values(1, lane)).expect("it compiles");
        assert_eq!(facts.expect("it knows").elements, elements, "{level} {lane}");
    }
    let crowded = backend(Level::Avx512).code_facts(&many_values(40, Lane::F64));
    assert_eq!(crowded.expect("it compiles").expect("it knows").elements, 8);
}

#[test]
fn a_listing_tells_facts_and_shows_the_loop() {
    let kernel = many_values(2, Lane::F64);
    for &level in Level::ALL {
        let text = backend(level).listing(&kernel, ListingForm::Assembly).expect("it compiles");
        let text = text.expect("there is one");
        assert!(text.starts_with(&format!("; {level}: ")), "{text}");
        assert!(text.contains("vfmadd") && text.contains("0 spills"), "{text}");
        assert!(
            backend(level).listing(&kernel, ListingForm::Intermediate).expect("is asked").is_none()
        );
    }
}

/// A rare region of so many results that no set of registers holds them.
#[test]
fn what_needs_more_registers_than_there_are_is_declined() {
    const MANY: usize = 40;
    let lanes = [Lane::F64; MANY];
    let slow = RegionBuilder::new(&lanes);
    let results: Vec<_> = (0..MANY).map(|position| slow.param(MANY - 1 - position)).collect();
    let slow = slow.finish(&results);
    let mut builder = Builder::new();
    let region = builder.region(slow);
    let mut lane = RegionBuilder::new(&[Lane::F64]);
    let x = lane.param(0);
    let mut args = Vec::new();
    for number in 0..MANY {
        let term = lane.constant(Scalar::f64(number as f64));
        args.push(lane.prim(Prim::FAdd, &[x, term]));
    }
    let zero = lane.constant(Scalar::f64(0.0));
    let mask = lane.prim(Prim::FLt, &[x, zero]);
    let rare = Control::Rare { mask, region, args: args.clone(), otherwise: args };
    let results = lane.control(rare, &lanes);
    let mut sum = results[0];
    for &result in &results[1..] {
        sum = lane.prim(Prim::FMul, &[sum, result]);
    }
    builder.input(Mem::F64, InputClass::Stream);
    builder.output(output(Mem::F64));
    let kernel = verify(builder.finish(lane.finish(&[sum]))).expect("a kernel");
    for &level in Level::ALL {
        let declined = Program::of(&kernel, level).err();
        assert!(
            matches!(declined, Some(CodegenError::Unsupported { .. })),
            "{level}: {declined:?}"
        );
    }
}

/// Code that no processor would be given: larger than the limit.
#[test]
fn too_large_code_is_declined() {
    let kernel = many_values(120_000, Lane::F64);
    let declined = Program::of(&kernel, Level::Avx2).err();
    assert!(matches!(declined, Some(CodegenError::TooLarge { .. })), "{declined:?}");
}
