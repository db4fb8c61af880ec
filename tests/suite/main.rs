//! The integration suite: one binary, a module a concern.
//!
//! | module | |
//! |---|---|
//! | `corpus` | cases with expected bits, on every back end and thread count; coverage of the tables |

#[cfg(test)]
mod corpus;
