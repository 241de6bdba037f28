/**
 * Accounts and administration. Everything works without this file; templates bring the words.
 *
 *   data-show="Mostrar|la contraseña" data-hide="Ocultar|la contraseña"   on a password field: a button beside it
 *       (what comes after the bar is said, not shown)
 *   <button data-copy="Copiada" hidden>   copies the text or the value of what stands before it, and says so
 *   <button data-print hidden>                             prints the page
 *   <input data-sift="id" hidden>         hides the `[data-sift-row]` of that element that do not
 *       hold every word, and each `[data-sift-group]` that is left without any; the `hidden` may stand on its box
 */

function labelled(button: HTMLElement, words: string): void {
  const [shown, said] = words.split("|");
  const rest = document.createElement("span");
  rest.className = "visually-hidden";
  rest.textContent = ` ${said ?? ""}`;
  button.replaceChildren(shown ?? "", rest);
}

function offerToShow(field: HTMLInputElement): void {
  const button = document.createElement("button");
  const frame = document.createElement("span");
  const turn = (shown: boolean): void => {
    field.type = shown ? "text" : "password";
    labelled(button, (shown ? field.dataset["hide"] : field.dataset["show"]) ?? "");
  };
  button.type = "button";
  button.className = "sis-reveal-button";
  button.addEventListener("click", () => turn(field.type === "password"));
  frame.className = "sis-reveal";
  field.replaceWith(frame);
  frame.append(field, button);
  turn(false);
  // What is sent as readable text would be kept by the browser among the values it suggests.
  field.form?.addEventListener("submit", () => turn(false));
}

async function copy(button: HTMLElement): Promise<void> {
  const source = button.previousElementSibling;
  if (!source) return;
  const text = source instanceof HTMLTextAreaElement ? source.value : (source.textContent ?? "").trim();
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = button.dataset["copy"] ?? "";
  } catch {
    // No permission, or no secure address: selected, so that Ctrl+C does it.
    if (source instanceof HTMLTextAreaElement) source.select();
    else window.getSelection()?.selectAllChildren(source);
  }
}

function fold(text: string): string {
  return text.normalize("NFD").replace(/\p{Diacritic}/gu, "").toLowerCase();
}

function sift(field: HTMLInputElement): void {
  const scope = document.getElementById(field.dataset["sift"] ?? "");
  if (!scope) return;
  const words = fold(field.value).split(/\s+/).filter(Boolean);
  for (const row of scope.querySelectorAll<HTMLElement>("[data-sift-row]")) {
    const group = row.closest<HTMLElement>("[data-sift-group]")?.dataset["siftGroup"] ?? "";
    const text = fold(`${group} ${row.dataset["siftRow"] || (row.textContent ?? "")}`);
    row.hidden = !words.every((word) => text.includes(word));
  }
  for (const group of scope.querySelectorAll<HTMLElement>("[data-sift-group]")) {
    group.hidden = !group.querySelector("[data-sift-row]:not([hidden])");
  }
}

for (const field of document.querySelectorAll<HTMLInputElement>("input[data-show]")) offerToShow(field);

for (const button of document.querySelectorAll<HTMLElement>("[data-copy]")) {
  button.hidden = false;
  button.setAttribute("aria-live", "polite");
  button.addEventListener("click", () => void copy(button));
}

for (const button of document.querySelectorAll<HTMLElement>("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

for (const field of document.querySelectorAll<HTMLInputElement>("input[data-sift]")) {
  const box = field.closest<HTMLElement>("[hidden]");
  if (box) box.hidden = false;
  field.addEventListener("input", () => sift(field));
  if (field.value) sift(field);
}
