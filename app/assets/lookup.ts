/**
 * A text box that looks records up: an ARIA combobox over `GET <data-lookup>?q=`.
 *
 *   <div class="sis-lookup" data-lookup="/lookup/district" data-none="…" data-failed="…" data-found="…"
 *        data-depends-on="id of another field" data-depends-as="its parameter">
 *     <select hidden>…</select>                    a select that narrows, optional
 *     <input type="text" name="x" value="Luque">   what the person types
 *     <input type="hidden" name="x" value="1103">  the key of what was chosen
 *   </div>
 *
 * Keys: down opens and moves, up moves, Enter chooses, Escape closes. Text that was not chosen from the list
 * goes to the server as text, which takes an exact code or name and nothing else.
 */

import { onContent } from "./content";
import { add } from "./create";

interface Choice {
  id: string | number;
  text: string;
}

const PAUSE_MS = 200;

/** The last line of a look-up that creates: it opens the dialog. */
const NEW = "";

class Lookup {
  private readonly box: HTMLElement;
  private readonly input: HTMLInputElement;
  private readonly key: HTMLInputElement;
  private readonly list = document.createElement("ul");
  private readonly status = document.createElement("p");
  private choices: Choice[] = [];
  private active = -1;
  private timer = 0;
  private asked = 0;

  constructor(box: HTMLElement, input: HTMLInputElement, key: HTMLInputElement) {
    this.box = box;
    this.input = input;
    this.key = key;
    this.list.id = `${input.id}-list`;
    this.list.className = "sis-lookup-list";
    this.list.setAttribute("role", "listbox");
    this.list.hidden = true;
    this.status.className = "visually-hidden";
    this.status.setAttribute("role", "status");
    box.append(this.list, this.status);
    for (const [name, value] of [
      ["role", "combobox"],
      ["aria-autocomplete", "list"],
      ["aria-expanded", "false"],
      ["aria-controls", this.list.id],
    ] as const)
      input.setAttribute(name, value);
    const button = box.querySelector(".sis-create");
    button?.addEventListener("click", () => this.create());
    const label = document.querySelector<HTMLElement>(`label[for="${input.id}"]`);
    if (label) this.list.setAttribute("aria-label", label.innerText.trim());
    this.listen();
  }

  private listen(): void {
    this.input.addEventListener("input", () => {
      this.key.value = "";
      this.later();
    });
    this.input.addEventListener("click", () => this.open());
    this.input.addEventListener("keydown", (event) => this.press(event));
    this.input.addEventListener("blur", () => this.close());
    // Before blur, so that the list is still there when the finger comes up.
    this.list.addEventListener("pointerdown", (event) => event.preventDefault());
    this.list.addEventListener("click", (event) => {
      const option = (event.target as Element).closest<HTMLElement>("[role=option]");
      if (option) this.choose(Number(option.dataset["index"]));
    });
    const master = this.master();
    if (master instanceof HTMLSelectElement && this.box.contains(master)) master.hidden = false;
    master?.addEventListener("change", () => this.clear());
  }

  private master(): HTMLElement | null {
    const id = this.box.dataset["dependsOn"];
    return id ? document.getElementById(id) : null;
  }

  private masterValue(): string {
    const master = this.master();
    const key = master?.closest(".sis-lookup")?.querySelector<HTMLInputElement>("input[type=hidden]");
    if (master instanceof HTMLSelectElement) return master.value;
    return key?.value ?? (master instanceof HTMLInputElement ? master.value : "");
  }

  private clear(): void {
    this.input.value = "";
    this.key.value = "";
    this.close();
  }

  private later(): void {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.search(), PAUSE_MS);
  }

  private open(): void {
    if (this.list.hidden) void this.search();
  }

  private async search(): Promise<void> {
    window.clearTimeout(this.timer);
    const turn = ++this.asked;
    // A chosen text is no search: opening shows the first ones again.
    const query = new URLSearchParams({ q: this.key.value ? "" : this.input.value });
    const narrowed = this.masterValue();
    if (narrowed) query.set(this.box.dataset["dependsAs"] ?? "", narrowed);
    try {
      const answer = await fetch(`${this.box.dataset["lookup"]}?${query}`, {
        headers: { Accept: "application/json" },
      });
      if (!answer.ok) throw new Error(String(answer.status));
      const found = (await answer.json()) as Choice[];
      if (turn === this.asked && document.activeElement === this.input) this.show(found);
    } catch {
      if (turn === this.asked) this.say(this.box.dataset["failed"] ?? "");
    }
  }

  private show(found: Choice[]): void {
    const adds = "create" in this.box.dataset;
    const none = this.box.dataset["none"] ?? "";
    this.choices = adds ? [...found, { id: NEW, text: `${this.box.dataset["createTitle"]}…` }] : found;
    this.active = -1;
    this.list.replaceChildren(...this.choices.map((choice, index) => this.option(choice, index)));
    if (found.length === 0) this.list.prepend(sentence(none));
    this.expand();
    this.status.textContent = found.length ? `${found.length} ${this.box.dataset["found"] ?? ""}` : none;
  }

  private option(choice: Choice, index: number): HTMLLIElement {
    const option = document.createElement("li");
    option.id = `${this.list.id}-${index}`;
    option.setAttribute("role", "option");
    option.setAttribute("aria-selected", "false");
    option.dataset["index"] = String(index);
    option.textContent = choice.text;
    option.classList.toggle("sis-lookup-new", choice.id === NEW);
    return option;
  }

  /** A sentence in the place of the list. */
  private say(words: string): void {
    this.choices = [];
    this.list.replaceChildren(sentence(words));
    this.expand();
    this.status.textContent = words;
  }

  private expand(): void {
    this.list.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
    this.input.removeAttribute("aria-activedescendant");
  }

  private close(): void {
    this.asked++;
    window.clearTimeout(this.timer);
    this.list.hidden = true;
    this.list.replaceChildren();
    this.active = -1;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }

  private press(event: KeyboardEvent): void {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (this.list.hidden) this.open();
      else this.move(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter" && !this.list.hidden && this.active >= 0) {
      event.preventDefault();
      this.choose(this.active);
    } else if (event.key === "Escape" && !this.list.hidden) {
      event.preventDefault();
      this.close();
    }
  }

  private move(step: number): void {
    const count = this.choices.length;
    if (count === 0) return;
    const from = this.active < 0 && step < 0 ? 0 : this.active;
    this.active = (from + step + count) % count;
    const options = [...this.list.querySelectorAll("[role=option]")];
    options.forEach((option, index) =>
      option.setAttribute("aria-selected", String(index === this.active)),
    );
    const option = options[this.active];
    option?.scrollIntoView({ block: "nearest" });
    this.input.setAttribute("aria-activedescendant", option?.id ?? "");
  }

  private choose(index: number): void {
    const choice = this.choices[index];
    if (!choice) return;
    if (choice.id === NEW) {
      this.create();
      return;
    }
    this.input.value = choice.text;
    this.key.value = String(choice.id);
    this.close();
    this.input.dispatchEvent(new Event("change", { bubbles: true }));
  }

  /** Add what is missing: its form begins with what was typed in vain and with what narrows this look-up. */
  private create(): void {
    const query = new URLSearchParams();
    const typed = this.key.value ? "" : this.input.value.trim();
    if (typed && !/\d/.test(typed)) query.set("escrito", typed);
    const narrowed = this.masterValue();
    if (narrowed) query.set(this.box.dataset["dependsAs"] ?? "", narrowed);
    this.close();
    add(this.box, query);
  }
}

/** A line of the list that cannot be chosen. */
function sentence(words: string): HTMLLIElement {
  const line = document.createElement("li");
  line.className = "sis-lookup-empty";
  line.setAttribute("role", "presentation");
  line.textContent = words;
  return line;
}

onContent((root) => {
  for (const box of root.querySelectorAll<HTMLElement>(".sis-lookup:not([data-ready])")) {
    const input = box.querySelector<HTMLInputElement>("input[type=text]");
    const key = box.querySelector<HTMLInputElement>("input[type=hidden]");
    if (!input || !key) continue;
    box.dataset["ready"] = "";
    new Lookup(box, input, key);
  }
});
