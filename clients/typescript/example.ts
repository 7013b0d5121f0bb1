// Solves a problem and shows each step: node dist/example.js [URL [PROBLEM]]

import { solve } from "./src/index.js";

declare const process: { argv: string[] };
const [, , url = "http://127.0.0.1:8000", question = "What is 12 * 7?"] = process.argv;

for await (const event of solve({ question }, { url })) {
  switch (event.type) {
    case "transition.completed": {
      const { label, verdict, output } = event.transition;
      console.log(`${label.padEnd(18)} ${verdict.padEnd(10)} ${output}`);
      break;
    }
    case "solution.completed":
      console.log(`Answer: ${event.solution.answer}`);
  }
}
