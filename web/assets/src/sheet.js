// SPDX-License-Identifier: EUPL-1.2
// Loads a style sheet that only some pages need.
export const style = (href) => new Promise((done, failed) => {
  const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href, onload: done, onerror: failed });
  document.head.append(link);
});
