#![expect(deprecated, reason = "clients of the protocol before 2026-07-28 use log levels")]

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CompleteRequestMethod, CompleteRequestParams,
    CompleteResult, GetPromptRequestMethod, GetPromptRequestParams, GetPromptResponse,
    Implementation, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult,
    ListToolsResult, PaginatedRequestParams, ReadResourceRequestMethod, ReadResourceRequestParams,
    ReadResourceResponse, ServerCapabilities, ServerConfig, SetLevelRequestMethod,
    SetLevelRequestParams, SubscribeRequestMethod, SubscribeRequestParams,
    UnsubscribeRequestMethod, UnsubscribeRequestParams,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};

use super::{Offerings, Resources};

/// A request and the client that sent it.
pub type Asked = RequestContext<RoleServer>;

/// How many items one page of a list holds.
const PAGE: usize = 100;

/// Speaks the protocol for what is offered.
#[derive(Clone)]
pub struct McpServer {
    offerings: Offerings,
}

impl McpServer {
    /// For these.
    pub fn new(offerings: Offerings) -> Self {
        Self { offerings }
    }

    fn resources<M: rmcp::model::ConstString>(&self) -> Result<&dyn Resources, ErrorData> {
        self.offerings.resources.as_deref().ok_or_else(ErrorData::method_not_found::<M>)
    }
}

/// One page of a list, and where the next begins.
fn page<T>(
    items: Vec<T>,
    request: Option<PaginatedRequestParams>,
) -> Result<(Vec<T>, Option<String>), ErrorData> {
    let start = match request.and_then(|request| request.cursor) {
        None => 0,
        Some(cursor) => cursor
            .parse::<usize>()
            .map_err(|_| ErrorData::invalid_params("the cursor is not one of this list", None))?,
    };
    let end = start.saturating_add(PAGE);
    let next = (items.len() > end).then(|| end.to_string());
    Ok((items.into_iter().skip(start).take(PAGE).collect(), next))
}

impl ServerHandler for McpServer {
    fn get_info(&self) -> ServerConfig {
        let offerings = &self.offerings;
        let mut capabilities = ServerCapabilities::builder().enable_tools().build();
        if let Some(resources) = &offerings.resources {
            let mut told = rmcp::model::ResourcesCapability::default();
            told.subscribe = resources.tells_changes().then_some(true);
            capabilities.resources = Some(told);
        }
        if offerings.prompts.is_some() {
            capabilities.prompts = Some(Default::default());
        }
        if offerings.completion.is_some() {
            capabilities.completions = Some(Default::default());
        }
        if offerings.sends_logs {
            capabilities.logging = Some(Default::default());
        }
        let about = Implementation::new(&offerings.name, &offerings.version);
        let info = ServerConfig::new(capabilities).with_server_info(about);
        match &offerings.instructions {
            Some(instructions) => info.with_instructions(instructions),
            None => info,
        }
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        asked: Asked,
    ) -> Result<ListToolsResult, ErrorData> {
        let (tools, next_cursor) = page(self.offerings.tools.list(&asked).await?, request)?;
        Ok(ListToolsResult { next_cursor, ..ListToolsResult::with_all_items(tools) })
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        asked: Asked,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = request.arguments.unwrap_or_default();
        let called = self.offerings.tools.call(&request.name, arguments, &asked).await?;
        Ok(called.into())
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        asked: Asked,
    ) -> Result<ListResourcesResult, ErrorData> {
        let resources = self.resources::<rmcp::model::ListResourcesRequestMethod>()?;
        let (resources, next_cursor) = page(resources.list(&asked).await?, request)?;
        Ok(ListResourcesResult { next_cursor, ..ListResourcesResult::with_all_items(resources) })
    }

    async fn list_resource_templates(
        &self,
        request: Option<PaginatedRequestParams>,
        _: Asked,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let resources = self.resources::<rmcp::model::ListResourceTemplatesRequestMethod>()?;
        let (templates, next_cursor) = page(resources.templates(), request)?;
        let all = ListResourceTemplatesResult::with_all_items(templates);
        Ok(ListResourceTemplatesResult { next_cursor, ..all })
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        asked: Asked,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let resources = self.resources::<ReadResourceRequestMethod>()?;
        Ok(resources.read(&request.uri, &asked).await?.into())
    }

    async fn subscribe(
        &self,
        request: SubscribeRequestParams,
        asked: Asked,
    ) -> Result<(), ErrorData> {
        self.resources::<SubscribeRequestMethod>()?.subscribe(&request.uri, &asked).await
    }

    async fn unsubscribe(
        &self,
        request: UnsubscribeRequestParams,
        asked: Asked,
    ) -> Result<(), ErrorData> {
        self.resources::<UnsubscribeRequestMethod>()?.unsubscribe(&request.uri, &asked).await
    }

    async fn list_prompts(
        &self,
        request: Option<PaginatedRequestParams>,
        _: Asked,
    ) -> Result<ListPromptsResult, ErrorData> {
        let Some(prompts) = &self.offerings.prompts else {
            return Err(ErrorData::method_not_found::<rmcp::model::ListPromptsRequestMethod>());
        };
        let (prompts, next_cursor) = page(prompts.list(), request)?;
        Ok(ListPromptsResult { next_cursor, ..ListPromptsResult::with_all_items(prompts) })
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _: Asked,
    ) -> Result<GetPromptResponse, ErrorData> {
        let Some(prompts) = &self.offerings.prompts else {
            return Err(ErrorData::method_not_found::<GetPromptRequestMethod>());
        };
        Ok(prompts.get(&request.name, request.arguments.unwrap_or_default()).await?.into())
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        _: Asked,
    ) -> Result<CompleteResult, ErrorData> {
        match &self.offerings.completion {
            Some(completion) => Ok(CompleteResult::new(completion.complete(request).await?)),
            None => Err(ErrorData::method_not_found::<CompleteRequestMethod>()),
        }
    }

    async fn set_level(&self, _: SetLevelRequestParams, _: Asked) -> Result<(), ErrorData> {
        match self.offerings.sends_logs {
            // Each call sends few messages; all of them are sent whatever the level.
            true => Ok(()),
            false => Err(ErrorData::method_not_found::<SetLevelRequestMethod>()),
        }
    }
}
