//! A program on a pseudo-terminal, and what its screen shows.
//!
//! Nobody sleeps: a reader on a thread of its own hands over what the program writes, and whoever waits for
//! something on the screen waits for that, until a deadline.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::num::NonZeroU16;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use vt100::Parser;

/// When a screen that does not come is given up. Machines can be slow.
const DEADLINE: Duration = Duration::from_secs(60);

/// How long a program says nothing that has said all; used where transcripts are written, not where they are
/// checked.
const QUIET: Duration = Duration::from_secs(2);

const ROWS: NonZeroU16 = NonZeroU16::new(30).expect("not 0");
const COLUMNS: NonZeroU16 = NonZeroU16::new(80).expect("not 0");

/// What stands for the cursor in a screen's text.
const CURSOR: char = '█';

pub(super) struct Terminal {
    keyboard: File,
    written: Receiver<Vec<u8>>,
    parser: Parser,
    child: Child,
}

impl Terminal {
    /// Runs the command with the terminal as its controlling one.
    pub(super) fn start(command: &Command) -> Terminal {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pseudo-terminal");
        grantpt(&master).expect("granted");
        unlockpt(&master).expect("unlocked");
        let size =
            Winsize { ws_row: ROWS.get(), ws_col: COLUMNS.get(), ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&master, size).expect("a size");
        let name = ptsname(&master, Vec::new()).expect("a name").into_string().expect("UTF-8");
        let keyboard = File::from(master);
        let child = spawn(command, &name);
        let written = reader(keyboard.try_clone().expect("a second handle"));
        Terminal { keyboard, written, parser: Parser::new(ROWS, COLUMNS, 0), child }
    }

    /// Types.
    pub(super) fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).expect("the terminal takes keys");
    }

    /// Waits until the screen is as wanted; gives what it is, if that does not come.
    pub(super) fn wait_for(&mut self, wanted: impl Fn(&str) -> bool) -> Result<(), String> {
        let deadline = Instant::now() + DEADLINE;
        while !wanted(&self.text()) {
            let left = deadline.saturating_duration_since(Instant::now());
            if !self.read(left) {
                return Err(self.text());
            }
        }
        Ok(())
    }

    /// The screen when the program has nothing more to say for the moment.
    pub(super) fn settled(&mut self) -> String {
        while self.read(QUIET) {}
        self.text()
    }

    /// Takes what the program writes next; nothing came where it is false.
    fn read(&mut self, patience: Duration) -> bool {
        match self.written.recv_timeout(patience) {
            Ok(bytes) => self.parser.process(&bytes),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return false,
        }
        true
    }

    /// The screen's text, with its cursor, without blank ends.
    pub(super) fn text(&self) -> String {
        let screen = self.parser.screen();
        let (row, column) = screen.cursor_position();
        let mut lines: Vec<String> = screen.rows(0, COLUMNS.get()).collect();
        let line = &mut lines[usize::from(row)];
        let column = usize::from(column);
        let missing = column.saturating_sub(line.chars().count());
        line.extend(std::iter::repeat_n(' ', missing));
        let at = line.char_indices().nth(column).map_or(line.len(), |(at, _)| at);
        line.insert(at, CURSOR);
        let lines: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
        lines.join("\n").trim_end().to_string()
    }

    /// The colour of the first letter of a text on the screen.
    pub(super) fn color_of(&self, text: &str) -> vt100::Color {
        let screen = self.parser.screen();
        let mut found = None;
        for (row, line) in (0..).zip(screen.rows(0, COLUMNS.get())) {
            if let Some(at) = line.rfind(text) {
                let column = u16::try_from(line[..at].chars().count()).expect("80 columns");
                found = screen.cell(row, column);
            }
        }
        found.expect(text).fgcolor()
    }

    /// The exit code of the program, which has been told to end.
    pub(super) fn ended(mut self) -> Option<i32> {
        while self.read(DEADLINE) {}
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // A session that a failed test leaves behind; one that has ended cannot be killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `setsid -c` makes standard input the controlling terminal, so that Ctrl-C is a signal.
fn spawn(command: &Command, terminal: &str) -> Child {
    let open = || {
        let side = OpenOptions::new().read(true).write(true).open(terminal);
        Stdio::from(side.expect("the program's side of the terminal"))
    };
    let mut session = Command::new("setsid");
    session.arg("-c").arg(command.get_program()).args(command.get_args());
    session.current_dir(command.get_current_dir().expect("a folder"));
    session.env_remove("NO_COLOR").env("TERM", "xterm-256color");
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            session.env(name, value);
        }
    }
    session.stdin(open()).stdout(open()).stderr(open()).spawn().expect("setsid runs")
}

fn reader(mut screen: File) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut bytes = [0; 4096];
        // The terminal of a program that has ended is an error to read.
        while let Ok(count @ 1..) = screen.read(&mut bytes) {
            if sender.send(bytes[..count].to_vec()).is_err() {
                return;
            }
        }
    });
    receiver
}
