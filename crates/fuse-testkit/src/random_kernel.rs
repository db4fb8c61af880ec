//! later
use crate::report::Report;
/// later
pub fn differential() -> Report {
    Report::default()
}
