//! The tools that are there, erased, with their schemas computed once.

mod arguments;
mod erased;
mod schema;

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use openclaw_core::AgentId;
use serde_json::Value;

use self::erased::{ErasedTool, Typed};
use crate::approvals::Approvals;
use crate::{
    Tool, ToolCall, ToolContext, ToolDefinition, ToolError, ToolOutput, ToolPolicy, ToolSource,
    canonical_tool_name,
};

/// How long a tool may take to end after its call was cancelled.
const CANCEL_GRACE: Duration = Duration::from_secs(5);

/// How many different sets of allowed tools are remembered; one per agent and layer is usual.
const MAX_OFFERS: usize = 64;

/// By which tools are allowed, what is offered.
type Offers = HashMap<Box<[bool]>, Arc<[ToolDefinition]>>;

/// All tools of a gateway.
#[derive(Debug)]
pub struct ToolRegistry {
    tools: Vec<Box<dyn ErasedTool>>,
    index: HashMap<&'static str, usize>,
    offers: Mutex<Offers>,
    sources: Vec<Arc<dyn ToolSource>>,
    approvals: Option<Arc<Approvals>>,
}

/// Collects tools.
#[derive(Debug, Default)]
pub struct ToolRegistryBuilder {
    tools: Vec<Box<dyn ErasedTool>>,
    sources: Vec<Arc<dyn ToolSource>>,
    approvals: Option<Arc<Approvals>>,
}

impl ToolRegistryBuilder {
    /// Adds a tool; one of the same name that was added before is replaced.
    #[must_use]
    pub fn with<T: Tool>(mut self, tool: T) -> Self {
        self.tools.retain(|other| other.name() != T::NAME);
        self.tools.push(Box::new(Typed::new(tool)));
        self
    }

    /// Adds tools that come and go; they are offered after all others.
    #[must_use]
    pub fn with_source(mut self, source: Arc<dyn ToolSource>) -> Self {
        self.sources.push(source);
        self
    }

    /// The board on which tools ask for approval.
    #[must_use]
    pub fn asking(mut self, approvals: Arc<Approvals>) -> Self {
        self.approvals = Some(approvals);
        self
    }

    /// The registry, in the order of adding.
    pub fn build(self) -> ToolRegistry {
        let index = self.tools.iter().enumerate().map(|(at, tool)| (tool.name(), at)).collect();
        let Self { tools, sources, approvals } = self;
        ToolRegistry { tools, index, offers: Mutex::default(), sources, approvals }
    }
}

impl ToolRegistry {
    /// An empty builder.
    pub fn builder() -> ToolRegistryBuilder {
        ToolRegistryBuilder::default()
    }

    /// The board on which tools ask for approval; `None` when none of them does.
    pub fn approvals(&self) -> Option<&Arc<Approvals>> {
        self.approvals.as_ref()
    }

    /// The names of all tools, in the order of adding.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.tools.iter().map(|tool| tool.name())
    }

    /// Has the tools that come and go found out, for what this agent is offered next.
    pub async fn prepare(&self, agent: &AgentId) {
        futures_util::future::join_all(self.sources.iter().map(|source| source.prepare(agent)))
            .await;
    }

    /// What the model of this agent may be offered under this policy, in the order of adding: the same
    /// list every time, so that a provider's cache of the prompt holds.
    pub fn definitions(&self, policy: &ToolPolicy, agent: &AgentId) -> Arc<[ToolDefinition]> {
        let own = self.own_definitions(policy);
        let mut foreign = self
            .sources
            .iter()
            .flat_map(|source| source.definitions(agent))
            .filter(|tool| policy.decide(&tool.name).allowed)
            .peekable();
        if foreign.peek().is_none() {
            return own;
        }
        own.iter().cloned().chain(foreign).collect()
    }

    fn own_definitions(&self, policy: &ToolPolicy) -> Arc<[ToolDefinition]> {
        let allowed: Box<[bool]> =
            self.tools.iter().map(|tool| policy.decide(tool.name()).allowed).collect();
        let mut offers = self.offers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(offer) = offers.get(&allowed) {
            return offer.clone();
        }
        if offers.len() >= MAX_OFFERS {
            offers.clear();
        }
        let offer: Arc<[ToolDefinition]> = self
            .tools
            .iter()
            .zip(&allowed)
            .filter(|(_, allowed)| **allowed)
            .map(|(tool, _)| tool.definition().clone())
            .collect();
        offers.insert(allowed, offer.clone());
        offer
    }

    fn find(&self, name: &str) -> Option<Found<'_>> {
        if let Some(at) = self.index.get(name) {
            return Some(Found::Own(self.tools[*at].as_ref()));
        }
        let mut sources = self.sources.iter();
        sources
            .find(|source| name.starts_with(source.prefix()))
            .map(|source| Found::Foreign(&**source))
    }

    /// Runs one call: the policy is asked, the arguments are checked, a panic is caught, and a tool
    /// that does not end within five seconds of being cancelled is dropped.
    ///
    /// # Errors
    /// Any [`ToolError`]; all but `Fatal` and `Cancelled` are for the model to read.
    pub async fn call(
        &self,
        policy: &ToolPolicy,
        call: ToolCall,
        context: ToolContext,
    ) -> Result<ToolOutput, ToolError> {
        let name = canonical_tool_name(call.name.as_str());
        let Some(tool) = self.find(&name) else {
            return Err(ToolError::Unknown(call.name.into_string()));
        };
        let decision = policy.decide(&name);
        if !decision.allowed {
            return Err(ToolError::Denied {
                tool: name.into_owned(),
                reason: format!("{}; {}", decision.reason, decision.elsewhere),
            });
        }
        if context.cancel.is_cancelled() {
            return Err(ToolError::Cancelled);
        }
        let work = AssertUnwindSafe(tool.call(&context, &name, call.arguments)).catch_unwind();
        let mut work = Box::pin(work);
        let ended = tokio::select! {
            biased;
            ended = &mut work => ended,
            () = context.cancel.cancelled() => {
                match tokio::time::timeout(CANCEL_GRACE, work).await {
                    Ok(ended) => ended,
                    Err(_) => return Err(ToolError::Cancelled),
                }
            }
        };
        ended.unwrap_or_else(|_| {
            tracing::error!(tool = %name, "a tool panicked");
            Err(ToolError::Fatal(format!("the tool {name} failed from within")))
        })
    }
}

/// What runs a call.
enum Found<'a> {
    Own(&'a dyn ErasedTool),
    Foreign(&'a dyn ToolSource),
}

impl Found<'_> {
    async fn call(
        &self,
        context: &ToolContext,
        name: &str,
        arguments: Value,
    ) -> Result<ToolOutput, ToolError> {
        match self {
            Self::Own(tool) => tool.call(context, arguments).await,
            Self::Foreign(source) => source.call(context, name, arguments).await,
        }
    }
}
