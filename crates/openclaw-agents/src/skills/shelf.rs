use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use openclaw_config::{AgentSettings, Config};
use openclaw_core::AgentId;
use openclaw_errors::{ErrorKind, OpenClawError};
use openclaw_storage::{Batch, Storage, Write};
use openclaw_tools::Workspace;
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::find::{Kept, Parsed, Root, find};
use super::gate::{SkillHost, missing};
use super::place::{FOLDER, place};
use crate::prompt::one_line;
use crate::runner::AgentRunner;

/// What of skills stands in the prompt at most.
const LISTED: usize = 150;
const LISTED_BYTES: usize = 30_000;
const DESCRIPTION: usize = 400;

/// Shows skills, and takes the owner's word on them.
#[async_trait]
pub trait SkillShelf: Send + Sync + fmt::Debug {
    /// All skills that an agent has, by name.
    async fn skills(
        &self,
        config: &Config,
        agent: &AgentId,
    ) -> Result<Vec<SkillInfo>, OpenClawError>;

    /// Takes a skill as it is at present.
    async fn approve_skill(
        &self,
        config: &Config,
        agent: &AgentId,
        name: &str,
    ) -> Result<SkillInfo, OpenClawError>;
}

/// A skill, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SkillInfo {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// `workspace`, `managed` or `extra`.
    pub source: String,
    /// Where the model reads it, below the workspace.
    pub location: String,
    /// Whether it is offered, else why not.
    pub state: SkillState,
    /// What it lacks, or what it says that wants something run.
    pub notes: Vec<String>,
    /// The digest of its folder.
    pub digest: String,
}

/// Whether a skill is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SkillState {
    /// It is.
    Ready,
    /// The configuration turns it off.
    Disabled,
    /// Something that it requires is not here.
    Missing,
    /// It has changed, or asks to run something: the owner has to approve it.
    NeedsApproval,
}

/// Finds skills and keeps what is known of them.
#[derive(Debug, Default)]
pub(crate) struct Skills {
    kept: Arc<Kept>,
    host: SkillHost,
    /// Digests that were approved, by the key of the skill.
    pins: Mutex<HashMap<String, String>>,
}

/// What a session is offered.
#[derive(Debug, Default)]
pub(crate) struct Offered {
    skills: Vec<(Arc<Parsed>, SkillInfo)>,
}

impl Skills {
    pub(crate) fn on(host: SkillHost) -> Self {
        Self { host, ..Self::default() }
    }

    /// What an agent has, each with its state. A skill that is seen for the first time and lures
    /// nobody is pinned.
    pub(crate) async fn look(
        &self,
        storage: &dyn Storage,
        config: &Config,
        agent: &AgentSettings,
    ) -> Result<Offered, OpenClawError> {
        let roots = roots(config, agent);
        let kept = self.kept.clone();
        let found = tokio::task::spawn_blocking(move || find(&roots, &kept)).await;
        let found = found.map_err(|error| {
            OpenClawError::internal("looking for skills broke").with_source(error)
        })?;
        let mut offered = Offered::default();
        for skill in found {
            let info = self.info(storage, config, agent, &skill).await?;
            offered.skills.push((skill, info));
        }
        Ok(offered)
    }

    async fn info(
        &self,
        storage: &dyn Storage,
        config: &Config,
        agent: &AgentSettings,
        skill: &Parsed,
    ) -> Result<SkillInfo, OpenClawError> {
        let mut notes = Vec::new();
        let is_off = config.skills.enabled.get(&skill.name) == Some(&false)
            || agent.skills.as_ref().is_some_and(|names| !names.contains(&skill.name));
        let lacks = missing(&skill.metadata, &self.host, config);
        let state = match () {
            () if is_off => SkillState::Disabled,
            () if !self.is_pinned(storage, skill).await? => {
                notes.extend(skill.lures.iter().cloned());
                if notes.is_empty() {
                    notes.push("it has changed since it was approved".to_owned());
                }
                SkillState::NeedsApproval
            }
            () if !lacks.is_empty() => {
                notes.extend(lacks);
                SkillState::Missing
            }
            () => SkillState::Ready,
        };
        Ok(SkillInfo {
            name: skill.name.clone(),
            description: skill.description.clone(),
            source: skill.root.source.to_owned(),
            location: location(skill),
            state,
            notes,
            digest: skill.digest.clone(),
        })
    }

    async fn is_pinned(
        &self,
        storage: &dyn Storage,
        skill: &Parsed,
    ) -> Result<bool, OpenClawError> {
        let key = pin_key(skill);
        if self.pin(&key).as_deref() == Some(&skill.digest) {
            return Ok(true);
        }
        match storage.value(&key).await? {
            Some(pinned) => {
                let is_same = pinned == skill.digest;
                self.keep_pin(key, pinned);
                Ok(is_same)
            }
            None if !skill.lures.is_empty() => Ok(false),
            None => {
                self.store_pin(storage, skill).await?;
                Ok(true)
            }
        }
    }

    fn pin(&self, key: &str) -> Option<String> {
        self.pins.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    fn keep_pin(&self, key: String, digest: String) {
        self.pins.lock().unwrap_or_else(PoisonError::into_inner).insert(key, digest);
    }

    async fn store_pin(&self, storage: &dyn Storage, skill: &Parsed) -> Result<(), OpenClawError> {
        let (key, value) = (pin_key(skill), skill.digest.clone());
        let write = Write::PutValue { key: key.clone(), value: value.clone(), expect: None };
        storage.apply(Batch::new().with(write)).await?;
        self.keep_pin(key, value);
        Ok(())
    }
}

impl Offered {
    /// Copies those from elsewhere into the workspace; one that cannot be copied is not offered.
    pub(crate) async fn place(mut self, workspace: &Path) -> Self {
        let is_elsewhere = |(skill, info): &(Arc<Parsed>, SkillInfo)| {
            skill.root.source != "workspace" && info.state == SkillState::Ready
        };
        if !self.skills.iter().any(is_elsewhere) {
            return self;
        }
        let workspace = workspace.to_owned();
        let work = move || {
            self.skills.retain(|(skill, info)| {
                if skill.root.source == "workspace" || info.state != SkillState::Ready {
                    return true;
                }
                let placed = Workspace::open(&skill.root.path)
                    .and_then(|from| Ok((from, Workspace::open(&workspace)?)))
                    .map_err(|error| error.to_string())
                    .and_then(|(from, to)| {
                        place(&from, &to, &skill.folder, &skill.files, &skill.digest)
                    });
                if let Err(error) = &placed {
                    tracing::warn!(name = skill.name, error, "a skill is not in the workspace");
                }
                placed.is_ok()
            });
            self
        };
        match tokio::task::spawn_blocking(work).await {
            Ok(offered) => offered,
            Err(error) => {
                tracing::error!(%error, "placing skills broke");
                Self::default()
            }
        }
    }

    /// What the model is told of them; empty where there are none.
    pub(crate) fn section(&self, code: &str) -> String {
        let ready = self
            .skills
            .iter()
            .filter(|(skill, info)| info.state == SkillState::Ready && skill.for_model);
        let mut lines = String::new();
        for (skill, info) in ready.take(LISTED) {
            let about: String = skill.description.chars().take(DESCRIPTION).collect();
            let line = one_line(&json!({
                "name": skill.name, "description": about, "location": info.location,
            }));
            if lines.len() + line.len() > LISTED_BYTES {
                break;
            }
            lines.push_str(&line);
            lines.push('\n');
        }
        if lines.is_empty() {
            return lines;
        }
        format!(
            "\n# Skills\n\
             Before you act, look whether one of these skills fits the task, and if so read its \
             SKILL.md with the read tool and follow it; paths in it are relative to its folder. A \
             message that begins with / and a skill's name asks for that skill.\n\
             [skills {code}]\n{lines}[/skills {code}]\n"
        )
    }

    /// What the model is told when a person asks for a skill by name.
    pub(crate) fn asked(&self, name: &str) -> Option<String> {
        let (_, info) = self.skills.iter().find(|(skill, info)| {
            skill.name.eq_ignore_ascii_case(name)
                && skill.for_people
                && info.state == SkillState::Ready
        })?;
        Some(format!(
            "\nThe person asks for the skill {}: read {} first and follow it.\n",
            info.name, info.location
        ))
    }

    pub(crate) fn into_infos(self) -> Vec<SkillInfo> {
        self.skills.into_iter().map(|(_, info)| info).collect()
    }
}

/// The skill that a message asks for: `/skill <name> …`.
pub(crate) fn asked_name(text: &str) -> Option<&str> {
    let rest = text.trim_start().strip_prefix("/skill")?;
    rest.strip_prefix(char::is_whitespace)?.split_whitespace().next()
}

fn roots(config: &Config, agent: &AgentSettings) -> Vec<Root> {
    let mut roots = vec![
        Root { source: "workspace", path: agent.workspace.join("skills") },
        Root { source: "managed", path: config.state_dir.join("skills") },
    ];
    let extra = config.skills.extra_dirs.iter();
    roots.extend(extra.map(|path| Root { source: "extra", path: path.clone() }));
    roots
}

fn location(skill: &Parsed) -> String {
    match skill.root.source {
        "workspace" => format!("skills/{}/SKILL.md", skill.folder),
        _ => format!("{FOLDER}/{}/SKILL.md", skill.folder),
    }
}

fn pin_key(skill: &Parsed) -> String {
    let path = skill.root.path.join(&skill.folder);
    let digest = Sha256::digest(path.to_string_lossy().as_bytes());
    format!("skill:{}", hex::encode(&digest[..16]))
}

#[async_trait]
impl SkillShelf for AgentRunner {
    async fn skills(
        &self,
        config: &Config,
        agent: &AgentId,
    ) -> Result<Vec<SkillInfo>, OpenClawError> {
        let settings = config.agent(agent).unwrap_or_else(|| config.default_agent());
        Ok(self.skills.look(&*self.deps.storage, config, settings).await?.into_infos())
    }

    async fn approve_skill(
        &self,
        config: &Config,
        agent: &AgentId,
        name: &str,
    ) -> Result<SkillInfo, OpenClawError> {
        let settings = config.agent(agent).unwrap_or_else(|| config.default_agent());
        let storage = &*self.deps.storage;
        let offered = self.skills.look(storage, config, settings).await?;
        let found = offered.skills.iter().find(|(skill, _)| skill.name.eq_ignore_ascii_case(name));
        let Some((skill, _)) = found else {
            let error =
                OpenClawError::new(ErrorKind::NotFound, format!("there is no skill {name}"));
            return Err(error.with_hint("skills are folders with a SKILL.md"));
        };
        self.skills.store_pin(storage, skill).await?;
        self.skills.info(storage, config, settings, skill).await
    }
}
