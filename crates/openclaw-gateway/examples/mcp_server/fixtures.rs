//! Resources, prompts and completions that the suite asks for.

use async_trait::async_trait;
use openclaw_gateway::mcp::{Asked, Completion, Prompts, Resources};
use rmcp::ErrorData;
use rmcp::model::{
    CompleteRequestParams, CompletionInfo, ContentBlock, GetPromptResult, ImageContent, JsonObject,
    Prompt, PromptArgument, PromptMessage, ReadResourceResult, Resource, ResourceContents,
    ResourceTemplate, Role,
};

/// A picture of one dot.
pub(crate) const DOT: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8/5+hHgAHggJ/PchI7wAAAABJRU5ErkJggg==";

/// A resource with a text.
pub(crate) fn page(uri: &str, mime_type: &str, text: &str) -> ResourceContents {
    ResourceContents::TextResourceContents {
        uri: uri.to_owned(),
        mime_type: Some(mime_type.to_owned()),
        text: text.to_owned(),
        meta: None,
    }
}

pub(crate) struct Pages;

#[async_trait]
impl Resources for Pages {
    async fn list(&self, _: &Asked) -> Result<Vec<Resource>, ErrorData> {
        Ok(vec![
            Resource::new("test://static-text", "text").with_mime_type("text/plain"),
            Resource::new("test://static-binary", "binary").with_mime_type("image/png"),
            Resource::new("test://watched-resource", "watched").with_mime_type("text/plain"),
        ])
    }

    fn templates(&self) -> Vec<ResourceTemplate> {
        let template = ResourceTemplate::new("test://template/{id}/data", "template");
        vec![template.with_mime_type("application/json")]
    }

    async fn read(&self, uri: &str, _: &Asked) -> Result<ReadResourceResult, ErrorData> {
        let id = uri.strip_prefix("test://template/").and_then(|id| id.strip_suffix("/data"));
        let contents = match (uri, id) {
            ("test://static-text", _) => {
                page(uri, "text/plain", "This is the content of the static text resource.")
            }
            ("test://watched-resource", _) => page(uri, "text/plain", "Nothing has changed."),
            ("test://static-binary", _) => ResourceContents::BlobResourceContents {
                uri: uri.to_owned(),
                mime_type: Some("image/png".to_owned()),
                blob: DOT.to_owned(),
                meta: None,
            },
            (_, Some(id)) => {
                let data = serde_json::json!({"id": id, "templateTest": true, "data": format!("Data for ID: {id}")});
                page(uri, "application/json", &data.to_string())
            }
            (_, None) => return Err(ErrorData::resource_not_found("there is no such page", None)),
        };
        Ok(ReadResourceResult::new(vec![contents]))
    }

    fn tells_changes(&self) -> bool {
        true
    }

    async fn subscribe(&self, _: &str, _: &Asked) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn unsubscribe(&self, _: &str, _: &Asked) -> Result<(), ErrorData> {
        Ok(())
    }
}

pub(crate) struct Sayings;

#[async_trait]
impl Prompts for Sayings {
    fn list(&self) -> Vec<Prompt> {
        let argument = |name: &str| {
            PromptArgument::new(name).with_description("an argument").with_required(true)
        };
        let plain = |name: &str| Prompt::new(name, Some("a prompt of the suite"), None);
        vec![
            plain("test_simple_prompt"),
            Prompt::new(
                "test_prompt_with_arguments",
                Some("a prompt with arguments"),
                Some(vec![argument("arg1"), argument("arg2")]),
            ),
            Prompt::new(
                "test_prompt_with_embedded_resource",
                Some("a prompt with a resource"),
                Some(vec![argument("resourceUri")]),
            ),
            plain("test_prompt_with_image"),
        ]
    }

    async fn get(&self, name: &str, arguments: JsonObject) -> Result<GetPromptResult, ErrorData> {
        let given = |name: &str| arguments.get(name).and_then(|value| value.as_str()).unwrap_or("");
        let said = |content| PromptMessage::new(Role::User, content);
        let text = |text: String| said(ContentBlock::text(text));
        let messages = match name {
            "test_simple_prompt" => vec![text("This is a simple prompt for testing.".to_owned())],
            "test_prompt_with_arguments" => vec![text(format!(
                "Prompt with arguments: arg1='{}', arg2='{}'",
                given("arg1"),
                given("arg2")
            ))],
            "test_prompt_with_embedded_resource" => {
                let resource = page(
                    given("resourceUri"),
                    "text/plain",
                    "Embedded resource content for testing.",
                );
                vec![
                    said(ContentBlock::resource(resource)),
                    text("Please process the embedded resource above.".to_owned()),
                ]
            }
            "test_prompt_with_image" => vec![
                said(ContentBlock::Image(ImageContent::new(DOT, "image/png"))),
                text("Please analyze the image above.".to_owned()),
            ],
            _ => return Err(ErrorData::invalid_params("there is no such prompt", None)),
        };
        Ok(GetPromptResult::new(messages))
    }
}

pub(crate) struct Guesses;

#[async_trait]
impl Completion for Guesses {
    async fn complete(&self, request: CompleteRequestParams) -> Result<CompletionInfo, ErrorData> {
        let known = ["paris", "park", "party"];
        let begun = known.into_iter().filter(|word| word.starts_with(&request.argument.value));
        CompletionInfo::with_all_values(begun.map(str::to_owned).collect())
            .map_err(|error| ErrorData::internal_error(error, None))
    }
}
