/**
 * Work that goes on in the server: `[data-progress]` holds the address that says how far it is, and contains
 * `[data-progress-words]` and a `<progress max="100">`. The page is read again when the work has ended.
 */

const FIRST_MS = 800;
const NEXT_MS = 1_500;
const OFFLINE_MS = 5_000;

interface Progress {
  working: boolean;
  words: string;
  percent: number | null;
}

function follow(box: HTMLElement): void {
  const words = box.querySelector<HTMLElement>("[data-progress-words]");
  const meter = box.querySelector<HTMLProgressElement>("progress");
  const ask = async (): Promise<void> => {
    let next = NEXT_MS;
    try {
      const answer = await fetch(box.dataset["progress"] ?? "", { headers: { Accept: "application/json" } });
      if (answer.redirected || !answer.ok) throw new Error(String(answer.status));
      const now = (await answer.json()) as Progress;
      if (!now.working) {
        window.location.reload();
        return;
      }
      if (words) words.textContent = now.words;
      if (meter && now.percent !== null) meter.value = now.percent;
    } catch {
      if (words) words.textContent = box.dataset["offline"] ?? "";
      next = OFFLINE_MS;
    }
    window.setTimeout(() => void ask(), next);
  };
  window.setTimeout(() => void ask(), FIRST_MS);
}

for (const box of document.querySelectorAll<HTMLElement>("[data-progress]")) follow(box);
