// Reads examples/librechat/librechat.yaml as LibreChat does, by its own schema: `librechat.mjs FILE`.
import { readFileSync } from "node:fs";
import { load } from "js-yaml";
import { configSchema, Constants } from "librechat-data-provider";

const found = configSchema.strict().safeParse(load(readFileSync(process.argv[2], "utf8")));
console.log(
  JSON.stringify({
    version: Constants.CONFIG_VERSION,
    issues: found.error?.issues ?? [],
    config: found.data ?? null,
  }),
);
