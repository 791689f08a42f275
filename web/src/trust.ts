/**
 * Verification in the browser: from the genesis file, whose hash this browser remembers, along finality
 * certificates to a header, and from there to what a page shows. Nothing rests on the server's word.
 */
import {
  address,
  advance,
  check,
  checkContent,
  decodeHeader,
  decodeLink,
  decodeProof,
  equal,
  fromHex,
  Gap,
  hex,
  Invalid,
  type Proof,
  trustGenesis,
  type Trusted,
  verify,
} from "@huchain/sdk";
import { type Block, chainPath, get, type Page, request, type Row, type Tx } from "./api.ts";
import type { Word } from "./words.ts";

/** A step of a verification that held; detail is what was compared. */
export interface Step {
  word: Word;
  detail: string;
}

/** Tell is told of each step that held. The first that does not throws. */
export type Tell = (step: Step) => void;

const remembered = (chain: string) => `huchain.genesis.${chain}`;

/** recall and keep go without memory where a browser grants none to a page within another site's. */
function recall(name: string): string | null {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

function keep(name: string, value: string): void {
  try {
    localStorage.setItem(name, value);
  } catch {
    // the next visit is a first one
  }
}

/** anchor fetches the genesis file and holds it against the hash remembered since the first visit. */
export async function anchor(chain: string, tell: Tell): Promise<Trusted> {
  const file = new Uint8Array(await (await request(chainPath(chain, "genesis"))).arrayBuffer());
  const t = trustGenesis(file);
  const hash = hex(t.genesis);
  tell({ word: "stepGenesis", detail: hash });
  const known = recall(remembered(chain));
  if (known === null) keep(remembered(chain), hash);
  else if (known !== hash) throw new Invalid(`this browser knows the chain by genesis ${known}, the server gives ${hash}`);
  tell({ word: "stepPinned", detail: hash });
  return t;
}

/** follow checks links from an anchor to the header of a height. */
async function follow(chain: string, t: Trusted, height: number): Promise<Trusted> {
  while (t.height < height) {
    const links = await get<Page<{ link: string }>>(`${chainPath(chain, "links")}?from=${t.height}&to=${height}`);
    if (links.items.length === 0) throw new Invalid("the server leads to no certificate of this header");
    for (const l of links.items) t = advance(t, decodeLink(fromHex(l.link)));
  }
  return t;
}

/** attested shows that validators signed a proof's header, following changes of validators where needed. */
export async function attested(chain: string, t: Trusted, p: Proof, tell: Tell): Promise<void> {
  try {
    check(t, p.header, p.certificate, p.signers);
  } catch (e) {
    if (!(e instanceof Gap)) throw e;
    const near = await follow(chain, t, p.header.height);
    check(near, p.header, p.certificate, p.signers);
    tell({ word: "stepLinks", detail: `${t.height} → ${near.height}` });
  }
  tell({ word: "stepCertificate", detail: `${p.certificate.signatures.length} / ${p.signers.length}` });
}

/** holds shows that a proof's fact stands under a header of the chain. */
async function holds(chain: string, t: Trusted, p: Proof, tell: Tell): Promise<void> {
  checkContent(p);
  tell({ word: "stepPath", detail: hex(p.header.content) });
  await attested(chain, t, p, tell);
}

function proofOf(digits: string | undefined, tell: Tell): Proof {
  if (digits === undefined) throw new Invalid("the server gave no proof");
  const p = decodeProof(fromHex(digits));
  tell({ word: "stepDecode", detail: `${digits.length / 2} bytes, ${p.header.height}` });
  return p;
}

/** same compares JSON as it stands on the chain with what a page shows, key order apart. */
function same(onChain: Uint8Array, shown: unknown): boolean {
  const text = new TextDecoder().decode(onChain);
  return text === "" ? shown === undefined || shown === null : canonical(JSON.parse(text)) === canonical(shown);
}

function canonical(v: unknown): string {
  return JSON.stringify(v, (_, value: unknown) =>
    value !== null && typeof value === "object" && !Array.isArray(value) ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) : value,
  );
}

/** mustBe throws unless what a page shows is what is proven. */
export function mustBe(holds: boolean, what: string): void {
  if (!holds) throw new Invalid(`the server shows another ${what} than the one that is proven`);
}

/** verifyTx shows that a transaction as displayed is part of the chain, signed by its sender, with that outcome. */
export async function verifyTx(chain: string, shown: Tx, tell: Tell): Promise<void> {
  const t = await anchor(chain, tell);
  const answer = await get<Tx>(`${chainPath(chain, "txs", shown.id)}?prove=true`);
  const p = proofOf(answer.proof, tell);
  if (p.fact.kind !== "tx") throw new Invalid("the proof is about something else");
  const { tx } = p.fact;
  mustBe(hex(tx.id) === shown.id, "transaction");
  mustBe(tx.body.contract === shown.contract && tx.body.method === shown.method, "call");
  mustBe(hex(tx.body.sender) === shown.sender, "sender");
  mustBe(same(tx.body.args, shown.args), "argument");
  mustBe(p.header.height === shown.height && p.fact.index === shown.index, "place in the chain");
  tell({ word: "stepFact", detail: shown.id });
  await signed(chain, t.genesis, tx, tell);
  await holds(chain, t, p, tell);

  const outcome = proofOf(answer.receiptProof, tell);
  if (outcome.fact.kind !== "receipt") throw new Invalid("the proof is about something else");
  const { receipt } = outcome.fact;
  mustBe(equal(receipt.txId, tx.id), "receipt");
  mustBe((receipt.code === 0 ? "OK" : `HC-${receipt.code}`) === shown.receipt.code, "outcome");
  mustBe(same(receipt.result, shown.receipt.result), "result");
  tell({ word: "stepFact", detail: `${shown.receipt.code}` });
  await holds(chain, t, outcome, tell);
}

/** signed checks the sender's signature. The key may come from anyone: the sender's address is its hash. */
async function signed(chain: string, genesis: Uint8Array, tx: { body: { genesis: Uint8Array; sender: Uint8Array }; bodyBytes: Uint8Array; signatures: Uint8Array[] }, tell: Tell): Promise<void> {
  if (!equal(tx.body.genesis, genesis)) throw new Invalid("the transaction is of another chain");
  const row = await get<Row>(chainPath(chain, "state", "membership", `addr/${hex(tx.body.sender)}`).replace("%2F", "/"));
  const key = fromHex(String((row.json as { key?: string } | undefined)?.key ?? ""));
  if (!equal(address(key), tx.body.sender)) throw new Invalid("the key is not the sender's");
  if (!verify(key, tx.bodyBytes, tx.signatures[0]!)) throw new Invalid("the sender's signature does not hold");
  tell({ word: "stepSignature", detail: hex(key) });
}

/** rowPath is where a state row stands in the API. */
export function rowPath(chain: string, ns: string, keyHex: string): string {
  return chainPath(chain, "state", ns, `0x${keyHex}`);
}

/** verifyRow shows what a key holds, or that it holds nothing, as of the newest certified header. */
export async function verifyRow(chain: string, shown: Row, tell: Tell): Promise<void> {
  const t = await anchor(chain, tell);
  const answer = await get<Row>(`${rowPath(chain, shown.ns, shown.key)}?prove=true`);
  const p = proofOf(answer.proof, tell);
  if (p.fact.kind !== "state") throw new Invalid("the proof is about something else");
  const f = p.fact;
  mustBe(f.ns === shown.ns && hex(f.key) === shown.key, "key");
  mustBe((f.ending === "value") === shown.found, "state");
  if (shown.found) mustBe(hex(f.value) === shown.value, "value");
  tell({ word: "stepFact", detail: `${shown.ns} ${shown.keyText ?? shown.key}` });
  await holds(chain, t, p, tell);
}

/** verifyBlock shows that validators signed a header as displayed. */
export async function verifyBlock(chain: string, shown: Block, tell: Tell): Promise<void> {
  const t = await anchor(chain, tell);
  const h = decodeHeader(fromHex(shown.header.raw));
  const s = shown.header;
  mustBe(hex(h.hash) === s.hash && h.height === s.height && hex(h.previous) === s.previous, "header");
  mustBe(hex(h.content) === s.contentRoot && hex(h.signers) === s.signers && hex(h.cometHash) === s.cometHash, "header");
  mustBe(Math.abs(Number(h.timeNs / 1_000_000n) - Date.parse(s.time)) <= 1, "time");
  tell({ word: "stepHeader", detail: s.hash });
  const at = await follow(chain, t, s.height);
  mustBe(equal(at.hash, h.hash), "header");
  tell({ word: "stepCertificate", detail: s.hash });
}
