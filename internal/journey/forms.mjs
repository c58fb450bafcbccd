// SPDX-License-Identifier: EUPL-1.2
// Every form that a resident can begin, page by page in a real browser, each page empty of answers, with its mistakes shown and
// filled in: axe (WCAG 2.2 AA) at 320 px, at 400 % of a screen of 1280 px, and in forced colours; nothing scrolls sideways, and
// nothing that says something is told by colour alone. One form is filled in by keyboard alone.
//
//   node forms.mjs PORTAL FORMS        FORMS is what TestForms writes of content/services: [{id, about, answers}]
import { chromium } from 'playwright-core'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const [portal, file] = process.argv.slice(2)
const forms = JSON.parse(readFileSync(file, 'utf8'))
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'],
})
const problems = new Set()
let looked = 0

const context = await browser.newContext({ viewport: { width: 320, height: 640 }, locale: 'de-DE', bypassCSP: true, reducedMotion: 'reduce' })
context.setDefaultTimeout(Number(process.env.JOURNEY_TIMEOUT || 15000))
const page = await context.newPage()
page.on('pageerror', (e) => problems.add(`script error on ${page.url()}: ${e.message}`))
page.on('response', (r) => { if (r.status() >= 500) problems.add(`${r.status()} ${r.url()}`) })

const go = (act) => Promise.all([page.waitForNavigation({ waitUntil: 'load' }), act()])

async function signIn(login) {
  await page.fill('#login', login)
  await page.fill('#password', 'mercator')
  await page.check('input[name=way][value=substantial]', { force: true })
  await go(() => page.locator('button[name=step][value=password]').click())
  const proof = page.locator('#proof')
  if (await proof.count()) {
    await proof.fill((await page.locator('main').innerText()).match(/\b(\d{6})\b/)[1])
    await go(() => page.locator('button[name=step][value=proof]').click())
  }
  await page.waitForURL((u) => u.href.startsWith(portal) && !u.pathname.startsWith('/signin'))
}

// The ways in which a page is seen. At 400 % a screen of 1280 by 1024 shows what fits into 320 by 256, at four dots each.
const cdp = await context.newCDPSession(page)
const screen = (width, height, dots) => cdp.send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: dots, mobile: false })
const colours = (forced) => page.emulateMedia({ forcedColors: forced ? 'active' : 'none', contrast: forced ? 'more' : 'no-preference' })
const ways = [
  { name: '320 px', on: () => screen(320, 640, 1) },
  { name: '400 %', on: () => screen(320, 256, 4) },
  { name: 'forced colours', on: async () => { await screen(320, 640, 1); await colours(true) }, off: () => colours(false) },
]

// look holds the page that is shown against all of them.
async function look(name) {
  for (const way of ways) {
    await way.on()
    looked++
    const at = `${name} (${way.name})`
    await page.evaluate(axe)
    const r = await page.evaluate(() => window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }))
    for (const v of r.violations) problems.add(`${at}: ${v.id}: ${v.help}: ${v.nodes.map((n) => n.target.join(' ')).slice(0, 3).join('; ')}`)
    for (const p of await page.evaluate(seen, way.name === 'forced colours')) problems.add(`${at}: ${p}`)
    await way.off?.()
  }
  await screen(320, 640, 1)
}

// seen is what axe doesn't ask: does the page scroll sideways, is something cut off, and do fields, choices and buttons still have an edge where
// the browser takes all colours away.
function seen(forced) {
  const found = []
  const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth
  if (wide > 1) found.push(`scrolls sideways by ${wide} px`)
  const name = (e) => e.id ? '#' + e.id : e.tagName.toLowerCase() + (e.name ? `[name="${e.name}"]` : '')
  for (const e of document.querySelectorAll('main input:not([type=hidden]), main select, main textarea, main button')) {
    const box = e.getBoundingClientRect(), style = getComputedStyle(e)
    if (!box.width || style.visibility === 'hidden') continue
    if (box.left < -1 || box.right > document.documentElement.clientWidth + 1) found.push(`${name(e)} is cut off`)
    if (!forced || style.appearance !== 'none') continue
    const edges = (s) => parseFloat(s.borderBottomWidth) > 0 && s.borderBottomStyle !== 'none' || parseFloat(s.outlineWidth) > 0 && s.outlineStyle !== 'none'
    const around = e.closest('.kern-form-input__select-wrapper')
    if (!edges(style) && !(around && edges(getComputedStyle(around))) && !edges(getComputedStyle(e, '::before')) && style.textDecorationLine === 'none') found.push(`${name(e)} has no edge`)
  }
  return found
}

// What is typed where the scenario says nothing, since a register would have known it.
const samples = { given_names: 'Jonas', family_name: 'Weber', birth_date: '30.1.2001', street: 'Einsteinstraße', house_number: '9', postcode: '47057', city: 'Duisburg', residence_since: '3.11.2026' }

// fill answers what is asked on the page: as the service's first scenario does, else whatever the field takes.
async function fill(answers) {
  for (let i = 0; i < 3; i++) {
    const before = await names()
    await page.evaluate(answer, { answers, samples })
    if (await names() === before) return
  }
}
const names = () => page.evaluate(() => [...document.querySelectorAll('main form.m-form [name]')].map((e) => e.name).join())

function answer({ answers, samples }) {
  const d = new Date(), today = `${d.getDate()}.${d.getMonth() + 1}.${d.getFullYear()}`
  const hint = (e) => (e.getAttribute('aria-describedby') || '').split(' ').map((id) => document.getElementById(id)?.textContent || '').join(' ')
  const of = (name) => { let v = answers; for (const p of name.split('.')) v = v?.[p]; return v }
  const done = new Set()
  const set = (e, v) => { e.value = v; e.dispatchEvent(new Event('input', { bubbles: true })); e.dispatchEvent(new Event('change', { bubbles: true })) }
  for (const e of document.querySelectorAll('main form.m-form [name]')) {
    if (e.readOnly || e.disabled || !e.getClientRects().length && e.type !== 'radio' && e.type !== 'checkbox' || ['hidden', 'submit', 'file'].includes(e.type)) continue
    const want = of(e.name)
    if (e.type === 'radio') {
      const all = [...document.getElementsByName(e.name)]
      if (done.has(e.name)) continue
      done.add(e.name)
      const one = all.find((x) => x.value === String(want)) || all.find((x) => x.checked) || all[0]
      if (!one.checked) one.click()
    } else if (e.type === 'checkbox') {
      const yes = Array.isArray(want) ? want.map(String).includes(e.value) : want === true || want === undefined && e.getAttribute('aria-required') === 'true'
      if (e.checked !== yes) e.click()
    } else if (e.tagName === 'SELECT') {
      const all = [...e.options].filter((o) => o.value)
      const one = all.find((o) => o.value === String(want)) || (e.value ? null : all[0])
      if (one) set(e, one.value)
    } else if (want !== undefined && want !== null) set(e, /^\d{4}-\d\d-\d\d$/.test(want) ? want.split('-').reverse().join('.') : String(want))
    else if ((!e.value || e.getAttribute('aria-invalid') === 'true') && e.getAttribute('aria-required') === 'true') {
      set(e, samples[e.name] || /Zum Beispiel ([^,.]+[\d])/.exec(hint(e))?.[1] || (/\d\.\d{1,2}\.\d{4}/.test(hint(e)) ? today : e.inputMode ? '1' : 'Beispiel'))
    }
  }
}

const send = () => go(() => page.locator('main form.m-form .m-buttons button').first().click())

// begin goes to where a service begins: at its own page, or on "my data" at what it is about.
async function begin(form) {
  switch (form.about) {
    case '':
      await page.goto(`${portal}/services/${form.id}/start`)
      break
    case 'entry':
      await page.goto(portal + '/my-data/reads')
      await go(() => page.getByRole('link', { name: /Nachfragen, warum/ }).first().click())
      await look(`${form.id}: where it begins`)
      await go(() => page.getByRole('button', { name: /Nachfragen, warum/ }).first().click())
      break
    default: { // a field, a record
      await page.goto(portal + '/my-data')
      await page.goto(portal + await page.locator('main a[href^="/my-data/registers/residents/"]').first().getAttribute('href'))
      await page.evaluate(() => { for (const d of document.querySelectorAll('main details')) d.open = true })
      await look(`${form.id}: where it begins`)
      if (form.about === 'field') await page.locator('select[name=field]').selectOption('family_name')
      await go(() => page.locator(`button[name=what][value=${form.about}]`).first().click())
    }
  }
}

// discard throws the draft away that is on the screen.
async function discard() {
  await page.goto(page.url().replace(/(\/apply\/[^/]+).*/, '$1/discard'))
  await go(() => page.locator('main form.m-form button').first().click())
}

// letRead lets the house read the person's registers once, so that there is something to ask about; the draft goes.
async function letRead() {
  for (const form of forms.filter((f) => !f.about)) {
    await begin(form)
    if (!page.url().endsWith('/data')) continue
    await page.locator('label[for="' + await page.locator('input[name=consent][value=yes]').getAttribute('id') + '"]').click()
    await send()
    await discard()
    return
  }
}

// walk goes through a form to the page before it is handed in.
async function walk(form) {
  await begin(form)
  if (page.url().endsWith('/data')) {
    await look(`${form.id}: data notice`)
    await send()
    await look(`${form.id}: data notice, nothing chosen`)
    await page.locator('label[for="' + await page.locator('input[name=consent][value=no]').getAttribute('id') + '"]').click()
    await send()
  }
  for (let i = 0; ; i++) {
    const path = new URL(page.url()).pathname
    if (path.endsWith('/check')) break
    if (path.endsWith('/tasks')) { // of a long form: the first topic that isn't done
      await look(`${form.id}: topics`)
      await go(() => page.locator('.kern-task-list__item:not(:has(.kern-badge--success)) a').first().click())
      continue
    }
    if (!path.includes('/page/')) { problems.add(`${form.id}: no page of a form, but ${path}`); return }
    if (i > 30) { problems.add(`${form.id}: no end after 30 pages, at ${path}`); return }
    const name = `${form.id}: ${path.split('/').pop()}`
    await look(name)
    await send()
    if (new URL(page.url()).pathname === path && await page.locator('main .kern-error').count()) await look(`${name}, mistakes shown`)
    for (let turn = 0; turn < 4 && new URL(page.url()).pathname === path; turn++) { // answers may bring up questions
      await fill(form.answers)
      await send()
    }
    if (new URL(page.url()).pathname === path) {
      problems.add(`${name}: can't be left with the answers of the scenario: ${await page.locator('main .kern-error').allInnerTexts()}`)
      return
    }
  }
  await look(`${form.id}: check`)
}

// byKeyboard begins a form anew, fills it in and hands it in with nothing but keys, and holds that each stop shows where one is.
async function byKeyboard(form) {
  await begin(form)
  await discard() // what the walk has filled in
  await begin(form)
  for (let i = 0; i < 30; i++) {
    const path = new URL(page.url()).pathname
    if (path.startsWith('/cases/') || path.startsWith('/pay/')) return
    const left = new Set()
    let moved = false
    for (let stop = 0; stop < 150 && !moved; stop++) {
      await page.keyboard.press('Tab')
      const at = await page.evaluate(async () => {
        const e = document.activeElement, s = getComputedStyle(e), covered = (box) => box.bottom < 0 || box.top > innerHeight
        // What moves onto the screen when it is reached has a few frames for that.
        for (let i = 0; i < 10 && covered(e.getBoundingClientRect()); i++) await new Promise(requestAnimationFrame)
        const box = e.getBoundingClientRect()
        if (e === document.body) return null
        return { name: e.name || '', type: e.type || '', tag: e.tagName, value: e.value || '', checked: e.checked || !!(e.name && document.querySelector(`input[name="${CSS.escape(e.name)}"]:checked`)),
          required: e.getAttribute('aria-required') === 'true', own: !!e.closest('main form.m-form .m-buttons') && !e.name || !!e.closest('.kern-task-list__item:not(:has(.kern-badge--success))'), form: !!e.closest('main form.m-form, .kern-task-list'),
          shown: box.width > 0 && (s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0 || s.boxShadow !== 'none' || e.closest('.m-skip')), covered: covered(box), html: e.outerHTML.slice(0, 120) }
      })
      if (!at) continue
      if (!at.shown && at.tag !== 'MAIN') problems.add(`${form.id} by keyboard at ${path}: nothing shows that one is at ${at.html}`)
      if (at.covered) problems.add(`${form.id} by keyboard at ${path}: ${at.html} isn't on the screen`)
      if (!at.form) continue
      if (at.own) {
        await go(() => page.keyboard.press('Enter'))
        moved = true
        break
      }
      if (!at.name || left.has(at.name)) continue
      left.add(at.name)
      const want = at.name === 'consent' ? 'no' : form.answers[at.name]
      if (at.type === 'radio' && !at.checked) {
        await page.keyboard.press('Space')
        for (let k = 0; k < 20 && want !== undefined && await page.evaluate(() => document.activeElement.value) !== String(want); k++) await page.keyboard.press('ArrowDown')
      } else if (at.type === 'checkbox' && !at.checked && (want === true || at.required)) await page.keyboard.press('Space')
      else if (at.tag === 'SELECT' && !at.value) await page.keyboard.press('ArrowDown')
      else if ((at.tag === 'TEXTAREA' || at.tag === 'INPUT') && !at.value && !['radio', 'checkbox'].includes(at.type) && (want !== undefined || at.required)) await page.keyboard.type(/^\d{4}-\d\d-\d\d$/.test(want) ? want.split('-').reverse().join('.') : String(want ?? samples[at.name] ?? 'Beispiel'))
    }
    if (!moved) { problems.add(`${form.id} by keyboard: no button of the form is reached at ${path}`); return }
  }
  problems.add(`${form.id} by keyboard: not handed in after 30 pages, at ${page.url()}: ${await page.locator('main .kern-error').allInnerTexts()}`)
}

let failed
try {
  await page.goto(`${portal}/services/${forms.find((f) => !f.about).id}/start`)
  if (!(await page.locator('#login').count())) await go(() => page.getByText('Anmelden und beginnen').click()) // one may begin without, too
  await signIn('jonas-weber')
  await letRead()
  for (const form of forms.filter((f) => !process.env.FORM || process.env.FORM === f.id)) {
    const began = Date.now(), before = looked
    await walk(form)
    console.log(`ok ${form.id}: ${looked - before} looks (${Date.now() - began} ms)`)
  }
  for (const one of forms.filter((f) => f.keyboard && (!process.env.FORM || process.env.FORM === f.id))) {
    const began = Date.now()
    await byKeyboard(one)
    console.log(`ok ${one.id} by keyboard (${Date.now() - began} ms)`)
  }
} catch (e) {
  failed = e
} finally {
  await browser.close()
}
for (const p of problems) console.log('PROBLEM ' + p)
if (failed) console.log('FAILED ' + failed.stack)
console.log(`${looked} looks at pages`)
process.exit(failed || problems.size ? 1 : 0)
