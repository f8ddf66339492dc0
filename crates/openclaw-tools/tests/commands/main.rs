//! `bash` and `process` on the real sandbox, and what is asked before a command runs.
#![cfg(target_os = "linux")]

mod approvals;
mod bash;
mod hundred;
mod process;
mod support;
