// serves variants of the real page
import { chromium } from 'playwright-core'
import { createServer } from 'node:http'
import { readFileSync } from 'node:fs'
import { gzipSync, brotliCompressSync } from 'node:zlib'
const html = readFileSync('/tmp/fp/raw.html', 'utf8')
const css = readFileSync('/tmp/fp/full.css', 'utf8'), js = readFileSync('/tmp/fp/m.js', 'utf8'), crit = readFileSync('/tmp/fp/crit.css', 'utf8')
const cv = '[data-patch="fields"]>:nth-child(n+12){content-visibility:auto;contain-intrinsic-size:auto 5rem;overflow-clip-margin:8px}'
const c2 = html
const link = html.match(/<link rel="stylesheet"[^>]*>/)[0]
const V = {
  base: html,
  cv: html.replace(link, link + `<style>${cv}</style>`),
  crit: html.replace(link, `<style>${crit}</style>`).replace('</body>', link + '</body>'),
  critcv: html.replace(link, `<style>${crit}${cv}</style>`).replace('</body>', link + '</body>'),
  critonly: html.replace(link, `<style>${crit}${cv}</style>`),
  critonlynocv: html.replace(link, `<style>${crit}</style>`),
  critnojs: html.replace(link, `<style>${crit}${cv}</style>`).replace(/<script type="module"[^>]*><\/script>/, ''),
}
const server = createServer((q, r) => {
  const p = q.url.slice(1)
  if (p.startsWith('v-')) { const b = gzipSync(V[p.slice(2)], { level: 4 }); r.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-encoding': 'gzip', 'content-length': b.length }).end(b); return }
  if (p.endsWith('.css')) { r.writeHead(200, { 'content-type': 'text/css', 'content-encoding': 'br' }).end(brotliCompressSync(css)); return }
  if (p.endsWith('.js')) { r.writeHead(200, { 'content-type': 'text/javascript', 'content-encoding': 'br' }).end(brotliCompressSync(js)); return }
  if (p.endsWith('.woff2')) { r.writeHead(200, { 'content-type': 'font/woff2' }).end(readFileSync('/work/main/web/assets/dist/' + p.split('/').pop())); return }
  r.writeHead(404).end()
})
await new Promise(d => server.listen(0, '127.0.0.1', d))
const origin = `http://127.0.0.1:${server.address().port}`
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'] })
const probe = () => {
  const sel = 'main input:not([type=hidden]), main select, main textarea'
  const first = () => [...document.querySelectorAll(sel)].find((e) => e.getClientRects().length && (e.tagName === 'TEXTAREA' || /^(text|email|tel|number)$/.test(e.type)))
  const look = () => { if (!first()) { requestAnimationFrame(look); return } window.__shown = performance.now() }
  requestAnimationFrame(look)
}
const names = (process.argv[2] || Object.keys(V).join()).split(',')
const out = {}
for (let i = 0; i < Number(process.argv[3] || 5); i++) for (const n of names) {
  const context = await browser.newContext({ viewport: { width: 360, height: 800 }, locale: 'de-DE' })
  const page = await context.newPage()
  const cdp = await context.newCDPSession(page)
  await cdp.send('Network.enable'); await cdp.send('Performance.enable')
  await cdp.send('Network.emulateNetworkConditions', { offline: false, latency: 400, downloadThroughput: 50000, uploadThroughput: 50000 })
  await cdp.send('Emulation.setCPUThrottlingRate', { rate: 6 })
  await page.addInitScript(probe)
  await page.goto(origin + '/v-' + n, { waitUntil: 'load' })
  await page.waitForTimeout(800)
  const r = await page.evaluate(() => ({ shown: window.__shown, fcp: performance.getEntriesByName('first-contentful-paint')[0].startTime, end: performance.getEntriesByType('navigation')[0].responseEnd, cls: 0 }))
  const m = Object.fromEntries((await cdp.send('Performance.getMetrics')).metrics.map((m) => [m.name, m.value]))
  ;(out[n] ||= []).push([r.shown, r.fcp, r.end, m.LayoutDuration * 1000, m.RecalcStyleDuration * 1000, m.TaskDuration * 1000].map(Math.round))
  await context.close()
}
const med = (l) => l.toSorted((a, b) => a - b)[Math.floor(l.length / 2)]
for (const n of names) console.log(n.padEnd(10), 'shown/fcp/end/layout/style/task median', [0,1,2,3,4,5].map(k => med(out[n].map(x => x[k]))).join(' '), ' min shown/fcp', Math.min(...out[n].map(x => x[0])), Math.min(...out[n].map(x => x[1])))
await browser.close(); server.close()
