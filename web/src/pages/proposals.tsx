/** Proposals of a chain's organisations, and voting: a vote is signed here and committed like any call. */
import { WrongPassphrase } from "@huchain/sdk";
import { Alert, Button, Empty, Form, Select, Skeleton, Table, Tag } from "antd";
import { useEffect, useState } from "react";
import { Link } from "react-router";
import { chainPath, post } from "../api.ts";
import { Short, to, useChain } from "../chain.tsx";
import { FaultAlert } from "../parts/fault.tsx";
import { Json } from "../parts/json.tsx";
import { SignerFields } from "../parts/signer.tsx";
import { commit, type Signer } from "../sign.ts";
import { stateWord, useWords } from "../words.ts";

interface Proposal {
  id: string;
  proposer: string;
  state: string;
  expired?: boolean;
  height: number;
  error?: string;
  content: { title: string; actions: unknown[]; validUntil: string };
  votes: { member: string; approve: boolean }[];
}

const open = (p: Proposal) => p.state === "open" && !p.expired;

export function Proposals() {
  const { t, time } = useWords();
  const chain = useChain();
  const [items, setItems] = useState<Proposal[]>();
  const [fault, setFault] = useState<Error>();
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    let stopped = false;
    const body = JSON.stringify({ contract: "governance", method: "proposals", args: {} });
    post<{ result: { items?: Proposal[] } }>(chainPath(chain, "query"), body, "application/json").then(
      (a) => !stopped && (setItems(a.result.items ?? []), setFault(undefined)),
      (e: Error) => !stopped && setFault(e),
    );
    return () => {
      stopped = true;
    };
  }, [chain, turn]);
  if (fault) return <FaultAlert error={fault} retry={() => setTurn(turn + 1)} />;
  if (!items) return <Skeleton active />;
  return (
    <Table<Proposal>
      size="small"
      rowKey="id"
      dataSource={[...items].sort((a, b) => b.height - a.height)}
      pagination={false}
      scroll={{ x: "max-content" }}
      locale={{ emptyText: <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={<>{t("noProposals")}<br />{t("proposalHint")}</>} /> }}
      expandable={{
        expandedRowRender: (p) => (
          <div className="inRow">
            <Json value={p.content.actions} />
            {p.error && <Alert className="gap" type="error" showIcon title={p.error} />}
            <Vote proposal={p} onDone={() => setTurn((n) => n + 1)} />
          </div>
        ),
      }}
      columns={[
        { title: t("proposal"), render: (_, p) => <span className="wrap">{p.content.title}</span> },
        { title: t("state"), render: (_, p) => <Tag color={open(p) ? "blue" : p.state === "adopted" ? "green" : p.state === "failed" ? "red" : "default"}>{p.expired ? t("ended") : stateWord(t, p.state)}</Tag> },
        { title: t("sender"), dataIndex: "proposer" },
        { title: t("votes"), render: (_, p) => p.votes.map((v) => <Tag key={v.member} color={v.approve ? "green" : "red"}>{v.member}</Tag>) },
        { title: t("validUntil"), render: (_, p) => time(p.content.validUntil) },
        { title: t("height"), dataIndex: "height", render: (h: number) => <Link to={to(chain, "block", h)}>{h}</Link> },
        { title: "ID", dataIndex: "id", render: (id: string) => <Short text={id} /> },
      ]}
    />
  );
}

function Vote({ proposal, onDone }: { proposal: Proposal; onDone: () => void }) {
  const { t } = useWords();
  const chain = useChain();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error>();
  const [id, setId] = useState<string>();
  const [files, setFiles] = useState<Pick<Signer, "key" | "certificate">>({});
  const submit = async (v: { passphrase: string; approve: boolean }) => {
    setBusy(true);
    setError(undefined);
    try {
      const call = { contract: "governance", method: "vote", args: { proposal: proposal.id, approve: v.approve } };
      const done = await commit<{ id: string; receipt: { code: string; error?: string } }>(chain, chainPath(chain, "txs"), call, { ...files, passphrase: v.passphrase });
      if (done.receipt.code !== "OK") throw new Error(`${done.receipt.code} ${done.receipt.error ?? ""}`);
      setId(done.id);
      onDone();
    } catch (e) {
      setError(e instanceof WrongPassphrase ? new Error(t("wrongKey")) : (e as Error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      {open(proposal) && (
        <Form className="gap" layout="vertical" initialValues={{ approve: true }} onFinish={(v) => void submit(v as { passphrase: string; approve: boolean })}>
          <Form.Item name="approve" label={t("votes")}>
            <Select options={[{ value: true, label: t("approve") }, { value: false, label: t("reject") }]} />
          </Form.Item>
          <SignerFields onRead={(read) => setFiles((old) => ({ ...old, ...read }))} />
          <Button type="primary" htmlType="submit" loading={busy}>
            {t("callWrite")}
          </Button>
        </Form>
      )}
      <div className="gap" aria-live="polite">
        {error && <FaultAlert error={error} />}
        {id && <Alert type="success" showIcon title={<Link to={to(chain, "tx", id)}>{`${t("committed")}: ${id}`}</Link>} />}
      </div>
    </>
  );
}
