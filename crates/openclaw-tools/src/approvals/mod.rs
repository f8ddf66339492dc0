//! Asking people before a command runs.
//!
//! A request is stored and told to clients before anybody waits for it; whoever may approve answers by
//! [`Approvals::resolve`], from a chat, the command line or a client. Nobody's answer is a denial.

mod board;
mod request;

pub use board::{Approvals, ResolveError};
pub use request::{Allowed, ApprovalLog, ApprovalRequest, Foreign, Resolution, Verdict};
