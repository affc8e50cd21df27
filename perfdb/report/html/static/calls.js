// Callers and callees where a source tells who called whom, and no call paths.

/**
 * The same as `callersAndCallees` of a tree, out of a payload's `calls`: {total, self, callers, callees} in ns a side.
 *
 * `total` and `self` are null, for calls do not tell them: the functions of the payload do. Every occurrence on a stack
 * counts, so recursive calls may weigh more than the function.
 */
export function callersAndCalleesTold(calls, item) {
  const found = { total: null, self: null, callers: [], callees: [] };
  calls.caller.forEach((caller, row) => {
    const ns = calls.weight_ns.map((column) => column[row]);
    if (calls.callee[row] === item) found.callers.push({ item: caller, ns });
    if (caller === item) found.callees.push({ item: calls.callee[row], ns });
  });
  for (const rows of [found.callers, found.callees]) {
    rows.sort((a, b) => b.ns.at(-1) - a.ns.at(-1) || b.ns[0] - a.ns[0] || a.item - b.item);
  }
  return found;
}
