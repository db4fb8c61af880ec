//! What functions take beside their operands: literals, by name or, the axis, by position.

/// A parameter of a reduction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parameter {
    /// The axes that are reduced: an integer, a tuple of them, or None for all; by position too.
    Axis,
    /// As [`Parameter::Axis`], by name only.
    NamedAxis,
    /// Do the reduced axes stay, with extent 1?
    Keepdims,
    /// What the number of elements is lessened by.
    Ddof,
}

/// The parameters of most reductions.
pub(crate) const REDUCTION: &[Parameter] = &[Parameter::Axis, Parameter::Keepdims];

impl Parameter {
    /// Its name in a call.
    pub fn name(self) -> &'static str {
        match self {
            Parameter::Axis | Parameter::NamedAxis => "axis",
            Parameter::Keepdims => "keepdims",
            Parameter::Ddof => "ddof",
        }
    }

    /// What stands for it where it is not given.
    pub fn default_text(self) -> &'static str {
        match self {
            Parameter::Axis | Parameter::NamedAxis => "None",
            Parameter::Keepdims => "False",
            Parameter::Ddof => "0",
        }
    }
}
