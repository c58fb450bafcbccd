// SPDX-License-Identifier: EUPL-1.2
// Subsets the fonts: node fonts.mjs ROOT OUT; tells on stdout what it made.
import { readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";

const [root, out] = process.argv.slice(2);
const require = createRequire(path.resolve(root, "package.json"));
const subsetFont = require("subset-font");

const range = (a, b) => Array.from({ length: b - a + 1 }, (_, i) => a + i);
// What German, English and Turkish are written in, and the signs of a letter of the city.
const base = new Set([
  ...range(0x20, 0x7e), 0xa0, 0xa7, 0xa9, 0xab, 0xb0, 0xb2, 0xb3, 0xb7, 0xbb, 0xd7,
  ...[..."ÄÖÜäöüßẞÇçĞğİıŞşÂâÎîÛû–—‘’‚“”„…•€→←"].map((c) => c.codePointAt(0)),
]);
// The Latin letters of DIN SPEC 91379, which names in German registers are written in.
const din = new Set([
  ...range(0xa1, 0x17f), 0x187, 0x188, 0x18f, 0x197, 0x19a, 0x1a0, 0x1a1, 0x1af, 0x1b0, 0x1b7,
  ...range(0x1cd, 0x1dc), ...range(0x1de, 0x1e1), ...range(0x1e4, 0x1f5), ...range(0x1f8, 0x21b), 0x21e, 0x21f,
  ...range(0x22a, 0x22b), ...range(0x22e, 0x233), 0x259, 0x268, 0x292,
  ...range(0x2b0, 0x2ff), ...range(0x300, 0x36f), ...range(0x1e00, 0x1ef9), ...range(0x2010, 0x2027), 0x20ac, 0x2116, 0x2122,
].filter((c) => !base.has(c)));

const unicodeRange = (set) => {
  const list = [...set].sort((a, b) => a - b);
  const parts = [];
  for (let i = 0; i < list.length; ) {
    let j = i;
    while (j + 1 < list.length && list[j + 1] === list[j] + 1) j++;
    const hex = (n) => n.toString(16).toUpperCase();
    parts.push(i === j ? `U+${hex(list[i])}` : `U+${hex(list[i])}-${hex(list[j])}`);
    i = j + 1;
  }
  return parts.join(",");
};

const faces = [];
for (const [weight, file] of [["400", "FiraSans-Regular"], ["600", "FiraSans-SemiBold"]]) {
  const font = await readFile(path.join(root, "node_modules/@kern-ux/native/dist/fonts/fira-sans", file + ".woff2"));
  for (const [part, set] of [["base", base], ["din", din]]) {
    const text = String.fromCodePoint(...set);
    const name = `fira-${weight}-${part}.woff2`;
    // Of the layout features: kerning and marks; no ligatures, no figure styles.
    const data = await subsetFont(font, text, { targetFormat: "woff2", noLayoutClosure: true, layoutFeatures: ["kern", "mark", "mkmk", "ccmp", "locl"] });
    await writeFile(path.join(out, name), data);
    faces.push({ Name: name, Weight: weight, Range: unicodeRange(set) });
  }
}
console.log(JSON.stringify(faces));
