//! From files to one merged table whose values know their places.

mod document;
mod expand;
mod include;
mod position;

pub(crate) use document::parse;
pub(crate) use expand::expand_table;
pub(crate) use include::{Gathered, gather};
