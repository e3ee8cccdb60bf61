// node workflows.cjs FILE... - reads workflows and action.yml with GitHub's own
// parser.
import { convertWorkflowTemplate, NoOperationTraceWriter, parseWorkflow } from '@actions/workflow-parser'
import { parseAction } from '@actions/workflow-parser/actions/action-parser'
import fs from 'node:fs'
import path from 'node:path'
import process from 'node:process'

async function errors(name) {
  const file = { name, content: fs.readFileSync(name, 'utf8') }
  if (/^action\.ya?ml$/.test(path.basename(name))) {
    return parseAction(file, new NoOperationTraceWriter()).context.errors.getErrors().map(e => e.message)
  }
  const { context, value } = parseWorkflow(file, new NoOperationTraceWriter())
  const found = context.errors.getErrors().map(e => e.message)
  if (found.length > 0) return found
  const template = await convertWorkflowTemplate(context, value)
  return (template.errors ?? []).map(e => e.Message)
}

async function main(files) {
  for (const name of files) {
    for (const e of await errors(name)) {
      console.log(`${name}: ${e}`)
      process.exitCode = 1
    }
  }
}

main(process.argv.slice(2))
