/** One search box for everything that has an address on a chain. */
import { Input } from "antd";
import { useState } from "react";
import { useNavigate } from "react-router";
import { chainPath, Fault, get } from "../api.ts";
import { to, useChain } from "../chain.tsx";
import { useWords } from "../words.ts";

/** find says where a search leads, or null. */
export async function find(chain: string, text: string): Promise<string | null> {
  if (/^\d{1,15}$/.test(text)) return to(chain, "block", text);
  if (/^(0x)?[0-9a-f]{40}$/i.test(text)) return to(chain, "member", text.replace(/^0x/i, "").toLowerCase());
  if (/^[a-z0-9-]+\/[A-Za-z0-9._-]+$/.test(text)) return to(chain, "member", text);
  if (/^(0x)?[0-9a-f]{64}$/i.test(text)) return findHash(chain, text.replace(/^0x/i, "").toLowerCase());
  if (/^[a-z][a-z0-9-]{0,31}$/.test(text)) return (await exists(chainPath(chain, "contracts", text))) ? to(chain, "contract", text) : null;
  return null;
}

async function exists(path: string): Promise<boolean> {
  try {
    await get(path);
    return true;
  } catch (e) {
    if (e instanceof Fault && e.status >= 400 && e.status < 500) return false;
    throw e;
  }
}

/** findHash tries a transaction, a block by its header, then a record of the evidence contract. */
async function findHash(chain: string, hash: string): Promise<string | null> {
  if (await exists(chainPath(chain, "txs", hash))) return to(chain, "tx", hash);
  if (await exists(chainPath(chain, "blocks", hash))) return to(chain, "block", hash);
  const key = [...new TextEncoder().encode(`evidence/${hash}`)].map((b) => b.toString(16).padStart(2, "0")).join("");
  const row = await get<{ found: boolean }>(chainPath(chain, "state", "evidence", `0x${key}`));
  return row.found ? to(chain, "row", "evidence", key) : null;
}

export function Search({ onFault }: { onFault: (e: Error) => void }) {
  const { t } = useWords();
  const chain = useChain();
  const navigate = useNavigate();
  const [busy, setBusy] = useState(false);
  const search = async (raw: string) => {
    const text = raw.trim();
    if (text === "") return;
    setBusy(true);
    try {
      void navigate((await find(chain, text)) ?? `/${chain}/nothing/${encodeURIComponent(text)}`);
    } catch (e) {
      onFault(e as Error);
    } finally {
      setBusy(false);
    }
  };
  return <Input.Search role="search" aria-label={t("searchShort")} placeholder={t("search")} allowClear disabled={chain === ""} loading={busy} enterButton={t("searchShort")} onSearch={(v) => void search(v)} />;
}

