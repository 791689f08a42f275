/** Bytes: hexadecimal text, comparison, and a reader whose first fault ends the reading. */

/** What is wrong with bytes, a proof, a certificate or an answer of a server. */
export class Invalid extends Error {
  override name = "Invalid";
}

export function hex(b: Uint8Array): string {
  let out = "";
  for (const v of b) out += v.toString(16).padStart(2, "0");
  return out;
}

/** fromHex reads lower- or upper-case digits, two a byte. */
export function fromHex(text: string): Uint8Array {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) throw new Invalid("not hexadecimal digits");
  const out = new Uint8Array(text.length / 2);
  for (let i = 0; i < out.length; i++) out[i] = parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return out;
}

export function equal(a: Uint8Array, b: Uint8Array): boolean {
  return compare(a, b) === 0;
}

/** compare orders bytes as Go's bytes.Compare does. */
export function compare(a: Uint8Array, b: Uint8Array): number {
  const n = Math.min(a.length, b.length);
  for (let i = 0; i < n; i++) {
    const d = a[i]! - b[i]!;
    if (d !== 0) return d;
  }
  return a.length - b.length;
}

export function concat(...parts: Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
  return out;
}

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** text reads UTF-8 and refuses what is not. */
export function text(b: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(b);
  } catch {
    throw new Invalid("text is not UTF-8");
  }
}

/** u32 and u64 are big-endian. */
export function u32(v: number): Uint8Array {
  const out = new Uint8Array(4);
  new DataView(out.buffer).setUint32(0, v);
  return out;
}

export function u64(v: number): Uint8Array {
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigUint64(0, BigInt(v));
  return out;
}

/** Reader takes fixed-width fields off bytes. Every method throws Invalid where they end too soon. */
export class Reader {
  private at = 0;
  private readonly in: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.in = bytes;
  }

  get left(): number {
    return this.in.length - this.at;
  }

  take(n: number): Uint8Array {
    if (n > this.left) throw new Invalid("truncated");
    this.at += n;
    return this.in.subarray(this.at - n, this.at);
  }

  u8(): number {
    return this.take(1)[0]!;
  }

  u16(): number {
    const b = this.take(2);
    return b[0]! * 256 + b[1]!;
  }

  u32(): number {
    const b = this.take(4);
    return new DataView(b.buffer, b.byteOffset, 4).getUint32(0);
  }

  /** u64 refuses numbers above 2^53 - 1, which no height or count reaches. */
  u64(): number {
    const b = this.take(8);
    const v = new DataView(b.buffer, b.byteOffset, 8).getBigUint64(0);
    if (v > BigInt(Number.MAX_SAFE_INTEGER)) throw new Invalid("number out of range");
    return Number(v);
  }

  /** blob reads a u32 length and as many bytes, at most max. */
  blob(max: number): Uint8Array {
    const n = this.u32();
    if (n > max) throw new Invalid(`${n} bytes, at most ${max} allowed`);
    return this.take(n);
  }

  end(): void {
    if (this.left > 0) throw new Invalid("trailing bytes");
  }
}
