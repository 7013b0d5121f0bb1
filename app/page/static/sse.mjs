// Server-sent events, cut out of text as it arrives (WHATWG HTML, section 9.2.6).

export class EventParser {
  #buffer = "";
  #data = [];
  #type = "";
  #id = "";
  #begun = false;

  // The events that `text` completes: {type, data, id}.
  push(text) {
    this.#buffer += text;
    if (!this.#begun && this.#buffer) {
      this.#begun = true;
      if (this.#buffer.startsWith("\uFEFF")) this.#buffer = this.#buffer.slice(1);
    }
    const found = [];
    let from = 0;
    const ends = /\r\n|\n|\r/g;
    for (let end = ends.exec(this.#buffer); end; end = ends.exec(this.#buffer)) {
      // A carriage return at the very end may be the first half of a line's end.
      if (end[0] === "\r" && ends.lastIndex === this.#buffer.length) break;
      const event = this.#line(this.#buffer.slice(from, end.index));
      if (event) found.push(event);
      from = ends.lastIndex;
    }
    this.#buffer = this.#buffer.slice(from);
    return found;
  }

  #line(line) {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    if (colon === 0) return null;
    const field = colon < 0 ? line : line.slice(0, colon);
    const rest = colon < 0 ? "" : line.slice(colon + 1);
    const value = rest.startsWith(" ") ? rest.slice(1) : rest;
    if (field === "data") this.#data.push(value);
    else if (field === "event") this.#type = value;
    else if (field === "id" && !value.includes("\0")) this.#id = value;
    return null;
  }

  #dispatch() {
    const data = this.#data;
    const type = this.#type || "message";
    this.#data = [];
    this.#type = "";
    return data.length ? { type, data: data.join("\n"), id: this.#id } : null;
  }
}
