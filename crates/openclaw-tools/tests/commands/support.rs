use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use openclaw_config::ExecAsk;
use openclaw_core::{AgentId, CallId, SessionKey, SystemClock, SystemIds, ToolName};
use openclaw_tools::approvals::{
    Allowed, ApprovalLog, ApprovalRequest, Approvals, Resolution, Verdict,
};
use openclaw_tools::commands::{CommandDeps, CommandRules, Commands};
use openclaw_tools::sandbox::{Helper, Host, Namespaces};
use openclaw_tools::{ToolCall, ToolContext, ToolError, ToolPolicy, ToolRegistry};
use serde_json::Value;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A workspace with the command tools over it.
pub(crate) struct Bench {
    pub(crate) registry: Arc<ToolRegistry>,
    pub(crate) approvals: Arc<Approvals>,
    pub(crate) log: Arc<MemoryLog>,
    pub(crate) rules: CommandRules,
    pub(crate) cancel: CancellationToken,
    pub(crate) shown: Arc<Mutex<String>>,
    pub(crate) stop: CancellationToken,
    folder: TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("workspace")).expect("made");
        let helper = Helper::program(env!("CARGO_BIN_EXE_sandbox-helper"));
        let approvals = Arc::new(Approvals::new(Arc::new(SystemClock), Arc::new(SystemIds)));
        let log = Arc::new(MemoryLog::default());
        approvals.attach(log.clone());
        let stop = CancellationToken::new();
        let path = ("PATH".to_owned(), "/usr/bin:/bin".to_owned());
        let commands = Commands::new(CommandDeps {
            sandbox: Arc::new(Namespaces::new(helper.clone())),
            host: Arc::new(Host::new(helper, vec![path])),
            approvals: approvals.clone(),
            tasks: TaskTracker::new(),
            stop: stop.clone(),
        });
        Self {
            registry: Arc::new(
                ToolRegistry::builder().with_command_tools(Arc::new(commands)).build(),
            ),
            approvals,
            log,
            rules: CommandRules::default(),
            cancel: CancellationToken::new(),
            shown: Arc::default(),
            stop,
            folder,
        }
    }

    /// Where every command asks.
    pub(crate) fn asking() -> Self {
        let mut bench = Self::new();
        bench.rules.sandboxed = false;
        bench.rules.ask = ExecAsk::OnMiss;
        bench
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("workspace")
    }

    pub(crate) fn context(&self) -> ToolContext {
        let shown = self.shown.clone();
        ToolContext {
            agent_id: AgentId::main(),
            session_key: SessionKey::main(&AgentId::main()),
            run_id: None,
            workspace: self.root(),
            commands: Arc::new(self.rules.clone()),
            cancel: self.cancel.clone(),
            output: Arc::new(move |text| shown.lock().expect("free").push_str(text)),
        }
    }

    pub(crate) async fn call(&self, name: &str, arguments: Value) -> Result<String, ToolError> {
        self.call_in(self.context(), name, arguments).await
    }

    pub(crate) async fn call_in(
        &self,
        context: ToolContext,
        name: &str,
        arguments: Value,
    ) -> Result<String, ToolError> {
        let call = ToolCall {
            call_id: CallId::new("call-1").expect("valid"),
            name: ToolName::new(name).expect("valid"),
            arguments,
        };
        let output = self.registry.call(&ToolPolicy::allow_all(), call, context).await?;
        Ok(output.text)
    }

    pub(crate) async fn bash(&self, command: &str) -> String {
        self.call("bash", serde_json::json!({"command": command})).await.expect("it runs")
    }

    /// Runs a command that must ask, answers, and gives what was asked and what came out.
    pub(crate) async fn answered(
        &self,
        command: &str,
        verdict: Verdict,
        meanwhile: impl FnOnce(&ApprovalRequest),
    ) -> (ApprovalRequest, Result<String, ToolError>) {
        let call = self.call("bash", serde_json::json!({"command": command}));
        let answer = async {
            let request = self.log.next().await;
            meanwhile(&request);
            self.approvals.resolve(&request.id, verdict, "test").expect("it waits");
            request
        };
        let (outcome, request) = tokio::join!(call, answer);
        (request, outcome)
    }
}

/// Keeps what is asked and allowed in memory.
#[derive(Debug, Default)]
pub(crate) struct MemoryLog {
    requests: Mutex<Vec<ApprovalRequest>>,
    pub(crate) resolutions: Mutex<Vec<Resolution>>,
    allowed: Mutex<Vec<(String, Allowed)>>,
    news: tokio::sync::Notify,
}

impl MemoryLog {
    /// The next request.
    pub(crate) async fn next(&self) -> ApprovalRequest {
        loop {
            let news = self.news.notified();
            if let Some(request) = self.requests.lock().expect("free").pop() {
                return request;
            }
            news.await;
        }
    }
}

#[async_trait]
impl ApprovalLog for MemoryLog {
    async fn requested(&self, request: &ApprovalRequest) -> Result<(), String> {
        self.requests.lock().expect("free").push(request.clone());
        self.news.notify_one();
        Ok(())
    }

    async fn resolved(&self, _request: &ApprovalRequest, resolution: &Resolution) {
        self.resolutions.lock().expect("free").push(resolution.clone());
    }

    async fn allowed(&self, agent: &AgentId, key: &str) -> Result<Option<Allowed>, String> {
        let all = self.allowed.lock().expect("free");
        let found = all.iter().find(|(own, allowed)| own == key && allowed.agent_id == *agent);
        Ok(found.map(|(_, allowed)| allowed.clone()))
    }

    async fn all_allowed(&self) -> Result<Vec<(String, Allowed)>, String> {
        Ok(self.allowed.lock().expect("free").clone())
    }

    async fn allow(&self, key: &str, allowed: &Allowed) -> Result<(), String> {
        self.allowed.lock().expect("free").push((key.to_owned(), allowed.clone()));
        Ok(())
    }

    async fn forget(&self, agent: &AgentId, key: &str) -> Result<bool, String> {
        let mut all = self.allowed.lock().expect("free");
        let before = all.len();
        all.retain(|(own, allowed)| own != key || allowed.agent_id != *agent);
        Ok(all.len() < before)
    }
}
