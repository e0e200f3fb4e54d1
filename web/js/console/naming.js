/** Names and ids of new cameras. */

/** What people call places, and what a camera there is called in addresses. @type {[RegExp, string][]} */
const PLACES = [
  [/^(подъезд|подьезд|парадная|вход)/i, "entrance"],
  [/^двор/i, "yard"],
  [/^(парковка|стоянка)/i, "parking"],
  [/^лифт/i, "lift"],
  [/^(холл|вестибюль)/i, "lobby"],
  [/^(калитка|ворота)/i, "gate"],
];
const CYRILLIC = "абвгдеёжзийклмнопрстуфхцчшщъыьэюя";
const LATIN = "a b v g d e e zh z i y k l m n o p r s t u f kh ts ch sh shch  y  e yu ya".split(" ");
const MOST = 40;

/** An id that says what the name says and that no camera has. @param {string} name @param {readonly string[]} taken */
export function suggestId(name, taken) {
  const placed = PLACES.reduce((text, [place, word]) => text.replace(place, word), name.trim());
  const latin = [...placed.toLowerCase()].map((letter) => {
    const at = CYRILLIC.indexOf(letter);
    return at < 0 ? letter : LATIN[at];
  });
  const id = latin.join("").replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, MOST - 3).replace(/-+$/, "");
  const stem = id || "camera";
  let free = stem;
  for (let n = 2; taken.includes(free); n += 1) free = `${stem}-${n}`;
  return free;
}

/** The entrance that has no camera yet, the lowest one. @param {readonly string[]} taken */
export function nextEntrance(taken) {
  let n = 1;
  while (taken.includes(`entrance-${n}`)) n += 1;
  return n;
}
