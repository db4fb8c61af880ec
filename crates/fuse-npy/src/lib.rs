//! NumPy .npy files for fuse: headers, mapped views, atomic output.
