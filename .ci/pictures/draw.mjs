// node draw.mjs comment|summary light|dark IN.md OUT.png - draws a comment or a job
// summary about as GitHub shows it: cmark-gfm, the allow-list that is modelled on
// GitHub's, alerts, Mermaid, github-markdown-css, and Chromium for the picture. It
// fails when text in a bar of the timeline has less than 4.5 : 1 (WCAG 2.1, 1.4.3).
// A package that is used stands in NODE_MODULES.
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import process from 'node:process'
import { pathToFileURL } from 'node:url'

const [kind, theme, from, to] = process.argv.slice(2)
const modules = process.env.NODE_MODULES
const require = createRequire(path.join(modules, 'x.js'))
const load = async name => import(pathToFileURL(require.resolve(name)))
const { unified } = await load('unified')
const { default: parse } = await load('rehype-parse')
const { default: sanitize } = await load('rehype-sanitize')
const { default: stringify } = await load('rehype-stringify')
const { default: puppeteer } = await load('puppeteer-core')

const extensions = ['table', 'strikethrough', 'autolink', 'tasklist', 'footnotes', 'tagfilter'].flatMap(e => ['-e', e])
// A comment breaks where its lines do, a summary does not.
const rendered = execFileSync('cmark-gfm', ['--unsafe', ...(kind === 'comment' ? ['--hardbreaks'] : []), ...extensions, from]).toString()
const body = String(await unified().use(parse, { fragment: true }).use(sanitize).use(stringify).process(rendered))

const css = fs.readFileSync(path.join(modules, `github-markdown-css/github-markdown-${theme}.css`), 'utf8')
const frame = kind === 'comment' ? 'border:1px solid #8886;border-radius:6px;padding:16px;margin:16px' : 'padding:32px'
const page = `<!doctype html><meta charset="utf-8"><style>${css}
  body { margin: 0; background: ${theme === 'dark' ? '#0d1117' : '#fff'} }
  .markdown-body { box-sizing: border-box; ${frame}; font-family: "Liberation Sans", "Noto Sans", "Noto Color Emoji", sans-serif }
  .picture { border: 1px solid #8886; border-radius: 6px; padding: 16px; margin-bottom: 16px; text-align: center }
</style><article class="markdown-body">${body}</article>`

const browser = await puppeteer.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--disable-dev-shm-usage'] })
try {
  const tab = await browser.newPage()
  await tab.setViewport({ width: kind === 'comment' ? 780 : 1012, height: 100 })
  await tab.setContent(page)
  await tab.evaluate(() => {
    for (const quote of document.querySelectorAll('blockquote')) {
      const first = quote.querySelector('p')
      const alert = /^\s*\[!(NOTE|TIP|IMPORTANT|WARNING|CAUTION)\]/.exec(first?.textContent ?? '')
      if (!alert) continue
      first.innerHTML = first.innerHTML.replace(/^\s*\[![A-Z]+\](\s|<br>)*/, '')
      const name = alert[1][0] + alert[1].slice(1).toLowerCase()
      const box = document.createElement('div')
      box.className = `markdown-alert markdown-alert-${name.toLowerCase()}`
      box.innerHTML = `<p class="markdown-alert-title">${name}</p>`
      box.append(...quote.childNodes)
      quote.replaceWith(box)
    }
  })
  await tab.addScriptTag({ path: path.join(modules, 'mermaid/dist/mermaid.min.js') })
  const drawn = await tab.evaluate(async theme => {
    window.mermaid.initialize({ startOnLoad: false, securityLevel: 'strict', theme: theme === 'dark' ? 'dark' : 'default' })
    let n = 0
    for (const code of document.querySelectorAll('pre > code.language-mermaid')) {
      const box = document.createElement('div')
      box.className = 'picture'
      code.parentElement.replaceWith(box) // first: a chart is as wide as what it stands in
      box.innerHTML = (await window.mermaid.render(`picture${n++}`, code.textContent, box)).svg
    }
    return n
  }, theme)
  const faint = await tab.evaluate(() => {
    const channels = element => getComputedStyle(element).fill.match(/[\d.]+/g).slice(0, 3).map(Number)
    const light = element => {
      const [r, g, b] = channels(element).map(c => c / 255).map(c => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
      return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05
    }
    return [...document.querySelectorAll('text.taskText')].filter(text => {
      const [dark, bright] = [light(text), light(document.getElementById(text.id.replace(/-text$/, '')))].sort((a, b) => a - b)
      return bright / dark < 4.5
    }).map(text => text.textContent.trim())
  })
  const wide = await tab.evaluate(() => document.documentElement.scrollWidth > window.innerWidth)
  await tab.screenshot({ path: to, fullPage: true })
  console.log(`${from}, ${theme}: ${drawn} pictures in it${wide ? ', WIDER THAN THE PAGE' : ''}${faint.length ? `, TOO FAINT: ${faint}` : ''}`)
  process.exitCode = wide || faint.length > 0 || (kind === 'summary') !== (drawn === 2) ? 1 : 0
} finally {
  await browser.close()
}
