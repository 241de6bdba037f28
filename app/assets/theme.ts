/**
 * Before the first paint: a page whose theme follows the device ("auto") is drawn in the device's theme, and the
 * styles know that scripts run. Loaded as a plain script in the head, therefore without imports and exports.
 */
const root = document.documentElement;
const dark = matchMedia("(prefers-color-scheme: dark)");

function paint(): void {
  const asked = root.dataset["theme"];
  root.setAttribute("data-bs-theme", asked === "auto" ? (dark.matches ? "dark" : "light") : (asked ?? "light"));
}

root.classList.add("sis-js");
paint();
dark.addEventListener("change", paint);
// The choice in the person's menu (frame.ts) says so on the page.
root.addEventListener("sis:theme", paint);
