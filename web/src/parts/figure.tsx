/** A statistic of a bundle as a chart: a line over time, bars over groups, or one number. */
import { Empty, Statistic, theme } from "antd";
import { BarChart, LineChart } from "echarts/charts";
import { GridComponent, TooltipComponent } from "echarts/components";
import * as echarts from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { useEffect, useRef } from "react";
import type { MirroredStatistic } from "../api.ts";
import { useWords } from "../words.ts";

echarts.use([BarChart, LineChart, GridComponent, TooltipComponent, CanvasRenderer]);

const calendar = ["day", "month", "year"];
const maxBars = 12;

export function Figure({ of, title }: { of: MirroredStatistic; title: string }) {
  const { t } = useWords();
  const { token } = theme.useToken();
  const box = useRef<HTMLDivElement>(null);
  const byTime = calendar.includes(of.by ?? "");
  const groups = byTime ? of.groups : of.groups.slice(0, maxBars).reverse();
  const said = JSON.stringify(groups);
  useEffect(() => {
    if (box.current === null) return;
    const chart = echarts.init(box.current);
    const fit = new ResizeObserver(() => chart.resize());
    fit.observe(box.current);
    const shown = JSON.parse(said) as MirroredStatistic["groups"];
    const names = { type: "category" as const, data: shown.map((g) => g.group || "—"), axisLabel: { color: token.colorText, width: 110, overflow: "truncate" as const } };
    const values = { type: "value" as const, ...(shown.every((g) => Number.isInteger(Number(g.value))) ? { minInterval: 1 } : {}), axisLabel: { color: token.colorTextSecondary }, splitLine: { lineStyle: { color: token.colorBorderSecondary } } };
    chart.setOption({
      animation: false,
      grid: { left: byTime ? 48 : 124, right: 20, top: 12, bottom: 28 },
      tooltip: { trigger: "axis", confine: true },
      xAxis: byTime ? names : values,
      yAxis: byTime ? values : names,
      series: [{ type: byTime && shown.length > 2 ? "line" : "bar", name: title, data: shown.map((g) => Number(g.value)), areaStyle: byTime && shown.length > 2 ? { opacity: 0.2 } : undefined, barMaxWidth: 36, itemStyle: { color: token.colorLink } }],
    });
    return () => {
      fit.disconnect();
      chart.dispose();
    };
  }, [said, byTime, title, token]);
  return (
    <>
      <Statistic title={`${title} · ${t("total")}`} value={of.total} {...(of.unit ? { suffix: of.unit } : {})} />
      {of.by && (groups.length > 0 ? <div ref={box} className="figure" role="img" aria-label={`${title}: ${groups.map((g) => `${g.group} ${g.value}`).join(", ")}`} /> : <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t("noFigures")} />)}
    </>
  );
}
