//! libFuzzer's driver of [`fuse_fuzz::overlap`].

#![no_main]

#[global_allocator]
static REQUESTS: fuse_fuzz::Requests = fuse_fuzz::Requests;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuse_fuzz::overlap(bytes));
