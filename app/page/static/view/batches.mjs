// Batches: a file of problems in, files of answers and errors out.

import { get, post, send } from "../api.mjs";
import { button, h, visible } from "../dom.mjs";
import { announce } from "./announce.mjs";
import { save } from "./save.mjs";
import { ago, count } from "./times.mjs";

const AGAIN_MS = 1_000;
const OVER = new Set(["completed", "failed", "expired", "cancelled"]);
const PEEKED = 65_536;
const SAMPLE = ["What is 12 * 7?", "Sara has 12 stickers. She gives 4 of them to Ben. How many are left?"]
  .map((question, at) => ({ custom_id: String(at + 1), method: "POST", url: "/v1/solutions", body: { question } }))
  .map((line) => `${JSON.stringify(line)}\n`)
  .join("");

export class BatchesView {
  #element;
  #ending = new AbortController();

  constructor(element) {
    this.#element = element;
    this.list = h("ol", { class: "batch-list" });
    this.detail = h("div", { class: "batch" });
    element.append(
      h("div", { class: "batches-side" }, uploadForm((batch) => (location.hash = batch.id)), h("h2", {}, "Batches"), this.list),
      this.detail,
    );
  }

  // Shows all batches, and `id` in detail.
  async show(id) {
    this.close();
    const { signal } = this.#ending;
    document.title = "Batches · Statewise";
    delete this.detail.dataset.key;
    this.detail.replaceChildren(...(id ? [] : [introduction()]));
    this.#fill(id, signal);
    let status = null;
    while (id && !signal.aborted) {
      try {
        const batch = await get(`v1/batches/${id}`, { signal });
        if (signal.aborted) return;
        drawBatch(this.detail, batch);
        if (status && batch.status !== status) announce(`The batch is ${said(batch.status)}`);
        status = batch.status;
        if (OVER.has(status)) break;
      } catch (error) {
        if (signal.aborted) return;
        this.detail.replaceChildren(h("p", { class: "problem", role: "alert" }, error.message));
        if (error.lasting) return;
      }
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
    if (id && !signal.aborted) this.#fill(id, signal);
  }

  close() {
    this.#ending.abort();
    this.#ending = new AbortController();
  }

  async #fill(id, signal) {
    try {
      const { data } = await get("v1/batches?limit=50", { signal });
      this.list.replaceChildren(...data.map((batch) => entry(batch, id)));
      if (!data.length) this.list.append(h("li", { class: "hint" }, "None yet."));
    } catch (error) {
      if (!signal.aborted) this.list.replaceChildren(h("li", { class: "problem" }, error.message));
    }
  }
}

function entry(batch, current) {
  const { total, completed, failed } = batch.request_counts;
  return h(
    "li",
    {},
    h(
      "a",
      { href: `#${batch.id}`, "aria-current": batch.id === current && "true" },
      h("span", { class: "asked" }, `${count(total, "line")}, ${said(batch.status)}`),
      h("span", { class: "hint" }, `${completed} answered · ${failed} failed · ${ago(batch.created_at)}`),
    ),
  );
}

function introduction() {
  return h(
    "section",
    { class: "welcome" },
    h("h1", {}, "Many problems in a file."),
    h(
      "p",
      {},
      "A line of the file is one request, as in OpenAI's batches. Every line is answered exactly once, also " +
        "if the server is restarted meanwhile. The sample shows the format.",
    ),
  );
}

function uploadForm(onCreated) {
  const file = h("input", { type: "file", id: "file", accept: ".jsonl,.ndjson,application/jsonl", required: true });
  const problem = h("p", { class: "problem", role: "alert" });
  const begin = h("button", { type: "submit", class: "main" }, "Begin the batch");
  const submit = async (event) => {
    event.preventDefault();
    begin.disabled = true;
    problem.textContent = "";
    try {
      onCreated(await create(file.files[0]));
      file.value = "";
    } catch (error) {
      problem.textContent = error.message;
    } finally {
      begin.disabled = false;
    }
  };
  return h(
    "form",
    { class: "upload", onsubmit: submit },
    h("h2", {}, "New batch"),
    h("label", { for: "file" }, "JSON lines, one request each"),
    file,
    problem,
    h(
      "div",
      { class: "submit" },
      begin,
      button("Sample", () => save(new Blob([SAMPLE]), "sample.jsonl"), { class: "quiet", "aria-label": "Download a sample file" }),
    ),
  );
}

async function create(file) {
  const form = new FormData();
  form.append("purpose", "batch");
  form.append("file", file, file.name);
  const uploaded = await post("v1/files", form);
  return post("v1/batches", {
    input_file_id: uploaded.id,
    endpoint: await endpointOf(file),
    completion_window: "24h",
  });
}

// The first line says which endpoint it is for; what is no such line, the server refuses.
async function endpointOf(file) {
  const [line] = (await file.slice(0, PEEKED).text()).split("\n", 1);
  try {
    return JSON.parse(line).url || "/v1/solutions";
  } catch {
    return "/v1/solutions";
  }
}

function drawBatch(element, batch) {
  const { total, completed, failed } = batch.request_counts;
  const key = `${batch.id} ${batch.status}`;
  if (element.dataset.key !== key) {
    element.dataset.key = key;
    element.replaceChildren(...partsOf(batch));
  }
  const progress = element.querySelector("progress");
  progress.max = Math.max(total, 1);
  progress.value = completed + failed;
  element.querySelector(".counts").textContent =
    `${completed} answered, ${failed} failed, ${total - completed - failed} to go`;
}

function partsOf(batch) {
  const ended = OVER.has(batch.status) || batch.status === "cancelling";
  const { total } = batch.request_counts;
  return [
    h("h1", {}, `${count(total, "line")}, ${said(batch.status)}`),
    h("p", { class: "hint" }, `${batch.id} · ${batch.endpoint} · ${ago(batch.created_at)}`),
    h("progress", { "aria-label": "Lines done" }),
    h("p", { class: "counts" }),
    h(
      "div",
      { class: "submit" },
      download(batch.output_file_id, "Download the answers", "answers.jsonl"),
      download(batch.error_file_id, "Download the errors", "errors.jsonl"),
      !ended && cancelling(batch.id),
    ),
    ...(batch.errors ? [errors(batch.errors.data)] : []),
  ];
}

function download(id, label, name) {
  if (!id) return null;
  const element = button(label, async () => {
    element.disabled = true;
    try {
      save(await (await send(`v1/files/${id}/content`)).blob(), name);
      element.textContent = label;
    } catch (error) {
      element.textContent = error.message;
    } finally {
      element.disabled = false;
    }
  });
  return element;
}

function cancelling(id) {
  const element = button("Cancel", async () => {
    element.disabled = true;
    await post(`v1/batches/${id}/cancel`).catch((error) => (element.textContent = error.message));
  }, { class: "cancel" });
  return element;
}

function errors(found) {
  const rows = found.map(({ line, code, message }) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, line === null ? "–" : `${line}`),
      h("td", {}, code ?? ""),
      h("td", {}, ...visible(message ?? "")),
    ),
  );
  return h(
    "table",
    { class: "errors" },
    h("caption", {}, "What is wrong with the file; nothing was asked"),
    h("thead", {}, h("tr", {}, ...["Line", "Code", "Message"].map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, ...rows),
  );
}

function said(status) {
  return status.replace("_", " ");
}
