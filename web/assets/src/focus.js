// SPDX-License-Identifier: EUPL-1.2
// A page that came back with errors starts at their summary; a link in it leads into the field.
const first = document.querySelector("[data-focus]");
if (first) first.focus();
document.addEventListener("click", (e) => {
  const a = e.target.closest && e.target.closest(".m-errors a[href^='#']");
  const field = a && document.getElementById(decodeURIComponent(a.hash.slice(1)));
  if (!field) return;
  const typed = field.matches("select[data-search]") && field.previousElementSibling.querySelector("input");
  e.preventDefault();
  const label = document.querySelector(`label[for="${CSS.escape(field.id)}"]`);
  (field.closest("[data-field]") || label || field).scrollIntoView();
  (typed || field).focus({ preventScroll: true });
});
// Dialogs: a button with data-opens="ID" opens the dialog, one with data-closes closes it.
document.addEventListener("click", (e) => {
  const b = e.target.closest && e.target.closest("[data-opens],[data-closes]");
  if (!b) return;
  const d = b.dataset.opens ? document.getElementById(b.dataset.opens) : b.closest("dialog");
  if (!d || !d.showModal) return;
  e.preventDefault();
  if (b.dataset.opens) d.showModal(); else d.close();
});
