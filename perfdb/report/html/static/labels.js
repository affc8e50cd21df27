// Names cut to the room there is: shortened in the middle, where C++ names differ least, never inside a character.

/** Fewer characters of a longer name tell nothing. */
const FEWEST_CHARACTERS = 5;

/** The text in at most `count` characters, "…" standing for the middle that is left out; more is kept of its end. */
export function shortenMiddle(characters, count) {
  if (characters.length <= count) return characters.join("");
  if (count < 2) return "";
  const tail = Math.ceil((count - 1) * 0.6);
  return `${characters.slice(0, count - 1 - tail).join("")}…${characters.slice(characters.length - tail).join("")}`;
}

/** Fits texts into pixels, and remembers: `measure(text)` gives the width of a text in CSS pixels. */
export class LabelFitter {
  constructor(measure) {
    this.measure = measure;
    this.known = new Map();
  }

  /** The width of a text in CSS pixels. */
  widthOf(text) {
    return this.entryOf(text).width;
  }

  entryOf(text) {
    let entry = this.known.get(text);
    if (entry === undefined) {
      entry = { width: this.measure(text), characters: Array.from(text), count: -1, short: "", shortWidth: 0 };
      this.known.set(text, entry);
    }
    return entry;
  }

  /** What of a text fits into `room` pixels; "" where fewer than five characters would. */
  fit(text, room) {
    const entry = this.entryOf(text);
    if (entry.width <= room) return text;
    const wanted = Math.floor((entry.characters.length * room) / entry.width);
    if (wanted === entry.count && entry.shortWidth <= room) return entry.short;
    entry.count = wanted;
    for (let count = wanted; ; count--) {
      entry.short = count < FEWEST_CHARACTERS ? "" : shortenMiddle(entry.characters, count);
      entry.shortWidth = entry.short === "" ? 0 : this.measure(entry.short);
      if (entry.shortWidth <= room) return entry.short;
    }
  }
}
