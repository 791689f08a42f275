/** One transaction: the call, what became of it, what it wrote. */
import { Descriptions, Skeleton, Table, Tag, Typography } from "antd";
import { Link, useParams } from "react-router";
import { chainPath, type Tx, useLoad } from "../api.ts";
import { Short, to, useChain } from "../chain.tsx";
import { FaultAlert } from "../parts/fault.tsx";
import { Json } from "../parts/json.tsx";
import { EventTable, Outcome } from "../parts/txs.tsx";
import { Verify } from "../parts/verify.tsx";
import { verifyTx } from "../trust.ts";
import { useWords } from "../words.ts";

export function TxPage() {
  const { t, time } = useWords();
  const chain = useChain();
  const { id = "" } = useParams();
  const { data, error, reload } = useLoad<Tx>(chainPath(chain, "txs", id));
  const proven = useLoad<Tx>(data === undefined ? null : `${chainPath(chain, "txs", id)}?prove=true`);
  if (error) return <FaultAlert error={error} retry={reload} />;
  if (!data) return <Skeleton active />;
  return (
    <>
      <h1>{t("transaction")}</h1>
      <Descriptions
        bordered
        size="small"
        column={1}
        items={[
          { key: "id", label: t("txId"), children: <Typography.Text copyable={{ tooltips: [t("copy"), t("copy")] }} code className="wrap">{data.id}</Typography.Text> },
          { key: "height", label: t("height"), children: <Link to={to(chain, "block", data.height)}>{data.height}</Link> },
          { key: "time", label: t("time"), children: time(data.blockTime) },
          { key: "call", label: t("contract"), children: <Link to={to(chain, "contract", data.contract)}>{`${data.contract}.${data.method}`}</Link> },
          { key: "sender", label: t("sender"), children: <Link to={to(chain, "member", data.member ?? data.sender)}>{data.member ?? data.sender}</Link> },
          { key: "outcome", label: t("status"), children: <Outcome code={data.receipt.code} /> },
          ...(data.receipt.error ? [{ key: "error", label: t("cause"), children: data.receipt.error }] : []),
          { key: "gas", label: t("gas"), children: `${data.receipt.gasUsed.toLocaleString()} / ${data.gasLimit.toLocaleString()}` },
          { key: "size", label: t("size"), children: `${data.sizeBytes.toLocaleString()} B` },
          { key: "args", label: t("args"), children: data.withheld ? <Tag>{t("withheld")}</Tag> : <Json value={data.args ?? null} /> },
          { key: "result", label: t("result"), children: data.withheld ? <Tag>{t("withheld")}</Tag> : <Json value={data.receipt.result ?? null} /> },
        ]}
      />
      {!data.withheld && (
        <div className="gap">
          <Verify key={data.id} run={(tell) => verifyTx(chain, data, tell)} />
        </div>
      )}
      <h2>{t("events")}</h2>
      <EventTable events={data.events} />
      <h2>{t("writes")}</h2>
      <Table
        size="small"
        rowKey={(w) => `${w.ns}/${w.key}`}
        loading={proven.data === undefined && proven.error === undefined}
        dataSource={proven.data?.writes ?? []}
        pagination={false}
        scroll={{ x: "max-content" }}
        columns={[
          { title: t("contract"), dataIndex: "ns" },
          { title: t("key"), dataIndex: "key", render: (key: string, w) => <Link to={to(chain, "row", w.ns, key)}>{printable(key)}</Link> },
        ]}
      />
    </>
  );
}

/** printable shows a key as text where it is text, and as its digits otherwise. */
export function printable(keyHex: string) {
  const bytes = keyHex.match(/../g)?.map((d) => parseInt(d, 16)) ?? [];
  const text = new TextDecoder().decode(Uint8Array.from(bytes));
  return /^[\x20-\x7e\u0080-\ufffc]+$/.test(text) ? text : <Short text={`0x${keyHex}`} />;
}
