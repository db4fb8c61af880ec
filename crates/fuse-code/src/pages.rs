//! Pages that hold machine code: all of this crate's unsafe code.
//!
//! ```text
//! slab: 2 MiB, anonymous, private, mapped r-x once
//!   ┌────┬────┬─────────┬────┬───────────────┐     each piece of code has whole pages of its own;
//!   │ k0 │ k1 │   k2    │free│  free …       │     to write k3: mprotect its pages rw-, copy,
//!   └────┴────┴─────────┴────┴───────────────┘     mprotect them r-x
//! ```
//!
//! * **Write xor execute**: a page is `rw-` only between the two `mprotect` calls of its own code,
//!   before anyone has its address, so no thread can be executing it; all other pages stay `r-x`.
//! * **Mappings**: pages of equal protection are one mapping to the kernel, so a slab costs one, and
//!   three while something is written. 100 000 live kernels cost about 200.
//! * **Fork**: the memory is private, so a child that writes code cannot change its parent's.
//!
//! Tried and rejected. A `memfd` mapped twice (rw- and r-x) packs code below page size, but leaves a
//! writable alias of live code, and its pages are shared with forked children. Writing through the
//! descriptor of a `memfd` needs no alias, but programs that close all descriptors would make us
//! write into somebody else's file. One mapping per kernel meets `vm.max_map_count` at 32 000. The
//! price of whole pages is at most 4 KiB a kernel.

#![expect(unsafe_code, reason = "maps, protects and calls executable pages")]

use std::ptr::NonNull;

use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};

use crate::CodeError;
use crate::arena::{Arena, Run};
use crate::runs::PageRuns;

/// What fills the rest of the last page: `int3` on x86-64, `udf` on aarch64.
const FILLER: u8 = if cfg!(target_arch = "x86_64") { 0xcc } else { 0 };

/// Machine code in executable memory. Owns it: dropping this frees the pages.
#[derive(Debug)]
pub struct CompiledCode {
    run: Run,
    arena: &'static Arena,
    address: usize,
    len: usize,
}

impl CompiledCode {
    /// Places position-independent code in executable memory, 4096-byte aligned.
    ///
    /// # Errors
    /// [`CodeError`] where the system refuses, or there is no code.
    pub fn new(code: &[u8]) -> Result<CompiledCode, CodeError> {
        if code.is_empty() {
            return Err(CodeError::Empty);
        }
        let arena = Arena::current();
        let (run, address) = arena.place(code)?;
        Ok(CompiledCode { run, arena, address, len: code.len() })
    }

    /// Bytes of code.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Is there no code? Never so.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Calls the function that starts `entry` bytes into the code.
    ///
    /// # Safety
    /// * At `entry` there starts a function `extern "C" fn(*const A)` of this machine, made by a
    ///   code generator that is right.
    /// * `args` is what that function needs.
    pub unsafe fn call<A>(&self, entry: usize, args: *const A) {
        debug_assert!(entry < self.len, "the entry lies in the code");
        let start = (self.address + entry) as *const u8;
        // SAFETY: the caller promises a function of this type there; its pages are executable until
        // `self` is dropped.
        unsafe {
            let function: unsafe extern "C" fn(*const A) = std::mem::transmute(start);
            function(args);
        }
    }
}

impl Drop for CompiledCode {
    fn drop(&mut self) {
        self.arena.free(self.run);
    }
}

/// The arena that a pointer from [`Arena::current`]'s cell leads to.
pub(crate) fn arena_at(pointer: *mut Arena) -> Option<&'static Arena> {
    // SAFETY: the cell holds null or an arena that was leaked, and is only ever read through.
    unsafe { pointer.as_ref() }
}

/// One mapping of pages for code.
#[derive(Debug)]
pub(crate) struct Slab {
    base: NonNull<u8>,
    bytes: usize,
    /// Which pages are taken.
    pub(crate) runs: PageRuns,
}

// SAFETY: the mapping belongs to the slab and is no thread's own.
unsafe impl Send for Slab {}

impl Slab {
    /// Maps so many bytes, executable and not writable.
    pub(crate) fn map(bytes: usize, page_size: usize) -> Result<Slab, CodeError> {
        let protection = ProtFlags::READ | ProtFlags::EXEC;
        let refused = |errno| CodeError::Refused { action: "map", bytes, errno };
        // SAFETY: a new mapping wherever the system likes touches no memory in use.
        let base =
            unsafe { mmap_anonymous(std::ptr::null_mut(), bytes, protection, MapFlags::PRIVATE) }
                .map_err(refused)?;
        let base = NonNull::new(base.cast()).ok_or(refused(rustix::io::Errno::NOMEM))?;
        Ok(Slab { base, bytes, runs: PageRuns::new(bytes / page_size) })
    }

    /// Where the slab lies.
    pub(crate) fn address(&self) -> usize {
        self.base.as_ptr() as usize
    }

    /// Writes code to a run of this slab that nothing else uses, and gives its address.
    pub(crate) fn write(
        &mut self,
        run: Run,
        page_size: usize,
        code: &[u8],
    ) -> Result<usize, CodeError> {
        let (offset, bytes) = (run.page * page_size, run.pages * page_size);
        assert!(offset + bytes <= self.bytes && code.len() <= bytes, "the run holds the code");
        // SAFETY: the assertion keeps the run inside the mapping.
        let start = unsafe { self.base.as_ptr().add(offset) };
        let refused = |errno| CodeError::Refused { action: "protect", bytes, errno };
        // SAFETY: the run is taken by this call alone: no thread executes or writes these pages.
        unsafe {
            mprotect(start.cast(), bytes, MprotectFlags::READ | MprotectFlags::WRITE)
                .map_err(refused)?;
            std::ptr::copy_nonoverlapping(code.as_ptr(), start, code.len());
            start.add(code.len()).write_bytes(FILLER, bytes - code.len());
            mprotect(start.cast(), bytes, MprotectFlags::READ | MprotectFlags::EXEC)
                .map_err(refused)?;
        }
        synchronize_instructions(start as usize, bytes);
        Ok(start as usize)
    }
}

impl Drop for Slab {
    fn drop(&mut self) {
        // SAFETY: the mapping is this slab's, and a slab is dropped only when no page is taken.
        // A failure leaves the mapping behind, which harms nobody.
        let _ = unsafe { munmap(self.base.as_ptr().cast(), self.bytes) };
    }
}

/// x86-64 keeps instruction fetch coherent with stores.
#[cfg(target_arch = "x86_64")]
fn synchronize_instructions(_start: usize, _bytes: usize) {}

/// Cleans the data cache to the point of unification and invalidates the instruction cache, line by
/// line (Arm ARM, B2.4.4). Lines of 16 bytes are the smallest that the architecture has. Other cores
/// synchronise when they first run the code: it is handed to them through a lock or a channel, and
/// pages freshly made executable are not in any pipeline.
#[cfg(target_arch = "aarch64")]
fn synchronize_instructions(start: usize, bytes: usize) {
    use std::arch::asm;
    const LINE: usize = 16;
    for line in (start..start + bytes).step_by(LINE) {
        // SAFETY: cleans one line of memory that is mapped and readable.
        unsafe { asm!("dc cvau, {line}", line = in(reg) line, options(nostack)) };
    }
    // SAFETY: a barrier.
    unsafe { asm!("dsb ish", options(nostack)) };
    for line in (start..start + bytes).step_by(LINE) {
        // SAFETY: invalidates one line of memory that is mapped.
        unsafe { asm!("ic ivau, {line}", line = in(reg) line, options(nostack)) };
    }
    // SAFETY: barriers.
    unsafe { asm!("dsb ish", "isb", options(nostack)) };
}

#[cfg(test)]
mod tests {
    use super::CompiledCode;

    /// `fn(*const u64)` that stores 7 through its argument.
    #[cfg(target_arch = "x86_64")]
    const STORE_SEVEN: &[u8] = &[0x48, 0xc7, 0x07, 7, 0, 0, 0, 0xc3];
    #[cfg(target_arch = "aarch64")]
    const STORE_SEVEN: &[u8] =
        &[0xe1, 0x00, 0x80, 0xd2, 0x01, 0x00, 0x00, 0xf9, 0xc0, 0x03, 0x5f, 0xd6];

    fn run(code: &CompiledCode) -> u64 {
        let value = std::cell::UnsafeCell::new(0_u64);
        // SAFETY: the code stores a u64 through its argument.
        unsafe { code.call(0, value.get().cast_const()) };
        value.into_inner()
    }

    fn maps() -> String {
        std::fs::read_to_string("/proc/self/maps").expect("Linux has it")
    }

    #[test]
    fn code_runs_and_no_page_is_writable_and_executable() {
        let code = CompiledCode::new(STORE_SEVEN).expect("memory");
        assert_eq!(run(&code), 7);
        assert!(!maps().lines().any(|line| line.contains("rwx")));
    }

    #[test]
    fn no_code_is_an_error() {
        assert!(CompiledCode::new(&[]).is_err());
    }

    #[test]
    fn code_larger_than_a_slab_has_its_own() {
        let mut code = vec![0x90; 3 << 20];
        code[..STORE_SEVEN.len()].copy_from_slice(STORE_SEVEN);
        assert_eq!(run(&CompiledCode::new(&code).expect("memory")), 7);
    }

    #[test]
    fn many_live_codes_share_few_mappings_and_keep_their_bytes() {
        let codes: Vec<CompiledCode> =
            (0..5000).map(|_| CompiledCode::new(STORE_SEVEN).expect("memory")).collect();
        assert!(codes.iter().all(|code| run(code) == 7));
        let executable = maps().lines().filter(|line| line.contains("r-xp")).count();
        assert!(executable < 200, "{executable} executable mappings");
    }

    #[test]
    fn dropped_code_is_reused() {
        let resident = || {
            let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux has it");
            statm.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).expect("a number")
        };
        drop(CompiledCode::new(STORE_SEVEN));
        let before = resident();
        for _ in 0..20_000 {
            drop(CompiledCode::new(STORE_SEVEN));
        }
        // Other tests of this process run meanwhile; leaking would take 20 000 pages.
        assert!(resident() < before + 12_000);
    }
}
