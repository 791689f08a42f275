/** What went wrong, with code, cause and fix, and a way on. */
import { Alert, Button, Space, Typography } from "antd";
import { Fault } from "../api.ts";
import { useWords } from "../words.ts";

export function FaultAlert({ error, retry }: { error: Error; retry?: () => void }) {
  const { t, language } = useWords();
  const said = (key: string): string => {
    const text = error instanceof Fault ? (error.body[key] as Record<string, string> | undefined) : undefined;
    return text?.[language] ?? "";
  };
  const unreachable = error instanceof Fault && error.status === 0;
  const code = error instanceof Fault ? error.code : "";
  const title = unreachable ? t("unreachable") : [code, said("message") || error.message].filter(Boolean).join(" ");
  const detail = error instanceof Fault && !unreachable ? String(error.body["detail"] ?? "") : "";
  return (
    <Alert
      type="error"
      showIcon
      role="alert"
      title={title}
      description={
        <Space orientation="vertical" size={2}>
          {detail && <Typography.Text code>{detail}</Typography.Text>}
          {said("cause") && (
            <span>
              {t("cause")}: {said("cause")}
            </span>
          )}
          {(unreachable || said("fix")) && (
            <span>
              {t("fix")}: {unreachable ? t("unreachableFix") : said("fix")}
            </span>
          )}
        </Space>
      }
      action={retry && <Button onClick={retry}>{t("retry")}</Button>}
    />
  );
}
