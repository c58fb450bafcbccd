// SPDX-License-Identifier: EUPL-1.2
// The journeys of a resident and of a clerk in a real browser, told as a person would do them: by what is written on
// buttons and beside fields. Every page that is met is checked with axe (WCAG 2.2 AA) and for sideways scrolling.
//
//   node journey.mjs PORTAL WIDTH js|nojs SHOTS   (JOURNEY=name,… : some of them)
import { chromium } from 'playwright-core'
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { createRequire } from 'node:module'

const [portal, widthText, scripting, shots] = process.argv.slice(2)
const width = Number(widthText)
const js = scripting === 'js'
const axe = js ? readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8') : ''
if (shots) mkdirSync(shots, { recursive: true })

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'],
})
const problems = []
let checked = 0
let failed

// person opens a browser of their own: cookies and all.
async function person(lang = 'de-DE') {
  const context = await browser.newContext({ viewport: { width, height: 800 }, javaScriptEnabled: js, locale: lang, bypassCSP: js, acceptDownloads: true })
  context.setDefaultTimeout(Number(process.env.JOURNEY_TIMEOUT || 15000)) // more where the machine is shared
  const page = await context.newPage()
  page.on('pageerror', (e) => problems.push(`script error on ${page.url()}: ${e.message}`))
  page.on('response', (r) => { if (r.status() >= 500) problems.push(`${r.status()} ${r.url()}`) })
  return page
}

// look checks the page that is shown.
async function look(page, name) {
  checked++
  if (shots) await page.screenshot({ path: `${shots}/${name}-${width}${js ? '' : '-nojs'}.png`, fullPage: true })
  if (!js) return // axe is a script; with scripts on, the same pages are checked
  await page.evaluate(axe)
  const r = await page.evaluate(() => window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }))
  for (const v of r.violations) problems.push(`${name} at ${width}: ${v.id}: ${v.help}: ${v.nodes.map((n) => n.target.join(' ')).slice(0, 3).join('; ')}`)
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
  if (wide > 1) problems.push(`${name} at ${width}: scrolls sideways by ${wide} px`)
}

// scanned reads the code in a picture as a scanner at the counter or a phone would (zbarimg, Debian's zbar-tools); null: there is none here.
function scanned(png) {
  const r = spawnSync('zbarimg', ['--quiet', '--raw', '-Sdisable', '-Sqrcode.enable', '-'], { input: png })
  if (r.error) {
    if (process.env.CI) throw new Error('zbarimg is missing (Debian: apt-get install zbar-tools)')
    console.log('zbarimg is missing: codes are not scanned')
    return null
  }
  return r.stdout.toString().trim()
}
// printedPage is the first page of a PDF as a printer would put it on paper.
function printedPage(pdf) {
  const dir = mkdtempSync(tmpdir() + '/journey-')
  try {
    const r = spawnSync('pdftoppm', ['-r', '150', '-png', '-singlefile', '-f', '1', '-', dir + '/page'], { input: pdf })
    if (r.error) {
      if (process.env.CI) throw new Error('pdftoppm is missing (Debian: apt-get install poppler-utils)')
      console.log('pdftoppm is missing: what is printed is not scanned')
      return null
    }
    return readFileSync(dir + '/page.png')
  } finally { rmSync(dir, { recursive: true }) }
}

function expect(ok, what) {
  if (!ok) throw new Error(`expected: ${what}`)
}
async function text(page) { return (await page.locator('main').innerText()).replace(/\s+/g, ' ') }
async function sees(page, part) {
  const t = await text(page)
  expect(t.includes(part), `"${part}" on ${page.url()}, found: ${t.slice(0, 900)}`)
}
// go does what leads to another page, and waits for it.
async function go(page, act) {
  await Promise.all([page.waitForNavigation({ waitUntil: 'load' }), act()])
}
const click = (page, locator) => go(page, () => locator.first().click())
const press = (page, name) => click(page, page.getByRole('button', { name }))
const follow = (page, name) => click(page, page.getByRole('link', { name }))

// signIn goes through the city's identity provider.
async function signIn(page, login, level) {
  await page.waitForSelector('#login')
  await page.fill('#login', login)
  await page.fill('#password', 'mercator')
  await page.check(`input[name=way][value="${level}"]`, { force: true })
  await click(page, page.locator('button[name=step][value=password]'))
  const proof = page.locator('#proof')
  if (await proof.count()) {
    const shown = (await page.locator('main').innerText()).match(/\b(\d{6})\b/)
    await proof.fill(shown ? shown[1] : '')
    await click(page, page.locator('button[name=step][value=proof]'))
  }
  await page.waitForURL((u) => u.href.startsWith(portal) && !u.pathname.startsWith('/signin'))
}

// agree answers the question whether the registers may be asked.
async function agree(page, yes) {
  await tick(page, `input[type=radio][value="${yes ? 'yes' : 'no'}"]`)
  await press(page, /Weiter|Devam|Continue/)
}

const all = { resident, wrongZone, business, topics, studio, byHand, registers, paper, defect, mandate, representation, deputy, myData, moving, proactive, oversight, languages, languagesMoving, cosign, together, moved, movedGuest, movedHelped, rows, rowFiles, guestFiles, searchable }
const names = process.env.JOURNEY?.split(',') ?? Object.keys(all)
const journeys = Object.fromEntries(names.map((name) => [name, all[name]]))
try {
  for (const [name, walk] of Object.entries(journeys)) {
    const began = Date.now()
    await walk()
    console.log(`ok ${name} at ${width} px ${scripting} (${Date.now() - began} ms)`)
  }
} catch (e) {
  failed = e
} finally {
  await browser.close()
}
for (const p of [...new Set(problems)]) console.log('PROBLEM ' + p)
if (failed) console.log('FAILED ' + failed.stack)
console.log(`${checked} pages looked at`)
process.exit(failed || problems.length ? 1 : 0)

// Anna finds the service, agrees to the registers, is asked only what is left, pays and has her permit at once.
async function resident() {
  const page = await person()
  await page.goto(portal + '/')
  await look(page, '01-home')
  await page.getByRole('searchbox').first().fill('Parkplatz vor der Tür')
  await go(page, () => page.keyboard.press('Enter'))
  await look(page, '02-results')
  await follow(page, /Bewohnerparkausweis/)
  await sees(page, '30,70')
  await look(page, '03-service')
  await click(page, page.locator('a[href$="/start"], form[action$="/start"] button'))
  await signIn(page, 'anna-schmidt', 'substantial')
  await sees(page, 'BMG')
  await look(page, '04-data-notice')
  await agree(page, true)
  for (let i = 0; i < 12 && !page.url().includes('/check'); i++) {
    await look(page, '05-page-' + page.url().split('/').pop())
    await fill(page, { vehicle: 'DU-AS 1988', zone: 'NN', months: '12', declared: true, valid_from: today() })
    await press(page, /Weiter|Speichern und weiter/)
  }
  await look(page, '06-check')
  await sees(page, 'Kantstraße')
  await click(page, page.locator('a[href*="/page/permit"]'))
  await fill(page, { months: '6' })
  await press(page, /Weiter|Speichern/)
  expect(page.url().includes('/check'), 'back at the check page, at ' + page.url())
  await sees(page, '15,35')
  await press(page, /absenden|einreichen|Antrag/i)
  expect(page.url().endsWith('/receipt'), 'the receipt at once, at ' + page.url())
  await sees(page, 'Ihr Antrag ist eingegangen')
  await look(page, '06-receipt')
  if (shots) {
    const saved = async (name, address) => writeFileSync(`${shots}/${name}`, await (await page.request.get(address)).body())
    await saved('receipt.pdf', page.url() + '.pdf')
    for (const a of await page.locator('main a[href*="/submissions/"]').evaluateAll((l) => l.map((x) => x.href))) await saved(a.split('/').pop(), a)
  }
  await follow(page, /Jetzt bezahlen/)
  expect(page.url().includes('/pay/'), 'the cash desk, at ' + page.url())
  await look(page, '07-pay')
  await press(page, /bezahlen/i)
  await click(page, page.locator('button[name=step][value=pay]'))
  for (let i = 0; i < 20 && !(await text(page)).includes('bezahlt'); i++) { await page.waitForTimeout(300); await page.reload() }
  await look(page, '08-paid')
  await page.goto(portal + '/postbox')
  for (let i = 0; i < 30 && !(await text(page)).includes('Bewohnerparkausweis ist da'); i++) { await page.waitForTimeout(300); await page.reload() }
  await look(page, '09-postbox')
  await follow(page, /Bewohnerparkausweis ist da/)
  await look(page, '10-message')
  const href = await page.locator('a[href^="/documents/"]').first().getAttribute('href')
  const pdf = await page.request.get(portal + href)
  expect(pdf.status() === 200 && (await pdf.body()).subarray(0, 5).toString() === '%PDF-', 'a PDF')
  await page.goto(portal + '/cases')
  await look(page, '11-cases')
  await follow(page, /Bewohnerparkausweis/)
  await sees(page, '§ 45 Absatz 1b')
  await look(page, '12-case')
  await page.goto(portal + '/my-data')
  expect((await page.locator('main').textContent()).includes('DU-AS 1988'), 'the car in my data')
  await look(page, '13-my-data')
  const paper = await page.request.get(portal + '/cases')
  expect(paper.headers()['cache-control']?.includes('no-store'), 'personal pages are not cached')
  const foreign = await person()
  await foreign.goto(portal + '/v/4P2RY-GHB2Y-NOSUCH')
  await look(foreign, '14-verify')
  expect((await foreign.request.get(portal + href, { maxRedirects: 0 })).status() !== 200, 'a stranger does not get the PDF')
}

// Mehmet asks for a zone that he doesn't live in; a clerk asks for a correction, then refuses with reasons.
async function wrongZone() {
  const page = await person()
  await page.goto(portal + '/services/resident-parking-permit/start')
  await signIn(page, 'mehmet-yilmaz', 'substantial')
  await agree(page, true)
  for (let i = 0; i < 12 && !page.url().includes('/check'); i++) {
    await fill(page, { vehicle: 'DU-MY 79', zone: 'AL', months: '6', declared: true, valid_from: today() })
    await press(page, /Weiter|Speichern und weiter/)
  }
  await press(page, /absenden|einreichen|Antrag/i)
  const caseURL = page.url().replace(/\/receipt$/, '')
  const desk = await person()
  await desk.goto(portal + '/desk')
  await signIn(desk, 'petra.lehmann', 'substantial')
  await look(desk, '20-desk')
  await sees(desk, 'Mehmet Yılmaz')
  await click(desk, desk.locator('main a[href^="/desk/tasks/"], main a[href^="/desk/cases/"]'))
  await look(desk, '21-desk-case')
  const claim = desk.getByRole('button', { name: /übernehmen/i })
  if (await claim.count()) await click(desk, claim)
  await look(desk, '22-desk-claimed')
  const task = desk.url()
  await click(desk, desk.locator('a[href*="/ask"]'))
  await fill(desk, { field: 'valid_from', message: 'Bitte nennen Sie einen späteren Tag.' })
  await look(desk, '22-desk-ask')
  await click(desk, desk.locator('button[value=ask]'))
  await page.goto(caseURL)
  await look(page, '22-asked')
  await click(page, page.locator('a[href^="/corrections/"]'))
  await sees(page, 'späteren Tag')
  expect((await page.locator('main input:not([type=hidden]), main select').count()) === 1, 'only the one field')
  const later = new Date(Date.now() + 86400000 * 3)
  await fill(page, { valid_from: `${later.getDate()}.${later.getMonth() + 1}.${later.getFullYear()}` })
  await look(page, '22-correction')
  await press(page, /Berichtigung absenden/)
  await sees(page, 'Angabe berichtigt')
  await desk.goto(task)
  await sees(desk, String(later.getDate()).padStart(2, '0') + '.' + String(later.getMonth() + 1).padStart(2, '0'))
  await fill(desk, { outcome: 'refused', reason: 'Ihre Wohnung liegt in keinem Bewohnerparkgebiet.' })
  await look(desk, '23-desk-task')
  await press(desk, /entscheiden|abschließen|Erledigen|Bestätigen/i)
  await look(desk, '24-desk-done')
  await page.goto(portal + '/postbox')
  for (let i = 0; i < 30 && !(await text(page)).includes('abgelehnt'); i++) { await page.waitForTimeout(300); await page.reload() }
  await sees(page, 'abgelehnt')
  await page.goto(portal + '/my-data/reads')
  await sees(page, 'Das Bürger- und Ordnungsamt hat Ihren Vorgang')
  await look(page, '25-who-read')
  expect(caseURL.includes('/cases/'), 'the case right after the submission, at ' + caseURL)
}

// A clerk looks something up in the register that the office keeps, corrects it, and compares both versions; without a reason nothing
// opens, and another office's register stays shut without a case.
async function registers() {
  const desk = await person()
  await desk.goto(portal + '/desk/registers')
  await signIn(desk, 'petra.lehmann', 'substantial')
  await look(desk, '50-registers')
  await sees(desk, 'Register Ihres Amts')
  const own = desk.locator('h2:has-text("Register Ihres Amts") + * a[href^="/desk/registers/"]')
  const mine = await own.evaluateAll((l) => l.map((a) => a.getAttribute('href').split('/').pop()))
  expect(mine.length > 0, 'a register of one\'s own office')
  const id = mine.includes('residents') ? 'residents' : mine[0]
  await desk.goto(`${portal}/desk/registers/${id}`)
  await look(desk, '51-register-why')
  await fill(desk, { purpose: '' })
  await press(desk, /Weiter/)
  await look(desk, '52-register-why-wrong')
  await fill(desk, { purpose: 'Berichtigung von Amts wegen', basis: '§ 6 BMG' })
  await press(desk, /Weiter/)
  await look(desk, '53-register-search')
  await sees(desk, 'Berichtigung von Amts wegen')
  if (id === 'residents') await fill(desk, { 'f.family_name': 'Schmit', 'f.family_name.way': 'sounds' })
  await press(desk, /Suchen/)
  await look(desk, '54-register-results')
  await click(desk, desk.locator('main table a'))
  await look(desk, '55-register-record')
  await sees(desk, 'Stand')
  await follow(desk, /^Ändern/)
  await look(desk, '56-register-edit')
  await press(desk, /Speichern/)
  await sees(desk, 'Bitte nennen Sie den Grund')
  await look(desk, '57-register-edit-wrong')
  await fill(desk, { reason: 'Schreibfehler', 'f.house_number': '77' })
  await press(desk, /Speichern/)
  await sees(desk, 'Die Änderung ist gespeichert')
  await look(desk, '58-register-saved')
  await follow(desk, /^Versionen/)
  await sees(desk, 'Schreibfehler')
  await look(desk, '59-register-versions')
  await desk.goBack()
  await follow(desk, /Was die Stadt wann wusste/)
  await look(desk, '60-register-known')
  await fill(desk, { valid: '1.6.2020', known: '1.6.2020' })
  await press(desk, /Zeigen/)
  await look(desk, '61-register-known-then')
  await desk.goto(`${portal}/desk/registers/vehicles?purpose=Neugier&basis=keine&asked=1`)
  await sees(desk, 'Ihr Amt führt dieses Register nicht')
  await look(desk, '62-register-shut')
}

// Elif registers a business in Turkish; a colleague accepts it; she pays.
async function business() {
  const page = await person('tr-TR')
  await page.goto(portal + '/services/business-registration/start')
  await click(page, page.getByText('Oturum aç ve başla')) // one may begin without, too
  await signIn(page, 'elif-kaya', 'substantial')
  await look(page, '30-tr-data-notice')
  await agree(page, true)
  for (let i = 0; i < 12 && !page.url().includes('/check'); i++) {
    if (await topic(page)) continue
    await look(page, '31-tr-' + page.url().split('/').pop())
    await fill(page, { legal_form: 'sole', business_name: 'Elif Kaya Çiçek', business_street: 'Lindengasse', business_house_number: '5', business_postcode: '47051',
      activity: 'Çiçek satışı', sector: 'trade', start_date: today(), employees: '0', declared: true })
    await press(page, /Devam|Kaydet/)
  }
  await look(page, '32-tr-check')
  await click(page, page.locator('form[action$="/submit"] button, button[formaction$="/submit"]'))
  expect(page.url().includes('/cases/'), 'the case, at ' + page.url())
  await look(page, '33-tr-case')
}

// topic goes on with the first topic of a list that isn't done, or with what comes when all are.
async function topic(page) {
  if (!page.url().endsWith('/tasks')) return false
  await click(page, page.locator('.kern-task-list__item:not(:has(.kern-badge--success)) a'))
  return true
}

// Somebody who is still thinking about it begins to register a business, does the topics in an order of their own, leaves one in the
// middle, and looks at the answers so far.
async function topics() {
  const page = await person()
  await page.goto(portal + '/services/business-registration/start')
  await press(page, /Ohne Anmeldung beginnen/)
  expect(page.url().endsWith('/tasks'), 'the list of topics, at ' + page.url())
  await sees(page, '0 von 5 Themen')
  await look(page, '35-topics')
  const state = async (name) => (await page.locator('.kern-task-list__item').filter({ has: page.getByText(name, { exact: true }) }).locator('.kern-task-list__status').innerText()).trim()
  expect(await state('Ihre Erklärung') === 'Noch nicht möglich' && await state('Ihr Betrieb') === 'Zu erledigen', 'states in words')
  expect(await page.getByRole('link', { name: 'Ihre Erklärung' }).count() === 0, 'nothing to follow where nothing can be done yet')
  const described = await page.getByRole('link', { name: 'Ihr Betrieb' }).getAttribute('aria-describedby')
  expect((await page.locator('#' + described).innerText()).trim() === 'Zu erledigen', 'the state is read with the link')
  await follow(page, 'Was machen Sie?') // the last but one first
  await fill(page, { activity: 'Blumen', sector: 'trade', start_date: today(), employees: '0' })
  await press(page, /Speichern und zur Übersicht/)
  expect(await state('Was machen Sie?') === 'Erledigt', 'a topic that is done')
  await follow(page, 'Wo wohnen Sie?')
  await look(page, '36-topic')
  await fill(page, { street: 'Königstr.' })
  await press(page, /Zur Übersicht/)
  expect(await state('Wo wohnen Sie?') === 'Angefangen', 'a topic that was left in the middle')
  await sees(page, '1 von 5 Themen')
  await look(page, '37-topics-begun')
  await follow(page, /Angaben bisher ansehen/)
  await sees(page, 'Ihre Angaben bisher')
  await sees(page, 'Königstraße')
  await look(page, '38-so-far')
  await follow(page, /Weiter mit den Themen/)
  await follow(page, 'Wo wohnen Sie?')
  expect(await page.locator('[name=street]').inputValue() === 'Königstraße', 'what was typed is still there')
  const why = page.locator('main details', { hasText: 'Warum fragen wir das?' }).first()
  await why.locator('summary').click()
  await sees(page, 'Wie lange wir sie aufbewahren')
  await look(page, '39-why')
}

// Somebody who may draw forms tries one, keeps what they tried as a scenario, changes the form and sees which scenario notices.
async function studio() {
  const desk = await person()
  await desk.goto(portal + '/desk/studio')
  await signIn(desk, 'sven.kramer', 'substantial')
  await fill(desk, { form: 'business-registration/decision.form' })
  await press(desk, /Entwurf beginnen/)
  const draft = desk.url()
  await sees(desk, 'im Paket: decision.toml')
  const before = (await text(desk)).match(/Von (\d+) möglichen Ergebnissen seiner Regeln kommen (\d+)/)
  expect(before, 'a figure of coverage')
  await look(desk, '65-studio')
  await desk.goto(draft + '/try')
  await fill(desk, { outcome: 'refused' })
  await press(desk, /^Übernehmen$/)
  await fill(desk, { reason: 'Die Karte fehlt' })
  await press(desk, /^Übernehmen$/)
  await desk.locator('details', { hasText: 'Als Szenario sichern' }).locator('summary').click()
  await fill(desk, { title: 'Abgelehnt mit Begründung' })
  await press(desk, /Als Szenario sichern/)
  await sees(desk, 'Das Szenario „Abgelehnt mit Begründung“ ist gesichert')
  await look(desk, '66-studio-tried')
  await follow(desk, 'Szenarien')
  expect(/Abgelehnt mit Begründung (Ergebnis )?besteht/.test(await text(desk)), 'the scenario passes')
  const href = await desk.locator('a[href*="/scenarios/"]').first().getAttribute('href')
  const toml = await (await desk.request.get(portal + href)).text()
  expect(toml.includes('form = "decision"') && toml.includes('Die Karte fehlt') && toml.includes('[[page]]'), 'the scenario as a file: ' + toml)
  // A change that the scenario notices.
  const field = desk.locator('textarea[name=text]')
  const changed = (await field.inputValue()).replaceAll('"key": "reason"', '"key": "ground"')
  if (js) await field.evaluate((e, v) => { e.value = v }, changed) // the editor stands in its place
  else await field.fill(changed)
  await press(desk, /Sichern und prüfen/)
  await sees(desk, 'weicht ab')
  await look(desk, '67-studio-differs')
  await press(desk, /Szenario verwerfen/)
  expect(!(await text(desk)).includes('Abgelehnt mit Begründung'), 'the scenario is gone')
  await desk.goto(draft + '/discard')
  await press(desk, /verwerfen/)
}

// Somebody prints an empty form in Turkish; a clerk types its code as a scanner does, takes over what is on the paper, and hands out
// the receipt. The same code leads to the same case.
async function paper() {
  const page = await person('tr-TR')
  await page.goto(portal + '/services/identity-card')
  await click(page, page.locator('a[href$="/paper"]'))
  await look(page, '70-paper')
  const printed = await page.request.get(portal + '/services/identity-card/paper.pdf')
  const pdf = await printed.body()
  expect(pdf.subarray(0, 5).toString() === '%PDF-', 'a PDF to print')
  if (shots) writeFileSync(`${shots}/paper-tr.pdf`, pdf)
  const code = (await page.locator('.m-paper__code strong').innerText()).replace(/\s+/g, '')
  expect(code.length === 24, 'a code, found ' + code)
  const seen = scanned(await page.locator('.m-paper__qr').screenshot())
  expect(seen === null || seen.includes(code), `the code in the picture on the page, found: ${seen}`)
  const onPaper = printedPage(pdf), read = onPaper && scanned(onPaper)
  expect(read === null || read.length >= 24, `a code on the printed page, found: ${read}`)
  const desk = await person()
  await desk.goto(portal + '/desk/paper')
  await signIn(desk, 'petra.lehmann', 'substantial')
  await look(desk, '71-scan')
  await fill(desk, { code: 'AAAA BBBB' })
  await press(desk, /Formular öffnen/)
  await look(desk, '72-scan-wrong')
  await sees(desk, 'gehört zu keinem Formular')
  const typed = read || code // a scanner types what it reads
  await desk.locator('input[name=code]').fill(typed)
  await go(desk, () => desk.keyboard.press('Enter'))
  await look(desk, '73-paper-desk')
  await press(desk, /Antrag einreichen/)
  await look(desk, '74-paper-wrong')
  await fill(desk, { 'who.given_names': 'Ada', 'who.family_name': 'Yıldız', 'who.birth_date': '1.2.1990', birth_date: '1.2.1990', reason: 'expires', place: 'centre', declared: true })
  await press(desk, /Zwischenspeichern/)
  await look(desk, '75-paper-saved')
  await press(desk, /Antrag einreichen/)
  await sees(desk, 'Der Antrag ist eingegangen')
  await look(desk, '76-paper-receipt')
  const number = (await text(desk)).match(/\d{4}-[A-Z0-9]{4}-[A-Z0-9]{4}/)[0]
  await desk.goto(portal + '/desk/paper')
  await desk.locator('input[name=code]').fill(typed)
  await go(desk, () => desk.keyboard.press('Enter'))
  await sees(desk, number)
}

// Jonas stands before a hole in the road: he begins without signing in, brings the map nearer, points at the place, and signs in
// to hand it over. The clerk sees where it is.
async function defect() {
  const page = await person()
  await page.goto(portal + '/services/report-defect/start')
  await press(page, /Ohne Anmeldung/)
  await look(page, '80-defect-map')
  for (let i = 0; i < 3; i++) await press(page, /Vergrößern/)
  await click(page, page.getByRole('button', { name: /Nach Osten/ }))
  await go(page, () => page.locator('input[type=image]').click({ position: { x: 180, y: 90 } }))
  const place = await page.locator('input[name=spot]').inputValue()
  expect(/^5\d\.\d+, 6\.\d+$/.test(place), 'a place from the map, found ' + place)
  expect(await page.locator('.m-map__mark').count() === 1, 'a mark on the map')
  await look(page, '81-defect-marked')
  await press(page, /Weiter/)
  await fill(page, { concern: 'road', text: 'Ein tiefes Loch auf dem Radweg.' })
  await look(page, '82-defect-what')
  await press(page, /Weiter/)
  await look(page, '83-defect-check')
  await sees(page, place)
  await follow(page, /Anmelden und weiter/)
  await signIn(page, 'jonas-weber', 'substantial')
  await click(page, page.locator('form[action$="/submit"] button, button[formaction$="/submit"]'))
  expect(page.url().includes('/cases/'), 'the case, at ' + page.url())
  const desk = await person()
  await desk.goto(portal + '/desk')
  await signIn(desk, 'petra.lehmann', 'substantial')
  await desk.goto(page.url().replace('/cases/', '/desk/cases/').replace(/\/receipt.*/, ''))
  await look(desk, '84-defect-desk')
  await sees(desk, place)
}

// Jonas stands before the hole: photos first, the sign-in later. One breaks off, he signs in and it goes on; one too large is told at its field.
async function guestFiles() {
  const page = await person()
  await page.goto(portal + '/services/report-defect/start')
  await press(page, /Ohne Anmeldung/)
  await fill(page, { spot: 'Königstraße 5' })
  await press(page, /Weiter/)
  await sees(page, 'Solange Sie nicht angemeldet sind: höchstens 10 Dateien')
  const here = page.url()
  const noise = async (n, size) => ({ name: `loch-${n}.jpg`, mimeType: 'image/jpeg', buffer: Buffer.from(await page.evaluate((size) => {
    const c = document.createElement('canvas')
    c.width = c.height = size
    const g = c.getContext('2d'), d = g.createImageData(size, size)
    for (let i = 0; i < d.data.length; i++) d.data[i] = i % 4 === 3 ? 255 : Math.random() * 256
    g.putImageData(d, 0, 0)
    return c.toDataURL('image/jpeg', 0.9).split(',')[1]
  }, size), 'base64') })
  const picker = page.locator('[data-field=photos] input[type=file]:not([capture])')
  const there = (name) => page.locator('[data-field=photos] .m-files:not([data-uploads]) a').getByText(name)
  const enclose = async (file) => {
    await picker.setInputFiles(file)
    if (js) await there(file.name).waitFor()
    else { await press(page, /Weiter/); if (page.url() !== here) await page.goto(here) }
    expect(await there(file.name).count() > 0, file.name + ' is there, at ' + page.url())
  }
  await fill(page, { concern: 'road', text: 'Ein tiefes Loch auf dem Radweg.' })
  await enclose(await noise(1, 200))
  await enclose(await noise(2, 200))
  await look(page, 'g1-guest-photos')
  const opened = await page.request.get(await there('loch-1.jpg').first().evaluate((a) => a.href))
  expect(opened.status() === 200, 'opened by who has sent it: ' + opened.status())
  const elsewhere = await person()
  expect(!(await (await elsewhere.request.get(await there('loch-1.jpg').first().evaluate((a) => a.href))).body()).includes(Buffer.from([0xff, 0xd8])), 'nobody else opens it')
  await go(page, () => page.locator('[data-field=photos] .m-files__item', { hasText: 'loch-2.jpg' }).getByRole('button').click())
  expect(!(await there('loch-2.jpg').count()), 'taken out')
  const dir = mkdtempSync(tmpdir() + '/journey-'), large = dir + '/riesig.jpg'
  writeFileSync(large, Buffer.concat([Buffer.from([0xff, 0xd8, 0xff]), Buffer.alloc(6_000_000)]))
  await picker.setInputFiles(large)
  if (!js) await press(page, /Weiter/)
  await page.getByText('Ohne Anmeldung darf eine Datei höchstens 6 MB haben').first().waitFor()
  rmSync(dir, { recursive: true })
  await look(page, 'g2-guest-too-large')
  if (!js) await page.goto(here)
  const third = await noise(3, 700)
  if (js) { // the line breaks when a part is there
    let parts = 0
    await page.route('**/uploads/*', (r) => (r.request().method() === 'PATCH' && ++parts > 1 ? r.abort() : r.continue()))
    await picker.setInputFiles(third)
    for (let i = 0; i < 100 && parts < 2; i++) await page.waitForTimeout(100)
    await page.goto(here)
    await page.unroute('**/uploads/*')
    await sees(page, 'Wählen Sie dieselbe Datei noch einmal aus')
    await look(page, 'g3-guest-broken-off')
  }
  await follow(page, 'Anmelden und behalten')
  await signIn(page, 'jonas-weber', 'substantial')
  await page.goto(here)
  expect(await there('loch-1.jpg').count() > 0, 'the photo has come along')
  if (js) await sees(page, 'Wählen Sie dieselbe Datei noch einmal aus')
  await enclose(third)
  expect(!(await text(page)).includes('Wählen Sie dieselbe'), 'it has gone on where it was')
  await look(page, 'g4-guest-signed-in')
  if (page.url() === here) await press(page, /Weiter/)
  await page.goto(here.replace(/\/page\/.*/, '/check'))
  await sees(page, 'loch-1.jpg')
  await sees(page, 'loch-3.jpg')
  await look(page, 'g5-guest-check')
  await click(page, page.locator('form[action$="/submit"] button, button[formaction$="/submit"]'))
  expect(page.url().includes('/cases/'), 'the case, at ' + page.url())
  const desk = await person()
  await desk.goto(portal + '/desk')
  await signIn(desk, 'petra.lehmann', 'substantial')
  await desk.goto(page.url().replace('/cases/', '/desk/cases/').replace(/\/receipt.*/, ''))
  for (const name of ['loch-1.jpg', 'loch-3.jpg']) await sees(desk, name)
  await look(desk, 'g6-guest-desk')
}

// Elif fills in an application for a card as somebody of thirteen; Mehmet has custody, signs, signs again after she has changed an answer, and
// she hands it over; the desk sees who signed.
async function cosign() {
  const elif = await person()
  await elif.goto(portal + '/services/identity-card/start')
  await signIn(elif, 'elif-kaya', 'substantial')
  await agree(elif, false)
  const answers = { reason: 'lost', place: 'centre', birth_date: '4.5.2013', declared: true }
  for (let i = 0; i < 8 && !elif.url().includes('/check'); i++) {
    await fill(elif, answers)
    await press(elif, /^Weiter/)
  }
  await sees(elif, 'Antrag der sorgeberechtigten Person')
  await look(elif, '90-cosign-missing')
  const check = elif.url()
  expect(!(await elif.getByRole('button', { name: /Antrag.*absenden|verbindlich/i }).count()), 'no way to submit yet')
  await follow(elif, /Zur Unterschrift einladen/)
  await look(elif, '91-cosign-invite')
  await press(elif, 'Einladung erstellen')
  await look(elif, '92-cosign-link')
  const link = new URL(await elif.locator('input[name=link]').inputValue())

  const mehmet = await person()
  await mehmet.goto(portal + link.pathname)
  await signIn(mehmet, 'mehmet-yilmaz', 'substantial')
  await sees(mehmet, 'bittet Sie um Ihre Unterschrift')
  await look(mehmet, '93-cosign-asked')
  await press(mehmet, 'Antrag ansehen')
  await sees(mehmet, '04.05.2013')
  await look(mehmet, '94-cosign-to-sign')
  await press(mehmet, 'Unterschreiben')
  await sees(mehmet, 'Setzen Sie das Häkchen')
  await look(mehmet, '95-cosign-tick')
  await tick(mehmet, 'input[name=declares]')
  await press(mehmet, 'Unterschreiben')
  await sees(mehmet, 'Sie haben am')
  await look(mehmet, '96-cosign-signed')

  await elif.goto(portal + '/postbox')
  await sees(elif, 'Ihr Antrag ist unterschrieben')
  await elif.goto(check)
  await sees(elif, 'Mehmet Yılmaz hat am')
  await look(elif, '97-cosign-may-submit')
  await click(elif, elif.locator('a[href*="/page/card"]'))
  await fill(elif, { place: 'hamborn' })
  await press(elif, /Speichern/)
  await sees(elif, 'Gilt nicht mehr')
  await look(elif, '98-cosign-void')
  await mehmet.goto(portal + '/postbox')
  await sees(mehmet, 'Ihre Unterschrift gilt nicht mehr')
  await mehmet.goto(check)
  await sees(mehmet, 'Nach Ihrer Unterschrift haben sich Angaben geändert')
  await look(mehmet, '99-cosign-again')
  await tick(mehmet, 'input[name=declares]')
  await press(mehmet, 'Unterschreiben')

  await elif.goto(check)
  await click(elif, elif.locator('form[action$="/submit"] button'))
  expect(elif.url().endsWith('/receipt'), 'the receipt, at ' + elif.url())
  if (shots) for (const a of await elif.locator('main a[href*="/submissions/"]').evaluateAll((l) => l.map((x) => x.href))) {
    writeFileSync(`${shots}/cosign-${a.split('/').pop()}`, await (await elif.request.get(a)).body())
  }
  const caseURL = elif.url().replace('/receipt', '')
  expect((await mehmet.goto(check)).status() === 404, 'what was handed over is hers alone')
  const desk = await person()
  await desk.goto(portal + '/desk')
  await signIn(desk, 'petra.lehmann', 'substantial')
  await desk.goto(portal + '/desk/cases/' + caseURL.split('/').pop())
  await sees(desk, 'Antrag der sorgeberechtigten Person')
  await sees(desk, 'Mehmet Yılmaz hat am')
  await look(desk, '9a-cosign-desk')
}

// Petra shows a code at the counter, Jonas takes it up with his phone; both see the same draft, what Petra fills in is marked, Jonas hands over.
async function together() {
  const petra = await person()
  await petra.goto(portal + '/desk/together')
  await signIn(petra, 'petra.lehmann', 'substantial')
  await look(petra, 'a0-together-begin')
  await press(petra, 'Code erstellen')
  await look(petra, 'a1-together-code')
  const code = await petra.locator('.m-paper__code strong').innerText()
  const here = petra.url()
  const seen = scanned(await petra.locator('.m-paper__qr').screenshot())
  expect(seen === null || seen.startsWith(portal + '/together/'), `the address in the picture on the clerk's screen, found: ${seen}`)
  const jonas = await person()
  await jonas.goto(portal + '/together')
  await signIn(jonas, 'jonas-weber', 'substantial')
  await look(jonas, 'a2-together-type')
  await fill(jonas, { code: 'AAAA' })
  await press(jonas, /^Weiter/)
  await sees(jonas, 'Dieser Code gilt nicht')
  await look(jonas, 'a3-together-wrong')
  await fill(jonas, { code })
  await press(jonas, /^Weiter/)
  await sees(jonas, 'Petra Lehmann')
  await look(jonas, 'a4-together-pick')
  await press(jonas, 'Antrag zeigen')
  await look(jonas, 'a5-together-agree')
  await tick(jonas, 'input[name=show][value="service:identity-card"]')
  await tick(jonas, 'input[name=agree]')
  await press(jonas, 'Antrag zeigen')
  await agree(jonas, false)
  await sees(jonas, 'sieht diesen Antrag')
  await look(jonas, 'a6-together-phone')
  const page = jonas.url()
  if (js) await petra.locator('[data-live-hint]').waitFor({ state: 'visible' })
  await follow(petra, 'Weiter zum Antrag')
  await sees(petra, 'Antrag von Jonas Weber')
  await look(petra, 'a7-together-desk')
  if (js) { // as it is typed: what one leaves, the other sees without doing anything
    await tick(petra, 'input[name=reason][value=lost]')
    await jonas.locator('.m-elsewhere input[name=reason][value=lost]:checked').waitFor({ state: 'attached', timeout: 20000 })
    await look(jonas, 'a8-together-seen')
    await tick(jonas, 'input[name=place][value=hamborn]')
    await petra.locator('.m-elsewhere input[name=place][value=hamborn]:checked').waitFor({ state: 'attached', timeout: 20000 })
    await look(petra, 'a9-together-seen-desk')
    await petra.locator('[name=birth_date]').fill('4.5.1990')
    await petra.locator('[name=birth_date]').blur()
    await petra.locator('[data-autosave-status]:not(:empty)').waitFor()
  } else {
    await fill(petra, { reason: 'lost', place: 'hamborn', birth_date: '4.5.1990' })
    await press(petra, /Zwischenspeichern/)
  }
  await jonas.goto(page)
  await sees(jonas, 'Ausgefüllt von Petra Lehmann')
  await look(jonas, 'aa-together-marked')
  await press(jonas, /^Weiter/)
  expect(await jonas.locator('[name=birth_date]').inputValue() === '4.5.1990', 'what Petra typed')
  await press(jonas, /^Weiter/)
  await fill(jonas, { declared: true })
  await press(jonas, /^Weiter/)
  await sees(jonas, 'Von anderen ausgefüllt')
  await look(jonas, 'ab-together-check')
  await click(jonas, jonas.locator('form[action$="/submit"] button'))
  expect(jonas.url().endsWith('/receipt'), 'the receipt, at ' + jonas.url())
  if (js) await petra.locator('[data-autosave-status]', { hasText: 'Das gemeinsame Ausfüllen ist beendet' }).waitFor()
  expect((await petra.goto(here)).status() === 404, 'it has ended')
  await sees(petra, 'Das gemeinsame Ausfüllen ist beendet')
  await look(petra, 'ac-together-over')
  await jonas.goto(portal + '/my-data/reads')
  await sees(jonas, 'mit Ihnen am Schalter')
}

// Jonas says no to the registers and types everything himself; mistakes are told at their fields and nothing is lost.
async function byHand() {
  const page = await person()
  await page.goto(portal + '/services/resident-parking-permit/start')
  await signIn(page, 'jonas-weber', 'substantial')
  await agree(page, false)
  await fill(page, { given_names: 'Jonas', family_name: 'Weber', birth_date: '31.2.2001' })
  await press(page, /Weiter/)
  await look(page, '40-error')
  expect((await page.locator('input[name^="birth_date"]').evaluateAll((l) => l.map((x) => x.value).join('.'))).includes('31'), 'what was typed is still there')
  await fill(page, { birth_date: '30.1.2001' })
  await press(page, /Weiter/)
  await fill(page, { street: 'Einsteinstr.', house_number: '9', postcode: '47057', city: 'Duisburg', residence_since: '3.11.2026' })
  if (js) await page.locator('input[name="postcode"]').blur()
  await page.waitForTimeout(js ? 700 : 0)
  await page.reload()
  const street = await page.locator('input[name="street"]').inputValue()
  if (js) expect(street === 'Einsteinstraße', `a field that was left is saved, found "${street}" at ${page.url()}`)
}

// Mehmet moves and says so once: his data and the next form know it at once.
async function moving() {
  const page = await person()
  await page.goto(portal + '/services/change-of-address')
  await sees(page, 'Melderegister')
  await look(page, '50-service')
  await page.goto(portal + '/services/change-of-address/start')
  await follow(page, 'Anmelden und beginnen')
  await signIn(page, 'mehmet-yilmaz', 'substantial')
  await sees(page, '§ 34')
  await sees(page, 'Straße')
  await look(page, '51-data-notice')
  await agree(page, true)
  for (let i = 0; i < 12 && !page.url().includes('/check'); i++) {
    await fill(page, { new_street: 'Müllerstraße', new_house_number: '12', moved_in: today(), landlord_code: 'WG-2026-4711', declared: true })
    await press(page, /Weiter|Speichern und weiter/)
  }
  await look(page, '52-check')
  await press(page, /absenden|einreichen|Antrag|Ummeld/i)
  for (let i = 0; i < 30 && !(await text(page)).includes('umgemeldet'); i++) { await page.waitForTimeout(300); await page.reload() }
  await look(page, '53-case')
  await page.goto(portal + '/my-data/held/register:residents')
  await sees(page, 'Müllerstraße')
  await look(page, '54-register')
  await page.goto(portal + '/services/business-registration/start')
  await agree(page, true)
  await follow(page, 'Wo wohnen Sie?')
  const field = page.locator('input[name="street"]')
  expect((await text(page)).includes('Müllerstraße') || (await field.count() && (await field.inputValue()) === 'Müllerstraße'), 'the new address in the next form, at ' + page.url())
  await look(page, '55-next-form')
}

// Anna has moved: one application for the change of address, a parking permit, her dog and a place for her child. The new address is
// asked once, the evidence given once; she takes the dog out and in again; all four are handed over together, and what costs something is to be paid.
async function moved() {
  const page = await person()
  await page.goto(portal + '/services?q=umgezogen')
  await sees(page, 'Ich bin umgezogen')
  await look(page, '120-event-found')
  await follow(page, /Ich bin umgezogen/)
  await sees(page, 'Bewohnerparkausweis')
  await look(page, '121-event')
  await follow(page, /Jetzt beginnen/)
  await follow(page, 'Anmelden und beginnen')
  await signIn(page, 'anna-schmidt', 'substantial')
  await look(page, '122-event-services')
  await press(page, /Weiter/)
  await sees(page, 'Bitte wählen Sie Ja oder Nein')
  await look(page, '122-event-services-wrong')
  await fill(page, { 'want-resident-parking-permit': 'yes', 'want-dog-registration': 'yes', 'want-child-care-place': 'yes' })
  await press(page, /Weiter/)
  await sees(page, 'Ihre Antwort gilt für alle Leistungen')
  await look(page, '123-event-data')
  await agree(page, true)
  const answers = { new_street: 'Kantstraße', new_house_number: '14', moved_in: today(), landlord_code: 'WG-2026-4713', declared: true, postcode: '47057',
    vehicle: 'DU-AS 1988', zone: 'NN', valid_from: today(), months: '12',
    dog_name: 'Bello', breed: 'Dackel', large: 'no', listed: 'no', kept_since: today(), benefit: 'yes',
    child_given_names: 'Lea', child_family_name: 'Schmidt', child_birth_date: '3.5.2024', care_kind: 'either', hours: '35', care_from: later() }
  const asked = []
  const walk = async (name) => {
    for (let i = 0; i < 16 && !page.url().includes('/check'); i++) {
      asked.push(...await page.locator('main form [name]:not([type=hidden])').evaluateAll((l) => l.map((e) => e.name)))
      await fill(page, answers)
      if (js) await page.waitForLoadState('networkidle') // an answer brings the question for the file
      const file = page.locator('input[type=file]:not([capture])')
      if (await file.count() && !(await text(page)).includes('bescheid.pdf')) {
        asked.push('file')
        await file.first().setInputFiles({ name: 'bescheid.pdf', mimeType: 'application/pdf', buffer: Buffer.from('%PDF-1.7\n1 0 obj\n<</Type /Page>>\nendobj\n%%EOF\n') })
        if (js) await page.getByText('bescheid.pdf').first().waitFor()
      }
      if (name) await look(page, `124-${name}-${i}`)
      await press(page, /Weiter|Speichern/)
    }
  }
  await walk('event')
  await sees(page, 'Übernommen aus: Wohnsitz ummelden')
  expect(!asked.includes('street') && !asked.includes('house_number') && !asked.includes('residence_since'), 'the new address is asked once, but asked: ' + asked.join(' '))
  expect(asked.filter((n) => n === 'postcode').length === 1, 'the postcode is asked once')
  expect(asked.filter((n) => n === 'file').length === 1, 'the evidence is given once')
  expect((await text(page)).split('bescheid.pdf').length >= 3, 'the evidence is in both forms')
  await look(page, '125-event-check')
  await follow(page, /Auswahl der Leistungen ändern/)
  await fill(page, { 'want-dog-registration': 'no' })
  await press(page, /Weiter/)
  expect(!(await text(page)).includes('Dackel'), 'the dog is taken out')
  await follow(page, /Auswahl der Leistungen ändern/)
  await fill(page, { 'want-dog-registration': 'yes' })
  await press(page, /Weiter/)
  await agree(page, true) // for the dog again: there was no purpose meanwhile
  await walk('')
  await sees(page, 'Dackel')
  // The first answer changes: all forms have the new one.
  await click(page, page.locator('main a[href*="#"]').filter({ hasText: /Neue Hausnummer/ }))
  await fill(page, { new_house_number: '16' })
  await press(page, /Speichern/)
  expect((await text(page)).split(' 16 ').length >= 4, 'the new number in all')
  await page.goto(portal + '/apply')
  await sees(page, 'Ich bin umgezogen')
  await look(page, '126-event-begun')
  await follow(page, /Ich bin umgezogen/)
  await press(page, /Alle Anträge absenden/)
  await sees(page, 'Ihre Anträge sind eingegangen')
  for (const part of ['Wohnsitz ummelden', 'Bewohnerparkausweis', 'Hund anmelden', 'Kinderbetreuung vormerken']) await sees(page, part)
  await sees(page, '30,70 €')
  await look(page, '127-event-receipt')
  const receipt = page.url()
  await page.goto(receipt.replace('/receipt', '/check'))
  expect(page.url() === receipt, 'what is handed over leads to its receipt')
  await page.goto(portal + '/cases')
  await sees(page, 'Hund anmelden')
  await look(page, '128-event-cases')
}

// Elif has moved and asks Jonas for help: he fills in, chooses nothing and hands nothing over. At the counter she shows the same
// application to Petra, one form of it at a time. What both wrote is marked; she hands over.
async function movedHelped() {
  const elif = await person()
  await elif.goto(portal + '/events/moved')
  await follow(elif, /Jetzt beginnen/)
  await follow(elif, 'Anmelden und beginnen')
  await signIn(elif, 'elif-kaya', 'substantial')
  await fill(elif, { 'want-resident-parking-permit': 'no', 'want-dog-registration': 'yes', 'want-child-care-place': 'no' })
  await press(elif, /Weiter/)
  await agree(elif, false)
  await follow(elif, 'Jemanden um Hilfe bitten')
  await look(elif, '140-event-help')
  await press(elif, 'Einladung erstellen')
  await look(elif, '141-event-help-link')
  const link = await elif.locator('input[name=link]').inputValue()
  const jonas = await person()
  await jonas.goto(link)
  await signIn(jonas, 'jonas-weber', 'substantial')
  await sees(jonas, 'Ich bin umgezogen')
  await look(jonas, '142-event-help-asked')
  await press(jonas, 'Helfen')
  await sees(jonas, 'Sie helfen Elif Kaya')
  await look(jonas, '143-event-helper')
  await fill(jonas, { new_street: 'Müllerstraße', new_house_number: '12', moved_in: today() })
  await press(jonas, /Weiter/)
  await fill(jonas, { landlord_code: 'WG-2026-4711' })
  await press(jonas, /Weiter/)
  await jonas.goto(portal + '/apply')
  await sees(jonas, 'Anträge, bei denen Sie helfen')
  await follow(jonas, /Ich bin umgezogen/)
  const bundle = new URL(elif.url()).pathname.split('/').slice(0, 3).join('/')
  await jonas.goto(portal + bundle + '/check')
  await sees(jonas, 'Absenden kann diesen Antrag nur Elif Kaya')
  await look(jonas, '144-event-helper-check')

  const petra = await person()
  await petra.goto(portal + '/desk/together')
  await signIn(petra, 'petra.lehmann', 'substantial')
  await press(petra, /Code erstellen/)
  const code = await petra.locator('.m-paper__code strong').innerText()
  await elif.goto(portal + '/together')
  await fill(elif, { code })
  await press(elif, /^Weiter/)
  await elif.locator('input[name=show][value^="bundle:"]').check({ force: true })
  await tick(elif, 'input[name=agree]')
  await press(elif, 'Antrag zeigen')
  await sees(elif, 'sieht diesen Antrag')
  await petra.goto(petra.url())
  await sees(petra, 'Antrag von Elif Kaya')
  await look(petra, '145-event-desk')
  await follow(petra, /Hund anmelden/)
  await sees(petra, 'Ich bin umgezogen: Hund anmelden')
  await look(petra, '146-event-desk-part')
  await fill(petra, { given_names: 'Elif', family_name: 'Kaya', city: 'Duisburg', postcode: '47057', dog_name: 'Bello', breed: 'Dackel', large: 'no', listed: 'no', kept_since: today(), benefit: 'no' })
  await press(petra, /Zwischenspeichern/)
  await elif.goto(portal + bundle)
  for (let i = 0; i < 10 && !elif.url().includes('/check'); i++) {
    await fill(elif, { declared: true, nationality: 'deutsch' })
    await press(elif, /Weiter|Speichern/)
  }
  await sees(elif, 'Bello')
  await sees(elif, 'Von anderen ausgefüllt')
  await look(elif, '147-event-helped-check')
  await press(elif, /Alle Anträge absenden/)
  await sees(elif, 'Ihre Anträge sind eingegangen')
}

// Mehmet has moved and begins on the way, before he signs in. What he has written and chosen comes with him; his dog, which needs a
// signed-in person, is asked for then.
async function movedGuest() {
  const page = await person()
  await page.goto(portal + '/events/moved')
  await follow(page, /Jetzt beginnen/)
  await sees(page, 'Sie können ohne Anmeldung beginnen')
  await look(page, '130-event-begin')
  await press(page, 'Ohne Anmeldung beginnen')
  await sees(page, 'Diese Leistung füllen Sie nach der Anmeldung aus')
  await look(page, '131-event-guest-services')
  await fill(page, { 'want-resident-parking-permit': 'no', 'want-dog-registration': 'yes', 'want-child-care-place': 'no' })
  await press(page, /Weiter/)
  const first = page.url()
  const answers = { new_street: 'Müllerstraße', new_house_number: '12', moved_in: today(), landlord_code: 'WG-2026-4711', declared: true, given_names: 'Mehmet',
    family_name: 'Yılmaz', birth_date: '3.9.1975', nationality: 'deutsch', postcode: '47057', city: 'Duisburg', dog_name: 'Karabaş', breed: 'Kangal', large: 'yes', listed: 'no', weight: '50', height: '70', chip: '276098100000001',
    kept_since: today(), benefit: 'no' }
  for (let i = 0; i < 8 && !page.url().includes('/check'); i++) {
    await fill(page, answers)
    await look(page, `132-event-guest-${i}`)
    await press(page, /Weiter|Speichern/)
  }
  await sees(page, 'Zum Absenden melden Sie sich bitte an')
  await sees(page, 'Das füllen Sie nach der Anmeldung aus')
  expect(!(await text(page)).includes('Alle Anträge absenden'), 'nobody hands over without a person')
  await look(page, '133-event-guest-check')
  await follow(page, 'Anmelden und weiter')
  await signIn(page, 'mehmet-yilmaz', 'substantial')
  await sees(page, 'Hund anmelden')
  await look(page, '134-event-claimed')
  await agree(page, true)
  for (let i = 0; i < 8 && !page.url().includes('/check'); i++) {
    await fill(page, { ...answers, large: 'no' })
    await look(page, `135-event-claimed-${i}`)
    await press(page, /Weiter|Speichern/)
  }
  await sees(page, 'Müllerstraße')
  await sees(page, 'Karabaş')
  await look(page, '136-event-claimed-check')
  await page.goto(first)
  expect(await page.locator('input[name="new_house_number"]').inputValue() === '12', 'what was written before the sign-in')
  await page.goto(portal + '/apply')
  await follow(page, /Ich bin umgezogen/)
  await press(page, /Alle Anträge absenden/)
  await sees(page, 'Ihre Anträge sind eingegangen')
  await look(page, '137-event-guest-receipt')
}

// Anna asks for a permit in plain language, English and Turkish, changing the language on every page: in the middle of the form
// too, with what she typed not yet sent.
async function languages() {
  const page = await person()
  await page.goto(portal + '/')
  await inAll(page, '90-home', { en: 'What would you like', tr: 'istiyorsunuz', 'de-simple': 'Was möchten Sie machen?' })
  await page.goto(portal + '/services/resident-parking-permit')
  await inAll(page, '90-service', { en: 'Resident parking permit', tr: 'park kartı', 'de-simple': 'Park-Ausweis für Bewohner' })
  await page.goto(portal + '/services/resident-parking-permit/start')
  await signIn(page, 'anna-schmidt', 'substantial')
  if (!page.url().includes('/data')) await page.goto(page.url().replace(/\/page\/.*/, '/data')) // she goes on with another journey's draft
  await inAll(page, '91-data-notice', { en: 'May we fetch', tr: 'alabilir miyiz', 'de-simple': 'Dürfen wir Ihre Daten lesen?' })
  await agree(page, true)
  await walkInAll(page, '92', { vehicle: 'DU-AS 1988', zone: 'NN', months: '12', declared: true, valid_from: today() })
  await click(page, page.locator('form[action$="/submit"] button[type=submit]'))
  expect(page.url().endsWith('/receipt'), 'the receipt, at ' + page.url())
  await inAll(page, '92-receipt')
  await click(page, page.locator('main a[href*="/pay/"]'))
  expect(page.url().includes('/pay/'), 'the cash desk, at ' + page.url())
  await inAll(page, '93-pay', { en: 'Pay', tr: 'öde', 'de-simple': 'Jetzt 30,70 € bezahlen' })
  await press(page, /bezahlen/i)
  await click(page, page.locator('button[name=step][value=pay]'))
  for (let i = 0; i < 20 && !(await text(page)).includes('Ihr Geld ist da'); i++) { await page.waitForTimeout(300); await page.reload() }
  await inAll(page, '94-paid')
  await page.goto(portal + '/cases')
  await inAll(page, '95-cases')
  await click(page, page.locator('main a[href^="/cases/"]'))
  await inAll(page, '95-case')
  for (const [name, path] of Object.entries({ postbox: '/postbox', 'my-data': '/my-data', mandates: '/mandates', drafts: '/apply', proactive: '/proactive', verify: '/v' })) {
    await page.goto(portal + path)
    await inAll(page, '96-' + name)
  }
}

// Mehmet moves the same way. What can't be read stays too; Enter goes on and changes no language; the desk has no plain language.
async function languagesMoving() {
  const page = await person()
  await page.goto(portal + '/services/change-of-address/start?lang=de-simple')
  await follow(page, 'Anmelden und anfangen')
  await signIn(page, 'mehmet-yilmaz', 'substantial')
  if (!(await text(page)).includes('Dürfen wir')) await speak(page, 'de-simple')
  await agree(page, true)
  const answers = { new_street: 'Müllerstraße', new_house_number: '12', moved_in: today(), landlord_code: 'WG-2026-4711', declared: true }
  await fill(page, { ...answers, moved_in: 'neulich' })
  await inAll(page, '97-unreadable')
  await fill(page, answers)
  await go(page, () => page.locator('input[name="new_house_number"]').press('Enter'))
  expect(page.url().includes('/page/landlord'), 'Enter goes on, at ' + page.url())
  await sees(page, 'Code von Ihrem Vermieter')
  await walkInAll(page, '98', answers)
  await click(page, page.locator('form[action$="/submit"] button[type=submit]'))
  expect(page.url().includes('/cases/'), 'the receipt, at ' + page.url())
  await inAll(page, '99-receipt')

  const desk = await person()
  await desk.goto(portal + '/desk')
  await signIn(desk, 'petra.lehmann', 'substantial')
  expect(!(await desk.locator('.m-lang [title="Leichte Sprache"]').count()), 'no plain language at the desk')
}

function speak(page, lang) {
  const names = { 'de-simple': 'Leichte Sprache', en: 'English', tr: 'Türkçe' }
  return click(page, page.locator(`.m-lang [title="${names[lang]}"]`))
}

// inAll shows a page in each language; what is typed stays.
async function inAll(page, name, words) {
  for (const lang of ['en', 'tr', 'de-simple']) {
    const before = await typed(page)
    const url = page.url().split('?')[0]
    await speak(page, lang)
    expect(page.url().split('?')[0] === url, `the same page in ${lang}: ${url}, at ${page.url()}`)
    expect(JSON.stringify(await typed(page)) === JSON.stringify(before), `${lang} keeps ${JSON.stringify(before)}, found ${JSON.stringify(await typed(page))} on ${url}`)
    if (words) await sees(page, words[lang])
    await look(page, `${name}-${lang}`)
  }
}

function typed(page) {
  return page.locator('main form').evaluateAll((forms) => forms.flatMap((f) => [...f.elements])
  .filter((e) => e.name && e.type !== 'hidden' && e.type !== 'submit').map((e) => e.name + '=' + (e.type === 'radio' || e.type === 'checkbox' ? e.value + e.checked : e.value)))
}

async function walkInAll(page, name, answers) {
  for (let i = 0; i < 12 && !page.url().includes('/check'); i++) {
    await fill(page, answers)
    await inAll(page, name + '-page-' + page.url().split('/').pop())
    await press(page, /Weiter/)
  }
  await inAll(page, name + '-check', { en: 'Check your', tr: 'kontrol edin', 'de-simple': 'Prüfen Sie Ihre Angaben' })
}

// Anna finds in her postbox that her card expires, with the application prepared; she looks, and switches such offers off. A
// clerk sees an offer only once it is submitted.
async function proactive() {
  const page = await person()
  await page.goto(portal + '/services/identity-card')
  await sees(page, 'Ausweisregister')
  await look(page, '60-service')
  await page.goto(portal + '/postbox')
  await signIn(page, 'anna-schmidt', 'substantial')
  await page.goto(portal + '/postbox')
  for (let i = 0; i < 30 && !(await text(page)).includes('läuft am'); i++) { await page.waitForTimeout(500); await page.reload() }
  await follow(page, /Personalausweis läuft am/)
  await look(page, '61-message')
  await follow(page, /Zum vorbereiteten Antrag/)
  await sees(page, 'Melderegister')
  await look(page, '62-data-notice')
  await agree(page, true)
  await look(page, '63-card')
  expect(await page.locator('input[name="reason"][value="expires"]').isChecked(), 'the reason is filled in, at ' + page.url())
  for (let i = 0; i < 12 && !page.url().includes('/check'); i++) {
    await fill(page, { place: 'centre', declared: true })
    await press(page, /Weiter|Speichern und weiter/)
  }
  await look(page, '64-check')
  await press(page, /absenden|einreichen|Antrag/i)
  expect(page.url().includes('/cases/'), 'the case, at ' + page.url())
  const ref = (await text(page)).match(/\d{4}-[A-Z0-9]{4}-[A-Z0-9]{4}/)[0]
  await look(page, '65-case')
  await page.goto(portal + '/proactive')
  await sees(page, 'Gültig bis')
  await look(page, '66-proactive')
  await press(page, /Abschalten/)
  await sees(page, 'Abgeschaltet')
  await look(page, '67-off')
  await page.goto(portal + '/my-data/reads')
  await sees(page, 'Ausweisregister')
  await look(page, '68-who-read')
  const desk = await person()
  await desk.goto(portal + '/desk')
  await signIn(desk, 'petra.lehmann', 'substantial')
  for (let i = 0; i < 20 && !(await text(desk)).includes('Identität prüfen'); i++) { await desk.waitForTimeout(300); await desk.reload() }
  await sees(desk, 'Identität prüfen')
  await look(desk, '69-desk')
  await click(desk, desk.locator('main a', { hasText: ref }))
  await sees(desk, 'Anna Schmidt')
  await look(desk, '70-desk-case')
}

// Anna sees what the city holds and who read it, asks why, and has her name put right; the office that read answers.
async function myData() {
  const page = await person()
  await page.goto(portal + '/services/resident-parking-permit/start')
  await signIn(page, 'anna-schmidt', 'substantial')
  // The house reads the registers: that is on record. Who has a draft already isn't asked again.
  if (await page.locator('input[type=radio][value="yes"]').count()) await agree(page, true)
  await page.goto(portal + '/my-data')
  await sees(page, 'Melderegister')
  await look(page, '50-my-data')
  for (const d of await page.locator('main details').all()) if (!(await d.getAttribute('open'))) await d.locator('summary').first().click()
  await look(page, '51-my-data-open')
  await page.goto(portal + '/my-data/reads')
  await sees(page, 'gelesen')
  await look(page, '52-reads')
  await follow(page, /Nachfragen, warum/)
  await look(page, '53-entry')
  await press(page, /Nachfragen, warum/)
  await throughForm(page, '54-question', { doubt: 'why', more: 'Ich möchte es verstehen.' })
  await sees(page, 'Stelle, die gelesen hat')
  await look(page, '55-question-case')
  // Her name is only written in another way: corrected at once.
  await page.goto(portal + '/my-data')
  const record = await page.locator('main a[href^="/my-data/registers/residents/"]').first().getAttribute('href')
  await page.goto(portal + record)
  await look(page, '56-record')
  await page.locator('main details summary').first().click()
  await page.locator('select[name=field]').selectOption('family_name')
  await look(page, '57-record-open')
  await press(page, /Angabe berichtigen lassen/)
  await throughForm(page, '58-correction', { new_value: 'SCHMIDT', proof: 'So steht es in meinem Pass.' })
  for (let i = 0; i < 30 && !(await text(page)).includes('Die Angabe ist berichtigt'); i++) { await page.waitForTimeout(300); await page.reload() }
  await sees(page, 'Die Angabe ist berichtigt')
  await look(page, '59-corrected')
  await page.goto(portal + record)
  await sees(page, 'SCHMIDT')
  await look(page, '60-versions')
  // The desk of the office that read, or of who answers for the house.
  const desk = await person()
  await desk.goto(portal + '/desk')
  await signIn(desk, 'petra.lehmann', 'substantial')
  await sees(desk, 'Anna Schmidt')
  await look(desk, '61-desk')
}

// An emergency: who has the role reads one person with a reason, the data protection officer has it at once, and the person sees
// it. A register leaves the house only when two heads agree, and once.
async function oversight() {
  const desk = async (login, path) => {
    const page = await person()
    await page.goto(portal + path)
    await signIn(page, login, 'substantial')
    await page.goto(portal + path)
    return page
  }
  const duty = await desk('jens.wolter', '/desk/break-glass')
  await look(duty, '90-break-glass')
  const who = { given: 'Mehmet', family: 'Yılmaz', birth: '3.11.1979', register: 'residents' }
  await fill(duty, who)
  await press(duty, /Zugriff öffnen/)
  await sees(duty, 'einen Grund')
  await look(duty, '91-no-reason')
  await fill(duty, { reason: 'Bewusstlos aufgefunden, Angehörige gesucht' })
  await press(duty, /Zugriff öffnen/)
  await sees(duty, 'Notfallzugriff bis')
  await sees(duty, 'Yılmaz')
  await look(duty, '92-through')
  const officer = await desk('fatma.sahin', '/desk/oversight')
  for (let i = 0; i < 30 && !(await officer.locator('main a[href^="/desk/oversight/"]:not([href$="marks"])').count()); i++) { await officer.waitForTimeout(300); await officer.reload() }
  await look(officer, '93-findings')
  await click(officer, officer.locator('main a[href^="/desk/oversight/"]:not([href$="marks"])'))
  await look(officer, '94-finding')
  await fill(officer, { remark: 'Mit der Leitstelle geklärt.' })
  await press(officer, /Als bearbeitet ablegen/)
  await sees(officer, 'abgelegt')
  await look(officer, '95-seen')
  await officer.goto(portal + '/desk/oversight/marks')
  await fill(officer, { given: 'Elif', family: 'Kaya', birth: '25.7.1992', kind: 'known' })
  await press(officer, /Kennzeichnen/)
  await sees(officer, 'geändert')
  await look(officer, '96-marks')
  const page = await person()
  await page.goto(portal + '/my-data/reads')
  await signIn(page, 'mehmet-yilmaz', 'substantial')
  await page.goto(portal + '/my-data/reads')
  await sees(page, 'Bewusstlos aufgefunden')
  await look(page, '97-the-person')

  const head = await desk('ingrid.hoffmann', '/desk/approvals/new')
  await fill(head, { action: 'export', register: 'businesses', purpose: 'Statistik der Gewerbe', basis: '§ 14 Absatz 13 GewO' })
  await look(head, '98-ask')
  await press(head, /Anfragen/)
  await sees(head, 'wartet auf eine zweite Person')
  await click(head, head.locator('main a[href^="/desk/approvals/"]:not([href$="new"])'))
  await sees(head, 'Eine andere Leitung')
  await look(head, '99-waits')
  const second = await desk('maria.costa', '/desk/approvals')
  await look(second, '100-approvals')
  await click(second, second.locator('main a[href^="/desk/approvals/"]:not([href$="new"])'))
  await fill(second, { reason: 'Wie in jedem Jahr.' })
  await look(second, '101-rule')
  await click(second, second.locator('button[name=rule][value=approve]'))
  await sees(second, 'Genehmigt')
  await head.reload()
  await sees(head, 'kann einmal getan werden')
  await look(head, '102-do')
  const [download] = await Promise.all([head.waitForEvent('download'), head.getByRole('button', { name: /ausführen/ }).click()])
  const { readFile } = await import('node:fs/promises')
  const table = await readFile(await download.path(), 'utf8')
  expect(table.split('\n').length > 2 && /[",;]/.test(table), 'a table of businesses, found ' + table.slice(0, 200))
  await head.reload()
  await sees(head, 'ausgeführt')
  await look(head, '103-once')
}

// throughForm answers an application page by page and hands it in.
async function throughForm(page, name, answers) {
  for (let i = 0; i < 8 && !page.url().includes('/check'); i++) {
    await look(page, name + '-' + page.url().split('/').pop().slice(0, 20))
    await fill(page, answers)
    await press(page, /Weiter|Speichern/)
  }
  await look(page, name + '-check')
  await click(page, page.locator('form[action$="/submit"] button, button[formaction$="/submit"]'))
  if (page.url().endsWith('/receipt')) await page.goto(page.url().replace(/\/receipt$/, '')) // on to the case
}

// Elif gives Jonas a mandate by a code; he applies in her name and sees her case and nothing else; she sees what he did, and
// revokes it while he's still acting.
async function mandate() {
  const elif = await person()
  await elif.goto(portal + '/mandates')
  await signIn(elif, 'elif-kaya', 'substantial')
  await look(elif, '50-mandates-none')
  await follow(elif, 'Vollmacht geben')
  await look(elif, '51-kind')
  await fill(elif, { kind: 'authorised' })
  await press(elif, 'Weiter')
  await tick(elif, 'input[name=actions][value=read]')
  await press(elif, 'Code erzeugen') // without saying for what
  await sees(elif, 'Wählen Sie mindestens ein Thema oder eine Leistung')
  await look(elif, '52-no-scope')
  await tick(elif, 'input[name=services][value=change-of-address]')
  for (const a of ['read', 'fill', 'submit', 'registers']) await tick(elif, `input[name=actions][value=${a}]`)
  await look(elif, '53-give')
  await press(elif, 'Code erzeugen')
  await look(elif, '54-code')
  const code = (await text(elif)).match(/\b(?:[0-9A-Z]{5}-){5}[0-9A-Z]\b/)?.[0]
  expect(code, 'a code on ' + elif.url())

  const jonas = await person()
  await jonas.goto(portal + '/mandates/redeem')
  await signIn(jonas, 'jonas-weber', 'substantial')
  await fill(jonas, { code: code.replace(/[0-9A-Z]$/, (c) => (c === '7' ? '8' : '7')) })
  await press(jonas, 'Weiter')
  await sees(jonas, 'gibt es keine offene Einladung')
  await look(jonas, '55-wrong-code')
  await fill(jonas, { code: code.toLowerCase() })
  await press(jonas, 'Weiter')
  await sees(jonas, 'Elif Kaya möchte, dass Sie handeln')
  await look(jonas, '56-invitation')
  await press(jonas, 'Annehmen')
  await sees(jonas, 'Die Vollmacht ist angenommen')
  await look(jonas, '57-accepted')
  await press(jonas, 'Für Elif Kaya handeln')
  await acts(jonas, 'Elif Kaya')
  await look(jonas, '58-acting')

  await jonas.goto(portal + '/my-data')
  await sees(jonas, 'gehört nicht zu Ihrer Vollmacht')
  await look(jonas, '59-not-covered')
  await jonas.goto(portal + '/services/change-of-address/start')
  await sees(jonas, 'Dürfen wir die Daten von Elif Kaya abrufen?')
  await look(jonas, '60-acting-notice')
  await agree(jonas, true)
  for (let i = 0; i < 12 && !jonas.url().includes('/check'); i++) {
    await look(jonas, '61-acting-' + jonas.url().split('/').pop())
    await fill(jonas, { new_street: 'Müllerstr.', new_house_number: '12a', moved_in: today(), landlord_code: 'WG-2026-4711', declared: true })
    await press(jonas, /Weiter|Speichern und weiter/)
  }
  await look(jonas, '62-acting-check')
  await press(jonas, /absenden|einreichen|Antrag/i)
  expect(jonas.url().endsWith('/receipt'), 'the receipt of her case, at ' + jonas.url())
  await follow(jonas, /Zum Vorgang/)
  await sees(jonas, 'Eingereicht von Jonas Weber für Elif Kaya')
  await look(jonas, '63-acting-case')
  const caseURL = jonas.url()

  await elif.goto(portal + '/postbox')
  await sees(elif, 'Ihre Vollmacht wurde angenommen')
  await elif.goto(caseURL)
  await sees(elif, 'Eingereicht von Jonas Weber für Elif Kaya')
  await elif.goto(portal + '/my-data/consents')
  await sees(elif, 'Jonas Weber, in Ihrem Namen')
  await look(elif, '64-consent')
  await elif.goto(portal + '/my-data/reads')
  await sees(elif, 'Jonas Weber, in Ihrem Namen')
  await look(elif, '65-reads')
  await elif.goto(portal + '/mandates')
  await follow(elif, /Ansehen/)
  await sees(elif, 'Antrag abgesendet')
  await look(elif, '66-uses')
  await press(elif, 'Vollmacht widerrufen')
  await sees(elif, 'Die Vollmacht ist widerrufen')
  await look(elif, '67-revoked')

  await jonas.goto(caseURL)
  expect(!(await text(jonas)).includes('Eingereicht von'), 'nothing of hers after the revocation')
  await sees(jonas, 'gilt nicht (mehr)')
  await look(jonas, '68-over')
  await click(jonas, jonas.locator('.m-acting button'))
  await sees(jonas, 'Sie handeln wieder für sich selbst')
  expect(!(await jonas.getByRole('button', { name: /handeln/ }).count()), 'nobody to act for')
  expect((await jonas.goto(caseURL)).status() === 404, 'her case is nowhere for him')
}

// Petra enters that Anna is Mehmet's guardian, from proof; Anna acts and can't end it herself; Petra ends it.
async function representation() {
  const desk = await person()
  await desk.goto(portal + '/desk/mandates')
  await signIn(desk, 'petra.lehmann', 'substantial')
  await look(desk, '70-desk-mandates')
  await follow(desk, 'Gesetzliche Vertretung eintragen')
  await fill(desk, { kind: 'guardian' })
  await look(desk, '71-desk-kind')
  await press(desk, 'Weiter')
  await fill(desk, { principal_given: 'Mehmet', principal_family: 'Yilmas', principal_birth: '3.11.1979', delegate_given: 'Anna', delegate_family: 'Schmidt', delegate_birth: '12.4.1988' })
  await press(desk, 'Gesetzliche Vertretung eintragen')
  await sees(desk, 'worauf Sie sich stützen')
  await look(desk, '72-desk-no-proof')
  await fill(desk, { proof: 'Betreuerausweis, Amtsgericht Duisburg, 2. November 2026' })
  await press(desk, 'Gesetzliche Vertretung eintragen')
  await sees(desk, 'keine eindeutige Person')
  await fill(desk, { principal_family: 'Yılmaz' })
  await press(desk, 'Gesetzliche Vertretung eintragen')
  await sees(desk, 'Betreuerausweis')
  await look(desk, '73-desk-entered')
  const entered = desk.url()

  const anna = await person()
  await anna.goto(portal + '/mandates')
  await signIn(anna, 'anna-schmidt', 'substantial')
  await press(anna, 'Für Mehmet Yılmaz handeln')
  await acts(anna, 'Mehmet Yılmaz')
  await anna.goto(portal + '/postbox')
  await sees(anna, 'Eine Vertretung ist eingetragen')
  await look(anna, '74-acting-postbox')
  await anna.goto(portal + '/mandates')
  await follow(anna, /Ansehen/)
  await sees(anna, 'beruht auf Gesetz oder Gericht')
  expect(!(await anna.getByRole('button', { name: 'Vollmacht widerrufen' }).count()), 'what the law gives nobody revokes')
  await look(anna, '75-by-law')

  await desk.goto(entered)
  await fill(desk, { proof: 'Betreuung aufgehoben, Beschluss vom 27. November 2026' })
  await press(desk, 'Beenden')
  await sees(desk, 'Die Vollmacht ist beendet')
  await look(desk, '76-desk-ended')
  await anna.goto(portal + '/postbox')
  await sees(anna, 'gilt nicht (mehr)')
}

// Joanna of another office stands in for Can: his worklist, "i. V.", and an end at once.
async function deputy() {
  const joanna = await person()
  await joanna.goto(portal + '/desk')
  await signIn(joanna, 'joanna.nowak', 'substantial')
  const can = await person()
  await can.goto(portal + '/desk/deputies')
  await signIn(can, 'can.oezdemir', 'substantial')
  await look(can, '80-deputies')
  const option = await can.locator('select[name=deputy] option', { hasText: 'Joanna Nowak' }).getAttribute('value')
  await fill(can, { deputy: option })
  await press(can, 'Vertretung einrichten')
  await sees(can, 'Joanna Nowak')
  await look(can, '81-named')
  await joanna.goto(portal + '/desk/deputies')
  await press(joanna, /Vertretung übernehmen/)
  await acts(joanna, 'Can Özdemir')
  await joanna.goto(portal + '/desk')
  await look(joanna, '82-standing-in')
  await joanna.goto(portal + '/desk/deputies')
  expect((await joanna.getByRole('button', { name: /Vertretung einrichten/ }).count()) <= 1, 'her own page of deputies')
  await look(joanna, '83-deputy-page')
  await can.goto(portal + '/desk/deputies')
  await press(can, /Beenden/)
  await sees(can, 'Keine Vertretung')
  await joanna.goto(portal + '/desk')
  await sees(joanna, 'gilt nicht (mehr)')
  await look(joanna, '84-over')
  await click(joanna, joanna.locator('.m-acting button'))
  await look(joanna, '85-herself')
}

// acts expects the frame to say for whom somebody acts.
async function acts(page, name) {
  const t = await page.locator('.m-acting').innerText()
  expect(t.includes(name), `acting for ${name} at ${page.url()}, found: ${t}`)
}

// tick presses the label, as people do.
async function tick(page, selector) {
  const input = page.locator(selector).first()
  if (await input.isChecked()) return
  await page.locator(`label[for="${await input.getAttribute('id')}"]`).first().click()
  expect(await input.isChecked(), selector + ' is chosen')
}

// Anna states what two parents earn: rows within rows come, go and say which they are, by mouse and by keyboard alone.
async function rows() {
  const page = await person()
  await page.goto(portal + '/services/child-care-place')
  await click(page, page.locator('a[href$="/start"], form[action$="/start"] button'))
  await signIn(page, 'anna-schmidt', 'substantial')
  if (page.url().includes('/data')) await agree(page, true) // not if the draft has been begun
  const base = page.url().match(/^(.*\/apply\/[^/]+)/)[1]
  await page.goto(base + '/page/contribution')
  await fill(page, { benefit: 'no' })
  if (js) await page.getByRole('button', { name: 'Elternteil hinzufügen' }).waitFor() // patched in
  else await press(page, /Weiter/) // what it brings up is asked before the next page
  if (!js && !(await page.getByRole('button', { name: 'Elternteil hinzufügen' }).count())) await page.goto(base + '/page/contribution')
  // stands tells where somebody is who has pressed a button: on the row, whose heading is its name.
  const stands = async (name) => {
    const at = await page.evaluate(() => { // without script in the page, too: this runs beside it
      const e = document.querySelector(':target')
      return { name: document.getElementById(e?.getAttribute('aria-labelledby'))?.textContent, focus: document.activeElement === e }
    })
    expect(at.name === name && at.focus, `focus on "${name}", found ${JSON.stringify(at)} at ${page.url()}`)
  }
  const keyboard = async (name) => {
    const button = page.getByRole('button', { name, exact: true })
    await button.focus()
    await go(page, () => page.keyboard.press('Enter'))
  }
  await keyboard('Elternteil hinzufügen Eltern mit Einkommen')
  await stands('Elternteil 1')
  await fill(page, { 'earners.0.earner': 'Anna', 'earners.0.incomes.0.income_kind': 'work', 'earners.0.incomes.0.amount': '24.000' })
  await keyboard('Einkommen hinzufügen Elternteil 1: Einkommen')
  await stands('Einkommen 2 von Elternteil 1')
  await fill(page, { 'earners.0.incomes.1.income_kind': 'rent', 'earners.0.incomes.1.amount': 'viel' })
  await keyboard('Elternteil hinzufügen Eltern mit Einkommen')
  await stands('Elternteil 2')
  await fill(page, { 'earners.1.earner': 'Mehmet', 'earners.1.incomes.0.income_kind': 'other', 'earners.1.incomes.0.amount': '1200' })
  await press(page, /Weiter/) // what couldn't be read, and what has come up meanwhile
  await look(page, 'rows-1-wrong')
  const link = page.locator('.m-errors a').first()
  expect(/^Einkommen 2 von Elternteil 1: Betrag im Jahr: /.test(await link.innerText()), 'an error in the summary says of which row: ' + await link.innerText())
  await link.click()
  expect(await page.evaluate(() => document.activeElement.name || location.hash) !== '', 'the summary leads to a field')
  expect(/earners-0-incomes-1-amount/.test(await link.getAttribute('href')), 'it leads to the row: ' + await link.getAttribute('href'))
  await keyboard('Einkommen 1 von Elternteil 1 entfernen')
  await stands('Einkommen 1 von Elternteil 1') // the second has taken its place, with what was typed
  expect(await page.inputValue('[name="earners.0.incomes.0.amount"]') === 'viel', 'what was typed moves up')
  await fill(page, { 'earners.0.incomes.0.amount': '3.600,50', 'earners.1.incomes.0.which': 'Flohmarkt' })
  await press(page, /Weiter/)
  if (page.url().includes('contribution')) { // the question that came up
    await fill(page, { 'earners.1.incomes.0.which': 'Flohmarkt' })
    await press(page, /Weiter/)
  }
  await page.goto(base + '/page/contribution')
  await sees(page, '4.800,50') // of both
  await look(page, 'rows-2-two-parents')
  await page.goto(base + '/check')
  await look(page, 'rows-3-check')
  await sees(page, 'Einkommen 1 von Elternteil 2: Welches?')
  await page.goto(base + '/page/contribution')
  await keyboard('Elternteil 2 entfernen')
  await stands('Elternteil 1')
  await keyboard('Elternteil 1 entfernen')
  await stands('Eltern mit Einkommen')
  expect(!(await text(page)).includes('Flohmarkt'), 'nobody is left')
}

// Anna encloses a proof with each income: the files go and move up with their rows. The desk sees which row each is of, and asks for
// the correction of one field of one row; Anna puts that one right.
async function rowFiles() {
  const page = await person()
  await page.goto(portal + '/services/child-care-place')
  await click(page, page.locator('a[href$="/start"], form[action$="/start"] button'))
  await signIn(page, 'anna-schmidt', 'substantial')
  if (page.url().includes('/data')) await agree(page, true)
  const base = page.url().match(/^(.*\/apply\/[^/]+)/)[1]
  const answers = { child_given_names: 'Lea', child_family_name: 'Schmidt', child_birth_date: '3.5.2024', care_kind: 'either', hours: '35', care_from: later(), declared: true }
  const button = (name) => press(page, new RegExp('^' + name))
  await page.goto(base + '/page/contribution')
  await fill(page, { benefit: 'no' })
  if (js) await page.getByRole('button', { name: 'Elternteil hinzufügen' }).waitFor()
  else await press(page, /Weiter/)
  if (!(await page.getByRole('button', { name: 'Elternteil hinzufügen' }).count())) await page.goto(base + '/page/contribution')
  await button('Elternteil hinzufügen')
  await button('Einkommen hinzufügen Elternteil 1')
  await button('Einkommen hinzufügen Elternteil 1')
  await fill(page, { 'earners.0.earner': 'Anna' })
  for (const [i, kind, amount] of [[0, 'work', '24.000'], [1, 'rent', '3.600'], [2, 'maintenance', '1.200']]) await fill(page, { [`earners.0.incomes.${i}.income_kind`]: kind, [`earners.0.incomes.${i}.amount`]: amount })
  const enclose = async (row, name) => {
    await page.locator(`#f-earners-0-incomes-${row} input[type=file]:not([capture])`).setInputFiles({ name, mimeType: 'application/pdf', buffer: Buffer.from(`%PDF-1.7\n1 0 obj\n<</Type /Page /Of (${name})>>\nendobj\n%%EOF\n`) })
    if (js) await page.locator(`#f-earners-0-incomes-${row} a`).getByText(name).waitFor()
  }
  const enclosed = async (row) => (await page.locator(`#f-earners-0-incomes-${row} .m-files:not([data-uploads]) a`).allInnerTexts()).join(' ')
  await enclose(0, 'lohn.pdf')
  await enclose(1, 'miete.pdf')
  await enclose(1, 'nebenkosten.pdf')
  if (!js) await button('Einkommen hinzufügen Elternteil 1') // what is chosen goes with any button of the page
  await enclose(2, 'unterhalt.pdf')
  if (!js) await button('Einkommen 4 von Elternteil 1 entfernen')
  await look(page, 'rowfiles-1')
  await button('Einkommen 1 von Elternteil 1 entfernen')
  expect(/miete.pdf|nebenkosten.pdf/.test(await enclosed(0)) && /unterhalt.pdf/.test(await enclosed(1)), 'files move up with their rows: ' + await enclosed(0) + ' | ' + await enclosed(1))
  expect(!(await text(page)).includes('lohn.pdf'), 'a file goes with its row')
  await page.reload()
  expect(/unterhalt.pdf/.test(await enclosed(1)), 'it is there after a reload')
  const got = await page.request.get(await page.locator('#f-earners-0-incomes-1 .m-files a').first().evaluate((a) => a.href))
  expect(got.status() === 200 && (await got.text()).includes('unterhalt.pdf'), 'the file of the row can be opened: ' + got.status())
  await look(page, 'rowfiles-2')
  for (const p of ['child', 'care', 'declare']) {
    await page.goto(base + '/page/' + p)
    await fill(page, answers)
    await press(page, /Weiter|Speichern/)
  }
  await page.goto(base + '/check')
  await sees(page, 'unterhalt.pdf')
  await look(page, 'rowfiles-3-check')
  await click(page, page.locator('form[action$="/submit"] button, button[formaction$="/submit"]'))
  const caseURL = page.url().replace(/\/receipt.*/, '')
  if (shots) for (const a of await page.locator('main a[href*="/submissions/"]').evaluateAll((l) => l.map((x) => x.href))) writeFileSync(`${shots}/rowfiles-${a.split('/').pop()}`, await (await page.request.get(a)).body())
  const desk = await person()
  await desk.goto(portal + '/desk')
  await signIn(desk, 'meike.vogt', 'substantial')
  const id = caseURL.split('/').pop()
  await desk.goto(portal + '/desk/cases/' + id)
  await sees(desk, 'Einkommen 2 von Elternteil 1: Nachweis über dieses Einkommen')
  expect(await desk.locator('main a').getByText('unterhalt.pdf').count() > 0, 'the file is a link at the desk')
  await look(desk, 'rowfiles-4-desk')
  await desk.goto(portal + '/desk/cases/' + id + '/ask')
  await desk.locator('select[name=field]').selectOption({ label: 'Einkommen 2 von Elternteil 1: Betrag im Jahr' })
  await fill(desk, { message: 'Im Beleg steht ein anderer Betrag.' })
  await look(desk, 'rowfiles-5-ask')
  await press(desk, 'Um Korrektur bitten')
  await page.goto(caseURL)
  await sees(page, 'Einkommen 2 von Elternteil 1: Betrag im Jahr')
  await click(page, page.locator('main a[href^="/corrections/"]'))
  await sees(page, 'Einkommen 2 von Elternteil 1')
  expect(await page.locator('main form input:not([type=hidden])').count() === 1, 'one field is asked')
  await fill(page, { 'earners.0.incomes.1.amount': 'viel' })
  await press(page, /Berichtigung absenden/)
  await look(page, 'rowfiles-6-correction')
  await fill(page, { 'earners.0.incomes.1.amount': '1.500' })
  await press(page, /Berichtigung absenden/)
  await desk.goto(portal + '/desk/cases/' + id)
  await sees(desk, '1.500')
  await sees(desk, '3.600') // the other row is as it was
  await sees(desk, 'unterhalt.pdf')
  await look(desk, 'rowfiles-7-desk')
}

// Elif types for her zone: by keyboard alone, with what matches and what doesn't; the choice is saved as any other, and comes back.
// Without a script she has the list of the browser.
async function searchable() {
  const page = await person()
  await page.goto(portal + '/services/resident-parking-permit')
  await click(page, page.locator('a[href$="/start"], form[action$="/start"] button'))
  await signIn(page, 'elif-kaya', 'substantial')
  if (await page.locator('input[type=radio][value=no]').count()) await agree(page, false)
  const permit = page.url().replace(/(\/apply\/[^/]+).*/, '$1/page/permit')
  await page.goto(permit)
  const native = page.locator('select[name=zone]'), typed = page.locator('input[role=combobox][aria-label=Bewohnerparkgebiet]')
  if (!js) {
    await native.selectOption('NN')
    return
  }
  await typed.fill('') // of the last time
  await page.keyboard.press('Tab')
  const label = await page.locator('label[for=f-zone]').boundingBox()
  await page.mouse.click(label.x + 5, label.y + 5)
  expect(await typed.evaluate((e) => e === document.activeElement), 'the label leads into it')
  const says = (name) => typed.getAttribute('aria-' + name)
  await page.keyboard.press('ArrowDown')
  expect(await says('expanded') === 'true' && await says('activedescendant') === 'f-zone-list-0', 'the list, at its first option')
  await look(page, 'searchable-1-list')
  await page.keyboard.press('Escape')
  expect(await says('expanded') === 'false' && await native.inputValue() === '', 'nothing is chosen yet')
  const all = await native.locator('option').allTextContents()
  const want = await native.locator('option[value=NN]').textContent()
  await page.keyboard.type(want.slice(0, 4).toUpperCase())
  const found = await page.locator('#f-zone-list [role=option]').allTextContents()
  expect(found.includes(want) && found.length < all.length - 1, `what matches, found ${found} of ${all}`)
  expect((await page.locator('.m-combobox [role=status]').textContent()) === 'Treffer: ' + found.length, 'how many is said')
  for (let i = 0; i <= found.indexOf(want); i++) await page.keyboard.press('ArrowDown')
  await look(page, 'searchable-2-typed')
  const saved = page.waitForResponse((r) => r.request().method() === 'POST' && (r.request().postData() || '').includes('zone=NN'))
  await page.keyboard.press('Enter')
  expect((await saved).ok() && page.url() === permit, 'it is saved, and the form stays')
  expect(await typed.inputValue() === want && await native.inputValue() === 'NN', 'it is chosen')
  await typed.fill('gibt es nicht')
  expect((await page.locator('.m-combobox [role=status]').textContent()).includes('Nichts gefunden'), 'that there is none is said')
  await page.keyboard.press('Tab')
  expect(await typed.inputValue() === want && await native.inputValue() === 'NN', 'the choice is as it was')
  expect(await page.evaluate(() => document.activeElement.name !== 'zone'), 'the list of the browser is no stop of its own')
  await page.reload()
  expect(await typed.inputValue() === want, 'the choice is there again')
  await typed.fill('')
  await page.keyboard.press('Tab')
  expect(await native.inputValue() === '', 'nothing is chosen any more')
  await press(page, /Weiter/)
  expect(await says('invalid') === 'true', 'the mistake is at the combobox')
  await page.locator('.m-errors a[href="#f-zone"]').click()
  expect(await typed.evaluate((e) => e === document.activeElement), 'the summary leads into it')
  await look(page, 'searchable-3-missing')
}

// fill answers those of the questions that stand on the page.
async function fill(page, answers) {
  for (const [name, value] of Object.entries(answers)) {
    const fields = page.locator(`[name="${name}"]`)
    if (!(await fields.count())) {
      const parts = page.locator(`[name="${name}.day"], [name="${name}_day"], [name="${name}-day"]`)
      if (await parts.count() && typeof value === 'string') {
        const [d, m, y] = value.split('.')
        for (const [k, v] of [['day', d], ['month', m], ['year', y]]) await page.locator(`[name="${name}.${k}"], [name="${name}_${k}"], [name="${name}-${k}"]`).first().fill(v)
      }
      continue
    }
    const first = fields.first()
    const kind = await first.evaluate((e) => e.tagName + ':' + (e.type || ''))
    if (kind.startsWith('SELECT') && js && await first.getAttribute('data-search') !== null) {
      const box = page.locator(`input[aria-controls="${await first.getAttribute('id')}-list"]`)
      await box.fill(await first.locator(`option[value="${value}"]`).textContent())
      await box.press('Enter')
    } else if (kind.startsWith('SELECT')) await first.selectOption(value)
    else if (kind === 'INPUT:radio') await tick(page, `input[name="${name}"][value="${value}"]`)
    else if (kind === 'INPUT:checkbox' || kind === 'INPUT:hidden') { if (value) await tick(page, `input[type=checkbox][name="${name}"]`) }
    else await first.fill(String(value))
  }
}

function later() {
  const d = new Date(Date.now() + 200 * 86400000)
  return `${d.getDate()}.${d.getMonth() + 1}.${d.getFullYear()}`
}
function today() {
  const d = new Date()
  return `${d.getDate()}.${d.getMonth() + 1}.${d.getFullYear()}`
}
