/** Application keys of a tenant: made, shown once, revoked. */
import { Alert, Button, Empty, Form, Input, InputNumber, Popconfirm, Table, Tag, Typography } from "antd";
import { useState } from "react";
import { useLoad } from "../api.ts";
import { useChain } from "../chain.tsx";
import { ShownLoaded } from "../parts/shown.tsx";
import { useAct } from "./act.tsx";
import { type App, send, servicePath, type Standing } from "./service.ts";
import { usePortal } from "./words.ts";

export function Apps({ standing }: { standing: Standing }) {
  const { p, t, time } = usePortal();
  const chain = useChain();
  const { busy, act, fault } = useAct();
  const [made, setMade] = useState<App>();
  const list = useLoad<{ items: App[] }>(servicePath(chain, "apps"));
  const makes = standing.tenant?.state === "open" && standing.app === undefined;
  const revokes = makes || standing.administrator;
  const make = (v: { name: string; requestsPerSecond?: number }) =>
    act(async () => {
      setMade(undefined);
      setMade(await send<App>("POST", servicePath(chain, "apps"), { name: v.name.trim(), ...(v.requestsPerSecond ? { requestsPerSecond: v.requestsPerSecond } : {}) }));
      list.reload();
    });
  return (
    <>
      {makes ? (
        <Form layout="inline" className="filters" onFinish={(v) => void make(v as { name: string; requestsPerSecond?: number })}>
          <Form.Item name="name" rules={[{ required: true, whitespace: true, message: t("demand") }]}>
            <Input aria-label={p("name")} placeholder={p("name")} maxLength={32} />
          </Form.Item>
          <Form.Item name="requestsPerSecond">
            <InputNumber aria-label={p("rate")} placeholder={p("rate")} min={1} max={standing.tenant!.defaults.requestsPerSecond} style={{ width: 170 }} />
          </Form.Item>
          <Button type="primary" htmlType="submit" loading={busy}>
            {p("newApp")}
          </Button>
        </Form>
      ) : (
        standing.app !== undefined && <p className="quiet">{p("membersOnly")}</p>
      )}
      {made && <Tokens apps={[made]} />}
      {fault}
      <ShownLoaded of={list}>
        {({ items }) => (
          <Table<App>
            className="gap"
            size="small"
            rowKey="id"
            dataSource={items}
            pagination={items.length > 20 ? { pageSize: 20 } : false}
            scroll={{ x: "max-content" }}
            locale={{ emptyText: <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={p("noApps")} /> }}
            columns={[
              { title: p("name"), dataIndex: "name" },
              { title: p("id"), dataIndex: "id", render: (id: string) => <code>{id}</code> },
              { title: p("rate"), dataIndex: "requestsPerSecond", align: "right" },
              { title: p("created"), dataIndex: "created", render: (at: string) => time(at) },
              { title: p("expires"), dataIndex: "expires", render: (at: string) => time(at) },
              { title: t("state"), render: (_, a) => (a.revoked ? <Tag>{p("revoked")}</Tag> : <Tag color="green">{p("inForce")}</Tag>) },
              ...(standing.tenant === undefined ? [{ title: p("tenant"), dataIndex: "tenant" }] : []),
              {
                title: t("action"),
                render: (_, a) =>
                  revokes &&
                  !a.revoked && (
                    <Popconfirm title={p("sureRecorded")} okText={p("revokeKey")} onConfirm={() => act(() => send("DELETE", servicePath(chain, "apps", a.id)).then(list.reload))}>
                      <Button size="small" danger>
                        {p("revokeKey")}
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

/** Tokens shows keys, which the service shows this once. */
export function Tokens({ apps }: { apps: App[] }) {
  const { p } = usePortal();
  return (
    <Alert
      className="gap"
      type="warning"
      showIcon
      title={p("shownOnce")}
      description={apps.map((a) => (
        <div key={a.id} className="wrap">
          {a.name}: <Typography.Text code copyable data-testid="token">{a.token ?? ""}</Typography.Text>
        </div>
      ))}
    />
  );
}
