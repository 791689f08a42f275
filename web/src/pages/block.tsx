/** One block: its header, who attested it, its transactions. */
import { Button, Descriptions, Skeleton, Space, Tag } from "antd";
import { Link, useParams } from "react-router";
import { type Block, chainPath, useLoad } from "../api.ts";
import { to, useChain } from "../chain.tsx";
import { FaultAlert } from "../parts/fault.tsx";
import { TxTable } from "../parts/txs.tsx";
import { Verify } from "../parts/verify.tsx";
import { verifyBlock } from "../trust.ts";
import { useWords } from "../words.ts";

export function BlockPage() {
  const { t, time } = useWords();
  const chain = useChain();
  const { height = "" } = useParams();
  const { data, error, reload } = useLoad<Block>(chainPath(chain, "blocks", height));
  if (error) return <FaultAlert error={error} retry={reload} />;
  if (!data) return <Skeleton active />;
  const h = data.header;
  return (
    <>
      <h1>
        <Space>
          {t("block")} {h.height}
          <Link to={to(chain, "block", h.height - 1)}>
            <Button size="small" disabled={h.height <= 1} aria-label={t("previous")}>
              ‹
            </Button>
          </Link>
          <Link to={to(chain, "block", h.height + 1)}>
            <Button size="small" aria-label={t("next")}>
              ›
            </Button>
          </Link>
        </Space>
      </h1>
      <Descriptions
        bordered
        size="small"
        column={1}
        items={[
          { key: "hash", label: t("hash"), children: <code className="wrap">{h.hash}</code> },
          { key: "time", label: t("time"), children: time(h.time) },
          { key: "previous", label: t("previous"), children: <code className="wrap">{h.previous}</code> },
          { key: "content", label: t("contentRoot"), children: <code className="wrap">{h.contentRoot}</code> },
          { key: "signers", label: t("signers"), children: <code className="wrap">{h.signers}</code> },
          { key: "certified", label: t("certified"), children: data.certified ? <Tag color="green">{`${t("signatures")} ${data.signatures}`}</Tag> : <Tag>{t("notYet")}</Tag> },
          { key: "protocol", label: t("protocol"), children: h.protocol },
        ]}
      />
      <div className="gap">
        <Verify key={h.hash} run={(tell) => verifyBlock(chain, data, tell)} />
      </div>
      <h2>
        {t("transactions")} ({data.txCount})
      </h2>
      <TxTable txs={data.txs} empty={t("emptyBlock")} />
    </>
  );
}
