/** To whom a deposit is granted. */
import { Button, Empty, Form, Input, Table, Tag } from "antd";
import type { Loaded } from "../api.ts";
import { useChain } from "../chain.tsx";
import { ShownLoaded } from "../parts/shown.tsx";
import { useAct } from "./act.tsx";
import { type Grant, send, servicePath } from "./service.ts";
import { usePortal } from "./words.ts";

export function Grants({ deposit, grants }: { deposit: string; grants: Loaded<{ items: Grant[] }> }) {
  const { p, t, time } = usePortal();
  const chain = useChain();
  const { busy, act, fault } = useAct();
  const path = (...rest: string[]) => servicePath(chain, "deposits", deposit, "grants", ...rest);
  const stands = (g: Grant) => g.revoked === undefined && (g.until === undefined || Date.parse(g.until) > Date.now());
  const grant = ({ to, until }: { to: string; until?: string }) =>
    act(() => send("POST", path(), { to: to.trim(), ...(until ? { until: new Date(`${until}T23:59:59`).toISOString() } : {}) }).then(grants.reload));
  return (
    <ShownLoaded of={grants}>
      {(list) => (
        <>
          <Table<Grant>
            size="small"
            rowKey="to"
            dataSource={list.items}
            pagination={false}
            scroll={{ x: "max-content" }}
            locale={{ emptyText: <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={p("noGrants")} /> }}
            columns={[
              { title: p("grantedAt"), dataIndex: "to" },
              { title: t("time"), dataIndex: "time", render: (at: string) => time(at) },
              { title: p("until"), dataIndex: "until", render: (at?: string) => (at ? time(at) : "—") },
              { title: t("state"), render: (_, g) => <Tag color={stands(g) ? "green" : "default"}>{stands(g) ? p("valid") : p("ended")}</Tag> },
              {
                title: t("action"),
                render: (_, g) =>
                  stands(g) && (
                    <Button size="small" danger loading={busy} onClick={() => void act(() => send("DELETE", path(g.to)).then(grants.reload))}>
                      {p("revoke")}
                    </Button>
                  ),
              },
            ]}
          />
          <Form className="gap filters" layout="inline" onFinish={(v) => void grant(v as { to: string; until?: string })}>
            <Form.Item name="to" rules={[{ required: true, message: t("demand") }]}>
              <Input aria-label={p("grantTo")} placeholder={p("grantTo")} maxLength={80} style={{ width: 320, maxWidth: "80vw" }} />
            </Form.Item>
            <Form.Item name="until" label={p("until")} colon={false}>
              <Input type="date" aria-label={p("until")} />
            </Form.Item>
            <Button htmlType="submit" loading={busy}>
              {p("grant")}
            </Button>
          </Form>
          {fault}
        </>
      )}
    </ShownLoaded>
  );
}
