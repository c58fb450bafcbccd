// SPDX-License-Identifier: EUPL-1.2
// Sends each field as it is left to the form's data-autosave address. What the
// server did not confirm stays in the tab's own store, comes back into the form
// when the page is opened again, and is sent again. Where an answer changes what
// else the page asks, the server's answer is that part of the page as it is now, and
// it is patched in.

import { patch } from "./patch.js";

const storeKey = (url) => "unsent " + url;

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
  const say = (text) => { if (status && status.textContent !== text) status.textContent = text || ""; };

  const moves = (field) => ((form.querySelector("[data-moves]") || { dataset: {} }).dataset.moves || "").split(" ").includes(field);
  // Puts the parts of the page as the server sees them into the page. What somebody
  // is typing, and what the server doesn't know yet, stays. Tells whether there is more to answer.
  const update = (html, unsent) => {
    const parts = new DOMParser().parseFromString(html, "text/html").querySelectorAll("[data-patch]");
    const fields = () => [...form.querySelectorAll("[data-field]")].map((b) => b.dataset.field);
    const before = new Set(fields());
    const mine = (input) => input === document.activeElement || unsent.includes(input.closest("[data-field]")?.dataset.field);
    for (const part of parts) {
      const here = document.querySelector(`[data-patch="${part.dataset.patch}"]`);
      if (here) patch(here, part, mine);
    }
    return fields().some((f) => !before.has(f));
  };

  // What was typed here and never confirmed is newer than what the server sent.
  const left = read(url);
  for (const box of form.querySelectorAll("[data-field]")) {
    const mine = left[box.dataset.field];
    if (!mine || mine.page !== location.pathname) continue;
    for (const i of box.querySelectorAll("input,select,textarea")) {
      if (!saves(i)) continue;
      const pairs = mine.pairs.filter(([n]) => n === i.name);
      if (i.type === "checkbox" || i.type === "radio") i.checked = pairs.some(([, v]) => v === i.value);
      else if (pairs.length) i.value = pairs[0][1];
    }
  }

  const note = (box) => {
    const unsent = read(url);
    unsent[box.dataset.field] = { page: location.pathname, pairs: values(box), at: Date.now() };
    write(url, unsent);
  };

  let busy = false, wait = 2000, timer;
  const send = async () => {
    if (busy) return;
    busy = true;
    clearTimeout(timer);
    try {
      for (;;) {
        const unsent = read(url);
        const field = Object.keys(unsent)[0];
        if (!field) break;
        const { pairs, at, page } = unsent[field];
        const live = page === location.pathname && moves(field);
        const wrong = [...form.querySelectorAll("[data-field]:has(.kern-error)")].map((b) => ["_wrong", b.dataset.field]);
        const r = await fetch(url, {
          method: "POST", keepalive: true, redirect: "manual", headers: { Accept: live ? "text/html" : "application/json" },
          body: new URLSearchParams([["_field", field], ...pairs, ...(live ? [["_live", "1"], ...wrong] : [])]),
        });
        const html = live && r.ok ? await r.text() : "";
        // Not theirs, gone or not to be stored: sending it again would not help.
        if (!r.ok && ![400, 404, 409, 410, 413, 422].includes(r.status)) throw new Error(r.status);
        const now = read(url);
        if (now[field] && now[field].at === at) { delete now[field]; write(url, now); }
        wait = 2000;
        const more = html && update(html, Object.keys(now));
        if (r.ok) say(more ? form.dataset.textMore : form.dataset.textSaved);
      }
    } catch {
      say(form.dataset.textUnsent);
      timer = setTimeout(send, wait);
      wait = Math.min(wait * 2, 60000);
    } finally { busy = false; }
  };

  let typing;
  form.addEventListener("input", (e) => {
    const box = saves(e.target) && group(e.target);
    if (!box) return;
    clearTimeout(typing);
    typing = setTimeout(() => note(box), 250);
  });
  form.addEventListener("change", (e) => {
    const box = saves(e.target) && group(e.target);
    if (!box) return;
    clearTimeout(typing);
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
