//! What is to go wrong: `FUSE_FAKE_CUDA`, whose words the crate's documentation lists.

use std::io::Write;
use std::path::PathBuf;

/// See the module.
#[derive(Debug)]
pub(crate) struct Faults {
    /// Bytes of memory.
    pub(crate) memory: u64,
    pub(crate) capability: (i32, i32),
    pub(crate) devices: i32,
    /// Number of the launch that fails, from 1; 0 for none.
    pub(crate) launch: u64,
    pub(crate) compile: bool,
    pub(crate) init: bool,
    pub(crate) unpinned: bool,
    pub(crate) early: bool,
    log: Option<PathBuf>,
}

impl Faults {
    pub(crate) fn from_environment() -> Faults {
        let words = std::env::var("FUSE_FAKE_CUDA").unwrap_or_default();
        let mut faults = Faults {
            memory: 1 << 30,
            capability: (8, 0),
            devices: 1,
            launch: 0,
            compile: false,
            init: false,
            unpinned: false,
            early: false,
            log: None,
        };
        for word in words.split(',').filter(|word| !word.is_empty()) {
            if faults.take(word).is_none() {
                faults.say(&format!("error: FUSE_FAKE_CUDA does not know {word}"));
                faults.init = true;
            }
        }
        faults
    }

    fn take(&mut self, word: &str) -> Option<()> {
        let (key, value) = word.split_once('=').unwrap_or((word, ""));
        match key {
            "oom" => self.memory = value.parse().ok()?,
            "capability" => {
                let (major, minor) = value.split_once('.')?;
                self.capability = (major.parse().ok()?, minor.parse().ok()?);
            }
            "devices" => self.devices = value.parse().ok()?,
            "launch" => self.launch = value.parse().ok()?,
            "compile" => self.compile = true,
            "init" => self.init = true,
            "unpinned" => self.unpinned = true,
            "early" => self.early = true,
            "log" => self.log = Some(value.into()),
            _ => return None,
        }
        Some(())
    }

    /// Appends a line to the log; errors go to standard error too.
    pub(crate) fn say(&self, line: &str) {
        if line.starts_with("error") {
            let _ = writeln!(std::io::stderr(), "fake driver: {line}");
        }
        let Some(path) = &self.log else { return };
        let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
        let written = file.and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()));
        written.expect("the log can be written");
    }
}
