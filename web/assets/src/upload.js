// SPDX-License-Identifier: EUPL-1.2
// Sends files as they are chosen, in parts (tus 1.0.0): a broken line, a reload or a restarted server go on where they
// were. Without it files go with the form. What the server shows of the field takes the place of what stood there.

const PART = 256 * 1024;
const hex = (b) => [...new Uint8Array(b)].map((x) => x.toString(16).padStart(2, "0")).join("");
const b64 = (bytes) => btoa(String.fromCharCode(...bytes));
const text64 = (s) => b64(new TextEncoder().encode(s));
const digest = async (data) => (window.crypto && crypto.subtle ? crypto.subtle.digest("SHA-256", data) : null);
const tus = (url, method, headers, body) => fetch(url, { method, redirect: "manual", body, headers: { Accept: "application/json", "Tus-Resumable": "1.0.0", ...headers } });
// pause waits, less if the line is back.
const pause = (ms) => new Promise((go) => { const t = setTimeout(go, ms); addEventListener("online", () => { clearTimeout(t); go(); }, { once: true }); });

class Refused extends Error {}
// told is what the server says in words; null if it may be asked again later.
async function told(r, box) {
  if (r.status === 0 || r.status === 429 || r.status >= 500) return null;
  try { return (await r.json()).detail || box.dataset.textStopped; } catch { return box.dataset.textStopped; }
}

// send brings one file over; show tells how far it is.
async function send(box, file, show) {
  const sum = await digest(await file.arrayBuffer());
  const sha = sum && hex(sum);
  const known = [...box.querySelectorAll("[data-resume]")].find((li) => sha && li.dataset.sum === sha && +li.dataset.bytes === file.size);
  let url = known && known.dataset.resume, at = -1, wait = 1000, wrong = 0;
  for (;;) {
    try {
      if (!url) {
        const meta = ["field " + text64(box.dataset.field), "filename " + text64(file.name)];
        if (sha) meta.push("sha256 " + text64(sha));
        const r = await tus(box.dataset.upload, "POST", { "Upload-Length": String(file.size), "Upload-Metadata": meta.join(",") });
        if (r.status !== 201) { const why = await told(r, box); if (why) throw new Refused(why); throw new Error(r.status); }
        url = r.headers.get("Location");
        at = 0;
      }
      if (at < 0) { // where were we?
        const r = await tus(url, "HEAD", {});
        if (r.status === 404 || r.status === 410) { url = ""; if (++wrong > 3) throw new Refused(box.dataset.textStopped); continue; }
        if (!r.ok) { if (r.status === 422) throw new Refused(box.dataset.textStopped); const why = await told(r, box); if (why) throw new Refused(why); throw new Error(r.status); }
        at = +r.headers.get("Upload-Offset");
      }
      if (at >= file.size) return;
      const part = file.slice(at, at + PART), data = await part.arrayBuffer(), of = await digest(data);
      const headers = { "Content-Type": "application/offset+octet-stream", "Upload-Offset": String(at) };
      if (of) headers["Upload-Checksum"] = "sha256 " + b64(new Uint8Array(of));
      show(at + part.size >= file.size ? box.dataset.textLooking : box.dataset.textSending.replace("{percent}", Math.floor(at * 100 / file.size)), at / file.size);
      const r = await tus(url, "PATCH", headers, data);
      if (r.status === 409 || r.status === 460) { at = -1; if (++wrong > 20) throw new Refused(box.dataset.textStopped); await pause(wait); continue; }
      if (r.status !== 204) { const why = await told(r, box); if (why) throw new Refused(why); throw new Error(r.status); }
      at = +r.headers.get("Upload-Offset");
      wait = 1000;
      if (at >= file.size) return;
    } catch (e) {
      if (e instanceof Refused) throw e;
      if (url) at = -1;
      show(box.dataset.textRetry);
      await pause(wait);
      wait = Math.min(wait * 2, 30000);
    }
  }
}

// refresh shows what the server has of a field now; what else stands on the page stays.
async function refresh(box) {
  const r = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!r.ok) return;
  const fresh = new DOMParser().parseFromString(await r.text(), "text/html").querySelector(`[data-field="${CSS.escape(box.dataset.field)}"][data-upload]`);
  const list = (b) => [...b.children].find((c) => c.matches("ul.m-files:not([data-uploads])"));
  const old = list(box), now = fresh && list(fresh);
  if (!fresh || fresh.dataset.upload !== box.dataset.upload) return; // rows have gone elsewhere: another row has its name
  if (old) old.remove();
  if (now) box.insertBefore(document.importNode(now, true), box.querySelector("input[type=file]"));
}

let running = 0, after = null;
function idle() {
  if (running || !after) return;
  const { form, by } = after;
  after = null;
  form.requestSubmit(by);
}

async function take(box, files) {
  const list = box.querySelector("[data-uploads]"), status = box.querySelector("[data-upload-status]");
  for (const file of files) {
    const li = document.createElement("li"), name = document.createElement("span"), bar = document.createElement("progress");
    li.className = "m-files__item";
    name.className = "m-files__name";
    bar.setAttribute("aria-hidden", "true");
    li.append(name, bar);
    list.append(li);
    list.hidden = false;
    const show = (text, part) => {
      name.textContent = file.name + ": " + text;
      if (part === undefined) bar.removeAttribute("value"); else bar.value = part;
    };
    show(box.dataset.textSending.replace("{percent}", "0"), 0);
    status.textContent = name.textContent;
    running++;
    try {
      await send(box, file, show);
      await refresh(box);
      li.remove();
      status.textContent = file.name + ": " + box.dataset.textDone;
    } catch (e) {
      bar.remove();
      li.dataset.failed = "";
      name.textContent = file.name + ": " + e.message;
      status.textContent = name.textContent;
      after = null; // what was wrong is to be seen before the page goes on
      try { await refresh(box); } catch { /* the list is as it was */ }
    } finally {
      running--;
      list.hidden = !list.children.length;
    }
  }
  idle();
}

// Of the document, so that a field counts that an answer has brought up; before the form hears of it.
document.addEventListener("change", (e) => {
  const box = e.target.closest("[data-upload]");
  if (!box || e.target.type !== "file" || !e.target.files.length) return;
  const files = [...e.target.files];
  e.target.value = ""; // it goes by itself, not with the form
  for (const li of box.querySelectorAll("[data-failed]")) li.remove();
  take(box, files);
}, true);
// Who goes on while files are coming goes on when they are here.
document.addEventListener("submit", (e) => {
  if (!running || !e.target.querySelector("[data-upload]")) return;
  e.preventDefault();
  e.stopImmediatePropagation();
  after = { form: e.target, by: e.submitter };
}, true);
