/**
 * Canonical protobuf, as types/huchain.proto says: fields ascend, varints are shortest, default values
 * and unknown fields do not occur. Decoders accept that form alone.
 */
import { concat, Invalid, text, utf8 } from "./bytes.ts";

const varintType = 0;
const bytesType = 2;

function varint(v: bigint): Uint8Array {
  const out: number[] = [];
  for (; v >= 0x80n; v >>= 7n) out.push(Number(v & 0x7fn) | 0x80);
  out.push(Number(v));
  return Uint8Array.from(out);
}

function tag(field: number, type: number): Uint8Array {
  return varint(BigInt(field * 8 + type));
}

/** uint encodes a number; nothing for zero. */
export function uint(field: number, v: bigint | number): Uint8Array {
  return BigInt(v) === 0n ? new Uint8Array() : concat(tag(field, varintType), varint(BigInt(v)));
}

/** element encodes bytes, empty or not. */
export function element(field: number, v: Uint8Array): Uint8Array {
  return concat(tag(field, bytesType), varint(BigInt(v.length)), v);
}

/** bytes encodes bytes; nothing where there are none. */
export function bytes(field: number, v: Uint8Array): Uint8Array {
  return v.length === 0 ? v : element(field, v);
}

export function string(field: number, v: string): Uint8Array {
  return bytes(field, utf8(v));
}

/** Message reads the fields of one message in their order. */
export class Message {
  private at = 0;
  private last = 0;
  private peeked: { field: number; type: number } | null = null;
  private readonly in: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.in = bytes;
  }

  private varint(): bigint {
    let v = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const b = this.in[this.at++];
      if (b === undefined) throw new Invalid("truncated or overlong varint");
      v |= BigInt(b & 0x7f) << shift;
      if (b < 0x80) {
        if (b === 0 && shift > 0n) throw new Invalid("encoding is not canonical");
        if (v >= 1n << 64n) break;
        return v;
      }
    }
    throw new Invalid("truncated or overlong varint");
  }

  /** next steps onto the value of a field if it comes next. */
  private next(field: number, type: number): boolean {
    if (this.peeked === null) {
      if (this.at >= this.in.length) return false;
      const t = this.varint();
      if (t >> 3n === 0n || t >> 3n > 1n << 20n) throw new Invalid("field number out of range");
      this.peeked = { field: Number(t >> 3n), type: Number(t & 7n) };
      if (this.peeked.field < this.last) throw new Invalid("encoding is not canonical");
    }
    if (this.peeked.field !== field) return false;
    if (this.peeked.type !== type) throw new Invalid(`field ${field} has the wrong wire type`);
    this.peeked = null;
    this.last = field;
    return true;
  }

  /** uint reads an optional number, at most max. */
  uint(field: number, max: bigint): bigint {
    if (!this.next(field, varintType)) return 0n;
    const v = this.varint();
    if (v === 0n) throw new Invalid("encoding is not canonical");
    if (v > max) throw new Invalid(`field ${field} is above ${max}`);
    return v;
  }

  /** number reads an optional number that JavaScript holds exactly. */
  number(field: number, max = Number.MAX_SAFE_INTEGER): number {
    return Number(this.uint(field, BigInt(max)));
  }

  /** element reads one element of a repeated field, null after the last. */
  element(field: number, max: number): Uint8Array | null {
    if (!this.next(field, bytesType)) return null;
    const n = this.varint();
    if (n > BigInt(this.in.length - this.at)) throw new Invalid("truncated field");
    if (n > BigInt(max)) throw new Invalid(`field ${field} of ${n} bytes, at most ${max} allowed`);
    this.at += Number(n);
    return this.in.subarray(this.at - Number(n), this.at);
  }

  /** bytes reads an optional field, empty where it is absent. */
  bytes(field: number, max: number): Uint8Array {
    const v = this.element(field, max);
    if (v !== null && v.length === 0) throw new Invalid("encoding is not canonical");
    return v ?? new Uint8Array();
  }

  /** exact reads a field of n bytes that must be there. */
  exact(field: number, n: number): Uint8Array {
    const v = this.element(field, n);
    if (v === null || v.length !== n) throw new Invalid(`field ${field} must have ${n} bytes`);
    return v;
  }

  /** hash reads 32 bytes, zero where the field is absent. */
  hash(field: number): Uint8Array {
    const v = this.element(field, 32);
    if (v === null) return new Uint8Array(32);
    if (v.length !== 32 || v.every((b) => b === 0)) throw new Invalid("encoding is not canonical");
    return v;
  }

  string(field: number, max: number): string {
    return text(this.bytes(field, max));
  }

  /** end throws where anything is left. */
  end(): void {
    if (this.peeked !== null || this.at < this.in.length) throw new Invalid("unknown field or wrong order");
  }
}
