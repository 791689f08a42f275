// Hashes of data in parts: equal to those of the whole, by the SDK's own SM3 and by Node's SHA-256.
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { hex, sha256Stream, sm3, sm3Stream } from "../src/index.ts";

const data = Uint8Array.from({ length: 1000 }, (_, i) => (i * 131 + (i >> 3)) & 0xff);

test("lengths around the blocks, in parts of several sizes", () => {
  for (const n of [0, 1, 55, 56, 63, 64, 65, 119, 120, 128, 999]) {
    const part = data.subarray(0, n);
    const a = sm3Stream();
    const b = sha256Stream();
    for (let at = 0; at < n; at += (n % 70) + 1) {
      const piece = part.subarray(at, Math.min(n, at + (n % 70) + 1));
      a.update(piece);
      b.update(piece);
    }
    expect(hex(a.digest()), `sm3 of ${n}`).toBe(hex(sm3(part)));
    expect(hex(b.digest()), `sha256 of ${n}`).toBe(createHash("sha256").update(part).digest("hex"));
  }
});

test("the standard's examples", () => {
  const a = sm3Stream();
  a.update(new TextEncoder().encode("abc"));
  expect(hex(a.digest())).toBe("66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0");
});
