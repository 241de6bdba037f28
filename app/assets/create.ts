/**
 * A record that is missing from a look-up is added in a dialog, from the same form with the same errors, and
 * chosen; the form behind keeps what was typed.
 *
 *   <div data-create="/empleadores/add" data-create-title="…" data-create-failed="…">
 *     <select>…</select> or the boxes of a look-up
 *     <button class="sis-create" hidden>
 *   </div>
 *
 * The server answers the header X-SIS-Dialog with the form alone (`[data-dialog-form]`), then with {id, text}.
 */

import { contentAdded, onContent } from "./content";

interface Made {
  id: string | number;
  text: string;
}

const HEADERS = { "X-SIS-Dialog": "1" };
const NAMES_IDS = ["for", "aria-describedby", "aria-labelledby", "aria-controls", "data-depends-on"];
let opened = 0;

/** The ids of a piece, made different from those of the page: two forms may both ask for a telephone. */
function separate(root: HTMLElement, prefix: string): void {
  const own = new Set<string>();
  for (const element of root.querySelectorAll("[id]")) {
    own.add(element.id);
    element.id = prefix + element.id;
  }
  const renamed = (names: string): string =>
    names.replace(/\S+/g, (name) => (own.has(name) ? prefix + name : name));
  for (const attribute of NAMES_IDS)
    for (const element of root.querySelectorAll(`[${attribute}]`))
      element.setAttribute(attribute, renamed(element.getAttribute(attribute) ?? ""));
  for (const link of root.querySelectorAll('a[href^="#"]'))
    link.setAttribute("href", `#${renamed(link.getAttribute("href")?.slice(1) ?? "")}`);
}

function values(form: HTMLFormElement): string {
  return JSON.stringify([...new FormData(form)].map(([name, value]) => [name, String(value)]));
}

class Adding {
  private readonly dialog = document.createElement("dialog");
  private readonly prefix = `d${++opened}-`;
  private readonly box: HTMLElement;
  private readonly control: HTMLInputElement | HTMLSelectElement;
  private untouched = "";

  constructor(box: HTMLElement, control: HTMLInputElement | HTMLSelectElement) {
    this.box = box;
    this.control = control;
    this.dialog.className = "sis-dialog";
    this.dialog.setAttribute("aria-label", box.dataset["createTitle"] ?? "");
    this.dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      this.leave();
    });
    this.dialog.addEventListener("click", (event) => {
      if (event.target instanceof Element && event.target.closest("[data-close]")) this.leave();
    });
    this.dialog.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.send(event.target as HTMLFormElement, event.submitter);
    });
    this.dialog.addEventListener("close", () => {
      this.dialog.remove();
      this.control.focus();
    });
    document.body.append(this.dialog);
    this.dialog.showModal();
  }

  private form(): HTMLFormElement | null {
    return this.dialog.querySelector("form");
  }

  private leave(): void {
    const form = this.form();
    const question = form?.dataset["guard"] ?? "";
    if (form && values(form) !== this.untouched && question && !window.confirm(question)) return;
    this.dialog.close();
  }

  async load(query: URLSearchParams): Promise<void> {
    this.dialog.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(`${this.box.dataset["create"]}?${query}`, { headers: HEADERS });
      if (answer.redirected) throw new Error("the session has ended");
      this.show(await answer.text());
      const form = this.form();
      if (form) this.untouched = values(form);
    } catch {
      this.say();
    }
    this.dialog.removeAttribute("aria-busy");
  }

  private show(html: string): void {
    const page = new DOMParser().parseFromString(html, "text/html");
    if (!page.querySelector("[data-dialog-form]")) throw new Error("no form came");
    this.dialog.replaceChildren(...page.body.childNodes);
    separate(this.dialog, this.prefix);
    contentAdded(this.dialog);
    const fields = this.dialog.querySelector<HTMLElement>("form :is(input:not([type=hidden]), select, textarea)");
    (this.dialog.querySelector<HTMLElement>("[aria-invalid]") ?? fields)?.focus();
  }

  /** What went wrong, above the form, which stays as it is. */
  private say(): void {
    const line = document.createElement("p");
    line.className = "alert alert-danger sis-dialog-failed";
    line.setAttribute("role", "alert");
    line.textContent = this.box.dataset["createFailed"] ?? "";
    this.dialog.querySelector(".sis-dialog-failed")?.remove();
    this.dialog.prepend(line);
    if (this.form()) return;
    const close = document.createElement("button");
    close.type = "button";
    close.className = "btn";
    close.dataset["close"] = "";
    close.textContent = "Cerrar";
    this.dialog.append(close);
  }

  private async send(form: HTMLFormElement, submitter: HTMLElement | null): Promise<void> {
    if (this.dialog.hasAttribute("aria-busy")) return;
    this.dialog.setAttribute("aria-busy", "true");
    submitter?.setAttribute("disabled", "");
    try {
      const url = this.box.dataset["create"] ?? "";
      const answer = await fetch(url, { method: "POST", headers: HEADERS, body: new FormData(form) });
      if (answer.redirected) throw new Error("the session has ended");
      if (answer.headers.get("Content-Type")?.startsWith("application/json"))
        this.choose((await answer.json()) as Made);
      else this.show(await answer.text());
    } catch {
      this.say();
    }
    submitter?.removeAttribute("disabled");
    this.dialog.removeAttribute("aria-busy");
  }

  private choose(made: Made): void {
    const key = String(made.id);
    if (this.control instanceof HTMLSelectElement) this.control.append(new Option(made.text, key));
    else this.control.value = made.text;
    const hidden = this.box.querySelector<HTMLInputElement>("input[type=hidden]");
    if (hidden) hidden.value = key;
    else this.control.value = key;
    this.dialog.close();
    this.control.dispatchEvent(new Event("change", { bubbles: true }));
  }
}

/** Open the dialog of a look-up or select; `query` fills its form. */
export function add(box: HTMLElement, query: URLSearchParams): void {
  const control = box.querySelector<HTMLInputElement | HTMLSelectElement>(
    "input[type=text], select:not(.sis-narrowing)",
  );
  if (control) void new Adding(box, control).load(query);
}

onContent((root) => {
  for (const button of root.querySelectorAll<HTMLElement>("[data-create] .sis-create[hidden]")) {
    button.hidden = false;
    if (button.closest(".sis-lookup")) continue; // the look-up knows what was typed, and listens itself
    const box = button.closest<HTMLElement>("[data-create]");
    button.addEventListener("click", () => box && add(box, new URLSearchParams()));
  }
});
