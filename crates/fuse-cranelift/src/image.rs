//! All functions of a kernel as one piece of code.
//!
//! ```text
//! │ run │ run_uniform │ out of line 0 │ out of line 1 │ …     each with its constants behind it
//! ```
//!
//! Calls out of line are relative to their own place, so the image runs wherever it is put. Those are
//! the only relocations there may be; code that wants another is refused.

use cranelift_codegen::Context;
use cranelift_codegen::FinalizedRelocTarget;
use cranelift_codegen::binemit::Reloc;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::{AbiParam, ExternalName, Function, Signature, types};
use cranelift_codegen::isa::CallConv;
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use fuse_ir::{CodegenError, Kernel};

use crate::outline::{self, Outlines};
use crate::region::Code;
use crate::tables::Tables;
use crate::target::{Target, internal};
use crate::{gate, loops, prefetch};

/// What a function starts at a multiple of, at least.
const ALIGNMENT: usize = 32;
/// Code beyond this is refused.
const LARGEST: usize = 4 << 20;

/// Machine code of a kernel, and where `run_uniform` starts; `run` starts at 0.
#[derive(Debug, Default)]
pub(crate) struct Image {
    pub(crate) bytes: Vec<u8>,
    /// None where the uniform region has no results.
    pub(crate) run_uniform: Option<usize>,
    /// CLIF and machine code as text, where wanted.
    pub(crate) intermediate: String,
    pub(crate) assembly: String,
}

/// Is text wanted along with the code?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Text {
    /// No.
    None,
    /// CLIF and machine code.
    Listing,
}

/// A call whose target is not placed yet.
struct Call {
    at: usize,
    kind: Reloc,
    addend: i64,
    outline: usize,
}

/// Compiles a kernel.
///
/// # Errors
/// [`CodegenError`]; nothing here panics on a verified kernel, and what does below is caught above.
pub(crate) fn compile(
    target: &Target,
    kernel: &Kernel,
    tables: &Tables,
    text: Text,
) -> Result<Image, CodegenError> {
    let mut outlines = Outlines::default();
    let mut assembler = Assembler {
        target,
        text,
        image: Image::default(),
        calls: Vec::new(),
        context: Context::new(),
        scratch: FunctionBuilderContext::new(),
    };
    let features = target.features;
    assembler.add("run", entry_signature(), |builder| {
        loops::emit_run(builder, &mut Code::new(kernel, tables, &mut outlines), features)
    })?;
    if !kernel.uniform.results.is_empty() {
        let start = assembler.add("run_uniform", entry_signature(), |builder| {
            loops::emit_uniform(builder, &mut Code::new(kernel, tables, &mut outlines), features)
        })?;
        assembler.image.run_uniform = Some(start);
    }
    let mut starts = Vec::new();
    while let Some(outline) = outlines.get(starts.len()) {
        let name = format!("{:?} {} of {} lanes", outline.kind, outline.region, outline.lanes);
        starts.push(assembler.add(&name, outline::signature(), |builder| {
            let mut code = Code::new(kernel, tables, &mut outlines);
            outline::emit(builder, &mut code, features, outline)
        })?);
    }
    assembler.link(&starts)?;
    Ok(assembler.image)
}

/// `extern "C" fn(*const KernelArgs)`.
fn entry_signature() -> Signature {
    let mut signature = Signature::new(CallConv::SystemV);
    signature.params.push(AbiParam::new(types::I64));
    signature
}

struct Assembler<'t> {
    target: &'t Target,
    text: Text,
    image: Image,
    calls: Vec<Call>,
    context: Context,
    scratch: FunctionBuilderContext,
}

impl Assembler<'_> {
    /// Emits, compiles and appends a function; gives its offset.
    fn add(
        &mut self,
        name: &str,
        signature: Signature,
        emit: impl FnOnce(&mut FunctionBuilder<'_>) -> Result<(), CodegenError>,
    ) -> Result<usize, CodegenError> {
        let isa = self.target.isa.as_ref();
        self.context.clear();
        self.context.func = Function::with_name_signature(Default::default(), signature);
        let mut builder = FunctionBuilder::new(&mut self.context.func, &mut self.scratch);
        emit(&mut builder)?;
        builder.seal_all_blocks();
        builder.finalize(isa.frontend_config());
        gate::check(&self.context.func)?;
        if self.text == Text::Listing {
            self.image.intermediate += &format!("; {name}\n{}\n", self.context.func.display());
            self.context.set_disasm(true);
        }
        let compiled = self.context.compile(isa, &mut ControlPlane::default());
        compiled.map_err(|error| internal(format!("{:?}", error.inner)))?;
        let compiled = self.context.compiled_code().ok_or_else(|| internal("no code"))?;
        if let Some(vcode) = &compiled.vcode {
            self.image.assembly += &format!("; {name}\n{vcode}\n");
        }
        let alignment = ALIGNMENT.max(compiled.buffer.alignment as usize);
        let start = self.image.bytes.len().next_multiple_of(alignment);
        self.image.bytes.resize(start, 0);
        self.image.bytes.extend_from_slice(compiled.code_buffer());
        let patched =
            prefetch::patch(&self.context.func, compiled, &mut self.image.bytes[start..])?;
        if patched > 0 && self.text == Text::Listing {
            self.image.assembly += "; movzbq of what no instruction reads: a prefetch\n";
        }
        for relocation in compiled.buffer.relocs() {
            let outline = outline_called(&self.context.func, &relocation.target)?;
            let at = start + relocation.offset as usize;
            let (kind, addend) = (relocation.kind, relocation.addend);
            self.calls.push(Call { at, kind, addend, outline });
        }
        if self.image.bytes.len() > LARGEST {
            return Err(CodegenError::TooLarge { bytes: self.image.bytes.len(), limit: LARGEST });
        }
        Ok(start)
    }

    /// Fills in the calls.
    fn link(&mut self, starts: &[usize]) -> Result<(), CodegenError> {
        for call in &self.calls {
            let target = starts.get(call.outline).copied();
            let target =
                target.ok_or_else(|| internal("a call of a function that is not there"))?;
            let distance = target as i64 + call.addend - call.at as i64;
            let field = self.image.bytes.get_mut(call.at..call.at + 4);
            let field = field.ok_or_else(|| internal("a call beyond the code"))?;
            let patched = match call.kind {
                Reloc::X86CallPCRel4 => i32::try_from(distance).ok().map(i32::to_le_bytes),
                Reloc::Arm64Call => arm_branch(field, distance),
                other => return Err(internal(format!("a relocation of kind {other:?}"))),
            };
            let patched = patched.ok_or_else(|| internal("a call too far"))?;
            field.copy_from_slice(&patched);
        }
        Ok(())
    }
}

/// `bl` with a distance of ±128 MiB in words.
fn arm_branch(instruction: &[u8], distance: i64) -> Option<[u8; 4]> {
    let opcode = u32::from_le_bytes(instruction.try_into().ok()?) & 0xfc00_0000;
    let words = i32::try_from(distance / 4).ok().filter(|words| words.abs() < 1 << 25)?;
    Some((opcode | (words.cast_unsigned() & 0x03ff_ffff)).to_le_bytes())
}

/// The function out of line that a relocation names; code needs no other symbol.
fn outline_called(
    function: &Function,
    target: &FinalizedRelocTarget,
) -> Result<usize, CodegenError> {
    if let FinalizedRelocTarget::ExternalName(ExternalName::User(name)) = target {
        return Ok(function.params.user_named_funcs()[*name].index as usize);
    }
    Err(internal(format!("a relocation to {}", target.display(None))))
}
