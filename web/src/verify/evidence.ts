/** What a file's hash proves: by a proof file alone, or by asking a node, whose word is not believed. */
import { advance, checkContent, checkProof, decodeProof, type Dossier, fromHex, hex, Invalid, type Trusted, utf8 } from "@huchain/sdk";
import { chainPath, get, type Row } from "../api.ts";
import { attested, type Tell } from "../trust.ts";

/** A deposit of evidence as it stands on the chain. */
export interface Deposit {
  hash: string;
  title: string;
  owner: string;
  time: string;
  metadata?: string;
  /** Block that holds it. */
  height: number;
  /** Time of the header it is proven under, and how old what trust begins at is. */
  provenAt: string;
}

const contract = "evidence";
const keyOf = (hash: string) => `evidence/${hash}`;

function deposit(hash: string, value: Uint8Array, height: number, timeNs: bigint): Deposit {
  const v = JSON.parse(new TextDecoder().decode(value)) as Record<string, string>;
  if (v["hash"] !== hash) throw new Invalid("the record is of another hash");
  return { hash, title: v["title"] ?? "", owner: v["owner"] ?? "", time: v["time"] ?? "", ...(v["metadata"] ? { metadata: v["metadata"] } : {}), height, provenAt: new Date(Number(timeNs / 1_000_000n)).toISOString() };
}

/** byDossier shows a deposit by a proof file: no node is asked. Null: the file is of other evidence. */
export function byDossier(anchor: Trusted, d: Dossier, hash: string, tell: Tell): Deposit | null {
  const links = d.links.filter((l) => l.header.height > anchor.height);
  let at = anchor;
  let found: Deposit | null = null;
  let signatures = 0;
  for (const p of [...d.proofs].sort((a, b) => a.header.height - b.header.height)) {
    while (links.length > 0 && links[0]!.header.height <= p.header.height) at = advance(at, links.shift()!);
    checkProof(at, p);
    signatures = p.certificate.signatures.length;
    const f = p.fact;
    if (f.kind === "state" && f.ns === contract && f.ending === "value" && new TextDecoder().decode(f.key) === keyOf(hash)) found = deposit(hash, f.value, f.height, p.header.timeNs);
  }
  tell({ word: "stepDecode", detail: `${d.proofs.length} + ${d.links.length}` });
  tell({ word: "stepPath", detail: hex(d.proofs[0]!.header.content) });
  tell({ word: "stepCertificate", detail: String(signatures) });
  if (found !== null) tell({ word: "stepSameHash", detail: hash });
  return found;
}

/** byNode asks a node for the record of a hash, with its proof. Null: it is proven that there is none. */
export async function byNode(chain: string, anchor: Trusted, hash: string, tell: Tell): Promise<Deposit | null> {
  const key = hex(utf8(keyOf(hash)));
  const row = await get<Row>(`${chainPath(chain, "state", contract, `0x${key}`)}?prove=true`);
  if (row.proof === undefined) throw new Invalid("the server gave no proof");
  const p = decodeProof(fromHex(row.proof));
  tell({ word: "stepDecode", detail: `${row.proof.length / 2} bytes, ${p.header.height}` });
  const f = p.fact;
  if (f.kind !== "state" || f.ns !== contract || hex(f.key) !== key) throw new Invalid("the proof is about something else");
  checkContent(p);
  tell({ word: "stepPath", detail: hex(p.header.content) });
  await attested(chain, anchor, p, tell);
  if (f.ending !== "value") return null;
  tell({ word: "stepSameHash", detail: hash });
  return deposit(hash, f.value, f.height, p.header.timeNs);
}
