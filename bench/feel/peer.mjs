// SPDX-License-Identifier: EUPL-1.2
// The peer of the benchmark: evaluates one case with feelin for a while, on request. A
// line in: {"case": 0, "kept": false, "seconds": 0.5}; a line out: {"n": 1000, "ns": 5e8,
// "value": …, "warnings": 0}.
import { createInterface } from 'node:readline';
import { readFileSync } from 'node:fs';
import { evaluate, unaryTest } from 'feelin';

const cases = JSON.parse(readFileSync(process.argv[2], 'utf8'));

// plain is a value as JSON data: what isn't data says itself as a text.
function plain(v) {
  if (v === null || v === undefined) return null;
  if (Array.isArray(v)) return v.map(plain);
  if (typeof v === 'object') {
    if (v.constructor !== Object) return String(v);
    return Object.fromEntries(Object.entries(v).map(([k, x]) => [k, plain(x)]));
  }
  return v;
}

// usual reads the expression each time: the call that everybody makes.
function usual({ expression, context, unary }) {
  const run = unary ? unaryTest : evaluate;
  return () => run(expression, context);
}

// kept makes a function of the expression once and invokes it.
const functions = new Map();
function kept(i) {
  if (!functions.has(i)) {
    const { expression, context, unary } = cases[i];
    const names = unary ? ['value'] : Object.keys(context);
    const body = unary ? `value in (${expression})` : expression;
    const { value, warnings } = evaluate(`function(${names.join(', ')}) ${body}`, {});
    const args = Object.values(context);
    functions.set(i, () => ({ value: value.invoke(args), warnings }));
  }
  return functions.get(i);
}

for await (const line of createInterface({ input: process.stdin })) {
  const { case: i, kept: keep, seconds } = JSON.parse(line);
  const run = keep ? kept(i) : usual(cases[i]);
  const first = run();
  const value = plain(first.value);
  const warnings = first.warnings.length;
  let n = 0;
  const start = process.hrtime.bigint();
  const end = start + BigInt(Math.round(seconds * 1e9));
  let now = start;
  for (let batch = 1; now < end; batch = Math.min(batch * 2, 64)) {
    for (let k = 0; k < batch; k++) run();
    n += batch;
    now = process.hrtime.bigint();
  }
  console.log(JSON.stringify({ n, ns: Number(now - start), value, warnings }));
}
