//! What is seen while it runs: a table that is drawn anew on a terminal, plain lines elsewhere.

use std::io::IsTerminal as _;

use linesman_media::capture::report::{Report, StreamRow};
use linesman_media::quality::score::Interval;

use crate::cli::output;
use crate::cli::rtp::table;

/// Home, and clear what is below.
const ANEW: &str = "\x1b[H\x1b[J";
/// The other screen, so that what was there before comes back at the end.
const ENTER: &str = "\x1b[?1049h";
const LEAVE: &str = "\x1b[?1049l";
/// Lines beside those of streams.
const FRAME_LINES: usize = 4;
const USUAL_LINES: usize = 24;
/// Without a terminal a line so often, in seconds.
const PLAIN_EVERY: u64 = 10;

/// Where it is shown.
pub(super) enum Screen {
    /// A terminal.
    Terminal,
    /// A file, a pipe, a journal.
    Plain,
    /// Nowhere: the document comes at the end.
    Quiet,
}

impl Screen {
    pub(super) fn open(json: bool) -> anyhow::Result<Self> {
        if json {
            return Ok(Self::Quiet);
        }
        if !std::io::stdout().is_terminal() {
            return Ok(Self::Plain);
        }
        output::raw(ENTER.as_bytes())?;
        Ok(Self::Terminal)
    }

    /// A second has passed. The report is made only where it is shown.
    pub(super) fn refresh(
        &self,
        seconds: u64,
        state: &str,
        current: impl FnOnce() -> Report,
    ) -> anyhow::Result<()> {
        match self {
            Self::Terminal => {
                let lines = rustix::termios::tcgetwinsize(std::io::stdout())
                    .map_or(USUAL_LINES, |size| usize::from(size.ws_row).max(FRAME_LINES + 1));
                let mut report = current();
                table::worst_first(&mut report.streams, lines.saturating_sub(FRAME_LINES));
                let table = table::streams(&report, true);
                output::raw(format!("{ANEW}{state}\n\n{table}\n").as_bytes())
            }
            Self::Plain if seconds.is_multiple_of(PLAIN_EVERY) => {
                output::note(state);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Streams are over.
    pub(super) fn over(&self, report: &Report) -> anyhow::Result<()> {
        if matches!(self, Self::Plain) {
            for stream in &report.streams {
                output::line(line(stream))?;
            }
        }
        Ok(())
    }

    /// It ends here.
    pub(super) fn close(&self) -> anyhow::Result<()> {
        match self {
            Self::Terminal => output::raw(LEAVE.as_bytes()),
            _ => Ok(()),
        }
    }
}

fn line(stream: &StreamRow) -> String {
    let quality = &stream.quality;
    let range = |value: Option<Interval>| {
        value.map_or_else(|| "-".to_owned(), |Interval { low, high }| format!("{low:.2}-{high:.2}"))
    };
    let mut text = format!(
        "{} ended: {} {:.1} s, {} received, {} lost ({:.2} %), jitter {} ms, MOS {}",
        stream.id,
        quality.codec.as_deref().unwrap_or("unknown codec"),
        quality.duration_s,
        quality.received,
        quality.lost,
        quality.loss_ratio * 100.0,
        quality.jitter_mean_ms.map_or_else(|| "-".to_owned(), |jitter| format!("{jitter:.2}")),
        range(quality.mos),
    );
    if !stream.measurement_faults.is_empty() {
        text.push_str(&format!(", measurement fault: {}", stream.measurement_faults.join(" ")));
    }
    text
}
