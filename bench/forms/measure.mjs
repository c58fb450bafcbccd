// SPDX-License-Identifier: EUPL-1.2
// Opens the same form in each renderer in Chromium as somebody would who has never been there, on a phone with a CPU six times as
// slow and a network of 400 ms and 400 kbit/s, and prints a table.
//
//   node measure.mjs PORTAL RUNS
import { chromium } from 'playwright-core'
import { createServer } from 'node:http'
import { readFileSync, existsSync } from 'node:fs'
import { brotliCompressSync } from 'node:zlib'
import { createRequire } from 'node:module'

const [portal, runsText] = process.argv.slice(2)
const runs = Number(runsText)
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const network = { offline: false, latency: 400, downloadThroughput: 50_000, uploadThroughput: 50_000 } // bytes a second
const slower = Number(process.env.SLOWER || 6)
const phone = { viewport: { width: 360, height: 800 }, locale: 'de-DE' }
const field = 'main input:not([type=hidden]), main select, main textarea'

// The peers' files, each compressed once as well as it gets.
const kinds = { html: 'text/html; charset=utf-8', js: 'text/javascript', css: 'text/css', woff2: 'font/woff2', woff: 'font/woff', svg: 'image/svg+xml', png: 'image/png' }
const packed = new Map()
function file(path) {
  if (packed.has(path)) return packed.get(path)
  let from = `dist${path}`
  // What formio.js loads from its vendor's server while it runs (its calendar), from the packages that it depends on.
  const part = /^\/cdn\/(flatpickr|moment-timezone)(?:-formio)?\/(?:l10n\/flatpickr-(\w+\.js)|(.+))$/.exec(path)
  if (part) from = `node_modules/${part[1]}/${part[1] === 'flatpickr' ? 'dist/' : ''}${part[2] ? 'l10n/' + part[2] : part[3]}`
  if (!existsSync(from) || path.includes('..')) return null
  const kind = path.split('.').pop(), plain = readFileSync(from)
  const f = { kind: kinds[kind] || 'application/octet-stream', packs: !/woff/.test(kind) }
  f.body = f.packs ? brotliCompressSync(plain) : plain
  packed.set(path, f)
  return f
}
// What this browser, this processor and this line take for a page that holds one field and nothing else: nobody is faster.
packed.set('/one/index.html', { kind: 'html', packs: true, body: brotliCompressSync('<!doctype html><html lang="de"><title>One field</title><link rel="icon" href="data:,"><main><label for="a">Name</label><input id="a" name="event_name"></main>') })
const missing = new Set()
const server = createServer((q, r) => {
  const path = new URL(q.url, 'http://x').pathname.replace(/\/$/, '/index.html')
  const f = file(path)
  if (!f) { missing.add(path); r.writeHead(404).end(); return }
  r.writeHead(200, { 'Content-Type': f.kind, 'Content-Length': f.body.length, ...(f.packs ? { 'Content-Encoding': 'br' } : {}) }).end(f.body)
})
await new Promise((done) => server.listen(0, '127.0.0.1', done))
const peers = `http://127.0.0.1:${server.address().port}`

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'],
})

// Somebody signs in, and has the form's page open: its address and their cookies.
async function enter() {
  const context = await browser.newContext({ ...phone })
  context.setDefaultTimeout(60_000)
  const page = await context.newPage()
  await page.goto(portal + '/services/event/start')
  await page.fill('#login', 'anna-schmidt')
  await page.fill('#password', 'mercator')
  await page.check('input[name=way][value=substantial]', { force: true })
  await Promise.all([page.waitForNavigation(), page.click('button[name=step][value=password]')])
  const proof = page.locator('#proof')
  if (await proof.count()) {
    await proof.fill((await page.locator('main').innerText()).match(/\b(\d{6})\b/)[1])
    await Promise.all([page.waitForNavigation(), page.click('button[name=step][value=proof]')])
  }
  await page.waitForURL((u) => u.href.startsWith(portal) && u.pathname.includes('/page/'))
  const state = await context.storageState(), url = page.url()
  await context.close()
  return { url, state }
}
const ours = await enter()
const forms = [
  { name: 'Mercator', url: ours.url, state: ours.state },
  { name: 'form-js', url: peers + '/form-js/' },
  { name: 'formio.js', url: peers + '/formio/' },
  { name: 'Open Forms', url: peers + '/open-forms/' },
  { name: 'one field', url: peers + '/one/' },
].filter((f) => !process.env.ONLY || process.env.ONLY.split(',').includes(f.name))

// In the page: as soon as a frame shows the first field that takes letters, one is typed into it, and again until one arrives, as
// somebody would who taps on a form that isn't listening yet. Counted is when the letter is on the screen.
const probe = (selector) => {
  let shown = 0
  const first = () => [...document.querySelectorAll(selector)].find((e) => e.getClientRects().length && (e.tagName === 'TEXTAREA' || /^(text|email|tel|number)$/.test(e.type)))
  const type = () => {
    if (shown < 0) return
    const f = first()
    if (f) { f.focus({ preventScroll: true }); window.shown() }
    setTimeout(type, 150)
  }
  document.addEventListener('input', (e) => requestAnimationFrame(() => setTimeout(() => {
    if (shown <= 0 || !first()?.value) return
    window.typed({ shown, typed: performance.now() })
    shown = -1
  })), true)
  const look = () => {
    if (!first()) { requestAnimationFrame(look); return }
    shown = performance.now()
    type()
  }
  requestAnimationFrame(look)
}

// visit opens a form with an empty cache.
async function visit(form, slow) {
  const context = await browser.newContext({ ...phone, storageState: form.state })
  const page = await context.newPage()
  const errors = []
  page.on('pageerror', (e) => errors.push(e.message))
  const cdp = await context.newCDPSession(page)
  await cdp.send('Network.enable')
  await cdp.send('Performance.enable')
  const requests = new Map()
  cdp.on('Network.requestWillBeSent', (e) => { if (!e.request.url.startsWith('data:') && !e.request.url.startsWith('blob:')) requests.set(e.requestId, { url: e.request.url, type: e.type, bytes: 0 }) })
  cdp.on('Network.loadingFinished', (e) => { const q = requests.get(e.requestId); if (q) q.bytes = e.encodedDataLength })
  if (slow) {
    await cdp.send('Network.emulateNetworkConditions', network)
    await cdp.send('Emulation.setCPUThrottlingRate', { rate: slower })
  }
  let done
  const typed = new Promise((resolve, reject) => { done = resolve; setTimeout(() => reject(new Error(`${form.name}: nothing typed after two minutes: ${errors}`)), 120_000).unref() })
  await page.exposeBinding('shown', () => cdp.send('Input.dispatchKeyEvent', { type: 'char', text: '7' }))
  await page.exposeBinding('typed', (_, t) => done(t))
  await page.addInitScript(probe, field)
  await page.goto(form.url, { waitUntil: 'load', timeout: 180_000 })
  const times = await typed
  await page.waitForLoadState('networkidle', { timeout: 20_000 }).catch(() => {}) // a renderer that never rests is measured as it is
  await page.waitForTimeout(500)
  await cdp.send('HeapProfiler.collectGarbage')
  const metrics = Object.fromEntries((await cdp.send('Performance.getMetrics')).metrics.map((m) => [m.name, m.value]))
  const style = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime || 0)
  const fields = await page.locator(field).count()
  await context.close()
  return { ...times, paint: style, requests: [...requests.values()], heap: metrics.JSHeapUsedSize, nodes: metrics.Nodes, work: (metrics.TaskDuration || 0) * 1000, fields, errors }
}

async function accessible(form) {
  const context = await browser.newContext({ ...phone, storageState: form.state, bypassCSP: true })
  const page = await context.newPage()
  await page.goto(form.url, { waitUntil: 'networkidle' })
  await page.locator(field).first().waitFor({ state: 'visible' })
  await page.waitForTimeout(1000)
  await page.evaluate(axe)
  const r = await page.evaluate(() => window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }))
  await context.close()
  return r.violations.map((v) => ({ id: v.id, impact: v.impact, nodes: v.nodes.length }))
}

// withoutScript tells how many fields there are, and whether what is filled in arrives.
async function withoutScript(form) {
  const context = await browser.newContext({ ...phone, storageState: form.state, javaScriptEnabled: false })
  const page = await context.newPage()
  await page.goto(form.url)
  const fields = await page.locator(field).count()
  let sent = false
  if (fields > 1) {
    await page.locator('input[name=event_name]').fill('Straßenfest')
    await Promise.all([page.waitForNavigation(), page.locator('form.m-form button[type=submit]:visible').first().click()])
    await page.goto(form.url)
    sent = (await page.locator('input[name=event_name]').inputValue()) === 'Straßenfest'
  }
  await context.close()
  return { fields, sent }
}

const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)]
const load = () => readFileSync('/proc/loadavg', 'utf8').split(' ')[0]
const began = load()
const measured = new Map(forms.map((f) => [f, { slow: [], axe: [], plain: null }]))
for (let i = 0; i < runs; i++) for (const f of forms) measured.get(f).slow.push(await visit(f, true))
for (const f of forms) {
  const m = measured.get(f)
  m.axe = await accessible(f)
  m.plain = await withoutScript(f)
}
await browser.close()
server.close()

const kb = (n) => (n / 1000).toFixed(1)
const sum = (m, ...types) => median(m.slow.map((v) => v.requests.filter((q) => !types.length || types.includes(q.type)).reduce((n, q) => n + q.bytes, 0)))
const s = (list) => { const t = list.map((x) => x / 1000).toSorted((a, b) => a - b); return `${median(t).toFixed(2)} (${t[0].toFixed(2)} to ${t.at(-1).toFixed(2)})` }
const row = (name, of) => console.log(`| ${name} | ${forms.map((f) => of(measured.get(f))).join(' | ')} |`)
console.log(`\n${new Date().toISOString()}, ${runs} runs by turns, load ${began} to ${load()}, ${browser.version()}\n`)
console.log(`| | ${forms.map((f) => f.name).join(' | ')} |\n|---|${forms.map(() => '--:').join('|')}|`)
row('over the wire, kB', (m) => kb(sum(m)))
row('… of it HTML', (m) => kb(sum(m, 'Document')))
row('… style', (m) => kb(sum(m, 'Stylesheet')))
row('… script', (m) => kb(sum(m, 'Script')))
row('… fonts', (m) => kb(sum(m, 'Font')))
row('… anything else', (m) => kb(sum(m, 'Image', 'XHR', 'Fetch', 'Other', 'Manifest')))
row('requests', (m) => median(m.slow.map((v) => v.requests.length)))
row('first paint, s', (m) => s(m.slow.map((v) => v.paint)))
row('first field on the screen, s', (m) => s(m.slow.map((v) => v.shown)))
row('first letter typed is on the screen, s', (m) => s(m.slow.map((v) => v.typed)))
row('work of the main thread, s', (m) => s(m.slow.map((v) => v.work)))
row('script memory, MB', (m) => (median(m.slow.map((v) => v.heap)) / 1e6).toFixed(1))
row('nodes of the page', (m) => median(m.slow.map((v) => v.nodes)))
row('fields in the page', (m) => median(m.slow.map((v) => v.fields)))
row('axe: rules broken (elements)', (m) => m.axe.length ? m.axe.map((v) => `${v.id} (${v.nodes})`).join(', ') : 'none')
row('fields without script', (m) => m.plain.fields)
row('filled in and sent without script', (m) => m.plain.sent ? 'yes' : 'no')
for (const [f, m] of measured) for (const e of new Set(m.slow.flatMap((v) => v.errors))) console.log(`\n${f.name}: script error: ${e}`)
if (missing.size) console.log(`\nasked for and not there: ${[...missing].join(', ')}`)
if (process.env.DETAILS) for (const [f, m] of measured) console.log(f.name, m.slow.at(-1).requests)
