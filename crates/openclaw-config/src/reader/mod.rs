//! Typed reading of a table, which at the same time describes it.
//!
//! One function over a [`TableReader`] says of each key its name, its type, its limits, its default
//! and what it is for. Run on a table it gives values and issues; run by [`describe`] it gives the
//! JSON Schema. So the two cannot drift apart, as long as the function reads every key whatever the
//! values are.

mod field;
mod read;
mod secrets;
mod table;
mod values;

pub use field::Field;
pub use read::describe;
pub(crate) use read::{Reading, read_table};
pub(crate) use table::MASK;
pub use table::TableReader;
