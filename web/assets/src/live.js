// SPDX-License-Identifier: EUPL-1.2
// Asks now and then whether a list has changed, and says so. It changes nothing
// under the reader's hands: reloading is theirs.
for (const box of document.querySelectorAll("[data-live]")) {
  const every = Math.max(5, Number(box.dataset.liveEvery) || 15) * 1000;
  const hint = box.querySelector("[data-live-hint]");
  let stop = false;
  const ask = async () => {
    if (document.visibilityState !== "visible" || stop) return;
    try {
      const r = await fetch(box.dataset.live, { headers: { Accept: "application/json" }, redirect: "manual" });
      if (!r.ok) return;
      const { version } = await r.json();
      if (version && version !== box.dataset.liveVersion) { hint.hidden = false; stop = true; clearInterval(timer); }
    } catch { /* offline: ask again later */ }
  };
  const timer = setInterval(ask, every);
  document.addEventListener("visibilitychange", ask);
}
