// What the form asks for as the body of a request; and requests as text, to be copied.

const NUMBERS = {
  guided: ["retries"],
  vote: ["paths"],
  beam: ["width", "candidates"],
};
const CHOICES = { guided: ["dead_ends"], vote: ["stop"] };

// `form` maps the names of fields to what stands in them; empty ones are left to the server.
export function manner(form) {
  const body = { strategy: form.strategy || "single", background: true, deltas: true };
  const number = (name) => (form[name] ? Number(form[name]) : undefined);
  for (const name of ["max_tokens", "temperature", "seed"]) {
    if (number(name) !== undefined) body[name] = number(name);
  }
  const options = {};
  for (const name of NUMBERS[body.strategy] ?? []) {
    const value = number(`${body.strategy}.${name}`);
    if (value !== undefined) options[name] = value;
  }
  for (const name of CHOICES[body.strategy] ?? []) {
    const value = form[`${body.strategy}.${name}`];
    if (value) options[name] = value;
  }
  if (Object.keys(options).length) body[body.strategy] = options;
  return body;
}

export function curl(url, body, needsKey) {
  const told = { ...body, stream: true };
  delete told.background;
  const lines = [
    `curl -N ${quoted(url)}`,
    ...(needsKey ? ['-H "authorization: Bearer $STATEWISE_API_KEY"'] : []),
    "-H 'content-type: application/json'",
    `-d ${quoted(JSON.stringify(told))}`,
  ];
  return `${lines.join(" \\\n  ")}\n`;
}

function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
