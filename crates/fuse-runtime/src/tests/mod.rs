//! Programs built by hand, run on the interpreter, against naive evaluation of each element.

mod axes;
mod disguise;
mod folds;
mod limits;
mod nests;
mod overlap;
mod passes;
mod shapes;
mod short;
mod support;
