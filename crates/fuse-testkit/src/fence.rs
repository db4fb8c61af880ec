//! Memory with an inaccessible page on either side, so that a compiled loop which reads or writes
//! one byte too far is caught by the hardware. Sanitizers do not see jitted code.
//!
//! ```text
//!   PROT_NONE │ canary … placed bytes … canary │ PROT_NONE
//!             ▲ Front: starts here    Back: ends here ▲
//! ```
//!
//! Around what is placed lie [`MARGIN`] canary bytes (as far as the pages reach), checked by
//! [`FencedMemory::is_intact`]: a misaligned placement cannot touch a page's edge with both ends.
//! A mapping is reused for many placements; making one takes three system calls.

#![expect(unsafe_code, reason = "maps pages and hands out pointers into them")]

use std::ptr::NonNull;

use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};

/// Canary bytes on each side of what is placed.
pub const MARGIN: usize = 256;
/// What the canary bytes are.
const CANARY: u8 = 0xa5;
/// Size of the inaccessible ends: a multiple of every usual page size.
const FENCE: usize = 1 << 16;

/// Where bytes lie between the fences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// The first byte follows the fence in front: aligned to a page.
    Front,
    /// The last byte precedes the fence behind: aligned to the element size only.
    Back,
    /// That many bytes off the alignment of a cache line, canaries on both sides.
    Misaligned(usize),
}

/// Writable memory between two fences.
#[derive(Debug)]
pub struct FencedMemory {
    /// Start of the mapping, the front fence.
    base: NonNull<u8>,
    /// Writable bytes between the fences.
    capacity: usize,
    /// Where the placed bytes start, counted from the front fence's end, and how many there are.
    start: usize,
    len: usize,
}

impl FencedMemory {
    /// Memory in which `len` bytes can be placed anyhow.
    ///
    /// # Panics
    /// When the system refuses the mapping.
    pub fn new(len: usize) -> FencedMemory {
        let capacity = (len + 2 * MARGIN).next_multiple_of(FENCE);
        let (none, both) = (ProtFlags::empty(), MprotectFlags::READ | MprotectFlags::WRITE);
        // SAFETY: a fresh anonymous mapping, and protection of pages inside it.
        let base = unsafe {
            let length = capacity + 2 * FENCE;
            let base = mmap_anonymous(std::ptr::null_mut(), length, none, MapFlags::PRIVATE)
                .expect("the system maps anonymous memory");
            mprotect(base.cast::<u8>().add(FENCE).cast(), capacity, both)
                .expect("pages of a fresh mapping can be made writable");
            base
        };
        let base = NonNull::new(base.cast()).expect("a mapping is not at address 0");
        FencedMemory { base, capacity, start: 0, len: 0 }
    }

    /// Can `len` bytes be placed here?
    pub fn holds(&self, len: usize) -> bool {
        len + 2 * MARGIN <= self.capacity
    }

    /// Puts bytes at their place, canaries around them, and returns where they are. The pointer is
    /// good until the next placement; one past the bytes lies a canary or a fence.
    ///
    /// # Panics
    /// When the memory is too small.
    pub fn place(&mut self, bytes: &[u8], placement: Placement) -> *mut u8 {
        assert!(self.holds(bytes.len()), "{} bytes do not fit", bytes.len());
        self.len = bytes.len();
        self.start = match placement {
            Placement::Front => 0,
            Placement::Back => self.capacity - bytes.len(),
            Placement::Misaligned(offset) => MARGIN / 2 + offset % (MARGIN / 2),
        };
        let (from, to) = self.margins();
        let (start, len) = (self.start, self.len);
        let all = self.writable();
        all[from..start].fill(CANARY);
        all[start..start + len].copy_from_slice(bytes);
        all[start + len..to].fill(CANARY);
        self.pointer()
    }

    /// Where the placed bytes start.
    pub fn pointer(&mut self) -> *mut u8 {
        let start = self.start;
        self.writable()[start..].as_mut_ptr()
    }

    /// The placed bytes as they are now.
    pub fn bytes(&self) -> &[u8] {
        &self.readable()[self.start..self.start + self.len]
    }

    /// Are all canaries as they were?
    pub fn is_intact(&self) -> bool {
        let (from, to) = self.margins();
        let all = self.readable();
        let mut around = all[from..self.start].iter().chain(&all[self.start + self.len..to]);
        around.all(|&byte| byte == CANARY)
    }

    /// From the first canary to past the last.
    fn margins(&self) -> (usize, usize) {
        let end = self.start + self.len;
        (self.start.saturating_sub(MARGIN), (end + MARGIN).min(self.capacity))
    }

    fn readable(&self) -> &[u8] {
        // SAFETY: the mapping is readable for `capacity` bytes behind the front fence, initialised
        // by the system, and borrowed with `self`.
        unsafe { std::slice::from_raw_parts(self.base.as_ptr().add(FENCE), self.capacity) }
    }

    fn writable(&mut self) -> &mut [u8] {
        // SAFETY: as in `readable`; `self` is borrowed for writing.
        unsafe { std::slice::from_raw_parts_mut(self.base.as_ptr().add(FENCE), self.capacity) }
    }
}

impl Drop for FencedMemory {
    fn drop(&mut self) {
        // SAFETY: this is the mapping that `new` made; nothing borrows it any more.
        let unmapped = unsafe { munmap(self.base.as_ptr().cast(), self.capacity + 2 * FENCE) };
        debug_assert!(unmapped.is_ok());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_lie_where_they_should() {
        let mut memory = FencedMemory::new(5000);
        let bytes: Vec<u8> = (0..5000).map(|i| (i % 251) as u8).collect();
        let front = memory.place(&bytes, Placement::Front) as usize;
        assert_eq!(memory.bytes(), bytes);
        assert_eq!(front % 4096, 0);
        let back = memory.place(&bytes, Placement::Back) as usize;
        assert_eq!(memory.bytes(), bytes);
        assert_eq!((back + bytes.len()) % 4096, 0);
        let odd = memory.place(&bytes, Placement::Misaligned(3)) as usize;
        assert_eq!(memory.bytes(), bytes);
        assert_eq!(odd % 64, 3);
        assert!(memory.is_intact());
    }

    #[test]
    fn a_stray_write_is_seen() {
        let mut memory = FencedMemory::new(100);
        for (placement, before) in [(Placement::Front, false), (Placement::Back, true)] {
            memory.place(&[7; 100], placement);
            assert!(memory.is_intact());
            let (start, len) = (memory.start, memory.len);
            let stray = if before { start - 1 } else { start + len };
            memory.writable()[stray] = 0;
            assert!(!memory.is_intact(), "{placement:?}");
        }
    }

    /// Both pages beside the memory are inaccessible, says the kernel's own table.
    #[test]
    fn the_fences_are_up() {
        let memory = FencedMemory::new(100);
        let base = memory.base.as_ptr() as usize;
        let maps = std::fs::read_to_string("/proc/self/maps").expect("Linux");
        let ends = [base, base + FENCE + memory.capacity];
        for end in ends {
            let line = maps.lines().find(|line| {
                let range = line.split(' ').next().unwrap_or_default();
                let (from, to) = range.split_once('-').expect("a range");
                let parse = |hex| usize::from_str_radix(hex, 16).expect("hex");
                parse(from) <= end && end + FENCE <= parse(to)
            });
            assert!(line.is_some_and(|line| line.contains("---p")), "{end:#x}\n{maps}");
        }
    }
}
