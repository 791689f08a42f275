/** A file that is hashed in the browser as soon as it is chosen, away from the page's own thread. */
import { InboxOutlined } from "@ant-design/icons";
import { Descriptions, Progress, Upload } from "antd";
import { useCallback, useEffect, useRef, useState } from "react";
import { Hasher } from "../verify/file.ts";
import type { Hashes } from "../verify/hash.worker.ts";
import { useWords } from "../words.ts";

/** Chosen is a file and how much of it is hashed, from 0 to 1. */
export interface Chosen {
  file: File;
  done: number;
  hashes?: Hashes;
}

/** useChosenFile keeps one file at a time. Its worker starts with the page, so that it works when the network is gone. */
export function useChosenFile(onFault: (e: Error | undefined) => void): { chosen: Chosen | undefined; choose: (file: File) => void; clear: () => void } {
  const hasher = useRef<Hasher>(undefined);
  const turn = useRef(0);
  const [chosen, setChosen] = useState<Chosen>();
  useEffect(() => {
    hasher.current = new Hasher();
    return () => hasher.current?.close();
  }, []);
  const clear = useCallback(() => {
    turn.current++;
    setChosen(undefined);
  }, []);
  const choose = useCallback(
    (file: File) => {
      const mine = ++turn.current;
      const show = (c: Chosen | undefined) => mine === turn.current && setChosen(c);
      onFault(undefined);
      show({ file, done: 0 });
      hasher.current!.hash(file, (done) => show({ file, done })).then(
        (hashes) => show({ file, done: 1, hashes }),
        (e: Error) => {
          show(undefined);
          onFault(e);
        },
      );
    },
    [onFault],
  );
  return { chosen, choose, clear };
}

export function ChosenFile({ chosen, choose, testId }: { chosen: Chosen | undefined; choose: (file: File) => void; testId: string }) {
  const { t } = useWords();
  return (
    <>
      <Upload.Dragger maxCount={1} showUploadList={false} data-testid={testId} beforeUpload={(f) => (choose(f), false)}>
        <p className="ant-upload-drag-icon">
          <InboxOutlined />
        </p>
        <p>{t("dropFile")}</p>
      </Upload.Dragger>
      {chosen && (
        <div className="gap" aria-live="polite">
          <div className="wrap">
            {chosen.file.name} · {chosen.file.size.toLocaleString()} B
          </div>
          {chosen.hashes === undefined ? (
            <Progress percent={Math.floor(chosen.done * 100)} aria-label={t("hashing")} />
          ) : (
            <Descriptions
              column={1}
              size="small"
              items={[
                { key: "sm3", label: "SM3", children: <code className="wrap">{chosen.hashes.sm3}</code> },
                { key: "sha256", label: "SHA-256", children: <code className="wrap">{chosen.hashes.sha256}</code> },
              ]}
            />
          )}
        </div>
      )}
    </>
  );
}
