//! Typed indices into arenas.
//!
//! Every arena of a kernel is indexed by its own `u32` newtype, so that a region can never be
//! mistaken for a value. [`index_u32`] is the one place where a length becomes such an index.

use std::fmt;

/// A length or position as `u32`.
///
/// # Panics
/// Arenas are bounded by the node limit, far below 2^32; a larger one is an internal error.
pub fn index_u32(index: usize) -> u32 {
    u32::try_from(index).expect("arenas hold fewer than 2^32 entries")
}

macro_rules! define_index {
    ($(#[$doc:meta])* $name:ident $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(u32);

        impl $name {
            /// The id of the entry at this position.
            pub fn new(index: usize) -> Self {
                Self(index_u32(index))
            }

            /// The position in its arena.
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

define_index! {
    /// A value of a region: the result of one node.
    ValueId "v"
}
define_index! {
    /// A closed region of a kernel, called by `rare` and `repeat`.
    RegionId "region"
}
define_index! {
    /// A constant table of a kernel, read by `lookup`.
    TableId "table"
}
