//! libFuzzer's driver of [`fuse_fuzz::parse`].

#![no_main]

#[global_allocator]
static REQUESTS: fuse_fuzz::Requests = fuse_fuzz::Requests;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuse_fuzz::parse(bytes));
