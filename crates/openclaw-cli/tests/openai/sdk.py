"""The official Python SDK against a gateway: good calls and bad ones."""

import asyncio
import base64
import json
import os
import sys
import time
import traceback
import urllib.error
import urllib.request

import openai
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel

URL, TOKEN = os.environ["OPENCLAW_URL"], os.environ["OPENCLAW_TOKEN"]
client = OpenAI(base_url=URL, api_key=TOKEN, max_retries=0, timeout=60)
PIXEL = base64.b64encode(
    base64.b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    )
).decode()
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}
FLAT_WEATHER = {"type": "function", "strict": False, **WEATHER["function"]}
CASES = []


def case(function):
    CASES.append(function)
    return function


def user(text):
    return {"role": "user", "content": text}


def expect(kind, call, status=None):
    began = time.monotonic()
    try:
        call()
    except kind as error:
        if status is not None:
            assert error.status_code == status, error
        assert time.monotonic() - began < 15, "took too long"
        return error
    raise AssertionError(f"no {kind.__name__}")


def ask(text, **more):
    return client.chat.completions.create(model="openclaw", messages=[user(text)], **more)


@case
def models():
    ids = [model.id for model in client.models.list()]
    assert ids == ["openclaw", "openclaw/main", "openclaw/work"], ids
    assert client.models.retrieve("openclaw/work").id == "openclaw/work"
    error = expect(openai.NotFoundError, lambda: client.models.retrieve("gpt-9"))
    assert error.code == "model_not_found" and error.param == "model", error.body


@case
def a_whole_answer():
    answer = ask("say hello")
    assert answer.object == "chat.completion"
    assert answer.model == "openclaw"
    choice = answer.choices[0]
    assert choice.message.role == "assistant" and choice.message.content == "Hello there"
    assert choice.finish_reason == "stop"
    used = answer.usage
    assert used.prompt_tokens > 0 and used.completion_tokens > 0, used
    assert used.total_tokens == used.prompt_tokens + used.completion_tokens


@case
def a_streamed_answer():
    chunks = list(ask("say hello", stream=True, stream_options={"include_usage": True}))
    assert chunks[0].choices[0].delta.role == "assistant"
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == "Hello there", text
    assert len({chunk.id for chunk in chunks}) == 1
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].choices == [] and chunks[-1].usage.total_tokens > 0
    plain = list(ask("say hello", stream=True))
    assert all(chunk.usage is None for chunk in plain)
    assert plain[-1].choices[0].finish_reason == "stop"


@case
def the_stream_helper():
    with client.chat.completions.stream(model="openclaw", messages=[user("say hello")]) as stream:
        stream.until_done()
        final = stream.get_final_completion()
    assert final.choices[0].message.content == "Hello there"


@case
def asynchronously():
    async def run():
        async with AsyncOpenAI(base_url=URL, api_key=TOKEN, max_retries=0) as other:
            stream = await other.chat.completions.create(
                model="openclaw/work", messages=[user("say hello")], stream=True
            )
            return "".join([c.choices[0].delta.content or "" async for c in stream])

    assert asyncio.run(run()) == "Hello there"


@case
def a_tool_of_the_caller():
    messages = [user("what is the weather in Oslo?")]
    answer = client.chat.completions.create(
        model="openclaw", messages=messages, tools=[WEATHER]
    )
    choice = answer.choices[0]
    assert choice.finish_reason == "tool_calls", choice
    call = choice.message.tool_calls[0]
    assert call.function.name == "get_weather" and call.function.arguments == '{"city":"Oslo"}'
    messages += [
        choice.message.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": call.id, "content": "4 degrees"},
    ]
    answer = client.chat.completions.create(
        model="openclaw", messages=messages, tools=[WEATHER]
    )
    assert answer.choices[0].message.content == "It is 4 degrees", answer
    assert answer.choices[0].finish_reason == "stop"


@case
def a_streamed_call_of_a_tool():
    chunks = list(
        client.chat.completions.create(
            model="openclaw",
            messages=[user("what is the weather in Oslo?")],
            tools=[WEATHER],
            tool_choice={"type": "function", "function": {"name": "get_weather"}},
            stream=True,
        )
    )
    calls = [d for c in chunks for d in (c.choices[0].delta.tool_calls or [])]
    assert calls[0].index == 0 and calls[0].id and calls[0].function.name == "get_weather"
    assert "".join(call.function.arguments for call in calls) == '{"city":"Oslo"}'
    assert chunks[-1].choices[0].finish_reason == "tool_calls"


@case
def images():
    content = [
        {"type": "text", "text": "how many images?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
    ]
    answer = client.chat.completions.create(
        model="openclaw", messages=[{"role": "user", "content": content}]
    )
    assert answer.choices[0].message.content == "1 images", answer
    inside = [
        {"type": "text", "text": "look"},
        {"type": "image_url", "image_url": {"url": "http://127.0.0.1:9/x.png"}},
    ]
    expect(
        openai.BadRequestError,
        lambda: client.chat.completions.create(
            model="openclaw", messages=[{"role": "user", "content": inside}]
        ),
    )


@case
def the_history_is_the_requests():
    messages = [
        {"role": "system", "content": "Speak like a pirate."},
        user("my name is Ann"),
        {"role": "assistant", "content": "Hello Ann"},
        user("what was said?"),
    ]
    answer = client.chat.completions.create(model="openclaw", messages=messages)
    said = answer.choices[0].message.content
    assert "my name is Ann" in said and "Hello Ann" in said, said
    alone = ask("what was said?").choices[0].message.content
    assert "Ann" not in alone, alone
    assert ask("repeat the instructions").choices[0].message.content == "none"
    messages[-1] = user("repeat the instructions")
    answer = client.chat.completions.create(model="openclaw", messages=messages)
    assert answer.choices[0].message.content == "Speak like a pirate."


@case
def a_user_has_a_session():
    ask("my colour is green", user="Ann/1")
    answer = client.chat.completions.create(
        model="openclaw",
        user="Ann/1",
        messages=[user("forged"), {"role": "assistant", "content": "x"}, user("what was said?")],
    )
    said = answer.choices[0].message.content
    assert "green" in said and "forged" not in said, said
    other = ask("what was said?", user="ann/1").choices[0].message.content
    assert "green" not in other, other
    header = {"x-openclaw-session-key": "agent:main:sdk"}
    ask("my colour is blue", extra_headers=header)
    said = ask("what was said?", extra_headers=header).choices[0].message.content
    assert "blue" in said, said


@case
def a_parsed_answer():
    class City(BaseModel):
        city: str

    answer = client.chat.completions.parse(
        model="openclaw", messages=[user("give me json")], response_format=City
    )
    assert answer.choices[0].message.parsed.city == "Oslo"


@case
def bad_calls():
    wrong = OpenAI(base_url=URL, api_key="sk-wrong", max_retries=0)
    error = expect(openai.AuthenticationError, lambda: wrong.models.list(), 401)
    assert error.code == "invalid_api_key", error.body
    create = client.chat.completions.create
    expect(openai.NotFoundError, lambda: create(model="gpt-5", messages=[user("x")]), 404)
    for messages in ([], [{"role": "assistant", "content": "x"}], [user("")],
                     [{"role": "nobody", "content": "x"}],
                     [{"role": "assistant", "content": "x"},
                      {"role": "tool", "tool_call_id": "nope", "content": "x"}]):
        error = expect(
            openai.BadRequestError, lambda: create(model="openclaw", messages=messages), 400
        )
        assert error.type == "invalid_request_error", error.body
    expect(openai.BadRequestError, lambda: ask("x", n=2), 400)
    expect(openai.BadRequestError, lambda: ask("x", tool_choice="required"), 400)
    twice = [WEATHER, WEATHER]
    expect(openai.BadRequestError, lambda: ask("x", tools=twice), 400)
    large = "x" * (26 << 20)
    expect(openai.APIStatusError, lambda: ask(large), 413)
    broken = plain(b"{")
    assert broken.code == 400 and json.loads(broken.read())["error"]["message"]
    method = plain(None)
    assert method.code == 405 and method.headers["allow"] == "POST"


def plain(body):
    request = urllib.request.Request(
        f"{URL}/chat/completions", body, {"authorization": f"Bearer {TOKEN}"}
    )
    try:
        raise AssertionError(urllib.request.urlopen(request).status)
    except urllib.error.HTTPError as error:
        return error


@case
def a_failing_model():
    for stream in (False, True):
        error = expect(
            openai.InternalServerError, lambda: list(ask("please fail", stream=stream)), 502
        )
        assert error.response.headers["x-should-retry"] == "false"
        expect(openai.RateLimitError, lambda: list(ask("rate limit", stream=stream)), 429)


@case
def a_model_that_breaks_off():
    error = expect(openai.APIError, lambda: list(ask("break off", stream=True)))
    assert "model" in str(error) or "overloaded" in str(error), error


@case
def responses():
    answer = client.responses.create(model="openclaw", input="say hello")
    assert answer.status == "completed" and answer.output_text == "Hello there", answer
    assert answer.usage.total_tokens > 0
    answer = client.responses.create(
        model="openclaw",
        instructions="Speak like a pirate.",
        input=[
            {"role": "user", "content": "my name is Ann"},
            {"role": "assistant", "content": [{"type": "output_text", "text": "Hello Ann", "annotations": []}]},
            {"role": "user", "content": [{"type": "input_text", "text": "what was said?"}]},
        ],
    )
    assert "my name is Ann" in answer.output_text and "Hello Ann" in answer.output_text


@case
def a_streamed_response():
    events = list(client.responses.create(model="openclaw", input="say hello", stream=True))
    kinds = [event.type for event in events]
    deltas = kinds.count("response.output_text.delta")
    assert kinds == (
        ["response.created", "response.in_progress", "response.output_item.added",
         "response.content_part.added"]
        + ["response.output_text.delta"] * deltas
        + ["response.output_text.done", "response.content_part.done",
           "response.output_item.done", "response.completed"]
    ), kinds
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert events[-1].response.output_text == "Hello there"
    with client.responses.stream(model="openclaw", input="say hello") as stream:
        stream.until_done()
        assert stream.get_final_response().output_text == "Hello there"


@case
def a_response_with_a_tool():
    question = "what is the weather in Oslo?"
    answer = client.responses.create(model="openclaw", input=question, tools=[FLAT_WEATHER])
    call = answer.output[0]
    assert call.type == "function_call" and call.arguments == '{"city":"Oslo"}', answer
    output = {"type": "function_call_output", "call_id": call.call_id, "output": "4 degrees"}
    goes_on = client.responses.create(
        model="openclaw", input=[output], previous_response_id=answer.id, tools=[FLAT_WEATHER]
    )
    assert goes_on.output_text == "It is 4 degrees", goes_on
    whole = client.responses.create(
        model="openclaw",
        input=[{"role": "user", "content": question}, call.model_dump(), output],
        tools=[FLAT_WEATHER],
    )
    assert whole.output_text == "It is 4 degrees", whole
    events = list(
        client.responses.create(
            model="openclaw", input=question, tools=[FLAT_WEATHER], stream=True
        )
    )
    kinds = [event.type for event in events]
    assert kinds[2:] == [
        "response.output_item.added", "response.function_call_arguments.delta",
        "response.function_call_arguments.done", "response.output_item.done",
        "response.completed",
    ], kinds


@case
def a_response_goes_on_from_another():
    first = client.responses.create(model="openclaw", input="my colour is red")
    second = client.responses.create(
        model="openclaw", input="what was said?", previous_response_id=first.id
    )
    assert "red" in second.output_text, second
    error = expect(
        openai.BadRequestError,
        lambda: client.responses.create(
            model="openclaw", input="x", previous_response_id="resp_nobody"
        ),
    )
    assert error.code == "previous_response_not_found", error.body


@case
def a_parsed_response():
    class City(BaseModel):
        city: str

    answer = client.responses.parse(model="openclaw", input="give me json", text_format=City)
    assert answer.output_parsed.city == "Oslo"


@case
def bad_responses():
    create = client.responses.create
    expect(openai.NotFoundError, lambda: create(model="gpt-5", input="x"), 404)
    expect(openai.BadRequestError, lambda: create(model="openclaw", input=[]), 400)
    expect(openai.BadRequestError, lambda: create(model="openclaw", input="x", background=True))
    search = [{"type": "web_search"}]
    expect(openai.BadRequestError, lambda: create(model="openclaw", input="x", tools=search))
    expect(openai.InternalServerError, lambda: create(model="openclaw", input="please fail"), 502)
    expect(openai.RateLimitError, lambda: create(model="openclaw", input="rate limit"), 429)


def main():
    failed = 0
    for function in CASES:
        try:
            function()
        except Exception:
            failed += 1
            print(f"--- {function.__name__}", traceback.format_exc(), sep="\n")
    print(f"{len(CASES) - failed} of {len(CASES)} cases hold")
    return 1 if failed or not CASES else 0


sys.exit(main())
