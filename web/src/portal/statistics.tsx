/** Figures about committed deposits: a tenant's own, or of all for those who run the service. */
import { Button, Card, Form, Input, Select, Statistic } from "antd";
import { useState } from "react";
import { useLoad } from "../api.ts";
import { useChain } from "../chain.tsx";
import { Figure } from "../parts/figure.tsx";
import { ShownLoaded } from "../parts/shown.tsx";
import { type App, type Count, originals, servicePath, type Standing, type Statistics } from "./service.ts";
import { usePortal } from "./words.ts";

export default function StatisticsPage({ standing }: { standing: Standing }) {
  const { p, t } = usePortal();
  const chain = useChain();
  const [asked, setAsked] = useState("");
  const figures = useLoad<Statistics>(`${servicePath(chain, "statistics")}?${asked}`);
  const apps = useLoad<{ items: App[] }>(standing.tenant?.state === "closed" ? null : servicePath(chain, "apps"));
  const nameOf = (id: string) => (id === "" ? p("portalItself") : (apps.data?.items.find((a) => a.id === id)?.name ?? id));
  const ask = (v: Record<string, string | undefined>) => {
    const q = new URLSearchParams();
    for (const [name, value] of Object.entries(v)) if (value) q.set(name, name === "from" ? new Date(`${value}T00:00:00`).toISOString() : name === "until" ? new Date(new Date(`${value}T00:00:00`).getTime() + 86_400_000).toISOString() : value.trim());
    setAsked(q.toString());
  };
  const number = (title: string, value: number | undefined, suffix?: string) =>
    value !== undefined && (
      <Card size="small">
        <Statistic title={title} value={value} {...(suffix ? { suffix } : {})} />
      </Card>
    );
  const chart = (name: string, title: string, by: string, list: Count[] | undefined, say: (name: string) => string) =>
    list !== undefined && (
      <Card size="small" key={name}>
        <Figure title={title} of={{ name, title: { zh: title, en: title }, by, total: String(list.reduce((sum, x) => sum + x.count, 0)), groups: list.map((x) => ({ group: say(x.name), value: String(x.count) })), height: 0 }} />
      </Card>
    );
  const same = (name: string) => name;
  return (
    <>
      <Form layout="inline" className="filters" onFinish={(v) => ask(v as Record<string, string | undefined>)}>
        <Form.Item name="type">
          <Select allowClear placeholder={p("type")} aria-label={p("type")} style={{ minWidth: 110 }} options={originals.map((value) => ({ value, label: p(value) }))} />
        </Form.Item>
        <Form.Item name="app">
          <Select allowClear placeholder={p("app")} aria-label={p("app")} style={{ minWidth: 130 }} options={(apps.data?.items ?? []).map((a) => ({ value: a.id, label: a.name }))} />
        </Form.Item>
        {standing.auditor && (
          <Form.Item name="tenant">
            <Input allowClear placeholder={p("tenantId")} aria-label={p("tenantId")} maxLength={40} />
          </Form.Item>
        )}
        <Form.Item name="from" label={p("from")} colon={false}>
          <Input type="date" aria-label={p("from")} />
        </Form.Item>
        <Form.Item name="until" label={p("until")} colon={false}>
          <Input type="date" aria-label={p("until")} />
        </Form.Item>
        <Button type="primary" htmlType="submit">
          {t("filterRecords")}
        </Button>
      </Form>
      <ShownLoaded of={figures}>
        {(s) => (
          <>
            <div className="cards after">
              {number(p("total"), s.total)}
              {number(p("blocks"), s.blocks)}
              {number(p("chainHeight"), s.height)}
              {number(p("sizeBytes"), s.sizeBytes, p("bytes"))}
              {number(p("notarial"), s.notarial)}
              {number(p("onChain"), s.onChain)}
            </div>
            <div className="board">
              {chart("byType", p("byType"), "type", s.byType, (x) => ((originals as readonly string[]).includes(x) ? p(x as (typeof originals)[number]) : x))}
              {chart("byDay", p("byDay"), "day", [...s.byDay].reverse(), same)}
              {chart("byApp", p("byApp"), "app", s.byApp, nameOf)}
              {chart("byTenant", p("byTenant"), "tenant", s.byTenant, same)}
            </div>
          </>
        )}
      </ShownLoaded>
    </>
  );
}
