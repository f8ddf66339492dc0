//! Turns from the lane's side: what a runner does with a real store, real tools and a model server,
//! on every wire.

mod aging;
mod aimock;
mod caller;
mod cancelling;
mod compacting;
mod failing;
mod inputs;
mod keys;
mod plain;
mod prefix;
mod prompting;
mod recording;
mod resuming;
mod spending;
mod support;
mod tools;
mod wire;
