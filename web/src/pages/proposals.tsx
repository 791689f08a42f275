/** Proposals of a chain's organisations, and voting: a vote is signed here and committed like any call. */
import { fromHex, openKeyFile, signCall, WrongPassphrase } from "@huchain/sdk";
import { Alert, Button, Empty, Form, Input, Select, Skeleton, Space, Table, Tag } from "antd";
import { useEffect, useState } from "react";
import { Link } from "react-router";
import { type Chain, chainPath, get, type Page, post } from "../api.ts";
import { Short, to, useChain } from "../chain.tsx";
import { FaultAlert } from "../parts/fault.tsx";
import { FileField } from "../parts/file.tsx";
import { Json } from "../parts/json.tsx";
import { useWords } from "../words.ts";

const gasLimit = 500_000_000;
const validForMs = 60_000;

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
          <>
            <Json value={p.content.actions} />
            {open(p) && <Vote proposal={p} onDone={() => setTurn((n) => n + 1)} />}
          </>
        ),
      }}
      columns={[
        { title: t("proposal"), render: (_, p) => <span className="wrap">{p.content.title}</span> },
        { title: t("state"), render: (_, p) => <Tag color={open(p) ? "blue" : p.state === "executed" ? "green" : "default"}>{p.expired ? t("ended") : p.state}</Tag> },
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
  const [keyText, setKeyText] = useState("");
  const submit = async (v: { passphrase: string; approve: boolean }) => {
    setBusy(true);
    setError(undefined);
    try {
      const key = await openKeyFile(keyText, v.passphrase);
      const chains = await get<Page<Chain>>("/api/v1/chains");
      const genesis = fromHex(chains.items.find((c) => c.chain === chain)!.genesis);
      const tx = signCall(key, { genesis, contract: "governance", method: "vote", args: { proposal: proposal.id, approve: v.approve }, gasLimit, validForMs }, Date.now());
      const done = await post<{ id: string; receipt: { code: string; error?: string } }>(chainPath(chain, "txs"), new Uint8Array(tx.raw), "application/octet-stream");
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
    <Form className="gap" layout="vertical" style={{ maxWidth: 420 }} initialValues={{ approve: true }} onFinish={(v) => void submit(v as { passphrase: string; approve: boolean })}>
      <Form.Item name="approve" label={t("votes")}>
        <Select options={[{ value: true, label: t("approve") }, { value: false, label: t("reject") }]} />
      </Form.Item>
      <FileField label={t("keyFile")} name="key" onRead={setKeyText} required />
      <Form.Item name="passphrase" label={t("passphrase")} rules={[{ required: true, message: t("demand") }]}>
        <Input.Password autoComplete="off" />
      </Form.Item>
      <Space>
        <Button type="primary" htmlType="submit" loading={busy}>
          {t("callWrite")}
        </Button>
      </Space>
      <div className="gap" aria-live="polite">
        {error && <FaultAlert error={error} />}
        {id && <Alert type="success" showIcon title={<Link to={to(chain, "tx", id)}>{`${t("committed")}: ${id}`}</Link>} />}
      </div>
    </Form>
  );
}
