/** Transactions: reading them as they were signed, and signing new ones. */
import { concat, Invalid } from "./bytes.ts";
import { address, publicKey, sign, sm3 } from "./crypto.ts";
import { bytes, element, Message, string, uint } from "./wire.ts";

const purpose = "huchain/tx/1";
const maxCosigners = 16;

/** What the signers of a transaction sign. */
export interface Body {
  genesis: Uint8Array;
  sender: Uint8Array;
  cosigners: Uint8Array[];
  contract: string;
  method: string;
  /** JSON. */
  args: Uint8Array;
  gasLimit: number;
  salt: Uint8Array;
  /** Block time in Unix milliseconds after which the transaction is void. */
  validUntilMs: number;
}

/** A signed transaction; id is SM3 of the body as it was signed. */
export interface Tx {
  raw: Uint8Array;
  id: Uint8Array;
  body: Body;
  bodyBytes: Uint8Array;
  certificate: Uint8Array;
  signatures: Uint8Array[];
}

export function encodeBody(b: Body): Uint8Array {
  return concat(
    string(1, purpose),
    element(2, b.genesis),
    element(3, b.sender),
    ...b.cosigners.map((a) => element(4, a)),
    string(5, b.contract),
    string(6, b.method),
    bytes(7, b.args),
    uint(8, b.gasLimit),
    element(9, b.salt),
    uint(10, b.validUntilMs),
  );
}

export function decodeBody(raw: Uint8Array): Body {
  const m = new Message(raw);
  if (m.string(1, 64) !== purpose) throw new Invalid(`purpose tag is not ${purpose}`);
  const genesis = m.hash(2);
  const sender = m.exact(3, 20);
  const cosigners: Uint8Array[] = [];
  for (let a = m.element(4, 20); a !== null; a = m.element(4, 20)) {
    if (a.length !== 20 || cosigners.length === maxCosigners) throw new Invalid("co-signers are not addresses, or too many");
    cosigners.push(a);
  }
  const b: Body = {
    genesis,
    sender,
    cosigners,
    contract: m.string(5, 64),
    method: m.string(6, 64),
    args: m.bytes(7, 192 << 10),
    gasLimit: m.number(8, 10_000_000_000),
    salt: m.exact(9, 16),
    validUntilMs: m.number(10),
  };
  m.end();
  return b;
}

export function decodeTx(raw: Uint8Array): Tx {
  const m = new Message(raw);
  const bodyBytes = m.bytes(1, 256 << 10);
  const certificate = m.bytes(2, 4 << 10);
  const signatures: Uint8Array[] = [];
  for (let s = m.element(3, 64); s !== null; s = m.element(3, 64)) signatures.push(s);
  m.end();
  const body = decodeBody(bodyBytes);
  if (signatures.length !== body.cosigners.length + 1 || signatures.some((s) => s.length !== 64)) throw new Invalid("each signer signs once, 64 bytes");
  return { raw, id: sm3(bodyBytes), body, bodyBytes, certificate, signatures };
}

/** A call to be signed. */
export interface Call {
  genesis: Uint8Array;
  contract: string;
  method: string;
  args: unknown;
  gasLimit: number;
  /** How long the transaction stays good, at most 5 minutes. */
  validForMs: number;
}

/** signCall signs a call with a private key of 32 bytes. nowMs is the sender's clock. */
export function signCall(privateKey: Uint8Array, call: Call, nowMs: number): Tx {
  const body: Body = {
    genesis: call.genesis,
    sender: address(publicKey(privateKey)),
    cosigners: [],
    contract: call.contract,
    method: call.method,
    args: new TextEncoder().encode(JSON.stringify(call.args)),
    gasLimit: call.gasLimit,
    salt: crypto.getRandomValues(new Uint8Array(16)),
    validUntilMs: nowMs + call.validForMs,
  };
  const bodyBytes = encodeBody(body);
  const signatures = [sign(privateKey, bodyBytes)];
  return { raw: encodeTx(bodyBytes, new Uint8Array(), signatures), id: sm3(bodyBytes), body, bodyBytes, certificate: new Uint8Array(), signatures };
}

/** withCertificate is the same transaction with its sender's certificate (DER), which registers the sender. */
export function withCertificate(tx: Tx, certificate: Uint8Array): Tx {
  return { ...tx, certificate, raw: encodeTx(tx.bodyBytes, certificate, tx.signatures) };
}

function encodeTx(bodyBytes: Uint8Array, certificate: Uint8Array, signatures: Uint8Array[]): Uint8Array {
  return concat(bytes(1, bodyBytes), bytes(2, certificate), ...signatures.map((s) => element(3, s)));
}
