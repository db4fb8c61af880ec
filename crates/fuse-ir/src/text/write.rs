//! Printing kernels. Ids that lead nowhere are printed as they are: broken kernels print too.

use std::fmt::{self, Display, Formatter};

use crate::kernel::{
    Control, Fold, InputClass, Kernel, Node, OperandInput, OperandOutput, Region, Scalar, Table,
};
use crate::lane::Lane;
use crate::prim::signed;

impl Display for Kernel {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (index, table) in self.tables.iter().enumerate() {
            write_table(f, index, table)?;
        }
        for (index, region) in self.regions.iter().enumerate() {
            write_region(f, format_args!("region{index}"), region)?;
        }
        for (index, input) in self.inputs.iter().enumerate() {
            write_input(f, index, input)?;
        }
        if self.uniform != Region::default() {
            write_region(f, format_args!("uniform"), &self.uniform)?;
        }
        if self.lane != Region::default() {
            write_region(f, format_args!("lane"), &self.lane)?;
        }
        for (index, output) in self.outputs.iter().enumerate() {
            write_output(f, index, output)?;
        }
        for (index, fold) in self.folds.iter().enumerate() {
            write_fold(f, index, fold)?;
        }
        Ok(())
    }
}

fn write_table(f: &mut Formatter<'_>, index: usize, table: &Table) -> fmt::Result {
    let entries = table.entries.iter().map(|&bits| Constant(Scalar { lane: table.lane, bits }));
    writeln!(f, "table{index}.{} ={}", table.lane, Spaced(&List(entries.collect())))
}

fn write_input(f: &mut Formatter<'_>, index: usize, input: &OperandInput) -> fmt::Result {
    let class = match input.class {
        InputClass::Stream => "stream",
        InputClass::Splat => "splat",
    };
    writeln!(f, "input{index} = {} {class}", input.mem)
}

fn write_output(f: &mut Formatter<'_>, index: usize, output: &OperandOutput) -> fmt::Result {
    let never_nan = if output.never_nan { " never_nan" } else { "" };
    writeln!(f, "output{index} = {}{never_nan}", output.mem)
}

fn write_fold(f: &mut Formatter<'_>, index: usize, fold: &Fold) -> fmt::Result {
    write!(f, "fold{index} =")?;
    for (position, slot) in fold.state.iter().enumerate() {
        let comma = if position == 0 { "" } else { "," };
        write!(f, "{comma} {} {}", slot.init.lane, Constant(slot.init))?;
    }
    writeln!(f)?;
    write_region(f, format_args!("fold{index}.step"), &fold.step)?;
    write_region(f, format_args!("fold{index}.merge"), &fold.merge)?;
    write_region(f, format_args!("fold{index}.finish"), &fold.finish)
}

fn write_region(f: &mut Formatter<'_>, name: fmt::Arguments<'_>, region: &Region) -> fmt::Result {
    writeln!(f, "{name}({})", List(region.params.clone()))?;
    let mut controls = region.controls.iter().enumerate();
    let mut n_printed = 0;
    for ((value, node), lane) in region.iter().zip(&region.lanes) {
        if let Node::Result { control, .. } = node {
            while n_printed <= control as usize {
                let Some((index, control)) = controls.next() else { break };
                write_control(f, index, control)?;
                n_printed += 1;
            }
        }
        write!(f, "  {value} = ")?;
        write_node(f, node, *lane)?;
    }
    for (index, control) in controls {
        write_control(f, index, control)?;
    }
    writeln!(f, "  return{}", Spaced(&List(region.results.clone())))
}

fn write_node(f: &mut Formatter<'_>, node: Node, lane: Lane) -> fmt::Result {
    match node {
        Node::Param(position) => writeln!(f, "param.{lane} {position}"),
        Node::Const(scalar) => writeln!(f, "const.{lane} {}", Constant(scalar)),
        Node::Prim(prim, _) => {
            let args = List(node.args().to_vec());
            writeln!(f, "{}.{lane}{}", prim.mnemonic(), Spaced(&args))
        }
        Node::Lookup(table, index) => writeln!(f, "lookup.{lane} {table}, {index}"),
        Node::Result { control, index } => writeln!(f, "result.{lane} c{control}.{index}"),
    }
}

fn write_control(f: &mut Formatter<'_>, index: usize, control: &Control) -> fmt::Result {
    write!(f, "  c{index} = ")?;
    match control {
        Control::Rare { mask, region, args, otherwise } => {
            let (args, otherwise) = (List(args.clone()), List(otherwise.clone()));
            writeln!(f, "rare {mask}, {region}({args}) else ({otherwise})")
        }
        Control::Repeat { at_most, region, init } => {
            writeln!(f, "repeat {at_most}, {region}({})", List(init.clone()))
        }
    }
}

/// Items with commas between.
struct List<T>(Vec<T>);

impl<T: Display> Display for List<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (index, item) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{item}")?;
        }
        Ok(())
    }
}

/// A list with a blank before it, unless it is empty.
struct Spaced<'a, T>(&'a List<T>);

impl<T: Display> Display for Spaced<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.0.0.is_empty() { Ok(()) } else { write!(f, " {}", self.0) }
    }
}

/// A constant without its lane type. Whatever has no shorter exact form is written as bits.
struct Constant(Scalar);

impl Display for Constant {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Scalar { lane, bits } = self.0;
        let fits = bits & !lane.all_ones() == 0;
        match lane {
            Lane::Mask if fits => write!(f, "{}", bits != 0),
            Lane::I8 | Lane::I16 | Lane::I32 | Lane::I64 if fits => {
                write!(f, "{}", signed(lane, bits))
            }
            Lane::F32 if fits => write_float(f, f32::from_bits((bits & 0xffff_ffff) as u32), bits),
            Lane::F64 => write_float(f, f64::from_bits(bits), bits),
            Lane::Mask | Lane::I8 | Lane::I16 | Lane::I32 | Lane::I64 | Lane::F32 => {
                write!(f, "{bits:#x}")
            }
        }
    }
}

/// `{:?}` prints the shortest decimal that reads back as the same float; NaNs become bits.
fn write_float<F: PartialEq + fmt::Debug>(
    f: &mut Formatter<'_>,
    value: F,
    bits: u64,
) -> fmt::Result {
    #[expect(clippy::eq_op, reason = "only a NaN differs from itself")]
    if value == value { write!(f, "{value:?}") } else { write!(f, "{bits:#x}") }
}
