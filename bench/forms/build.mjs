// SPDX-License-Identifier: EUPL-1.2
// Bundles each peer as its documentation has it (ESM entry, its own style sheet), minified, for the browsers that Mercator is
// built for, and tells on stdout how large each file is.
import { build } from 'esbuild'
import { readFileSync, writeFileSync, mkdirSync, rmSync, readdirSync, cpSync } from 'node:fs'
import { formio } from './convert.mjs'

const form = JSON.parse(readFileSync('service/application.form', 'utf8'))
const given = { 'formio-json': formio(form), 'open-forms-json': formio(form, { open: true }) }
rmSync('dist', { recursive: true, force: true })
for (const peer of ['form-js', 'formio', 'open-forms']) {
  const out = `dist/${peer}`
  mkdirSync(out, { recursive: true })
  await build({
    entryPoints: [`peers/${peer}.js`], outfile: `${out}/app.js`, bundle: true, minify: true, format: 'esm', target: ['chrome100', 'firefox100', 'safari15.4'],
    // Top-level await is younger than the oldest of these; each peer waits for its form.
    supported: { 'top-level-await': true },
    define: { 'process.env.NODE_ENV': '"production"', global: 'globalThis' }, logLevel: 'error', logOverride: { 'direct-eval': 'silent' }, legalComments: 'none',
    loader: { '.form': 'json', '.woff2': 'file', '.woff': 'file', '.ttf': 'file', '.eot': 'file', '.svg': 'file', '.png': 'file' }, assetNames: '[name]-[hash]',
    plugins: [{ name: 'given', setup: (b) => {
      b.onResolve({ filter: /^(formio|open-forms)-json$/ }, (a) => ({ path: a.path, namespace: 'given' }))
      b.onLoad({ filter: /.*/, namespace: 'given' }, (a) => ({ contents: JSON.stringify(given[a.path]), loader: 'json' }))
    } }],
  })
  writeFileSync(`${out}/index.html`, `<!doctype html>
<html lang="de"><head><meta charset="utf-8"><title>Veranstaltung anmelden</title><meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
<link rel="stylesheet" href="app.css"><script type="module" src="app.js"></script></head>
<body><main><div id="form"></div></main></body></html>
`)
  console.log(peer, readdirSync(out).join(' '))
}
