/**
 * A signature drawn with finger, pen or mouse: <div data-sign> with a canvas, the hidden field that takes the
 * picture (PNG as a data: address), and a button [data-sign-clear]. What was drawn before an error is drawn again.
 */

const INK = "#14304f";
const WIDTH = 3.5;

function sign(box: HTMLElement, canvas: HTMLCanvasElement, field: HTMLInputElement): void {
  const pen = canvas.getContext("2d");
  const clear = box.querySelector<HTMLButtonElement>("[data-sign-clear]");
  if (!pen) return;
  let last: { x: number; y: number } | null = null;

  function at(event: PointerEvent): { x: number; y: number } {
    const frame = canvas.getBoundingClientRect();
    return {
      x: ((event.clientX - frame.left) * canvas.width) / frame.width,
      y: ((event.clientY - frame.top) * canvas.height) / frame.height,
    };
  }

  function line(from: { x: number; y: number }, to: { x: number; y: number }): void {
    if (!pen) return;
    pen.strokeStyle = INK;
    pen.lineWidth = WIDTH;
    pen.lineCap = "round";
    pen.lineJoin = "round";
    pen.beginPath();
    pen.moveTo(from.x, from.y);
    pen.lineTo(to.x + 0.01, to.y);
    pen.stroke();
  }

  function keep(): void {
    field.value = canvas.toDataURL("image/png");
    if (clear) clear.hidden = false;
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    last = at(event);
    line(last, last);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!last) return;
    // All the points that the browser put together: a quick hand keeps its curves.
    const points = event.getCoalescedEvents?.() ?? [];
    for (const point of points.length > 0 ? points : [event]) {
      const next = at(point);
      line(last, next);
      last = next;
    }
  });
  for (const end of ["pointerup", "pointercancel"] as const)
    canvas.addEventListener(end, () => {
      if (last) keep();
      last = null;
    });
  clear?.addEventListener("click", () => {
    pen.clearRect(0, 0, canvas.width, canvas.height);
    field.value = "";
    clear.hidden = true;
    canvas.focus();
  });
  if (field.value !== "") {
    const picture = new Image();
    picture.addEventListener("load", () => pen.drawImage(picture, 0, 0));
    picture.src = field.value;
    if (clear) clear.hidden = false;
  }
}

for (const box of document.querySelectorAll<HTMLElement>("[data-sign]")) {
  const canvas = box.querySelector("canvas");
  const field = box.querySelector<HTMLInputElement>("input[name=drawing]");
  if (canvas && field) sign(box, canvas, field);
}
