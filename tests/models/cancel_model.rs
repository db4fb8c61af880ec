//! Tokens: every clone is cancelled, for good, and who sees it sees what was written before.

use loom::thread;

use crate::cancel::CancelToken;
use crate::sync::{Arc, AtomicBool, AtomicU64, Ordering};

/// What [`CancelToken`] does, right or wrong.
trait Token: Clone + Default + Send + 'static {
    fn cancel(&self);
    fn is_cancelled(&self) -> bool;
}

impl Token for CancelToken {
    fn cancel(&self) {
        self.cancel();
    }

    fn is_cancelled(&self) -> bool {
        self.is_cancelled()
    }
}

/// A reason is written, the token cancelled; one call polls it until it is, another polls it once.
fn all_calls_stop<T: Token>() {
    loom::model(|| {
        let (token, reason) = (T::default(), Arc::new(AtomicU64::new(0)));
        let polls = |most: usize| {
            let (token, reason) = (token.clone(), Arc::clone(&reason));
            thread::spawn(move || {
                for _ in 0..most {
                    if token.is_cancelled() {
                        assert_eq!(reason.load(Ordering::Relaxed), 7, "the reason is seen");
                        assert!(token.is_cancelled(), "it stays cancelled");
                        return;
                    }
                    thread::yield_now();
                }
            })
        };
        let (on_and_on, once) = (polls(usize::MAX), polls(1));
        reason.store(7, Ordering::Relaxed);
        token.cancel();
        on_and_on.join().expect("no panic");
        once.join().expect("no panic");
        assert!(token.is_cancelled(), "the canceller sees it too");
    });
}

#[test]
fn calls_that_poll_a_token_stop_and_see_why() {
    all_calls_stop::<CancelToken>();
}

/// A call that begins after the token was cancelled, as far as anybody can tell, does not run.
#[test]
fn a_call_that_begins_later_does_not_run() {
    loom::model(|| {
        let (token, told) = (CancelToken::new(), Arc::new(AtomicBool::new(false)));
        let call = {
            let (token, told) = (token.clone(), Arc::clone(&told));
            thread::spawn(move || !told.load(Ordering::Acquire) || token.is_cancelled())
        };
        token.cancel();
        told.store(true, Ordering::Release);
        assert!(call.join().expect("no panic"), "who was told finds it cancelled");
    });
}

/// Says that it is cancelled, and nothing of what came before.
#[derive(Clone, Default)]
struct Unordered(Arc<AtomicBool>);

impl Token for Unordered {
    fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

#[test]
#[should_panic(expected = "the reason is seen")]
fn planted_token_without_order() {
    all_calls_stop::<Unordered>();
}

/// Its clones have flags of their own.
#[derive(Default)]
struct Copied(AtomicBool);

impl Clone for Copied {
    fn clone(&self) -> Copied {
        Copied(AtomicBool::new(self.is_cancelled()))
    }
}

impl Token for Copied {
    fn cancel(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

#[test]
#[should_panic(expected = "maximum number of branches")]
fn planted_token_whose_clones_do_not_share_it() {
    all_calls_stop::<Copied>();
}
