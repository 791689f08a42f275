/** What a contract's bundle says of its records, as pages made of it need it. */
import { chainPath, type Interface, type Words2 } from "./api.ts";
import type { Language, Word } from "./words.ts";

export interface FieldSpec {
  type: string;
  title?: Words2;
  unit?: string;
  values?: string[];
  sensitive?: boolean;
}

export interface RecordSpec {
  key?: string;
  title?: Words2;
  fields?: Record<string, FieldSpec>;
}

export interface ViewSpec {
  record?: string;
  title?: Words2;
  columns?: string[];
  filter?: string[];
  sort?: string[];
  timeline?: boolean;
}

/** storedRecords lists the records a contract keeps, in the order of their names. */
export function storedRecords(of: Interface): string[] {
  const stored = of.schema.records ?? {};
  return Object.keys(of.bundle.records ?? {})
    .filter((name) => ["map", "item", "record"].includes(stored[name]?.storage ?? ""))
    .sort();
}

/** viewOf finds the view of a record: that of a list, or that of one record. */
export function viewOf(of: Interface, record: string, timeline: boolean): ViewSpec | undefined {
  const records = Object.keys(of.bundle.records ?? {});
  return Object.values(of.bundle.views ?? {}).find((v) => (v.record ?? (records.length === 1 ? records[0] : "")) === record && (v.timeline ?? false) === timeline);
}

const systemWords: Record<string, Word> = {
  "meta.version": "version",
  "meta.owner": "owner",
  "meta.state": "state",
  "meta.by": "changedBy",
  "meta.time": "changed",
  "meta.created": "created",
  "block.created": "created",
  "block.updated": "changed",
  "block.height": "height",
};

const systemTypes: Record<string, string> = {
  "meta.version": "int",
  "meta.owner": "party",
  "meta.by": "member",
  "meta.time": "time",
  "meta.created": "time",
  "block.created": "time",
  "block.updated": "time",
  "block.height": "int",
};

/** A column of a record as people see it. */
export interface Column {
  name: string;
  title: string;
  type: string;
  unit?: string | undefined;
  values?: string[] | undefined;
}

export function columnOf(of: Interface, record: string, name: string, language: Language, t: (w: Word) => string): Column {
  const f = of.bundle.records?.[record]?.fields?.[name];
  const word = systemWords[name];
  const states = name === "meta.state" ? Object.values(of.bundle.workflows ?? {}).find((w) => w.record === record)?.states : undefined;
  return { name, title: f?.title?.[language] ?? (word ? t(word) : name), type: f?.type ?? systemTypes[name] ?? "text", unit: f?.unit, values: f?.values ?? states };
}

/** shownColumns are what a list shows: the view's columns, or the first fields that are plain and not sensitive. */
export function shownColumns(of: Interface, record: string): string[] {
  const view = viewOf(of, record, false);
  if (view?.columns?.length) return view.columns;
  const fields = of.bundle.records?.[record]?.fields ?? {};
  return Object.keys(fields)
    .filter((name) => !fields[name]?.sensitive && !/[(]/.test(fields[name]?.type ?? "("))
    .slice(0, 6);
}

/** rowKeyOf is the state key of a record: its name, a slash and the key, in hexadecimal digits. */
export function rowKeyOf(record: string, key: string): string {
  const hex = (b: Uint8Array) => [...b].map((x) => x.toString(16).padStart(2, "0")).join("");
  const name = hex(new TextEncoder().encode(record));
  if (key === "") return name;
  return `${name}2f${key.startsWith("0x") ? key.slice(2) : hex(new TextEncoder().encode(key))}`;
}

export const interfacePath = (chain: string, contract: string) => chainPath(chain, "contracts", contract, "interface");

export const zone = () => -new Date().getTimezoneOffset();

/** statisticsOf are the figures of a dashboard, or all of a contract. */
export function statisticsOf(of: Interface, dashboard: string | undefined): string[] {
  const all = Object.keys(of.bundle.statistics ?? {});
  const cards = of.bundle.dashboards?.[dashboard ?? Object.keys(of.bundle.dashboards ?? {})[0] ?? ""]?.cards;
  return cards ?? all;
}

