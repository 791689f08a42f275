/** Who signs headers now, and who voted on the newest blocks. */
import { Skeleton, Table } from "antd";
import { chainPath, useLoad, type Validators } from "../api.ts";
import { Short, useChain } from "../chain.tsx";
import { FaultAlert } from "../parts/fault.tsx";
import { UptimeMap } from "../parts/uptime.tsx";
import { useWords } from "../words.ts";

export function ValidatorsPage() {
  const { t } = useWords();
  const chain = useChain();
  const { data, error, reload } = useLoad<Validators>(chainPath(chain, "validators"), 5000);
  if (error && !data) return <FaultAlert error={error} retry={reload} />;
  if (!data) return <Skeleton active />;
  return (
    <>
      <h1>{t("validators")}</h1>
      <p className="wrap">
        {t("height")} {data.height} · {t("signers")} <code>{data.hash}</code>
      </p>
      <Table
        size="small"
        rowKey="key"
        dataSource={data.items}
        pagination={false}
        scroll={{ x: "max-content" }}
        columns={[
          { title: "SM2", dataIndex: "key", render: (k: string) => <Short text={k} /> },
          { title: "Ed25519", dataIndex: "ed25519", responsive: ["md"], render: (k: string) => <Short text={k} /> },
          { title: t("power"), dataIndex: "power", align: "right" },
        ]}
      />
      <UptimeMap chain={chain} />
    </>
  );
}
