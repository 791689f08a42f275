/**
 * The light client: from a genesis file, or a header that somebody trusts, to any later header, by the
 * certificates that validators signed. crosschain/light is the reference.
 */
import { compare, equal, fromHex, hex, Invalid, Reader, text } from "./bytes.ts";
import { sm3 } from "./crypto.ts";
import { attest, type Certificate, checkSet, decodeCertificate, decodeHeader, decodeSet, type Header, setHash, setPower, type Validator } from "./header.ts";
import { checkContent, type Proof } from "./proof.ts";

/** Too few validators of the trusted set signed: links between the two are needed. */
export class Gap extends Invalid {
  override name = "Gap";
}

/** Two headers that contradict each other are attested: more than a third of the validators lied. */
export class Fork extends Invalid {
  override name = "Fork";
}

/** A header that is believed, with the validators that sign the next. Height 0 is the genesis file. */
export interface Trusted {
  genesis: Uint8Array;
  height: number;
  timeNs: bigint;
  hash: Uint8Array;
  next: Validator[];
}

/** A step: a header, its certificate, and the sets it names. */
export interface Link {
  header: Header;
  certificate: Certificate;
  signers: Validator[];
  next: Validator[];
}

/** trustGenesis makes an anchor of a genesis file, whose SM3 is the genesis hash. */
export function trustGenesis(file: Uint8Array): Trusted {
  const g = JSON.parse(text(file)) as { time: string; validators: { key: string; ed25519: string; power: number }[] };
  const next = g.validators.map((v) => ({ key: fromHex(v.key), ed25519: fromHex(v.ed25519), power: v.power }));
  next.sort((a, b) => compare(a.key, b.key));
  checkSet(next);
  return { genesis: sm3(file), height: 0, timeNs: BigInt(Date.parse(g.time)) * 1_000_000n, hash: new Uint8Array(32), next };
}

export function decodeLink(bytes: Uint8Array): Link {
  const r = new Reader(bytes);
  if (text(r.take(3)) !== "HCL" || r.u8() !== 1) throw new Invalid("not a link of a known version");
  const header = decodeHeader(r.blob(1 << 10));
  const certificate = decodeCertificate(r.blob(16 << 10));
  const signers = decodeSet(r.blob(32 << 10));
  const rest = r.blob(32 << 10);
  r.end();
  const same = equal(header.signers, header.nextSigners);
  if (same && rest.length > 0) throw new Invalid("next signers are written out though they are the signers");
  const next = same ? signers : decodeSet(rest);
  if (!equal(setHash(signers), header.signers) || !equal(setHash(next), header.nextSigners)) throw new Invalid("the sets are not those the header names");
  return { header, certificate, signers, next };
}

/** check throws unless an attested header belongs to the trusted chain. */
export function check(t: Trusted, h: Header, c: Certificate, signers: Validator[]): void {
  if (!equal(h.genesis, t.genesis)) throw new Invalid("the header is of another chain");
  if (h.height <= t.height) return checkKnown(t, h, c, signers);
  if (h.timeNs < t.timeNs || (h.timeNs === t.timeNs && t.height > 0)) throw new Invalid("the header is not later than the trusted one");
  const adjacent = h.height === t.height + 1;
  if (!adjacent) overlap(t, c, signers);
  else if (!equal(h.signers, setHash(t.next))) throw new Invalid("the header names other signers than the one before it");
  attest(h, c, signers);
  if (adjacent && !equal(h.previous, t.hash)) throw new Fork("the header is attested, and follows another one");
}

function checkKnown(t: Trusted, h: Header, c: Certificate, signers: Validator[]): void {
  if (h.height < t.height || h.height === 0) throw new Invalid("the header is older than the anchor");
  if (equal(h.hash, t.hash)) return;
  attest(h, c, signers);
  throw new Fork("two headers of one height are attested");
}

/** overlap demands more than a third of the trusted set's power among those who signed. */
function overlap(t: Trusted, c: Certificate, signers: Validator[]): void {
  const power = new Map(t.next.map((v) => [hex(v.key), v.power]));
  const have = c.signatures.reduce((sum, s) => sum + (power.get(hex(signers[s.index]?.key ?? new Uint8Array())) ?? 0), 0);
  if (have * 3 <= setPower(t.next)) throw new Gap("too few validators of the trusted set signed");
}

/** advance checks a link and returns the anchor it makes. */
export function advance(t: Trusted, l: Link): Trusted {
  check(t, l.header, l.certificate, l.signers);
  const h = l.header;
  return { genesis: h.genesis, height: h.height, timeNs: h.timeNs, hash: h.hash, next: l.next };
}

/** checkProof throws unless a proof holds under a header the anchor leads to in one step. */
export function checkProof(t: Trusted, p: Proof): void {
  checkContent(p);
  check(t, p.header, p.certificate, p.signers);
}
