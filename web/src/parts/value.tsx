/** A value of a record, shown by its type in bundle.yaml. */
import { Tag } from "antd";
import { Link } from "react-router";
import type { Interface } from "../api.ts";
import type { Column } from "../bundle.ts";
import { Short, to, useChain } from "../chain.tsx";
import { useWords } from "../words.ts";

export function Value({ of, column, value }: { of: Interface; column: Column; value: unknown }) {
  const { t, time } = useWords();
  const chain = useChain();
  if (value === undefined || value === null || value === "") return <span className="quiet">—</span>;
  const type = column.type;
  if (typeof value === "boolean") return <Tag color={value ? "green" : "default"}>{value ? t("yes") : t("no")}</Tag>;
  if (type.startsWith("encrypted(")) return <Tag>{t("sealed")}</Tag>;
  if (typeof value === "object") return <code className="wrap">{JSON.stringify(value)}</code>;
  const text = String(value);
  const ref = /^ref\((\w+)\)$/.exec(type)?.[1];
  if (ref !== undefined && of.bundle.records?.[ref]?.key !== undefined) return <Link to={to(chain, "record", of.name, ref, text)}>{text}</Link>;
  if (type === "time") return <>{time(text)}</>;
  if (type === "sm3") return <Short text={text} />;
  if ((type === "member" || type === "party") && /^[^/]+\/[^/]+$/.test(text)) return <Link to={to(chain, "member", text)}>{text}</Link>;
  if (column.values !== undefined || column.name === "meta.state") return <Tag>{text}</Tag>;
  return <span className="wrap">{column.unit ? `${text} ${column.unit}` : text}</span>;
}
