/** A member of the chain, by id or address, and the transactions it sent. */
import { Button, Descriptions, Skeleton, Space, Tag } from "antd";
import { useState } from "react";
import { useParams } from "react-router";
import { chainPath, type Member, type Page, type TxSummary, useLoad } from "../api.ts";
import { useChain } from "../chain.tsx";
import { FaultAlert } from "../parts/fault.tsx";
import { TxTable } from "../parts/txs.tsx";
import { stateWord, useWords } from "../words.ts";

export function MemberPage() {
  const { t, time } = useWords();
  const chain = useChain();
  const { id = "" } = useParams();
  const { data, error, reload } = useLoad<Member>(`${chainPath(chain, "member")}?${new URLSearchParams({ id })}`);
  if (error) return <FaultAlert error={error} retry={reload} />;
  if (!data) return <Skeleton active />;
  return (
    <>
      <h1>{data.id}</h1>
      <Descriptions
        bordered
        size="small"
        column={1}
        items={[
          { key: "address", label: t("address"), children: <code className="wrap">{data.address}</code> },
          { key: "roles", label: t("roles"), children: <Space>{data.roles.map((r) => <Tag key={r}>{r}</Tag>)}</Space> },
          { key: "state", label: t("state"), children: stateWord(t, data.state) },
          { key: "notAfter", label: t("notAfter"), children: time(data.notAfter) },
          { key: "since", label: t("since"), children: data.since },
        ]}
      />
      <h2>{t("history")}</h2>
      <TxPages query={{ sender: data.address }} />
    </>
  );
}

/** TxPages pages through the transactions of a sender or a contract, newest first. */
export function TxPages({ query }: { query: Record<string, string> }) {
  const { t } = useWords();
  const chain = useChain();
  const [cursor, setCursor] = useState("");
  const page = useLoad<Page<TxSummary>>(`${chainPath(chain, "txs")}?${new URLSearchParams({ ...query, limit: "20", ...(cursor && { cursor }) })}`);
  return (
    <>
      {page.error && <FaultAlert error={page.error} retry={page.reload} />}
      <TxTable txs={page.data?.items ?? []} loading={page.data === undefined && page.error === undefined} />
      <Space className="gap">
        <Button disabled={cursor === ""} onClick={() => setCursor("")}>
          {t("first")}
        </Button>
        <Button disabled={!page.data?.next} onClick={() => setCursor(page.data?.next ?? "")}>
          {t("next")}
        </Button>
      </Space>
    </>
  );
}
