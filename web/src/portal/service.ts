/** The evidence service's API as the portal uses it. */
import { bearer, chainPath, Fault, request } from "../api.ts";

export interface Tenant {
  id: string;
  kind: Kind;
  name: string;
  identity: string;
  contact?: string;
  users: string[];
  state: "open" | "closed";
  defaults: Defaults;
  webhook?: string;
  created: string;
}

export const kinds = ["department", "enterprise", "person", "court"] as const;
export type Kind = (typeof kinds)[number];

export interface Defaults {
  keyDays: number;
  requestsPerSecond: number;
  maxFileBytes: number;
}

/** As whom the service serves this browser. */
export interface Standing {
  name: string;
  tenant?: Tenant;
  app?: string;
  administrator: boolean;
  auditor: boolean;
  approver: boolean;
}

export const originals = ["text", "form", "document", "image", "audio", "video", "archive", "other"] as const;
export const depositStates = ["accepted", "committed", "refused"] as const;

export interface Receipt {
  id: string;
  state: (typeof depositStates)[number];
  title: string;
  fileName?: string;
  type: (typeof originals)[number];
  media: string;
  sizeBytes: number;
  hash: string;
  sha256: string;
  tenant: string;
  depositor: string;
  app?: string;
  template?: string;
  version?: number;
  fields?: Record<string, string>;
  tags: string[];
  evidenceChain?: string;
  node?: string;
  accepted: string;
  txId?: string;
  height?: number;
  blockTime?: string;
  error?: { code: string; detail?: string };
  notarisation?: { serial: string; notary: string; time: string; txId: string; height: number };
  givenUp?: { txId: string; height: number; blockTime?: string; above: number; error?: Record<string, unknown> & { code: string } }[];
}

export interface Grant {
  to: string;
  by: string;
  time: string;
  until?: string;
  revoked?: string;
}

export const fieldTypes = ["text", "int", "decimal", "bool", "date", "time"] as const;

export interface Field {
  name: string;
  title?: string;
  type: (typeof fieldTypes)[number];
  required?: boolean;
  encrypted?: boolean;
  max?: number;
}

export interface Template {
  id: string;
  version: number;
  title: string;
  fields: Field[];
  file?: "required" | "optional" | "none";
  tenant?: string;
  created?: string;
}

export interface ChainNode {
  name: string;
  title?: string;
  party: string;
  after?: string[];
  fields?: Field[];
}

export interface ChainTemplate {
  id: string;
  version: number;
  title: string;
  nodes: ChainNode[];
  tenant?: string;
  created?: string;
}

export interface EvidenceChain {
  id: string;
  template: string;
  version: number;
  title: string;
  tenant: string;
  complete: boolean;
  due: string[];
  nodes: { name: string; tenant: string; deposit: string; hash: string; digest: string; previous: string; fields?: Record<string, string>; time: string }[];
  valid: boolean;
  reason?: string;
  time: string;
}

export interface App {
  id: string;
  name: string;
  tenant: string;
  key: string;
  token?: string;
  requestsPerSecond: number;
  created: string;
  expires: string;
  revoked?: string;
}

export interface Step {
  name: string;
  title?: string;
  approver: string;
}

export const requirements = ["contact", "users", "apps", "webhook"] as const;

export interface Flow {
  version?: number;
  steps: Step[];
  required?: string[];
  defaults: Defaults;
}

/** An application for a tenant. The order of its fields is that in which they are signed. */
export interface Application {
  kind: Kind;
  name: string;
  identity: string;
  signature?: string;
  contact?: string;
  users?: string[];
  apps?: string[];
  webhook?: { url: string; secret: string };
}

export const openingStates = ["pending", "approved", "opened", "refused"] as const;

export interface Opening {
  id: string;
  kind: Kind;
  name: string;
  identity: string;
  contact?: string;
  users: string[];
  apps: string[];
  webhook?: string;
  state: (typeof openingStates)[number];
  next?: Step;
  decisions: { step: string; by: string; approved: boolean; remark?: string; time: string }[];
  tenant?: string;
  claim?: string;
  error?: string;
  time: string;
  by: string;
}

export interface Statistics {
  total: number;
  blocks: number;
  height: number;
  sizeBytes: number;
  notarial: number;
  byType: Count[];
  byApp: Count[];
  byTenant?: Count[];
  byDay: Count[];
  onChain?: number;
}

export interface Count {
  name: string;
  count: number;
}

export const servicePath = (chain: string, ...rest: (string | number)[]): string => chainPath(chain, "evidence", ...rest);

/** send asks the service to do something; body is JSON. */
export async function send<T>(method: "POST" | "PUT" | "DELETE", path: string, body?: unknown, headers: Record<string, string> = {}): Promise<T> {
  return (await (await request(path, { method, headers: { "Content-Type": "application/json", ...headers }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })).json()) as T;
}

/** upload sends a file as the body of a request and tells how much of it is sent, from 0 to 1: fetch cannot. */
export function upload<T>(path: string, file: File, key: string, onSent: (part: number) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const r = new XMLHttpRequest();
    r.open("POST", path);
    for (const [name, value] of Object.entries({ ...bearer(), "Content-Type": "application/octet-stream", "Idempotency-Key": key })) r.setRequestHeader(name, value);
    r.responseType = "json";
    r.upload.onprogress = (e) => onSent(e.total > 0 ? e.loaded / e.total : 0);
    r.onerror = () => reject(new Fault(0, { code: "" }));
    r.onload = () => (r.status === 200 ? resolve(r.response as T) : reject(new Fault(r.status, (r.response ?? {}) as Record<string, unknown>)));
    r.send(file);
  });
}

/** fetchFile fetches a file that the service makes or keeps. */
export async function fetchFile(path: string, name: string): Promise<File> {
  return new File([await (await request(path)).blob()], name);
}

/** save has the browser save a file. */
export function save(file: File): void {
  const a = document.createElement("a");
  a.href = URL.createObjectURL(file);
  a.download = file.name;
  a.click();
  setTimeout(() => URL.revokeObjectURL(a.href), 60_000);
}

/** goJSON writes JSON as the service does where it hashes: compact, with <, > and & and line separators escaped. */
export function goJSON(v: unknown): string {
  return JSON.stringify(v).replace(/[<>&\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
