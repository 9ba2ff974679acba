//! The same work on several threads that all end before the caller goes on.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::ReconcileError;
use crate::job::Progress;

/// Tells the threads of one piece of work when to leave off.
pub(crate) struct Watch<'a> {
    progress: &'a Progress,
    failed: AtomicBool,
}

impl Watch<'_> {
    /// Whether to leave off: told to, or another thread has failed.
    pub(crate) fn stopped(&self) -> bool {
        self.failed.load(Ordering::Relaxed) || self.progress.is_cancelled()
    }
}

/// Runs `work` on `threads` threads; what each returned, by its number. The first error of the
/// lowest thread wins; being told to stop is [`ReconcileError::Cancelled`].
pub(crate) fn on_threads<T: Send>(
    threads: usize,
    progress: &Progress,
    work: impl Fn(usize, &Watch<'_>) -> Result<T, ReconcileError> + Sync,
) -> Result<Vec<T>, ReconcileError> {
    let watch = Watch { progress, failed: AtomicBool::new(false) };
    let one = |number: usize| {
        let result = work(number, &watch);
        if result.is_err() {
            watch.failed.store(true, Ordering::Relaxed);
        }
        result
    };
    let results: Vec<Result<T, ReconcileError>> = std::thread::scope(|scope| {
        let one = &one;
        let others: Vec<_> = (1..threads.max(1)).map(|number| scope.spawn(move || one(number))).collect();
        let first = one(0);
        std::iter::once(first)
            .chain(others.into_iter().map(|other| match other.join() {
                Ok(result) => result,
                Err(panic) => std::panic::resume_unwind(panic),
            }))
            .collect()
    });
    if progress.is_cancelled() {
        return Err(ReconcileError::Cancelled);
    }
    results.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thread_that_fails_ends_the_others() {
        let progress = Progress::default();
        let result = on_threads(3, &progress, |number, watch| {
            if number == 1 {
                return Err(ReconcileError::DoesNotAddUp("as told".to_owned()));
            }
            while !watch.stopped() {
                std::thread::yield_now();
            }
            Ok(())
        });
        assert!(matches!(result, Err(ReconcileError::DoesNotAddUp(_))));
    }

    #[test]
    fn being_told_to_stop_is_said_so() {
        let progress = Progress::default();
        progress.cancel.store(true, Ordering::Relaxed);
        assert!(matches!(on_threads(2, &progress, |_, _| Ok(())), Err(ReconcileError::Cancelled)));
    }
}
