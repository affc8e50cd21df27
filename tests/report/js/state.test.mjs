// A place on the page, to a fragment and back.

import assert from "node:assert/strict";
import test from "node:test";

import { FIRST_PLACE, nameHash, readPlace, writePlace } from "../../../perfdb/report/html/static/state.js";

test("a place survives its fragment, whatever its names hold", () => {
  const place = {
    example: 'a b&c=d#e "</script>',
    view: "butterfly",
    function: "0abc",
    sort: "-delta",
    filter: "kuzu insert+%",
    order: "leaf",
    width: "contender",
    search: "ü → x",
  };

  assert.deepEqual(place, readPlace(writePlace(place)));
});

test("what goes without saying is left out", () => {
  assert.equal("#", writePlace(FIRST_PLACE));
  assert.equal("#view=functions", writePlace({ ...FIRST_PLACE, view: "functions" }));
  assert.deepEqual(FIRST_PLACE, readPlace(""));
});

test("words that no place has are passed over", () => {
  assert.deepEqual(FIRST_PLACE, readPlace("#view=nonsense&order=upside&colour=red"));
});

test("a fragment that names a heading is no place", () => {
  assert.equal(null, readPlace("#details"));
});

test("a hash is of the name, in which the case of a module does not matter and that of a function does", () => {
  assert.equal(nameHash("KUZU.dll", "insert"), nameHash("kuzu.DLL", "insert"));
  assert.notEqual(nameHash("kuzu.dll", "insert"), nameHash("kuzu.dll", "Insert"));
  assert.match(nameHash("a", ""), /^[0-9a-z]{11}$/);
});

test("a hundred thousand similar names have as many hashes", () => {
  const hashes = new Set();
  for (let number = 0; number < 100000; number++) hashes.add(nameHash(`m${number % 40}.dll`, `ns::f<${number}>::call`));

  assert.equal(100000, hashes.size);
});
