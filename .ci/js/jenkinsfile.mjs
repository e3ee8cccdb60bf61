// node jenkinsfile.mjs FILE... - checks the structure of declarative pipelines
// (Jenkins handbook, "Pipeline Syntax"). Jenkins' own validator is a part of a
// running Jenkins.
import fs from 'node:fs'
import process from 'node:process'

const post = ['always', 'changed', 'fixed', 'regression', 'aborted', 'failure', 'success', 'unstable', 'unsuccessful', 'cleanup']
const sections = {
  '': ['pipeline'],
  pipeline: ['agent', 'stages', 'environment', 'options', 'parameters', 'post', 'tools', 'triggers', 'libraries'],
  stages: ['stage'],
  stage: ['agent', 'environment', 'input', 'matrix', 'options', 'parallel', 'post', 'stages', 'steps', 'tools', 'when'],
  post,
}

// tree reads blocks: what stands before a brace is its head, what stands in
// it are statements and blocks.
function tree(text) {
  const root = { head: '', line: 1, blocks: [], statements: [] }
  const open = [root]
  let head = ''
  let line = 1
  const statement = () => {
    if (head.trim()) open.at(-1).statements.push(head.trim())
    head = ''
  }
  // Strings with their escapes, comments, braces, line ends, and all else.
  for (const [token] of text.matchAll(/'''[^]*?'''|"""[^]*?"""|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|\/\/.*|\/\*[^]*?\*\/|[{}\n;]|[^]/g)) {
    if (token === '{') {
      const block = { head: head.trim(), line, blocks: [], statements: [] }
      open.at(-1).blocks.push(block)
      open.push(block)
      head = ''
    } else if (token === '}') {
      statement()
      if (open.length === 1) throw new Error(`line ${line}: a brace that closes nothing`)
      open.pop()
    } else if (token === '\n' || token === ';') {
      statement()
    } else if (!token.startsWith('//') && !token.startsWith('/*')) {
      if (token === "'" || token === '"') throw new Error(`line ${line}: a string without an end`)
      head += token
    }
    line += token.split('\n').length - 1
  }
  statement()
  if (open.length > 1) throw new Error(`line ${open.at(-1).line}: ${open.at(-1).head} is not closed`)
  return root
}

function check(block) {
  const name = block.head.match(/^\w*/)[0]
  const allowed = sections[name]
  if (!allowed) return
  const inside = [...block.blocks.map(b => b.head), ...block.statements].map(s => s.match(/^\w*/)[0])
  for (const word of inside) {
    if (!allowed.includes(word)) throw new Error(`line ${block.line}: ${word} has no place in ${name || 'a Jenkinsfile'}`)
  }
  const needs = { '': ['pipeline'], pipeline: ['agent', 'stages'], stages: ['stage'] }[name] ?? []
  for (const word of needs) {
    if (!inside.includes(word)) throw new Error(`line ${block.line}: ${name || 'the file'} has no ${word}`)
  }
  if (name === 'stage' && !/^stage\s*\(\s*(['"]).+\1\s*\)$/.test(block.head)) throw new Error(`line ${block.line}: ${block.head} has no name`)
  if (name === 'stage' && !['steps', 'stages', 'parallel', 'matrix'].some(w => inside.includes(w))) throw new Error(`line ${block.line}: ${block.head} does nothing`)
  block.blocks.forEach(check)
}

for (const name of process.argv.slice(2)) {
  try {
    check(tree(fs.readFileSync(name, 'utf8')))
  } catch (e) {
    console.log(`${name}: ${e.message}`)
    process.exitCode = 1
  }
}
