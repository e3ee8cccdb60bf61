// Cuts GitHub's OpenAPI description down to what this package asks for.
// Usage: node cut-openapi.mjs api.github.com.json > github-openapi.json
import fs from 'node:fs';

const operations = {
  '/user': ['get'],
  '/repos/{owner}/{repo}/pulls': ['get'],
  '/repos/{owner}/{repo}/pulls/{pull_number}': ['get'],
  '/repos/{owner}/{repo}/issues/{issue_number}/comments': ['get', 'post'],
  '/repos/{owner}/{repo}/issues/comments/{comment_id}': ['patch', 'delete'],
};
// What the fake server makes its answers of.
const examples = ['issue-comment', 'private-user-response-with-public-and-private-profile-information', 'pull-request', 'pull-request-simple-items'];

const whole = JSON.parse(fs.readFileSync(process.argv[2]));

// Prose and examples are left out, but for properties of these names.
function lean(node, names = false) {
  if (Array.isArray(node)) return node.map(n => lean(n));
  if (node === null || typeof node !== 'object') return node;
  const out = {};
  for (const [key, value] of Object.entries(node)) {
    if (!names && (/^x-/.test(key) || ['summary', 'externalDocs', 'example', 'examples', 'tags'].includes(key))) continue;
    out[key] = !names && key === 'description' && typeof value === 'string' ? '' : lean(value, key === 'properties' && !names);
  }
  return out;
}

const cut = { openapi: whole.openapi, info: whole.info, servers: whole.servers, paths: {}, components: {} };

function follow(node) {
  if (node === null || typeof node !== 'object') return;
  if (typeof node.$ref === 'string') {
    const [, , section, name] = node.$ref.split('/');
    const known = (cut.components[section] ??= {});
    if (!(name in known)) {
      known[name] = lean(whole.components[section][name]);
      follow(known[name]);
    }
  }
  Object.values(node).forEach(follow);
}

for (const [path, methods] of Object.entries(operations)) {
  cut.paths[path] = Object.fromEntries(methods.map(m => [m, lean(whole.paths[path][m])]));
  follow(cut.paths[path]);
}
cut.components.examples = Object.fromEntries(examples.map(e => [e, whole.components.examples[e]]));
process.stdout.write(JSON.stringify(cut, null, 1) + '\n');
