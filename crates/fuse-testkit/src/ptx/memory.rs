//! The memory of a simulated device.

/// Memory that knows who wrote and who read each of its bytes.
#[derive(Debug)]
pub struct Memory {
    limit: u64,
}

impl Memory {
    /// Empty memory of at most that many bytes.
    pub fn new(limit_bytes: u64) -> Memory {
        Memory { limit: limit_bytes }
    }

    /// The address of that many bytes that nobody has written; `None` where they are too many, or 0.
    pub fn alloc(&mut self, bytes: u64) -> Option<u64> {
        let _ = bytes;
        None
    }

    /// Ends an allocation. Its address is never given again.
    ///
    /// # Errors
    /// Where no allocation starts there.
    pub fn free(&mut self, address: u64) -> Result<(), String> {
        Err(format!("no allocation starts at {address:#x}"))
    }

    /// The host writes bytes.
    ///
    /// # Errors
    /// Where they do not lie in one allocation.
    pub fn write(&mut self, address: u64, bytes: &[u8]) -> Result<(), String> {
        let _ = bytes;
        Err(format!("no allocation holds {address:#x}"))
    }

    /// The host reads bytes.
    ///
    /// # Errors
    /// Where they do not lie in one allocation, or where nobody has written them.
    pub fn read(&self, address: u64, bytes: &mut [u8]) -> Result<(), String> {
        let _ = bytes;
        Err(format!("no allocation holds {address:#x}"))
    }

    /// Bytes in use.
    pub fn used(&self) -> u64 {
        0
    }

    /// Bytes in all.
    pub fn limit(&self) -> u64 {
        self.limit
    }
}
