//! The security behaviours on the program itself: one test each, named after its number in
//! `SECURITY.md`'s list.

#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "the harness is that of the end-to-end tests")]
mod support;

mod browser;
mod channels;
mod credentials;
mod limits;
mod raw;
mod state;
