/** Forms: what is typed put in order, kept, and saved from the keyboard; missing records added on the spot. */

import "./masks";
import "./create";
import "./drafts";

/** The form that the keyboard means: the one that holds the cursor, else the only one there is. */
function meant(): HTMLFormElement | null {
  const here = document.activeElement?.closest<HTMLFormElement>("form[data-guard]");
  const scope = document.querySelector("dialog[open]") ?? document;
  const forms = scope.querySelectorAll<HTMLFormElement>("form[data-guard]");
  return here ?? (forms.length === 1 ? (forms[0] ?? null) : null);
}

document.addEventListener("keydown", (event) => {
  const saves = (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey;
  if (!saves || (event.key !== "s" && event.key !== "Enter")) return;
  const form = meant();
  if (!form) return;
  event.preventDefault();
  const button = form.querySelector<HTMLButtonElement>("button.btn-primary[type=submit]");
  if (!event.repeat && !form.hasAttribute("data-busy")) form.requestSubmit(button);
});
