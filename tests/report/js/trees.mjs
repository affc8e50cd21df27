// Trees for tests: from folded stacks ("a;b;c": [samples of each side]), by hand or at random, as payloads have them.

/** Numbers in [0, 1) that are the same in every run of a test: Mulberry32. */
export function randomNumbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** Stacks of at most `depth` frames of so few functions that recursion is common: [[names], [samples a side]]. */
export function randomStacks(seed, { stacks = 30, depth = 7, functions = 5, sides = 2 } = {}) {
  const next = randomNumbers(seed);
  const whole = (below) => Math.floor(next() * below);
  return Array.from({ length: 1 + whole(stacks) }, () => [
    Array.from({ length: 1 + whole(depth) }, () => `f${whole(functions)}`),
    Array.from({ length: sides }, () => whole(4)),
  ]);
}

/** The payload of stacks, with its items, as Python writes it; `options` may set runs, unit_ns, weight (a function). */
export function payloadOf(stacks, { runs, unit_ns = 1000000, weight = null } = {}) {
  const rows = Array.isArray(stacks) ? stacks : Object.entries(stacks).map(([path, n]) => [path.split(";"), n]);
  const sides = rows.length ? rows[0][1].length : 1;
  const root = { children: new Map() };
  for (const [names, samples] of rows) {
    let node = root;
    for (const name of names) {
      if (!node.children.has(name)) {
        node.children.set(name, { name, own: new Array(sides).fill(0), children: new Map() });
      }
      node = node.children.get(name);
    }
    node.own = node.own.map((count, side) => count + samples[side]);
  }
  const items = [];
  const tree = { up: [], item: [], samples: Array.from({ length: sides }, () => []), weight_ns: null, unit_ns };
  if (weight) tree.weight_ns = tree.samples.map(() => []);
  let before = 0;
  const write = (node, depth) => {
    const name = node.name.includes("!") ? node.name.split("!") : ["m.dll", node.name];
    let item = items.findIndex((each) => each.join("!") === name.join("!"));
    if (item < 0) item = items.push(name) - 1;
    tree.up.push(before + 1 - depth);
    before = depth;
    tree.item.push(item);
    node.own.forEach((count, side) => {
      tree.samples[side].push(count);
      if (weight) tree.weight_ns[side].push(weight(count, side));
    });
    for (const child of node.children.values()) write(child, depth + 1);
  };
  for (const child of root.children.values()) write(child, 1);
  const counts = runs ?? new Array(sides).fill(1);
  return { sides: counts.map((count, side) => ({ label: `side ${side}`, runs: count })), items, tree };
}
