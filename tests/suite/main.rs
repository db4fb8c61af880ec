//! The integration suite: one binary, a module a concern.
//!
//! | module | |
//! |---|---|
//! | `corpus` | cases with expected bits, on every back end and thread count; coverage of the tables |
//! | `conformance` | every primitive and construct, and random kernels, on every back end |
//! | `formulas` | random formulas: back ends, threads, modes, optimizer off; bounds of relaxed mode; beside NumPy |
//! | `fuzz` | the fuzz targets on their seeds and on what once crashed them |
//! | `dtypes` | result dtypes and values over all pairs of dtypes, beside NumPy's |
//! | `printing` | arrays as text, beside NumPy's |
//! | `accuracy` | errors of the elementary functions, against committed tables and MPFR |
//! | `promises` | what the documents promise: operation counts, accuracy, hostile texts, limits, threads |
//! | `ui` | diagnostics as users see them |
//! | `docs` | pages generated from tables |
//! | `records` | the records of the long series are of the files as they are |
//! | `gpu` | PTX: texts, NVIDIA's assembler; launches, over a stand-in for the NVIDIA driver |
//! | `threats` | every threat of the page on reliability has its tests |
//! | `house` | who may import whom, where unsafe code lives |
//! | `allocator` | counts requests for memory |
//! | `backends` | the list of back ends that all of these run |

#[cfg(test)]
mod accuracy;
#[cfg(test)]
mod allocator;
#[cfg(test)]
mod backends;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod corpus;
#[cfg(test)]
mod docs;
#[cfg(test)]
mod dtypes;
#[cfg(test)]
mod formulas;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod gpu;
#[cfg(test)]
mod house;
#[cfg(test)]
mod printing;
#[cfg(test)]
mod promises;
#[cfg(test)]
mod records;
#[cfg(test)]
mod threats;
#[cfg(test)]
mod ui;
