//! Edits of the main file that keep its comments and never lose another's change.

mod change;
mod commit;
mod difference;
mod editor;
mod error;

pub use commit::Committed;
pub use editor::Editor;
pub use error::EditError;
