/** The trees of a chain: state, lists of a block, and the content root that joins them. docs/proofs.md */
import { concat, Invalid, u32, u64, utf8 } from "./bytes.ts";
import { sm3 } from "./crypto.ts";

export const empty = new Uint8Array(32);

/** Leaves under the content root. */
export const position = { state: 0, writes: 1, txs: 2, receipts: 3, events: 4, config: 5 } as const;

const byte = (v: number) => Uint8Array.of(v);

export function inner(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sm3(concat(byte(1), left, right));
}

export function keyHash(ns: string, key: Uint8Array): Uint8Array {
  const name = utf8(ns);
  return sm3(concat(byte(name.length), name, key));
}

/** valueHash is that of a row written by a transaction; of a deletion where value is null. */
export function valueHash(height: number, txIndex: number, value: Uint8Array | null): Uint8Array {
  const place = concat(u64(height), u32(txIndex));
  return value === null ? sm3(concat(byte(3), place)) : sm3(concat(byte(2), place, value));
}

export function stateLeaf(keyHash: Uint8Array, valueHash: Uint8Array): Uint8Array {
  return sm3(concat(byte(0), keyHash, valueHash));
}

/** foldState walks from the leaf of a key up; siblings stand from the root down. */
export function foldState(keyHash: Uint8Array, leaf: Uint8Array, siblings: Uint8Array[]): Uint8Array {
  let hash = leaf;
  for (let i = siblings.length - 1; i >= 0; i--) {
    hash = bit(keyHash, i) === 0 ? inner(hash, siblings[i]!) : inner(siblings[i]!, hash);
  }
  return hash;
}

/** bit i of a hash, the most significant first. */
export function bit(hash: Uint8Array, i: number): number {
  return (hash[i >> 3]! >> (7 - (i & 7))) & 1;
}

export function listLeaf(item: Uint8Array): Uint8Array {
  return sm3(concat(byte(0), sm3(item)));
}

/** listSiblings is how many siblings lead from an item to the root of its list (RFC 6962). */
export function listSiblings(index: number, count: number): number {
  let siblings = 0;
  for (let at = index, n = count; n > 1; at = Math.floor(at / 2), n = Math.ceil(n / 2)) {
    if (at % 2 === 1 || at + 1 < n) siblings++;
  }
  return siblings;
}

/** foldList walks from an item's leaf up; siblings stand from the leaf up. */
export function foldList(leaf: Uint8Array, index: number, count: number, siblings: Uint8Array[]): Uint8Array {
  let hash = leaf;
  let next = 0;
  for (let at = index, n = count; n > 1; at = Math.floor(at / 2), n = Math.ceil(n / 2)) {
    if (at % 2 === 1) hash = inner(siblings[next++] ?? missing(), hash);
    else if (at + 1 < n) hash = inner(hash, siblings[next++] ?? missing());
  }
  if (next !== siblings.length) throw new Invalid("siblings are left over");
  return hash;
}

function missing(): never {
  throw new Invalid("a sibling is missing");
}

/** listRoot computes the root of a whole list, given the hashes of its items. */
export function listRoot(items: Uint8Array[]): Uint8Array {
  if (items.length === 0) return empty;
  if (items.length === 1) return sm3(concat(byte(0), items[0]!));
  let left = 1;
  while (left * 2 < items.length) left *= 2;
  return inner(listRoot(items.slice(0, left)), listRoot(items.slice(left)));
}

export function contentLeaf(place: number, data: Uint8Array): Uint8Array {
  return sm3(concat(byte(0), byte(place), data));
}

/** foldContent walks from a content leaf to the content root. */
export function foldContent(place: number, leaf: Uint8Array, path: Uint8Array[]): Uint8Array {
  return path.reduce((hash, sibling, i) => ((place >> i) & 1 ? inner(sibling, hash) : inner(hash, sibling)), leaf);
}
