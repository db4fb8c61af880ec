//! Array views, loop nests, blocks and threads for fuse.
