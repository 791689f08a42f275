/** The evidence portal: what a tenant does, and what those who run the service look after. The service decides who may. */
import { Alert, Button, Card, Form, Input, Typography } from "antd";
import { lazy, type ReactNode, Suspense } from "react";
import { Link, Navigate, NavLink, Route, Routes } from "react-router";
import { type Caller, Fault, showKey, useLoad } from "../api.ts";
import { useChain } from "../chain.tsx";
import { Login } from "../parts/login.tsx";
import { ShownLoaded } from "../parts/shown.tsx";
import { Apps } from "./apps.tsx";
import { ChainPage, Chains } from "./chains.tsx";
import { DepositPage, Deposits } from "./deposits.tsx";
import { NewDeposit } from "./newdeposit.tsx";
import { Notices } from "./notices.tsx";
import { Apply, Openings } from "./openings.tsx";
import { Cases } from "./cases.tsx";
import { FlowPage, Permissions, ServiceSettings, Tenants } from "./administration.tsx";
import { type Standing, servicePath } from "./service.ts";
import { ChainTemplates, Templates } from "./templates.tsx";
import { type PortalWord, usePortal } from "./words.ts";

const StatisticsPage = lazy(() => import("./statistics.tsx"));

/** What a caller may open; the service refuses the rest whatever the address says. */
const sections: { path: string; title: PortalWord; for: (s: Standing) => boolean; page: (s: Standing, reload: () => void) => ReactNode }[] = [
  { path: "deposits", title: "deposits", for: (s) => acts(s) || s.auditor, page: (s) => <Deposits standing={s} /> },
  { path: "chains", title: "chains", for: acts, page: () => <Chains /> },
  { path: "templates", title: "templates", for: acts, page: () => <Templates /> },
  { path: "chain-templates", title: "chainTemplates", for: acts, page: (s) => <ChainTemplates standing={s} /> },
  { path: "apps", title: "apps", for: (s) => acts(s) || s.auditor, page: (s) => <Apps standing={s} /> },
  { path: "statistics", title: "statistics", for: (s) => s.tenant !== undefined || s.auditor, page: (s) => <StatisticsPage standing={s} /> },
  { path: "cases", title: "cases", for: (s) => s.auditor || s.tenant?.kind === "court", page: (s) => <Cases standing={s} /> },
  { path: "notices", title: "notices", for: (s) => s.tenant !== undefined, page: () => <Notices /> },
  { path: "openings", title: "openings", for: (s) => s.auditor || s.approver, page: (s) => <Openings standing={s} /> },
  { path: "tenants", title: "tenants", for: (s) => s.auditor, page: (s) => <Tenants standing={s} /> },
  { path: "flow", title: "flow", for: (s) => s.administrator, page: () => <FlowPage /> },
  { path: "permissions", title: "permissions", for: (s) => s.administrator, page: () => <Permissions /> },
  { path: "settings", title: "serviceSettings", for: (s) => s.administrator, page: () => <ServiceSettings /> },
  { path: "apply", title: "opening", for: (s) => s.tenant === undefined && s.app === undefined, page: (s, reload) => <Apply standing={s} onChange={reload} /> },
];

/** acts reports whether a caller deposits for a tenant. */
function acts(s: Standing): boolean {
  return s.tenant?.state === "open";
}

export default function PortalPage({ caller, reload }: { caller: Caller; reload: () => void }) {
  const { p } = usePortal();
  const chain = useChain();
  const standing = useLoad<Standing>(caller.kind === "anonymous" ? null : servicePath(chain, "standing"));
  const away = standing.error instanceof Fault && standing.error.code === "HC-1016"; // the session ended meanwhile
  return (
    <>
      <h1>{p("portal")}</h1>
      {caller.kind === "anonymous" || away ? <Entrance caller={caller} reload={reload} /> : <ShownLoaded of={standing}>{(s, again) => <Portal standing={s} reload={again} />}</ShownLoaded>}
    </>
  );
}

function Portal({ standing: s, reload }: { standing: Standing; reload: () => void }) {
  const { p } = usePortal();
  const base = `/${encodeURIComponent(useChain())}/portal`;
  const open = sections.filter((x) => x.for(s));
  return (
    <>
      <Who standing={s} />
      <nav className="links gap" aria-label={p("portal")} style={{ marginBottom: 16 }}>
        {open.map((x) => (
          <NavLink key={x.path} to={`${base}/${x.path}`}>
            {p(x.title)}
          </NavLink>
        ))}
      </nav>
      <Routes>
        {acts(s) && <Route path="deposits/new" element={<NewDeposit tenant={s.tenant!} />} />}
        <Route path="deposits/:id" element={<DepositPage standing={s} />} />
        <Route path="chains/:id" element={<ChainPage standing={s} />} />
        {open.map((x) => (
          <Route key={x.path} path={x.path} element={<Suspense fallback={null}>{x.page(s, reload)}</Suspense>} />
        ))}
        <Route path="*" element={<Navigate to={`${base}/${open[0]?.path ?? "apply"}`} replace />} />
      </Routes>
    </>
  );
}

/** Who says for whom the page acts. */
function Who({ standing: s }: { standing: Standing }) {
  const { p } = usePortal();
  const role = s.administrator ? p("administrator") : s.auditor ? p("auditor") : "";
  if (s.tenant === undefined)
    return role === "" ? <Alert type="info" showIcon title={p("noTenant")} /> : <p className="wrap">{[s.name, role].join(" · ")}{s.administrator ? "" : ` · ${p("auditorHint")}`}</p>;
  return (
    <>
      <p className="wrap">
        <strong>{s.tenant.name}</strong> · {p(s.tenant.kind)} · {s.name}
        {role && ` · ${role}`} · {p("tenantId")} <Typography.Text code copyable>{s.tenant.id}</Typography.Text>
      </p>
      {s.tenant.state === "closed" && <Alert type="warning" showIcon title={p("tenantClosed")} />}
    </>
  );
}

/** Entrance is for who is not known yet: log in by certificate, show an application's key, or apply with a DID. */
function Entrance({ caller, reload }: { caller: Caller; reload: () => void }) {
  const { p, t } = usePortal();
  const base = `/${encodeURIComponent(useChain())}/portal`;
  return (
    <Routes>
      <Route path="apply" element={<Apply onChange={reload} />} />
      <Route
        path="*"
        element={
          <>
            <Alert type="info" showIcon title={p("loginFirst")} action={<Link to={`${base}/apply`}>{p("withDID")}</Link>} />
            <div className="pair gap">
              <Login caller={caller} onDone={reload} />
              <Card title={<h2 className="flat">{p("orKey")}</h2>} style={{ maxWidth: 480, margin: "2em auto", alignSelf: "start" }}>
                <Form layout="vertical" onFinish={({ token }: { token: string }) => (showKey(token.trim()), reload())}>
                  <Form.Item name="token" label={p("appKey")} extra={p("keyHint")} rules={[{ required: true, message: t("demand") }]}>
                    <Input.Password autoComplete="off" />
                  </Form.Item>
                  <Button htmlType="submit">{p("useKey")}</Button>
                </Form>
              </Card>
            </div>
          </>
        }
      />
    </Routes>
  );
}

