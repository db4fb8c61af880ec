//! Integration tests of fuse; everything is in the test target.
