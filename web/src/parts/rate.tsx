/** How many transactions the newest blocks hold. */
import { theme } from "antd";
import { BarChart } from "echarts/charts";
import { GridComponent, TooltipComponent } from "echarts/components";
import * as echarts from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { useEffect, useRef, useState } from "react";
import { type Block, chainPath, get, type Header } from "../api.ts";
import { useWords } from "../words.ts";

echarts.use([BarChart, GridComponent, TooltipComponent, CanvasRenderer]);

/** useCounts learns each block's number of transactions once. */
function useCounts(chain: string, headers: Header[]): Map<number, number> {
  const known = useRef(new Map<string, number>());
  const [counts, setCounts] = useState(new Map<number, number>());
  useEffect(() => {
    let stopped = false;
    void (async () => {
      for (const h of headers) {
        if (known.current.has(h.hash)) continue;
        try {
          known.current.set(h.hash, (await get<Block>(chainPath(chain, "blocks", h.height))).txCount);
        } catch {
          return; // the page says so: its own requests fail too
        }
        if (stopped) return;
      }
      setCounts(new Map(headers.map((h) => [h.height, known.current.get(h.hash) ?? 0])));
    })();
    return () => {
      stopped = true;
    };
  }, [chain, headers]);
  return counts;
}

export default function RateChart({ chain, headers }: { chain: string; headers: Header[] }) {
  const { t } = useWords();
  const { token } = theme.useToken();
  const counts = useCounts(chain, headers);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (box.current === null) return;
    const chart = echarts.init(box.current);
    const fit = () => chart.resize();
    addEventListener("resize", fit);
    const heights = [...counts.keys()].sort((a, b) => a - b);
    chart.setOption({
      animation: false,
      grid: { left: 40, right: 8, top: 16, bottom: 24 },
      tooltip: { trigger: "axis" },
      xAxis: { type: "category", data: heights.map(String), axisLabel: { color: token.colorText } },
      yAxis: { type: "value", minInterval: 1, axisLabel: { color: token.colorText }, splitLine: { lineStyle: { color: token.colorBorderSecondary } } },
      series: [{ type: "bar", name: t("transactions"), data: heights.map((h) => counts.get(h)), itemStyle: { color: token.colorLink } }],
    });
    return () => {
      removeEventListener("resize", fit);
      chart.dispose();
    };
  }, [counts, t, token]);
  return <div ref={box} className="chart" role="img" aria-label={t("txRate")} />;
}
