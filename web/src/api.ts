/** The node's HTTP API as the console uses it. Errors are coded, with cause and fix in both languages. */
import { useEffect, useRef, useState } from "react";
import type { RecordSpec, ViewSpec } from "./bundle.ts";

export interface Words2 {
  zh: string;
  en: string;
}

/** A coded error of the API, or HC-0 where the node did not answer at all. */
export class Fault extends Error {
  readonly code: string;
  readonly status: number;
  readonly body: Record<string, unknown>;

  constructor(status: number, body: Record<string, unknown>) {
    super(String(body["detail"] ?? body["message"] ?? body["code"] ?? status));
    this.status = status;
    this.code = String(body["code"] ?? "");
    this.body = body;
  }
}

export interface Chain {
  chain: string;
  chainId: string;
  genesis: string;
  height: number;
}

/** As whom the node serves this browser. */
export interface Caller {
  login: "required" | "none";
  chains: string[];
  kind: "anonymous" | "session" | "key";
  name?: string;
  roles?: string[];
  provider?: string;
}

export interface Challenge {
  challenge: string;
  host: string;
  genesis: string;
}

export interface Status extends Chain {
  node?: string;
  version: string;
  protocol: number;
  headerHash: string;
  contentRoot: string;
  blockTime: string;
  certifiedHeight: number;
  catchingUp: boolean;
  validator: boolean;
  peers: number;
  pendingTxs: number;
}

export interface Header {
  height: number;
  hash: string;
  time: string;
  previous: string;
  contentRoot: string;
  archiveRoot: string;
  cometHash: string;
  signers: string;
  nextSigners: string;
  protocol: number;
  raw: string;
}

export interface TxSummary {
  id: string;
  height: number;
  index: number;
  sender: string;
  contract: string;
  method: string;
  code: string;
  gasUsed: number;
}

export interface Block {
  header: Header;
  txCount: number;
  txs: TxSummary[];
  eventCount: number;
  certified: boolean;
  signatures: number;
}

export interface Event {
  height: number;
  txIndex: number;
  index: number;
  txId: string;
  contract: string;
  name: string;
  data?: unknown;
  withheld?: boolean;
}

export interface Tx {
  id: string;
  height: number;
  index: number;
  blockTime: string;
  sender: string;
  member?: string;
  cosigners?: string[];
  contract: string;
  method: string;
  args?: unknown;
  gasLimit: number;
  validUntil: string;
  sizeBytes: number;
  receipt: { code: string; error?: string; result?: unknown; gasUsed: number; events: number };
  events: Event[];
  raw?: string;
  withheld?: boolean;
  proof?: string;
  receiptProof?: string;
  writes?: { ns: string; key: string }[];
}

export interface Row {
  ns: string;
  key: string;
  keyText?: string;
  found: boolean;
  value?: string;
  json?: unknown;
  height: number;
  proof?: string;
}

export interface Contract {
  name: string;
  version: string;
  state: string;
  language?: string;
  native?: boolean;
  package?: string;
  code?: string;
  height?: number;
  methods?: { name: string; writes: boolean; allow: string }[];
}

export interface Interface {
  name: string;
  version: string;
  bundle: Bundle;
  schema: { methods?: Record<string, { writes: boolean; doc?: string; args?: Schema }>; records?: Record<string, { storage: string }>; $defs?: Record<string, Schema> };
}

/** A record as the node's mirror answers it. */
export interface MirroredRecord {
  key: string;
  fields: Record<string, unknown>;
  created: string;
  createdHeight: number;
  updated: string;
  updatedHeight: number;
  txIndex: number;
}

export interface MirrorStatus {
  state: "following" | "filling" | "refusing" | "failing";
  height: number;
  tip: number;
  lagBlocks: number;
}

export interface MirroredStatistic {
  name: string;
  title: Words2;
  by?: string;
  unit?: string;
  total: string;
  groups: { group: string; value: string }[];
  height: number;
}

export interface History {
  items: { height: number; blockTime?: string; txIndex: number; deleted?: boolean; value?: string; json?: unknown }[];
  next?: number;
}

export interface Bundle {
  title?: Words2;
  records?: Record<string, RecordSpec>;
  views?: Record<string, ViewSpec>;
  statistics?: Record<string, { title?: Words2; by?: string }>;
  dashboards?: Record<string, { title: Words2; cards: string[] }>;
  workflows?: Record<string, { record: string; states: string[]; moves?: Record<string, { title?: Words2 }> }>;
  methods?: Record<string, { title?: Words2; allow?: string; form?: string[] }>;
  events?: Record<string, { title?: Words2 }>;
  errors?: Record<string, Words2>;
}

export interface Schema {
  $ref?: string;
  type?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  enum?: unknown[];
  description?: string;
  pattern?: string;
  "x-order"?: string[];
}

export interface Member {
  id: string;
  address: string;
  roles: string[];
  state: string;
  notAfter: string;
  since: number;
}

export interface Validators {
  height: number;
  hash: string;
  items: { key: string; ed25519: string; power: number }[];
}

/** Marks have a character a block: + voted, - missed, . no validator then or not known. */
export interface ValidatorUptime {
  key: string;
  voted: number;
  missed: number;
  marks: string;
}

/** There are no blocks where to is below from. */
export interface Uptime {
  from: number;
  to: number;
  items: ValidatorUptime[];
}

export interface Page<T> {
  items: T[];
  next?: string;
}

let key: string | undefined;

/** showKey has requests show an application's key, until the page is left: it is kept in no store. */
export function showKey(token: string | undefined): void {
  key = token;
}

/** bearer is the header that shows an application's key. */
export const bearer = (): Record<string, string> => (key === undefined ? {} : { Authorization: `Bearer ${key}` });

/** request asks the node. It throws a Fault for every answer that is not a success. */
export async function request(path: string, init?: RequestInit): Promise<Response> {
  let r: Response;
  try {
    r = await fetch(path, { cache: "no-store", credentials: "same-origin", ...init, headers: { ...bearer(), ...(init?.headers as Record<string, string> | undefined) } });
  } catch (e) {
    if (init?.signal?.aborted) throw e;
    throw new Fault(0, { code: "", detail: String(e) });
  }
  if (r.ok) return r;
  const body = (await r.json().catch(() => ({}))) as Record<string, unknown>;
  throw new Fault(r.status, body);
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await (await request(path, signal ? { signal } : {})).json()) as T;
}

export async function post<T>(path: string, body: BodyInit, contentType: string): Promise<T> {
  return (await (await request(path, { method: "POST", body, headers: { "Content-Type": contentType } })).json()) as T;
}

/** chainPath is where a chain's resources stand. */
export function chainPath(chain: string, ...rest: (string | number)[]): string {
  return ["/api/v1/chains", chain, ...rest].map((part, i) => (i === 0 ? part : encodeURIComponent(part))).join("/");
}

export interface Loaded<T> {
  data: T | undefined;
  error: Error | undefined;
  reload: () => void;
}

/** useLoad fetches what path names, again when it changes and every everyMs if given. A failure keeps what was there. */
export function useLoad<T>(path: string | null, everyMs = 0): Loaded<T> {
  const [state, setState] = useState<{ path: string | null; data?: T; error?: Error }>({ path: null });
  const [turn, setTurn] = useState(0);
  const shown = useRef<string | null>(null);
  useEffect(() => {
    if (path === null) return;
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const load = async () => {
      try {
        const data = await get<T>(path, stop.signal);
        shown.current = path;
        setState({ path, data });
      } catch (e) {
        if (stop.signal.aborted) return;
        setState((old) => ({ path, ...(shown.current === path && old.data !== undefined ? { data: old.data } : {}), error: e as Error }));
      }
      if (everyMs > 0 && !stop.signal.aborted) timer = setTimeout(load, everyMs);
    };
    void load();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [path, everyMs, turn]);
  const current = state.path === path;
  return { data: current ? state.data : undefined, error: current ? state.error : undefined, reload: () => setTurn((n) => n + 1) };
}
