//! What the agent does by itself: jobs that are due at some time, and heartbeats.
//!
//! Everything here is arithmetic over what is stored and the time that is given: [`Occurrences`]
//! says when a schedule is due, [`look_at`] what of it is to be done by now, [`Jobs`] keeps jobs in
//! the store. Nothing here runs by itself and nothing sends: the gateway's scheduler does.
//!
//! **A moment at which a job is due has exactly one receipt**, stored in the batch that accepts the
//! run's input: a crash neither loses a moment nor runs it twice.

mod agenda;
mod arithmetic;
mod error;
mod heartbeat;
mod job;
mod jobs;
mod patch;
mod spec;
mod text;
mod typescript;
mod wall;

pub use agenda::{Afterwards, Agenda, BACK_OFF, Due, LATE_AFTER, look_at};
pub use arithmetic::Occurrences;
pub use error::ScheduleError;
pub use heartbeat::{
    Alert, HEARTBEAT_OK, HeartbeatStanding, is_effectively_empty, is_within, judge_alert,
    next_beat, slot_of,
};
pub use job::{
    CatchUp, Delivery, DeliveryMode, Job, JobOrigin, JobSpec, JobState, Payload, RunData,
    RunResult, Target, Trigger, WakeAt,
};
pub use jobs::{JobChange, JobChangeKind, Jobs, JobsDeps, JobsStatus, RunAsked};
pub use patch::{DeliveryPatch, JobPatch, NewJob, PayloadPatch};
pub use spec::Schedule;
pub use text::parse_moment;
pub use typescript::typescript_job;
