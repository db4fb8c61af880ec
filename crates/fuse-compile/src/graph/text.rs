//! The text form of graphs: one node a line, `%3: f64[x.0] = multiply %1 %2`.

use std::fmt;

use fuse_ir::{DType, Dim};

use super::{Constant, Graph, Node, NodeId};

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "%{}", self.index())
    }
}

impl fmt::Display for Constant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.dtype, self.as_float(), self.as_int()) {
            (DType::F32, Some(value), _) => write!(f, "{:?}", value as f32),
            (_, Some(value), _) => write!(f, "{value:?}"),
            (DType::U64, _, Some(value)) => write!(f, "{}", value.cast_unsigned()),
            (_, _, Some(value)) => write!(f, "{value}"),
            (DType::Bool, _, _) => f.write_str(if self.bits == 0 { "False" } else { "True" }),
            _ => write!(f, "{:#x}", self.bits),
        }
    }
}

impl Graph {
    fn write_type(&self, f: &mut fmt::Formatter<'_>, id: NodeId) -> fmt::Result {
        write!(f, "{}", self.dtype(id))?;
        let shape = self.shape(id);
        if shape.is_empty() {
            return Ok(());
        }
        f.write_str("[")?;
        for (position, dim) in shape.iter().enumerate() {
            let comma = if position > 0 { ", " } else { "" };
            match dim {
                Dim::One => write!(f, "{comma}1")?,
                Dim::Symbol(symbol) => {
                    let symbol = self.symbols[*symbol as usize];
                    let name = &self.inputs[symbol.input as usize].name;
                    write!(f, "{comma}{name}.{}", symbol.axis)?;
                }
            }
        }
        f.write_str("]")
    }
}

impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (id, node) in self.iter() {
            write!(f, "{id}: ")?;
            self.write_type(f, id)?;
            match node {
                Node::Input(position) => {
                    write!(f, " = input {}", self.inputs[position as usize].name)?;
                }
                Node::Const(constant) => write!(f, " = {constant}")?,
                Node::Apply(op, _) => write!(f, " = {}", op.row().name)?,
                Node::Power(_, exponent) => write!(f, " = power[{exponent}]")?,
            }
            for arg in node.args() {
                write!(f, " {arg}")?;
            }
            writeln!(f)?;
        }
        let results: Vec<String> = self.results.iter().map(ToString::to_string).collect();
        writeln!(f, "results {}", results.join(" "))
    }
}
