/** What became of a transaction, and what contracts announced. */
import { Message } from "./wire.ts";

export interface Receipt {
  txId: Uint8Array;
  /** 0 for success, else the number of an HC code. */
  code: number;
  error: string;
  /** JSON of a successful call. */
  result: Uint8Array;
  gasUsed: number;
  events: number;
}

export interface Event {
  txIndex: number;
  contract: string;
  name: string;
  /** JSON. */
  data: Uint8Array;
}

export function decodeReceipt(raw: Uint8Array): Receipt {
  const m = new Message(raw);
  const r: Receipt = {
    txId: m.exact(1, 32),
    code: m.number(2, 2 ** 31),
    error: m.string(3, 1 << 10),
    result: m.bytes(4, 256 << 10),
    gasUsed: m.number(5),
    events: m.number(6, 2 ** 32 - 1),
  };
  m.end();
  return r;
}

export function decodeEvent(raw: Uint8Array): Event {
  const m = new Message(raw);
  const e: Event = { txIndex: m.number(1, 2 ** 32 - 1), contract: m.string(2, 64), name: m.string(3, 64), data: m.bytes(4, 64 << 10) };
  m.end();
  return e;
}
