//! Models through rig.

mod errors;
mod http;
mod idle;
mod lean;
mod merging;
mod model;
mod pair;
mod replay;
mod rewrite;
mod transport;

pub use http::{ModelHttp, ModelHttpError};
pub(crate) use model::build;
