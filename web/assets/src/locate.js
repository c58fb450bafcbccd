// SPDX-License-Identifier: EUPL-1.2
// Enters where the device is, when somebody asks for it.
const offer = (input) => {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "kern-btn kern-btn--tertiary m-locate";
  button.innerHTML = '<span class="kern-label"></span>';
  button.firstChild.textContent = input.dataset.locate;
  const said = document.createElement("p");
  said.className = "m-muted";
  said.setAttribute("role", "status");
  button.addEventListener("click", () => {
    said.textContent = input.dataset.locating;
    navigator.geolocation.getCurrentPosition(({ coords }) => {
      said.textContent = "";
      input.value = coords.latitude.toFixed(6) + ", " + coords.longitude.toFixed(6);
      input.dispatchEvent(new Event("change", { bubbles: true }));
      input.focus();
    }, () => { said.textContent = input.dataset.lost; }, { enableHighAccuracy: true, timeout: 15000 });
  });
  input.after(button, said);
};

// A part of the page may be put in anew (data-patch): its buttons come back.
const buttons = () => {
  for (const input of document.querySelectorAll("input[data-locate]")) {
    if (!input.nextElementSibling?.classList.contains("m-locate")) offer(input);
  }
};
if (navigator.geolocation) {
  buttons();
  new MutationObserver(buttons).observe(document.body, { childList: true, subtree: true });
}
