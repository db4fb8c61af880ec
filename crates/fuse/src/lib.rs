//! Expression-fusing JIT compiler for array formulas.
