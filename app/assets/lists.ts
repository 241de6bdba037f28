/**
 * Lists, beyond what they do without script: the list alone is swapped when a filter changes (htmx), a chip
 * takes its filter off the form, a click on a row opens its record, ticked rows are counted, menus close.
 *
 *   form[data-list]      the filters; controls elsewhere belong to it by their `form` attribute
 *   a[data-clear=name]   a chip (empty: all filters)
 *   details[data-drop]   a menu
 */

import htmx from "htmx.org";

const TYPING_MS = 350;
let typing = 0;

function filters(): HTMLFormElement | null {
  return document.querySelector<HTMLFormElement>("form[data-list]");
}

function belongs(target: EventTarget | null): HTMLFormElement | null {
  const control =
    target instanceof HTMLInputElement || target instanceof HTMLSelectElement ? target : null;
  const form = control?.form ?? null;
  return form?.hasAttribute("data-list") ? form : null;
}

/** The address says what narrows and no more: no empty control, of a look-up the key alone. */
document.addEventListener("htmx:configRequest", (event) => {
  const detail = (event as CustomEvent<{ elt: Element; formData: FormData }>).detail;
  if (!detail.elt.matches("form[data-list]")) return;
  for (const key of detail.elt.querySelectorAll<HTMLInputElement>(".sis-lookup > input[type=hidden]"))
    if (key.value !== "") detail.formData.set(key.name, key.value);
  for (const [name, value] of [...detail.formData]) if (value === "") detail.formData.delete(name);
});

document.addEventListener("change", (event) => {
  const form = belongs(event.target);
  if (!form || (event.target as HTMLInputElement).name === "q") return;
  // A look-up that was typed into and not chosen from is no answer yet.
  const box = (event.target as Element).closest(".sis-lookup");
  const text = box?.querySelector<HTMLInputElement>("input[type=text]");
  const key = box?.querySelector<HTMLInputElement>("input[type=hidden]");
  if (text && key && text.value !== "" && key.value === "") return;
  form.requestSubmit();
});

document.addEventListener("input", (event) => {
  const form = belongs(event.target);
  if (!form || (event.target as HTMLInputElement).name !== "q") return;
  window.clearTimeout(typing);
  typing = window.setTimeout(() => form.requestSubmit(), TYPING_MS);
});

/** On a telephone the questions cover the answers: asked by the button, they close. */
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || !event.submitter?.matches(".sis-filters-send")) return;
  const toggle = form.querySelector<HTMLDetailsElement>(".sis-filters-toggle");
  if (toggle) toggle.open = false;
});

function blank(control: Element): void {
  if (control instanceof HTMLInputElement && control.type === "checkbox") control.checked = false;
  else if (control instanceof HTMLInputElement || control instanceof HTMLSelectElement) control.value = "";
}

function clear(form: HTMLFormElement, name: string): void {
  for (const control of form.elements) {
    const own = control.getAttribute("name") ?? "";
    if (name === "" ? own !== "orden" && own !== "filas" : own === name) blank(control);
  }
  form.requestSubmit();
}

document.addEventListener("click", (event) => {
  const target = event.target instanceof Element ? event.target : null;
  const form = filters();
  const chip = target?.closest<HTMLElement>("[data-clear]");
  if (chip && form && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    clear(form, chip.dataset["clear"] ?? "");
    return;
  }
  const row = target?.closest<HTMLTableRowElement>(".sis-rows:not(.sis-rows-still) > tbody > tr");
  if (!row || target?.closest("a, button, input, label, select, summary")) return;
  if (window.getSelection()?.toString()) return;
  if (target?.closest(".sis-tick")) row.querySelector<HTMLInputElement>(".sis-tick input")?.click();
  else row.querySelector<HTMLAnchorElement>(".sis-cell-name a")?.click();
});

/** How many rows are ticked, said beside the buttons; one box ticks all of the page. */
function count(): void {
  const bar = document.querySelector<HTMLFormElement>("form.sis-bulk");
  const boxes = [...document.querySelectorAll<HTMLInputElement>("input[name=fila]")];
  const ticked = boxes.filter((box) => box.checked).length;
  const said = bar?.querySelector("[data-ticked]");
  if (said) said.textContent = ticked === 1 ? "1 elegida" : `${ticked} elegidas`;
  const all = document.querySelector<HTMLInputElement>("[data-tick-all]");
  if (!all) return;
  all.checked = ticked > 0 && ticked === boxes.length;
  all.indeterminate = ticked > 0 && ticked < boxes.length;
}

function prepare(): void {
  const head = document.querySelector<HTMLElement>(".sis-rows thead .sis-tick");
  if (head && !head.querySelector("input")) {
    const all = document.createElement("input");
    all.type = "checkbox";
    all.className = "form-check-input";
    all.setAttribute("data-tick-all", "");
    all.setAttribute("aria-label", "Elegir todas las filas de la página");
    head.replaceChildren(all);
  }
  count();
}

document.addEventListener("change", (event) => {
  const box = event.target;
  if (!(box instanceof HTMLInputElement)) return;
  if (box.hasAttribute("data-tick-all")) {
    for (const each of document.querySelectorAll<HTMLInputElement>("input[name=fila]"))
      each.checked = box.checked;
  }
  if (box.hasAttribute("data-tick-all") || box.name === "fila") count();
});

/** What stands outside the list and speaks of its address follows it: downloads and what is kept. */
document.addEventListener("htmx:afterSwap", () => {
  const here = document.getElementById("lista")?.dataset["here"] ?? "";
  for (const field of document.querySelectorAll<HTMLInputElement>("[data-list-here]")) field.value = here;
  for (const link of document.querySelectorAll<HTMLAnchorElement>("#lista-descargas a"))
    link.search = here;
  prepare();
});

/** A menu closes by Escape, and when something else is pressed. */
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll<HTMLDetailsElement>("details[data-drop][open]"))
    if (event.target instanceof Node && !menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = document.querySelector<HTMLDetailsElement>("details[data-drop][open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector<HTMLElement>("summary")?.focus();
});

// Back and forward ask the server: the list is as it is now, the form as its address says.
htmx.config.refreshOnHistoryMiss = true;
prepare();
