/**
 * The signing desk: all chosen at once, how many are, and documents read beside their list.
 *   data-pick-all   on a link of the form: chooses the first so many, or none (data-all and data-none are its words)
 *   data-picked     where the number of the chosen is said
 *   data-preview    on a link to a PDF: the address of its pages, drawn; shown in <dialog data-reader>
 */

function picks(form: HTMLFormElement | null | undefined): HTMLInputElement[] {
  return form ? [...form.querySelectorAll<HTMLInputElement>("input[type=checkbox][name=pick]")] : [];
}

/** What the boxes say, said by the link and the button. */
function tell(form: HTMLFormElement): void {
  const chosen = picks(form).filter((box) => box.checked).length;
  const out = form.querySelector("[data-picked]");
  if (out) out.textContent = chosen > 0 ? `(${chosen})` : "";
  const link = form.querySelector<HTMLElement>("[data-pick-all]");
  const words = link?.querySelector("span");
  if (link && words) words.textContent = link.dataset[chosen > 0 ? "none" : "all"] ?? "";
}

function desk(link: HTMLElement): void {
  const form = link.closest("form");
  if (!form) return;
  link.setAttribute("role", "button");
  link.addEventListener("click", (event) => {
    event.preventDefault();
    const all = picks(form);
    const any = all.some((box) => box.checked);
    const most = Number(link.dataset["pickAll"]);
    all.forEach((box, place) => {
      box.checked = !any && place < most;
    });
    tell(form);
  });
  link.addEventListener("keydown", (event) => {
    if (event.key !== " ") return;
    event.preventDefault();
    link.click();
  });
  form.addEventListener("change", () => tell(form));
  window.addEventListener("pageshow", () => tell(form));
}

interface Drawn {
  pages: string[];
}

function reader(box: HTMLDialogElement): void {
  const links = [...document.querySelectorAll<HTMLAnchorElement>("a[data-preview]")];
  const part = <T extends HTMLElement>(name: string): T | null => box.querySelector<T>(`[data-reader-${name}]`);
  const [title, pages, file] = [part("title"), part("pages"), part<HTMLAnchorElement>("file")];
  const [pick, next] = [part<HTMLInputElement>("pick"), part<HTMLButtonElement>("next")];
  if (!title || !pages || !file) return;
  const drawn = new Map<string, Promise<Drawn>>();
  let open: HTMLAnchorElement | undefined;

  function following(): HTMLAnchorElement | undefined {
    return open && links[links.indexOf(open) + 1];
  }

  function rowBox(): HTMLInputElement | null {
    return open?.closest("tr")?.querySelector<HTMLInputElement>("input[name=pick]") ?? null;
  }

  function ask(address: string): Promise<Drawn> {
    const known = drawn.get(address);
    if (known) return known;
    const asked = fetch(address, { headers: { Accept: "application/json" } }).then((answer) => {
      if (!answer.ok) throw new Error(String(answer.status));
      return answer.json() as Promise<Drawn>;
    });
    asked.catch(() => drawn.delete(address)); // what failed may be tried again
    drawn.set(address, asked);
    return asked;
  }

  function say(words: string | undefined): void {
    const line = document.createElement("p");
    line.textContent = words ?? "";
    pages?.replaceChildren(line);
  }

  async function read(link: HTMLAnchorElement): Promise<void> {
    if (!title || !pages || !file) return;
    open?.removeAttribute("aria-current");
    open = link;
    link.setAttribute("aria-current", "true");
    link.scrollIntoView({ block: "nearest" });
    title.textContent = link.dataset["previewName"] ?? "";
    file.href = link.href;
    if (pick) pick.checked = rowBox()?.checked ?? false;
    if (next) next.hidden = following() === undefined;
    say(box.dataset["working"]);
    try {
      const answer = await ask(link.dataset["preview"] ?? link.href);
      if (open !== link) return;
      const shown = answer.pages.map((page, place) => {
        const picture = new Image();
        picture.alt = `${box.dataset["page"] ?? ""} ${place + 1} / ${answer.pages.length}`;
        picture.src = page;
        return picture;
      });
      pages.replaceChildren(...shown);
      pages.scrollTop = 0;
    } catch {
      if (open === link) say(box.dataset["failed"]);
    }
  }

  document.addEventListener("click", (event) => {
    if (!(event.target instanceof Element) || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const link = event.target.closest<HTMLAnchorElement>("a[data-preview]");
    if (!link) return;
    event.preventDefault();
    // Beside the list where there is room: what is read and what is chosen are seen together.
    if (!box.open) matchMedia("(min-width: 992px)").matches ? box.show() : box.showModal();
    void read(link);
  });
  next?.addEventListener("click", () => {
    const link = following();
    if (link) void read(link);
  });
  pick?.addEventListener("change", () => {
    const row = rowBox();
    if (!row) return;
    row.checked = pick.checked;
    row.dispatchEvent(new Event("change", { bubbles: true }));
  });
  part("close")?.addEventListener("click", () => box.close());
  box.addEventListener("keydown", (event) => {
    if (event.key === "Escape") box.close();
  });
  box.addEventListener("close", () => {
    open?.removeAttribute("aria-current");
    open?.focus();
  });
}

for (const link of document.querySelectorAll<HTMLElement>("[data-pick-all]")) desk(link);
for (const box of document.querySelectorAll<HTMLDialogElement>("dialog[data-reader]")) reader(box);
