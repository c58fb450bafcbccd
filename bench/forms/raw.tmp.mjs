import { chromium } from 'playwright-core'
import { writeFileSync } from 'node:fs'
const portal = process.argv[2]
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] })
const context = await browser.newContext({ viewport: { width: 360, height: 800 }, locale: 'de-DE' })
const page = await context.newPage()
await page.goto(portal + '/services/event/start')
await page.fill('#login', 'anna-schmidt'); await page.fill('#password', 'mercator')
await page.check('input[name=way][value=substantial]', { force: true })
await Promise.all([page.waitForNavigation(), page.click('button[name=step][value=password]')])
const proof = page.locator('#proof')
if (await proof.count()) { await proof.fill((await page.locator('main').innerText()).match(/\b(\d{6})\b/)[1]); await Promise.all([page.waitForNavigation(), page.click('button[name=step][value=proof]')]) }
await page.waitForURL((u) => u.pathname.includes('/page/'))
const r = await context.request.get(page.url())
writeFileSync('/tmp/fp/raw.html', await r.text())
await page.coverage.startCSSCoverage({ resetOnNavigation: false })
await page.reload(); await page.waitForTimeout(300)
const c = (await page.coverage.stopCSSCoverage()).find(c => c.url.includes('mercator.'))
if (c) { const used = c.ranges.map(r => c.text.slice(r.start, r.end)).join('\n'); writeFileSync('/tmp/fp/crit.css', used); console.log(used.length) }
await browser.close()
