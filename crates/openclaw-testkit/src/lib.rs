//! Doubles for tests: a clock that is set, ids that count, a scripted model server, strict fakes of
//! the Telegram Bot API, of search and of embedding services. They are small real implementations with state, driven over their real
//! wire. Beside them a real PostgreSQL server of a test's own. This crate sees only `openclaw-core`
//! and `openclaw-protocol`.

mod clock;
#[cfg(target_os = "linux")]
pub mod docker;
pub mod embedding;
mod ids;
pub mod model;
#[cfg(unix)]
pub mod postgres;
pub mod search;
pub mod telegram;

pub use clock::ManualClock;
pub use ids::{SeededIds, SeededRng};
