/** Deposits: found by id, hash, title, tag, time, type and state; and one in full, with its history. */
import { Button, Descriptions, Empty, Form, Input, Select, Table, Tag, Timeline } from "antd";
import { type ReactNode, useEffect, useState } from "react";
import { Link, useParams, useSearchParams } from "react-router";
import { Fault, type Loaded, useLoad } from "../api.ts";
import { Short, to, useChain } from "../chain.tsx";
import { FaultAlert } from "../parts/fault.tsx";
import { Pager, usePages } from "../parts/pages.tsx";
import { ShownLoaded } from "../parts/shown.tsx";
import { Verify } from "../parts/verify.tsx";
import { useAct } from "./act.tsx";
import { Grants } from "./grants.tsx";
import { depositStates, fetchFile, type Grant, originals, type Receipt, save, send, servicePath, type Standing } from "./service.ts";
import { issue, verifyReceipt } from "./verify.ts";
import { usePortal } from "./words.ts";

/** How often a deposit that waits for the chain is looked at. */
const everyMs = 2000;

const stateColors: Record<Receipt["state"], string> = { accepted: "blue", committed: "green", refused: "red" };

export function DepositState({ of }: { of: Receipt }) {
  const { p } = usePortal();
  return <Tag color={stateColors[of.state]}>{p(of.state)}</Tag>;
}

export function Deposits({ standing }: { standing: Standing }) {
  const { p, t, time } = usePortal();
  const chain = useChain();
  const base = `/${encodeURIComponent(chain)}/portal/deposits`;
  const [asked, setAsked] = useSearchParams();
  const page = usePages<Receipt>(`${servicePath(chain, "deposits")}?${asked}`);
  const mine = standing.tenant?.id;
  return (
    <>
      {mine !== undefined && (
        <p>
          <Link to={`${base}/new`}>
            <Button type="primary" tabIndex={-1}>{p("newDeposit")}</Button>
          </Link>
        </p>
      )}
      <Filters asked={asked} ask={setAsked} />
      {page.error && <FaultAlert error={page.error} retry={page.reload} />}
      {(page.data !== undefined || page.error === undefined) && (
        <Table<Receipt>
          size="small"
          rowKey="id"
          loading={page.data === undefined}
          dataSource={page.data?.items ?? []}
          pagination={false}
          scroll={{ x: "max-content" }}
          locale={{ emptyText: page.data === undefined ? " " : <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={asked.size > 0 ? p("noneFound") : <>{p("noDeposits")}<br />{p("noDepositsHint")}</>} /> }}
          columns={[
            {
              title: p("title"),
              render: (_, r) => (
                <div className="cell">
                  <Link to={`${base}/${r.id}`}>{r.title}</Link> {mine !== undefined && r.tenant !== mine && <Tag>{p("grantedToUs")}</Tag>}
                </div>
              ),
            },
            { title: t("state"), render: (_, r) => <DepositState of={r} /> },
            { title: p("type"), dataIndex: "type", render: (x: Receipt["type"]) => p(x) },
            { title: p("tags"), dataIndex: "tags", render: (tags: string[]) => tags.map((x) => <Tag key={x}>{x}</Tag>) },
            { title: p("acceptedAt"), dataIndex: "accepted", render: (at: string) => time(at) },
            { title: t("block"), dataIndex: "height", render: (h?: number) => (h ? <Link to={to(chain, "block", h)}>{h}</Link> : "—") },
            { title: "SM3", dataIndex: "hash", render: (h: string) => <Short text={h} /> },
            ...(mine === undefined ? [{ title: p("tenant"), dataIndex: "tenant" }] : []),
          ]}
        />
      )}
      <Pager of={page} />
    </>
  );
}

/** query turns what a filter holds into the service's; days are whole ones in the reader's time. */
function query(values: Record<string, string | undefined>): URLSearchParams {
  const out = new URLSearchParams();
  for (const [name, raw] of Object.entries(values)) {
    const value = raw?.trim();
    if (!value) continue;
    if (name === "which") out.set(/^[0-9a-f]{64}$/i.test(value) ? "hash" : "id", value.toLowerCase());
    else if (name === "from") out.set(name, new Date(`${value}T00:00:00`).toISOString());
    else if (name === "until") out.set(name, new Date(new Date(`${value}T00:00:00`).getTime() + 86_400_000).toISOString());
    else out.set(name, value);
  }
  return out;
}

/** day is the day of a time that query wrote, back days earlier. */
function day(iso: string | null, back: number): string | undefined {
  if (!iso) return undefined;
  const at = new Date(new Date(iso).getTime() - back * 86_400_000);
  return `${at.getFullYear()}-${String(at.getMonth() + 1).padStart(2, "0")}-${String(at.getDate()).padStart(2, "0")}`;
}

function Filters({ asked, ask }: { asked: URLSearchParams; ask: (next: URLSearchParams) => void }) {
  const { p, t } = usePortal();
  const before = { q: asked.get("q"), tag: asked.get("tag"), which: asked.get("hash") ?? asked.get("id"), state: asked.get("state"), type: asked.get("type"), from: day(asked.get("from"), 0), until: day(asked.get("until"), 1) };
  const choice = (name: "state" | "type", label: string, values: readonly (Receipt["state"] | Receipt["type"])[]) => (
    <Form.Item name={name}>
      <Select allowClear placeholder={label} aria-label={label} style={{ minWidth: 110 }} options={values.map((value) => ({ value, label: p(value) }))} />
    </Form.Item>
  );
  const text = (name: string, label: string, type = "text", maxLength = 100) => (
    <Form.Item name={name} {...(type === "date" ? { label, colon: false } : {})}>
      <Input allowClear type={type} maxLength={maxLength} placeholder={label} aria-label={label} />
    </Form.Item>
  );
  return (
    <Form key={asked.toString()} layout="inline" className="filters" initialValues={before} onFinish={(v) => ask(query(v as Record<string, string | undefined>))}>
      {text("q", p("titleContains"))}
      {text("tag", p("tag"), "text", 32)}
      {text("which", p("idOrHash"), "text", 64)}
      {choice("state", t("state"), depositStates)}
      {choice("type", p("type"), originals)}
      {text("from", p("from"), "date")}
      {text("until", p("until"), "date")}
      <Button type="primary" htmlType="submit">
        {p("search")}
      </Button>
      {asked.size > 0 && <Button onClick={() => ask(new URLSearchParams())}>{p("clear")}</Button>}
    </Form>
  );
}

export function DepositPage({ standing }: { standing: Standing }) {
  const { id = "" } = useParams();
  const chain = useChain();
  const [waiting, setWaiting] = useState(false);
  const receipt = useLoad<Receipt>(servicePath(chain, "deposits", id), waiting ? everyMs : 0);
  const state = receipt.data?.state;
  useEffect(() => setWaiting(state === "accepted"), [state]);
  return <ShownLoaded of={receipt}>{(r, reload) => <Detail key={r.id + r.state} receipt={r} standing={standing} reload={reload} />}</ShownLoaded>;
}

function Detail({ receipt: r, standing, reload }: { receipt: Receipt; standing: Standing; reload: () => void }) {
  const { p } = usePortal();
  const chain = useChain();
  const owner = standing.tenant?.id === r.tenant;
  const grants = useLoad<{ items: Grant[] }>(owner ? servicePath(chain, "deposits", r.id, "grants") : null);
  const reads = standing.tenant !== undefined; // those who only look after the service see no originals
  return (
    <>
      <h2 className="wrap">
        {r.title} <DepositState of={r} />
      </h2>
      <Gone of={r} />
      <Facts of={r} />
      {r.state === "committed" && (
        <>
          <h2>{p("verification")}</h2>
          <Verify run={(tell) => verifyReceipt(chain, r, tell)} />
          {reads && <Files of={r} />}
        </>
      )}
      <h2>{p("timeline")}</h2>
      <History of={r} grants={grants} />
      {owner && r.state === "committed" && <Outside of={r} reload={reload} grants={grants} />}
    </>
  );
}

/** Gone names where a deposit stood before the chain gave blocks up: certificates that say so hold no more. */
function Gone({ of: r }: { of: Receipt }) {
  const { p, t } = usePortal();
  const last = r.givenUp?.at(-1)?.error;
  if (!r.givenUp || !last) return null;
  return (
    <div className="gap">
      <FaultAlert error={new Fault(200, last)} />
      {r.givenUp.map((g) => (
        <p key={g.txId} className="wrap">{`${p("heldNoMore")}: ${t("block")} ${g.height} · ${t("transaction")} ${g.txId}`}</p>
      ))}
    </div>
  );
}

function Facts({ of: r }: { of: Receipt }) {
  const { p, t } = usePortal();
  const chain = useChain();
  const line = (label: string, value: ReactNode) => (value === undefined || value === "" ? [] : [{ key: label, label, children: value }]);
  const code = (text: string) => <code className="wrap">{text}</code>;
  return (
    <Descriptions
      bordered
      size="small"
      column={1}
      items={[
        ...line(p("depositId"), code(r.id)),
        ...line(p("fileName"), r.fileName && <span className="wrap">{r.fileName}</span>),
        ...line(p("type"), `${p(r.type)} · ${r.media} · ${r.sizeBytes.toLocaleString()} ${p("bytes")}`),
        ...line("SM3", code(r.hash)),
        ...line("SHA-256", code(r.sha256)),
        ...line(p("tenant"), code(r.tenant)),
        ...line(p("depositor"), r.app ? `${r.depositor} (${r.app})` : r.depositor),
        ...line(p("tags"), r.tags.length > 0 ? r.tags.map((x) => <Tag key={x}>{x}</Tag>) : ""),
        ...line(p("template"), r.template && `${r.template} · ${p("version")} ${r.version}`),
        ...Object.entries(r.fields ?? {}).flatMap(([name, value]) => line(`${p("fields")} · ${name}`, <span className="wrap">{value}</span>)),
        ...line(p("chains"), r.evidenceChain && <Link to={`/${encodeURIComponent(chain)}/portal/chains/${encodeURIComponent(r.evidenceChain)}`}>{`${r.evidenceChain} · ${r.node}`}</Link>),
        ...line(t("transaction"), r.txId && <Short text={r.txId} href={to(chain, "tx", r.txId)} />),
        ...line(t("block"), r.height && <Link to={to(chain, "block", r.height)}>{r.height}</Link>),
        ...line(t("record"), r.txId && <Link to={to(chain, "record", "evidence", "evidence", r.hash)}>{p("committed")}</Link>),
      ]}
    />
  );
}

/** Files are the certificate, the proof file and the original. What carries a proof is saved once it holds. */
function Files({ of: r }: { of: Receipt }) {
  const { p } = usePortal();
  const chain = useChain();
  const { busy, act, fault } = useAct();
  const path = (what: string) => servicePath(chain, "deposits", r.id, what);
  const original = async () => save(await fetchFile(path("original"), r.fileName ?? `${r.id}${r.type === "form" ? ".json" : ".txt"}`));
  return (
    <div className="gap">
      <Verify label={p("certificate")} held={p("issued")} run={(tell) => issue(chain, r, path("certificate"), `${r.id}.pdf`, tell)} />
      <div className="gap">
        <Verify label={p("proofFile")} held={p("issued")} run={(tell) => issue(chain, r, path("proof"), `${r.id}.json`, tell)} />
      </div>
      <p className="links">
        <Button loading={busy} onClick={() => void act(original)}>
          {p("original")}
        </Button>
        <Link to={`/verify/${encodeURIComponent(chain)}`} style={{ alignSelf: "center" }}>{p("publicPage")}</Link>
      </p>
      {fault}
    </div>
  );
}

function History({ of: r, grants }: { of: Receipt; grants: Loaded<{ items: Grant[] }> }) {
  const { p, time } = usePortal();
  const happened = [
    { at: r.accepted, text: `${p("acceptedAt")} · ${r.depositor}`, color: "blue" },
    ...(r.blockTime ? [{ at: r.blockTime, text: `${p("committedAt")} · ${r.height}`, color: "green" }] : []),
    ...(r.notarisation ? [{ at: r.notarisation.time, text: `${p("notarisedAt")} · ${r.notarisation.serial} · ${r.notarisation.notary}`, color: "green" }] : []),
    ...(grants.data?.items ?? []).flatMap((g) => [
      { at: g.time, text: `${p("grantedAt")} · ${g.to} · ${g.by}`, color: "blue" },
      ...(g.revoked ? [{ at: g.revoked, text: `${p("revokedAt")} · ${g.to}`, color: "gray" }] : []),
    ]),
  ];
  if (r.error) happened.push({ at: r.accepted, text: `${p("refused")} · ${r.error.code} ${r.error.detail ?? ""}`, color: "red" });
  return <Timeline items={happened.sort((a, b) => Date.parse(a.at) - Date.parse(b.at)).map((x) => ({ color: x.color, content: <span className="wrap">{`${time(x.at)} · ${x.text}`}</span> }))} />;
}

/** Outside is what an owner does with others: a notary, and those it lets read. */
function Outside({ of: r, reload, grants }: { of: Receipt; reload: () => void; grants: Loaded<{ items: Grant[] }> }) {
  const { p } = usePortal();
  const chain = useChain();
  const { busy, act, fault } = useAct();
  const notarise = () => send("POST", servicePath(chain, "deposits", r.id, "notarisations")).then(reload);
  return (
    <>
      {!r.notarisation && (
        <Button loading={busy} onClick={() => void act(notarise)}>
          {p("notarise")}
        </Button>
      )}
      {fault}
      <h2>{p("grants")}</h2>
      <Grants deposit={r.id} grants={grants} />
    </>
  );
}
