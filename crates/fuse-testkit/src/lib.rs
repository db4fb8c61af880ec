//! Conformance suite, generators and comparators for testing fuse.
