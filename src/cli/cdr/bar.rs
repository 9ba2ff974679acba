//! How far a run is, on a terminal only.

use std::io::IsTerminal as _;
use std::sync::atomic::{AtomicU64, Ordering};

use indicatif::{ProgressBar, ProgressStyle};
use linesman_reconcile::Progress;

/// Steps of the bar: half for reading, half for pairing.
const HALF: u64 = 500;

/// A bar on standard error; nothing when that is no terminal.
pub(super) struct Bar(Option<ProgressBar>);

impl Bar {
    /// An empty one.
    pub(super) fn new() -> Self {
        if !std::io::stderr().is_terminal() {
            return Self(None);
        }
        let bar = ProgressBar::new(2 * HALF);
        if let Ok(style) =
            ProgressStyle::with_template("{msg:12} [{bar:40}] {percent:>3} %  {elapsed_precise}")
        {
            bar.set_style(style.progress_chars("=> "));
        }
        Self(Some(bar))
    }

    /// Shows where a run is.
    pub(super) fn show(&self, progress: &Progress) {
        let Some(bar) = &self.0 else { return };
        let read = share(&progress.read, &progress.of);
        let paired = share(&progress.paired, &progress.partitions);
        bar.set_message(if read < HALF {
            "reading"
        } else if paired < HALF {
            "comparing"
        } else {
            "reporting"
        });
        bar.set_position(read + paired);
    }

    /// Takes it off the screen.
    pub(super) fn gone(self) {
        if let Some(bar) = self.0 {
            bar.finish_and_clear();
        }
    }
}

fn share(done: &AtomicU64, of: &AtomicU64) -> u64 {
    let (done, of) = (done.load(Ordering::Relaxed), of.load(Ordering::Relaxed));
    if of == 0 {
        0
    } else {
        u64::try_from(u128::from(done.min(of)) * u128::from(HALF) / u128::from(of)).unwrap_or(HALF)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_done_of_nothing_is_no_progress_and_more_than_all_is_all() {
        let share = |done, of| share(&AtomicU64::new(done), &AtomicU64::new(of));
        assert_eq!([share(0, 0), share(1, 2), share(9, 3), share(u64::MAX, u64::MAX)], [0, 250, 500, 500]);
    }
}
