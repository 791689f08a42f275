/** The fields of a form by which a member signs what it submits. */
import { Form, Input } from "antd";
import type { Signer } from "../sign.ts";
import { useWords } from "../words.ts";
import { FileField } from "./file.tsx";

export function SignerFields({ onRead }: { onRead: (read: Pick<Signer, "key" | "certificate">) => void }) {
  const { t } = useWords();
  return (
    <>
      <FileField label={t("keyFile")} name="key" onRead={(key) => onRead({ key })} required />
      <Form.Item name="passphrase" label={t("passphrase")} rules={[{ required: true, message: t("demand") }]}>
        <Input.Password autoComplete="off" />
      </Form.Item>
      <FileField label={t("certFile")} name="certificate" onRead={(certificate) => onRead({ certificate })} />
    </>
  );
}
