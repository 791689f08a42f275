/** Which validators voted on each of the newest blocks: a strip of marks for each validator. */
import { Skeleton, Table, theme } from "antd";
import type { CSSProperties } from "react";
import { chainPath, type Uptime, useLoad, type ValidatorUptime } from "../api.ts";
import { Short } from "../chain.tsx";
import { useWords } from "../words.ts";
import { FaultAlert } from "./fault.tsx";

const named = 10; // missed blocks that a screen reader is told

function Marks({ of, from }: { of: ValidatorUptime; from: number }) {
  const { t } = useWords();
  const said: Record<string, string> = { "+": t("voted"), "-": t("missed"), ".": t("noVote") };
  const missed = [...of.marks].flatMap((m, i) => (m === "-" ? [from + i] : []));
  const about = `${t("voted")} ${of.voted}, ${t("missed")} ${of.missed}${missed.length > 0 ? `: ${missed.slice(-named).join(", ")}` : ""}`;
  return (
    <div className="marks" role="img" aria-label={about}>
      {[...of.marks].map((m, i) => (
        <i key={from + i} data-mark={m} title={`${from + i}: ${said[m] ?? m}`} />
      ))}
    </div>
  );
}

export function UptimeMap({ chain }: { chain: string }) {
  const { t } = useWords();
  const { token } = theme.useToken();
  const { data, error, reload } = useLoad<Uptime>(chainPath(chain, "uptime"), 5000);
  const colours = { "--voted": token.colorSuccess, "--missed": token.colorError, "--none": token.colorFill } as CSSProperties;
  return (
    <section aria-labelledby="uptime" style={colours}>
      <h2 id="uptime">{t("uptime")}</h2>
      {error && !data && <FaultAlert error={error} retry={reload} />}
      {!error && !data && <Skeleton active />}
      {data && data.items.length === 0 && <p>{t("noUptime")}</p>}
      {data && data.items.length > 0 && (
        <>
          <p className="legend">
            {t("height")} {data.from} – {data.to} · <i data-mark="+" /> {t("voted")} · <i data-mark="-" /> {t("missed")} · <i data-mark="." /> {t("noVote")}
          </p>
          <Table<ValidatorUptime>
            size="small"
            rowKey="key"
            dataSource={data.items}
            pagination={false}
            columns={[
              { title: "SM2", dataIndex: "key", width: 120, render: (k: string) => <Short text={k} /> },
              { title: t("uptimeShare"), width: 90, align: "right", render: (_, v) => `${((100 * v.voted) / Math.max(1, v.voted + v.missed)).toFixed(1)} %` },
              { title: t("blocks"), render: (_, v) => <Marks of={v} from={data.from} /> },
            ]}
          />
        </>
      )}
    </section>
  );
}
