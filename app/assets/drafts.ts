/**
 * What is typed and not saved survives a crash and an ended session: it is kept on this device, for this person,
 * this address and this version of the record, and offered back; never put back unasked.
 *
 *   <form data-guard> … <div data-draft hidden><time data-draft-when></time>
 *     <button data-draft-use> <button data-draft-drop></div> … <a data-leave> <span data-draft-kept="…"> … </form>
 *
 * Of what is hidden a look-up's key and [data-kept] are taken; a form whose server has to draw again what came back
 * names a button for it in data-draft-redraw.
 *
 * A form without [data-draft] is not kept: what is told in confidence stays off the device. Never kept either:
 * passwords, files, hidden values. Dropped when the page that follows says that it was saved, on leaving on
 * purpose, on logging out, and after seven days.
 */

const PREFIX = "sis-borrador:";
const SENT = "sis-enviado";
const REST_MS = 400;
const KEPT_MS = 7 * 24 * 60 * 60 * 1000;

/** Name, position among those of the name, value; `null`: not checked. */
type Entry = [name: string, position: number, value: string[] | null];

interface Draft {
  at: number;
  entries: Entry[];
}

type Control = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;

const user = document.documentElement.dataset["user"] ?? "";

function stored(key: string): Draft | null {
  try {
    const draft = JSON.parse(localStorage.getItem(key) ?? "null") as Draft | null;
    return draft && Array.isArray(draft.entries) ? draft : null;
  } catch {
    return null;
  }
}

function drop(wanted: (key: string) => boolean): void {
  for (const key of Object.keys(localStorage))
    if (key.startsWith(PREFIX) && wanted(key)) localStorage.removeItem(key);
}

function keyOf(form: HTMLFormElement): string {
  const version = form.querySelector<HTMLInputElement>("input[name=_version]")?.value ?? "";
  return `${PREFIX}${user}:${window.location.pathname}${window.location.search}:${version}`;
}

function controls(form: HTMLFormElement): [string, number, Control][] {
  const seen = new Map<string, number>();
  const found: [string, number, Control][] = [];
  for (const each of form.elements) {
    if (!each.matches("input, select, textarea")) continue;
    const control = each as Control;
    const secret = control.matches("[type=password], [type=file], [type=submit], [autocomplete=one-time-code]");
    const hidden = control.type === "hidden" && !control.closest(".sis-lookup") && !("kept" in control.dataset);
    if (control.name === "" || secret || hidden) continue;
    const position = seen.get(control.name) ?? 0;
    seen.set(control.name, position + 1);
    found.push([control.name, position, control]);
  }
  return found;
}

function value(control: Control): string[] | null {
  if (control.matches("[type=checkbox], [type=radio]"))
    return (control as HTMLInputElement).checked ? [control.value] : null;
  if (control instanceof HTMLSelectElement) return [...control.selectedOptions].map((option) => option.value);
  return [control.value];
}

function entries(form: HTMLFormElement): Entry[] {
  return controls(form).map(([name, position, control]) => [name, position, value(control)]);
}

function restore(form: HTMLFormElement, draft: Draft): void {
  const kept = new Map(draft.entries.map(([name, position, told]) => [`${name} ${position}`, told]));
  for (const [name, position, control] of controls(form)) {
    const told = kept.get(`${name} ${position}`);
    kept.delete(`${name} ${position}`);
    if (told === undefined) continue;
    if (control.matches("[type=checkbox], [type=radio]")) (control as HTMLInputElement).checked = told !== null;
    else if (control instanceof HTMLSelectElement)
      for (const option of control.options) option.selected = told?.includes(option.value) ?? false;
    else control.value = told?.[0] ?? "";
  }
  // What the page does not have yet, as the places of an order: the server draws it from what is sent.
  for (const [place, told] of kept)
    for (const each of told ?? []) {
      const box = document.createElement("input");
      box.type = "hidden";
      box.name = place.slice(0, place.lastIndexOf(" "));
      box.value = each;
      form.append(box);
    }
}

function moment(at: number): string {
  const date = new Date(at);
  const two = (number: number): string => String(number).padStart(2, "0");
  const day = `${two(date.getDate())}/${two(date.getMonth() + 1)}/${date.getFullYear()}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

function keep(form: HTMLFormElement, offer: HTMLElement): void {
  const key = keyOf(form);
  const opened = JSON.stringify(entries(form));
  // A form that came back with errors holds what was typed: the draft is older or the same.
  const answered = form.querySelector("[aria-invalid='true'], .sis-invalid") || form.dataset["guard"] === "dirty";
  const draft = answered ? null : stored(key);
  let timer = 0;
  let left = false;
  const told = form.querySelector<HTMLElement>("[data-draft-kept]");

  function write(): void {
    window.clearTimeout(timer);
    timer = 0;
    if (left) return;
    try {
      localStorage.setItem(key, JSON.stringify({ at: Date.now(), entries: entries(form) } satisfies Draft));
      if (told) told.textContent = `${told.dataset["draftKept"]} ${moment(Date.now()).slice(-5)}`;
    } catch {
      // Full, or forbidden by the browser: the form works as it did without drafts.
    }
  }

  function later(): void {
    left = false;
    if (told) told.textContent = "";
    window.clearTimeout(timer);
    timer = window.setTimeout(write, REST_MS);
  }

  form.addEventListener("input", later);
  form.addEventListener("change", later);
  window.addEventListener("pagehide", () => (left ? localStorage.removeItem(key) : timer && write()));
  form.addEventListener("submit", () => {
    write();
    sessionStorage.setItem(SENT, key);
  });
  form.addEventListener("click", (event) => {
    if (event.target instanceof Element && event.target.closest("[data-leave]")) left = true;
  });

  if (!draft || JSON.stringify(draft.entries) === opened) return;
  const when = offer.querySelector<HTMLElement>("[data-draft-when]");
  if (when) when.textContent = moment(draft.at);
  offer.hidden = false;
  offer.querySelector("[data-draft-use]")?.addEventListener("click", () => {
    restore(form, draft);
    offer.hidden = true;
    write();
    const redraw = form.querySelector<HTMLButtonElement>(`[name="${offer.dataset["draftRedraw"] ?? ""}"]`);
    if (redraw) form.requestSubmit(redraw);
    else form.querySelector<HTMLElement>("input:not([type=hidden]), select, textarea")?.focus();
  });
  offer.querySelector("[data-draft-drop]")?.addEventListener("click", () => {
    offer.hidden = true;
    localStorage.removeItem(key);
  });
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form instanceof HTMLFormElement && form.getAttribute("action")?.endsWith("/logout/"))
    drop((key) => key.startsWith(`${PREFIX}${user}:`));
});

try {
  drop((key) => (stored(key)?.at ?? 0) < Date.now() - KEPT_MS);
  const sent = sessionStorage.getItem(SENT);
  sessionStorage.removeItem(SENT);
  if (sent && document.querySelector(".alert-success")) localStorage.removeItem(sent);
  if (user)
    for (const form of document.querySelectorAll<HTMLFormElement>("form[data-guard]")) {
      const offer = form.querySelector<HTMLElement>("[data-draft]");
      if (offer) keep(form, offer);
    }
} catch {
  // Storage forbidden by the browser: there are no drafts, and nothing else changes.
}
