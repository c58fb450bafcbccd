// SPDX-License-Identifier: EUPL-1.2
// The peer of the benchmark: evaluates one case with feelin for a while, on request. A
// line in: {"case": 0, "seconds": 0.5}; a line out: {"n": 1000, "ns": 5e8, "value": …}.
import { createInterface } from 'node:readline';
import { readFileSync } from 'node:fs';
import { evaluate, unaryTest } from 'feelin';

const cases = JSON.parse(readFileSync(process.argv[2], 'utf8'));

function plain(v) {
  if (v === null || v === undefined) return null;
  if (Array.isArray(v)) return v.map(plain);
  if (typeof v === 'object') {
    if (typeof v.toISOString === 'function' || v.constructor !== Object) return String(v);
    return Object.fromEntries(Object.entries(v).map(([k, x]) => [k, plain(x)]));
  }
  return v;
}

for await (const line of createInterface({ input: process.stdin })) {
  const { case: i, seconds } = JSON.parse(line);
  const { expression, context, unary } = cases[i];
  const run = unary ? unaryTest : evaluate;
  const value = plain(run(expression, context).value);
  let n = 0;
  const start = process.hrtime.bigint();
  const end = start + BigInt(Math.round(seconds * 1e9));
  let now = start;
  for (let batch = 1; now < end; batch = Math.min(batch * 2, 64)) {
    for (let k = 0; k < batch; k++) run(expression, context);
    n += batch;
    now = process.hrtime.bigint();
  }
  console.log(JSON.stringify({ n, ns: Number(now - start), value }));
}
