// node act.mjs LINES LOG - compares what act decoded of a step's log (act --json)
// with the annotations that the step printed (TestConformanceOutputs: lines with what
// the runner makes of them): each of them, and no other command.
//
// act is not GitHub's runner. Where it is known to read otherwise nothing is
// compared but the command's name: it looks for the last "::" of a line, drops a
// property with two "=", and resolves "%25" first.
import fs from 'node:fs'
import process from 'node:process'

const fewest = 500 // a file with fewer compared ones proves nothing
const [lines, log] = process.argv.slice(2)
const want = JSON.parse(fs.readFileSync(lines, 'utf8'))
const got = fs.readFileSync(log, 'utf8').split('\n').filter(l => l.startsWith('{')).map(l => JSON.parse(l)).filter(e => e.command)

const otherwise = ({ line, props, data }) =>
  line.includes('%25') || data.startsWith(':') || [data, ...Object.values(props)].some(v => v.includes('::')) ||
  Object.values(props).some(v => v.includes('='))
const text = (name, props, data) => JSON.stringify([name, Object.entries(props ?? {}).sort(), data])

let compared = 0, wrong = got.length === want.length ? 0 : 1
if (wrong) console.log(`${want.length} commands were printed, act found ${got.length}`)
for (let i = 0; i < Math.min(want.length, got.length); i++) {
  const w = want[i], g = got[i]
  if (otherwise(w) && w.name === g.command) continue
  compared++
  if (text(w.name, w.props, w.data) === text(g.command, g.kvPairs, g.arg)) continue
  if (wrong++ < 10) console.log(`${JSON.stringify(w.line)}\n  is, by act, ${text(g.command, g.kvPairs, g.arg)}`)
}
console.log(`${compared} of ${want.length} annotations compared, ${wrong} differ`)
process.exitCode = wrong > 0 || compared < fewest ? 1 : 0
