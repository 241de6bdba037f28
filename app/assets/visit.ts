/**
 * The pages of a visit: the point of the phone, sums of workers, answers kept as they are given. Every page works
 * without this file; the sentences come with the page.
 */

import "./signature";

const REST_MS = 900;

/* The point of the phone: <fieldset data-point> */

function point(box: HTMLElement): void {
  const button = box.querySelector<HTMLButtonElement>("[data-point-take]");
  const status = box.querySelector<HTMLElement>("[data-point-status]");
  if (!button || !status || !("geolocation" in navigator)) return;
  const write = (name: string, value: number, digits: number): void => {
    const field = box.querySelector<HTMLInputElement>(`[name=${name}]`);
    if (field) field.value = value.toFixed(digits).replace(".", ",");
  };
  button.hidden = false;
  button.addEventListener("click", () => {
    button.disabled = true;
    status.textContent = box.dataset["working"] ?? "";
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        write("latitude", coords.latitude, 6);
        write("longitude", coords.longitude, 6);
        write("accuracy", Math.min(Math.round(coords.accuracy), 99999), 0);
        status.textContent = `${box.dataset["got"] ?? ""} ${Math.round(coords.accuracy)} m.`;
        button.disabled = false;
      },
      (problem) => {
        const denied = problem.code === problem.PERMISSION_DENIED;
        status.textContent = (denied ? box.dataset["denied"] : box.dataset["failed"]) ?? "";
        button.disabled = false;
      },
      { enableHighAccuracy: true, timeout: 20_000, maximumAge: 60_000 },
    );
  });
}

/* The counts of workers: <form data-counts> */

function counts(form: HTMLFormElement): void {
  const boxes = [...form.querySelectorAll<HTMLInputElement>("input[inputmode=numeric]")];
  function sum(): void {
    for (const row of form.querySelectorAll("tr")) {
      const out = row.querySelector<HTMLOutputElement>("[data-sum]");
      if (!out) continue;
      const typed = [...row.querySelectorAll("input")].map((box) => box.value.trim());
      const known = typed.every((text) => /^\d+$/.test(text));
      out.value = known ? String(typed.reduce((all, text) => all + Number(text), 0)) : "";
    }
  }
  const zeros = form.querySelector<HTMLElement>("[data-zeros]");
  const line = form.querySelector<HTMLElement>("[data-zeros-row]");
  if (zeros && line) {
    line.hidden = false;
    zeros.addEventListener("click", () => {
      for (const box of boxes) if (box.value.trim() === "") box.value = "0";
      sum();
    });
  }
  form.addEventListener("input", sum);
  sum();
}

/* Answers, kept one question at a time: <form data-answers> with a fieldset [data-question] for each */

interface Kept {
  saved: boolean;
  message: string;
  done: number;
  total: number;
  tail: string;
}

function answers(form: HTMLFormElement): void {
  const token = form.querySelector<HTMLInputElement>("[name=csrf_token]")?.value ?? "";
  const timers = new WeakMap<HTMLElement, number>();
  let queue: Promise<void> = Promise.resolve();
  let waiting = 0;

  function say(box: HTMLElement, text: string, bad = false): void {
    const status = box.querySelector<HTMLElement>("[data-status]");
    if (!status) return;
    status.textContent = text;
    status.classList.toggle("sis-error", bad);
  }

  function fields(box: HTMLElement): FormData {
    const data = new FormData();
    data.set("csrf_token", token);
    data.set("only", box.dataset["question"] ?? "");
    const named = box.querySelectorAll<HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement>("[name]");
    for (const field of named) {
      if (field instanceof HTMLInputElement && field.type === "radio" && !field.checked) continue;
      if (field instanceof HTMLInputElement && field.type === "file") {
        for (const file of field.files ?? []) data.append(field.name, file);
      } else if (!(field instanceof HTMLButtonElement)) data.set(field.name, field.value);
    }
    return data;
  }

  async function keep(box: HTMLElement, replace: boolean): Promise<void> {
    if (!box.querySelector("input[type=radio]:checked") && !replace) return;
    say(box, form.dataset["saving"] ?? "");
    const body = fields(box);
    const file = box.querySelector<HTMLInputElement>("input[type=file]");
    const sent = [...(file?.files ?? [])];
    // From here on the field is free for the next photograph; what could not be sent comes back to it.
    if (file) file.value = "";
    try {
      const answer = await fetch(form.action || location.href, {
        method: "POST",
        body,
        headers: { Accept: "application/json" },
      });
      const kept = (await answer.json()) as Kept;
      if (kept.saved === undefined) throw new Error(String(answer.status));
      say(box, kept.message, !kept.saved);
      if (!kept.saved) return;
      const tail = box.querySelector<HTMLElement>("[data-tail]");
      // What is being typed below the question is not taken away; the next answer brings the rest.
      if (tail && replace && !tail.contains(document.activeElement)) tail.innerHTML = kept.tail;
      chosen(box);
      const progress = document.querySelector<HTMLElement>("[data-progress]");
      const bar = progress?.querySelector("progress");
      if (bar) bar.value = kept.done;
      const done = progress?.querySelector("[data-done]");
      if (done) done.textContent = String(kept.done);
    } catch {
      if (file && sent.length > 0) {
        const both = new DataTransfer();
        for (const each of [...sent, ...(file.files ?? [])]) both.items.add(each);
        file.files = both.files;
      }
      say(box, form.dataset["offline"] ?? "", true);
    }
  }

  /** One after the other, so that the server sees the answers in the order in which they were given. */
  function later(box: HTMLElement, wait: number, replace: boolean): void {
    window.clearTimeout(timers.get(box));
    const go = (): void => {
      waiting += 1;
      queue = queue.then(() => keep(box, replace)).finally(() => {
        waiting -= 1;
      });
    };
    timers.set(box, window.setTimeout(go, wait));
  }

  function chosen(box: HTMLElement): void {
    const file = box.querySelector<HTMLInputElement>("input[type=file]");
    const out = box.querySelector<HTMLElement>("[data-chosen]");
    if (file && out) out.textContent = [...(file.files ?? [])].map((each) => each.name).join(", ");
  }

  // A photograph on its way is waited for, so that it is neither lost nor sent twice.
  form.addEventListener("submit", (event) => {
    if (waiting === 0) return;
    event.preventDefault();
    const button = event.submitter;
    void queue.then(() => form.requestSubmit(button));
  });
  form.addEventListener("change", (event) => {
    const field = event.target as HTMLElement;
    const box = field.closest<HTMLElement>("[data-question]");
    if (!box) return;
    const whole = field.matches("input[type=radio], input[type=file]") || field.id.startsWith("affected-");
    later(box, 0, whole);
  });
  form.addEventListener("input", (event) => {
    const field = event.target as HTMLElement;
    const box = field.closest<HTMLElement>("[data-question]");
    if (box && field.matches("textarea, input[inputmode]")) later(box, REST_MS, false);
  });
}

/* The names of the files chosen behind a label that looks like a button */

document.addEventListener("change", (event) => {
  const file = event.target;
  if (!(file instanceof HTMLInputElement) || file.type !== "file") return;
  const out = file.parentElement?.querySelector<HTMLElement>("[data-chosen]");
  if (out) out.textContent = [...(file.files ?? [])].map((each) => each.name).join(", ");
});

for (const box of document.querySelectorAll<HTMLElement>("[data-point]")) point(box);
for (const form of document.querySelectorAll<HTMLFormElement>("form[data-counts]")) counts(form);
for (const form of document.querySelectorAll<HTMLFormElement>("form[data-answers]")) answers(form);
