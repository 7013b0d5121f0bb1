// Reads the chat completions of a server with the clients of the npm packages `openai` and `ai`,
// and prints what they made of them as JSON: node tests/clients/chat.mjs URL MODEL QUESTION

import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, streamText } from "ai";
import OpenAI from "openai";

const [url, model, question] = process.argv.slice(2);
const baseURL = `${url}/v1`;
const messages = [{ role: "user", content: question }];

async function withOpenAI() {
  const client = new OpenAI({ baseURL, apiKey: "x", maxRetries: 0 });
  const models = [];
  for await (const found of client.models.list()) models.push(found.id);

  const plain = await client.chat.completions.create({ model, messages });

  const streamed = { content: "", reasoning: "", transitions: [] };
  const stream = await client.chat.completions.create({
    model,
    messages,
    stream: true,
    stream_options: { include_usage: true },
  });
  for await (const chunk of stream) {
    for (const { delta, finish_reason } of chunk.choices) {
      streamed.content += delta.content ?? "";
      streamed.reasoning += delta.reasoning_content ?? "";
      if (delta.state_transition) streamed.transitions.push(delta.state_transition);
      if (finish_reason) streamed.finish_reason = finish_reason;
    }
    if (chunk.usage) streamed.usage = chunk.usage;
  }

  const helped = await client.chat.completions.stream({ model, messages }).finalChatCompletion();

  let refusal;
  try {
    await client.chat.completions.create({ model, messages, n: 100 });
  } catch (error) {
    refusal = { name: error.constructor.name, status: error.status, param: error.param };
  }
  return {
    models,
    refusal,
    plain: plain.choices[0].message,
    streamed,
    helped: helped.choices[0].message.content,
  };
}

async function withAI() {
  const provider = createOpenAICompatible({ name: "statewise", baseURL, includeUsage: true });
  const asked = { model: provider(model), messages, maxRetries: 0 };

  const plain = await generateText(asked);

  const streamed = { text: "", reasoning: "", errors: [] };
  const result = streamText({ ...asked, onError: ({ error }) => streamed.errors.push(`${error}`) });
  for await (const part of result.fullStream) {
    if (part.type === "text-delta") streamed.text += part.text;
    if (part.type === "reasoning-delta") streamed.reasoning += part.text;
    if (part.type === "finish") streamed.finish = part.finishReason;
    if (part.type === "finish") streamed.usage = part.totalUsage;
  }
  return {
    plain: { text: plain.text, reasoning: plain.reasoningText, usage: plain.usage },
    streamed,
  };
}

async function errorsOf(run) {
  try {
    await run();
    return null;
  } catch (error) {
    return `${error.message ?? error}`;
  }
}

async function failing() {
  const client = new OpenAI({ baseURL, apiKey: "x", maxRetries: 0 });
  const provider = createOpenAICompatible({ name: "statewise", baseURL });
  return {
    openai: await errorsOf(async () => {
      const stream = await client.chat.completions.create({ model, messages, stream: true });
      for await (const _ of stream);
    }),
    ai: await errorsOf(async () => {
      const result = streamText({ model: provider(model), messages, onError() {} });
      for await (const part of result.fullStream) if (part.type === "error") throw part.error;
    }),
  };
}

const told =
  process.env.FAILING === "1"
    ? await failing()
    : { openai: await withOpenAI(), ai: await withAI() };
console.log(JSON.stringify(told));
