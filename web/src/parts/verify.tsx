/** A button that verifies what a page shows in the browser, step by step; or does something with what it verified. */
import { SafetyCertificateOutlined } from "@ant-design/icons";
import { Alert, Button, Timeline } from "antd";
import { useState } from "react";
import type { Step, Tell } from "../trust.ts";
import { useWords } from "../words.ts";

interface Progress {
  steps: Step[];
  outcome?: "good" | Error;
}

export function Verify({ run, label, held }: { run: (tell: Tell) => Promise<void>; label?: string; held?: string }) {
  const { t } = useWords();
  const [progress, setProgress] = useState<Progress>();
  const start = async () => {
    const steps: Step[] = [];
    setProgress({ steps });
    const tell: Tell = (step) => {
      steps.push(step);
      setProgress({ steps: [...steps] });
    };
    try {
      await run(tell);
      setProgress({ steps, outcome: "good" });
    } catch (e) {
      setProgress({ steps, outcome: e as Error });
    }
  };
  const busy = progress !== undefined && progress.outcome === undefined;
  return (
    <section aria-live="polite">
      <Button type="primary" icon={<SafetyCertificateOutlined />} loading={busy} onClick={() => void start()}>
        {busy ? t("verifying") : (label ?? t("verify"))}
      </Button>
      {progress?.outcome === "good" && <Alert className="gap" type="success" showIcon title={held ?? t("verified")} description={t("verifiedHint")} />}
      {progress?.outcome instanceof Error && <Alert className="gap" type="error" showIcon role="alert" title={t("notVerified")} description={progress.outcome.message} />}
      {progress !== undefined &&
        (held !== undefined && progress.outcome === "good" ? (
          <details className="gap">
            <summary>{t("steps")}</summary>
            <Steps steps={progress.steps} />
          </details>
        ) : (
          <Steps steps={progress.steps} />
        ))}
    </section>
  );
}

/** Steps lists the steps of a verification that held. */
export function Steps({ steps }: { steps: Step[] }) {
  const { t } = useWords();
  return (
    <Timeline
      className="gap"
      items={steps.map((s) => ({
        color: "green",
        content: (
          <>
            {t(s.word)}
            <br />
            <code className="wrap quiet">{s.detail}</code>
          </>
        ),
      }))}
    />
  );
}
