/** Chains of evidence: opened along a template, grown node by node, verified as a whole. */
import { Alert, Button, Card, Empty, Form, Input, Select, Table, Tag } from "antd";
import { useState } from "react";
import { Link, useNavigate, useParams } from "react-router";
import { useLoad } from "../api.ts";
import { useChain } from "../chain.tsx";
import { Pager, usePages } from "../parts/pages.tsx";
import { ShownLoaded } from "../parts/shown.tsx";
import { Verify } from "../parts/verify.tsx";
import { useAct } from "./act.tsx";
import { type ChainNode, type ChainTemplate, type EvidenceChain, send, servicePath, type Standing } from "./service.ts";
import { verifyChain } from "./verify.ts";
import { usePortal } from "./words.ts";

export function Chains() {
  const { p, time } = usePortal();
  const chain = useChain();
  const [opening, setOpening] = useState(false);
  const page = usePages<EvidenceChain>(servicePath(chain, "chains"));
  return (
    <>
      <p>
        <Button type="primary" onClick={() => setOpening(true)}>
          {p("openChain")}
        </Button>
      </p>
      {opening && <Open onCancel={() => setOpening(false)} />}
      <ShownLoaded of={page}>
        {({ items }) => (
          <Table<EvidenceChain>
            size="small"
            rowKey="id"
            dataSource={items}
            pagination={false}
            scroll={{ x: "max-content" }}
            locale={{ emptyText: <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={<>{p("noChains")}<br />{p("noChainsHint")}</>} /> }}
            columns={[
              { title: p("id"), render: (_, e) => <Link to={`/${encodeURIComponent(chain)}/portal/chains/${encodeURIComponent(e.id)}`}>{e.id}</Link> },
              { title: p("title"), dataIndex: "title" },
              { title: p("template"), render: (_, e) => `${e.template} · ${p("version")} ${e.version}` },
              { title: p("created"), dataIndex: "time", render: (at: string) => time(at) },
            ]}
          />
        )}
      </ShownLoaded>
      <Pager of={page} />
    </>
  );
}

function Open({ onCancel }: { onCancel: () => void }) {
  const { p, t } = usePortal();
  const chain = useChain();
  const navigate = useNavigate();
  const { busy, act, fault } = useAct();
  const templates = useLoad<{ items: ChainTemplate[] }>(servicePath(chain, "chain-templates"));
  const open = (v: { id: string; template: string; title: string }) =>
    act(async () => {
      const e = await send<EvidenceChain>("POST", servicePath(chain, "chains"), { ...v, title: v.title.trim() });
      void navigate(`/${encodeURIComponent(chain)}/portal/chains/${encodeURIComponent(e.id)}`);
    });
  return (
    <Card size="small" className="after" title={p("openChain")}>
      <ShownLoaded of={templates}>
        {({ items }) => (
          <Form layout="vertical" className="narrow" onFinish={(v) => void open(v as { id: string; template: string; title: string })}>
            <Form.Item name="template" label={p("template")} rules={[{ required: true, message: t("demand") }]}>
              <Select options={items.map((x) => ({ value: x.id, label: `${x.title} · ${x.id} · ${p("version")} ${x.version}` }))} notFoundContent={p("noTemplates")} />
            </Form.Item>
            <Form.Item name="id" label={p("id")} extra={p("idHint")} rules={[{ required: true, pattern: /^[a-z0-9][a-z0-9._-]{0,62}$/, message: p("idHint") }]}>
              <Input maxLength={63} />
            </Form.Item>
            <Form.Item name="title" label={p("title")} rules={[{ required: true, whitespace: true, message: t("demand") }]}>
              <Input maxLength={200} />
            </Form.Item>
            <Button type="primary" htmlType="submit" loading={busy}>
              {p("openChain")}
            </Button>{" "}
            <Button onClick={onCancel}>{p("cancel")}</Button>
          </Form>
        )}
      </ShownLoaded>
      {fault}
    </Card>
  );
}

export function ChainPage({ standing }: { standing: Standing }) {
  const { id = "" } = useParams();
  const chain = useChain();
  const of = useLoad<EvidenceChain>(servicePath(chain, "chains", id));
  return <ShownLoaded of={of}>{(e) => <Detail of={e} standing={standing} />}</ShownLoaded>;
}

function Detail({ of: e, standing }: { of: EvidenceChain; standing: Standing }) {
  const { p } = usePortal();
  const chain = useChain();
  const rules = useLoad<ChainTemplate>(`${servicePath(chain, "chain-templates", e.template)}?version=${e.version}`);
  return (
    <>
      <h2 className="wrap">
        {e.title} · {e.id} <Tag color={e.complete ? "green" : "blue"}>{e.complete ? p("complete") : p("underWay")}</Tag>
      </h2>
      {e.valid ? <Alert type="success" showIcon title={p("chainHolds")} /> : <Alert type="error" showIcon role="alert" title={`${p("chainBroken")}: ${e.reason ?? ""}`} />}
      <div className="gap">
        <ShownLoaded of={rules}>{(t) => <Nodes of={e} rules={t} standing={standing} />}</ShownLoaded>
      </div>
      <div className="gap">
        <Verify label={p("verifyChain")} run={(tell) => verifyChain(chain, e, tell)} />
      </div>
    </>
  );
}

function Nodes({ of: e, rules, standing }: { of: EvidenceChain; rules: ChainTemplate; standing: Standing }) {
  const { p, t, time } = usePortal();
  const base = `/${encodeURIComponent(useChain())}/portal/deposits`;
  const own = standing.tenant?.id;
  const added = (n: ChainNode) => e.nodes.find((x) => x.name === n.name);
  return (
    <Table<ChainNode>
      size="small"
      rowKey="name"
      dataSource={rules.nodes}
      pagination={false}
      scroll={{ x: "max-content" }}
      columns={[
        { title: p("node"), render: (_, n) => (n.title ? `${n.title} · ${n.name}` : n.name) },
        { title: p("party"), dataIndex: "party" },
        { title: p("after"), render: (_, n, i) => (n.after?.length ? n.after.join("、") : (rules.nodes[i - 1]?.name ?? "—")) },
        {
          title: t("state"),
          render: (_, n) => (added(n) ? <Tag color="green">{p("committed")}</Tag> : e.due.includes(n.name) ? <Tag color="blue">{p("due")}</Tag> : <Tag>{p("notDue")}</Tag>),
        },
        {
          title: p("deposits"),
          render: (_, n) => {
            const x = added(n);
            if (x) return x.tenant === own ? <Link to={`${base}/${x.deposit}`}>{time(x.time)}</Link> : time(x.time);
            const here = `${base}/new?chain=${encodeURIComponent(e.id)}&node=${encodeURIComponent(n.name)}`;
            return n.party === own && e.due.includes(n.name) ? <Link to={here}>{p("addEvidence")}</Link> : "—";
          },
        },
        { title: p("fields"), render: (_, n) => Object.entries(added(n)?.fields ?? {}).map(([name, value]) => <div key={name} className="cell">{`${name}: ${value}`}</div>) },
        { title: p("digest"), render: (_, n) => <code title={added(n)?.digest}>{added(n)?.digest.slice(0, 16)}</code> },
      ]}
    />
  );
}
