//! The month's statistics of the complaint-handling procedure: from tickets to a report that can be frozen, compared
//! and handed out (R81 to R85, R115 to R119).
//!
//! PURE: tickets and an instant come in, a document comes out. Counting itself is
//! [`linesman_process::statistics`]. Deliberately absent: words that people wrote about a case, which would outlive
//! their erasure in a frozen month; the numbers of the tickets lead to them.
//!
//! | room | what it holds |
//! | --- | --- |
//! | [`month`] | a month on the operator's clocks, and when its report is due |
//! | [`duty`] | what a month that is over asks of people, and by when |
//! | [`facts`](mod@facts) | what the statistics know of a ticket |
//! | [`content`] | the report: figures, shares, cases, suggestions; its hash; what differs from another |
//! | [`mod@tables`] | the report as tables in a language |
//! | [`html`], [`xlsx`], [`plain`] | those as a page to print, a workbook, lines of a terminal |

pub mod content;
pub mod duty;
pub mod facts;
pub mod html;
pub mod month;
pub mod plain;
pub mod tables;
pub mod xlsx;

#[cfg(test)]
mod tests;

pub use content::{Content, Difference, Frozen, Row};
pub use month::{Month, NotAMonth};
pub use tables::{Shown, Tables, tables};
