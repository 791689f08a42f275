/** What the evidence service says, held against the chain in the browser: deposits, certificates, chains of evidence. */
import { fromHex, hex, Invalid, sm3, utf8 } from "@huchain/sdk";
import { get, type Row } from "../api.ts";
import { rowKeyOf } from "../bundle.ts";
import { anchor, mustBe, rowPath, type Tell, verifyRow } from "../trust.ts";
import { byDossier, byNode, type Deposit } from "../verify/evidence.ts";
import { readProofFile } from "../verify/file.ts";
import { type EvidenceChain, fetchFile, goJSON, type Receipt, save } from "./service.ts";

const contract = "evidence";

/** What stands for a field that a reader may not see. */
const masked = "••••";

/** Note is what a record's metadata says of a deposit: services/evidence, note. */
interface Note {
  id: string;
  tenant: string;
  file?: string;
  sizeBytes: number;
  sha256: string;
  fields?: string;
}

const hashOf = (text: string): string => hex(sm3(utf8(text)));

/** describes throws unless a record on the chain is about the deposit that a receipt shows. */
function describes(d: Deposit, r: Receipt, tell: Tell): void {
  const note = JSON.parse(d.metadata ?? "{}") as Note;
  mustBe(d.title === r.title, "title");
  mustBe(note.id === r.id && note.tenant === r.tenant, "deposit");
  mustBe((note.file ?? "") === (r.fileName ?? "") && note.sizeBytes === r.sizeBytes, "file");
  mustBe(note.sha256 === r.sha256, "SHA-256");
  mustBe(d.height === r.height, "block");
  const fields = r.fields ?? {};
  if (Object.keys(fields).length > 0 && !Object.values(fields).includes(masked)) mustBe(note.fields === hashOf(r.id + goJSON(sorted(fields))), "field");
  tell({ word: "stepFact", detail: `${r.id} ${r.title}` });
}

function sorted(fields: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** verifyReceipt shows that the chain holds a deposit as the page shows it. */
export async function verifyReceipt(chain: string, r: Receipt, tell: Tell): Promise<void> {
  const d = await byNode(chain, await anchor(chain, tell), r.hash, tell);
  if (d === null) throw new Invalid("the chain holds no evidence of this hash");
  describes(d, r, tell);
}

/** issue fetches a deposit's certificate or proof file, saves it if the proof in it holds, and throws otherwise. */
export async function issue(chain: string, r: Receipt, path: string, name: string, tell: Tell): Promise<void> {
  const file = await fetchFile(path, name);
  const dossier = await readProofFile(file);
  const d = byDossier(await anchor(chain, tell), dossier, r.hash, tell);
  if (d === null) throw new Invalid("the file is about other evidence");
  describes(d, r, tell);
  save(file);
}

/** Link is a node of a chain of evidence as the contract keeps it. */
interface Link {
  chain: string;
  position: number;
  name: string;
  hash: string;
  metadata?: string;
  previous: string;
  digest: string;
}

const zeros = "0".repeat(64);

/** proven fetches a row of contract evidence and shows that the chain holds it; null if it holds none. */
async function proven(chain: string, key: string, tell: Tell): Promise<string | null> {
  const row = await get<Row>(rowPath(chain, contract, key));
  await verifyRow(chain, row, tell);
  return row.found ? new TextDecoder().decode(fromHex(row.value!)) : null;
}

/**
 * verifyChain recomputes a chain of evidence from its proven rows: each node's digest covers its content and
 * the digest before it. It throws at the first node that is missing, altered or out of place, and names it.
 */
export async function verifyChain(chain: string, shown: EvidenceChain, tell: Tell): Promise<void> {
  const quiet: Tell = () => undefined;
  const head = await proven(chain, rowKeyOf("chain", shown.id), quiet);
  if (head === null) throw new Invalid(`the chain knows no evidence chain ${shown.id}`);
  const { template, title, length, head: last } = JSON.parse(head) as { template: string; title: string; length: number; head: string };
  const rules = await proven(chain, rowKeyOf("template", template), quiet);
  if (rules === null) throw new Invalid(`the chain knows no template ${template}`);
  mustBe(title === shown.title && length === shown.nodes.length, "chain");
  // What the first node follows: the chain as it was opened, and its template.
  const opened = head.replace(/"length":\d+,"head":"[0-9a-f]{64}","complete":(true|false)}$/, `"length":0,"head":"${zeros}","complete":false}`);
  let previous = hashOf(opened + rules);
  tell({ word: "stepOpened", detail: previous });
  for (const [i, n] of shown.nodes.entries()) {
    const bad = (what: string) => new Invalid(`${n.name}: ${what}`);
    const text = await proven(chain, rowKeyOf("node", `${shown.id}\0${i.toString(16).padStart(8, "0")}`), quiet);
    if (text === null) throw bad("missing");
    const link = JSON.parse(text) as Link;
    if (link.chain !== shown.id || link.position !== i || link.name !== n.name) throw bad("reordered");
    if (link.digest !== hashOf(text.replace(`"digest":"${link.digest}"`, `"digest":"${zeros}"`))) throw bad("altered");
    if (link.previous !== previous || n.previous !== previous) throw bad("previous");
    const note = JSON.parse(link.metadata ?? "{}") as Note;
    if (link.hash !== n.hash || link.digest !== n.digest || note.id !== n.deposit || note.tenant !== n.tenant) throw bad("altered");
    previous = link.digest;
    tell({ word: "stepNode", detail: `${n.name} ${link.digest}` });
  }
  if (previous !== last) throw new Invalid("head");
}
