/** The frame: the navigation that folds and remembers, the drop-downs of the bar, the theme. */

import "bootstrap/js/src/offcanvas";

const YEAR = 365 * 24 * 60 * 60;
const root = document.documentElement;

function keep(name: string, value: string): void {
  document.cookie = `${name}=${value}; path=/; max-age=${YEAR}; samesite=lax`;
}

/** Light, dark, or as the device: at once, and on every page from now on. */
export function chooseTheme(theme: string): void {
  keep("sis_tema", theme);
  root.dataset["theme"] = theme;
  root.dispatchEvent(new Event("sis:theme"));
  for (const box of document.querySelectorAll<HTMLInputElement>("[data-themes] input")) {
    box.checked = box.value === theme;
  }
}

// The navigation

for (const button of document.querySelectorAll<HTMLButtonElement>("[data-fold]")) {
  button.addEventListener("click", () => {
    const folded = root.classList.toggle("sis-folded");
    button.setAttribute("aria-expanded", String(!folded));
    keep("sis_menu", folded ? "plegado" : "abierto");
  });
}

const sections = [...document.querySelectorAll<HTMLDetailsElement>("details[data-section]")];
for (const section of sections) {
  section.addEventListener("toggle", () => {
    const open = sections.filter((each) => each.open).map((each) => each.dataset["section"]);
    keep("sis_secciones", open.join("."));
  });
}

/** The entry of the present page, in sight when the navigation is longer than the screen. */
function showPresentEntry(): void {
  const side = document.querySelector<HTMLElement>(".sis-side");
  const entry = side?.querySelector<HTMLElement>("[aria-current=page]");
  if (!side || !entry) return;
  const below = entry.getBoundingClientRect().bottom - side.getBoundingClientRect().bottom;
  if (below > 0) side.scrollTop += below + 16;
}

showPresentEntry();
const navigation = document.getElementById("navegacion");
navigation?.addEventListener("show.bs.offcanvas", () => {
  // Bootstrap makes a dialog of it: a landmark that slides in stays one.
  queueMicrotask(() => {
    navigation.removeAttribute("role");
    navigation.removeAttribute("aria-modal");
  });
});
navigation?.addEventListener("shown.bs.offcanvas", showPresentEntry);

// What drops down from the bar: one at a time, closed by Escape, by a click or a focus elsewhere

const drops = [...document.querySelectorAll<HTMLDetailsElement>("details[data-pop]")];

function closeDrops(but: Node | null): void {
  for (const drop of drops) if (!but || !drop.contains(but)) drop.open = false;
}

document.addEventListener("click", (event) => closeDrops(event.target as Node));
document.addEventListener("focusin", (event) => closeDrops(event.target as Node));
document.addEventListener("keydown", (event) => {
  const open = drops.find((drop) => drop.open);
  if (event.key !== "Escape" || !open) return;
  open.open = false;
  open.querySelector("summary")?.focus();
});

for (const choice of document.querySelectorAll<HTMLInputElement>("[data-themes] input")) {
  choice.addEventListener("change", () => chooseTheme(choice.value));
}
