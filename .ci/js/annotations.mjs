// node annotations.cjs FILE - compares the annotations that the program wrote
// (TestConformanceOutputs: lines with what the runner makes of them) with those
// that GitHub's own toolkit writes of the same.
import * as core from '@actions/core'
import fs from 'node:fs'
import process from 'node:process'

const fewest = 500 // a file with fewer proves nothing
const options = { title: 'title', file: 'file', line: 'startLine', endLine: 'endLine', col: 'startColumn' }

// The properties of a command may stand in any order.
const sorted = line => line.replace(/^(::\w+) ([^:]*)(?=::)/, (_, name, props) => `${name} ${props.split(',').sort()}`)

// toolkit is what the toolkit prints for an annotation.
function toolkit({ name, props, data }) {
  const print = process.stdout.write
  let printed = ''
  process.stdout.write = text => { printed += text; return true }
  core[name](data, Object.fromEntries(Object.entries(props).map(([key, value]) => [options[key], value])))
  process.stdout.write = print
  return printed.replace(/\r?\n$/, '')
}

const lines = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'))
const wrong = lines.filter(l => sorted(l.line) !== sorted(toolkit(l)))
for (const l of wrong.slice(0, 10)) console.log(`${JSON.stringify(l.line)}\n  is, by the toolkit, ${JSON.stringify(toolkit(l))}`)
console.log(`${lines.length} annotations, ${wrong.length} differ`)
process.exitCode = wrong.length > 0 || lines.length < fewest ? 1 : 0
