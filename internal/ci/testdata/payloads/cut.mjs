// Cuts the payloads that internal/ci is tested with out of the npm package
// @octokit/webhooks-examples: node cut.mjs package/api.github.com/index.json
import { readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const events = [
  "check_run", "check_suite", "issue_comment", "merge_group",
  "pull_request", "pull_request_review", "pull_request_review_comment", "pull_request_review_thread",
  "push", "status", "workflow_dispatch", "workflow_run",
];

const all = JSON.parse(readFileSync(process.argv[2], "utf8"));
for (const { name, examples } of all.filter((event) => events.includes(event.name))) {
  writeFileSync(`${name}.json.gz`, gzipSync(JSON.stringify(examples), { level: 9 }));
  console.log(name, examples.length);
}
