/** Installed contracts, and one of them: methods with forms, records, events, transactions. */
import { Descriptions, Empty, Skeleton, Table, Tabs, Tag } from "antd";
import { useState } from "react";
import { Link, useParams } from "react-router";
import { chainPath, type Contract, type Event, type Interface, type Page, type Row, useLoad } from "../api.ts";
import { storedRecords } from "../bundle.ts";
import { to, useChain } from "../chain.tsx";
import { Call } from "../parts/call.tsx";
import { FaultAlert } from "../parts/fault.tsx";
import { EventTable } from "../parts/txs.tsx";
import { stateWord, useWords } from "../words.ts";
import { TxPages } from "./member.tsx";
import { printable } from "./tx.tsx";

export function ContractsPage() {
  const { t } = useWords();
  const chain = useChain();
  const { data, error, reload } = useLoad<Page<Contract>>(chainPath(chain, "contracts"));
  if (error) return <FaultAlert error={error} retry={reload} />;
  return (
    <>
      <h1>{t("contracts")}</h1>
      <Table<Contract>
        size="small"
        rowKey="name"
        loading={data === undefined}
        dataSource={data?.items ?? []}
        pagination={false}
        scroll={{ x: "max-content" }}
        columns={[
          { title: t("contract"), dataIndex: "name", render: (name: string) => <Link to={to(chain, "contract", name)}>{name}</Link> },
          { title: t("version"), dataIndex: "version" },
          { title: t("state"), dataIndex: "state", render: (s: string) => <Tag color={s === "active" ? "green" : "orange"}>{stateWord(t, s)}</Tag> },
          { title: t("language"), dataIndex: "language" },
          { title: t("height"), dataIndex: "height" },
        ]}
      />
    </>
  );
}

export function ContractPage() {
  const { t, language } = useWords();
  const chain = useChain();
  const { name = "" } = useParams();
  const { data, error, reload } = useLoad<Contract>(chainPath(chain, "contracts", name));
  const face = useLoad<Interface>(data === undefined || data.native ? null : chainPath(chain, "contracts", name, "interface"));
  if (error) return <FaultAlert error={error} retry={reload} />;
  if (!data) return <Skeleton active />;
  const title = face.data?.bundle.title?.[language];
  return (
    <>
      <h1>
        {title ? `${title} · ` : ""}
        {data.name} <Tag>{data.version}</Tag> <Tag color={data.state === "active" ? "green" : "orange"}>{stateWord(t, data.state)}</Tag>
      </h1>
      <Descriptions
        bordered
        size="small"
        column={1}
        items={[
          { key: "code", label: t("codeHash"), children: <code className="wrap">{data.code}</code> },
          { key: "package", label: t("packageHash"), children: <code className="wrap">{data.package}</code> },
          { key: "language", label: t("language"), children: data.language },
          { key: "height", label: t("height"), children: data.height },
        ]}
      />
      {face.data && (
        <p className="links">
          {storedRecords(face.data).map((r) => (
            <Link key={r} to={to(chain, "records", name, r)}>
              {face.data?.bundle.records?.[r]?.title?.[language] ?? r}
            </Link>
          ))}
          <Link to={to(chain, "board", name)}>{t("board")}</Link>
        </p>
      )}
      {face.error && <FaultAlert error={face.error} retry={face.reload} />}
      <Tabs
        className="gap"
        destroyOnHidden
        items={[
          { key: "call", label: t("call"), children: face.data && <Methods of={face.data} contract={data} /> },
          { key: "records", label: t("records"), children: <Records ns={name} /> },
          { key: "txs", label: t("transactions"), children: <TxPages query={{ contract: name }} /> },
          { key: "events", label: t("events"), children: <Events contract={name} /> },
        ]}
      />
    </>
  );
}

function Methods({ of, contract }: { of: Interface; contract: Contract }) {
  const { t, language } = useWords();
  return (
    <Table
      size="small"
      rowKey="name"
      dataSource={contract.methods ?? []}
      pagination={false}
      scroll={{ x: "max-content" }}
      expandable={{ expandRowByClick: true, expandedRowRender: (m) => <Call of={of} method={m.name} /> }}
      columns={[
        { title: t("method"), dataIndex: "name", render: (name: string) => `${of.bundle.methods?.[name]?.title?.[language] ?? ""} ${name}` },
        { title: "", dataIndex: "writes", render: (writes: boolean) => <Tag color={writes ? "blue" : "default"}>{writes ? t("changes") : t("reads")}</Tag> },
        { title: t("allow"), dataIndex: "allow" },
      ]}
    />
  );
}

function Records({ ns }: { ns: string }) {
  const { t } = useWords();
  const chain = useChain();
  const [start, setStart] = useState("");
  const page = useLoad<Page<Row>>(`${chainPath(chain, "state", ns)}?${new URLSearchParams({ limit: "20", ...(start && { start }) })}`);
  return (
    <>
      {page.error && <FaultAlert error={page.error} retry={page.reload} />}
      <Table<Row>
        size="small"
        rowKey="key"
        loading={page.data === undefined && page.error === undefined}
        dataSource={page.data?.items ?? []}
        pagination={false}
        scroll={{ x: "max-content" }}
        locale={{ emptyText: <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t("noRecords")} /> }}
        columns={[
          { title: t("key"), dataIndex: "key", render: (key: string) => <Link to={to(chain, "row", ns, key)}>{printable(key)}</Link> },
          { title: t("value"), render: (_, r) => <code className="quiet">{JSON.stringify(r.json ?? r.value ?? "").slice(0, 160)}</code> },
        ]}
      />
      <p>
        {start !== "" && <a onClick={() => setStart("")}>{t("first")}</a>} {page.data?.next && <a onClick={() => setStart(page.data?.next ?? "")}>{t("next")}</a>}
      </p>
    </>
  );
}

function Events({ contract }: { contract: string }) {
  const chain = useChain();
  const page = useLoad<Page<Event>>(`${chainPath(chain, "events")}?${new URLSearchParams({ contract, limit: "50" })}`);
  return page.error ? <FaultAlert error={page.error} retry={page.reload} /> : <EventTable events={page.data?.items ?? []} />;
}
