/** Fields of templates: their values in a deposit, and how they are declared. */
import { Button, Form, Input, InputNumber, Select, Space, Switch } from "antd";
import { type Field, fieldTypes } from "./service.ts";
import { usePortal } from "./words.ts";

const defaultMax = 400;

/** FieldInputs enters values of fields, as form items below "fields". */
export function FieldInputs({ fields }: { fields: Field[] }) {
  const { p, t } = usePortal();
  return (
    <>
      {fields.map((f) => (
        <Form.Item
          key={f.name}
          name={["fields", f.name]}
          label={`${f.title || f.name}${f.encrypted ? ` · ${p("encrypted")}` : ""}`}
          rules={[{ required: f.required ?? false, message: t("demand") }, ...(f.type === "int" ? [{ pattern: /^-?\d+$/, message: p("int") }] : f.type === "decimal" ? [{ pattern: /^-?\d+(\.\d+)?$/, message: p("decimal") }] : [])]}
        >
          {f.type === "bool" ? (
            <Select allowClear options={["true", "false"].map((value) => ({ value, label: value === "true" ? t("yes") : t("no") }))} />
          ) : (
            <Input type={f.type === "date" ? "date" : f.type === "time" ? "datetime-local" : "text"} maxLength={f.type === "text" ? (f.max ?? defaultMax) : 40} />
          )}
        </Form.Item>
      ))}
    </>
  );
}

/** fieldValues are the values as the service takes them; empty ones are left out. */
export function fieldValues(fields: Field[], entered: Record<string, string | undefined> | undefined): Record<string, string> {
  const out: Record<string, string> = {};
  for (const f of fields) {
    const v = entered?.[f.name]?.trim();
    if (v) out[f.name] = f.type === "time" ? new Date(v).toISOString().replace(/\.\d+Z$/, "Z") : v;
  }
  return out;
}

/** FieldList declares fields, as a list of form items at a path. */
export function FieldList({ name, least }: { name: (string | number)[]; least: number }) {
  const { p, t } = usePortal();
  return (
    <Form.List name={name}>
      {(list, { add, remove }) => (
        <>
          {list.map((item) => (
            <Space key={item.key} wrap align="start" className="entry">
              <Form.Item name={[item.name, "name"]} rules={[{ required: true, pattern: /^[a-z][A-Za-z0-9]{0,31}$/, message: p("fieldNameHint") }]}>
                <Input aria-label={p("fieldName")} placeholder={p("fieldName")} style={{ width: 130 }} />
              </Form.Item>
              <Form.Item name={[item.name, "title"]}>
                <Input aria-label={p("title")} placeholder={p("title")} maxLength={100} style={{ width: 130 }} />
              </Form.Item>
              <Form.Item name={[item.name, "type"]} initialValue="text">
                <Select aria-label={p("type")} style={{ width: 120 }} options={fieldTypes.map((value) => ({ value, label: p(value) }))} />
              </Form.Item>
              <Form.Item name={[item.name, "required"]} valuePropName="checked">
                <Switch aria-label={p("required")} checkedChildren={p("required")} unCheckedChildren={p("required")} />
              </Form.Item>
              <Form.Item name={[item.name, "encrypted"]} valuePropName="checked">
                <Switch aria-label={p("encrypted")} checkedChildren={p("encrypted")} unCheckedChildren={p("encrypted")} />
              </Form.Item>
              <Form.Item name={[item.name, "max"]}>
                <InputNumber aria-label={p("maxLength")} placeholder={p("maxLength")} min={1} max={4000} style={{ width: 110 }} />
              </Form.Item>
              {list.length > least && <Button onClick={() => remove(item.name)}>{t("remove")}</Button>}
            </Space>
          ))}
          <div>
            <Button onClick={() => add()}>{p("addField")}</Button>
          </div>
        </>
      )}
    </Form.List>
  );
}

/** declared is a list of fields as the service takes them. */
export function declared(fields: Field[] | undefined): Field[] {
  return (fields ?? []).map((f) => ({
    name: f.name,
    type: f.type,
    ...(f.title?.trim() ? { title: f.title.trim() } : {}),
    ...(f.required ? { required: true } : {}),
    ...(f.encrypted ? { encrypted: true } : {}),
    ...(f.type === "text" && f.max ? { max: f.max } : {}),
  }));
}
