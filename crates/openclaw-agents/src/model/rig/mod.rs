//! Models through rig.

mod embedding;
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

pub(crate) use embedding::EmbeddingModel;
pub use http::{ModelHttp, ModelHttpError};
pub(crate) use model::build;
