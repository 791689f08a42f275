/** Logging in with a certificate: the browser signs a challenge, and the key stays here. */
import { fromHex, openKeyFile, pem, signCall, WrongPassphrase, withCertificate } from "@huchain/sdk";
import { Alert, Button, Card, Form, Select } from "antd";
import { useState } from "react";
import { type Caller, type Challenge, chainPath, post } from "../api.ts";
import type { Signer } from "../sign.ts";
import { useWords } from "../words.ts";
import { FaultAlert } from "./fault.tsx";
import { SignerFields } from "./signer.tsx";

export function Login({ caller, onDone }: { caller: Caller; onDone: () => void }) {
  const { t } = useWords();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error>();
  const refused = new URLSearchParams(location.search).get("refused");
  const [files, setFiles] = useState<Pick<Signer, "key" | "certificate">>({});

  const submit = async ({ chain, passphrase }: { chain: string; passphrase: string }) => {
    setBusy(true);
    setError(undefined);
    try {
      const key = await openKeyFile(files.key ?? "", passphrase);
      const challenge = await post<Challenge>(chainPath(chain, "logins"), "", "application/json");
      if (challenge.host !== location.host) throw new Error(t("otherHost"));
      const args = { challenge: challenge.challenge, host: location.host };
      const call = { genesis: fromHex(challenge.genesis), contract: "membership", method: "login", args, gasLimit: 1, validForMs: 60_000 };
      let tx = signCall(key, call, Date.now());
      if (files.certificate !== undefined) tx = withCertificate(tx, pem(files.certificate, "CERTIFICATE"));
      await post<Caller>(chainPath(chain, "sessions"), new Uint8Array(tx.raw), "application/octet-stream");
      onDone();
    } catch (e) {
      setError(e instanceof WrongPassphrase ? new Error(t("wrongKey")) : (e as Error));
    } finally {
      setBusy(false);
    }
  };

  return (
    <Card title={<h1>{t("login")}</h1>} style={{ maxWidth: 480, margin: "2em auto" }}>
      <Form layout="vertical" initialValues={{ chain: caller.chains[0] }} onFinish={(v) => void submit(v as { chain: string; passphrase: string })}>
        <Form.Item name="chain" label={t("chain")} rules={[{ required: true, message: t("demand") }]}>
          <Select options={caller.chains.map((value) => ({ value, label: value }))} />
        </Form.Item>
        <SignerFields onRead={(read) => setFiles((old) => ({ ...old, ...read }))} />
        <Button type="primary" htmlType="submit" loading={busy}>
          {t("login")}
        </Button>
      </Form>
      {caller.provider !== undefined && (
        <Button className="gap" block href="/api/v1/oidc/login">
          {t("loginProvider")}
        </Button>
      )}
      <div className="gap" aria-live="polite">
        {refused !== null && <Alert type="error" showIcon role="alert" title={`${refused} ${t("loginRefused")}`} description={t("loginRefusedFix")} />}
        {error && <FaultAlert error={error} />}
      </div>
    </Card>
  );
}
