// The vectors of ledger/proof, which Go wrote: what it accepts is accepted here, what it refuses is refused.
// covers: T.18
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { checkProof, decodeProof, decodeSet, fromHex, hex, listRoot, sm3, type Trusted } from "../src/index.ts";

interface Vectors {
  hashes: { name: string; bytes: string; hash: string }[];
  lists: { items: string[]; root: string }[];
  trust: { genesis: string; validators: string };
  proofs: { name: string; valid: boolean; why?: string; compact: string; json?: { checksum: string } }[];
}

const vectors = JSON.parse(readFileSync(new URL("../../../ledger/proof/testdata/vectors.json", import.meta.url), "utf8")) as Vectors;
const next = decodeSet(fromHex(vectors.trust.validators));

// The vectors' anchor is the genesis, dated before all of their headers.
const trust: Trusted = { genesis: fromHex(vectors.trust.genesis), height: 0, timeNs: 0n, hash: new Uint8Array(32), next };

function judge(bytes: Uint8Array): boolean {
  try {
    checkProof(trust, decodeProof(bytes));
    return true;
  } catch {
    return false;
  }
}

describe("hashes", () => {
  test.each(vectors.hashes)("$name", (v) => expect(hex(sm3(fromHex(v.bytes)))).toBe(v.hash));
});

describe("lists", () => {
  test.each(vectors.lists)("root $root", (v) => expect(hex(listRoot(v.items.map(fromHex)))).toBe(v.root));
});

describe("proofs", () => {
  test.each(vectors.proofs)("$name", (v) => expect(judge(fromHex(v.compact)), v.why).toBe(v.valid));

  test("another chain", () => {
    const good = decodeProof(fromHex(vectors.proofs.find((v) => v.valid)!.compact));
    expect(() => checkProof({ ...trust, genesis: sm3(new Uint8Array()) }, good)).toThrow("another chain");
  });

  test("one altered byte anywhere", () => {
    const good = fromHex(vectors.proofs.find((v) => v.name === "state-value")!.compact);
    for (let i = 0; i < good.length; i++) {
      const bad = good.slice();
      bad[i]! ^= 1 << i % 8;
      expect(judge(bad), `byte ${i}`).toBe(false);
    }
  });

  // A checksum can be made anew by whoever alters a proof; the hashes and signatures must hold against that.
  test("one altered byte under a new checksum", () => {
    const good = fromHex(vectors.proofs.find((v) => v.name === "state-value")!.compact);
    for (let i = 4; i < good.length - 8; i += 3) {
      const bad = good.slice();
      bad[i]! ^= 1 << i % 8;
      bad.set(sm3(bad.subarray(0, bad.length - 8)).subarray(0, 8), bad.length - 8);
      expect(judge(bad), `byte ${i}`).toBe(false);
    }
  });

  test("truncated", () => {
    const good = fromHex(vectors.proofs.find((v) => v.name === "tx")!.compact);
    for (let n = 0; n < good.length; n += 7) expect(judge(good.subarray(0, n))).toBe(false);
  });
});
