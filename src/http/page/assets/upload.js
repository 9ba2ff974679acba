// Drag and drop for the form of bills, its progress, and a limit told before anything is sent.
// Everything works without this file.
"use strict";
(() => {
  const form = document.getElementById("upload");
  if (!form) return;
  const sent = document.getElementById("sent");
  const role = (name) => ["theirs", "rates", "contract", "ours"].find((role) => name.toLowerCase().includes(role));

  function show(input) {
    const zone = input.closest(".drop");
    zone.classList.toggle("chosen", input.files.length > 0);
    let name = zone.querySelector(".chosen-name");
    if (!name) {
      name = document.createElement("span");
      name.className = "chosen-name";
      zone.append(name);
    }
    name.textContent = input.files[0]?.name ?? "";
    const large = [...input.files].some((file) => file.size > form.dataset.most * 1048576);
    input.setCustomValidity(large ? form.dataset.large : "");
  }

  for (const zone of form.querySelectorAll(".drop")) {
    const input = zone.querySelector("input");
    input.addEventListener("change", () => show(input));
    for (const name of ["dragenter", "dragover"]) zone.addEventListener(name, (event) => { event.preventDefault(); zone.classList.add("over"); });
    zone.addEventListener("dragleave", () => zone.classList.remove("over"));
    zone.addEventListener("drop", (event) => {
      event.preventDefault();
      zone.classList.remove("over");
      const files = [...event.dataTransfer.files];
      // Several at once: each to the place that its name says.
      for (const [place, file] of files.entries()) {
        const target = files.length === 1 ? input : form.elements[role(file.name) ?? ["ours", "theirs", "rates", "contract"][place]];
        if (!target) continue;
        const one = new DataTransfer();
        one.items.add(file);
        target.files = one.files;
        show(target);
      }
    });
  }
  form.addEventListener("submit", () => {
    sent.textContent = form.dataset.sending;
    form.querySelector("button").disabled = true;
  });
  addEventListener("pageshow", () => { form.querySelector("button").disabled = false; sent.textContent = ""; });
})();
