// The data of an example, from the element that carries it to what the views work with.

import { functionColumns } from "./functions.js";
import { nameHash } from "./state.js";
import { decodeTree } from "./tree.js";

/** Unpack base64 of deflated JSON. */
export async function unpack(text) {
  const packed = Uint8Array.from(atob(text.trim()), (char) => char.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return JSON.parse(await new Response(stream).text());
}

/** A payload with what is computed of it once: tree (or null), columns of functions, row of each item (-1: none). */
export function prepare(payload) {
  const rowOf = new Int32Array(payload.items.length).fill(-1);
  payload.functions.item.forEach((item, row) => {
    rowOf[item] = row;
  });
  return { ...payload, tree: decodeTree(payload), columns: functionColumns(payload), rowOf, byHash: null };
}

/** The item that a hash of a fragment stands for, -1 where this example has none such. */
export function itemOfHash(loaded, hash) {
  loaded.byHash ??= new Map(loaded.items.map((item, row) => [nameHash(item[0], item[1]), row]));
  return loaded.byHash.get(hash) ?? -1;
}
