/** Records of one type: filtered, searched, sorted, page by page. All of it comes from bundle.yaml. */
import { Button, Empty, Form, Input, Select, Skeleton, Table } from "antd";
import { Link, useNavigate, useParams, useSearchParams } from "react-router";
import { chainPath, type Interface, type MirroredRecord, useLoad } from "../api.ts";
import { type Column, columnOf, interfacePath, shownColumns, storedRecords, viewOf } from "../bundle.ts";
import { to, useChain } from "../chain.tsx";
import { FaultAlert } from "../parts/fault.tsx";
import { MirrorNotice } from "../parts/mirror.tsx";
import { Pager, usePages } from "../parts/pages.tsx";
import { Value } from "../parts/value.tsx";
import { useWords } from "../words.ts";

export function RecordsPage() {
  const chain = useChain();
  const { contract = "" } = useParams();
  const face = useLoad<Interface>(interfacePath(chain, contract));
  if (face.error) return <FaultAlert error={face.error} retry={face.reload} />;
  if (!face.data) return <Skeleton active />;
  return <List of={face.data} />;
}

function List({ of }: { of: Interface }) {
  const { t, language } = useWords();
  const chain = useChain();
  const navigate = useNavigate();
  const { record = "" } = useParams();
  const [asked, setAsked] = useSearchParams();
  const page = usePages<MirroredRecord>(`${chainPath(chain, "mirror", "records", of.name, record)}?${asked}`);
  const columns = shownColumns(of, record).map((name) => columnOf(of, record, name, language, t));
  const ask = (next: URLSearchParams) => setAsked(next);
  const sorted = asked.get("sort") ?? "";
  const sort = (name: string) => {
    const next = new URLSearchParams(asked);
    if (sorted === name) next.set("sort", `-${name}`);
    else if (sorted === `-${name}`) next.delete("sort");
    else next.set("sort", name);
    ask(next);
  };
  const title = of.bundle.records?.[record]?.title?.[language] ?? record;
  const records = storedRecords(of);
  return (
    <>
      <h1>
        {title} · <Link to={to(chain, "contract", of.name)}>{of.bundle.title?.[language] ?? of.name}</Link>
      </h1>
      <MirrorNotice />
      <p className="links">
        {records.map((name) => (
          <Link key={name} to={to(chain, "records", of.name, name)} aria-current={name === record ? "page" : undefined}>
            {of.bundle.records?.[name]?.title?.[language] ?? name}
          </Link>
        ))}
        <Link to={to(chain, "board", of.name)}>{t("board")}</Link>
      </p>
      <Filters of={of} record={record} asked={asked} ask={ask} />
      {page.error && <FaultAlert error={page.error} retry={page.reload} />}
      {(page.data !== undefined || page.error === undefined) && (
        <Table<MirroredRecord>
          size="small"
          rowKey="key"
          loading={page.data === undefined && page.error === undefined}
          dataSource={page.data?.items ?? []}
          pagination={false}
          scroll={{ x: "max-content" }}
          onRow={(r) => ({ onDoubleClick: () => void navigate(to(chain, "record", of.name, record, r.key)) })}
          locale={{ emptyText: page.data === undefined ? " " : <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={<>{t("noMatch")}<br />{t("noMatchHint")}</>} /> }}
          columns={[
            { title: t("key"), dataIndex: "key", render: (key: string) => <Link to={to(chain, "record", of.name, record, key)}>{key.length > 24 ? `${key.slice(0, 12)}…${key.slice(-6)}` : key || "·"}</Link> },
            ...columns
              .filter((c) => c.name !== of.bundle.records?.[record]?.key)
              .map((c) => ({
                title: sortable(c) ? (
                  <a role="button" tabIndex={0} onClick={() => sort(c.name)} onKeyDown={(e) => e.key === "Enter" && sort(c.name)}>
                    {c.title} {sorted === c.name ? "↑" : sorted === `-${c.name}` ? "↓" : ""}
                  </a>
                ) : (
                  c.title
                ),
                render: (_: unknown, r: MirroredRecord) => <Value of={of} column={c} value={r.fields[c.name]} />,
              })),
            { title: t("height"), dataIndex: "updatedHeight", render: (h: number) => <Link to={to(chain, "block", h)}>{h}</Link> },
          ]}
        />
      )}
      <Pager of={page} />
    </>
  );
}

/** sortable are columns with one plain value. */
const sortable = (c: Column) => !c.type.includes("(") && c.type !== "file";

function Filters({ of, record, asked, ask }: { of: Interface; record: string; asked: URLSearchParams; ask: (next: URLSearchParams) => void }) {
  const { t, language } = useWords();
  const view = viewOf(of, record, false);
  const columns = (view?.filter ?? []).map((name) => columnOf(of, record, name, language, t));
  const before = Object.fromEntries(
    asked.getAll("filter").map((f) => {
      const [name = "", op = "", ...value] = f.split(":");
      return [op === "lt" ? `${name}|to` : op === "ge" ? `${name}|from` : name, value.join(":").slice(0, op === "lt" || op === "ge" ? 10 : undefined)];
    }),
  );
  const submit = (values: Record<string, string | undefined>) => {
    const next = new URLSearchParams();
    const sort = asked.get("sort");
    if (sort) next.set("sort", sort);
    if (values["q"]?.trim()) next.set("q", values["q"].trim());
    for (const c of columns) {
      const [from, to, value] = [values[`${c.name}|from`], values[`${c.name}|to`], values[c.name]?.trim()];
      const at = (day: string) => (c.type === "date" ? day : new Date(`${day}T00:00:00`).toISOString().replace(/\.\d+Z$/, "Z"));
      if (from) next.append("filter", `${c.name}:ge:${at(from)}`);
      if (to) next.append("filter", `${c.name}:lt:${at(to)}`);
      if (value) next.append("filter", `${c.name}:eq:${value}`);
    }
    ask(next);
  };
  return (
    <Form key={asked.toString()} layout="inline" className="filters" initialValues={{ ...before, q: asked.get("q") ?? "" }} onFinish={submit}>
      <Form.Item name="q">
        <Input allowClear placeholder={t("searchRecords")} aria-label={t("searchRecords")} />
      </Form.Item>
      {columns.map((c) => (
        <FilterField key={c.name} column={c} />
      ))}
      <Button type="primary" htmlType="submit">
        {t("filterRecords")}
      </Button>
      {(asked.has("filter") || asked.has("q")) && <Button onClick={() => ask(new URLSearchParams())}>{t("clearFilter")}</Button>}
    </Form>
  );
}

function FilterField({ column }: { column: Column }) {
  const { t } = useWords();
  if (column.type === "time" || column.type === "date")
    return (
      <>
        <Form.Item name={`${column.name}|from`} label={column.title}>
          <Input type="date" aria-label={`${column.title} ≥`} />
        </Form.Item>
        <Form.Item name={`${column.name}|to`} label="–" colon={false}>
          <Input type="date" aria-label={`${column.title} <`} />
        </Form.Item>
      </>
    );
  const options = column.type === "bool" ? ["true", "false"].map((value) => ({ value, label: value === "true" ? t("yes") : t("no") })) : column.values?.map((value) => ({ value, label: value }));
  return (
    <Form.Item name={column.name} label={column.title}>
      {options ? <Select allowClear options={options} style={{ minWidth: 120 }} aria-label={column.title} /> : <Input allowClear aria-label={column.title} />}
    </Form.Item>
  );
}
