// SPDX-License-Identifier: EUPL-1.2
// Makes a part of the page like another one, element by element: what is the same
// stays the same element, so focus, caret and what is open stay where they are. A
// form's fields never change their order, so nothing has to be moved. What a script has put
// in (data-own) stays where it is.

const key = (n) => (n.nodeType !== 1 ? "" : n.id || n.dataset.field || (n.name ? `${n.name}=${n.value}` : n.matches("section") && n.firstElementChild ? `§${n.firstElementChild.textContent}` : ""));

// patch changes have to want; of inputs that are mine only what surrounds the value.
export const patch = (have, want, mine) => {
  const focus = document.activeElement;
  const top = focus && focus.getBoundingClientRect().top;
  same(have, want, mine);
  // What appeared above mustn't push the field away from under the finger.
  if (focus && focus.isConnected && focus !== document.body) scrollBy(0, focus.getBoundingClientRect().top - top);
};

const same = (have, want, mine) => {
  if (have.nodeType !== 1) {
    if (have.data !== want.data) have.data = want.data;
    return;
  }
  const input = have.matches("input,textarea,select");
  for (const { name } of [...have.attributes]) {
    if (!want.hasAttribute(name) && name !== "open" && name !== "checked" && name !== "inert") have.removeAttribute(name);
  }
  for (const { name, value } of want.attributes) {
    if (have.getAttribute(name) !== value && !(input && (name === "value" || name === "checked"))) have.setAttribute(name, value);
  }
  if (have.nodeName !== "TEXTAREA") children(have, want, mine);
  if (!input || have.type === "file" || mine(have)) return;
  if (have.type === "checkbox" || have.type === "radio") have.checked = want.checked;
  else if (have.value !== want.value) have.value = want.value;
};

const children = (have, want, mine) => {
  const kept = new Map();
  for (const c of have.childNodes) if (key(c)) kept.set(key(c), c);
  let at = have.firstChild;
  for (const w of [...want.childNodes]) {
    while (own(at)) at = at.nextSibling;
    const k = key(w);
    let h = k ? kept.get(k) : at && !key(at) && at.nodeName === w.nodeName ? at : null;
    if (!h || h.nodeName !== w.nodeName) {
      have.insertBefore(document.importNode(w, true), at);
      continue;
    }
    while (at && at !== h) at = drop(at);
    at = h.nextSibling;
    same(h, w, mine);
  }
  while (at) at = drop(at);
};

const own = (n) => n?.dataset?.own !== undefined;

const drop = (n) => {
  const next = n.nextSibling;
  if (!own(n)) n.remove();
  return next;
};
