/**
 * The pages of a visit: the point of the telephone, sums of workers, answers kept as they are given. Every page
 * works without this file; the sentences come with the page.
 */

import "./signature";

const REST_MS = 900;
const RETRY_MS = 15_000;
const THUMB = 96;

/** Write into a box as a hand would: whoever follows what is typed (sums, drafts) learns of it. */
function type(box: HTMLInputElement, text: string): void {
  box.value = text;
  box.dispatchEvent(new Event("input", { bubbles: true }));
}

/* The point of the telephone: <fieldset data-point> */

function point(box: HTMLElement): void {
  const button = box.querySelector<HTMLButtonElement>("[data-point-take]");
  const status = box.querySelector<HTMLElement>("[data-point-status]");
  if (!button || !status || !("geolocation" in navigator)) return;
  const write = (name: string, value: number, digits: number): void => {
    const field = box.querySelector<HTMLInputElement>(`[name=${name}]`);
    if (field) type(field, value.toFixed(digits).replace(".", ","));
  };
  const say = (text: string | undefined, look: string): void => {
    status.textContent = text ?? "";
    status.className = `sis-state sis-state-${look}`;
  };
  button.hidden = false;
  button.addEventListener("click", () => {
    button.disabled = true;
    say(box.dataset["working"], "waiting");
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        write("latitude", coords.latitude, 6);
        write("longitude", coords.longitude, 6);
        write("accuracy", Math.min(Math.round(coords.accuracy), 99999), 0);
        say(`${box.dataset["got"] ?? ""} ${Math.round(coords.accuracy)} m.`, "done");
        button.disabled = false;
      },
      (problem) => {
        const denied = problem.code === problem.PERMISSION_DENIED;
        say(denied ? box.dataset["denied"] : box.dataset["failed"], "late");
        button.disabled = false;
      },
      { enableHighAccuracy: true, timeout: 20_000, maximumAge: 60_000 },
    );
  });
}

/* The counts of workers: <form data-counts> with an <output data-sum> in each [data-row]; − and + beside each box */

function counts(form: HTMLFormElement): void {
  const boxes = [...form.querySelectorAll<HTMLInputElement>("input[inputmode=numeric]")];

  function sum(): void {
    for (const row of form.querySelectorAll("[data-row]")) {
      const out = row.querySelector<HTMLOutputElement>("[data-sum]");
      if (!out) continue;
      const typed = [...row.querySelectorAll("input")].map((box) => box.value.trim());
      const known = typed.every((text) => /^\d+$/.test(text));
      out.value = known ? String(typed.reduce((all, text) => all + Number(text), 0)) : "";
    }
  }

  function stepper(box: HTMLInputElement, sign: 1 | -1): HTMLButtonElement {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn";
    button.textContent = sign > 0 ? "+" : "−";
    const words = form.dataset[sign > 0 ? "more" : "less"] ?? "";
    button.setAttribute("aria-label", `${words}: ${box.dataset["name"] ?? ""}`);
    button.addEventListener("click", () => {
      type(box, String(Math.max(0, (Number.parseInt(box.value, 10) || 0) + sign)));
    });
    return button;
  }

  for (const box of boxes) {
    box.before(stepper(box, -1));
    box.after(stepper(box, 1));
  }
  const zeros = form.querySelector<HTMLElement>("[data-zeros]");
  if (zeros) {
    zeros.hidden = false;
    zeros.addEventListener("click", () => {
      for (const box of boxes) if (box.value.trim() === "") type(box, "0");
    });
  }
  form.addEventListener("input", sum);
  sum();
}

/* Pictures of what was chosen and is not yet kept: <ul data-previews> in the form or the question of the field */

async function preview(file: HTMLInputElement): Promise<void> {
  const list = (file.closest("[data-question]") ?? file.form)?.querySelector("[data-previews]");
  if (!list) return;
  const shown = [...(file.files ?? [])].map(async (each) => {
    const item = document.createElement("li");
    try {
      const picture = await createImageBitmap(each);
      const canvas = document.createElement("canvas");
      const scale = THUMB / Math.min(picture.width, picture.height);
      canvas.width = canvas.height = THUMB;
      const [width, height] = [picture.width * scale, picture.height * scale];
      canvas.getContext("2d")?.drawImage(picture, (THUMB - width) / 2, (THUMB - height) / 2, width, height);
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", each.name);
      item.append(canvas);
    } catch {
      item.textContent = each.name; // a PDF, or a picture that only the server can read
      item.className = "sis-thumb-file";
    }
    return item;
  });
  list.replaceChildren(...(await Promise.all(shown)));
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
  const questions = [...form.querySelectorAll<HTMLElement>("[data-question]")];
  const count = form.querySelector<HTMLElement>("[data-unsaved]");
  const timers = new WeakMap<HTMLElement, number>();
  const unsaved = new Set<HTMLElement>();
  const lost = new Set<HTMLElement>();
  let queue: Promise<void> = Promise.resolve();
  let waiting = 0;
  let leaving = false;

  /** What became of a question; `refused` waits for another answer, `offline` is sent again by itself. */
  function say(box: HTMLElement, text: string, failed?: "refused" | "offline" | "ended"): void {
    const status = box.querySelector<HTMLElement>("[data-status]");
    const retry = box.querySelector<HTMLButtonElement>("[data-retry]");
    if (!status || !retry) return;
    status.textContent = text;
    status.classList.toggle("sis-error", failed !== undefined);
    retry.hidden = failed === undefined || failed === "refused";
    if (failed) unsaved.add(box);
    else unsaved.delete(box);
    if (failed === "offline") lost.add(box);
    else lost.delete(box);
    if (!count) return;
    const words = form.dataset[unsaved.size === 1 ? "unsavedOne" : "unsavedMany"] ?? "";
    count.textContent = unsaved.size > 0 ? `${unsaved.size} ${words}` : "";
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
    let answer: Response | undefined;
    try {
      answer = await fetch(form.action || location.href, {
        method: "POST",
        body,
        headers: { Accept: "application/json" },
      });
      const kept = (await answer.json()) as Kept;
      if (kept.saved === undefined) throw new Error(String(answer.status));
      say(box, kept.message, kept.saved ? undefined : "refused");
      if (!kept.saved) return;
      const tail = box.querySelector<HTMLElement>("[data-tail]");
      // What is being typed below the question is not taken away; the next answer brings the rest.
      if (tail && replace && !tail.contains(document.activeElement)) tail.innerHTML = kept.tail;
      if (file && file.value === "") box.querySelector("[data-previews]")?.replaceChildren();
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
      const why = answer ? "ended" : "offline";
      say(box, form.dataset[why] ?? "", why);
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

  function again(): void {
    for (const box of lost) later(box, 0, true);
  }

  // A photograph on its way is waited for, so that it is neither lost nor sent twice.
  form.addEventListener("submit", (event) => {
    if (waiting === 0) {
      leaving = true;
      return;
    }
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
  form.addEventListener("click", (event) => {
    const retry = (event.target as HTMLElement).closest("[data-retry]");
    const box = retry?.closest<HTMLElement>("[data-question]");
    if (box) later(box, 0, true);
  });
  window.addEventListener("online", again);
  window.setInterval(() => {
    if (navigator.onLine) again();
  }, RETRY_MS);
  window.addEventListener("beforeunload", (event) => {
    if (!leaving && unsaved.size > 0) event.preventDefault();
  });
  window.addEventListener("pageshow", () => {
    leaving = false;
  });

  keyboard(form, questions);
}

/** On a question: 1 to 4 answer it, Enter goes to the next one, and from the last one to the button. */
function keyboard(form: HTMLFormElement, questions: HTMLElement[]): void {
  const radios = (box: HTMLElement): HTMLInputElement[] => [
    ...box.querySelectorAll<HTMLInputElement>(".sis-answer input"),
  ];

  function enter(box: HTMLElement | undefined): void {
    if (!box) {
      form.querySelector<HTMLElement>(".sis-go .btn-primary")?.focus();
      return;
    }
    const all = radios(box);
    (all.find((each) => each.checked) ?? all[0])?.focus({ preventScroll: true });
    box.scrollIntoView({ block: "nearest" });
  }

  form.addEventListener("keydown", (event) => {
    const field = event.target as HTMLElement;
    const box = field.closest<HTMLElement>("[data-question]");
    if (!box || !field.matches(".sis-answer input") || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === "Enter") {
      event.preventDefault();
      enter(questions[questions.indexOf(box) + 1]);
      return;
    }
    const radio = radios(box)[Number(event.key) - 1];
    if (!radio) return;
    event.preventDefault();
    radio.focus();
    radio.click();
  });
  if (location.hash === "" && matchMedia("(pointer: fine)").matches) {
    const open = questions.find((box) => !radios(box).some((each) => each.checked));
    if (open && !form.querySelector("[aria-invalid=true]")) enter(open);
  }
}

document.addEventListener("change", (event) => {
  const file = event.target;
  if (file instanceof HTMLInputElement && file.type === "file") void preview(file);
});

for (const box of document.querySelectorAll<HTMLElement>("[data-point]")) point(box);
for (const form of document.querySelectorAll<HTMLFormElement>("form[data-counts]")) counts(form);
for (const form of document.querySelectorAll<HTMLFormElement>("form[data-answers]")) answers(form);
