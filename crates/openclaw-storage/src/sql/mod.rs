//! What the engines that speak SQL share: arguments, rows, and why a write did not hold.

pub(crate) mod argument;
pub(crate) mod cells;
pub(crate) mod conflicts;
pub(crate) mod decode;
pub(crate) mod jobs;
pub(crate) mod memory;
pub(crate) mod read;
