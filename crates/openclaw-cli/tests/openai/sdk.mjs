// The official Node SDK against a gateway: good calls and bad ones.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(`${process.env.OPENCLAW_SDK_FOLDER}/package.json`);
const { default: OpenAI } = await import(pathToFileURL(require.resolve("openai")));

const baseURL = process.env.OPENCLAW_URL;
const apiKey = process.env.OPENCLAW_TOKEN;
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0, timeout: 60_000 });
const model = "openclaw";
const user = (content) => ({ role: "user", content });
const parameters = { type: "object", properties: { city: { type: "string" } } };
const tool = { type: "function", function: { name: "get_weather", parameters } };
const cases = {};

cases.models = async () => {
  const ids = [];
  for await (const { id } of client.models.list()) ids.push(id);
  assert.deepEqual(ids, ["openclaw", "openclaw/main", "openclaw/work"]);
  assert.equal((await client.models.retrieve("openclaw/main")).id, "openclaw/main");
  await assert.rejects(client.models.retrieve("gpt-9"), OpenAI.NotFoundError);
};

cases.chat = async () => {
  const answer = await client.chat.completions.create({ model, messages: [user("say hello")] });
  assert.equal(answer.choices[0].message.content, "Hello there");
  assert.equal(answer.choices[0].finish_reason, "stop");
  assert.ok(answer.usage.total_tokens > 0);
};

cases.stream = async () => {
  const stream = await client.chat.completions.create({
    model, messages: [user("say hello")], stream: true, stream_options: { include_usage: true },
  });
  let text = "", usage;
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta.content ?? "";
    usage = chunk.usage ?? usage;
  }
  assert.equal(text, "Hello there");
  assert.ok(usage.total_tokens > 0);
  const runner = client.chat.completions.stream({ model, messages: [user("say hello")] });
  assert.equal(await runner.finalContent(), "Hello there");
};

cases.tools = async () => {
  const runner = client.chat.completions.runTools({
    model,
    messages: [user("what is the weather in Oslo?")],
    tools: [{ type: "function", function: {
      name: "get_weather", parameters, parse: JSON.parse,
      function: ({ city }) => `${city.length} degrees`, description: "The weather of a city.",
    } }],
  });
  assert.equal(await runner.finalContent(), "It is 4 degrees");
};

cases.abort = async () => {
  const stream = await client.chat.completions.create({
    model, messages: [user("slow")], stream: true,
  });
  for await (const chunk of stream) {
    if (chunk.choices[0]?.delta.content) break;
  }
};

cases.responses = async () => {
  const answer = await client.responses.create({ model, input: "say hello" });
  assert.equal(answer.output_text, "Hello there");
  const stream = client.responses.stream({ model, input: "say hello" });
  const kinds = [];
  for await (const event of stream) kinds.push(event.type);
  assert.equal((await stream.finalResponse()).output_text, "Hello there");
  assert.equal(kinds[0], "response.created");
  assert.equal(kinds.at(-1), "response.completed");
  const flat = { type: "function", name: "get_weather", parameters, strict: false };
  const called = await client.responses.create({
    model, input: "what is the weather in Oslo?", tools: [flat],
  });
  assert.equal(called.output[0].type, "function_call");
};

cases.bad = async () => {
  const wrong = new OpenAI({ baseURL, apiKey: "sk-wrong", maxRetries: 0 });
  await assert.rejects(wrong.models.list(), OpenAI.AuthenticationError);
  const create = (messages, more = {}) =>
    client.chat.completions.create({ model, messages, ...more });
  await assert.rejects(create([]), OpenAI.BadRequestError);
  await assert.rejects(create([user("x")], { model: "gpt-5" }), OpenAI.NotFoundError);
  await assert.rejects(create([user("x")], { n: 3 }), OpenAI.BadRequestError);
  await assert.rejects(create([user("please fail")]), (error) => error.status === 502);
  await assert.rejects(create([user("rate limit")]), OpenAI.RateLimitError);
  await assert.rejects(async () => {
    for await (const _ of await create([user("break off")], { stream: true }));
  }, OpenAI.APIError);
  // The retries that the SDK does by itself are not asked for again.
  const eager = new OpenAI({ baseURL, apiKey, maxRetries: 2 });
  const began = Date.now();
  await assert.rejects(eager.chat.completions.create({ model, messages: [user("please fail")] }));
  assert.ok(Date.now() - began < 15_000);
};

let failed = 0;
for (const [name, run] of Object.entries(cases)) {
  try {
    await run();
  } catch (error) {
    failed += 1;
    console.log(`--- ${name}\n${error.stack}`);
  }
}
console.log(`${Object.keys(cases).length - failed} of ${Object.keys(cases).length} cases hold`);
process.exit(failed ? 1 : 0);
