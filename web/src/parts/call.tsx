/** A form for one method of a contract, made of its schema alone. What writes is signed in the browser. */
import { WrongPassphrase } from "@huchain/sdk";
import { Alert, Button, Form, Input, Select, Switch } from "antd";
import { useState } from "react";
import { Link } from "react-router";
import { chainPath, type Interface, post, type Schema } from "../api.ts";
import { to, useChain } from "../chain.tsx";
import { commit, type Signer } from "../sign.ts";
import { useWords } from "../words.ts";
import { FaultAlert } from "./fault.tsx";
import { Json } from "./json.tsx";
import { SignerFields } from "./signer.tsx";

interface Answer {
  state: string;
  result: unknown;
  id?: string;
}

interface Field {
  name: string;
  schema: Schema;
  required: boolean;
  label: string;
}

/** resolve follows a reference inside a contract's schema. */
function resolve(of: Interface, s: Schema | undefined): Schema {
  const name = s?.$ref?.replace("#/$defs/", "");
  return (name === undefined ? s : of.schema.$defs?.[name]) ?? {};
}

/** fieldsOf lists a method's arguments in the contract's order, named by the words of its records. */
function fieldsOf(of: Interface, method: string, language: "zh" | "en"): Field[] {
  const args = resolve(of, of.schema.methods?.[method]?.args);
  const titles = Object.assign({}, ...Object.values(of.bundle.records ?? {}).map((r) => r.fields ?? {})) as Record<string, { title?: { zh: string; en: string } }>;
  const names = args["x-order"] ?? Object.keys(args.properties ?? {});
  return names.map((name) => ({
    name,
    schema: resolve(of, args.properties?.[name]),
    required: args.required?.includes(name) ?? false,
    label: titles[name]?.title?.[language] ?? name,
  }));
}

/** plain reports whether a value is entered as text rather than as JSON. */
const plain = (s: Schema) => s.type === "string" && s.enum === undefined;

/** argsOf turns what was entered into arguments; empty fields are left out. */
function argsOf(fields: Field[], values: Record<string, unknown>): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const f of fields) {
    const v = values[f.name];
    if (v === undefined || v === "") continue;
    out[f.name] = typeof v === "string" && !plain(f.schema) && f.schema.enum === undefined ? JSON.parse(v) : v;
  }
  return out;
}

export function Call({ of, method }: { of: Interface; method: string }) {
  const { t, language } = useWords();
  const chain = useChain();
  const [busy, setBusy] = useState(false);
  const [answer, setAnswer] = useState<Answer>();
  const [error, setError] = useState<Error>();
  const [files, setFiles] = useState<Pick<Signer, "key" | "certificate">>({});
  const fields = fieldsOf(of, method, language);
  const spec = of.schema.methods?.[method];
  const open = !spec?.writes && of.bundle.methods?.[method]?.allow === "public";

  const submit = async (values: Record<string, unknown>) => {
    setBusy(true);
    setAnswer(undefined);
    setError(undefined);
    try {
      const args = argsOf(fields, values);
      const path = chainPath(chain, "contracts", of.name, method);
      if (open) setAnswer(await post<Answer>(path, JSON.stringify(args), "application/json"));
      else setAnswer(await commit<Answer>(chain, path, { contract: of.name, method, args }, { ...files, passphrase: String(values["passphrase"] ?? "") }));
    } catch (e) {
      setError(e instanceof WrongPassphrase ? new Error(t("wrongKey")) : e instanceof SyntaxError ? new Error(t("invalidJson")) : (e as Error));
    } finally {
      setBusy(false);
    }
  };

  return (
    <>
      {spec?.doc && <p className="quiet">{spec.doc}</p>}
      <Form layout="vertical" key={method} onFinish={(v) => void submit(v as Record<string, unknown>)}>
        {fields.map((f) => (
          <Form.Item key={f.name} name={f.name} label={`${f.label} · ${f.name}`} rules={[{ required: f.required, message: t("demand") }]} valuePropName={f.schema.type === "boolean" ? "checked" : "value"}>
            <Control schema={f.schema} />
          </Form.Item>
        ))}
        {!open && <SignerFields onRead={(read) => setFiles((old) => ({ ...old, ...read }))} />}
        <Button type="primary" htmlType="submit" loading={busy}>
          {open ? t("callRead") : t("callWrite")}
        </Button>
      </Form>
      <div className="gap" aria-live="polite">
        {error && <FaultAlert error={error} />}
        {answer?.id && <Alert type="success" showIcon title={<Link to={to(chain, "tx", answer.id)}>{`${t("committed")}: ${answer.id}`}</Link>} />}
        {answer && <Json value={answer.result} />}
      </div>
    </>
  );
}

function Control({ schema, ...input }: { schema: Schema }) {
  if (schema.type === "boolean") return <Switch {...input} />;
  if (schema.enum !== undefined) return <Select {...input} allowClear options={schema.enum.map((value) => ({ value: value as string, label: String(value) }))} />;
  if (plain(schema)) return <Input {...input} placeholder={schema.pattern} />;
  return <Input.TextArea {...input} autoSize={{ minRows: 2 }} placeholder="JSON" />;
}
