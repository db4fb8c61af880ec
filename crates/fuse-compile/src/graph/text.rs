//! The text form of graphs: one node a line, `%3: f64[x.0] = multiply %1 %2`.

use std::fmt;

use fuse_ir::{DType, Dim, symbol_text};

use super::{Constant, Graph, Node, NodeId, Reduction, View};

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
                Dim::Symbol(symbol) => write!(f, "{comma}{}", self.symbol_text(*symbol))?,
            }
        }
        f.write_str("]")
    }

    /// `x.0` for the extent of an input's axis, `less(x.0, 1)` for what is computed from it.
    pub(crate) fn symbol_text(&self, symbol: u32) -> String {
        symbol_text(&self.symbols, symbol, &|input| &self.inputs[input as usize].name)
    }

    /// Start, step and extent along each axis of a view's operand, and the order of its axes.
    fn write_view(&self, f: &mut fmt::Formatter<'_>, view: &View) -> fmt::Result {
        f.write_str(" = view")?;
        for pick in &view.picks {
            write!(f, " {}", self.symbol_text(pick.start))?;
            if pick.extent != Dim::One {
                write!(f, "::{}", pick.step)?;
            }
        }
        let axis = |axis: &Option<u32>| axis.map_or("new".to_string(), |axis| axis.to_string());
        let axes: Vec<String> = view.axes.iter().map(axis).collect();
        write!(f, " axes ({}) of", axes.join(", "))
    }
}

impl Graph {
    /// The axes of a reduction, unless they are all.
    fn write_axes(&self, f: &mut fmt::Formatter<'_>, reduction: &Reduction) -> fmt::Result {
        if reduction.is_full() {
            return Ok(());
        }
        let axes: Vec<String> = reduction.axes.iter().map(ToString::to_string).collect();
        write!(f, " axes ({}) of", axes.join(", "))
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
                Node::Symbol(symbol) => write!(f, " = {}", self.symbol_text(symbol))?,
                Node::Index { axis, .. } => write!(f, " = index along axis {axis}")?,
                Node::Expand(..) => write!(f, " = expand")?,
                Node::View(_, view) => self.write_view(f, self.view_of(view))?,
                Node::Text(text) => write!(f, " = {}", self.text_of(text))?,
                Node::Predicate(op, _) => write!(f, " = {}", op.symbol())?,
                Node::Reduce(op, _, reduction) => {
                    write!(f, " = {}", op.row().name)?;
                    self.write_axes(f, &self.reduction(reduction))?;
                }
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
