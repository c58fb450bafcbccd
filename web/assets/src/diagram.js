// SPDX-License-Identifier: EUPL-1.2
// Shows the process of a case with bpmn-js in the place of the server's drawing, with its
// token: to move and to zoom. It's loaded only by pages with such a figure. If anything is
// amiss the drawing stays. The mark of bpmn.io at the corner stays as it is (its licence).
import NavigatedViewer from "bpmn-js/lib/NavigatedViewer";
import { style } from "./sheet.js";

const ids = (text) => (text || "").split(" ").filter(Boolean);

const button = (text, label, act) => {
  const b = Object.assign(document.createElement("button"), { type: "button", textContent: text, className: "m-diagram__button" });
  b.setAttribute("aria-label", label);
  b.title = label;
  b.addEventListener("click", act);
  return b;
};

async function show(figure) {
  const d = figure.dataset;
  const r = await fetch(d.bpmn, { redirect: "error" });
  if (!r.ok) return;
  const [xml] = await Promise.all([r.text(), style(d.sheet)]);
  const frame = figure.querySelector(".m-figure__scroll");
  const box = Object.assign(document.createElement("div"), { className: "m-diagram" });
  frame.after(box);
  // The wheel belongs to the page.
  const viewer = new NavigatedViewer({ container: box, zoomScroll: { enabled: false } });
  try {
    await viewer.importXML(xml);
    const canvas = viewer.get("canvas"), overlays = viewer.get("overlays"), elements = viewer.get("elementRegistry");
    // What is in a called process is shown at its call.
    const here = (list) => new Set(ids(list).map((id) => id.split("/")[0]).filter((id) => elements.get(id)));
    const active = here(d.active);
    if (d.active && !active.size) throw new Error("the diagram doesn't show where the token is");
    for (const id of here(d.done)) if (!active.has(id)) canvas.addMarker(id, "m-done");
    for (const id of active) {
      canvas.addMarker(id, "m-active");
      overlays.add(id, { position: { top: -9, right: 9 }, html: Object.assign(document.createElement("span"), { className: "m-token" }) });
    }
    const svg = box.querySelector("svg");
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", frame.getAttribute("aria-label") + ". " + d.text);
    const fit = () => canvas.zoom("fit-viewport", "auto");
    // The whole process if that can be read, else where the token is.
    const first = () => {
      fit();
      if (canvas.zoom() < 0.7) {
        canvas.zoom(0.85);
        const [id] = active;
        if (id) canvas.scrollToElement(id, 60);
      }
    };
    const tools = Object.assign(document.createElement("div"), { className: "m-diagram__tools" });
    tools.append(button("+", d.zoomIn, () => canvas.zoom(Math.min(canvas.zoom() * 1.3, 4))), button("−", d.zoomOut, () => canvas.zoom(Math.max(canvas.zoom() / 1.3, 0.1))),
      button("⤢", d.fit, fit));
    box.before(tools);
    frame.hidden = true;
    first();
  } catch {
    viewer.destroy();
    box.remove();
  }
}

for (const figure of document.querySelectorAll("[data-bpmn]")) show(figure).catch(() => { /* the drawing stays */ });
