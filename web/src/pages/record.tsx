/** One record: its fields by bundle.yaml, its history, and its proof. */
import { Descriptions, Empty, Skeleton, Tag, Timeline } from "antd";
import { Link, useParams } from "react-router";
import { chainPath, type History, type Interface, type MirroredRecord, type Page, type Row, useLoad } from "../api.ts";
import { columnOf, interfacePath, rowKeyOf, viewOf } from "../bundle.ts";
import { to, useChain } from "../chain.tsx";
import { FaultAlert } from "../parts/fault.tsx";
import { Value } from "../parts/value.tsx";
import { Verify } from "../parts/verify.tsx";
import { rowPath, verifyRow } from "../trust.ts";
import { useWords } from "../words.ts";

export function RecordPage() {
  const { t, language } = useWords();
  const chain = useChain();
  const { contract = "", record = "", key = "" } = useParams();
  const row = rowKeyOf(record, key);
  const face = useLoad<Interface>(interfacePath(chain, contract));
  const found = useLoad<Page<MirroredRecord>>(`${chainPath(chain, "mirror", "records", contract, record)}?${new URLSearchParams({ key, limit: "1" })}`);
  const state = useLoad<Row>(rowPath(chain, contract, row));
  const error = face.error ?? found.error;
  if (error) return <FaultAlert error={error} retry={face.error ? face.reload : found.reload} />;
  if (!face.data || !found.data) return <Skeleton active />;
  const of = face.data;
  const r = found.data.items[0];
  const fields = of.bundle.records?.[record]?.fields ?? {};
  const first = viewOf(of, record, true)?.columns ?? [];
  const names = [...first, ...Object.keys(r?.fields ?? {}).filter((n) => !first.includes(n) && (n in fields || n.startsWith("meta.")))];
  return (
    <>
      <h1>
        {of.bundle.records?.[record]?.title?.[language] ?? record} · <Link to={to(chain, "records", contract, record)}>{of.bundle.title?.[language] ?? contract}</Link>
      </h1>
      {r === undefined ? (
        <Empty description={t("absent")} />
      ) : (
        <Descriptions
          bordered
          size="small"
          column={1}
          items={[
            ...names.map((name) => {
              const c = columnOf(of, record, name, language, t);
              return { key: name, label: c.title, children: <Value of={of} column={c} value={r.fields[name]} /> };
            }),
            { key: "block", label: t("block"), children: <Link to={to(chain, "block", r.updatedHeight)}>{r.updatedHeight}</Link> },
          ]}
        />
      )}
      <h2>{t("timeline")}</h2>
      <Past of={of} record={record} rowKey={row} />
      {state.data && (
        <div className="gap">
          <Verify key={`${row}/${state.data.height}`} run={(tell) => verifyRow(chain, state.data!, tell)} />
        </div>
      )}
    </>
  );
}

/** Past is who wrote the record when, and what changed, the newest first. */
function Past({ of, record, rowKey }: { of: Interface; record: string; rowKey: string }) {
  const { t, language, time } = useWords();
  const chain = useChain();
  const { data, error, reload } = useLoad<History>(`${chainPath(chain, "history", of.name)}/0x${rowKey}?limit=50`);
  if (error) return <FaultAlert error={error} retry={reload} />;
  if (!data) return <Skeleton active />;
  const moves = Object.assign({}, ...Object.values(of.bundle.workflows ?? {}).map((w) => (w.record === record ? w.moves : {}))) as Record<string, { title?: { zh: string; en: string } }>;
  return (
    <Timeline
      items={data.items.map((w, i) => {
        const now = (w.json ?? {}) as Record<string, unknown>;
        const old = (data.items[i + 1]?.json ?? {}) as Record<string, unknown>;
        const meta = (now["meta"] ?? {}) as Record<string, string>;
        const changed = Object.keys({ ...old, ...now }).filter((k) => k !== "meta" && JSON.stringify(now[k]) !== JSON.stringify(old[k]));
        const what = w.deleted ? t("deleted") : (moves[meta["op"] ?? ""]?.title?.[language] ?? (i === data.items.length - 1 && !data.next ? t("version1") : t("versionN")));
        return {
          key: `${w.height}/${w.txIndex}`,
          content: (
            <>
              <Tag>{what}</Tag> {w.blockTime ? time(w.blockTime) : ""} · <Link to={to(chain, "block", w.height)}>{`${t("height")} ${w.height}`}</Link> {meta["by"] ?? ""}
              {i < data.items.length - 1 &&
                changed.map((name) => {
                  const c = columnOf(of, record, name, language, t);
                  return (
                    <div key={name} className="quiet wrap">
                      {c.title}: <Value of={of} column={c} value={old[name]} /> → <Value of={of} column={c} value={now[name]} />
                    </div>
                  );
                })}
            </>
          ),
        };
      })}
    />
  );
}
