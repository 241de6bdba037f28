/**
 * Puts in order what is typed, when the person leaves the box; thousands also while he types at its end. What does
 * not look like the number stays as it is, for the server to judge.
 *
 *   data-mask="ruc"     80.009.735 - 1  ->  80009735-1
 *   data-mask="cedula"  1234567         ->  1.234.567
 *   data-mask="phone"   0981123456      ->  0981 123 456
 *   data-mask="money"   Gs 1234567      ->  1.234.567
 */

function grouped(digits: string): string {
  return digits.replace(/\B(?=(\d{3})+$)/g, ".");
}

function ruc(text: string): string {
  const bare = text.replace(/[\s.]/g, "").replace(/[‐-―−]/g, "-").toUpperCase();
  // A base has eight figures at most: of nine the last one is the check digit.
  return /^\d{9}$/.test(bare) ? `${bare.slice(0, 8)}-${bare.slice(8)}` : bare;
}

function whole(text: string): string {
  const bare = text.replace(/^gs\.?/i, "").replace(/\s/g, "");
  // A misplaced dot may be a mistake of more than a dot: nothing is guessed.
  if (!/^\d+$|^\d{1,3}(\.\d{3})+$/.test(bare)) return text;
  return grouped(bare.replace(/\./g, "").replace(/^0+(?=\d)/, ""));
}

function phone(text: string): string {
  const bare = text.replace(/[\s().\-/]/g, "");
  const mobile = /^(\+595|0)(9\d{2})(\d{3})(\d{3})$/.exec(bare);
  if (mobile) return `${mobile[1] === "0" ? "0" : "+595 "}${mobile[2]} ${mobile[3]} ${mobile[4]}`;
  const capital = /^(\+595|0)(21)(\d{3})(\d{3,4})$/.exec(bare);
  return capital ? `${capital[1] === "0" ? "0" : "+595 "}21 ${capital[3]} ${capital[4]}` : text;
}

const MASKS: Record<string, (text: string) => string> = { ruc, cedula: whole, phone, money: whole };

document.addEventListener("input", (event) => {
  const box = event.target;
  if (!(box instanceof HTMLInputElement) || MASKS[box.dataset["mask"] ?? ""] !== whole) return;
  const typing = event instanceof InputEvent && event.inputType === "insertText";
  if (!typing || box.selectionStart !== box.value.length) return;
  // One figure more than what stood in order: its dots move on.
  const longer = /^\d{1,3}(\.\d{3})*\.\d{4}$/.test(box.value);
  box.value = whole(longer ? box.value.replace(/\./g, "") : box.value);
});

document.addEventListener("focusout", (event) => {
  const box = event.target;
  if (!(box instanceof HTMLInputElement)) return;
  const put = MASKS[box.dataset["mask"] ?? ""];
  const typed = box.value.trim();
  if (put && typed !== "" && put(typed) !== box.value) box.value = put(typed);
});
