/** One row of the state. */
import { Descriptions, Skeleton, Tag } from "antd";
import { Link, useParams } from "react-router";
import { type Row, useLoad } from "../api.ts";
import { to, useChain } from "../chain.tsx";
import { FaultAlert } from "../parts/fault.tsx";
import { Json } from "../parts/json.tsx";
import { Verify } from "../parts/verify.tsx";
import { rowPath, verifyRow } from "../trust.ts";
import { useWords } from "../words.ts";
import { printable } from "./tx.tsx";

export function RowPage() {
  const { t } = useWords();
  const chain = useChain();
  const { ns = "", key = "" } = useParams();
  const { data, error, reload } = useLoad<Row>(rowPath(chain, ns, key));
  if (error) return <FaultAlert error={error} retry={reload} />;
  if (!data) return <Skeleton active />;
  return (
    <>
      <h1>{t("record")}</h1>
      <Descriptions
        bordered
        size="small"
        column={1}
        items={[
          { key: "ns", label: t("contract"), children: <Link to={to(chain, "contract", ns)}>{ns}</Link> },
          { key: "key", label: t("key"), children: <span className="wrap">{printable(key)}</span> },
          { key: "height", label: t("height"), children: data.height },
          { key: "value", label: t("value"), children: data.found ? <Json value={data.json ?? data.value} /> : <Tag>{t("absent")}</Tag> },
        ]}
      />
      <div className="gap">
        <Verify key={`${ns}/${key}/${data.height}`} run={(tell) => verifyRow(chain, data, tell)} />
      </div>
    </>
  );
}
