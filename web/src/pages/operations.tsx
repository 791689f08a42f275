/** What operators of a node look after. The node decides who may: what it refuses is shown as it says. */
import { Alert, Button, Card, Empty, Input, Popconfirm, Statistic, Switch, Table, Tag } from "antd";
import { type ReactNode, useState } from "react";
import { Link, useParams } from "react-router";
import { type Caller, chainPath, request, type Words2 } from "../api.ts";
import { Short, useChain } from "../chain.tsx";
import { FaultAlert } from "../parts/fault.tsx";
import { Login } from "../parts/login.tsx";
import { Shown } from "../parts/shown.tsx";
import { stateWord, type Word, useWords } from "../words.ts";
import { Proposals } from "./proposals.tsx";

const base = "/api/v1/node";
const everyMs = 5000;

const tabs: Record<string, { title: Word; page: () => ReactNode }> = {
  node: { title: "nodeState", page: () => <NodeState /> },
  peers: { title: "peers", page: () => <Peers /> },
  certificates: { title: "certificates", page: () => <Certificates /> },
  proposals: { title: "proposals", page: () => <Proposals /> },
  archive: { title: "archive", page: () => <Archives /> },
  alarms: { title: "alarms", page: () => <Alarms /> },
  log: { title: "logs", page: () => <Log /> },
  config: { title: "settings", page: () => <Settings /> },
  sessions: { title: "sessions", page: () => <Sessions /> },
  audit: { title: "auditLog", page: () => <Audit /> },
};

export default function OperationsPage({ caller, reload }: { caller: Caller; reload: () => void }) {
  const { t } = useWords();
  const chain = useChain();
  const name = useParams()["tab"] ?? "node";
  const tab = tabs[name] ?? tabs["node"]!;
  return (
    <>
      <h1>{t("operations")}</h1>
      <nav className="links gap" aria-label={t("operations")} style={{ marginBottom: 16 }}>
        {Object.entries(tabs).map(([key, x]) => (
          <Link key={key} to={`/${encodeURIComponent(chain)}/operations/${key}`} aria-current={key === name ? "page" : undefined}>
            {t(x.title)}
          </Link>
        ))}
      </nav>
      {caller.kind === "anonymous" && name !== "proposals" && name !== "peers" ? (
        <>
          <Alert type="info" showIcon title={t("operatorsOnly")} />
          <Login caller={caller} onDone={reload} />
        </>
      ) : (
        <section key={name}>{tab.page()}</section>
      )}
    </>
  );
}

function Simple({ text }: { text: string }) {
  return <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={text} />;
}

interface NodeChain {
  chain: string;
  state: string;
  error?: string;
  genesis: string;
  organisations: string[];
  p2p: string;
  height: number;
  peers: number;
  validator: boolean;
  catchingUp: boolean;
  clockAheadMs?: number;
  signerAway?: string;
}

function NodeState() {
  const { t, time } = useWords();
  const [fault, setFault] = useState<Error>();
  const order = async (chain: string, what: string, reload: () => void) => {
    setFault(undefined);
    try {
      await request(`${base}/chains/${encodeURIComponent(chain)}/${what}`, { method: "POST" });
    } catch (e) {
      setFault(e as Error);
    }
    reload();
  };
  return (
    <Shown<{ name: string; version: string; started: string; diskFreeBytes: number; chains: NodeChain[] }> path={base} every={everyMs}>
      {(n, reload) => (
        <>
          <div className="cards">
            <Card size="small">
              <Statistic title={t("node")} value={n.name} styles={{ content: { fontSize: 16 } }} />
            </Card>
            <Card size="small">
              <Statistic title={t("version")} value={n.version} styles={{ content: { fontSize: 14 } }} />
            </Card>
            <Card size="small">
              <Statistic title={t("started")} value={time(n.started)} styles={{ content: { fontSize: 14 } }} />
            </Card>
            <Card size="small">
              <Statistic title={t("diskFree")} value={(n.diskFreeBytes / 2 ** 30).toFixed(1)} suffix="GiB" />
            </Card>
          </div>
          {fault && <FaultAlert error={fault} retry={() => setFault(undefined)} />}
          <Table<NodeChain>
            className="gap"
            size="small"
            rowKey="chain"
            dataSource={n.chains}
            pagination={false}
            scroll={{ x: "max-content" }}
            columns={[
              { title: t("chain"), dataIndex: "chain" },
              {
                title: t("state"),
                render: (_, c) => (
                  <>
                    <Tag color={c.state === "running" ? "green" : c.state === "failed" ? "red" : "default"}>{stateWord(t, c.state)}</Tag>
                    {c.catchingUp && <Tag color="blue">{t("behind")}</Tag>}
                    {(c.error ?? c.signerAway) && <div className="quiet wrap">{c.error ?? c.signerAway}</div>}
                  </>
                ),
              },
              { title: t("height"), dataIndex: "height", align: "right" },
              { title: t("role"), render: (_, c) => (c.validator ? t("validator") : t("follower")) },
              { title: t("peers"), dataIndex: "peers", align: "right" },
              { title: t("organisations"), render: (_, c) => c.organisations.join("、") },
              { title: "P2P", dataIndex: "p2p" },
              { title: t("genesis"), dataIndex: "genesis", render: (g: string) => <Short text={g} /> },
              {
                title: t("action"),
                render: (_, c) => {
                  const what = c.state === "running" ? "stop" : "start";
                  return (
                    <Popconfirm title={t("sure")} okText={t(what === "stop" ? "stopChain" : "startChain")} onConfirm={() => order(c.chain, what, reload)}>
                      <Button size="small" danger={what === "stop"}>
                        {t(what === "stop" ? "stopChain" : "startChain")}
                      </Button>
                    </Popconfirm>
                  );
                },
              },
            ]}
          />
        </>
      )}
    </Shown>
  );
}

interface Peer {
  org: string;
  name: string;
  state: string;
  direction?: string;
  address?: string;
  release?: string;
  height: number;
  sentBytes: number;
  receivedBytes: number;
  failure?: string;
}

function Peers() {
  const { t } = useWords();
  return (
    <Shown<{ node: string; items: Peer[] }> path={chainPath(useChain(), "peers")} every={everyMs}>
      {(p) => (
        <>
          <p>
            {t("node")}: <code>{p.node}</code>
          </p>
          <Table<Peer>
            size="small"
            rowKey={(x) => `${x.org}/${x.name}`}
            dataSource={p.items}
            pagination={false}
            scroll={{ x: "max-content" }}
            locale={{ emptyText: <Simple text={t("noRecords")} /> }}
            columns={[
              { title: t("node"), render: (_, x) => `${x.org}/${x.name}` },
              { title: t("state"), render: (_, x) => <Tag color={x.state === "linked" ? "green" : "red"}>{stateWord(t, x.state)}</Tag> },
              { title: t("height"), dataIndex: "height", align: "right" },
              { title: t("direction"), dataIndex: "direction", render: (d?: string) => d && stateWord(t, d) },
              { title: t("address"), dataIndex: "address" },
              { title: t("bytesInOut"), align: "right", render: (_, x) => `${x.receivedBytes.toLocaleString()} / ${x.sentBytes.toLocaleString()}` },
              { title: t("version"), dataIndex: "release" },
              { title: t("detail"), dataIndex: "failure", render: (f?: string) => <span className="wrap">{f}</span> },
            ]}
          />
        </>
      )}
    </Shown>
  );
}

interface Certificate {
  chain: string;
  file: string;
  member?: string;
  roles?: string[];
  serial?: string;
  notAfter?: string;
  state: "good" | "ending" | "ended" | "unreadable";
}

function Certificates() {
  const { t, time } = useWords();
  return (
    <Shown<{ items: Certificate[] }> path={`${base}/certificates`}>
      {(c) => (
        <Table<Certificate>
          size="small"
          rowKey={(x) => `${x.chain}/${x.file}`}
          dataSource={c.items}
          pagination={false}
          scroll={{ x: "max-content" }}
          locale={{ emptyText: <Simple text={t("noRecords")} /> }}
          columns={[
            { title: t("chain"), dataIndex: "chain" },
            { title: t("member"), dataIndex: "member" },
            { title: t("roles"), render: (_, x) => x.roles?.join(" ") },
            { title: t("state"), dataIndex: "state", render: (s: Certificate["state"]) => <Tag color={s === "good" ? "green" : s === "ending" ? "orange" : "red"}>{t(s)}</Tag> },
            { title: t("notAfter"), dataIndex: "notAfter", render: (at?: string) => at && time(at) },
            { title: t("daysLeft"), align: "right", render: (_, x) => x.notAfter && Math.floor((Date.parse(x.notAfter) - Date.now()) / 86_400_000) },
            { title: t("serial"), dataIndex: "serial", render: (s?: string) => s && <Short text={s} /> },
            { title: t("file"), dataIndex: "file" },
          ]}
        />
      )}
    </Shown>
  );
}

interface Archive {
  chain: string;
  enabled: boolean;
  target?: string;
  height: number;
  archivedTo: number;
  contentsFrom: number;
  dueTo: number;
}

function Archives() {
  const { t } = useWords();
  return (
    <Shown<{ items: Archive[] }> path={`${base}/archives`}>
      {(a) => (
        <>
          {a.items.some((x) => !x.enabled) && <p className="quiet">{t("noArchiveHint")}</p>}
          <Table<Archive>
            size="small"
            rowKey="chain"
            dataSource={a.items}
            pagination={false}
            scroll={{ x: "max-content" }}
            columns={[
              { title: t("chain"), dataIndex: "chain" },
              { title: t("target"), render: (_, x) => (x.enabled ? <span className="wrap">{x.target}</span> : <Tag>{t("noArchive")}</Tag>) },
              { title: t("height"), dataIndex: "height", align: "right" },
              { title: t("archivedTo"), align: "right", render: (_, x) => (x.enabled ? x.archivedTo : "—") },
              { title: t("dueTo"), align: "right", render: (_, x) => (x.enabled ? x.dueTo : "—") },
              { title: t("contentsFrom"), dataIndex: "contentsFrom", align: "right" },
            ]}
          />
        </>
      )}
    </Shown>
  );
}

interface Alarm {
  what: string;
  ok: boolean;
  detail?: string;
  fix?: Words2;
}

function Alarms() {
  const { t, language, time } = useWords();
  return (
    <Shown<{ time: string; items: Alarm[] }> path={`${base}/alarms`} every={30_000}>
      {(a) => (
        <>
          {a.items.every((x) => x.ok) && <Alert type="success" showIcon title={t("allGood")} description={time(a.time)} />}
          <Table<Alarm & { n: number }>
            className="gap"
            size="small"
            rowKey="n"
            dataSource={a.items.map((x, n) => ({ ...x, n }))}
            pagination={false}
            scroll={{ x: "max-content" }}
            columns={[
              { title: t("state"), dataIndex: "ok", render: (ok: boolean) => <Tag color={ok ? "green" : "red"}>{ok ? t("good") : t("alarms")}</Tag> },
              { title: t("check"), dataIndex: "what" },
              { title: t("detail"), dataIndex: "detail", render: (d?: string) => <div className="cell wrap">{d}</div> },
              { title: t("fix"), render: (_, x) => <div className="cell wrap">{x.fix?.[language]}</div> },
            ]}
          />
        </>
      )}
    </Shown>
  );
}

function Log() {
  const { t } = useWords();
  const [contains, setContains] = useState("");
  return (
    <>
      <Input.Search aria-label={t("contains")} placeholder={t("contains")} allowClear style={{ maxWidth: 420, marginBottom: 12 }} onSearch={setContains} />
      <Shown<{ file: string; lines: string[] }> path={`${base}/log?lines=300&contains=${encodeURIComponent(contains.slice(0, 100))}`} every={everyMs}>
        {(l) => (l.lines.length === 0 ? <Simple text={t("noRecords")} /> : <pre className="json log" tabIndex={0} aria-label={t("logs")}>{l.lines.join("\n")}</pre>)}
      </Shown>
    </>
  );
}

interface Setting {
  file: string;
  key: string;
  value: string;
  changed: boolean;
}

function Settings() {
  const { t } = useWords();
  const [only, setOnly] = useState(false);
  return (
    <>
      <p>
        <Switch checked={only} onChange={setOnly} aria-label={t("onlyChanged")} /> {t("onlyChanged")}
      </p>
      <Shown<{ items: Setting[] }> path={`${base}/config`}>
        {(s) => (
          <Table<Setting>
            size="small"
            rowKey={(x) => `${x.file}/${x.key}`}
            dataSource={s.items.filter((x) => !only || x.changed)}
            pagination={false}
            scroll={{ x: "max-content" }}
            columns={[
              { title: t("file"), dataIndex: "file" },
              { title: t("setting"), dataIndex: "key", render: (k: string, x) => (x.changed ? <b>{k}</b> : k) },
              { title: t("value"), dataIndex: "value", render: (v: string) => <code className="cell wrap">{v}</code> },
            ]}
          />
        )}
      </Shown>
    </>
  );
}

interface Session {
  id: string;
  chain: string;
  member: string;
  roles: string[];
  by: string;
  began: string;
  used: string;
}

function Sessions() {
  const { t, time } = useWords();
  const [fault, setFault] = useState<Error>();
  const end = (id: string, reload: () => void) => request(`${base}/sessions/${encodeURIComponent(id)}`, { method: "DELETE" }).then(reload, setFault);
  return (
    <>
      {fault && <FaultAlert error={fault} retry={() => setFault(undefined)} />}
      <Shown<{ items: Session[] }> path={`${base}/sessions`} every={everyMs}>
        {(s, reload) => (
          <Table<Session>
            size="small"
            rowKey="id"
            dataSource={s.items}
            pagination={false}
            scroll={{ x: "max-content" }}
            columns={[
              { title: t("member"), dataIndex: "member" },
              { title: t("roles"), render: (_, x) => x.roles.join(" ") },
              { title: t("chain"), dataIndex: "chain" },
              { title: t("login"), dataIndex: "by" },
              { title: t("started"), dataIndex: "began", render: (at: string) => time(at) },
              { title: t("changed"), dataIndex: "used", render: (at: string) => time(at) },
              {
                title: t("action"),
                render: (_, x) => (
                  <Popconfirm title={t("sure")} okText={t("endSession")} onConfirm={() => end(x.id, reload)}>
                    <Button size="small">{t("endSession")}</Button>
                  </Popconfirm>
                ),
              },
            ]}
          />
        )}
      </Shown>
    </>
  );
}

interface AuditRecord {
  seq: number;
  time: string;
  actor: string;
  action: string;
  subject?: string;
  outcome: string;
  hash: string;
}

function Audit() {
  const { t, time } = useWords();
  return (
    <Shown<{ items: AuditRecord[]; head: string; total: number }> path={`${base}/audit`} every={everyMs}>
      {(a) => (
        <>
          <p className="wrap">
            {a.total} {t("records2")} · {t("chainChecked")} · <code>{a.head}</code>
          </p>
          <Table<AuditRecord>
            size="small"
            rowKey="seq"
            dataSource={a.items}
            pagination={false}
            scroll={{ x: "max-content" }}
            locale={{ emptyText: <Simple text={t("noRecords")} /> }}
            columns={[
              { title: "#", dataIndex: "seq", align: "right" },
              { title: t("time"), dataIndex: "time", render: (at: string) => time(at) },
              { title: t("actor"), dataIndex: "actor" },
              { title: t("action"), dataIndex: "action" },
              { title: t("subject"), dataIndex: "subject" },
              { title: t("status"), dataIndex: "outcome", render: (o: string) => <Tag color={o === "OK" ? "green" : o === "ordered" ? "blue" : "red"}>{o}</Tag> },
              { title: t("hash"), dataIndex: "hash", render: (h: string) => <Short text={h} /> },
            ]}
          />
        </>
      )}
    </Shown>
  );
}
