//! The sandbox, from outside, with commands that try to get out of it.
#![cfg(target_os = "linux")]

mod limits;
mod support;
mod walls;
