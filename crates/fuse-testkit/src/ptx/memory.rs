//! The memory of a simulated device, which knows who touched each of its bytes.
//!
//! ```text
//! address:  63 ······ 36 │ 35 ···················· 0
//!            allocation  │ GAP + offset in it
//! ```
//!
//! Every allocation has 2^36 addresses to itself and lies in the middle of them, so that an index
//! that is off by any 32-bit number leads nowhere, and the next allocation is never reached. Numbers
//! are not used twice: what is freed stays recognisable. Starts are aligned to 256 bytes, as the
//! driver's are, and to no more.
//!
//! **Races.** Each byte has one word of state. Every thread of every launch has a serial number of its
//! own, so that a new launch need not touch the states of the last: what its serial numbers precede
//! is simply old.
//!
//! ```text
//! 0                 nobody has written it
//! 1                 written by the host
//! serial << 1 | 0   read by that thread, by several (MANY) or by a `.nc` load (NON_COHERENT)
//! serial << 1 | 1   written by that thread
//! ```
//!
//! In one launch, a byte that a thread writes may be touched by that thread only, and not at all by
//! `.nc` loads. That is more than the hardware asks for (threads that write the same value do no
//! harm), and what fuse promises.

use super::bits::{length, position};

/// Bits of an address within an allocation's part of the address space.
const PART_BITS: u32 = 36;
/// From the start of a part to the first byte: an odd multiple of 256.
const GAP: u64 = (1 << 32) + 256;
/// The largest allocation: its last byte is at least 2^33 bytes from the part's end.
const LARGEST: u64 = 1 << 35;
/// Serial numbers end here, since states have a bit for the kind of access.
const LAST_SERIAL: u64 = (1 << 31) - 1;
/// Serial numbers of a launch that no thread has: [`Launch::MANY`] and [`Launch::NON_COHERENT`].
const RESERVED: u32 = 2;

/// Memory that knows who wrote and who read each of its bytes.
#[derive(Debug)]
pub struct Memory {
    limit: u64,
    used: u64,
    /// By number, from 1; `None` where it was freed.
    allocations: Vec<Option<Allocation>>,
    /// The first serial number that no launch has had.
    next_serial: u32,
}

#[derive(Debug)]
struct Allocation {
    bytes: Vec<u8>,
    states: Vec<State>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State(u32);

/// The serial numbers of a launch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Launch {
    first: u32,
}

/// Who reads or writes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Accessor {
    launch: Launch,
    serial: u32,
}

/// Why a byte may not be touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Conflict {
    #[error("nobody has written it")]
    Undefined,
    #[error("another thread of this launch wrote it")]
    WrittenByAnother,
    #[error("another thread of this launch read it")]
    ReadByAnother,
    #[error("this launch stores to it, and a .nc load may not see that")]
    StoredBeforeNonCoherent,
    #[error("a .nc load of this launch read it")]
    NonCoherentBeforeStore,
}

impl Memory {
    /// Empty memory of at most that many bytes.
    pub fn new(limit_bytes: u64) -> Memory {
        Memory { limit: limit_bytes, used: 0, allocations: Vec::new(), next_serial: 1 }
    }

    /// The address of that many bytes that nobody has written; `None` where they are too many, or 0.
    pub fn alloc(&mut self, bytes: u64) -> Option<u64> {
        if bytes == 0 || bytes > LARGEST || bytes > self.limit - self.used {
            return None;
        }
        let len = position(bytes);
        let allocation = Allocation { bytes: vec![0; len], states: vec![State::UNDEFINED; len] };
        self.allocations.push(Some(allocation));
        self.used += bytes;
        Some((length(self.allocations.len()) << PART_BITS) + GAP)
    }

    /// Ends an allocation. Its address is never given again.
    ///
    /// # Errors
    /// Where no allocation starts there.
    pub fn free(&mut self, address: u64) -> Result<(), String> {
        let (number, offset) = self.find(address, 1)?;
        if offset != 0 {
            return Err(format!("{address:#x} lies {offset} bytes into an allocation"));
        }
        let freed = self.allocations[number].take();
        self.used -= freed.map_or(0, |allocation| length(allocation.bytes.len()));
        Ok(())
    }

    /// The host writes bytes.
    ///
    /// # Errors
    /// Where they do not lie in one allocation.
    pub fn write(&mut self, address: u64, bytes: &[u8]) -> Result<(), String> {
        let (number, offset) = self.find(address, bytes.len())?;
        if let Some(allocation) = &mut self.allocations[number] {
            allocation.bytes[offset..offset + bytes.len()].copy_from_slice(bytes);
            allocation.states[offset..offset + bytes.len()].fill(State::BY_HOST);
        }
        Ok(())
    }

    /// The host reads bytes.
    ///
    /// # Errors
    /// Where they do not lie in one allocation, or where nobody has written them.
    pub fn read(&self, address: u64, bytes: &mut [u8]) -> Result<(), String> {
        let (number, offset) = self.find(address, bytes.len())?;
        let Some(allocation) = &self.allocations[number] else { return Ok(()) };
        let states = &allocation.states[offset..offset + bytes.len()];
        if let Some(at) = states.iter().position(|&state| state == State::UNDEFINED) {
            return Err(blame(address, at, Conflict::Undefined));
        }
        bytes.copy_from_slice(&allocation.bytes[offset..offset + bytes.len()]);
        Ok(())
    }

    /// Bytes in use.
    pub fn used(&self) -> u64 {
        self.used
    }

    /// Bytes in all.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// Serial numbers for a launch of that many threads.
    pub(super) fn begin_launch(&mut self, threads: u64) -> Result<Launch, String> {
        let needed = threads + u64::from(RESERVED);
        if u64::from(self.next_serial) + needed > LAST_SERIAL {
            self.forget_threads();
        }
        let first = self.next_serial;
        let end = u64::from(first) + needed;
        if end > LAST_SERIAL {
            return Err(format!("{threads} threads are more than a launch may have"));
        }
        self.next_serial = u32::try_from(end).expect("serial numbers have 31 bits");
        Ok(Launch { first })
    }

    /// Makes every access an old one, so that serial numbers can start again.
    fn forget_threads(&mut self) {
        let states = self.allocations.iter_mut().flatten().flat_map(|all| &mut all.states);
        states
            .filter(|state| **state != State::UNDEFINED)
            .for_each(|state| *state = State::BY_HOST);
        self.next_serial = 1;
    }

    /// A thread loads bytes, as many as they are aligned to.
    pub(super) fn load(
        &mut self,
        reader: Accessor,
        address: u64,
        len: usize,
    ) -> Result<&[u8], String> {
        let (number, offset) = self.find_aligned(address, len)?;
        let Some(allocation) = &mut self.allocations[number] else { return Ok(&[]) };
        for (at, state) in allocation.states[offset..offset + len].iter_mut().enumerate() {
            state.read_by(reader).map_err(|conflict| blame(address, at, conflict))?;
        }
        Ok(&allocation.bytes[offset..offset + len])
    }

    /// A thread stores bytes, as many as they are aligned to.
    pub(super) fn store(
        &mut self,
        writer: Accessor,
        address: u64,
        bytes: &[u8],
    ) -> Result<(), String> {
        let (number, offset) = self.find_aligned(address, bytes.len())?;
        let Some(allocation) = &mut self.allocations[number] else { return Ok(()) };
        for (at, state) in allocation.states[offset..offset + bytes.len()].iter_mut().enumerate() {
            state.written_by(writer).map_err(|conflict| blame(address, at, conflict))?;
        }
        allocation.bytes[offset..offset + bytes.len()].copy_from_slice(bytes);
        Ok(())
    }

    fn find_aligned(&self, address: u64, len: usize) -> Result<(usize, usize), String> {
        let found = self.find(address, len)?;
        if !address.is_multiple_of(length(len)) {
            return Err(misaligned(address, len));
        }
        Ok(found)
    }

    /// The position of an allocation that holds the bytes, and their offset in it.
    #[inline]
    fn find(&self, address: u64, len: usize) -> Result<(usize, usize), String> {
        let number = position(address >> PART_BITS);
        let slot = number.checked_sub(1).and_then(|at| self.allocations.get(at));
        let Some(Some(allocation)) = slot else {
            return Err(match slot {
                Some(_) => format!("{address:#x} was freed"),
                None => format!("{address:#x} is no address of global memory"),
            });
        };
        let offset = (address & ((1 << PART_BITS) - 1)).wrapping_sub(GAP);
        let size = length(allocation.bytes.len());
        if offset > size || length(len) > size - offset {
            return Err(outside(address, len, offset, size));
        }
        Ok((number - 1, position(offset)))
    }
}

impl Launch {
    /// What a byte's reader is when there were several.
    const MANY: u32 = 0;
    /// What a byte's reader is when a `.nc` load was among them.
    const NON_COHERENT: u32 = 1;

    /// The thread of that number in the grid.
    pub(super) fn thread(self, number: u32) -> Accessor {
        Accessor { launch: self, serial: self.first + RESERVED + number }
    }
}

impl Accessor {
    /// The same thread, reading through the cache that knows nothing of stores.
    pub(super) fn non_coherent(self) -> Accessor {
        Accessor { serial: self.launch.first + Launch::NON_COHERENT, ..self }
    }

    fn is_non_coherent(self) -> bool {
        self.serial == self.launch.first + Launch::NON_COHERENT
    }
}

impl State {
    const UNDEFINED: State = State(0);
    const BY_HOST: State = State(1);

    fn is_older_than(self, launch: Launch) -> bool {
        self.0 < launch.first << 1
    }

    fn is_write(self) -> bool {
        self.0 & 1 == 1
    }

    fn serial(self) -> u32 {
        self.0 >> 1
    }

    fn read_by(&mut self, reader: Accessor) -> Result<(), Conflict> {
        let read = State(reader.serial << 1);
        if self.is_older_than(reader.launch) {
            if *self == State::UNDEFINED {
                return Err(Conflict::Undefined);
            }
            *self = read;
        } else if self.is_write() {
            return self.read_of_written(reader);
        } else if *self != read {
            let non_coherent = reader.launch.first + Launch::NON_COHERENT;
            let several = self.serial() != non_coherent && !reader.is_non_coherent();
            let serial = if several { reader.launch.first + Launch::MANY } else { non_coherent };
            *self = State(serial << 1);
        }
        Ok(())
    }

    fn read_of_written(self, reader: Accessor) -> Result<(), Conflict> {
        if reader.is_non_coherent() {
            return Err(Conflict::StoredBeforeNonCoherent);
        }
        if self.serial() != reader.serial {
            return Err(Conflict::WrittenByAnother);
        }
        Ok(())
    }

    fn written_by(&mut self, writer: Accessor) -> Result<(), Conflict> {
        let is_new = !self.is_older_than(writer.launch);
        if is_new && self.serial() != writer.serial {
            return Err(match self.is_write() {
                true => Conflict::WrittenByAnother,
                false if self.serial() == writer.launch.first + Launch::NON_COHERENT => {
                    Conflict::NonCoherentBeforeStore
                }
                false => Conflict::ReadByAnother,
            });
        }
        *self = State(writer.serial << 1 | 1);
        Ok(())
    }
}

#[cold]
fn blame(address: u64, at: usize, conflict: Conflict) -> String {
    format!("the byte at {:#x}: {conflict}", address + length(at))
}

#[cold]
fn outside(address: u64, len: usize, offset: u64, size: u64) -> String {
    let offset = offset.cast_signed();
    format!("{len} bytes at {address:#x}: offset {offset} of an allocation of {size} bytes")
}

/// What a misaligned access says.
#[cold]
pub(super) fn misaligned(address: u64, len: usize) -> String {
    format!("{address:#x} is not aligned to {len} bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(bytes: usize) -> (Memory, u64) {
        let mut memory = Memory::new(1 << 20);
        let address = memory.alloc(length(bytes)).expect("room");
        memory.write(address, &vec![7; bytes]).expect("inside");
        (memory, address)
    }

    fn message<T: std::fmt::Debug>(result: Result<T, String>) -> String {
        result.expect_err("an error")
    }

    #[test]
    fn the_host_finds_what_it_wrote() {
        let (mut memory, address) = filled(100);
        let mut bytes = [0; 3];
        memory.write(address + 97, &[1, 2, 3]).expect("inside");
        memory.read(address + 97, &mut bytes).expect("written");
        assert_eq!((bytes, memory.used(), memory.limit()), ([1, 2, 3], 100, 1 << 20));
        assert_eq!((address % 256, address % 512), (0, 256));
    }

    #[test]
    fn memory_ends_at_its_limit() {
        let mut memory = Memory::new(1000);
        let first = memory.alloc(600).expect("room");
        assert_eq!((memory.alloc(401), memory.alloc(0)), (None, None));
        memory.free(first).expect("allocated");
        let second = memory.alloc(1000).expect("room");
        assert!(memory.used() == 1000 && second != first);
    }

    #[test]
    fn addresses_outside_are_refused() {
        let (mut memory, address) = filled(100);
        let reads: [(u64, usize); 5] =
            [(address + 97, 4), (address - 1, 1), (address + 101, 0), (0, 1), (1 << 50, 1)];
        for (at, len) in reads {
            assert!(memory.read(at, &mut vec![0; len]).is_err(), "{at:#x}");
            assert!(memory.write(at, &vec![0; len]).is_err(), "{at:#x}");
        }
        assert!(message(memory.free(address + 4)).contains("4 bytes into"));
        memory.free(address).expect("allocated");
        assert!(message(memory.free(address)).contains("was freed"));
        assert!(message(memory.write(address, &[1])).contains("was freed"));
    }

    #[test]
    fn bytes_that_nobody_wrote_are_not_read() {
        let mut memory = Memory::new(100);
        let address = memory.alloc(16).expect("room");
        memory.write(address, &[1; 7]).expect("inside");
        assert!(message(memory.read(address, &mut [0; 8])).contains("nobody has written"));
        let thread = memory.begin_launch(1).expect("few").thread(0);
        assert!(message(memory.load(thread, address, 8)).contains("nobody has written"));
        memory.store(thread, address, &[2; 8]).expect("its own");
        assert_eq!(memory.load(thread, address, 8).expect("written"), [2; 8]);
        memory.read(address, &mut [0; 8]).expect("written");
    }

    #[test]
    fn threads_of_a_launch_do_not_race() {
        let (mut memory, address) = filled(64);
        let launch = memory.begin_launch(3).expect("few");
        let [a, b, c] = [0, 1, 2].map(|number| launch.thread(number));
        memory.store(a, address, &[1; 4]).expect("untouched");
        memory.store(a, address, &[2; 4]).expect("its own");
        assert!(
            message(memory.load(b, address, 8)).contains("another thread of this launch wrote")
        );
        assert!(message(memory.store(b, address, &[3; 2])).contains("wrote it"));
        memory.load(a, address + 16, 4).expect("the host's");
        memory.store(a, address + 16, &[1; 4]).expect("read by itself");
        memory.load(a, address + 32, 4).expect("the host's");
        assert!(message(memory.store(b, address + 32, &[1])).contains("read it"));
        memory.load(b, address + 48, 4).expect("the host's");
        memory.load(c, address + 48, 4).expect("read by another only");
        assert!(message(memory.store(b, address + 48, &[1])).contains("read it"));
        let next = memory.begin_launch(1).expect("few").thread(0);
        memory.load(next, address, 4).expect("another launch's");
        memory.store(next, address + 48, &[1]).expect("another launch's");
    }

    #[test]
    fn non_coherent_loads_and_stores_exclude_each_other() {
        let (mut memory, address) = filled(64);
        let launch = memory.begin_launch(3).expect("few");
        let [a, b] = [0, 1].map(|number| launch.thread(number));
        memory.store(a, address, &[1; 4]).expect("untouched");
        assert!(message(memory.load(a.non_coherent(), address, 4)).contains("stores to it"));
        memory.load(a.non_coherent(), address + 8, 4).expect("the host's");
        memory.load(b, address + 8, 4).expect("read only");
        assert!(message(memory.store(a, address + 8, &[1])).contains(".nc load"));
        memory.load(a, address + 16, 4).expect("the host's");
        memory.load(a.non_coherent(), address + 16, 4).expect("read only");
        assert!(message(memory.store(a, address + 16, &[1])).contains(".nc load"));
    }

    #[test]
    fn accesses_are_aligned_to_their_size() {
        let (mut memory, address) = filled(64);
        let thread = memory.begin_launch(1).expect("few").thread(0);
        assert!(message(memory.load(thread, address + 8, 16)).contains("aligned to 16"));
        assert!(message(memory.store(thread, address + 2, &[0; 4])).contains("aligned to 4"));
        memory.load(thread, address + 16, 16).expect("aligned");
    }

    #[test]
    fn serial_numbers_start_again() {
        let (mut memory, address) = filled(8);
        let fresh = memory.alloc(8).expect("room");
        memory.next_serial = 0x7fff_fff0;
        let old = memory.begin_launch(2).expect("few").thread(1);
        memory.store(old, address, &[1]).expect("untouched");
        let new = memory.begin_launch(100).expect("few").thread(99);
        assert!(memory.next_serial < 1000);
        memory.load(new, address, 8).expect("old");
        assert!(message(memory.load(new, fresh, 8)).contains("nobody has written"));
        assert!(memory.begin_launch(1 << 31).is_err());
    }
}
