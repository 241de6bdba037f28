/**
 * The page of a record.
 *   data-tabs    on a box: a nav of links "#part" and a section for each; one section shows at a time, the
 *                address says which, and what is inside a section (its heading, a row) opens it
 *   data-menu    on a <details>: a click elsewhere or Escape folds it
 *   data-copy    on a hidden button: copies this text and says data-copied
 */

function sections(box: Element): HTMLElement[] {
  return [...box.querySelectorAll<HTMLElement>(":scope > section[id]")];
}

/** The section that an address names, itself or by something in it; the first one otherwise. */
function asked(box: Element): HTMLElement | undefined {
  const parts = sections(box);
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  return parts.find((part) => target !== null && part.contains(target)) ?? parts[0];
}

function show(box: HTMLElement): void {
  const chosen = asked(box);
  for (const part of sections(box)) part.hidden = part !== chosen;
  for (const link of box.querySelectorAll<HTMLAnchorElement>(":scope > nav > a")) {
    const current = link.hash === `#${chosen?.id ?? ""}`;
    if (current) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  box.dataset["ready"] = "";
}

function showAll(): void {
  for (const box of document.querySelectorAll<HTMLElement>("[data-tabs]")) show(box);
}

showAll();
window.addEventListener("hashchange", showAll);

// The links of the tabs change the address without the jump that a browser would make.
document.addEventListener("click", (event) => {
  if (!(event.target instanceof Element) || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const link = event.target.closest<HTMLAnchorElement>("[data-tabs] > nav > a");
  if (!link) return;
  event.preventDefault();
  history.replaceState(history.state, "", link.hash);
  showAll();
  link.scrollIntoView({ block: "nearest", inline: "nearest" });
});

function foldMenus(except: Node | null): void {
  for (const menu of document.querySelectorAll<HTMLDetailsElement>("details[data-menu][open]")) {
    if (!menu.contains(except)) menu.open = false;
  }
}

document.addEventListener("click", (event) => {
  foldMenus(event.target instanceof Node ? event.target : null);
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const open = document.activeElement?.closest<HTMLDetailsElement>("details[data-menu][open]");
  foldMenus(null);
  open?.querySelector<HTMLElement>("summary")?.focus();
});

// Copying needs a page that the browser trusts (https); elsewhere the text is there to be marked.
if (window.isSecureContext) {
  for (const button of document.querySelectorAll<HTMLButtonElement>("button[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      void navigator.clipboard.writeText(button.dataset["copy"] ?? "").then(() => {
        const word = button.querySelector("span");
        if (word) word.textContent = button.dataset["copied"] ?? "";
      });
    });
  }
}
export {};
