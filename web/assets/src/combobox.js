// SPDX-License-Identifier: EUPL-1.2
// A choice from many can be typed for. Over a select with data-search stands an editable combobox with a list (ARIA Authoring
// Practices), in front of many ticks with data-filter a field that leaves those that match. The select and the ticks stay what is
// sent, saved and patched, and what people use without a script; data-own keeps patch.js from what is put in here.

const fold = (s) => s.normalize("NFD").replace(/[\u0300-\u036f]/g, "").toLowerCase().replace(/ß/g, "ss").replace(/ı/g, "i").trim();
const make = (tag, attributes, ...inside) => {
  const e = document.createElement(tag);
  for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
  e.append(...inside);
  return e;
};
// Only what differs is written: the observer below sees each attribute that is.
const set = (e, name, value) => {
  if (value === null || value === undefined) e.removeAttribute(name);
  else if (e.getAttribute(name) !== value) e.setAttribute(name, value);
};

const search = (select) => {
  const list = make("ul", { role: "listbox", id: select.id + "-list", class: "m-combobox__list", hidden: "" });
  const status = make("p", { role: "status", class: "kern-sr-only" });
  const input = make("input", { type: "text", role: "combobox", class: "kern-form-input__select", autocomplete: "off", spellcheck: "false",
    "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id });
  const box = make("div", { class: "m-combobox", "data-own": "" }, input, list, status);
  select.before(box);

  const label = () => document.querySelector(`label[for="${CSS.escape(select.id)}"]`);
  const chosen = () => (select.value ? select.selectedOptions[0]?.text || "" : "");
  let shown = [], at = -1;
  const opened = () => !list.hidden;
  const move = (i) => {
    at = i;
    [...list.children].forEach((li, n) => set(li, "aria-selected", String(n === at)));
    set(input, "aria-activedescendant", list.children[at]?.id);
    list.children[at]?.scrollIntoView({ block: "nearest" });
  };
  const close = () => {
    list.hidden = true;
    set(input, "aria-expanded", "false");
    move(-1);
  };
  const open = (words) => {
    const want = fold(words);
    shown = [...select.options].filter((o) => o.value && fold(o.text).includes(want));
    list.replaceChildren(...shown.map((o, i) => make("li", { role: "option", id: `${list.id}-${i}`, "aria-selected": "false" }, o.text)));
    list.hidden = !shown.length;
    set(input, "aria-expanded", String(opened()));
    set(list, "aria-label", input.getAttribute("aria-label"));
    status.textContent = (shown.length ? select.dataset.found : select.dataset.none).replace("{n}", shown.length);
    move(-1);
  };
  const choose = (value) => {
    close();
    const other = select.value !== value;
    select.value = value;
    input.value = chosen();
    if (other) select.dispatchEvent(new Event("change", { bubbles: true }));
  };

  input.addEventListener("input", () => open(input.value));
  input.addEventListener("click", () => (opened() ? close() : open("")));
  input.addEventListener("keydown", (e) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[e.key];
    if (step) {
      e.preventDefault();
      if (!opened()) {
        open("");
        if (e.altKey) return;
        const now = shown.findIndex((o) => o.selected);
        move(now >= 0 ? now : step > 0 ? 0 : shown.length - 1);
      } else move(at < 0 && step < 0 ? shown.length - 1 : (at + step + shown.length) % shown.length);
    } else if (e.key === "Enter" && opened()) {
      e.preventDefault();
      if (at >= 0) choose(shown[at].value);
      else settle();
    } else if (e.key === "Escape") {
      if (opened()) close();
      else input.value = chosen();
    }
  });
  // What is typed out is chosen; nothing at all is nothing chosen; anything else leaves the choice as it was.
  const settle = () => {
    const words = fold(input.value);
    const o = [...select.options].find((x) => x.value && fold(x.text) === words);
    choose(!words ? "" : o ? o.value : select.value);
  };
  input.addEventListener("blur", settle);
  list.addEventListener("pointerdown", (e) => e.preventDefault()); // the focus stays where it is
  list.addEventListener("click", (e) => {
    const i = [...list.children].indexOf(e.target.closest("li"));
    if (i >= 0) choose(shown[i].value);
  });

  // The select is as the server sees it; the combobox says the same.
  const sync = () => {
    set(select, "inert", "");
    for (const name of ["aria-describedby", "aria-invalid", "aria-required"]) set(input, name, select.getAttribute(name));
    set(input, "aria-label", label()?.textContent.trim());
    input.disabled = select.disabled;
    if (document.activeElement !== input) input.value = chosen();
  };
  select.addEventListener("change", sync);
  box.sync = sync;
  sync();
};

const filter = (fieldset) => {
  const input = make("input", { type: "search", class: "kern-form-input__input", autocomplete: "off" });
  const status = make("p", { role: "status", class: "kern-sr-only" });
  const box = make("div", { class: "kern-form-input m-filtered", "data-own": "" }, make("label", { class: "kern-label" }, fieldset.dataset.filter, input), status);
  const body = fieldset.querySelector(".kern-fieldset__body");
  body.before(box);
  const sync = () => {
    const want = fold(input.value);
    let n = 0;
    for (const c of body.children) {
      const fits = fold(c.textContent).includes(want);
      n += fits;
      set(c, "hidden", fits || c.querySelector("input").checked ? null : ""); // what is ticked stays in sight
    }
    const says = want ? (n ? fieldset.dataset.found : fieldset.dataset.none).replace("{n}", n) : "";
    if (status.textContent !== says) status.textContent = says;
  };
  input.addEventListener("input", sync);
  input.addEventListener("keydown", (e) => { if (e.key === "Enter") e.preventDefault(); });
  box.sync = sync;
};

const look = () => {
  for (const s of document.querySelectorAll("select[data-search]")) {
    const box = s.previousElementSibling;
    if (box?.sync) box.sync();
    else search(s);
  }
  for (const f of document.querySelectorAll("fieldset[data-filter]")) {
    const box = f.querySelector(".m-filtered");
    if (box?.sync) box.sync();
    else filter(f);
  }
};
look();
new MutationObserver(look).observe(document.body, { childList: true, subtree: true, attributeFilter: ["selected", "disabled", "inert", "hidden", "aria-invalid", "aria-describedby"] });
// The label leads to the combobox; a link of the summary of errors does so in focus.js.
document.addEventListener("click", (e) => {
  const l = e.target.closest && e.target.closest("label[for]");
  const s = l && document.getElementById(l.htmlFor);
  if (s && s.matches("select[data-search]")) s.previousElementSibling.querySelector("input").focus();
});
