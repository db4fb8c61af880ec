//! A progress bar: bytes, rate, time left. On standard error, if that is a terminal, and only after half a
//! second.

use std::io::{IsTerminal as _, stderr};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Before the bar appears.
const PATIENCE: Duration = Duration::from_millis(500);

/// Between two looks.
const TICK: Duration = Duration::from_millis(100);

/// A bar that follows a measure on a thread of its own until it is dropped.
#[derive(Debug)]
pub(crate) struct Progress {
    thread: Option<(Sender<()>, JoinHandle<()>)>,
}

/// Is there anybody to see it?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Talk {
    Quiet,
    Normal,
}

impl Progress {
    /// Follows `done`, a part of 1, of that many bytes.
    pub(crate) fn follow(
        talk: Talk,
        bytes: u64,
        done: impl Fn() -> f64 + Send + 'static,
    ) -> Progress {
        if talk == Talk::Quiet || !stderr().is_terminal() {
            return Progress { thread: None };
        }
        let (sender, receiver) = channel::<()>();
        let thread = std::thread::spawn(move || {
            if receiver.recv_timeout(PATIENCE) != Err(RecvTimeoutError::Timeout) {
                return;
            }
            let bar = bar(bytes);
            while receiver.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                bar.set_position(part_of(bytes, done()));
            }
            bar.finish_and_clear();
        });
        Progress { thread: Some((sender, thread)) }
    }
}

impl Drop for Progress {
    /// Takes the bar away.
    fn drop(&mut self) {
        if let Some((sender, thread)) = self.thread.take() {
            drop(sender);
            // A bar that panicked is gone as well.
            _ = thread.join();
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a bar shows two digits, of a part of 1"
)]
fn part_of(bytes: u64, done: f64) -> u64 {
    (bytes as f64 * done.clamp(0.0, 1.0)) as u64
}

fn bar(bytes: u64) -> ProgressBar {
    let template =
        "{bar:30} {percent:>3}%  {bytes} of {total_bytes}, {binary_bytes_per_sec}, {eta} left";
    let style = ProgressStyle::with_template(template);
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("█▉▊▋▌▍▎▏ ");
    ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::stderr()).with_style(style)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_of_all_bytes() {
        assert_eq!(part_of(1000, 0.25), 250);
        assert_eq!(part_of(1000, 7.0), 1000);
        assert_eq!(part_of(1000, f64::NAN), 0);
    }

    #[test]
    fn nobody_sees_a_quiet_one() {
        assert!(Progress::follow(Talk::Quiet, 10, || 0.5).thread.is_none());
    }
}
