/** Messages to a tenant, newest first. */
import { Button, Empty, Table, Tag } from "antd";
import { Link } from "react-router";
import type { Page } from "../api.ts";
import { useChain } from "../chain.tsx";
import { Pager, usePages } from "../parts/pages.tsx";
import { ShownLoaded } from "../parts/shown.tsx";
import { useAct } from "./act.tsx";
import { send, servicePath } from "./service.ts";
import { usePortal } from "./words.ts";

interface Notice {
  id: string;
  kind: string;
  subject: string;
  text: string;
  time: string;
  read: boolean;
}

export function Notices() {
  const { p, t, time, notice } = usePortal();
  const chain = useChain();
  const { busy, act, fault } = useAct();
  const page = usePages<Notice>(servicePath(chain, "notices"));
  const about = (n: Notice) => (n.kind.startsWith("deposit.") ? <Link to={`/${encodeURIComponent(chain)}/portal/deposits/${n.subject}`}>{n.subject}</Link> : <code>{n.subject}</code>);
  return (
    <>
      <ShownLoaded of={page}>
        {({ items, unread }: Page<Notice> & { unread?: number }) => (
          <>
            {(unread ?? 0) > 0 && items[0] && (
              <p>
                {`${p("unread")}: ${unread} `}
                <Button size="small" loading={busy} onClick={() => void act(() => send("POST", servicePath(chain, "notices", "read"), { upTo: items[0]!.id }).then(page.reload))}>
                  {p("markRead")}
                </Button>
              </p>
            )}
            <Table<Notice>
              size="small"
              rowKey="id"
              dataSource={items}
              pagination={false}
              scroll={{ x: "max-content" }}
              locale={{ emptyText: <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={p("noNotices")} /> }}
              columns={[
                { title: t("time"), dataIndex: "time", render: (at: string) => time(at) },
                { title: p("kind"), render: (_, n) => <>{!n.read && <Tag color="blue">{p("unread")}</Tag>}{notice(n.kind)}</> },
                { title: p("message"), dataIndex: "text", render: (text: string) => <div className="cell">{text}</div> },
                { title: p("subject"), render: (_, n) => about(n) },
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
