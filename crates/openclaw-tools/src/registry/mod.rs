//! The tools that are there, erased, with their schemas computed once.

mod arguments;
mod erased;
mod schema;

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;

use self::erased::{ErasedTool, Typed};
use crate::approvals::Approvals;
use crate::{
    Tool, ToolCall, ToolContext, ToolDefinition, ToolError, ToolOutput, ToolPolicy,
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
    approvals: Option<Arc<Approvals>>,
}

/// Collects tools.
#[derive(Debug, Default)]
pub struct ToolRegistryBuilder {
    tools: Vec<Box<dyn ErasedTool>>,
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

    /// The board on which tools ask for approval.
    #[must_use]
    pub fn asking(mut self, approvals: Arc<Approvals>) -> Self {
        self.approvals = Some(approvals);
        self
    }

    /// The registry, in the order of adding.
    pub fn build(self) -> ToolRegistry {
        let index = self.tools.iter().enumerate().map(|(at, tool)| (tool.name(), at)).collect();
        let Self { tools, approvals } = self;
        ToolRegistry { tools, index, offers: Mutex::default(), approvals }
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

    /// What a model may be offered under this policy, in the order of adding: the same list every
    /// time, so that a provider's cache of the prompt holds.
    pub fn definitions(&self, policy: &ToolPolicy) -> Arc<[ToolDefinition]> {
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
        let Some(tool) = self.index.get(name.as_ref()).map(|at| &self.tools[*at]) else {
            return Err(ToolError::Unknown(call.name.into_string()));
        };
        let decision = policy.decide(tool.name());
        if !decision.allowed {
            return Err(ToolError::Denied {
                tool: tool.name().to_owned(),
                reason: format!("{}; {}", decision.reason, decision.elsewhere),
            });
        }
        if context.cancel.is_cancelled() {
            return Err(ToolError::Cancelled);
        }
        let mut work = AssertUnwindSafe(tool.call(&context, call.arguments)).catch_unwind();
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
            tracing::error!(tool = tool.name(), "a tool panicked");
            Err(ToolError::Fatal(format!("the tool {} failed from within", tool.name())))
        })
    }
}
