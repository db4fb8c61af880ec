//! Kernel to native loop through Cranelift.
