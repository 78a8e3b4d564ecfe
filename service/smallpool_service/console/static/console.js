// What the server cannot do: keep the focus where the hand is, offer one more input, move a slider with its number.
"use strict";

document.addEventListener("htmx:afterSwap", (event) => {
  const asked = event.target.querySelector ? event.target.querySelector("[data-focus]") : null;
  const wanted = asked && asked.dataset.focus ? document.getElementById(asked.dataset.focus) : null;
  if (wanted) wanted.focus();
});

// An error appears beside its field without the field being drawn anew, so the field is told of it here.
document.addEventListener("htmx:afterSettle", () => {
  for (const input of document.querySelectorAll("#builder [aria-describedby]")) {
    const errors = document.getElementById(input.getAttribute("aria-describedby"));
    if (errors && errors.textContent.trim()) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  }
});

document.addEventListener("input", (event) => {
  const input = event.target;
  if (input.matches("input[data-more]") && input.value) {
    const next = input.cloneNode();
    next.value = "";
    next.removeAttribute("id");
    delete input.dataset.more;
    input.after(next);
  }
  if (input.dataset.for) {
    const number = document.getElementById(input.dataset.for);
    number.value = input.value;
  }
  const slider = input.id ? document.querySelector(`input[data-for="${CSS.escape(input.id)}"]`) : null;
  if (slider) slider.value = input.value;
});

for (const [name, isBusy] of [["htmx:beforeRequest", true], ["htmx:afterRequest", false]]) {
  document.addEventListener(name, () => {
    const busy = document.getElementById("busy");
    if (busy) busy.classList.toggle("on", isBusy);
  });
}
