// Callers and callees where a source tells calls and no paths, and data as it comes out of a page.

import assert from "node:assert/strict";
import test from "node:test";
import { deflateRawSync } from "node:zlib";

import { callersAndCalleesTold } from "../../../perfdb/report/html/static/calls.js";
import { itemOfHash, prepare, unpack } from "../../../perfdb/report/html/static/payload.js";
import { nameHash } from "../../../perfdb/report/html/static/state.js";
import { payloadOf } from "./trees.mjs";

const CALLS = {
  caller: [0, 0, 1, 1],
  callee: [1, 2, 2, 1],
  samples: [[8, 1, 5, 4]],
  weight_ns: [[80, 10, 50, 40]],
};

test("a function's callers and callees are the calls that name it, the heaviest first", () => {
  const found = callersAndCalleesTold(CALLS, 1);

  assert.deepEqual([{ item: 0, ns: [80] }, { item: 1, ns: [40] }], found.callers);
  assert.deepEqual([{ item: 2, ns: [50] }, { item: 1, ns: [40] }], found.callees);
});

test("calls do not tell what a function costs itself", () => {
  const { total, self, callers } = callersAndCalleesTold(CALLS, 0);

  assert.deepEqual([null, null, []], [total, self, callers]);
});

test("a payload comes out as it went in, names and all", async () => {
  const data = { items: [["</script>", "ü\\u202e → 函数"]], tree: null };

  assert.deepEqual(data, await unpack(`\n${deflateRawSync(JSON.stringify(data)).toString("base64")}\n`));
});

test("what is no payload is an error and no page without data", async () => {
  await assert.rejects(unpack(Buffer.from("nothing packed").toString("base64")));
});

test("functions are found by item and by hash", () => {
  const made = payloadOf({ "a.dll;b.dll": [3] });
  const loaded = prepare({
    ...made,
    functions: { item: [1], exclusive_ns: [[3e6]], inclusive_ns: [[3e6]], exclusive_samples: [[3]] },
  });

  assert.deepEqual([-1, 0], [...loaded.rowOf]);
  assert.equal(1, itemOfHash(loaded, nameHash(...loaded.items[1])));
  assert.equal(-1, itemOfHash(loaded, "nosuchhash0"));
});
