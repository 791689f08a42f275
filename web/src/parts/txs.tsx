/** Transactions and events in lists. */
import { Empty, Table, Tag } from "antd";
import { Link } from "react-router";
import type { Event, TxSummary } from "../api.ts";
import { Short, to, useChain } from "../chain.tsx";
import { useWords } from "../words.ts";

export function Outcome({ code }: { code: string }) {
  const { t } = useWords();
  return code === "OK" ? <Tag color="green">{t("done")}</Tag> : <Tag color="red">{`${t("refused")} ${code}`}</Tag>;
}

export function TxTable({ txs, loading = false, empty }: { txs: TxSummary[]; loading?: boolean; empty?: string }) {
  const { t } = useWords();
  const chain = useChain();
  return (
    <Table<TxSummary>
      size="small"
      rowKey="id"
      loading={loading}
      dataSource={txs}
      pagination={false}
      scroll={{ x: "max-content" }}
      locale={{ emptyText: <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={empty ?? t("noTxs")} /> }}
      columns={[
        { title: t("txId"), dataIndex: "id", render: (id: string) => <Short text={id} href={to(chain, "tx", id)} /> },
        { title: t("height"), dataIndex: "height", render: (h: number) => <Link to={to(chain, "block", h)}>{h}</Link> },
        { title: t("contract"), dataIndex: "contract", render: (name: string, x) => <Link to={to(chain, "contract", name)}>{`${name}.${x.method}`}</Link> },
        { title: t("sender"), dataIndex: "sender", render: (a: string) => <Short text={a} href={to(chain, "member", a)} /> },
        { title: t("status"), dataIndex: "code", render: (code: string) => <Outcome code={code} /> },
        { title: t("gas"), dataIndex: "gasUsed", align: "right", render: (g: number) => g.toLocaleString() },
      ]}
    />
  );
}

export function EventTable({ events }: { events: Event[] }) {
  const { t } = useWords();
  const chain = useChain();
  return (
    <Table<Event>
      size="small"
      rowKey={(e) => `${e.height}/${e.index}`}
      dataSource={events}
      pagination={false}
      scroll={{ x: "max-content" }}
      locale={{ emptyText: <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t("noEvents")} /> }}
      columns={[
        { title: t("event"), render: (_, e) => `${e.contract}.${e.name}` },
        { title: t("height"), dataIndex: "height", render: (h: number) => <Link to={to(chain, "block", h)}>{h}</Link> },
        { title: t("transaction"), dataIndex: "txId", render: (id: string) => <Short text={id} href={to(chain, "tx", id)} /> },
        { title: t("value"), dataIndex: "data", render: (data: unknown, e) => (e.withheld ? <Tag>{t("withheld")}</Tag> : <code className="wrap">{JSON.stringify(data)}</code>) },
      ]}
    />
  );
}
