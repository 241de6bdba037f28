/**
 * «Ya existe: …» while somebody types: a form with data-similar="address" asks it with the fields named in
 * data-similar-fields and shows the answer, with links, in its [data-similar-out].
 */

import { onContent } from "./content";

interface Similar {
  text: string;
  reason: string;
  url: string;
}

const REST_MS = 400;

function watch(form: HTMLFormElement, out: HTMLElement): void {
  const names = (form.dataset["similarFields"] ?? "").split(" ");
  let timer = 0;
  let last = "";

  async function ask(): Promise<void> {
    const data = new FormData(form);
    const query = new URLSearchParams();
    for (const name of names) {
      // Of a look-up the last value is the key.
      const value = data.getAll(name).pop();
      if (typeof value === "string" && value.trim() !== "") query.set(name, value.trim());
    }
    const asked = query.toString();
    if (asked === last) return;
    last = asked;
    try {
      const answer = await fetch(`${form.dataset["similar"]}?${asked}`, {
        headers: { Accept: "application/json" },
      });
      const found = answer.ok ? ((await answer.json()) as Similar[]) : [];
      if (asked === last) show(found);
    } catch {
      // Without a connection the server still warns when the form is saved.
      show([]);
    }
  }

  function show(found: Similar[]): void {
    out.replaceChildren();
    out.classList.toggle("alert", found.length > 0);
    out.classList.toggle("alert-warning", found.length > 0);
    if (found.length === 0) return;
    const title = document.createElement("strong");
    title.textContent = out.dataset["title"] ?? "";
    const list = document.createElement("ul");
    for (const item of found) {
      const line = document.createElement("li");
      const link = document.createElement("a");
      link.href = item.url;
      link.target = "_blank";
      link.rel = "noopener";
      link.textContent = item.text;
      line.append(link, ` (${item.reason})`);
      list.append(line);
    }
    out.append(title, list);
  }

  function later(event: Event): void {
    const name = (event.target as HTMLInputElement).name;
    if (!names.includes(name)) return;
    window.clearTimeout(timer);
    timer = window.setTimeout(() => void ask(), REST_MS);
    // The warning stands below the field that called for it.
    (event.target as HTMLElement).closest(".sis-field")?.after(out);
  }

  form.addEventListener("input", later);
  form.addEventListener("change", later);
}

onContent((root) => {
  for (const form of root.querySelectorAll<HTMLFormElement>("form[data-similar]:not([data-watched])")) {
    const out = form.querySelector<HTMLElement>("[data-similar-out]");
    form.dataset["watched"] = "";
    if (out) watch(form, out);
  }
});
