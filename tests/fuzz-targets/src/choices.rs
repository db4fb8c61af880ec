//! Choices that several targets make.

use fuse_testkit::Random;
use fuse_testkit::formulas::{Family, Subject, generate_from};

/// A random formula; most have everything.
pub(crate) fn subject(mut random: Random) -> Subject {
    let families = [Family::Any, Family::Any, Family::Any, Family::Complex, Family::Polynomial];
    let family = random.pick(&families);
    generate_from(random, family)
}
