//! The NVIDIA driver's library, without a device: kernels run in the testkit's PTX interpreter.
//!
//! ```text
//! caller ──C──▶ exports ──▶ machine ─┬─ streams   what is enqueued, what waits for what
//!                  │                 └─ testkit   memory, kernels
//!                  └─ host   memory that the caller shares
//! ```
//!
//! Under the name `libcuda.so.1` in a folder of `LD_LIBRARY_PATH` it lets a process launch kernels with
//! the code that launches them on a device. It is built for tests and installed nowhere.
//!
//! **Late.** Nothing that is enqueued runs until somebody waits for it, and then only what that needs.
//! A device may be this slow, so whoever reuses a buffer that is not copied yet, frees memory that a
//! kernel has yet to read or forgets to wait for an event gets wrong bits or an error, every time.
//!
//! **Strict.** Unknown and foreign handles, memory of nobody's or of another allocation, a wrong number
//! of parameters and calls without a context are errors, with the codes that the driver has for them.
//!
//! `FUSE_FAKE_CUDA` holds what is to go wrong, separated by commas:
//!
//! | | |
//! |---|---|
//! | `oom=BYTES` | memory in all |
//! | `capability=6.1` | compute capability |
//! | `devices=N` | how many there are; 1 unless said |
//! | `launch=N` | the N-th launch, from 1, fails when it runs |
//! | `compile` | modules are refused, with a log |
//! | `init` | the driver does not start |
//! | `unpinned` | pinned memory is refused |
//! | `early` | whatever is enqueued runs at once |
//! | `log=FILE` | a line a call is appended |

mod code;
mod exports;
mod faults;
mod host;
mod machine;
mod streams;
