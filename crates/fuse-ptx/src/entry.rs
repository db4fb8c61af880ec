//! What all entries share: parameters, the thread's place in the grid, loops over it, walks.
//!
//! | register | holds |
//! |---|---|
//! | one `%rd` a parameter | the parameter; addresses are converted to `.global` |
//! | `me` | the thread's number in the grid, as wide as the module's indices |
//! | `step` | threads of the grid |
//!
//! `.minnctapersm 1` lets the assembler use as many registers as a thread can have. Left to itself it spills
//! a few to fit one more block on a multiprocessor.
//!
//! A loop runs from `me` by `step`, so that neighbouring threads have neighbouring items. Indices of 32 bits
//! cost less: one multiply-add (`mad.wide.u32`) makes an address of one.

use fuse_ir::device::{Entry, IndexWidth, Loads, ModuleOptions, Param, THREADS, Walk, walk_rank};
use fuse_ir::{Kernel, Lane, Pass};
use rustc_hash::FxHashMap;

use crate::body::{Body, Class, Reg, Value, line};
use crate::memory::{canonical, load_through};
use crate::region::Scope;

/// One entry in the making.
pub(crate) struct EntryBody<'m> {
    pub(crate) body: Body,
    pub(crate) pass: &'m Pass,
    pub(crate) scope: Scope<'m>,
    form: Entry,
    options: ModuleOptions,
    params: FxHashMap<Param, Reg>,
}

impl<'m> EntryBody<'m> {
    /// An entry whose parameters are loaded.
    pub(crate) fn new(
        pass: &'m Pass,
        scope: Scope<'m>,
        form: Entry,
        options: ModuleOptions,
    ) -> EntryBody<'m> {
        let mut entry = EntryBody {
            body: Body::default(),
            pass,
            scope,
            form,
            options,
            params: FxHashMap::default(),
        };
        for param in form.params(pass) {
            let reg = entry.body.reg(Class::B64);
            line!(entry.body, "ld.param.u64 {reg}, [{}];", name(param));
            if is_address(param) {
                line!(entry.body, "cvta.to.global.u64 {reg}, {reg};");
            }
            entry.params.insert(param, reg);
        }
        entry
    }

    /// The entry as text.
    pub(crate) fn finish(self, symbol: &str) -> String {
        let params = self.form.params(self.pass);
        let params: Vec<String> =
            params.into_iter().map(|param| format!("\t.param .u64 {}", name(param))).collect();
        format!(
            ".visible .entry {symbol}(\n{}\n)\n.maxntid {THREADS}, 1, 1\n.minnctapersm 1\n{}",
            params.join(",\n"),
            self.body.finish()
        )
    }

    pub(crate) fn kernel(&self) -> &'m Kernel {
        self.scope.kernel
    }

    /// The 64-bit parameter.
    pub(crate) fn param(&self, param: Param) -> Reg {
        self.params[&param]
    }

    /// The class of indices.
    pub(crate) fn index_class(&self) -> Class {
        match self.options.index {
            IndexWidth::W32 => Class::B32,
            IndexWidth::W64 => Class::B64,
        }
    }

    /// The type by which indices are computed.
    pub(crate) fn index_ty(&self) -> &'static str {
        match self.options.index {
            IndexWidth::W32 => "u32",
            IndexWidth::W64 => "u64",
        }
    }

    /// A parameter as an index.
    pub(crate) fn index_param(&mut self, param: Param) -> Reg {
        let wide = self.param(param);
        self.narrowed(wide)
    }

    fn narrowed(&mut self, wide: Reg) -> Reg {
        match self.options.index {
            IndexWidth::W64 => wide,
            IndexWidth::W32 => {
                let narrow = self.body.reg(Class::B32);
                line!(self.body, "cvt.u32.u64 {narrow}, {wide};");
                narrow
            }
        }
    }

    /// An index as 64 bits.
    pub(crate) fn widened(&mut self, index: Reg) -> Reg {
        match self.options.index {
            IndexWidth::W64 => index,
            IndexWidth::W32 => {
                let wide = self.body.reg(Class::B64);
                line!(self.body, "cvt.u64.u32 {wide}, {index};");
                wide
            }
        }
    }

    /// A 32-bit number as an index.
    pub(crate) fn as_index(&mut self, word: Reg) -> Reg {
        match self.options.index {
            IndexWidth::W32 => word,
            IndexWidth::W64 => {
                let wide = self.body.reg(Class::B64);
                line!(self.body, "cvt.u64.u32 {wide}, {word};");
                wide
            }
        }
    }

    /// `op.ty result, a, b` on indices.
    pub(crate) fn index_op(&mut self, op: &str, a: Reg, b: impl Into<Operand>) -> Reg {
        let (result, ty) = (self.body.reg(self.index_class()), self.index_ty());
        line!(self.body, "{op}.{ty} {result}, {a}, {};", b.into().0);
        result
    }

    /// `op.ty result, a, b, c` on indices.
    pub(crate) fn index_mad(&mut self, a: Reg, b: impl Into<Operand>, c: Reg) -> Reg {
        let (result, ty) = (self.body.reg(self.index_class()), self.index_ty());
        line!(self.body, "mad.lo.{ty} {result}, {a}, {}, {c};", b.into().0);
        result
    }

    /// A special register.
    pub(crate) fn special(&mut self, name: &str) -> Reg {
        let reg = self.body.reg(Class::B32);
        line!(self.body, "mov.u32 {reg}, %{name};");
        reg
    }

    /// The thread's number in the grid, and the number of threads there.
    pub(crate) fn me_and_step(&mut self) -> (Reg, Reg) {
        self.place_in_grid(|entry| entry.special("tid.x"), THREADS)
    }

    /// `block · each + own`, and `blocks · each`.
    pub(crate) fn place_in_grid(
        &mut self,
        own: impl FnOnce(&mut Self) -> Reg,
        each: u32,
    ) -> (Reg, Reg) {
        let own = own(self);
        let (block, blocks) = (self.special("ctaid.x"), self.special("nctaid.x"));
        let (own, block, blocks) =
            (self.as_index(own), self.as_index(block), self.as_index(blocks));
        (self.index_mad(block, each, own), self.index_op("mul.lo", blocks, each))
    }

    /// Runs `item` for `first`, `first + step`, … below `end`.
    pub(crate) fn each(
        &mut self,
        (first, end, step): (Reg, Reg, Reg),
        item: impl FnOnce(&mut Self, Reg),
    ) {
        let (class, ty) = (self.index_class(), self.index_ty());
        let (index, past, more) =
            (self.body.reg(class), self.body.reg(Class::Pred), self.body.reg(Class::Pred));
        let (top, done) = (self.body.label(), self.body.label());
        self.body.set(index, first.into());
        line!(self.body, "setp.ge.{ty} {past}, {index}, {end};");
        line!(self.body, "@{past} bra {done};");
        self.body.place(top);
        item(self, index);
        line!(self.body, "add.{ty} {index}, {index}, {step};");
        line!(self.body, "setp.lt.{ty} {more}, {index}, {end};");
        line!(self.body, "@{more} bra {top};");
        self.body.place(done);
    }

    /// Runs `then` if `a relation b`.
    pub(crate) fn when(
        &mut self,
        (a, relation, b): (Reg, &str, Reg),
        then: impl FnOnce(&mut Self),
    ) {
        let (ty, holds) = (self.index_ty(), self.body.reg(Class::Pred));
        line!(self.body, "setp.{relation}.{ty} {holds}, {a}, {b};");
        let past = self.body.label();
        line!(self.body, "@!{holds} bra {past};");
        then(self);
        self.body.place(past);
    }

    /// `base + index · size`.
    pub(crate) fn address(&mut self, base: Reg, index: Reg, size: usize) -> Reg {
        let address = self.body.reg(Class::B64);
        match self.options.index {
            IndexWidth::W32 => line!(self.body, "mad.wide.u32 {address}, {index}, {size}, {base};"),
            IndexWidth::W64 => line!(self.body, "mad.lo.u64 {address}, {index}, {size}, {base};"),
        }
        address
    }

    /// The instruction that reads array inputs.
    pub(crate) fn load_input(&self) -> &'static str {
        match self.options.loads {
            Loads::NonCoherent => "ld.global.nc",
            Loads::Coherent => "ld.global",
        }
    }

    /// The results of the uniform region.
    pub(crate) fn uniforms(&mut self) -> Vec<Value> {
        let lanes: Vec<Lane> = self.kernel().uniform.result_lanes().collect();
        let load = |(position, lane): (usize, Lane)| {
            let (base, at) = (self.param(Param::Uniforms), self.body.reg(Class::B64));
            line!(self.body, "add.u64 {at}, {base}, {};", 8 * position);
            load_through(&mut self.body, "ld.global", lane.mem(), at)
        };
        lanes.into_iter().enumerate().map(load).collect()
    }

    /// What `lane_index` gives at the first of the `width` elements of an item, if the kernel asks.
    pub(crate) fn position(&mut self, index: Reg, width: usize) -> Option<Value> {
        if !self.kernel().reads_index() {
            return None;
        }
        let (wide, first) = (self.widened(index), self.param(Param::First));
        let position = self.body.reg(Class::B64);
        line!(self.body, "mad.lo.u64 {position}, {wide}, {width}, {first};");
        Some(position.into())
    }

    /// The lane region's outputs, NaNs made canonical, and after them the folds' arguments.
    pub(crate) fn lane_results(
        &mut self,
        inputs: &[Value],
        uniforms: &[Value],
        position: Option<Value>,
    ) -> Vec<Value> {
        let kernel = self.kernel();
        let params = [inputs, uniforms].concat();
        let mut results = self.scope.emit(&mut self.body, &kernel.lane, &params, position);
        for (result, output) in results.iter_mut().zip(&kernel.outputs) {
            if !output.never_nan {
                *result = canonical(&mut self.body, output.mem.lane(), *result);
            }
        }
        results
    }

    /// Takes an index apart by the dimensions of a walk, outermost first, as 64-bit numbers.
    pub(crate) fn take_apart(&mut self, walk: Walk, index: Reg) -> Vec<Reg> {
        let rank = walk_rank(self.pass, walk);
        let mut rest = index;
        let mut indices = Vec::new();
        for dim in (1..rank).map(fuse_ir::index_u32).rev() {
            let (quotient, remainder) = self.divided(rest, walk, dim);
            indices.push(self.widened(remainder));
            rest = quotient;
        }
        indices.push(self.widened(rest));
        indices.reverse();
        indices
    }

    /// Quotient and remainder of an index and the extent of a dimension.
    fn divided(&mut self, index: Reg, walk: Walk, dim: u32) -> (Reg, Reg) {
        let extent = self.index_param(Param::Extent(walk, dim));
        let quotient = match self.options.index {
            IndexWidth::W64 => self.index_op("div", index, extent),
            IndexWidth::W32 => {
                let divisor = self.param(Param::Divisor(walk, dim));
                let high = self.body.reg(Class::B64);
                line!(self.body, "shr.u64 {high}, {divisor}, 32;");
                let (multiplier, shift) = (self.narrowed(divisor), self.narrowed(high));
                let product = self.index_op("mul.hi", index, multiplier);
                let sum = self.index_op("add", product, index);
                self.index_op("shr", sum, shift)
            }
        };
        let whole = self.index_op("mul.lo", quotient, extent);
        (quotient, self.index_op("sub", index, whole))
    }

    /// Addresses of all operands, inputs then outputs, moved along a walk.
    pub(crate) fn moved(&mut self, walk: Walk, indices: &[Reg], bases: &[Reg]) -> Vec<Reg> {
        let mut addresses = Vec::new();
        for (operand, &base) in bases.iter().enumerate() {
            let mut address = base;
            for (dim, &index) in indices.iter().enumerate() {
                let (operand, dim) = (fuse_ir::index_u32(operand), fuse_ir::index_u32(dim));
                let stride = self.param(Param::Stride(walk, operand, dim));
                let next = self.body.reg(Class::B64);
                line!(self.body, "mad.lo.s64 {next}, {index}, {stride}, {address};");
                address = next;
            }
            addresses.push(address);
        }
        addresses
    }

    /// Where the inputs, then the outputs, begin.
    pub(crate) fn bases(&self) -> Vec<Reg> {
        let n_inputs = fuse_ir::index_u32(self.kernel().inputs.len());
        let n_outputs = fuse_ir::index_u32(self.kernel().outputs.len());
        let inputs = (0..n_inputs).map(Param::Input);
        inputs.chain((0..n_outputs).map(Param::Output)).map(|param| self.param(param)).collect()
    }
}

/// An operand of an index operation.
pub(crate) struct Operand(String);

impl From<Reg> for Operand {
    fn from(reg: Reg) -> Operand {
        Operand(reg.to_string())
    }
}

impl From<u32> for Operand {
    fn from(number: u32) -> Operand {
        Operand(number.to_string())
    }
}

/// The name of a parameter.
fn name(param: Param) -> String {
    let walked = |walk: Walk| match walk {
        Walk::Outer => "",
        Walk::Reduced => "reduced_",
    };
    match param {
        Param::Len => "len".to_string(),
        Param::First => "first".to_string(),
        Param::Outputs => "outputs".to_string(),
        Param::Blocks => "blocks".to_string(),
        Param::Uniforms => "uniforms".to_string(),
        Param::Scalar(position) => format!("scalar{position}"),
        Param::Input(position) => format!("input{position}"),
        Param::Output(position) => format!("output{position}"),
        Param::State(slot) => format!("state{slot}"),
        Param::Merged(slot) => format!("merged{slot}"),
        Param::Sink(sink) => format!("sink{sink}"),
        Param::SinkStride(sink) => format!("sink_stride{sink}"),
        Param::Extent(walk, dim) => format!("{}extent{dim}", walked(walk)),
        Param::Divisor(walk, dim) => format!("{}divisor{dim}", walked(walk)),
        Param::Stride(walk, operand, dim) => format!("{}stride{operand}_{dim}", walked(walk)),
    }
}

fn is_address(param: Param) -> bool {
    match param {
        Param::Uniforms
        | Param::Scalar(_)
        | Param::Input(_)
        | Param::Output(_)
        | Param::State(_)
        | Param::Merged(_)
        | Param::Sink(_) => true,
        Param::Len
        | Param::First
        | Param::Outputs
        | Param::Blocks
        | Param::SinkStride(_)
        | Param::Extent(..)
        | Param::Divisor(..)
        | Param::Stride(..) => false,
    }
}
