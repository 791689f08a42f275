/** Running the service: tenants, the onboarding flow, permissions, and the configuration in force. */
import { Button, Card, Checkbox, Descriptions, Empty, Form, Input, InputNumber, Popconfirm, Select, Space, Statistic, Table, Tag } from "antd";
import { useState } from "react";
import { useLoad } from "../api.ts";
import { useChain } from "../chain.tsx";
import { expandable, Pager, usePages } from "../parts/pages.tsx";
import { ShownLoaded } from "../parts/shown.tsx";
import { useAct } from "./act.tsx";
import { type Flow, type Kind, requirements, send, servicePath, type Standing, type Tenant } from "./service.ts";
import { usePortal } from "./words.ts";

export function Tenants({ standing }: { standing: Standing }) {
  const { p, t, time } = usePortal();
  const chain = useChain();
  const { act, fault } = useAct();
  const page = usePages<Tenant>(servicePath(chain, "tenants"));
  const change = (x: Tenant, state: Tenant["state"], users = x.users) => act(() => send("PUT", servicePath(chain, "tenants", x.id), { users, state }).then(page.reload));
  return (
    <>
      {fault}
      <ShownLoaded of={page}>
        {({ items }) => (
          <Table<Tenant>
            size="small"
            rowKey="id"
            dataSource={items}
            pagination={false}
            scroll={expandable}
            locale={{ emptyText: <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={p("noTenants")} /> }}
            expandable={{ expandedRowRender: (x) => <TenantDetail key={x.users.join()} of={x} save={standing.administrator ? (users) => change(x, x.state, users) : undefined} /> }}
            columns={[
              { title: p("name"), dataIndex: "name", render: (name: string) => <div className="cell">{name}</div> },
              { title: p("kind"), dataIndex: "kind", render: (k: Kind) => p(k) },
              { title: p("tenantId"), dataIndex: "id", render: (id: string) => <code>{id}</code> },
              { title: t("state"), dataIndex: "state", render: (s: Tenant["state"]) => <Tag color={s === "open" ? "green" : "default"}>{p(s)}</Tag> },
              { title: p("created"), dataIndex: "created", render: (at: string) => time(at) },
              {
                title: t("action"),
                render: (_, x) =>
                  standing.administrator && (
                    <Popconfirm title={p("sureRecorded")} okText={p(x.state === "open" ? "closeTenant" : "reopenTenant")} onConfirm={() => change(x, x.state === "open" ? "closed" : "open")}>
                      <Button size="small" danger={x.state === "open"}>
                        {p(x.state === "open" ? "closeTenant" : "reopenTenant")}
                      </Button>
                    </Popconfirm>
                  ),
              },
            ]}
          />
        )}
      </ShownLoaded>
      <Pager of={page} />
    </>
  );
}

function TenantDetail({ of: x, save }: { of: Tenant; save: ((users: string[]) => void) | undefined }) {
  const { p } = usePortal();
  const [users, setUsers] = useState(x.users);
  const line = (label: string, value: string | undefined) => (value ? [{ key: label, label, children: <span className="wrap">{value}</span> }] : []);
  return (
    <>
      <Descriptions
        size="small"
        column={1}
        items={[
          ...line(p("identity"), x.identity),
          ...line(p("contact"), x.contact),
          ...line(p("webhook"), x.webhook),
          ...line(p("rate"), String(x.defaults.requestsPerSecond)),
          ...line(p("maxFile"), x.defaults.maxFileBytes.toLocaleString()),
          ...line(p("keyDays"), String(x.defaults.keyDays)),
          ...(save ? [] : line(p("users"), x.users.join("、"))),
        ]}
      />
      {save && (
        <Space wrap>
          <Select mode="tags" aria-label={p("users")} open={false} suffixIcon={null} tokenSeparators={[",", " "]} value={users} onChange={setUsers} style={{ width: 360, maxWidth: "70vw" }} />
          <Button disabled={users.join() === x.users.join()} onClick={() => save(users)}>
            {p("saveUsers")}
          </Button>
        </Space>
      )}
    </>
  );
}

export function FlowPage() {
  const flow = useLoad<Flow>(servicePath(useChain(), "flow"));
  return <ShownLoaded of={flow}>{(f, reload) => <FlowForm key={f.version ?? 0} flow={f} reload={reload} />}</ShownLoaded>;
}

function FlowForm({ flow, reload }: { flow: Flow; reload: () => void }) {
  const { p, t } = usePortal();
  const chain = useChain();
  const { busy, act, fault } = useAct();
  const save = (v: Flow) => act(() => send("PUT", servicePath(chain, "flow"), { ...v, steps: v.steps.map((s) => ({ name: s.name, approver: s.approver.trim(), ...(s.title ? { title: s.title } : {}) })), required: v.required ?? [] }).then(reload));
  const number = (name: keyof Flow["defaults"], label: string, max: number) => (
    <Form.Item name={["defaults", name]} label={label} rules={[{ required: true, message: t("demand") }]}>
      <InputNumber min={1} max={max} style={{ width: "100%" }} />
    </Form.Item>
  );
  return (
    <>
      <p className="quiet">
        {`${p("version")} ${flow.version ?? 0} · ${p("flowHint")}`}
      </p>
      <Form<Flow> layout="vertical" initialValues={flow} onFinish={(v) => void save(v)}>
        <Form.List name="steps">
          {(list, { add, remove }) => (
            <>
              {list.map((item) => (
                <Space key={item.key} wrap align="start" className="entry">
                  <Form.Item name={[item.name, "name"]} rules={[{ required: true, pattern: /^[a-z][a-z0-9-]{0,31}$/, message: p("idHint") }]}>
                    <Input aria-label={p("step")} placeholder={p("step")} />
                  </Form.Item>
                  <Form.Item name={[item.name, "title"]}>
                    <Input aria-label={p("title")} placeholder={p("title")} maxLength={100} />
                  </Form.Item>
                  <Form.Item name={[item.name, "approver"]} extra={p("approverHint")} rules={[{ required: true, message: t("demand") }]}>
                    <Input aria-label={p("approver")} placeholder={p("approver")} maxLength={130} style={{ width: 280, maxWidth: "80vw" }} />
                  </Form.Item>
                  {list.length > 1 && <Button onClick={() => remove(item.name)}>{t("remove")}</Button>}
                </Space>
              ))}
              <div className="after">
                <Button onClick={() => add()} disabled={list.length >= 8}>
                  {p("addStep")}
                </Button>
              </div>
            </>
          )}
        </Form.List>
        <Form.Item name="required" label={p("mustHold")}>
          <Checkbox.Group options={requirements.map((value) => ({ value, label: p(value) }))} />
        </Form.Item>
        <div className="pair">
          {number("keyDays", p("keyDays"), 366)}
          {number("requestsPerSecond", p("rate"), 10_000)}
          {number("maxFileBytes", p("maxFile"), 32 << 20)}
        </div>
        <Button type="primary" htmlType="submit" loading={busy}>
          {p("saveFlow")}
        </Button>
      </Form>
      {fault}
    </>
  );
}

interface Permission {
  member: string;
  role: "administrator" | "auditor" | "none";
}

export function Permissions() {
  const { p, t } = usePortal();
  const chain = useChain();
  const { busy, act, fault } = useAct();
  const list = useLoad<{ items: Permission[] }>(servicePath(chain, "permissions"));
  const set = (v: Permission) => act(() => send("PUT", servicePath(chain, "permissions"), { member: v.member.trim(), role: v.role }).then(list.reload));
  return (
    <>
      <Form layout="inline" className="filters" initialValues={{ role: "auditor" }} onFinish={(v) => void set(v as Permission)}>
        <Form.Item name="member" rules={[{ required: true, pattern: /^[^/\s]+\/[^/\s]+$/, message: p("usersHint") }]}>
          <Input aria-label={p("member")} placeholder={p("usersHint")} maxLength={130} />
        </Form.Item>
        <Form.Item name="role">
          <Select aria-label={p("role")} style={{ minWidth: 130 }} options={(["administrator", "auditor", "none"] as const).map((value) => ({ value, label: p(value) }))} />
        </Form.Item>
        <Button type="primary" htmlType="submit" loading={busy}>
          {p("setPermission")}
        </Button>
      </Form>
      {fault}
      <ShownLoaded of={list}>
        {({ items }) => (
          <Table<Permission>
            size="small"
            rowKey="member"
            dataSource={items}
            pagination={false}
            locale={{ emptyText: <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={p("noPermissions")} /> }}
            columns={[
              { title: p("member"), dataIndex: "member" },
              { title: p("role"), dataIndex: "role", render: (r: Permission["role"]) => p(r) },
              {
                title: t("action"),
                render: (_, x) => (
                  <Popconfirm title={p("sureRecorded")} okText={t("remove")} onConfirm={() => set({ member: x.member, role: "none" })}>
                    <Button size="small" danger>
                      {t("remove")}
                    </Button>
                  </Popconfirm>
                ),
              },
            ]}
          />
        )}
      </ShownLoaded>
    </>
  );
}

interface Setting {
  name: string;
  value: string;
  default: string;
  changed: boolean;
}

interface LostMessage {
  id: string;
  tenant: string;
  url: string;
  kind: string;
  attempts: number;
  error: string;
  time: string;
}

export function ServiceSettings() {
  const { p, t, time } = usePortal();
  const chain = useChain();
  const settings = useLoad<{ items: Setting[]; queued: number; since: string }>(servicePath(chain, "settings"));
  return (
    <>
      <ShownLoaded of={settings}>
        {(s) => (
          <>
            <div className="cards after">
              <Card size="small">
                <Statistic title={p("queued")} value={s.queued} />
              </Card>
              <Card size="small">
                <Statistic title={p("since")} value={time(s.since)} styles={{ content: { fontSize: 14 } }} />
              </Card>
            </div>
            <Table<Setting>
              size="small"
              rowKey="name"
              dataSource={s.items}
              pagination={false}
              scroll={{ x: "max-content" }}
              columns={[
                { title: t("setting"), render: (_, x) => <><code>{x.name}</code> {x.changed && <Tag color="orange">{p("changed")}</Tag>}</> },
                { title: t("value"), dataIndex: "value", render: (v: string) => <div className="cell wrap">{v || "—"}</div> },
                { title: p("defaultValue"), dataIndex: "default", render: (v: string) => <div className="cell wrap quiet">{v || "—"}</div> },
              ]}
            />
          </>
        )}
      </ShownLoaded>
      <h2>{p("lostMessages")}</h2>
      <LostMessages />
    </>
  );
}

function LostMessages() {
  const { p, t, time } = usePortal();
  const chain = useChain();
  const { busy, act, fault } = useAct();
  const page = usePages<LostMessage>(servicePath(chain, "webhooks", "dead"));
  return (
    <>
      <ShownLoaded of={page}>
        {({ items }) => (
          <>
            {items.length > 0 && (
              <p>
                <Button loading={busy} onClick={() => void act(() => send("POST", servicePath(chain, "webhooks", "resend"), {}).then(page.reload))}>
                  {p("resendAll")}
                </Button>
              </p>
            )}
            <Table<LostMessage>
              size="small"
              rowKey="id"
              dataSource={items}
              pagination={false}
              scroll={{ x: "max-content" }}
              locale={{ emptyText: <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={p("noLost")} /> }}
              columns={[
                { title: t("time"), dataIndex: "time", render: (at: string) => time(at) },
                { title: p("tenant"), dataIndex: "tenant" },
                { title: p("kind"), dataIndex: "kind" },
                { title: p("webhook"), dataIndex: "url", render: (u: string) => <div className="cell">{u}</div> },
                { title: p("attempts"), dataIndex: "attempts", align: "right" },
                { title: t("detail"), dataIndex: "error", render: (e: string) => <div className="cell">{e}</div> },
              ]}
            />
          </>
        )}
      </ShownLoaded>
      {fault}
      <Pager of={page} />
    </>
  );
}
