/**
 * The progressive layer of every page: each form works without it, the server decides in any case.
 *
 * Templates speak to it by attributes alone, and bring every sentence (so that translations stay in gettext):
 *   data-confirm="¿…?"  on a form or one of its submit buttons: ask before submitting (empty: do not ask)
 *   data-once           on a form: a second click does not submit twice
 *   data-guard          on a form: the browser asks before typed data is lost ("dirty": already unsaved);
 *                       with [data-draft] in it, what is typed survives the page (drafts.ts)
 *   data-autofocus      on a field: focus it when the page opens (not on touch screens)
 * The first field with an error (aria-invalid) always gets the focus.
 * Scripts that submit a form call requestSubmit(): submit() passes all of this by.
 */

import "htmx.org";
import "./frame";
import "./lookup";
import "./similar";
import "./choose";
import "./progress";
import "./lists";
import "./forms";
import "./record";
import "./palette";
import "./help";
import "./admin";
import "./visit";
import "./desk";

const ONCE_RELEASE_MS = 30_000;
const CONTROL =
  "input:not([type=hidden]):not(:disabled), select:not(:disabled), textarea:not(:disabled)";
const SUBMIT = "button:not([type]), button[type=submit], input[type=submit]";

/** What each guarded form held when it was last known to be saved. */
const saved = new WeakMap<HTMLFormElement, string>();
const releases = new WeakMap<HTMLFormElement, number>();

function guardedForms(): HTMLFormElement[] {
  return [...document.querySelectorAll<HTMLFormElement>("form[data-guard]")];
}

/** The form's data as one comparable text. */
function contents(form: HTMLFormElement): string {
  const pairs = [...new FormData(form)].map(([name, value]) =>
    typeof value === "string" ? [name, value] : [name, value.name, value.size],
  );
  return JSON.stringify(pairs);
}

function invalidField(scope: ParentNode): HTMLElement | null {
  const marks = "[aria-invalid='true'], .sis-invalid";
  for (const mark of scope.querySelectorAll<HTMLElement>(marks)) {
    const field = mark.matches(CONTROL) ? mark : mark.querySelector<HTMLElement>(CONTROL);
    if (field) return field;
  }
  return null;
}

/** Focus a field wherever it hides: in a closed <details>. */
function reveal(field: HTMLElement): void {
  for (let box = field.parentElement; box; box = box.parentElement) {
    if (box instanceof HTMLDetailsElement) box.open = true;
  }
  field.focus();
}

function focusOnOpen(): void {
  const invalid = invalidField(document);
  if (invalid) {
    reveal(invalid);
    return;
  }
  // Somebody faster than the page keeps the cursor; on a phone the keyboard would cover the page.
  const taken = document.activeElement !== null && document.activeElement !== document.body;
  if (taken || matchMedia("(pointer: coarse)").matches) return;
  const wanted = document.querySelector<HTMLElement>("[data-autofocus]");
  if (wanted) reveal(wanted);
}

/** The button's own question wins over the form's: "save a draft" need not ask what "sign" asks. */
function question(event: SubmitEvent, form: HTMLFormElement): string {
  return event.submitter?.getAttribute("data-confirm") ?? form.dataset["confirm"] ?? "";
}

function setBusy(form: HTMLFormElement, busy: boolean): void {
  form.toggleAttribute("data-busy", busy);
  form.setAttribute("aria-busy", String(busy));
  for (const button of form.elements) {
    if (!button.matches(SUBMIT)) continue;
    // A button that the server had disabled stays so.
    if (busy && !button.hasAttribute("disabled")) {
      button.setAttribute("data-held", "");
      button.setAttribute("disabled", "");
    } else if (!busy && button.hasAttribute("data-held")) {
      button.removeAttribute("data-held");
      button.removeAttribute("disabled");
    }
  }
}

function release(form: HTMLFormElement): void {
  window.clearTimeout(releases.get(form));
  releases.delete(form);
  setBusy(form, false);
}

function holdAfterSubmit(form: HTMLFormElement): void {
  form.setAttribute("data-busy", "");
  // Later, because a disabled button would not send its own name and value.
  window.setTimeout(() => {
    if (form.hasAttribute("data-busy")) setBusy(form, true);
  }, 0);
  // A stopped or failed request leaves the page standing: what was typed must stay sendable.
  releases.set(form, window.setTimeout(() => release(form), ONCE_RELEASE_MS));
}

// Capture phase: ask before any other handler acts.
document.addEventListener(
  "submit",
  (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement)) return;
    const text = question(event, form);
    const second = form.hasAttribute("data-once") && form.hasAttribute("data-busy");
    if (second || (text !== "" && !window.confirm(text))) {
      event.preventDefault();
      event.stopImmediatePropagation();
    }
  },
  true,
);

// Bubble phase: what another handler cancelled or took over is not ours to hold.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || event.defaultPrevented) return;
  if (form.hasAttribute("data-guard")) saved.set(form, contents(form));
  if (form.hasAttribute("data-once")) holdAfterSubmit(form);
});

window.addEventListener("beforeunload", (event) => {
  if (guardedForms().some((form) => saved.has(form) && saved.get(form) !== contents(form))) {
    event.preventDefault();
    event.returnValue = ""; // browsers before 2023 look at this one
  }
});

window.addEventListener("pageshow", (event) => {
  for (const form of document.querySelectorAll<HTMLFormElement>("form[data-busy]")) release(form);
  // Back from the browser's page cache: fields, cursor and what counts as saved are as they were left.
  if (event.persisted) return;
  for (const form of guardedForms()) {
    // A form that came back with errors holds typed data that the server did not keep.
    const dirty = form.dataset["guard"] === "dirty" || invalidField(form) !== null;
    saved.set(form, dirty ? "" : contents(form));
  }
  focusOnOpen();
});
