// From frame to frame of a picture: where one lies, what is below it and beside it.

/** Where a frame lies: {lo, hi} as fractions of the program; all of it where the program has no weight. */
export function spanOf(picture, node) {
  const { parent, first, next, value } = picture;
  if (!(value[0] > 0)) return { lo: 0, hi: 1 };
  let before = 0;
  for (let at = node; at !== 0; at = parent[at]) {
    for (let each = first[parent[at]]; each !== at; each = next[each]) before += value[each];
  }
  return { lo: before / value[0], hi: (before + value[node]) / value[0] };
}

/** The widest frame below another; 0 where there is none to be seen. */
export function widestBelow(picture, node) {
  picture.open(node);
  let widest = 0;
  for (let each = picture.first[node]; each !== 0; each = picture.next[each]) {
    if (picture.value[each] > (widest === 0 ? 0 : picture.value[widest])) widest = each;
  }
  return widest;
}

/** The frame beside another, below the same one: `step` 1 to the right, -1 to the left; 0 where there is none. */
export function besideOf(picture, node, step) {
  if (node === 0) return 0;
  let before = 0;
  for (let each = picture.first[picture.parent[node]]; each !== 0; each = picture.next[each]) {
    if (each === node && step < 0) return before;
    if (picture.value[each] <= 0) continue;
    if (step > 0 && before === node) return each;
    before = each;
  }
  return 0;
}

/** The widest frame of an item; 0 where there is none. Leaf first, only functions on the top level are looked for. */
export function widestOf(picture, item) {
  let widest = 0;
  const end = picture.order === "root" ? picture.size : picture.first[0] + countBelow(picture, 0);
  for (let node = 1; node < end; node++) {
    if (picture.item[node] === item && picture.value[node] > (widest === 0 ? 0 : picture.value[widest])) widest = node;
  }
  return widest;
}

function countBelow(picture, node) {
  let count = 0;
  for (let each = picture.first[node]; each !== 0; each = picture.next[each]) count++;
  return count;
}
