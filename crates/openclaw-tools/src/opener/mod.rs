//! The one opener for every path that a model gives.

mod error;
mod listing;
mod path;
mod replace;
mod workspace;

pub use error::OpenError;
pub use workspace::{OpenedFile, Workspace};
