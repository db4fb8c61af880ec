//! Syntax tree to typed graph to optimised graph to a program of kernels.
