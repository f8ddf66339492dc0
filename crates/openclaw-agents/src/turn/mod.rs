//! One turn: ask the model, run its tools, ask again, each step committed before the next.

mod caller;
mod calls;
mod deltas;
mod loop_guard;
mod policy;
mod prepare;
mod record;
mod stop;
mod tools;
mod work;

pub(crate) use work::run;
