/** Onboarding: applying for a tenant, taking its keys, and deciding about applications. */
import { hex, openKeyFile, sign, sm3, trustGenesis, utf8, WrongPassphrase } from "@huchain/sdk";
import { Alert, Button, Card, Descriptions, Empty, Form, Input, Select, Table, Tag, Timeline, Typography } from "antd";
import { useState } from "react";
import { chainPath, request, useLoad } from "../api.ts";
import { useChain } from "../chain.tsx";
import { FileField } from "../parts/file.tsx";
import { expandable, Pager, usePages } from "../parts/pages.tsx";
import { ShownLoaded } from "../parts/shown.tsx";
import { useAct } from "./act.tsx";
import { type App, type Application, type Flow, goJSON, kinds, type Kind, type Opening, openingStates, send, servicePath, type Standing } from "./service.ts";
import { Tokens } from "./apps.tsx";
import { usePortal } from "./words.ts";

const stateColors: Record<Opening["state"], string> = { pending: "blue", approved: "cyan", opened: "green", refused: "red" };

/** textOf is what the key of a DID signs: types/rest, Application.Text. */
function textOf(a: Application, genesis: string): Uint8Array {
  return utf8(`huchain:evidence:apply:${genesis}:${a.identity}:${hex(sm3(utf8(goJSON(a))))}`);
}

interface Entered {
  kind: Kind;
  name: string;
  identity: string;
  contact?: string;
  users?: string[];
  apps?: string[];
  url?: string;
  secret?: string;
  passphrase?: string;
}

/** applicationOf puts an application together in the order in which it is signed. */
function applicationOf(v: Entered): Application {
  return {
    kind: v.kind,
    name: v.name.trim(),
    identity: v.identity.trim(),
    ...(v.contact?.trim() ? { contact: v.contact.trim() } : {}),
    ...(v.users?.length ? { users: v.users } : {}),
    ...(v.apps?.length ? { apps: v.apps } : {}),
    ...(v.url?.trim() ? { webhook: { url: v.url.trim(), secret: v.secret ?? "" } } : {}),
  };
}

/** Apply applies as the member who logged in, or, without standing, by the signature of a DID. */
export function Apply({ standing, onChange }: { standing?: Standing; onChange: () => void }) {
  const { p, t } = usePortal();
  const chain = useChain();
  const { busy, act, fault } = useAct();
  const [form] = Form.useForm<Entered>();
  const [keyFile, setKeyFile] = useState("");
  const [made, setMade] = useState<Opening>();
  const flow = useLoad<Flow>(standing ? servicePath(chain, "flow") : null);
  const mine = usePages<Opening>(standing ? servicePath(chain, "openings") : null);
  const byDID = (Form.useWatch("identity", form) ?? "").startsWith("did:");
  const needs = (what: string) => flow.data?.required?.includes(what) ?? false;
  const rule = (required: boolean) => [{ required, message: t("demand") }];

  const apply = (v: Entered) =>
    act(async () => {
      let a = applicationOf(v);
      if (byDID) {
        const key = await openKeyFile(keyFile, v.passphrase ?? "").catch((e) => {
          throw e instanceof WrongPassphrase ? new Error(t("wrongKey")) : e;
        });
        a = { ...a, signature: hex(sign(key, textOf(a, await genesisOf(chain)))) };
      }
      setMade(await send<Opening>("POST", servicePath(chain, "openings"), a));
      mine.reload();
    });

  return (
    <>
      {made && (
        <Alert
          className="after"
          type="success"
          showIcon
          title={p("applied")}
          description={
            <>
              <div>
                {p("applicationId")}: <Typography.Text code copyable>{made.id}</Typography.Text>
              </div>
              <div>
                {p("claim")}: <Typography.Text code copyable data-testid="claim">{made.claim ?? ""}</Typography.Text>
              </div>
              {p("claimHint")}
            </>
          }
        />
      )}
      <div className="pair">
        <Card size="small" title={p("apply")}>
          <Form<Entered> form={form} layout="vertical" initialValues={{ kind: standing ? "department" : "person", identity: standing?.name ?? "" }} onFinish={(v) => void apply(v)}>
            <Form.Item name="kind" label={p("kind")} rules={rule(true)}>
              <Select options={kinds.map((value) => ({ value, label: p(value) }))} />
            </Form.Item>
            <Form.Item name="name" label={p("name")} rules={[{ required: true, whitespace: true, message: t("demand") }]}>
              <Input maxLength={100} />
            </Form.Item>
            <Form.Item name="identity" label={p("identity")} extra={p("identityHint")} rules={rule(true)}>
              <Input maxLength={130} />
            </Form.Item>
            {byDID && (
              <>
                <FileField label={p("didKey")} name="didkey" onRead={setKeyFile} required />
                <Form.Item name="passphrase" label={t("passphrase")} rules={rule(true)}>
                  <Input.Password autoComplete="off" />
                </Form.Item>
              </>
            )}
            <Form.Item name="contact" label={p("contact")} rules={rule(needs("contact"))}>
              <Input maxLength={200} />
            </Form.Item>
            <Form.Item name="users" label={p("users")} extra={p("usersHint")} rules={rule(needs("users"))}>
              <Select mode="tags" open={false} suffixIcon={null} tokenSeparators={[",", " "]} maxCount={100} />
            </Form.Item>
            <Form.Item name="apps" label={p("apps")} extra={p("appsHint")} rules={rule(needs("apps"))}>
              <Select mode="tags" open={false} suffixIcon={null} tokenSeparators={[","]} maxCount={20} />
            </Form.Item>
            <Form.Item name="url" label={p("webhook")} rules={rule(needs("webhook"))}>
              <Input maxLength={500} placeholder="https://" />
            </Form.Item>
            <Form.Item name="secret" label={p("webhookSecret")} dependencies={["url"]} rules={[({ getFieldValue }) => ({ min: 16, max: 128, required: Boolean(getFieldValue("url")), message: p("webhookSecret") })]}>
              <Input.Password autoComplete="off" />
            </Form.Item>
            <Button type="primary" htmlType="submit" loading={busy}>
              {p("apply")}
            </Button>
          </Form>
          {fault}
        </Card>
        <div>
          <ClaimKeys key={made?.id ?? ""} opening={made} onTaken={onChange} />
          {standing && (
            <Card size="small" title={p("openings")} style={{ marginTop: 12 }}>
              <ShownLoaded of={mine}>{({ items }) => <OpeningTable items={items} standing={standing} reload={mine.reload} />}</ShownLoaded>
              <Pager of={mine} />
            </Card>
          )}
        </div>
      </div>
    </>
  );
}

/** genesisOf computes the genesis hash from the genesis file, which is open to everybody. */
async function genesisOf(chain: string): Promise<string> {
  return hex(trustGenesis(new Uint8Array(await (await request(chainPath(chain, "genesis"))).arrayBuffer())).genesis);
}

/** ClaimKeys takes the keys of a tenant that was opened, once. */
function ClaimKeys({ opening, onTaken }: { opening: Opening | undefined; onTaken: () => void }) {
  const { p, t } = usePortal();
  const chain = useChain();
  const { busy, act, fault } = useAct();
  const [apps, setApps] = useState<App[]>();
  const take = ({ id, claim }: { id: string; claim: string }) => act(async () => setApps((await send<{ items: App[] }>("POST", servicePath(chain, "openings", id.trim(), "claims"), { claim: claim.trim() })).items));
  return (
    <Card size="small" title={p("claimKeys")}>
      <Form layout="vertical" initialValues={{ id: opening?.id, claim: opening?.claim }} onFinish={(v) => void take(v as { id: string; claim: string })}>
        <Form.Item name="id" label={p("applicationId")} rules={[{ required: true, message: t("demand") }]}>
          <Input maxLength={40} />
        </Form.Item>
        <Form.Item name="claim" label={p("claim")} rules={[{ required: true, message: t("demand") }]}>
          <Input maxLength={64} />
        </Form.Item>
        <Button htmlType="submit" loading={busy}>
          {p("takeKeys")}
        </Button>
      </Form>
      {fault}
      {apps && (
        <>
          {apps.length > 0 ? <Tokens apps={apps} /> : <Alert className="gap" type="info" showIcon title={p("noApps")} />}
          <Button className="gap" onClick={onTaken}>
            {p("portal")}
          </Button>
        </>
      )}
    </Card>
  );
}

/** Openings are all applications, for those who run the service or decide a step. */
export function Openings({ standing }: { standing: Standing }) {
  const { p, t } = usePortal();
  const chain = useChain();
  const [state, setState] = useState("");
  const page = usePages<Opening>(`${servicePath(chain, "openings")}?${state && `state=${state}`}`);
  return (
    <>
      <p>
        <Select aria-label={t("state")} value={state} onChange={setState} style={{ minWidth: 120 }} options={[{ value: "", label: p("all") }, ...openingStates.map((value) => ({ value, label: p(value) }))]} />
      </p>
      <ShownLoaded of={page}>{({ items }) => <OpeningTable items={items} standing={standing} reload={page.reload} />}</ShownLoaded>
      <Pager of={page} />
    </>
  );
}

function OpeningTable({ items, standing, reload }: { items: Opening[]; standing: Standing; reload: () => void }) {
  const { p, t, time } = usePortal();
  return (
    <Table<Opening>
      size="small"
      rowKey="id"
      dataSource={items}
      pagination={false}
      scroll={expandable}
      locale={{ emptyText: <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={p("noOpenings")} /> }}
      expandable={{ expandedRowRender: (o) => <OpeningDetail of={o} standing={standing} reload={reload} /> }}
      columns={[
        { title: p("name"), dataIndex: "name", render: (name: string) => <div className="cell">{name}</div> },
        { title: p("kind"), dataIndex: "kind", render: (k: Kind) => p(k) },
        { title: t("state"), dataIndex: "state", render: (s: Opening["state"]) => <Tag color={stateColors[s]}>{p(s)}</Tag> },
        { title: p("step"), render: (_, o) => o.next && (o.next.title || o.next.name) },
        { title: t("time"), dataIndex: "time", render: (at: string) => time(at) },
      ]}
    />
  );
}

function OpeningDetail({ of: o, standing, reload }: { of: Opening; standing: Standing; reload: () => void }) {
  const { p, time } = usePortal();
  const line = (label: string, value: string | undefined) => (value ? [{ key: label, label, children: <span className="wrap">{value}</span> }] : []);
  // Nobody decides about an application of their own; the service judges the rest.
  const decides = o.next !== undefined && (standing.administrator || standing.approver) && o.by !== standing.name && !o.users.includes(standing.name);
  return (
    <>
      <Descriptions
        size="small"
        column={1}
        items={[
          ...line(p("applicationId"), o.id),
          ...line(p("identity"), o.identity),
          ...line(p("appliedBy"), o.by),
          ...line(p("contact"), o.contact),
          ...line(p("users"), o.users.join("、")),
          ...line(p("apps"), o.apps.join("、")),
          ...line(p("webhook"), o.webhook),
          ...line(p("tenantId"), o.tenant),
          ...line(p("approver"), o.next?.approver),
        ]}
      />
      {o.error && <Alert type="error" showIcon title={o.error} />}
      {o.decisions.length > 0 && (
        <Timeline
          className="gap"
          items={o.decisions.map((d) => ({ color: d.approved ? "green" : "red", content: <span className="wrap">{`${time(d.time)} · ${d.step} · ${d.by} · ${d.approved ? p("approved") : p("refused")}${d.remark ? ` · ${d.remark}` : ""}`}</span> }))}
        />
      )}
      {decides && <Decide of={o} reload={reload} />}
    </>
  );
}

function Decide({ of: o, reload }: { of: Opening; reload: () => void }) {
  const { p } = usePortal();
  const chain = useChain();
  const { busy, act, fault } = useAct();
  const [remark, setRemark] = useState("");
  const decide = (approved: boolean) => act(() => send("POST", servicePath(chain, "openings", o.id, "decisions"), { step: o.next!.name, approved, ...(remark.trim() ? { remark: remark.trim() } : {}) }).then(reload));
  return (
    <>
      <div className="links">
        <Input aria-label={p("remark")} placeholder={p("remark")} maxLength={500} value={remark} onChange={(e) => setRemark(e.target.value)} style={{ width: 280, maxWidth: "70vw" }} />
        <Button type="primary" loading={busy} onClick={() => void decide(true)}>
          {p("approve")}
        </Button>
        <Button danger loading={busy} onClick={() => void decide(false)}>
          {p("refuse")}
        </Button>
      </div>
      {fault}
    </>
  );
}
