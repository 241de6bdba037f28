/** The frame: Bootstrap's drop-downs, sliding panel and explanations; the navigation that folds; the theme. */

import "bootstrap/js/src/collapse";
import "bootstrap/js/src/dropdown";
import "bootstrap/js/src/offcanvas";
import "bootstrap/js/src/tab";

const YEAR = 365 * 24 * 60 * 60;

function keep(name: string, value: string): void {
  document.cookie = `${name}=${value}; path=/; max-age=${YEAR}; samesite=lax`;
}

document.addEventListener("click", (event) => {
  const target = event.target instanceof Element ? event.target : null;
  if (target?.closest("[data-fold]")) {
    const folded = document.documentElement.classList.toggle("sis-folded");
    keep("sis_menu", folded ? "plegado" : "abierto");
  }
});
