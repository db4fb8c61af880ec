//! The operator and function table of fuse: names, typing, documentation and expansions.
