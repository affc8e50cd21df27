// The place on a page: which example, view and function are looked at, and how. It stands in the URL's fragment, so
// that links, reload and the browser's buttons work. Functions stand there by a hash of their name, not by their row: a
// link still means the same function when the page is written anew.

export const VIEWS = ["flame", "functions", "butterfly"];

/** What a place says where its fragment says nothing; "" is the page's own choice. */
export const FIRST_PLACE = {
  example: "",
  view: "",
  function: "",
  sort: "",
  filter: "",
  order: "root",
  width: "both",
  search: "",
};

const WORDS = { view: ["", ...VIEWS], order: ["root", "leaf"], width: ["baseline", "contender", "both"] };

/** The place of a fragment, with or without "#". Null where it is none, but for instance names a heading. */
export function readPlace(fragment) {
  const text = fragment.replace(/^#/, "");
  if (text !== "" && !text.includes("=")) return null;
  const told = new URLSearchParams(text);
  const place = { ...FIRST_PLACE };
  for (const key of Object.keys(place)) {
    const value = told.get(key);
    if (value === null) continue;
    if (WORDS[key] === undefined || WORDS[key].includes(value)) place[key] = value;
  }
  return place;
}

/** The fragment of a place, with "#"; what goes without saying is left out. */
export function writePlace(place) {
  const told = new URLSearchParams();
  for (const key of Object.keys(FIRST_PLACE)) if (place[key] !== FIRST_PLACE[key]) told.set(key, place[key]);
  const text = told.toString();
  return text === "" ? "#" : `#${text}`;
}

/** Eleven letters and digits that stand for a function; module names differ in more than letter case. */
export function nameHash(module, name) {
  let low = 0x811c9dc5;
  let high = 0x9e3779b9;
  const text = `${module.toLowerCase()}!${name}`;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    low = Math.imul(low ^ code, 0x01000193);
    high = Math.imul(high ^ code, 0x5bd1e995);
    high ^= high >>> 15;
  }
  const mixed = (low ^ (low >>> 16)) >>> 0;
  return ((high >>> 0) * 2 ** 21 + (mixed >>> 11)).toString(36).padStart(11, "0");
}
