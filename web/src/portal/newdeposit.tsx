/** A new deposit: a file, a text, or the fields of a template; alone, or as a node of a chain of evidence. */
import { hex, Invalid, sm3, utf8 } from "@huchain/sdk";
import { Alert, Button, Form, Input, Progress, Radio, Select } from "antd";
import { useCallback, useRef, useState } from "react";
import { useNavigate, useSearchParams } from "react-router";
import { useLoad } from "../api.ts";
import { useChain } from "../chain.tsx";
import { ChosenFile, useChosenFile } from "../parts/chosen.tsx";
import { FaultAlert } from "../parts/fault.tsx";
import { FieldInputs, fieldValues } from "./fields.tsx";
import { type ChainTemplate, type EvidenceChain, type Receipt, send, servicePath, type Template, type Tenant, upload } from "./service.ts";
import { usePortal } from "./words.ts";

type What = "file" | "text" | "fields";

interface Entered {
  what: What;
  title: string;
  text?: string;
  tags?: string[];
  template?: string;
  fields?: Record<string, string>;
}

export function NewDeposit({ tenant }: { tenant: Tenant }) {
  const { p, t } = usePortal();
  const chain = useChain();
  const navigate = useNavigate();
  const [asked] = useSearchParams();
  const [to, node] = [asked.get("chain"), asked.get("node")];
  const [form] = Form.useForm<Entered>();
  const what = Form.useWatch("what", form) ?? "file";
  const [fault, setFault] = useState<Error>();
  const [sent, setSent] = useState<number>();
  const key = useRef(crypto.randomUUID()); // the same until something is entered anew: a repeated click deposits once
  const anew = useCallback((e: Error | undefined) => {
    key.current = crypto.randomUUID();
    setFault(e);
  }, []);
  const { chosen, choose } = useChosenFile(anew);
  const templates = useLoad<{ items: Template[] }>(servicePath(chain, "templates"));
  const named = Form.useWatch("template", form);
  const template = templates.data?.items.find((x) => x.id === named);
  const nodeFields = useNodeFields(chain, to, node);
  const fields = template?.fields ?? nodeFields;
  const tooLarge = chosen !== undefined && chosen.file.size > tenant.defaults.maxFileBytes;

  /** entered keeps what is deposited in step with what the template takes. */
  const entered = (change: Partial<Entered>) => {
    anew(undefined);
    if (!("template" in change)) return;
    const file = templates.data?.items.find((x) => x.id === change.template)?.file;
    form.setFieldValue("what", file === "none" ? "fields" : "file");
  };
  const take = (file: File) => {
    if (!form.getFieldValue("title")) form.setFieldValue("title", file.name.slice(0, 200));
    choose(file);
  };
  const deposit = async (v: Entered) => {
    setFault(undefined);
    setSent(0);
    const values = fieldValues(fields, v.fields);
    try {
      const about = { title: v.title.trim(), ...(v.template ? { template: v.template, version: template!.version } : {}), tags: v.tags ?? [] };
      const r = what === "file" ? await sendFile(about, values) : await send<Receipt>("POST", servicePath(chain, "deposits"), { ...about, fields: values, ...(what === "text" ? { text: v.text } : {}), ...(to ? { chain: to, node } : {}) }, { "Idempotency-Key": key.current });
      const expected = what === "file" ? chosen!.hashes!.sm3 : what === "text" ? hex(sm3(utf8(v.text!))) : r.hash;
      if (r.hash !== expected) throw new Invalid(p("otherHash"));
      void navigate(`/${encodeURIComponent(chain)}/portal/deposits/${r.id}`);
    } catch (e) {
      setFault(e as Error);
    } finally {
      setSent(undefined);
    }
  };
  const sendFile = (about: { title: string; template?: string; version?: number; tags: string[] }, values: Record<string, string>): Promise<Receipt> => {
    if (chosen?.hashes === undefined) throw new Error(p("chooseFirst"));
    const q = new URLSearchParams({ name: chosen.file.name, title: about.title });
    if (about.template) q.set("template", about.template);
    if (about.version) q.set("version", String(about.version));
    if (about.tags.length > 0) q.set("tags", about.tags.join(","));
    if (Object.keys(values).length > 0) q.set("fields", JSON.stringify(values));
    if (to) q.set("evidenceChain", to);
    if (node) q.set("node", node);
    return upload<Receipt>(`${servicePath(chain, "files")}?${q}`, chosen.file, key.current, setSent);
  };

  return (
    <>
      <h2>{to ? `${p("addEvidence")} · ${to} · ${node}` : p("newDeposit")}</h2>
      <Form<Entered> form={form} layout="vertical" className="narrow" initialValues={{ what: "file" }} onValuesChange={entered} onFinish={(v) => void deposit(v)}>
        {!to && (templates.data?.items.length ?? 0) > 0 && (
          <Form.Item name="template" label={p("template")}>
            <Select allowClear placeholder={p("noTemplate")} options={templates.data!.items.map((x) => ({ value: x.id, label: `${x.title} · ${x.id} · ${p("version")} ${x.version}` }))} />
          </Form.Item>
        )}
        <Form.Item name="what" label={p("kindOfDeposit")}>
          <Radio.Group>
            <Radio value="file" disabled={template?.file === "none"}>{p("file")}</Radio>
            <Radio value="text" disabled={template?.file === "none"}>{p("text")}</Radio>
            {template && template.file !== "required" && <Radio value="fields">{p("fieldsOnly")}</Radio>}
          </Radio.Group>
        </Form.Item>
        {what === "file" && (
          <Form.Item label={p("file")} required>
            <ChosenFile chosen={chosen} choose={take} testId="deposit-file" />
            {tooLarge && <Alert className="gap" type="error" showIcon role="alert" title={`${p("tooLarge")}: ${tenant.defaults.maxFileBytes.toLocaleString()} B`} />}
          </Form.Item>
        )}
        <Form.Item name="title" label={p("title")} extra={p("titleHint")} rules={[{ required: true, whitespace: true, message: t("demand") }]}>
          <Input maxLength={200} />
        </Form.Item>
        {what === "text" && (
          <Form.Item name="text" label={p("text")} rules={[{ required: true, message: t("demand") }]}>
            <Input.TextArea autoSize={{ minRows: 4, maxRows: 16 }} maxLength={1_000_000} />
          </Form.Item>
        )}
        <FieldInputs fields={fields} />
        <Form.Item name="tags" label={p("tags")} rules={[{ validator: (_, v?: string[]) => ((v ?? []).every((x) => x.length <= 32 && !x.includes(",")) ? Promise.resolve() : Promise.reject(new Error(p("tags")))) }]}>
          <Select mode="tags" maxCount={16} tokenSeparators={[",", "，"]} open={false} suffixIcon={null} />
        </Form.Item>
        <Button type="primary" htmlType="submit" loading={sent !== undefined} disabled={what === "file" && (chosen?.hashes === undefined || tooLarge)}>
          {p("deposit")}
        </Button>
      </Form>
      <div className="gap" aria-live="polite">
        {what === "file" && sent !== undefined && (sent < 1 ? <Progress percent={Math.floor(sent * 100)} aria-label={p("sending")} /> : <p>{p("waiting")}</p>)}
        {fault && <FaultAlert error={fault} />}
      </div>
    </>
  );
}

/** useNodeFields are the fields of a node in a chain of evidence, in the version of the template that it follows. */
function useNodeFields(chain: string, to: string | null, node: string | null) {
  const open = useLoad<EvidenceChain>(to ? servicePath(chain, "chains", to) : null);
  const rules = useLoad<ChainTemplate>(open.data ? `${servicePath(chain, "chain-templates", open.data.template)}?version=${open.data.version}` : null);
  return rules.data?.nodes.find((n) => n.name === node)?.fields ?? [];
}
