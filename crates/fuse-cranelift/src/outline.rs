//! Regions out of line: one function per region and way of calling it, however often it is used.
//!
//! `extern "preserve_all" fn(frame)`: the callee saves every register that it touches, so that a
//! cold call costs the hot path neither a spill nor a register.
//!
//! | frame | |
//! |---|---|
//! | mask | S bytes, all ones or zeros: the lanes that want the result (rare only) |
//! | parameters | S lanes each, masks as bytes |
//! | results | S lanes each |
//!
//! Each starts at a multiple of 16. S is the caller's group; the function works on fewer lanes at
//! once, in a loop over the frame:
//!
//! ```text
//! rare:    for each group: if any(mask) { results = region(parameters) }
//! repeat:  for each group: active = all; do { next, go_on = region(state);
//!              state = blend(active, next, state); active &= go_on } while any(active), at most n
//! ```
//!
//! Tried and rejected: inlining regions in cold blocks. Forty uses of a slow path of 200 nodes took
//! more time to compile than all the rest, and register allocation spilled around them.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    AbiParam, BlockArg, ExtFuncData, ExternalName, FuncRef, InstBuilder, Signature, StackSlot,
    StackSlotData, StackSlotKind, UserExternalName, Value, types,
};
use cranelift_codegen::isa::CallConv;
use cranelift_frontend::FunctionBuilder;
use fuse_ir::{CodegenError, Kernel, Lane, Region, RegionId};

use crate::held::Held;
use crate::region::{
    Code, append_params, block_args, emit_region, load_from_frame, store_to_frame,
};
use crate::target::Features;
use crate::vector::{Parts, VECTOR_BYTES, Vectors, lane_bytes};
use crate::width;

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

/// A function out of line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outline {
    pub(crate) kind: OutlineKind,
    pub(crate) region: RegionId,
    /// Lanes of the caller's group.
    pub(crate) lanes: usize,
}

/// The functions out of line that a kernel needs, in the order of their first use.
#[derive(Debug, Default)]
pub(crate) struct Outlines(Vec<Outline>);

impl Outlines {
    /// The number of a function, which is added when new.
    pub(crate) fn number(&mut self, outline: Outline) -> usize {
        let known = self.0.iter().position(|other| *other == outline);
        known.unwrap_or_else(|| {
            self.0.push(outline);
            self.0.len() - 1
        })
    }

    /// The function of that number.
    pub(crate) fn get(&self, number: usize) -> Option<Outline> {
        self.0.get(number).copied()
    }
}

/// Where operands and results lie in a frame.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) mask: i32,
    pub(crate) params: Vec<(Lane, i32)>,
    pub(crate) results: Vec<(Lane, i32)>,
    bytes: i32,
}

impl Frame {
    /// The frame of a function out of line.
    pub(crate) fn of(kernel: &Kernel, outline: Outline) -> Frame {
        let region = &kernel.regions[outline.region.index()];
        let mut bytes = 0;
        let mut place = |lane: Lane| {
            let offset = bytes;
            let size = (outline.lanes * lane_bytes(lane)).next_multiple_of(VECTOR_BYTES);
            bytes += i32::try_from(size).unwrap_or_default();
            (lane, offset)
        };
        let (_, mask) = place(Lane::Mask);
        let params = region.params.iter().map(|&lane| place(lane)).collect();
        let n_results = match outline.kind {
            OutlineKind::Rare => region.results.len(),
            OutlineKind::Repeat { .. } => region.results.len() - 1,
        };
        let results = region.result_lanes().take(n_results).map(place).collect();
        Frame { mask, params, results, bytes }
    }
}

/// Sets the signature of functions out of line.
pub(crate) fn signature() -> Signature {
    let mut signature = Signature::new(CallConv::PreserveAll);
    signature.params.push(AbiParam::new(types::I64));
    signature
}

/// Makes a function out of line known to its caller, with room for its frame.
pub(crate) fn declare(
    builder: &mut FunctionBuilder<'_>,
    number: usize,
    frame: &Frame,
) -> (FuncRef, StackSlot) {
    let index = u32::try_from(number).unwrap_or(u32::MAX);
    let name = UserExternalName::new(0, index);
    let name = ExternalName::user(builder.func.declare_imported_user_function(name));
    let signature = builder.import_signature(signature());
    let data = ExtFuncData { name, signature, colocated: true, patchable: false };
    let bytes = u32::try_from(frame.bytes).unwrap_or_default();
    let slot = StackSlotData::new(StackSlotKind::ExplicitSlot, bytes, 4);
    (builder.func.import_function(data), builder.create_sized_stack_slot(slot))
}

/// Emits a function out of line into an empty function of the right signature.
pub(crate) fn emit(
    builder: &mut FunctionBuilder<'_>,
    code: &mut Code<'_>,
    features: Features,
    outline: Outline,
) -> Result<(), CodegenError> {
    let kernel = code.kernel;
    let region = &kernel.regions[outline.region.index()];
    let frame = Frame::of(kernel, outline);
    let lanes = lanes_within(region, outline, features);
    let mut v = Vectors { builder, features, lanes };
    let entry = v.builder.create_block();
    v.builder.append_block_params_for_function_params(entry);
    v.builder.switch_to_block(entry);
    let pointer = v.builder.block_params(entry)[0];

    let [group, next, exit] = [(); 3].map(|()| v.builder.create_block());
    let lane = v.builder.append_block_param(group, types::I64);
    let zero = v.builder.ins().iconst(types::I64, 0);
    v.builder.ins().jump(group, &[zero.into()]);
    v.builder.switch_to_block(group);
    let window = Window { pointer, lane };
    match outline.kind {
        OutlineKind::Rare => {
            let work = v.builder.create_block();
            let mask = window.load(&mut v, Lane::Mask, frame.mask);
            let any = v.any(&mask.parts, 1);
            v.builder.ins().brif(any, work, &[], next, &[]);
            v.builder.switch_to_block(work);
            let results = emit_region(&mut v, code, region, None, &mut |v, position| {
                let (lane, offset) = frame.params[position];
                window.load(v, lane, offset)
            })?;
            window.store_all(&mut v, &results, &frame);
        }
        OutlineKind::Repeat { at_most } => {
            let state = frame.params.iter().map(|&(lane, at)| window.load(&mut v, lane, at));
            let state = state.collect();
            let state = emit_repeat(&mut v, code, region, at_most, state)?;
            window.store_all(&mut v, &state, &frame);
        }
    }
    v.builder.ins().jump(next, &[]);
    v.builder.switch_to_block(next);
    let step = v.builder.ins().iadd_imm_s(lane, lanes as i64);
    let more = v.builder.ins().icmp_imm_u(IntCC::UnsignedLessThan, step, outline.lanes as i64);
    v.builder.ins().brif(more, group, &[step.into()], exit, &[]);
    v.builder.switch_to_block(exit);
    v.builder.ins().return_(&[]);
    Ok(())
}

/// Lanes that the function works on at once: few for slow paths, enough to overlap for loops.
fn lanes_within(region: &Region, outline: Outline, features: Features) -> usize {
    let chains = match outline.kind {
        OutlineKind::Rare => 1,
        OutlineKind::Repeat { .. } => 4,
    };
    width::lanes_of_region(region, chains, features).min(outline.lanes)
}

/// The part of a frame that one group of lanes sees.
#[derive(Clone, Copy)]
struct Window {
    pointer: Value,
    lane: Value,
}

impl Window {
    fn load(self, v: &mut Vectors<'_, '_>, lane: Lane, offset: i32) -> Held {
        let address = v.address(self.pointer, Some(self.lane), lane_bytes(lane));
        load_from_frame(v, lane, address, offset)
    }

    fn store_all(self, v: &mut Vectors<'_, '_>, results: &[Held], frame: &Frame) {
        for (held, &(lane, offset)) in results.iter().zip(&frame.results) {
            let address = v.address(self.pointer, Some(self.lane), lane_bytes(lane));
            store_to_frame(v, held, address, offset);
        }
    }
}

/// The loop of a `repeat`, masks carried at the width of the region's widest lane.
fn emit_repeat(
    v: &mut Vectors<'_, '_>,
    code: &mut Code<'_>,
    region: &Region,
    at_most: u32,
    state: Vec<Held>,
) -> Result<Vec<Held>, CodegenError> {
    let width = width::widest(region);
    let carry = |v: &mut Vectors<'_, '_>, held: &Held| match held.lane {
        Lane::Mask => v.mask_held_at(held, width),
        Lane::I8 | Lane::I16 | Lane::I32 | Lane::I64 | Lane::F32 | Lane::F64 => held.clone(),
    };
    let state: Vec<Held> = state.iter().map(|held| carry(v, held)).collect();
    let ones = v.splat_int(width, u64::MAX);
    let all = Held::mask(width, Parts::from_elem(ones, v.n_parts(width)));

    let [body, exit] = [(); 2].map(|()| v.builder.create_block());
    let count = v.builder.append_block_param(body, types::I32);
    let active = append_params(v, body, &all);
    let current: Vec<Held> = state.iter().map(|held| append_params(v, body, held)).collect();
    let finals: Vec<Held> = state.iter().map(|held| append_params(v, exit, held)).collect();
    let zero = v.builder.ins().iconst(types::I32, 0);
    v.builder.ins().jump(body, &loop_args(zero, &all, &state));

    v.builder.switch_to_block(body);
    let given = current.clone();
    let mut next = emit_region(v, code, region, None, &mut |_, position| given[position].clone())?;
    let go_on = next.pop().map(|mask| v.mask_at(&mask, width)).unwrap_or_default();
    let next: Vec<Held> = next
        .iter()
        .zip(&current)
        .map(|(next, current)| v.blend_held(&active, next, current))
        .collect();
    let still = active.parts.iter().zip(&go_on).map(|(&a, &b)| v.builder.ins().band(a, b));
    let still = active.with_parts(still.collect());
    let any = v.any(&still.parts, width);
    let count = v.builder.ins().iadd_imm_s(count, 1);
    let limit = v.builder.ins().iconst(types::I32, i64::from(at_most));
    let below = v.builder.ins().icmp(IntCC::UnsignedLessThan, count, limit);
    let more = v.builder.ins().band(any, below);
    v.builder.ins().brif(more, body, &loop_args(count, &still, &next), exit, &block_args(&next));
    v.builder.switch_to_block(exit);
    Ok(finals)
}

fn loop_args(count: Value, active: &Held, state: &[Held]) -> Vec<BlockArg> {
    let mut args: Vec<BlockArg> = vec![count.into()];
    args.extend(active.parts.iter().map(|&part| BlockArg::from(part)));
    args.extend(block_args(state));
    args
}
