/** Public verification: a file is hashed here and held against the chain; it is sent nowhere. */
import { FileSearchOutlined } from "@ant-design/icons";
import type { Dossier, Trusted } from "@huchain/sdk";
import { Alert, Button, Card, Descriptions, Input, Skeleton, Upload } from "antd";
import { useCallback, useEffect, useState } from "react";
import type { Caller } from "../api.ts";
import { useLoad } from "../api.ts";
import { ChosenFile, useChosenFile } from "../parts/chosen.tsx";
import { FaultAlert } from "../parts/fault.tsx";
import { Steps } from "../parts/verify.tsx";
import { anchor, type Step } from "../trust.ts";
import { byDossier, byNode, type Deposit } from "../verify/evidence.ts";
import { readProofFile } from "../verify/file.ts";
import { useWords } from "../words.ts";

interface Outcome {
  steps: Step[];
  deposit: Deposit | null;
  byFile: boolean;
  error?: Error;
}

export default function VerifyPage({ chain: named }: { chain: string | undefined }) {
  const { t } = useWords();
  const caller = useLoad<Caller>("/api/v1/session");
  const chain = named ?? caller.data?.chains[0];
  if (caller.error && !caller.data) return <FaultAlert error={caller.error} retry={caller.reload} />;
  return (
    <>
      <h1>{t("verifyPage")}</h1>
      <p>{t("verifyHint")}</p>
      {chain === undefined ? <Skeleton active /> : <Check chain={chain} />}
    </>
  );
}

function Check({ chain }: { chain: string }) {
  const { t } = useWords();
  const [start, setStart] = useState<{ at: Trusted; steps: Step[] }>();
  const [fault, setFault] = useState<Error>();
  const { chosen: file, choose, clear } = useChosenFile(setFault);
  const [typed, setTyped] = useState("");
  const [proof, setProof] = useState<{ name: string; dossier: Dossier }>();
  const [outcome, setOutcome] = useState<Outcome>();
  const [busy, setBusy] = useState(false);

  // What is needed later is fetched now, so that a proof file is checked with the node gone.
  const begin = useCallback(() => {
    const steps: Step[] = [];
    setFault(undefined);
    anchor(chain, (s) => steps.push(s)).then((at) => setStart({ at, steps }), setFault);
  }, [chain]);
  useEffect(() => {
    begin();
  }, [begin]);

  const chooseProof = async (chosen: File) => {
    setFault(undefined);
    setOutcome(undefined);
    try {
      setProof({ name: chosen.name, dossier: await readProofFile(chosen) });
    } catch (e) {
      setProof(undefined);
      setFault(e as Error);
    }
  };

  const hash = file?.hashes?.sm3 ?? (/^[0-9a-f]{64}$/i.test(typed.trim()) ? typed.trim().toLowerCase() : undefined);
  const verify = async () => {
    if (start === undefined || hash === undefined) return;
    setBusy(true);
    const steps = [...start.steps];
    if (file?.hashes) steps.unshift({ word: "stepHashed", detail: file.hashes.sm3 });
    const tell = (s: Step) => void steps.push(s);
    try {
      const deposit = proof ? byDossier(start.at, proof.dossier, hash, tell) : await byNode(chain, start.at, hash, tell);
      setOutcome({ steps, deposit, byFile: proof !== undefined });
    } catch (e) {
      setOutcome({ steps, deposit: null, byFile: proof !== undefined, error: e as Error });
    } finally {
      setBusy(false);
    }
  };

  return (
    <>
      <div className="pair">
        <Card title={t("verifyFile")} size="small">
          <ChosenFile chosen={file} choose={(f) => (setOutcome(undefined), choose(f))} testId="verify-file" />
          <Input className="gap" aria-label={t("orHash")} placeholder={t("orHash")} value={typed} allowClear onChange={(e) => (setTyped(e.target.value), clear(), setOutcome(undefined))} />
        </Card>
        <Card title={t("proofFile")} size="small">
          <p className="quiet">{t("proofFileHint")}</p>
          <Upload maxCount={1} showUploadList={false} accept=".json,.pdf" data-testid="verify-proof" beforeUpload={(f) => (void chooseProof(f), false)}>
            <Button icon={<FileSearchOutlined />}>{t("chooseFile")}</Button>
          </Upload>
          {proof && (
            <p className="wrap">
              {proof.name} <Button type="link" onClick={() => (setProof(undefined), setOutcome(undefined))}>{t("remove")}</Button>
            </p>
          )}
        </Card>
      </div>
      <p>
        <Button type="primary" size="large" loading={busy} disabled={hash === undefined || start === undefined} onClick={() => void verify()}>
          {t("verifyNow")}
        </Button>
      </p>
      {fault && <FaultAlert error={fault} {...(start === undefined ? { retry: begin } : {})} />}
      {outcome && <Result outcome={outcome} />}
    </>
  );
}

function Result({ outcome }: { outcome: Outcome }) {
  const { t, time } = useWords();
  const { deposit, error } = outcome;
  return (
    <section aria-live="polite">
      {error ? (
        <Alert type="error" showIcon role="alert" title={t("notVerified")} description={error.message} />
      ) : deposit === null ? (
        <Alert type="warning" showIcon role="alert" title={t("noMatchOnChain")} description={outcome.byFile ? t("noMatchInFile") : t("noMatchProven")} />
      ) : (
        <Alert type="success" showIcon title={t("matches")} description={outcome.byFile ? t("matchesByFile") : t("verifiedHint")} />
      )}
      {deposit && (
        <Descriptions
          className="gap"
          bordered
          size="small"
          column={1}
          items={[
            { key: "title", label: t("depositTitle"), children: <span className="wrap">{deposit.title}</span> },
            { key: "owner", label: t("depositor"), children: deposit.owner },
            { key: "time", label: t("time"), children: deposit.time && time(deposit.time) },
            { key: "height", label: t("block"), children: deposit.height },
            { key: "hash", label: "SM3", children: <code className="wrap">{deposit.hash}</code> },
            ...(deposit.metadata ? [{ key: "metadata", label: t("metadata"), children: <span className="wrap">{deposit.metadata}</span> }] : []),
            { key: "proven", label: t("provenAt"), children: time(deposit.provenAt) },
          ]}
        />
      )}
      <Steps steps={outcome.steps} />
    </section>
  );
}
