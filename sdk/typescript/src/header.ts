/** Block headers, validator sets and the finality certificates that validators sign with SM2. */
import { compare, concat, equal, hex, Invalid } from "./bytes.ts";
import { isPublicKey, publicKeySize, signatureSize, sm3, verify } from "./crypto.ts";
import { element, Message, uint } from "./wire.ts";

export const maxValidators = 128;
export const purpose = "huchain/header/1";

/** A validator: its SM2 key signs headers, its ed25519 key votes inside consensus. */
export interface Validator {
  key: Uint8Array;
  ed25519: Uint8Array;
  power: number;
}

/** A header; hash is SM3 of raw, its canonical bytes. */
export interface Header {
  raw: Uint8Array;
  hash: Uint8Array;
  genesis: Uint8Array;
  height: number;
  timeNs: bigint;
  cometHash: Uint8Array;
  previous: Uint8Array;
  content: Uint8Array;
  archive: Uint8Array;
  signers: Uint8Array;
  nextSigners: Uint8Array;
  protocol: number;
}

/** A certificate: signatures over a header's bytes by members of the set it names as signers. */
export interface Certificate {
  height: number;
  signatures: { index: number; signature: Uint8Array }[];
}

export function decodeHeader(raw: Uint8Array): Header {
  const m = new Message(raw);
  if (m.string(1, 64) !== purpose) throw new Invalid(`purpose tag is not ${purpose}`);
  const h: Header = {
    raw,
    hash: sm3(raw),
    genesis: m.hash(2),
    height: m.number(3),
    timeNs: m.uint(4, (1n << 63n) - 1n),
    cometHash: m.hash(5),
    previous: m.hash(6),
    content: m.hash(7),
    archive: m.hash(8),
    signers: m.hash(9),
    nextSigners: m.hash(10),
    protocol: m.number(11, 2 ** 31),
  };
  m.end();
  return h;
}

export function encodeSet(set: Validator[]): Uint8Array {
  return concat(...set.map((v) => element(1, concat(element(1, v.key), element(2, v.ed25519), uint(3, v.power)))));
}

/** setHash is what headers name a set by. */
export function setHash(set: Validator[]): Uint8Array {
  return sm3(encodeSet(set));
}

export function setPower(set: Validator[]): number {
  return set.reduce((sum, v) => sum + v.power, 0);
}

/** checkSet throws unless keys ascend, are unique and on the curve, and powers are in range. */
export function checkSet(set: Validator[]): void {
  if (set.length === 0 || set.length > maxValidators) throw new Invalid(`a validator set holds 1 to ${maxValidators} validators`);
  const votes = new Set<string>();
  set.forEach((v, i) => {
    if (!(v.power > 0 && v.power <= 2 ** 40)) throw new Invalid(`validator ${i}: power out of range`);
    if (!isPublicKey(v.key)) throw new Invalid(`validator ${i}: key is not on the curve`);
    if (i > 0 && compare(set[i - 1]!.key, v.key) >= 0) throw new Invalid(`validator ${i}: keys must ascend`);
    votes.add(hex(v.ed25519));
  });
  if (votes.size !== set.length) throw new Invalid("two validators share an ed25519 key");
}

export function decodeSet(raw: Uint8Array): Validator[] {
  const set: Validator[] = [];
  const m = new Message(raw);
  for (let item = m.element(1, 256); item !== null; item = m.element(1, 256)) {
    if (set.length === maxValidators) throw new Invalid(`more than ${maxValidators} validators`);
    const v = new Message(item);
    set.push({ key: v.exact(1, publicKeySize), ed25519: v.exact(2, 32), power: v.number(3, 2 ** 40) });
    v.end();
  }
  m.end();
  checkSet(set);
  return set;
}

export function decodeCertificate(raw: Uint8Array): Certificate {
  const m = new Message(raw);
  const c: Certificate = { height: m.number(1), signatures: [] };
  for (let item = m.element(2, 128); item !== null; item = m.element(2, 128)) {
    if (c.signatures.length === maxValidators) throw new Invalid(`more than ${maxValidators} signatures`);
    const s = new Message(item);
    const index = s.number(1, maxValidators - 1);
    const signature = s.exact(2, signatureSize);
    s.end();
    const before = c.signatures.at(-1);
    if (before !== undefined && before.index >= index) throw new Invalid("signatures must ascend by index");
    c.signatures.push({ index, signature });
  }
  m.end();
  return c;
}

/**
 * attest checks that more than two thirds of the power of a set signed a header, and that it is the set
 * the header names. One signature that does not hold makes the certificate void. It returns the signers'
 * power.
 */
export function attest(h: Header, c: Certificate, set: Validator[]): number {
  if (!equal(setHash(set), h.signers)) throw new Invalid("the validator set is not the one the header names");
  if (c.height !== h.height) throw new Invalid("the certificate is of another height");
  let power = 0;
  for (const s of c.signatures) {
    const v = set[s.index];
    if (v === undefined) throw new Invalid(`signature ${s.index} is of nobody in the set`);
    if (!verify(v.key, h.raw, s.signature)) throw new Invalid(`the signature of validator ${s.index} does not hold`);
    power += v.power;
  }
  if (power * 3 <= setPower(set) * 2) throw new Invalid("no more than two thirds of the validators signed");
  return power;
}
