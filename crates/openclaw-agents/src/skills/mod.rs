//! Skills: folders with a `SKILL.md` that the model reads when a task needs it.
//!
//! They are found in the agent's workspace (`skills/`), in the state folder (`skills/`) and in the
//! folders of `skills.load.extra_dirs`; of several with one name the first counts. What a skill says is
//! followed by the model, so it is pinned: the digest of its folder is kept when it is first seen, and
//! a folder that has changed, or that asks to run something at first sight, is not offered until the
//! owner approves it. Skills outside the workspace are copied into it, where the model's file tools
//! reach them; the copy is made again when it differs.

mod digest;
mod find;
mod front_matter;
mod gate;
mod lures;
mod place;
mod shelf;

pub use gate::SkillHost;
pub(crate) use shelf::{Offered, Skills, asked_name};
pub use shelf::{SkillInfo, SkillShelf, SkillState};
