//! What was learnt of earlier cases, and what is said in set phrases (R36, R99, R107, R108, R112).
//!
//! PURE: tickets and articles come in, drafts, tokens and ranks come out. Deliberately absent: words of customers. A
//! draft is made of what the measurement found and of the solution that a person wrote down for others to read.
//!
//! | room | what it holds |
//! | --- | --- |
//! | [`article`] | an article, its review, its changes |
//! | [`signature`] | what kind of case it is: class, cause, kind of segment, features; how alike two are |
//! | [`draft`] | the draft that a solved ticket leaves |
//! | [`tokens`] | a text taken apart: words and pairs of Chinese signs, which both databases index |
//! | [`mod@rank`] | articles for a case: first by signature, then by text |
//! | [`script`] | set phrases for each purpose, in both languages |

pub mod article;
pub mod draft;
pub mod rank;
pub mod script;
pub mod signature;
pub mod tokens;

pub use article::{Article, ArticleId, Edit, Kind, Move, Review, Unfit, Words};
pub use rank::{Suggestion, rank};
pub use signature::Signature;
