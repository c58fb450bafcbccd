import { chromium } from 'playwright-core'
import { writeFileSync } from 'node:fs'
import { gzipSync, brotliCompressSync } from 'node:zlib'
const portal = process.argv[2]
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'] })
const context = await browser.newContext({ viewport: { width: 360, height: 800 }, locale: 'de-DE' })
const page = await context.newPage()
const show = async (name) => {
  await page.coverage.startCSSCoverage({ resetOnNavigation: false })
  await page.reload({ waitUntil: 'load' })
  await page.waitForTimeout(300)
  const c = (await page.coverage.stopCSSCoverage()).find(c => c.url.includes('mercator.'))
  const used = c.ranges.map(r => c.text.slice(r.start, r.end)).join('\n')
  console.log(name, page.url(), c.text.length, used.length, gzipSync(used).length, brotliCompressSync(used).length)
  writeFileSync(`/tmp/fp/used-${name}.css`, used)
}
await page.goto(portal + '/'); await show('home')
await page.goto(portal + '/services/event'); await show('service')
await page.goto(portal + '/services/event/start'); await show('signin')
  await page.fill('#login', 'anna-schmidt'); await page.fill('#password', 'mercator')
  await page.check('input[name=way][value=substantial]', { force: true })
  await Promise.all([page.waitForNavigation(), page.click('button[name=step][value=password]')])
  const proof = page.locator('#proof')
  if (await proof.count()) { await proof.fill((await page.locator('main').innerText()).match(/\b(\d{6})\b/)[1]); await Promise.all([page.waitForNavigation(), page.click('button[name=step][value=proof]')]) }
  await page.waitForURL((u) => u.pathname.includes('/page/'))
await show('form')
await browser.close()
