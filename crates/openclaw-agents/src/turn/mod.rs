//! One turn: ask the model, run its tools, ask again, each step committed before the next.

mod caller;
mod calls;
mod deltas;
mod loop_guard;
mod offer;
mod overview;
mod policy;
mod prepare;
mod record;
mod room;
mod scrub;
mod stop;
mod tools;
mod work;

pub(crate) use deltas::Deltas;
pub(crate) use offer::Revealed;
pub(crate) use overview::{CompactionStored, Overview, overview, store_compaction};
pub(crate) use policy::policy_for;
pub(crate) use record::{NotCommitted, Recorder, Step};
pub(crate) use stop::{Stop, Stopped};
pub(crate) use work::run;
