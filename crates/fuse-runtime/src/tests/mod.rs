//! Programs built by hand, run on the interpreter, against naive evaluation of each element.

mod axes;
mod device;
mod disguise;
mod folds;
mod limits;
mod nests;
mod overlap;
mod passes;
mod recorder;
mod shapes;
mod short;
mod support;
mod together;
