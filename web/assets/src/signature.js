// SPDX-License-Identifier: EUPL-1.2
// A signature can be drawn beside the typed name: with a finger, a pen or a mouse. Nobody
// needs it; the name and the tick are the signature.
const svg = "http://www.w3.org/2000/svg";

const attach = (input) => {
  const box = document.createElement("div");
  box.className = "m-signature";
  const label = document.createElement("p");
  label.className = "kern-label";
  label.textContent = input.dataset.drawing;
  const pad = document.createElementNS(svg, "svg");
  pad.setAttribute("viewBox", "0 0 600 200");
  pad.setAttribute("class", "m-signature__pad");
  pad.setAttribute("role", "img");
  pad.setAttribute("aria-label", input.dataset.drawing);
  const path = document.createElementNS(svg, "path");
  path.setAttribute("d", input.value);
  pad.append(path);
  const clear = document.createElement("button");
  clear.type = "button";
  clear.className = "kern-btn kern-btn--tertiary";
  clear.innerHTML = '<span class="kern-label"></span>';
  clear.firstChild.textContent = input.dataset.clear;
  box.append(label, pad, clear);
  input.after(box);

  let d = input.value, down = false, last = "";
  const at = (e) => {
    const r = pad.getBoundingClientRect();
    const clip = (v, most) => Math.max(0, Math.min(most, Math.round(v)));
    return clip((e.clientX - r.left) * 600 / r.width, 600) + " " + clip((e.clientY - r.top) * 200 / r.height, 200);
  };
  const add = (how, e) => {
    const p = at(e);
    if (p === last || d.length > 16000) return;
    last = p;
    d += how + p;
    path.setAttribute("d", d);
  };
  const keep = () => {
    input.value = d;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  };
  pad.addEventListener("pointerdown", (e) => { down = true; last = ""; pad.setPointerCapture(e.pointerId); add("M", e); e.preventDefault(); });
  pad.addEventListener("pointermove", (e) => { if (down) add("L", e); });
  for (const end of ["pointerup", "pointercancel"]) pad.addEventListener(end, () => { if (down) { down = false; keep(); } });
  clear.addEventListener("click", () => { d = ""; path.setAttribute("d", ""); keep(); });
};

// A part of the page may be put in anew (data-patch): its pads come back with what is drawn.
const pads = () => {
  for (const input of document.querySelectorAll("input[data-drawing]")) {
    if (!input.nextElementSibling?.classList.contains("m-signature")) attach(input);
  }
};
pads();
new MutationObserver(pads).observe(document.body, { childList: true, subtree: true });
