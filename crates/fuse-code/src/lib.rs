//! Executable memory for fuse: write-xor-execute pages, and the only code that turns bytes into a function.
