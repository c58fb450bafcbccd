// SPDX-License-Identifier: EUPL-1.2
// A form is sent once, however often its button is pressed.
document.addEventListener("submit", (e) => {
  const form = e.target;
  if (!form.hasAttribute("data-single")) return;
  if (form.getAttribute("aria-busy") === "true") { e.preventDefault(); return; }
  form.setAttribute("aria-busy", "true");
  setTimeout(() => form.removeAttribute("aria-busy"), 10000);
});
// Back from the browser's memory the form can be sent again.
addEventListener("pageshow", () => {
  for (const f of document.querySelectorAll("form[aria-busy]")) f.removeAttribute("aria-busy");
});
