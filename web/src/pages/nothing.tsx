/** A search that led nowhere, and what can be searched for. */
import { Empty } from "antd";
import { useParams } from "react-router";
import { useWords } from "../words.ts";

export function Nothing() {
  const { t } = useWords();
  const { text = "" } = useParams();
  return (
    <>
      <h1>{t("nothingFound")}</h1>
      <Empty
        description={
          <>
            <p>
              <code className="wrap">{text}</code>
            </p>
            <p>{t("nothingFoundHint")}</p>
          </>
        }
      />
    </>
  );
}
