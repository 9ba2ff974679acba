// Takes a signature down: by finger, pen or mouse on a canvas, as a PNG in its form.
// Without this file the form is filled in with words, or the picture is put on the ticket as a file.
"use strict";
(() => {
  for (const pad of document.querySelectorAll("[data-sign]")) {
    const canvas = pad.querySelector("canvas");
    const field = pad.querySelector('input[name="signature.png"]');
    const pen = canvas.getContext("2d");
    pad.hidden = false;

    function blank() {
      // Paper is white and ink is dark, however the page is shown.
      pen.fillStyle = "#fff";
      pen.fillRect(0, 0, canvas.width, canvas.height);
      pen.strokeStyle = "#111";
      pen.fillStyle = "#111";
      pen.lineWidth = 3;
      pen.lineCap = "round";
      pen.lineJoin = "round";
    }

    let last = null;
    const place = (event) => {
      const box = canvas.getBoundingClientRect();
      return [(event.clientX - box.left) * (canvas.width / box.width), (event.clientY - box.top) * (canvas.height / box.height)];
    };
    canvas.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      canvas.setPointerCapture(event.pointerId);
      last = place(event);
      pen.beginPath();
      pen.arc(last[0], last[1], 1.5, 0, 2 * Math.PI);
      pen.fill();
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!last) return;
      for (const one of event.getCoalescedEvents?.() ?? [event]) {
        const next = place(one);
        pen.beginPath();
        pen.moveTo(last[0], last[1]);
        pen.lineTo(next[0], next[1]);
        pen.stroke();
        last = next;
      }
    });
    // What nobody drew is no signature: the field is filled by strokes alone.
    const lifted = () => {
      if (!last) return;
      last = null;
      field.value = canvas.toDataURL("image/png");
    };
    canvas.addEventListener("pointerup", lifted);
    canvas.addEventListener("pointercancel", lifted);
    pad.querySelector("button").addEventListener("click", () => {
      blank();
      field.value = "";
    });

    blank();
    if (field.value.startsWith("data:image/png;base64,")) {
      const before = new Image();
      before.addEventListener("load", () => pen.drawImage(before, 0, 0));
      before.src = field.value;
    }
  }
})();
