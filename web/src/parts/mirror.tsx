/** Says so where the node's mirror is not in step: its answers are then not complete. */
import { Alert } from "antd";
import { chainPath, type MirrorStatus, useLoad } from "../api.ts";
import { useChain } from "../chain.tsx";
import { useWords } from "../words.ts";

const everyMs = 5000;

export function MirrorNotice() {
  const { t } = useWords();
  const chain = useChain();
  const { data } = useLoad<MirrorStatus>(chainPath(chain, "mirror"), everyMs);
  if (data === undefined || data.state === "following") return null;
  return <Alert banner type="warning" title={`${data.state === "filling" ? t("filling") : t("mirrorStuck")} (${data.height} / ${data.tip})`} />;
}
