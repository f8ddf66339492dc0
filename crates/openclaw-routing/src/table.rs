use std::sync::Arc;

use openclaw_config::Config;
use openclaw_core::{AgentId, Inbound};
use serde::Serialize;

use crate::RoutingError;
use crate::explain::{DecidedBy, Explanation, RuleExplanation, Verdict};
use crate::index::Index;
use crate::pattern::Patterns;
use crate::rule::{Rule, Subject};

/// Where a message goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// The agent.
    pub agent_id: AgentId,
    /// The session a rule names: the rest of a session key. Without one, it follows from the scopes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<Arc<str>>,
    /// The place of the rule that decided; `None` when none did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<Arc<str>>,
}

/// The rules of one configuration, compiled.
#[derive(Debug)]
pub struct RoutingTable {
    rules: Vec<Rule>,
    patterns: Patterns,
    index: Index,
    default_agent: AgentId,
}

impl RoutingTable {
    /// Compiles the rules of a configuration.
    ///
    /// # Errors
    /// When a rule names an agent that does not exist, or its session or pattern has no valid form.
    pub fn compile(config: &Config) -> Result<Self, RoutingError> {
        let default_agent = config.default_agent().id.clone();
        let mut patterns = Patterns::default();
        let mut rules = Vec::with_capacity(config.routing.len());
        for rule in &config.routing {
            if let Some(agent) = rule.agent.as_ref().filter(|agent| config.agent(agent).is_none()) {
                return Err(RoutingError::UnknownAgent {
                    place: rule.place.clone(),
                    agent: agent.clone(),
                });
            }
            let pattern = match &rule.pattern {
                None => None,
                Some(text) => {
                    Some(patterns.add(text).map_err(|source| RoutingError::InvalidPattern {
                        place: rule.place.clone(),
                        source: Box::new(source),
                    })?)
                }
            };
            rules.push(Rule::compile(rule, &default_agent, pattern)?);
        }
        patterns.seal().map_err(RoutingError::PatternsTooLarge)?;
        let index = Index::over(&rules, &patterns);
        Ok(Self { rules, patterns, index, default_agent })
    }

    /// Decides where a message goes: the first rule in file order that matches, else
    /// `preferred_agent`, the one that the settings of its chat name, else the default agent.
    pub fn route(&self, inbound: &Inbound, preferred_agent: Option<&AgentId>) -> Decision {
        let subject = Subject::of(inbound);
        self.decision(self.first_match(&subject), preferred_agent)
    }

    /// Says of each rule why it did or did not decide, and where the message goes.
    ///
    /// Looks at every rule, so it costs more than [`Self::route`].
    pub fn explain(&self, inbound: &Inbound, preferred_agent: Option<&AgentId>) -> Explanation {
        let subject = Subject::of(inbound);
        let mut decided = None;
        let mut rules = Vec::with_capacity(self.rules.len());
        for (number, rule) in self.rules.iter().enumerate() {
            let verdict = match rule.first_failure(&subject, &self.patterns) {
                Some(condition) => rule.verdict_of_failure(condition, &subject, &self.patterns),
                None if decided.is_some() => Verdict::Shadowed,
                None => {
                    decided = Some(number);
                    Verdict::Decided
                }
            };
            rules.push(RuleExplanation {
                place: Arc::clone(&rule.place),
                agent_id: rule.agent_id.clone(),
                session: rule.session.clone(),
                verdict,
            });
        }
        let decided_by = match (decided, preferred_agent) {
            (Some(_), _) => DecidedBy::Rule,
            (None, Some(_)) => DecidedBy::ChatSetting,
            (None, None) => DecidedBy::DefaultAgent,
        };
        Explanation { rules, decision: self.decision(decided, preferred_agent), decided_by }
    }

    /// How many rules there are.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there are no rules.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    fn first_match(&self, subject: &Subject<'_>) -> Option<usize> {
        let mut first = self.rules.len();
        for list in self.index.lists(subject, &self.patterns) {
            let earlier = list.iter().map(|number| *number as usize).take_while(|n| *n < first);
            for number in earlier {
                if self.rules[number].first_failure(subject, &self.patterns).is_none() {
                    first = number;
                    break;
                }
            }
        }
        (first < self.rules.len()).then_some(first)
    }

    fn decision(&self, rule: Option<usize>, preferred_agent: Option<&AgentId>) -> Decision {
        match rule.map(|number| &self.rules[number]) {
            Some(rule) => Decision {
                agent_id: rule.agent_id.clone(),
                session: rule.session.clone(),
                rule: Some(Arc::clone(&rule.place)),
            },
            None => Decision {
                agent_id: preferred_agent.unwrap_or(&self.default_agent).clone(),
                session: None,
                rule: None,
            },
        }
    }
}
