//! What was typed, in this session and in earlier ones.
//!
//! The file is `$XDG_STATE_HOME/fuse/history`, by default below `~/.local/state`; its owner alone may read
//! it. Each line is appended as it is entered, under a lock, so that sessions side by side lose nothing; the oldest
//! lines go. What cannot be read or written costs the history, not the session. In the session each line is
//! there once, at its last place.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;

use rustyline::history::{FileHistory, History as _};
use rustyline::{Config, Editor, Helper};

/// Most lines that are kept.
pub(super) const LONGEST: usize = 2000;

/// The file, and what is in it.
pub(super) struct Log {
    path: Option<PathBuf>,
    file: FileHistory,
}

impl Log {
    /// Reads the file, if there is one.
    pub(super) fn open(config: &Config) -> Log {
        let mut log = Log { path: place(), file: FileHistory::with_config(config) };
        if let Some(path) = &log.path {
            // The first session has none.
            let _ = log.file.load(path);
        }
        log
    }

    /// Gives the editor the lines of earlier sessions.
    pub(super) fn recall<H: Helper>(&self, editor: &mut Editor<H, FileHistory>) {
        for line in self.file.iter() {
            remember(editor, line);
        }
    }

    /// Appends a line. What stops it is said once.
    pub(super) fn append(&mut self, line: &str) {
        let Some(path) = &self.path else { return };
        let added = self.file.add(line);
        if let Err(error) = added.and_then(|_| self.file.append(path)) {
            eprintln!("note: the history is not kept: {error}");
            self.path = None;
        }
    }
}

/// Makes a line the editor's last, and removes it from where it was.
pub(super) fn remember<H: Helper>(editor: &mut Editor<H, FileHistory>, line: &str) {
    let history = editor.history_mut();
    if history.iter().any(|known| known == line) {
        let others: Vec<String> = history.iter().filter(|known| *known != line).cloned().collect();
        let _ = history.clear();
        for other in others {
            let _ = history.add_owned(other);
        }
    }
    // A history in memory refuses blank and repeated lines, which is no failure.
    let _ = history.add(line);
}

/// The file; its folder is made.
fn place() -> Option<PathBuf> {
    let absolute = |path: &PathBuf| path.is_absolute();
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(absolute);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state"));
    let folder = state.or_else(home)?.join("fuse");
    // Where it cannot be made, writing the file says so.
    let _ = DirBuilder::new().recursive(true).mode(0o700).create(&folder);
    Some(folder.join("history"))
}
