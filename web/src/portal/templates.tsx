/** Templates of deposits and of chains of evidence: their versions, and a form that saves the next one. */
import { Alert, Button, Card, Empty, Form, Input, Select, Space, Table, Tag } from "antd";
import { type ReactNode, useState } from "react";
import { useLoad } from "../api.ts";
import { useChain } from "../chain.tsx";
import { expandable } from "../parts/pages.tsx";
import { ShownLoaded } from "../parts/shown.tsx";
import { useAct } from "./act.tsx";
import { declared, FieldList } from "./fields.tsx";
import { type ChainNode, type ChainTemplate, type Field, send, servicePath, type Standing, type Template } from "./service.ts";
import { usePortal } from "./words.ts";

/** What both kinds of templates have. */
interface Versioned {
  id: string;
  version: number;
  title: string;
  tenant?: string;
  created?: string;
}

interface Kind<T extends Versioned> {
  path: "templates" | "chain-templates";
  /** What a version says, in full and in few words. */
  show: (x: T) => ReactNode;
  brief: (x: T) => ReactNode;
  /** The form items of what differs, and what they enter. */
  items: ReactNode;
  first: Partial<T>;
  body: (entered: T) => Omit<T, "id" | "version" | "title">;
  mayChange: (x: T) => boolean;
}

function TemplateList<T extends Versioned>({ of }: { of: Kind<T> }) {
  const { p, t, time } = usePortal();
  const chain = useChain();
  const list = useLoad<{ items: T[] }>(servicePath(chain, of.path));
  const [editing, setEditing] = useState<{ from?: T }>();
  const saved = () => {
    setEditing(undefined);
    list.reload();
  };
  return (
    <>
      <p className="quiet">{p("versionsStay")}</p>
      <p>
        <Button type="primary" onClick={() => setEditing({})}>
          {p("newTemplate")}
        </Button>
      </p>
      {editing && <Editor key={editing.from?.id ?? ""} of={of} from={editing.from} onDone={saved} onCancel={() => setEditing(undefined)} />}
      <ShownLoaded of={list}>
        {({ items }) => (
          <Table<T>
            size="small"
            rowKey="id"
            dataSource={items}
            pagination={false}
            scroll={expandable}
            locale={{ emptyText: <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={<>{p("noTemplates")}<br />{p("noTemplatesHint")}</>} /> }}
            expandable={{ expandedRowRender: (x) => <Versions of={of} newest={x} /> }}
            columns={[
              { title: p("id"), dataIndex: "id" },
              { title: p("title"), dataIndex: "title" },
              { title: p("version"), dataIndex: "version" },
              { title: p(of.path === "templates" ? "fields" : "nodes"), render: (_, x) => of.brief(x) },
              { title: p("created"), dataIndex: "created", render: (at?: string) => at && time(at) },
              { title: t("action"), render: (_, x) => of.mayChange(x) && <Button size="small" onClick={() => setEditing({ from: x })}>{p("newVersion")}</Button> },
            ]}
          />
        )}
      </ShownLoaded>
    </>
  );
}

/** Versions shows one version of a template, the newest first. */
function Versions<T extends Versioned>({ of, newest }: { of: Kind<T>; newest: T }) {
  const { p } = usePortal();
  const chain = useChain();
  const [version, setVersion] = useState(newest.version);
  const older = useLoad<T>(version === newest.version ? null : `${servicePath(chain, of.path, newest.id)}?version=${version}`);
  const choices = Array.from({ length: newest.version }, (_, i) => newest.version - i);
  return (
    <>
      {choices.length > 1 && <Select aria-label={p("version")} value={version} onChange={setVersion} options={choices.map((value) => ({ value, label: `${p("version")} ${value}` }))} style={{ minWidth: 110, marginBottom: 8 }} />}
      {version === newest.version ? of.show(newest) : <ShownLoaded of={older}>{(x) => of.show(x)}</ShownLoaded>}
    </>
  );
}

function Editor<T extends Versioned>({ of, from, onDone, onCancel }: { of: Kind<T>; from: T | undefined; onDone: () => void; onCancel: () => void }) {
  const { p, t } = usePortal();
  const chain = useChain();
  const { busy, act, fault } = useAct();
  const version = (from?.version ?? 0) + 1;
  const save = (v: T) => act(() => send("POST", servicePath(chain, of.path), { id: v.id.trim(), version, title: v.title.trim(), ...of.body(v) }).then(onDone));
  return (
    <Card size="small" className="after" title={from ? `${p("newVersion")} · ${from.id} · ${version}` : p("newTemplate")}>
      <Form layout="vertical" initialValues={from ?? of.first} onFinish={(v) => void save(v as T)}>
        <div className="pair">
          <Form.Item name="id" label={p("id")} extra={p("idHint")} rules={[{ required: true, pattern: /^[a-z0-9][a-z0-9._-]{0,39}$/, message: p("idHint") }]}>
            <Input disabled={from !== undefined} maxLength={40} />
          </Form.Item>
          <Form.Item name="title" label={p("title")} rules={[{ required: true, whitespace: true, message: t("demand") }]}>
            <Input maxLength={100} />
          </Form.Item>
        </div>
        {of.items}
        <Space className="gap">
          <Button type="primary" htmlType="submit" loading={busy}>
            {`${p("saveVersion")} ${version}`}
          </Button>
          <Button onClick={onCancel}>{p("cancel")}</Button>
        </Space>
      </Form>
      {fault}
    </Card>
  );
}

const fileWords = { required: "fileRequired", optional: "fileOptional", none: "fileNone" } as const;

export function Templates() {
  const { p } = usePortal();
  return (
    <TemplateList<Template>
      of={{
        path: "templates",
        first: { file: "optional", fields: [{ name: "", type: "text" }] },
        mayChange: () => true,
        brief: (x) => x.fields.map((f) => f.title || f.name).join("、"),
        show: (x) => (
          <>
            <p>
              {p("fileRule")}: {p(fileWords[x.file ?? "optional"])}
            </p>
            <FieldTable fields={x.fields} />
          </>
        ),
        body: (v) => ({ file: v.file ?? "optional", fields: declared(v.fields) }),
        items: (
          <>
            <Form.Item name="file" label={p("fileRule")}>
              <Select options={Object.entries(fileWords).map(([value, word]) => ({ value, label: p(word) }))} style={{ maxWidth: 200 }} />
            </Form.Item>
            <Form.Item label={p("fields")} required>
              <FieldList name={["fields"]} least={1} />
            </Form.Item>
          </>
        ),
      }}
    />
  );
}

function FieldTable({ fields }: { fields: Field[] }) {
  const { p } = usePortal();
  return (
    <Table<Field>
      size="small"
      rowKey="name"
      dataSource={fields}
      pagination={false}
      scroll={{ x: "max-content" }}
      columns={[
        { title: p("fieldName"), dataIndex: "name" },
        { title: p("title"), dataIndex: "title" },
        { title: p("type"), dataIndex: "type", render: (x: Field["type"]) => p(x) },
        { title: p("maxLength"), dataIndex: "max" },
        { title: "", render: (_, f) => [f.required && <Tag key="r">{p("required")}</Tag>, f.encrypted && <Tag key="e" color="blue">{p("encrypted")}</Tag>] },
      ]}
    />
  );
}

export function ChainTemplates({ standing }: { standing: Standing }) {
  const { p } = usePortal();
  const own = standing.tenant!.id;
  return (
    <TemplateList<ChainTemplate>
      of={{
        path: "chain-templates",
        first: { nodes: [{ name: "", party: own }] },
        mayChange: (x) => x.tenant === own,
        brief: (x) => x.nodes.map((n) => n.title || n.name).join(" → "),
        show: (x) => (
          <Table<ChainNode>
            size="small"
            rowKey="name"
            dataSource={x.nodes}
            pagination={false}
            scroll={expandable}
            expandable={{ rowExpandable: (n) => (n.fields?.length ?? 0) > 0, expandedRowRender: (n) => <FieldTable fields={n.fields ?? []} /> }}
            columns={[
              { title: p("node"), render: (_, n) => (n.title ? `${n.title} · ${n.name}` : n.name) },
              { title: p("party"), dataIndex: "party" },
              { title: p("after"), render: (_, n, i) => (n.after?.length ? n.after.join("、") : (x.nodes[i - 1]?.name ?? "—")) },
            ]}
          />
        ),
        body: (v) => ({
          nodes: v.nodes.map((n) => ({
            name: n.name.trim(),
            party: n.party.trim(),
            ...(n.title?.trim() ? { title: n.title.trim() } : {}),
            ...(n.after?.length ? { after: n.after } : {}),
            ...(n.fields?.length ? { fields: declared(n.fields) } : {}),
          })),
        }),
        items: <NodeList own={own} />,
      }}
    />
  );
}

function NodeList({ own }: { own: string }) {
  const { p, t } = usePortal();
  const form = Form.useFormInstance();
  const nodes = (Form.useWatch("nodes", form) as ChainNode[] | undefined) ?? [];
  const need = [{ required: true, whitespace: true, message: t("demand") }];
  return (
    <Form.List name="nodes">
      {(list, { add, remove }) => (
        <>
          {list.map((item, i) => (
            <Card key={item.key} size="small" className="after" title={`${p("node")} ${i + 1}`} extra={list.length > 1 && <Button size="small" onClick={() => remove(item.name)}>{t("remove")}</Button>}>
              <div className="pair">
                <Form.Item name={[item.name, "name"]} label={p("name")} rules={need}>
                  <Input maxLength={64} />
                </Form.Item>
                <Form.Item name={[item.name, "title"]} label={p("title")}>
                  <Input maxLength={100} />
                </Form.Item>
                <Form.Item name={[item.name, "party"]} label={p("party")} rules={need}>
                  <Input maxLength={40} />
                </Form.Item>
                <Form.Item name={[item.name, "after"]} label={p("after")} extra={p("afterHint")}>
                  <Select mode="multiple" maxCount={16} disabled={i === 0} options={nodes.slice(0, i).filter((n) => n?.name).map((n) => ({ value: n.name }))} />
                </Form.Item>
              </div>
              <FieldList name={[item.name, "fields"]} least={0} />
            </Card>
          ))}
          <div>
            <Button onClick={() => add({ name: "", party: own })}>{p("addNode")}</Button>
          </div>
        </>
      )}
    </Form.List>
  );
}
