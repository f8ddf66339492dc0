//! An embedding model on this machine: a sentence encoder of the BERT family, such as
//! all-MiniLM-L6-v2, from a folder with `config.json`, `model.safetensors` and `vocab.txt`.
//!
//! Only reading texts is needed, so the encoder is written out here over a matrix product instead of
//! taking a framework along; `docs/decisions` says what that saves. It is read when it is first
//! needed and given up when it was not used for a while; the table of words stays in the file.

mod bert;
mod config;
mod model;
mod tensors;
mod wordpiece;

pub(super) use self::model::LocalModel;
