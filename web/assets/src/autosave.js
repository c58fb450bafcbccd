// SPDX-License-Identifier: EUPL-1.2
// Sends each field as it is left to the form's data-autosave address. What the
// server did not confirm stays in the tab's own store, comes back into the form
// when the page is opened again, and is sent again. Where an answer changes what
// else the page asks, the server's answer is that part of the page as it is now, and
// it is patched in.

import { patch } from "./patch.js";

const storeKey = (url) => "unsent " + url;

const marks = (s) => new Map((s || "").split(" ").filter(Boolean).map((x) => { const i = x.lastIndexOf(":"); return [x.slice(0, i), x.slice(i + 1)]; }));
const text = (map) => [...map].map(([n, m]) => `${n}:${m}`).join(" ");
const seenOf = (form) => (form.querySelector("input[name=_seen]") || {}).value || "";
const read = (url) => {
  try { return JSON.parse(sessionStorage.getItem(storeKey(url))) || {}; } catch { return {}; }
};
const write = (url, unsent) => {
  try {
    if (Object.keys(unsent).length) sessionStorage.setItem(storeKey(url), JSON.stringify(unsent));
    else sessionStorage.removeItem(storeKey(url));
  } catch { /* no room or no permission: the page still sends as a whole */ }
};

for (const form of document.querySelectorAll("form[data-autosave]")) {
  const url = form.dataset.autosave;
  const status = form.querySelector("[data-autosave-status]");
  let busy = false, typing;
  const group = (input) => input.closest("[data-field]");
  const saves = (input) => input.name && input.type !== "file" && input.type !== "password" && input.type !== "hidden" && group(input);
  const values = (box) => {
    const out = [];
    for (const i of box.querySelectorAll("input,select,textarea")) {
      if (!saves(i) || i.disabled || group(i) !== box) continue;
      if ((i.type === "checkbox" || i.type === "radio") && !i.checked) continue;
      out.push([i.name, i.value]);
    }
    return out;
  };
  // A draft that was only lent, for the time at the counter, can be gone.
  const over = (r) => { if (r.status === 404 && form.dataset.textOver) say(form.dataset.textOver); };
  const say = (words) => { if (status && status.textContent !== words) status.textContent = words || ""; };

  const moves = (field) => ((form.querySelector("[data-moves]") || { dataset: {} }).dataset.moves || "").split(" ").includes(field);
  // Puts the parts of the page as the server sees them into the page. What somebody
  // is typing, and what the server doesn't know yet, stays. Tells whether there is more to answer.
  const update = (html, unsent, saved) => {
    const doc = new DOMParser().parseFromString(html, "text/html");
    const parts = doc.querySelectorAll("[data-patch]");
    const fields = () => [...form.querySelectorAll("[data-field]")].map((b) => b.dataset.field);
    const before = new Set(fields());
    const mine = (input) => input === document.activeElement || unsent.includes(input.closest("[data-field]")?.dataset.field);
    for (const part of parts) {
      const here = document.querySelector(`[data-patch="${part.dataset.patch}"]`);
      if (here) patch(here, part, mine);
    }
    // What stayed as it was here has been shown as it was, but for what has just been saved.
    const hidden = form.querySelector("input[name=_seen]"), fresh = doc.querySelector("input[name=_seen]");
    if (hidden && fresh) {
      const old = marks(hidden.value), now = marks(fresh.value), at = document.activeElement?.closest("[data-field]")?.dataset.field;
      for (const n of [...unsent, at]) if (n && n !== saved && old.has(n) && now.has(n)) now.set(n, old.get(n));
      hidden.value = text(now);
    }
    return fields().some((f) => !before.has(f));
  };

  // What was typed here and never confirmed is newer than what the server sent.
  const left = read(url);
  for (const box of form.querySelectorAll("[data-field]")) {
    const mine = left[box.dataset.field];
    if (!mine || mine.page !== location.pathname) continue;
    if (mine.seen) {
      const hidden = form.querySelector("input[name=_seen]"), shown = marks(hidden && hidden.value);
      if (hidden && shown.has(box.dataset.field)) { shown.set(box.dataset.field, mine.seen); hidden.value = text(shown); }
    }
    for (const i of box.querySelectorAll("input,select,textarea")) {
      if (!saves(i)) continue;
      const pairs = mine.pairs.filter(([n]) => n === i.name);
      if (i.type === "checkbox" || i.type === "radio") i.checked = pairs.some(([, v]) => v === i.value);
      else if (pairs.length) i.value = pairs[0][1];
    }
  }

  const note = (box) => {
    const unsent = read(url);
    const name = box.dataset.field;
    // What the page showed when this was begun: if it is sent much later, the server sees what happened in between.
    const seen = unsent[name] ? unsent[name].seen : marks(seenOf(form)).get(name);
    unsent[name] = { page: location.pathname, pairs: values(box), at: Date.now(), seen };
    write(url, unsent);
  };

  // What was changed elsewhere, on another device or in another tab, comes in as it is learnt of: marked, and not into the
  // field that somebody is at, or that has something unsent. The server holds every save against what this page has shown.
  const boxOf = (root, name) => root.querySelector(`[data-field="${CSS.escape(name)}"]`);
  const compare = (answer, saved) => {
    const hidden = form.querySelector("input[name=_seen]");
    if (!hidden || !answer.seen) return;
    const mine = marks(hidden.value), theirs = marks(answer.seen);
    if (saved && mine.has(saved) && theirs.has(saved)) mine.set(saved, theirs.get(saved));
    hidden.value = text(mine);
    const unsent = read(url);
    const stale = [...mine.keys()].filter((n) => theirs.has(n) && theirs.get(n) !== mine.get(n) && !unsent[n]
      && !(boxOf(form, n) && boxOf(form, n).contains(document.activeElement)));
    const rivals = (answer.rivals || []).filter((n) => !form.querySelector(`[data-rival="${CSS.escape(n)}"]`));
    if (stale.length || rivals.length) bring(stale, rivals);
  };
  const bring = async (stale, rivals) => {
    const r = await fetch(location.pathname, { headers: { Accept: "text/html" }, redirect: "manual" });
    if (!r.ok) return;
    const doc = new DOMParser().parseFromString(await r.text(), "text/html");
    const hidden = form.querySelector("input[name=_seen]"), theirs = doc.querySelector("input[name=_seen]");
    if (!theirs) return;
    const now = marks(theirs.value), mine = marks(hidden.value);
    for (const n of stale) {
      const old = boxOf(form, n), fresh = boxOf(doc, n);
      if (!old || !fresh || old.contains(document.activeElement) || read(url)[n]) continue;
      const next = document.importNode(fresh, true);
      next.classList.add("m-elsewhere");
      const told = document.createElement("p");
      told.className = "kern-body kern-body--small m-elsewhere-note";
      told.setAttribute("role", "status");
      told.textContent = form.dataset.textElsewhere;
      next.append(told);
      old.replaceWith(next);
      mine.set(n, now.get(n));
    }
    for (const n of rivals) {
      const at = boxOf(form, n), fresh = doc.querySelector(`[data-rival="${CSS.escape(n)}"]`);
      if (at && fresh) at.after(document.importNode(fresh, true));
    }
    hidden.value = text(mine);
  };
  if (form.dataset.changes) {
    const look = async () => {
      if (document.visibilityState !== "visible" || busy || typing) return;
      try {
        const r = await fetch(form.dataset.changes, { headers: { Accept: "application/json" }, redirect: "manual" });
        if (r.ok) compare(await r.json());
        else over(r);
      } catch { /* offline: later */ }
    };
    setInterval(look, 8000);
    document.addEventListener("visibilitychange", look);
  }

  let wait = 2000, timer;
  const send = async () => {
    if (busy) return;
    busy = true;
    clearTimeout(timer);
    try {
      for (;;) {
        const unsent = read(url);
        const field = Object.keys(unsent)[0];
        if (!field) break;
        const { pairs, at, page, seen } = unsent[field];
        const live = page === location.pathname && moves(field);
        const wrong = [...form.querySelectorAll("[data-field]:has(.kern-error)")].map((b) => ["_wrong", b.dataset.field]);
        const r = await fetch(url, {
          method: "POST", keepalive: true, redirect: "manual", headers: { Accept: live ? "text/html" : "application/json" },
          body: new URLSearchParams([["_field", field], ...(seen ? [["_seen", `${field}:${seen}`]] : []), ...pairs, ...(live ? [["_live", "1"], ...wrong] : [])]),
        });
        const html = live && r.ok ? await r.text() : "";
        // Not theirs, gone or not to be stored: sending it again would not help.
        if (!r.ok && ![400, 404, 409, 410, 413, 422].includes(r.status)) throw new Error(r.status);
        const now = read(url);
        if (now[field] && now[field].at === at) { delete now[field]; write(url, now); }
        wait = 2000;
        over(r);
        const more = html && update(html, Object.keys(now), field);
        if (r.ok) {
          say(more ? form.dataset.textMore : form.dataset.textSaved);
          if (!live) compare(await r.json().catch(() => ({})), field);
        }
      }
    } catch {
      say(form.dataset.textUnsent);
      timer = setTimeout(send, wait);
      wait = Math.min(wait * 2, 60000);
    } finally { busy = false; }
  };

  form.addEventListener("input", (e) => {
    const box = saves(e.target) && group(e.target);
    if (!box) return;
    clearTimeout(typing);
    typing = setTimeout(() => { typing = 0; note(box); }, 250);
  });
  form.addEventListener("change", (e) => {
    const box = saves(e.target) && group(e.target);
    if (!box) return;
    clearTimeout(typing);
    typing = 0;
    note(box);
    send();
  });
  // The form as a whole carries everything: nothing of this page is left to send.
  form.addEventListener("submit", () => {
    clearTimeout(typing); clearTimeout(timer);
    const unsent = read(url);
    for (const f in unsent) if (unsent[f].page === location.pathname && form.querySelector(`[data-field="${CSS.escape(f)}"]`)) delete unsent[f];
    write(url, unsent);
  });
  addEventListener("online", send);
  document.addEventListener("visibilitychange", () => {
    const box = document.visibilityState === "hidden" && document.activeElement && form.contains(document.activeElement)
      && saves(document.activeElement) && group(document.activeElement);
    if (box && typing) { note(box); send(); }
  });
  if (Object.keys(left).length) send();
}
