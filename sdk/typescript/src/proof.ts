/**
 * Proofs (docs/proofs.md): one fact of a block with what leads from it to the header that validators
 * signed. Decoding checks the form alone; verify shows each step of the way.
 */
import { concat, equal, fromHex, hex, Invalid, Reader, text } from "./bytes.ts";
import { sm3 } from "./crypto.ts";
import { type Certificate, decodeCertificate, decodeHeader, decodeSet, type Header, type Validator } from "./header.ts";
import { bit, contentLeaf, empty, foldContent, foldList, foldState, keyHash, listLeaf, listSiblings, position, stateLeaf, valueHash } from "./merkle.ts";
import { decodeEvent, decodeReceipt, type Event, type Receipt } from "./receipt.ts";
import { decodeTx, type Tx } from "./tx.ts";

export const maxProofBytes = 1 << 20;
const sealBytes = 8;
const maxDepth = 256;
const maxValueBytes = 64 << 10;
const maxTxBytes = 256 << 10;
const maxReceiptBytes = (256 << 10) + 4096;
const maxEventBytes = (64 << 10) + 4096;
const maxListCount = 2 ** 32;

/** A state row, or its absence. */
export interface StateFact {
  kind: "state";
  ns: string;
  key: Uint8Array;
  ending: "empty" | "value" | "deleted" | "foreign";
  siblings: Uint8Array[];
  /** Where the row was written or deleted. */
  height: number;
  txIndex: number;
  value: Uint8Array;
  foreignKeyHash: Uint8Array;
  foreignValueHash: Uint8Array;
}

/** A member of one of a block's lists. */
export interface ListFact {
  raw: Uint8Array;
  index: number;
  count: number;
  siblings: Uint8Array[];
}

export type Fact =
  | StateFact
  | ({ kind: "tx"; tx: Tx } & ListFact)
  | ({ kind: "receipt"; receipt: Receipt } & ListFact)
  | ({ kind: "event"; event: Event } & ListFact)
  | ({ kind: "write"; write: Write } & ListFact);

/** A write: what a transaction did to a row, and where the row was written before. */
export interface Write {
  ns: string;
  key: Uint8Array;
  /** null where the row was deleted. */
  value: Uint8Array | null;
  txIndex: number;
  previous: { height: number; txIndex: number } | null;
}

export interface Proof {
  header: Header;
  certificate: Certificate;
  signers: Validator[];
  path: Uint8Array[];
  fact: Fact;
}

const kinds = ["state", "tx", "receipt", "event", "write"] as const;

/** decodeProof reads the compact form. It throws Invalid where that is altered or not canonical. */
export function decodeProof(bytes: Uint8Array): Proof {
  const r = unseal(bytes, "HCP");
  const kind = kinds[r.u8() - 1];
  if (kind === undefined) throw new Invalid("unknown kind of proof");
  const header = decodeHeader(r.blob(1 << 10));
  const certificate = decodeCertificate(r.blob(16 << 10));
  const signers = decodeSet(r.blob(32 << 10));
  const path = [r.take(32), r.take(32), r.take(32)];
  const fact = decodeFact(kind, r);
  r.end();
  return { header, certificate, signers, path, fact };
}

function unseal(bytes: Uint8Array, magic: string): Reader {
  if (bytes.length > maxProofBytes || bytes.length < magic.length + 2 + sealBytes) throw new Invalid("not of a proof's size");
  const body = bytes.subarray(0, bytes.length - sealBytes);
  if (!equal(sm3(body).subarray(0, sealBytes), bytes.subarray(body.length))) throw new Invalid("altered or truncated: the checksum differs");
  const r = new Reader(body);
  if (text(r.take(magic.length)) !== magic || r.u8() !== 1) throw new Invalid("not a proof of a known version");
  return r;
}

function decodeFact(kind: (typeof kinds)[number], r: Reader): Fact {
  if (kind === "state") return decodeState(r);
  const raw = r.blob(kind === "tx" ? maxTxBytes : kind === "receipt" ? maxReceiptBytes : kind === "event" ? maxEventBytes : maxTxBytes);
  return itemFact(kind, raw, decodeList(raw, r));
}

/** listFact makes the fact that a list of a block holds an item. */
export function listFact(kind: "tx" | "receipt" | "event" | "write", raw: Uint8Array, index: number, count: number, siblings: Uint8Array[]): Fact {
  if (!(index >= 0 && index < count && count <= maxListCount) || siblings.length !== listSiblings(index, count)) throw new Invalid("index outside the list");
  return itemFact(kind, raw, { raw, index, count, siblings });
}

function itemFact(kind: "tx" | "receipt" | "event" | "write", raw: Uint8Array, list: ListFact): Fact {
  switch (kind) {
    case "tx":
      return { kind, tx: decodeTx(raw), ...list };
    case "receipt":
      return { kind, receipt: decodeReceipt(raw), ...list };
    case "event":
      return { kind, event: decodeEvent(raw), ...list };
    case "write":
      return { kind, write: decodeWrite(raw), ...list };
  }
}

function decodeState(r: Reader): StateFact {
  const f: StateFact = {
    kind: "state",
    ns: text(r.take(r.u8())),
    key: r.blob(256),
    ending: "empty",
    siblings: [],
    height: 0,
    txIndex: 0,
    value: new Uint8Array(),
    foreignKeyHash: empty,
    foreignValueHash: empty,
  };
  const ending = (["empty", "value", "deleted", "foreign"] as const)[r.u8()];
  const depth = r.u16();
  if (ending === undefined || depth > maxDepth) throw new Invalid("unknown ending, or path too long");
  f.ending = ending;
  f.siblings = decodeSiblings(depth, r);
  if (ending === "value" || ending === "deleted") {
    f.height = r.u64();
    f.txIndex = r.u32();
    if (ending === "value") f.value = r.blob(maxValueBytes);
  } else if (ending === "foreign") {
    f.foreignKeyHash = r.take(32);
    f.foreignValueHash = r.take(32);
  }
  return f;
}

/** decodeSiblings reads a bitmap, first bit highest, and the siblings that are not empty. */
function decodeSiblings(depth: number, r: Reader): Uint8Array[] {
  const bitmap = r.take(Math.ceil(depth / 8));
  if (depth % 8 !== 0 && ((bitmap.at(-1)! << depth % 8) & 0xff) !== 0) throw new Invalid("bitmap longer than the path");
  return Array.from({ length: depth }, (_, i) => {
    if (bit(bitmap, i) === 0) return empty;
    const sibling = r.take(32);
    if (equal(sibling, empty)) throw new Invalid("empty sibling written out");
    return sibling;
  });
}

function decodeList(raw: Uint8Array, r: Reader): ListFact {
  const index = r.u64();
  const count = r.u64();
  if (index >= count || count > maxListCount) throw new Invalid("index outside the list");
  return { raw, index, count, siblings: Array.from({ length: listSiblings(index, count) }, () => r.take(32)) };
}

function decodeWrite(raw: Uint8Array): Write {
  const r = new Reader(raw);
  const ns = text(r.take(r.u8()));
  const key = r.blob(256);
  const flags = r.u8();
  if (flags > 3) throw new Invalid("unknown flags of a write");
  const txIndex = r.u32();
  const previous = { height: r.u64(), txIndex: r.u32() };
  if (!(flags & 2) && (previous.height !== 0 || previous.txIndex !== 0)) throw new Invalid("a previous writing that is none");
  const value = r.take(r.left);
  if (flags & 1 && value.length > 0) throw new Invalid("a deletion with a value");
  if (value.length > maxValueBytes) throw new Invalid("value too long");
  return { ns, key, value: flags & 1 ? null : value, txIndex, previous: flags & 2 ? previous : null };
}

/** contentOf folds a proof's fact to its leaf under the content root. It throws Invalid where that cannot be. */
export function contentOf(p: Proof): { place: number; leaf: Uint8Array } {
  const f = p.fact;
  if (f.kind === "state") return { place: position.state, leaf: contentLeaf(position.state, stateRoot(f, p.header.height)) };
  const place = { tx: position.txs, receipt: position.receipts, event: position.events, write: position.writes }[f.kind];
  const leaf = listLeaf(f.kind === "write" ? writeItem(f.write, p.header.height) : f.raw);
  const root = foldList(leaf, f.index, f.count, f.siblings);
  const count = new Uint8Array(8);
  new DataView(count.buffer).setBigUint64(0, BigInt(f.count));
  return { place, leaf: contentLeaf(place, concat(root, count)) };
}

function stateRoot(f: StateFact, height: number): Uint8Array {
  const kh = keyHash(f.ns, f.key);
  if (f.height > height) throw new Invalid("the row was written after the header");
  let leaf: Uint8Array = empty;
  if (f.ending === "value") leaf = stateLeaf(kh, valueHash(f.height, f.txIndex, f.value));
  if (f.ending === "deleted") leaf = stateLeaf(kh, valueHash(f.height, f.txIndex, null));
  if (f.ending === "foreign") {
    if (equal(f.foreignKeyHash, kh)) throw new Invalid("the foreign leaf is the key's own");
    for (let i = 0; i < f.siblings.length; i++) {
      if (bit(kh, i) !== bit(f.foreignKeyHash, i)) throw new Invalid("the foreign leaf is not on the key's path");
    }
    leaf = stateLeaf(f.foreignKeyHash, f.foreignValueHash);
  }
  return foldState(kh, leaf, f.siblings);
}

/** writeItem is what a write set lists: key hash, value hash, and where the key was written before. */
function writeItem(w: Write, height: number): Uint8Array {
  const out = new Uint8Array(17);
  const v = new DataView(out.buffer);
  v.setUint8(0, w.previous === null ? 0 : 1);
  v.setBigUint64(1, BigInt(w.previous?.height ?? 0));
  v.setUint32(9, w.previous?.txIndex ?? 0);
  v.setUint32(13, w.txIndex);
  return concat(keyHash(w.ns, w.key), valueHash(height, w.txIndex, w.value), out);
}

/** checkContent throws unless a proof's fact belongs to its header. */
export function checkContent(p: Proof): void {
  const { place, leaf } = contentOf(p);
  if (!equal(foldContent(place, leaf, p.path), p.header.content)) throw new Invalid("the fact does not lead to the header's content root");
}

/** proofFromHex decodes what the API calls proof. */
export function proofFromHex(digits: string): Proof {
  return decodeProof(fromHex(digits));
}

/** describe names a proof's fact in one line. */
export function describe(f: Fact): string {
  switch (f.kind) {
    case "state":
      return `state ${f.ns} ${hex(f.key)}`;
    case "tx":
      return `tx ${hex(f.tx.id)}`;
    case "receipt":
      return `receipt ${hex(f.receipt.txId)}`;
    case "event":
      return `event ${f.event.contract}.${f.event.name}`;
    case "write":
      return `write ${f.write.ns} ${hex(f.write.key)}`;
  }
}
