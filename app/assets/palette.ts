/**
 * The palette: an ARIA combobox in a <dialog> over `GET <data-url>?q=`, whose answer is a list of options.
 *
 * Opened by [data-palette-open], Ctrl-K or «/». Arrows move, Enter opens, Escape closes. Enter before the answer
 * came goes to the page of results, which leads to the record of a number typed whole. What was opened lately is
 * kept for this tab and this person only, and forgotten on leaving.
 */

import Offcanvas from "bootstrap/js/src/offcanvas";
import { chooseTheme } from "./frame";

interface Visited {
  title: string;
  url: string;
}

const PAUSE_MS = 150;
const KEPT = 8;
const palette = document.querySelector<HTMLDialogElement>("dialog.sis-palette");

function key(): string {
  return `sis_recientes_${palette?.dataset["who"] ?? ""}`;
}

function recent(): Visited[] {
  try {
    return JSON.parse(sessionStorage.getItem(key()) ?? "[]") as Visited[];
  } catch {
    return [];
  }
}

/** The present page joins what was opened lately, but for the first page and those of search and help. */
function remember(): void {
  const title = document.querySelector("main h1")?.textContent?.trim();
  const url = location.pathname + location.search;
  if (!title || location.pathname === "/" || /^\/(buscar|ayuda)/.test(location.pathname)) return;
  const others = recent().filter((each) => each.url !== url && each.title !== title);
  sessionStorage.setItem(key(), JSON.stringify([{ title, url }, ...others].slice(0, KEPT)));
}

class Palette {
  private readonly box: HTMLDialogElement;
  private readonly input: HTMLInputElement;
  private readonly list: HTMLElement;
  private readonly status: HTMLElement;
  private active = -1;
  private timer = 0;
  private asked = 0;
  private answered: string | null = null;

  constructor(box: HTMLDialogElement, input: HTMLInputElement, list: HTMLElement, status: HTMLElement) {
    this.box = box;
    this.input = input;
    this.list = list;
    this.status = status;
    input.addEventListener("input", () => {
      window.clearTimeout(this.timer);
      this.timer = window.setTimeout(() => void this.search(), PAUSE_MS);
    });
    input.addEventListener("keydown", (event) => this.press(event));
    // The cursor stays in the box: a click on the list must not take it away.
    list.addEventListener("pointerdown", (event) => event.preventDefault());
    list.addEventListener("click", (event) => {
      const option = (event.target as Element).closest<HTMLElement>("[role=option]");
      if (option && this.obey(option)) event.preventDefault();
    });
    box.addEventListener("click", (event) => {
      if (event.target === box) box.close(); // the ground behind it
    });
    box.querySelector("[data-palette-close]")?.addEventListener("click", () => box.close());
    box.querySelector("form")?.addEventListener("submit", (event) => {
      if (!this.input.value.trim()) event.preventDefault();
    });
  }

  open(): void {
    if (this.box.open) return;
    this.box.showModal();
    this.input.select();
    if (this.answered !== this.input.value.trim()) void this.search();
  }

  private async search(): Promise<void> {
    const q = this.input.value.trim();
    const turn = ++this.asked;
    try {
      const answer = await fetch(`${this.box.dataset["url"]}?${new URLSearchParams({ q })}`);
      // A session that ended sends to the log-in page: nothing of it belongs here.
      if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
      const found = await answer.text();
      if (turn === this.asked) this.show(found, q);
    } catch {
      if (turn === this.asked) this.say(this.box.dataset["failed"] ?? "");
    }
  }

  private show(found: string, q: string): void {
    this.list.innerHTML = found; // our own server's, escaped there
    if (!q) this.list.prepend(...this.lately());
    this.answered = q;
    const count = this.options().length;
    this.status.textContent = `${count} ${this.box.dataset["found"] ?? ""}`;
    this.list.scrollTop = 0;
    this.move(0);
  }

  /** What was opened lately, but for the present page, drawn as the template says. */
  private lately(): Node[] {
    const here = location.pathname + location.search;
    const visited = recent().filter((each) => each.url !== here);
    const drawn = this.box.querySelector("template")?.content.cloneNode(true) as DocumentFragment | null;
    const model = drawn?.querySelector<HTMLAnchorElement>("a");
    if (!drawn || !model || visited.length === 0) return [];
    model.replaceWith(
      ...visited.map((each, index) => {
        const option = model.cloneNode(true) as HTMLAnchorElement;
        option.id = `hallado-recientes-${index}`;
        option.href = each.url;
        option.querySelector("b")?.replaceChildren(each.title);
        return option;
      }),
    );
    return [...drawn.childNodes];
  }

  private say(sentence: string): void {
    this.answered = null;
    this.list.replaceChildren();
    const line = document.createElement("p");
    line.className = "sis-palette-none";
    line.textContent = sentence;
    this.list.append(line);
    this.status.textContent = sentence;
    this.active = -1;
    this.input.removeAttribute("aria-activedescendant");
  }

  private options(): HTMLAnchorElement[] {
    return [...this.list.querySelectorAll<HTMLAnchorElement>("[role=option]")];
  }

  private press(event: KeyboardEvent): void {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      this.move(this.active + (event.key === "ArrowDown" ? 1 : -1));
    } else if (event.key === "Enter" && !event.isComposing) {
      const option = this.options()[this.active];
      // Without an answer to what stands in the box, the form goes to the page of results.
      if (!option || this.answered !== this.input.value.trim()) return;
      event.preventDefault();
      if (!this.obey(option)) location.assign(option.href);
    }
  }

  private move(to: number): void {
    const options = this.options();
    if (options.length === 0) return;
    this.active = (to + options.length) % options.length;
    options.forEach((option, index) => option.setAttribute("aria-selected", String(index === this.active)));
    const chosen = options[this.active];
    if (to !== 0) chosen?.scrollIntoView({ block: "nearest" });
    this.input.setAttribute("aria-activedescendant", chosen?.id ?? "");
  }

  /** What the page does by itself; false for an option that leads elsewhere. */
  private obey(option: HTMLElement): boolean {
    const [command, argument = ""] = (option.dataset["command"] ?? "").split(":");
    if (command === "theme") chooseTheme(argument);
    else if (command === "help") {
      const panel = document.getElementById("ayuda");
      if (panel) Offcanvas.getOrCreateInstance(panel).show();
    } else return false;
    this.box.close();
    return true;
  }
}

const input = palette?.querySelector<HTMLInputElement>("input[role=combobox]");
const list = palette?.querySelector<HTMLElement>("[role=listbox]");
const status = palette?.querySelector<HTMLElement>("[role=status]");
if (palette && input && list && status) {
  const opened = new Palette(palette, input, list, status);
  for (const button of document.querySelectorAll("[data-palette-open]")) {
    button.addEventListener("click", () => opened.open());
  }
  document.addEventListener("keydown", (event) => {
    const writing = event.target instanceof Element && event.target.closest("input, select, textarea, dialog");
    const slash = event.key === "/" && !writing && !event.ctrlKey && !event.metaKey && !event.altKey;
    const control = (event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k";
    if (!slash && !control) return;
    event.preventDefault();
    opened.open();
  });
  remember();
  for (const form of document.querySelectorAll("form[data-leaves]")) {
    form.addEventListener("submit", () => sessionStorage.removeItem(key()));
  }
}
