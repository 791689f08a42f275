/** The statistics of a contract, for a desk and, in full screen, for a wall (大屏). It follows the chain. */
import { FullscreenExitOutlined, FullscreenOutlined } from "@ant-design/icons";
import { Button, Card, ConfigProvider, Empty, Skeleton, theme } from "antd";
import { type CSSProperties, useEffect, useRef, useState } from "react";
import { Link, useParams } from "react-router";
import { chainPath, type Interface, type MirroredStatistic, type Status, useLoad } from "../api.ts";
import { interfacePath, statisticsOf, storedRecords, zone } from "../bundle.ts";
import { to, useChain } from "../chain.tsx";
import { FaultAlert } from "../parts/fault.tsx";
import { Figure } from "../parts/figure.tsx";
import { MirrorNotice } from "../parts/mirror.tsx";
import { useWords } from "../words.ts";

const everyMs = 10_000;

/** wallShape has all cards of a wall seen at once. */
function wallShape(cards: number): CSSProperties {
  const columns = Math.min(cards, cards <= 4 ? 2 : 3) || 1;
  return { "--columns": columns, "--rows": Math.ceil(cards / columns) || 1 } as CSSProperties;
}

export default function BoardPage() {
  const { t, language } = useWords();
  const chain = useChain();
  const { contract = "", name } = useParams();
  const face = useLoad<Interface>(interfacePath(chain, contract));
  const box = useRef<HTMLDivElement>(null);
  const [full, setFull] = useState(false);
  useEffect(() => {
    const changed = () => setFull(document.fullscreenElement !== null);
    addEventListener("fullscreenchange", changed);
    return () => removeEventListener("fullscreenchange", changed);
  }, []);
  if (face.error) return <FaultAlert error={face.error} retry={face.reload} />;
  if (!face.data) return <Skeleton active />;
  const of = face.data;
  const boards = Object.entries(of.bundle.dashboards ?? {});
  const cards = statisticsOf(of, name);
  const shown = name ?? boards[0]?.[0];
  const title = boards.find(([n]) => n === shown)?.[1].title[language] ?? t("statistics");
  const board = (
    <>
      <div className="boardHead">
        <h1>
          {of.bundle.title?.[language] ?? contract} · {title}
        </h1>
        <Pulse />
        <Button icon={full ? <FullscreenExitOutlined /> : <FullscreenOutlined />} onClick={() => void (full ? document.exitFullscreen() : box.current?.requestFullscreen())}>
          {full ? t("leaveFullScreen") : t("fullScreen")}
        </Button>
      </div>
      <MirrorNotice />
      {cards.length === 0 && <Empty description={<>{t("noStatistics")}<br />{t("noStatisticsHint")}</>} />}
      <div className="board" style={wallShape(cards.length)}>
        {cards.map((c) => (
          <StatisticCard key={c} contract={contract} name={c} title={of.bundle.statistics?.[c]?.title?.[language] ?? c} />
        ))}
      </div>
    </>
  );
  return (
    <>
      <p className="links">
        <Link to={to(chain, "contract", contract)}>{t("contract")}</Link>
        {storedRecords(of).map((r) => (
          <Link key={r} to={to(chain, "records", contract, r)}>
            {of.bundle.records?.[r]?.title?.[language] ?? r}
          </Link>
        ))}
        {boards.length > 1 &&
          boards.map(([n, b]) => (
            <Link key={n} to={to(chain, "board", contract, n)} aria-current={n === shown ? "page" : undefined}>
              {b.title[language]}
            </Link>
          ))}
      </p>
      <div ref={box} className={full ? "wall" : ""}>
        {full ? <ConfigProvider theme={{ algorithm: theme.darkAlgorithm, token: { colorPrimary: "#3fa7ff", colorLink: "#3fa7ff", colorTextDescription: "rgba(255, 255, 255, 0.75)", fontSize: 18 } }}>{board}</ConfigProvider> : board}
      </div>
    </>
  );
}

/** Pulse shows that the chain lives: its height and the time of its newest block. */
function Pulse() {
  const { t, time } = useWords();
  const chain = useChain();
  const { data } = useLoad<Status>(chainPath(chain, "status"), everyMs);
  return (
    <span className="grow quiet" aria-live="off">
      {data && `${chain} · ${t("height")} ${data.height} · ${time(data.blockTime)}`}
    </span>
  );
}

function StatisticCard({ contract, name, title }: { contract: string; name: string; title: string }) {
  const chain = useChain();
  const { data, error, reload } = useLoad<MirroredStatistic>(`${chainPath(chain, "mirror", "statistics", contract, name)}?zone=${zone()}`, everyMs);
  return (
    <Card size="small">
      {error && <FaultAlert error={error} retry={reload} />}
      {data ? <Figure of={data} title={title} /> : error === undefined && <Skeleton active />}
    </Card>
  );
}
