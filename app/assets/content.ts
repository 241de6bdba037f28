/** Work to do on the page, and again on each piece that comes later: a list swapped by htmx, a form in a dialog. */

type Work = (root: ParentNode) => void;

const works: Work[] = [];

export function onContent(work: Work): void {
  works.push(work);
  work(document);
}

export function contentAdded(root: ParentNode): void {
  for (const work of works) work(root);
}

document.addEventListener("htmx:load", (event) => {
  const root = event.target;
  if (root instanceof HTMLElement && root !== document.body) contentAdded(root.parentElement ?? root);
});
