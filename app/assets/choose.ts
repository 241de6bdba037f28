/**
 * A long list of check boxes made searchable; without this script it stands whole.
 *
 *   <div data-filter-bar hidden>          shown when the script runs
 *     <input data-filters="#list">        narrows the children of the list with data-words
 *     <button data-check="#list">         checks those that are shown; data-uncheck clears every one
 *     <output data-checked="#list" data-one="1 elegido" data-many="elegidos">
 *   <… id="list"> … <li data-words="…"> …   a <details data-group> without a match is hidden with them
 *   <p data-none-of="#list" hidden>       shown when nothing matches
 */

function folded(text: string): string {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}

function listOf(element: HTMLElement, name: string): HTMLElement | null {
  const selector = element.dataset[name];
  return selector ? document.querySelector<HTMLElement>(selector) : null;
}

function items(list: HTMLElement): HTMLElement[] {
  return [...list.querySelectorAll<HTMLElement>("[data-words]")];
}

function boxes(list: HTMLElement): HTMLInputElement[] {
  return [...list.querySelectorAll<HTMLInputElement>("input[type=checkbox]")];
}

function narrow(list: HTMLElement, typed: string): void {
  const words = folded(typed).split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const item of items(list)) {
    const text = folded(item.dataset["words"] ?? "");
    item.hidden = !words.every((word) => text.includes(word));
    if (!item.hidden) shown += 1;
  }
  for (const group of list.querySelectorAll<HTMLDetailsElement>("details[data-group]")) {
    const here = items(group).some((item) => !item.hidden);
    group.hidden = !here;
    if (words.length > 0 && here) group.open = true;
  }
  const none = document.querySelector<HTMLElement>(`[data-none-of="#${list.id}"]`);
  if (none) none.hidden = shown > 0;
}

function count(list: HTMLElement): void {
  const number = boxes(list).filter((box) => box.checked).length;
  for (const output of document.querySelectorAll<HTMLOutputElement>(`[data-checked="#${list.id}"]`)) {
    const { one = "", many = "" } = output.dataset;
    output.value = number === 1 ? one : `${number} ${many}`;
  }
}

for (const bar of document.querySelectorAll<HTMLElement>("[data-filter-bar]")) bar.hidden = false;

for (const input of document.querySelectorAll<HTMLInputElement>("[data-filters]")) {
  const list = listOf(input, "filters");
  if (!list) continue;
  input.addEventListener("input", () => narrow(list, input.value));
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.preventDefault(); // it searches; the button below goes on
  });
  list.addEventListener("change", () => count(list));
  narrow(list, input.value);
  count(list);
}

for (const button of document.querySelectorAll<HTMLButtonElement>("[data-check], [data-uncheck]")) {
  const list = listOf(button, "check") ?? listOf(button, "uncheck");
  if (!list) continue;
  const checks = "check" in button.dataset;
  button.addEventListener("click", () => {
    for (const box of boxes(list)) {
      const item = box.closest<HTMLElement>("[data-words]");
      if (!checks) box.checked = false;
      else if (!item?.hidden) box.checked = true;
    }
    count(list);
  });
}
