//! Tests of fuse-npy through its public API: one binary.
//!
//! The expected values are NumPy's, written by `testdata/make.py` and `testdata/make_archives.py`.

#[cfg(test)]
mod archives;
#[cfg(test)]
mod atomic;
#[cfg(test)]
mod files;
#[cfg(test)]
mod headers;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod support;
