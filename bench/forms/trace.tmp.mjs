import { chromium } from 'playwright-core'
import { readFileSync, writeFileSync } from 'node:fs'
const portal = process.argv[2]
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'] })
const phone = { viewport: { width: 360, height: 800 }, locale: 'de-DE' }
let state, url
{
  const context = await browser.newContext({ ...phone })
  const page = await context.newPage()
  await page.goto(portal + '/services/event/start')
  await page.fill('#login', 'anna-schmidt'); await page.fill('#password', 'mercator')
  await page.check('input[name=way][value=substantial]', { force: true })
  await Promise.all([page.waitForNavigation(), page.click('button[name=step][value=password]')])
  const proof = page.locator('#proof')
  if (await proof.count()) { await proof.fill((await page.locator('main').innerText()).match(/\b(\d{6})\b/)[1]); await Promise.all([page.waitForNavigation(), page.click('button[name=step][value=proof]')]) }
  await page.waitForURL((u) => u.pathname.includes('/page/'))
  state = await context.storageState(); url = page.url(); await context.close()
}
for (let i = 0; i < 3; i++) {
const context = await browser.newContext({ ...phone, storageState: state })
const page = await context.newPage()
const cdp = await context.newCDPSession(page)
await cdp.send('Network.enable'); await cdp.send('Performance.enable')
await cdp.send('Network.emulateNetworkConditions', { offline: false, latency: 400, downloadThroughput: 50000, uploadThroughput: 50000 })
await cdp.send('Emulation.setCPUThrottlingRate', { rate: 6 })
if (i == 2) await browser.startTracing(page, { path: '/tmp/fp/trace.json', categories: ['-*','devtools.timeline','disabled-by-default-devtools.timeline','blink.user_timing','loading','toplevel'] })
await page.goto(url, { waitUntil: 'load' })
await page.waitForTimeout(1500)
if (i == 2) await browser.stopTracing()
console.log(await page.evaluate(() => JSON.stringify({ nav: (({ responseStart, responseEnd, domInteractive, domComplete }) => ({ responseStart, responseEnd, domInteractive, domComplete }))(performance.getEntriesByType('navigation')[0]), fcp: performance.getEntriesByName('first-contentful-paint')[0].startTime, res: performance.getEntriesByType('resource').map(r => [r.name.split('/').pop(), Math.round(r.startTime), Math.round(r.responseEnd)]) })))
const m = Object.fromEntries((await cdp.send('Performance.getMetrics')).metrics.map((m) => [m.name, m.value]))
console.log(JSON.stringify({ layout: m.LayoutDuration, style: m.RecalcStyleDuration, script: m.ScriptDuration, task: m.TaskDuration, nodes: m.Nodes, lc: m.LayoutCount, rc: m.RecalcStyleCount }))
writeFileSync('/tmp/fp/page.html', await page.content())
await context.close()
}
await browser.close()
const t = JSON.parse(readFileSync('/tmp/fp/trace.json')).traceEvents
const main = t.filter(e => e.ph === 'X' && e.dur)
const by = {}
for (const e of main) by[e.name] = (by[e.name] || 0) + e.dur
console.log(Object.entries(by).sort((a, b) => b[1] - a[1]).slice(0, 30).map(([n, d]) => n + ' ' + (d / 1000).toFixed(0)).join('\n'))
