/** The frame of every page: chain, search, language, light or dark. */
import { BulbOutlined } from "@ant-design/icons";
import { Button, ConfigProvider, Select, Spin, theme, type ThemeConfig } from "antd";
import enUS from "antd/locale/en_US";
import zhCN from "antd/locale/zh_CN";
import { lazy, type ReactNode, Suspense, useEffect, useState } from "react";
import { Link, Navigate, NavLink, Route, Routes, useLocation, useNavigate, useParams } from "react-router";
import { type Caller, type Chain, type Page, request, showKey, useLoad } from "./api.ts";
import { ChainContext } from "./chain.tsx";
import { BlockPage } from "./pages/block.tsx";
import { ContractPage, ContractsPage } from "./pages/contract.tsx";
import { MemberPage } from "./pages/member.tsx";
import { Nothing } from "./pages/nothing.tsx";
import { Overview } from "./pages/overview.tsx";
import { RecordPage } from "./pages/record.tsx";
import { RecordsPage } from "./pages/records.tsx";
import { RowPage } from "./pages/row.tsx";
import { TxPage } from "./pages/tx.tsx";
import { ValidatorsPage } from "./pages/validators.tsx";
import { FaultAlert } from "./parts/fault.tsx";
import { Login } from "./parts/login.tsx";
import { Search } from "./parts/search.tsx";
import { type Language, useWords, words, WordsContext } from "./words.ts";

const BoardPage = lazy(() => import("./pages/board.tsx"));
const OperationsPage = lazy(() => import("./pages/operations.tsx"));
const PortalPage = lazy(() => import("./portal/page.tsx"));
const VerifyPage = lazy(() => import("./pages/verify.tsx"));

// Inks that stock themes make too pale for WCAG AA are set here.
const primary = "#1554ad";
const paleBlue = "#7fb2ff";
const lightTheme: ThemeConfig = {
  algorithm: theme.defaultAlgorithm,
  token: { colorPrimary: primary, colorLink: primary, colorLinkHover: "#0d3a7a", colorError: "#cf1322", colorTextDescription: "rgba(0, 0, 0, 0.65)", colorTextPlaceholder: "rgba(0, 0, 0, 0.6)", motion: false },
  components: { Descriptions: { labelColor: "rgba(0, 0, 0, 0.65)" } },
};
const darkTheme: ThemeConfig = {
  algorithm: theme.darkAlgorithm,
  token: { colorPrimary: primary, colorLink: paleBlue, colorLinkHover: "#a8ccff", colorError: "#ff7875", colorTextDescription: "rgba(255, 255, 255, 0.65)", colorTextPlaceholder: "rgba(255, 255, 255, 0.6)", motion: false },
  components: { Descriptions: { labelColor: "rgba(255, 255, 255, 0.65)" }, Tabs: { itemSelectedColor: paleBlue, itemHoverColor: paleBlue, inkBarColor: paleBlue } },
};

function kept<T extends string>(name: string, fallback: T): T {
  try {
    return (localStorage.getItem(name) as T | null) ?? fallback;
  } catch {
    return fallback; // a page within another site's may be granted no memory
  }
}

function keep(name: string, value: string): void {
  try {
    localStorage.setItem(name, value);
  } catch {
    // see kept
  }
}

export function App() {
  const [language, setLanguage] = useState<Language>(() => kept("huchain.language", navigator.language.startsWith("zh") ? "zh" : "en"));
  const [dark, setDark] = useState(() => kept("huchain.theme", matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light") === "dark");
  useEffect(() => {
    keep("huchain.language", language);
    document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
    document.title = language === "zh" ? "沪链" : "HuChain";
  }, [language]);
  useEffect(() => {
    keep("huchain.theme", dark ? "dark" : "light");
    document.documentElement.style.colorScheme = dark ? "dark" : "light";
    document.documentElement.className = dark ? "dark" : "light";
  }, [dark]);
  return (
    <ConfigProvider locale={language === "zh" ? zhCN : enUS} theme={dark ? darkTheme : lightTheme}>
      <WordsContext value={words(language)}>
        <Routes>
          <Route path="/verify/:chain?" element={<Public toggleLanguage={() => setLanguage(language === "zh" ? "en" : "zh")} toggleTheme={() => setDark(!dark)} />} />
          <Route path="*" element={<Frame toggleLanguage={() => setLanguage(language === "zh" ? "en" : "zh")} toggleTheme={() => setDark(!dark)} />} />
        </Routes>
      </WordsContext>
    </ConfigProvider>
  );
}

/** Public is the page for everybody, alone or within the page of another site. */
function Public({ toggleLanguage, toggleTheme }: { toggleLanguage: () => void; toggleTheme: () => void }) {
  const { t } = useWords();
  const { token } = theme.useToken();
  const { chain } = useParams();
  return (
    <div style={{ minHeight: "100vh", background: token.colorBgLayout, color: token.colorText }}>
      <header className="bar" style={{ background: token.colorBgContainer }}>
        <span className="name">{t("title")}</span>
        <span className="grow" />
        <Button onClick={toggleLanguage}>{t("language2")}</Button>
        <Button icon={<BulbOutlined />} aria-label={t("theme")} onClick={toggleTheme} />
      </header>
      <main id="content" className="page">
        <Suspense fallback={<Spin size="large" />}>
          <VerifyPage chain={chain} />
        </Suspense>
      </main>
    </div>
  );
}

function Frame(p: { toggleLanguage: () => void; toggleTheme: () => void }) {
  const { token } = theme.useToken();
  const caller = useLoad<Caller>("/api/v1/session");
  const barred = caller.data?.login === "required" && caller.data.kind === "anonymous";
  const chains = useLoad<Page<Chain>>(caller.data && !barred ? "/api/v1/chains" : null);
  const location = useLocation();
  const named = decodeURIComponent(location.pathname.split("/")[1] ?? "");
  const names = chains.data?.items.map((c) => c.chain) ?? [];
  const chain = names.includes(named) ? named : (names[0] ?? "");
  return (
    <ChainContext value={chain}>
      <div style={{ minHeight: "100vh", background: token.colorBgLayout, color: token.colorText }}>
        <Bar names={names} chain={chain} caller={caller.data} reload={caller.reload} {...p} />
        <main id="content" className="page">
          {barred && caller.data ? (
            <Login caller={caller.data} onDone={caller.reload} />
          ) : caller.error !== undefined && caller.data === undefined ? (
            <FaultAlert error={caller.error} retry={caller.reload} />
          ) : chains.error !== undefined && names.length === 0 ? (
            <FaultAlert error={chains.error} retry={chains.reload} />
          ) : chain === "" ? (
            <Spin size="large" />
          ) : (
            <Pages chain={chain} caller={caller.data!} reload={caller.reload} />
          )}
        </main>
      </div>
    </ChainContext>
  );
}

function Pages({ chain, caller, reload }: { chain: string; caller: Caller; reload: () => void }) {
  return (
    <Routes>
      <Route path="/:chain" element={<Overview />} />
      <Route path="/:chain/block/:height" element={<BlockPage />} />
      <Route path="/:chain/tx/:id" element={<TxPage />} />
      <Route path="/:chain/contracts" element={<ContractsPage />} />
      <Route path="/:chain/contract/:name" element={<ContractPage />} />
      <Route path="/:chain/records/:contract/:record" element={<RecordsPage />} />
      <Route path="/:chain/record/:contract/:record/:key" element={<RecordPage />} />
      <Route
        path="/:chain/board/:contract/:name?"
        element={
          <Suspense fallback={<Spin size="large" />}>
            <BoardPage />
          </Suspense>
        }
      />
      <Route
        path="/:chain/operations/:tab?"
        element={
          <Suspense fallback={<Spin size="large" />}>
            <OperationsPage caller={caller} reload={reload} />
          </Suspense>
        }
      />
      <Route
        path="/:chain/portal/*"
        element={
          <Suspense fallback={<Spin size="large" />}>
            <PortalPage key={`${chain} ${caller.kind} ${caller.name ?? ""}`} caller={caller} reload={reload} />
          </Suspense>
        }
      />
      <Route path="/:chain/row/:ns/:key" element={<RowPage />} />
      <Route path="/:chain/member/:id" element={<MemberPage />} />
      <Route path="/:chain/validators" element={<ValidatorsPage />} />
      <Route path="/:chain/nothing/:text" element={<Nothing />} />
      <Route path="*" element={<Navigate to={`/${chain}`} replace />} />
    </Routes>
  );
}

function Bar({ names, chain, caller, reload, toggleLanguage, toggleTheme }: { names: string[]; chain: string; caller: Caller | undefined; reload: () => void; toggleLanguage: () => void; toggleTheme: () => void }) {
  const { t } = useWords();
  const { token } = theme.useToken();
  const navigate = useNavigate();
  const [fault, setFault] = useState<Error>();
  const leave = () => {
    showKey(undefined);
    if (caller?.kind === "session") void request("/api/v1/session", { method: "DELETE" }).then(reload, setFault);
    else reload();
  };
  const at = chain === "" ? "" : `/${chain}`; // no chain is known before the node has answered
  const entry = (path: string, text: ReactNode) => (
    <NavLink end to={`${at}${path}` || "/"}>
      {text}
    </NavLink>
  );
  return (
    <>
      <a className="skip" href="#content">
        {t("skip")}
      </a>
      <header className="bar" style={{ background: token.colorBgContainer }}>
        <Link className="name" to={at || "/"}>
          {t("title")}
        </Link>
        <nav aria-label={t("title")}>
          {entry("", t("overview"))}
          {entry("/contracts", t("contracts"))}
          {entry("/validators", t("validators"))}
          <NavLink to={`${at}/portal`}>{t("portal")}</NavLink>
          <NavLink to={`${at}/operations`}>{t("operations")}</NavLink>
          <NavLink to={`/verify/${chain}`}>{t("verifyPage")}</NavLink>
        </nav>
        <div className="grow">
          <Search onFault={setFault} />
        </div>
        {names.length > 1 && <Select aria-label={t("chain")} value={chain} options={names.map((value) => ({ value, label: value }))} onChange={(v) => void navigate(`/${v}`)} />}
        {caller !== undefined && caller.kind !== "anonymous" && (
          <Button title={caller.name ?? ""} onClick={leave}>
            {t("logout")}
          </Button>
        )}
        <Button onClick={toggleLanguage}>{t("language2")}</Button>
        <Button icon={<BulbOutlined />} aria-label={t("theme")} onClick={toggleTheme} />
      </header>
      {fault !== undefined && <FaultAlert error={fault} retry={() => setFault(undefined)} />}
    </>
  );
}
