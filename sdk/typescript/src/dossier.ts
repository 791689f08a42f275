/**
 * Dossiers (docs/proofs.md): the proof files that "huchain proof export" writes. Reading checks the form
 * alone; verifyDossier shows that all of it stands under headers that an anchor leads to.
 */
import { concat, equal, fromHex, hex, Invalid, utf8 } from "./bytes.ts";
import { sm3 } from "./crypto.ts";
import { checkSet, decodeHeader, type Header, purpose } from "./header.ts";
import { advance, checkProof, decodeLink, type Link, type Trusted } from "./light.ts";
import { empty } from "./merkle.ts";
import { type Fact, listFact, type Proof, type StateFact } from "./proof.ts";
import { element, uint } from "./wire.ts";

export const maxDossierBytes = 64 << 20;
const maxProofs = 256;
const maxLinks = 10_000;

/** A set of facts with the headers that lead to theirs; the first fact is what it is about. */
export interface Dossier {
  links: Link[];
  proofs: Proof[];
}

interface JSONHeader {
  genesis: string;
  height: number;
  timeNs: string;
  cometHash: string;
  previous: string;
  content: string;
  archive: string;
  signers: string;
  nextSigners: string;
  protocol: number;
  hash: string;
}

interface JSONItem {
  bytes: string;
  index: number;
  count: number;
  siblings: string[];
}

interface JSONProof {
  format: string;
  kind: Fact["kind"];
  state?: { result: string; ns: string; key: string; height?: number; txIndex?: number; value?: string; foreignKey?: string; foreignValue?: string; siblings: string[] };
  tx?: JSONItem;
  receipt?: JSONItem;
  event?: JSONItem;
  write?: JSONItem;
  contentPath: string[];
  header: JSONHeader;
  certificate: { index: number; signature: string }[];
  signers: { key: string; ed25519: string; power: number }[];
}

/** readDossier reads a proof file. It throws Invalid where that is none. */
export function readDossier(file: string): Dossier {
  if (file.length > maxDossierBytes) throw new Invalid("too long for a proof file");
  let j: { format?: string; links?: { link: string }[]; proofs?: JSONProof[] };
  try {
    j = JSON.parse(file) as typeof j;
  } catch {
    throw new Invalid("not a proof file: no JSON");
  }
  if (j.format !== "huchain-dossier/1" || !Array.isArray(j.links) || !Array.isArray(j.proofs)) throw new Invalid("not a proof file of the form huchain-dossier/1");
  if (j.proofs.length < 1 || j.proofs.length > maxProofs || j.links.length > maxLinks) throw new Invalid("no proofs, or too many");
  try {
    return { links: j.links.map((l) => decodeLink(fromHex(l.link))), proofs: j.proofs.map(readProof) };
  } catch (e) {
    throw e instanceof Invalid ? e : new Invalid(`the proof file is malformed: ${String(e)}`);
  }
}

function digest(text: string): Uint8Array {
  const b = fromHex(text);
  if (b.length !== 32) throw new Invalid("a hash has 64 digits");
  return b;
}

/** readHeader writes the canonical bytes that the file spells out, and holds them against the hash it names. */
function readHeader(j: JSONHeader): Header {
  const raw = concat(
    element(1, utf8(purpose)),
    element(2, digest(j.genesis)),
    uint(3, j.height),
    uint(4, BigInt(j.timeNs)),
    element(5, digest(j.cometHash)),
    element(6, digest(j.previous)),
    element(7, digest(j.content)),
    element(8, digest(j.archive)),
    element(9, digest(j.signers)),
    element(10, digest(j.nextSigners)),
    uint(11, j.protocol),
  );
  if (hex(sm3(raw)) !== j.hash) throw new Invalid("the header does not have the hash it names");
  return decodeHeader(raw);
}

function readProof(j: JSONProof): Proof {
  if (j.format !== "huchain-proof/1" || j.contentPath.length !== 3) throw new Invalid("not a proof of the form huchain-proof/1");
  const header = readHeader(j.header);
  const signers = j.signers.map((v) => ({ key: fromHex(v.key), ed25519: fromHex(v.ed25519), power: v.power }));
  checkSet(signers);
  const certificate = { height: header.height, signatures: j.certificate.map((s) => ({ index: s.index, signature: fromHex(s.signature) })) };
  return { header, certificate, signers, path: j.contentPath.map(digest), fact: readFact(j) };
}

function readFact(j: JSONProof): Fact {
  if (j.kind === "state") return readState(j.state!);
  const item = j[j.kind];
  if (item === undefined) throw new Invalid("unknown kind of proof");
  return listFact(j.kind, fromHex(item.bytes), item.index, item.count, item.siblings.map(digest));
}

function readState(s: NonNullable<JSONProof["state"]>): StateFact {
  const ending = s.result === "absent" ? (s.foreignKey === undefined ? "empty" : "foreign") : s.result === "value" || s.result === "deleted" ? s.result : undefined;
  if (ending === undefined || s.siblings.length > 256) throw new Invalid("unknown ending, or path too long");
  return {
    kind: "state",
    ns: s.ns,
    key: fromHex(s.key),
    ending,
    siblings: s.siblings.map(digest),
    height: s.height ?? 0,
    txIndex: s.txIndex ?? 0,
    value: fromHex(s.value ?? ""),
    foreignKeyHash: s.foreignKey === undefined ? empty : digest(s.foreignKey),
    foreignValueHash: s.foreignValue === undefined ? empty : digest(s.foreignValue),
  };
}

/** verifyDossier throws unless every proof holds and stands under a header that the anchor leads to. */
export function verifyDossier(anchor: Trusted, d: Dossier): void {
  const order = [...d.proofs].sort((a, b) => a.header.height - b.header.height);
  const links = d.links.filter((l) => l.header.height > anchor.height);
  let at = anchor;
  for (const p of order) {
    while (links.length > 0 && links[0]!.header.height <= p.header.height) at = advance(at, links.shift()!);
    checkProof(at, p);
  }
}

/** anchorIn makes an anchor of a header in a dossier that somebody trusts by its hash. */
export function anchorIn(d: Dossier, hash: Uint8Array): Trusted {
  const link = d.links.find((l) => equal(l.header.hash, hash));
  if (link !== undefined) return { genesis: link.header.genesis, height: link.header.height, timeNs: link.header.timeNs, hash, next: link.next };
  const p = d.proofs.find((x) => equal(x.header.hash, hash));
  if (p === undefined) throw new Invalid("no header of the file has this hash");
  const h = p.header;
  return { genesis: h.genesis, height: h.height, timeNs: h.timeNs, hash, next: equal(h.nextSigners, h.signers) ? p.signers : [] };
}
