/** A button that verifies what a page shows in the browser, step by step. */
import { SafetyCertificateOutlined } from "@ant-design/icons";
import { Alert, Button, Timeline } from "antd";
import { useState } from "react";
import type { Step, Tell } from "../trust.ts";
import { useWords } from "../words.ts";

interface Progress {
  steps: Step[];
  outcome?: "good" | Error;
}

export function Verify({ run }: { run: (tell: Tell) => Promise<void> }) {
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
        {busy ? t("verifying") : t("verify")}
      </Button>
      {progress?.outcome === "good" && <Alert className="gap" type="success" showIcon title={t("verified")} description={t("verifiedHint")} />}
      {progress?.outcome instanceof Error && <Alert className="gap" type="error" showIcon role="alert" title={t("notVerified")} description={progress.outcome.message} />}
      {progress !== undefined && (
        <Timeline
          className="gap"
          items={progress.steps.map((s) => ({
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
      )}
    </section>
  );
}
