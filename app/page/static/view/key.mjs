// The API key: asked for when the server needs one, kept in this tab and nowhere else.

import { key, setKey } from "../api.mjs";
import { button, h } from "../dom.mjs";

// The key that is entered, or null. `refused` is what the server said of the one before.
export function askForKey(refused = null) {
  return new Promise((resolve) => {
    const input = h("input", {
      type: "password",
      id: "key",
      autocomplete: "off",
      spellcheck: "false",
      required: true,
    });
    const dialog = h(
      "dialog",
      { "aria-labelledby": "key-title", class: "key" },
      h(
        "form",
        { onsubmit: (event) => (event.preventDefault(), dialog.close(input.value.trim())) },
        h("h2", { id: "key-title" }, "API key"),
        h("p", {}, "This server needs a key. It stays in this tab and is forgotten with it."),
        refused && h("p", { class: "problem", role: "alert" }, refused),
        h("label", { for: "key" }, "Key"),
        input,
        h(
          "div",
          { class: "submit" },
          h("button", { type: "submit", class: "main" }, "Use this key"),
          button("Cancel", () => dialog.close(""), { class: "quiet" }),
        ),
      ),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue || null);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

export function installKeyButton(element) {
  element.addEventListener("click", async () => {
    const given = await askForKey();
    if (!given || given === key()) return;
    setKey(given);
    location.reload();
  });
}
