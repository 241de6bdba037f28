/**
 * Before the first paint: a page whose theme follows the device ("auto") is drawn in the device's theme.
 * Loaded as a plain script in the head, therefore without imports and without exports.
 */
const root = document.documentElement;
if (root.dataset["theme"] === "auto") {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const follow = (): void => root.setAttribute("data-bs-theme", dark.matches ? "dark" : "light");
  follow();
  dark.addEventListener("change", follow);
}
