/** SM3 (GB/T 32905) and SHA-256 (FIPS 180-4) of data that comes in parts, such as a file read piece by piece. */

/** Digest takes data in parts; digest ends it. */
export interface Digest {
  update(part: Uint8Array): void;
  digest(): Uint8Array;
}

/** Blocks gathers blocks of 64 bytes and pads the last; both hashes do so alike. */
abstract class Blocks implements Digest {
  protected readonly state: Uint32Array;
  private readonly block = new Uint8Array(64);
  private readonly view = new DataView(this.block.buffer);
  private filled = 0;
  private total = 0;

  constructor(iv: readonly number[]) {
    this.state = Uint32Array.from(iv);
  }

  protected abstract compress(view: DataView, at: number): void;

  update(part: Uint8Array): void {
    this.total += part.length;
    let at = 0;
    if (this.filled > 0) {
      at = Math.min(64 - this.filled, part.length);
      this.block.set(part.subarray(0, at), this.filled);
      this.filled += at;
      if (this.filled < 64) return;
      this.compress(this.view, 0);
      this.filled = 0;
    }
    const view = new DataView(part.buffer, part.byteOffset, part.byteLength);
    for (; at + 64 <= part.length; at += 64) this.compress(view, at);
    this.block.set(part.subarray(at));
    this.filled = part.length - at;
  }

  digest(): Uint8Array {
    const bits = BigInt(this.total) * 8n;
    const pad = new Uint8Array((this.filled < 56 ? 64 : 128) - this.filled);
    pad[0] = 0x80;
    new DataView(pad.buffer).setBigUint64(pad.length - 8, bits);
    this.update(pad);
    const out = new Uint8Array(32);
    const v = new DataView(out.buffer);
    this.state.forEach((word, i) => v.setUint32(4 * i, word));
    return out;
  }
}

const rotl = (x: number, n: number): number => (x << n) | (x >>> (32 - n));

/** The constant of each round of SM3, turned to its place. */
const turned = Uint32Array.from({ length: 64 }, (_, j) => rotl(j < 16 ? 0x79cc4519 : 0x7a879d8a, j % 32));

class SM3 extends Blocks {
  private readonly w = new Int32Array(68);

  constructor() {
    super([0x7380166f, 0x4914b2b9, 0x172442d7, 0xda8a0600, 0xa96f30bc, 0x163138aa, 0xe38dee4d, 0xb0fb0e4e]);
  }

  protected compress(view: DataView, at: number): void {
    const { w, state } = this;
    for (let i = 0; i < 16; i++) w[i] = view.getInt32(at + 4 * i);
    for (let i = 16; i < 68; i++) {
      const x = w[i - 16]! ^ w[i - 9]! ^ rotl(w[i - 3]!, 15);
      w[i] = x ^ rotl(x, 15) ^ rotl(x, 23) ^ rotl(w[i - 13]!, 7) ^ w[i - 6]!;
    }
    let [a, b, c, d, e, f, g, h] = state as unknown as [number, number, number, number, number, number, number, number];
    for (let j = 0; j < 64; j++) {
      const a12 = rotl(a, 12);
      const ss1 = rotl((a12 + e + turned[j]!) | 0, 7);
      const ff = j < 16 ? a ^ b ^ c : (a & b) | (a & c) | (b & c);
      const gg = j < 16 ? e ^ f ^ g : (e & f) | (~e & g);
      const tt1 = (ff + d + (ss1 ^ a12) + (w[j]! ^ w[j + 4]!)) | 0;
      const tt2 = (gg + h + ss1 + w[j]!) | 0;
      d = c;
      c = rotl(b, 9);
      b = a;
      a = tt1;
      h = g;
      g = rotl(f, 19);
      f = e;
      e = tt2 ^ rotl(tt2, 9) ^ rotl(tt2, 17);
    }
    [a, b, c, d, e, f, g, h].forEach((v, i) => (state[i]! ^= v));
  }
}

/** primes are the first 64; SHA-256 takes its constants from their cube roots. */
const roundConstants = (() => {
  const out = new Uint32Array(64);
  for (let n = 2, found = 0; found < 64; n++) {
    let prime = true;
    for (let d = 2; d * d <= n; d++) prime &&= n % d !== 0;
    if (prime) out[found++] = (Math.cbrt(n) % 1) * 2 ** 32;
  }
  return out;
})();

const rotr = (x: number, n: number): number => (x >>> n) | (x << (32 - n));

class SHA256 extends Blocks {
  private readonly w = new Int32Array(64);

  constructor() {
    super([0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19]);
  }

  protected compress(view: DataView, at: number): void {
    const { w, state } = this;
    for (let i = 0; i < 16; i++) w[i] = view.getInt32(at + 4 * i);
    for (let i = 16; i < 64; i++) {
      const x = w[i - 15]!;
      const y = w[i - 2]!;
      w[i] = (w[i - 16]! + w[i - 7]! + (rotr(x, 7) ^ rotr(x, 18) ^ (x >>> 3)) + (rotr(y, 17) ^ rotr(y, 19) ^ (y >>> 10))) | 0;
    }
    let [a, b, c, d, e, f, g, h] = state as unknown as [number, number, number, number, number, number, number, number];
    for (let j = 0; j < 64; j++) {
      const t1 = (h + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) + ((e & f) ^ (~e & g)) + roundConstants[j]! + w[j]!) | 0;
      const t2 = ((rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + t1) | 0;
      d = c;
      c = b;
      b = a;
      a = (t1 + t2) | 0;
    }
    [a, b, c, d, e, f, g, h].forEach((v, i) => (state[i]! += v));
  }
}

export const sm3Stream = (): Digest => new SM3();
export const sha256Stream = (): Digest => new SHA256();
