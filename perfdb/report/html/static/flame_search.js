// What a search of the flame graph finds: plain words in "module!function", no matter their case.

/** The full name of an item, as it is searched and shown. */
export function fullName(item) {
  return `${item[0]}!${item[1]}`;
}

/** One number an item: 1 where its full name has all words of the text. Null where the text has no word. */
export function matchingItems(items, text) {
  const words = text.toLowerCase().split(/\s+/).filter((word) => word !== "");
  if (words.length === 0) return null;
  const mask = new Uint8Array(items.length);
  items.forEach((item, row) => {
    const name = fullName(item).toLowerCase();
    if (words.every((word) => name.includes(word))) mask[row] = 1;
  });
  return mask;
}
