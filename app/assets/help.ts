/**
 * The panel of help, and words explained:
 * `<span class="sis-termed"><button class="sis-term">…</button><span class="sis-meaning">…`.
 *
 * Styles show the meaning on hover and focus; here it is kept inside the window, and Escape puts it away until the
 * word is left.
 */

const GAP_PX = 8;

// Bootstrap calls every sliding panel a modal dialog; this one stands beside the page, which goes on.
const panel = document.getElementById("ayuda");
panel?.addEventListener("show.bs.offcanvas", () => {
  queueMicrotask(() => {
    panel.removeAttribute("aria-modal");
    panel.setAttribute("role", "complementary");
  });
});

function place(word: HTMLElement): void {
  const meaning = word.querySelector<HTMLElement>(".sis-meaning");
  if (!meaning) return;
  meaning.style.left = "0";
  const box = meaning.getBoundingClientRect();
  const over = box.right - (document.documentElement.clientWidth - GAP_PX);
  const under = Math.max(GAP_PX - (box.left - Math.max(over, 0)), 0);
  meaning.style.left = `${under - Math.max(over, 0)}px`;
}

function wordOf(target: EventTarget | null): HTMLElement | null {
  return target instanceof Element ? target.closest<HTMLElement>(".sis-termed") : null;
}

for (const name of ["focusin", "pointerover"]) {
  document.addEventListener(name, (event) => {
    const word = wordOf(event.target);
    if (word) place(word);
  });
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const shown = document.querySelectorAll(".sis-termed:hover, .sis-termed:focus-within");
  for (const word of shown) word.setAttribute("data-away", "");
});

for (const name of ["focusout", "pointerout"]) {
  document.addEventListener(name, (event) => {
    const word = wordOf(event.target);
    if (word && !word.contains((event as FocusEvent).relatedTarget as Node | null)) {
      word.removeAttribute("data-away");
    }
  });
}
