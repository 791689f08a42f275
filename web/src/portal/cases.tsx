/** Courts: registered cases, what courts asked, and, for a court, a question about a deposit. */
import { Button, Card, Empty, Form, Input, Popconfirm, Table, Tag } from "antd";
import { fromHex } from "@huchain/sdk";
import { useState } from "react";
import { useLoad } from "../api.ts";
import { useChain } from "../chain.tsx";
import { Pager, usePages } from "../parts/pages.tsx";
import { ShownLoaded } from "../parts/shown.tsx";
import { useAct } from "./act.tsx";
import { type Receipt, save, send, servicePath, type Standing } from "./service.ts";
import { usePortal } from "./words.ts";

interface Case {
  number: string;
  court: string;
  by: string;
  time: string;
  closed?: string;
}

interface Query {
  id: string;
  case: string;
  deposit: string;
  court: string;
  by: string;
  outcome: string;
  time: string;
}

export function Cases({ standing }: { standing: Standing }) {
  const { p, t, time } = usePortal();
  const chain = useChain();
  const { busy, act, fault } = useAct();
  const cases = useLoad<{ items: Case[] }>(servicePath(chain, "court", "cases"));
  const queries = usePages<Query>(servicePath(chain, "court", "queries"));
  const register = (v: { number: string; court: string }) => act(() => send("POST", servicePath(chain, "court", "cases"), { number: v.number.trim(), court: v.court.trim() }).then(cases.reload));
  const close = (k: Case) => act(() => send("DELETE", servicePath(chain, "court", "cases", k.number)).then(cases.reload));
  return (
    <>
      {standing.administrator && (
        <Form layout="inline" className="filters" onFinish={(v) => void register(v as { number: string; court: string })}>
          <Form.Item name="number" rules={[{ required: true, pattern: /^[^\s/]{4,60}$/, message: p("caseNumber") }]}>
            <Input aria-label={p("caseNumber")} placeholder={p("caseNumber")} maxLength={60} />
          </Form.Item>
          <Form.Item name="court" rules={[{ required: true, message: t("demand") }]}>
            <Input aria-label={p("courtTenant")} placeholder={p("courtTenant")} maxLength={40} style={{ width: 240 }} />
          </Form.Item>
          <Button type="primary" htmlType="submit" loading={busy}>
            {p("registerCase")}
          </Button>
        </Form>
      )}
      {standing.tenant?.kind === "court" && <Ask onAsked={queries.reload} />}
      {fault}
      <ShownLoaded of={cases}>
        {({ items }) => (
          <Table<Case>
            size="small"
            rowKey="number"
            dataSource={items}
            pagination={false}
            scroll={{ x: "max-content" }}
            locale={{ emptyText: <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={p("noCases")} /> }}
            columns={[
              { title: p("caseNumber"), dataIndex: "number" },
              { title: p("court"), dataIndex: "court" },
              { title: t("time"), dataIndex: "time", render: (at: string) => time(at) },
              { title: t("state"), render: (_, k) => (k.closed ? <Tag>{`${p("ended")} ${time(k.closed)}`}</Tag> : <Tag color="green">{p("underWay")}</Tag>) },
              {
                title: t("action"),
                render: (_, k) =>
                  standing.administrator &&
                  !k.closed && (
                    <Popconfirm title={p("sureRecorded")} okText={p("closeCase")} onConfirm={() => close(k)}>
                      <Button size="small" danger>
                        {p("closeCase")}
                      </Button>
                    </Popconfirm>
                  ),
              },
            ]}
          />
        )}
      </ShownLoaded>
      <h2>{p("courtQueries")}</h2>
      <ShownLoaded of={queries}>
        {({ items }) => (
          <Table<Query>
            size="small"
            rowKey="id"
            dataSource={items}
            pagination={false}
            scroll={{ x: "max-content" }}
            locale={{ emptyText: <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={p("noQueries")} /> }}
            columns={[
              { title: t("time"), dataIndex: "time", render: (at: string) => time(at) },
              { title: p("caseNumber"), dataIndex: "case" },
              { title: p("depositId"), dataIndex: "deposit", render: (x: string) => <code>{x}</code> },
              { title: p("court"), dataIndex: "court" },
              { title: p("member"), dataIndex: "by" },
              { title: p("outcome"), dataIndex: "outcome", render: (x: string) => (x === "OK" ? <Tag color="green">{p("answered")}</Tag> : <Tag color="red">{`${p("refused")} ${x}`}</Tag>) },
            ]}
          />
        )}
      </ShownLoaded>
      <Pager of={queries} />
    </>
  );
}

/** Ask is a court's question. The answer's proof is saved as a proof file. */
function Ask({ onAsked }: { onAsked: () => void }) {
  const { p, t, time } = usePortal();
  const chain = useChain();
  const { busy, act, fault } = useAct();
  const [answer, setAnswer] = useState<{ query: string; receipt: Receipt; dossier: string }>();
  const ask = (v: { case: string; deposit: string }) =>
    act(async () => {
      setAnswer(undefined);
      try {
        setAnswer(await send("POST", servicePath(chain, "court", "queries"), { case: v.case.trim(), deposit: v.deposit.trim() }));
      } finally {
        onAsked();
      }
    });
  return (
    <Card size="small" className="after" title={p("askCourt")}>
      <Form layout="inline" className="filters" onFinish={(v) => void ask(v as { case: string; deposit: string })}>
        <Form.Item name="case" rules={[{ required: true, message: t("demand") }]}>
          <Input aria-label={p("caseNumber")} placeholder={p("caseNumber")} maxLength={60} />
        </Form.Item>
        <Form.Item name="deposit" rules={[{ required: true, message: t("demand") }]}>
          <Input aria-label={p("depositId")} placeholder={p("depositId")} maxLength={40} />
        </Form.Item>
        <Button type="primary" htmlType="submit" loading={busy}>
          {p("search")}
        </Button>
      </Form>
      {fault}
      {answer && (
        <>
          <p className="wrap">
            {answer.receipt.title} · {answer.receipt.blockTime && time(answer.receipt.blockTime)} · SM3 <code>{answer.receipt.hash}</code>
          </p>
          <Button onClick={() => save(new File([fromHex(answer.dossier) as BlobPart], `${answer.receipt.id}.json`))}>{p("proofFile")}</Button>
        </>
      )}
    </Card>
  );
}
