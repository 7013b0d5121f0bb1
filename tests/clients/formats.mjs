// Reads `?format=` streams with the clients they are for, the npm packages `@ag-ui/client` and `ai`,
// and prints what these made of them as JSON: node tests/clients/formats.mjs CASES, where CASES is
// a JSON list of {url, question, options, cancel?}.

import { HttpAgent } from "@ag-ui/client";
import { EventSchemas } from "@ag-ui/core/schemas";
import { DefaultChatTransport, readUIMessageStream } from "ai";

async function cancel(url, id) {
  await fetch(`${url}/v1/solutions/${id}/cancel`, { method: "POST" });
}

async function withAgUi({ url, question, options, cancelling }) {
  const agent = new HttpAgent({
    url: `${url}/v1/solutions?format=ag-ui`,
    threadId: "thread-1",
    initialMessages: [{ id: "1", role: "user", content: question }],
  });
  const told = { events: [], invalid: [] };
  const subscriber = {
    onEvent({ event }) {
      told.events.push(event);
      const checked = EventSchemas.safeParse(event);
      if (!checked.success) told.invalid.push(checked.error.message);
      if (cancelling && event.type === "REASONING_MESSAGE_START") {
        cancel(url, agent.state.solution.id);
      }
    },
  };
  try {
    told.result = (await agent.runAgent({ runId: "run-1", forwardedProps: options }, subscriber)).result;
  } catch (error) {
    told.error = `${error.message ?? error}`;
  }
  return { ...told, state: agent.state, messages: agent.messages };
}

async function withAiSdk({ url, question, options, cancelling }) {
  const transport = new DefaultChatTransport({
    api: `${url}/v1/solutions?format=ai-sdk`,
    body: options,
    prepareReconnectToStreamRequest: ({ id }) => ({
      api: `${url}/v1/solutions/${id}/events?format=ai-sdk`,
    }),
  });
  const messages = [{ id: "1", role: "user", parts: [{ type: "text", text: question }] }];
  const chunks = await transport.sendMessages({
    chatId: "chat-1",
    messages,
    trigger: "submit-message",
  });
  const told = await read(chunks, (id) => cancelling && cancel(url, id));
  const again = await transport.reconnectToStream({ chatId: told.message.id });
  return { ...told, again: (await read(again)).message };
}

async function read(chunks, onReasoning = () => {}) {
  const told = { types: [] };
  let id;
  const watched = chunks.pipeThrough(
    new TransformStream({
      transform(chunk, controller) {
        told.types.push(chunk.type);
        if (chunk.type === "start") id = chunk.messageId;
        if (chunk.type === "reasoning-start") onReasoning(id);
        controller.enqueue(chunk);
      },
    }),
  );
  const onError = (error) => (told.error = `${error.message ?? error}`);
  for await (const message of readUIMessageStream({ stream: watched, onError })) {
    told.message = message;
  }
  return told;
}

async function refused(url) {
  const transport = new DefaultChatTransport({ api: `${url}/v1/solutions?format=ai-sdk` });
  try {
    await transport.sendMessages({ chatId: "1", messages: [], trigger: "submit-message" });
  } catch (error) {
    return `${error.message}`;
  }
}

const told = [];
for (const one of JSON.parse(process.argv[2])) {
  told.push({ agUi: await withAgUi(one), aiSdk: await withAiSdk(one), refused: await refused(one.url) });
}
console.log(JSON.stringify(told));
