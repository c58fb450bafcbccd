// SPDX-License-Identifier: EUPL-1.2
// Puts the editor of form-js in the place of a form's text. What is drawn goes back into the text, which is what is sent; if
// anything is amiss the text stays. The mark of bpmn.io stays as it is (its licence).
import { FormEditor } from "@bpmn-io/form-js-editor";
import { style } from "./sheet.js";

async function edit(area) {
  let schema;
  try { schema = JSON.parse(area.value); } catch { return; } // what can't be read can't be drawn
  await style(area.dataset.sheet);
  const box = Object.assign(document.createElement("div"), { className: "m-studio" });
  const shown = area.closest("[data-field]") || area;
  shown.before(box);
  const editor = new FormEditor({ container: box });
  const back = () => {
    // In the order in which authors read it, two spaces deep, as the files in content are written.
    area.value = JSON.stringify(editor.saveSchema(), null, 2) + "\n";
  };
  try {
    await editor.importSchema(schema);
    shown.hidden = true;
    const toggle = Object.assign(document.createElement("button"), { type: "button", className: "kern-btn kern-btn--tertiary" });
    const name = () => { toggle.textContent = shown.hidden ? area.dataset.asText : area.dataset.asForm; };
    name();
    toggle.addEventListener("click", async () => {
      if (!shown.hidden) {
        try { await editor.importSchema(JSON.parse(area.value)); } catch (e) { area.setCustomValidity(String(e.message || e)); area.reportValidity(); return; }
      }
      area.setCustomValidity("");
      shown.hidden = !shown.hidden;
      box.hidden = !shown.hidden;
      name();
    });
    box.before(toggle);
    editor.on("changed", back); // a text that nobody has changed stays as its author set it
  } catch {
    editor.destroy();
    box.remove();
    shown.hidden = false;
  }
}

for (const area of document.querySelectorAll("textarea[data-form-editor]")) edit(area);
