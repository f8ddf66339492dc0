//! Landlock: what may be read and written, held by the kernel even where a mount were forgotten.

use landlock::{
    ABI, Access, AccessFs, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreated, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
};

/// The newest rights that are asked for; an older kernel holds those it knows.
const NEWEST: ABI = ABI::V6;

/// The folders a payload may write in, as they stand inside.
pub(super) const WRITABLE: [&str; 6] =
    ["/workspace", "/tmp", "/var/tmp", "/dev", "/home/agent", "/proc/self"];

/// Restricts this thread and all it will start: reading everywhere inside, writing only where it is
/// meant. Whether any of it holds.
pub(super) fn apply() -> Result<bool, RulesetError> {
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?
        .create()?;
    rules = allow(rules, "/", AccessFs::from_read(NEWEST))?;
    for path in WRITABLE {
        rules = allow(rules, path, AccessFs::from_all(NEWEST))?;
    }
    let status = rules.restrict_self()?;
    Ok(status.ruleset != RulesetStatus::NotEnforced)
}

fn allow(
    rules: RulesetCreated,
    path: &str,
    access: landlock::BitFlags<AccessFs>,
) -> Result<RulesetCreated, RulesetError> {
    match PathFd::new(path) {
        Ok(folder) => rules.add_rule(PathBeneath::new(folder, access)),
        // What is not there needs no right.
        Err(_) => Ok(rules),
    }
}
