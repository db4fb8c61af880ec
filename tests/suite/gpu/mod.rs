//! PTX: its text, the assembler's opinion of it.
//!
//! | module | |
//! |---|---|
//! | `modules` | texts of formulas: the canonical ones of `tests/gpu/canonical.toml`, and every row of the tables |
//! | `engines` | engines on devices that are stood in for, beside engines on the host |
//! | `golden` | the canonical texts, as committed |
//! | `ptxas` | all texts through NVIDIA's assembler: no spills, registers as in the committed table |

mod engines;
mod golden;
mod modules;
mod ptxas;
