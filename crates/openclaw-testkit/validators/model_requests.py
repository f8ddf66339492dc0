"""Checks requests to models against the types of the vendors' own SDKs.

Reads JSON lines {"api": "chat" | "messages" | "responses" | "gemini" | "ollama", "body": …} from standard
input; needs the packages openai, anthropic, google-genai, ollama and pydantic. Prints what is wrong and exits with 1, or the number of requests.
"""

import collections.abc
import copy
import json
import sys

from anthropic.types import message_create_params as messages
from google.genai import types as gemini
from ollama._types import ChatRequest, Message, Options
from openai.types import responses
from openai.types.chat import completion_create_params as chat
from pydantic import TypeAdapter, ValidationError, create_model

APIS = {
    "chat": (
        TypeAdapter(chat.CompletionCreateParams),
        (chat.CompletionCreateParamsBase, chat.CompletionCreateParamsStreaming),
    ),
    "messages": (
        TypeAdapter(messages.MessageCreateParams),
        (messages.MessageCreateParamsBase, messages.MessageCreateParamsStreaming),
    ),
    "responses": (
        TypeAdapter(responses.ResponseCreateParams),
        (
            responses.response_create_params.ResponseCreateParamsBase,
            responses.response_create_params.ResponseCreateParamsStreaming,
        ),
    ),
}

# The SDK has no type of the body itself, only of what stands in it; those refuse unknown fields.
GEMINI = create_model(
    "GenerateContentRequest",
    __config__={"extra": "forbid"},
    contents=(list[gemini.Content], ...),
    systemInstruction=(gemini.Content | None, None),
    tools=(list[gemini.Tool] | None, None),
    toolConfig=(gemini.ToolConfig | None, None),
    generationConfig=(gemini.GenerationConfig | None, None),
    safetySettings=(list[gemini.SafetySetting] | None, None),
)


# What newer servers read besides what the client's types name.
OLLAMA_MESSAGE = set(Message.model_fields) | {"tool_call_id"}


def ollama_problems(body):
    """The client's types ignore what they do not know."""
    yield from (f"unknown field {key}" for key in sorted(set(body) - set(ChatRequest.model_fields)))
    unknown = sorted(set(body.get("options", {})) - set(Options.model_fields))
    yield from (f"unknown option {key}" for key in unknown)
    for index, message in enumerate(body["messages"]):
        unknown = sorted(set(message) - OLLAMA_MESSAGE)
        yield from (f"message {index}: unknown field {key}" for key in unknown)
    try:
        ChatRequest.model_validate(body)
    except ValidationError as error:
        yield str(error)


def drain(value):
    """Walks through a validated value: pydantic checks an Iterable only when it is read."""
    if isinstance(value, dict):
        return {key: drain(inner) for key, inner in value.items()}
    if isinstance(value, (str, bytes)) or not isinstance(value, collections.abc.Iterable):
        return value
    return [drain(inner) for inner in value]


def problems(api, body):
    if api == "gemini":
        try:
            GEMINI.model_validate(body)
        except ValidationError as error:
            yield str(error)
        return
    if api == "ollama":
        yield from ollama_problems(body)
        return
    adapter, types = APIS[api]
    known = set().union(*(kind.__annotations__ for kind in types))
    for field in sorted(set(body) - known):
        yield f"unknown field {field}"
    try:
        drain(adapter.validate_python(copy.deepcopy(body)))
    except ValidationError as error:
        yield str(error)


def main():
    count = wrong = 0
    for number, line in enumerate(sys.stdin, start=1):
        entry = json.loads(line)
        count += 1
        for problem in problems(entry["api"], entry["body"]):
            wrong += 1
            print(f"request {number} ({entry['api']}): {problem}")
    if wrong or not count:
        return 1
    print(f"{count} requests are sound")
    return 0


if __name__ == "__main__":
    sys.exit(main())
