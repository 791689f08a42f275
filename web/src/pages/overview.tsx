/** How the chain is doing, and its newest blocks. */
import { Badge, Card, Empty, Spin, Statistic, Table } from "antd";
import { lazy, Suspense } from "react";
import { Link } from "react-router";
import { chainPath, type Header, type Page, type Status, useLoad } from "../api.ts";
import { Short, to, useChain } from "../chain.tsx";
import { FaultAlert } from "../parts/fault.tsx";
import { useWords } from "../words.ts";

const RateChart = lazy(() => import("../parts/rate.tsx"));
const everyMs = 2000;

export function Overview() {
  const { t, time } = useWords();
  const chain = useChain();
  const status = useLoad<Status>(chainPath(chain, "status"), everyMs);
  const blocks = useLoad<Page<Header>>(`${chainPath(chain, "blocks")}?limit=30`, everyMs);
  const s = status.data;
  return (
    <>
      <h1>
        {chain} {s && <Badge status={s.catchingUp ? "processing" : "success"} text={s.catchingUp ? t("behind") : t("inStep")} />}
      </h1>
      {status.error && <FaultAlert error={status.error} retry={status.reload} />}
      {s && (
        <div className="cards">
          <Figure title={t("height")} value={s.height} />
          <Figure title={t("certifiedHeight")} value={s.certifiedHeight} />
          <Figure title={t("pending")} value={s.pendingTxs} />
          <Figure title={t("peers")} value={s.peers} />
          <Figure title={t("blockTime")} value={time(s.blockTime)} small />
          <Figure title={t("version")} value={s.version} small />
        </div>
      )}
      <h2>{t("txRate")}</h2>
      <Suspense fallback={<Spin />}>
        <RateChart chain={chain} headers={blocks.data?.items ?? []} />
      </Suspense>
      <h2>{t("newestBlocks")}</h2>
      <Table<Header>
        size="small"
        rowKey="height"
        loading={blocks.data === undefined && blocks.error === undefined}
        dataSource={blocks.data?.items ?? []}
        pagination={false}
        scroll={{ x: "max-content" }}
        locale={{ emptyText: <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={<>{t("noBlocks")}<br />{t("noBlocksHint")}</>} /> }}
        columns={[
          { title: t("height"), dataIndex: "height", render: (h: number) => <Link to={to(chain, "block", h)}>{h}</Link> },
          { title: t("time"), dataIndex: "time", render: (at: string) => time(at) },
          { title: t("hash"), render: (_, h) => <Short text={h.hash} href={to(chain, "block", h.height)} /> },
          { title: t("contentRoot"), dataIndex: "contentRoot", responsive: ["md"], render: (r: string) => <Short text={r} /> },
        ]}
      />
      {s && (
        <p className="quiet wrap">
          {t("genesis")}: <code>{s.genesis}</code> · {t("node")}: {s.node}
        </p>
      )}
    </>
  );
}

function Figure({ title, value, small = false }: { title: string; value: number | string; small?: boolean }) {
  return (
    <Card size="small">
      <Statistic title={title} value={value} styles={{ content: { fontSize: small ? 14 : 24 } }} />
    </Card>
  );
}
