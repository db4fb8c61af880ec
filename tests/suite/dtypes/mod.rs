//! Result dtypes and values over all dtypes and pairs of them: every operator and function gives what
//! NumPy 2 gives, but for the deviations that `docs/language.md` lists.
//!
//! `tests/dtypes/make.py` writes the table and says how it reads; nothing in it comes from fuse.
//!
//! * `elements`: elements as bits and as the table's text.
//! * `table`: the files as cases.
//! * `run`: each case through the public interface.
//! * `regenerate`: the table is what its generator writes.

mod elements;
mod regenerate;
mod run;
mod table;
