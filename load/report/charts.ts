/** Pictures of a run as SVG, drawn by Apache ECharts without a browser. */
import { LineChart } from "echarts/charts";
import { GridComponent, LegendComponent, TitleComponent } from "echarts/components";
import * as echarts from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import type { Percentiles } from "../measuring/latency.ts";
import type { Chart } from "./outcome.ts";

echarts.use([LineChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);

export interface Line {
  name: string;
  points: [x: number, y: number][];
  /** The second axis, on the right. */
  right?: boolean;
}

interface Axis {
  name: string;
  type?: "value" | "log";
  label?: (value: number) => string;
}

const WIDTH = 900;
const HEIGHT = 420;

/** Latency over the share of requests that were at most so slow; every step to the right halves or tenths the rest. */
export function percentileChart(file: string, title: string, latencies: Record<string, Percentiles>): Chart {
  const lines = Object.entries(latencies).map(
    ([name, { curve }]): Line => ({
      name,
      points: curve.map(([share, ms]) => [1 / (1 - share), Math.max(0.01, ms)]),
    }),
  );
  const x: Axis = {
    name: "percentile",
    type: "log",
    label: (value) => `${Number((100 - 100 / value).toFixed(4))}`,
  };
  return lineChart(file, title, lines, x, { name: "ms", type: "log" });
}

/** Values over the seconds of a run. */
export function timeChart(file: string, title: string, lines: Line[], left: string, right?: string): Chart {
  return lineChart(
    file,
    title,
    lines,
    { name: "s" },
    { name: left },
    right === undefined ? undefined : { name: right },
  );
}

export function lineChart(
  file: string,
  title: string,
  lines: Line[],
  x: Axis,
  left: Axis,
  right?: Axis,
): Chart {
  const chart = echarts.init(null, null, { renderer: "svg", ssr: true, width: WIDTH, height: HEIGHT });
  chart.setOption({
    animation: false,
    backgroundColor: "#ffffff",
    title: { text: title, left: "center" },
    legend: { bottom: 4, itemGap: 24, data: lines.map(({ name }) => name) },
    grid: { left: 70, right: right ? 70 : 30, top: 60, bottom: 80 },
    xAxis: { ...axis(x), nameLocation: "middle", nameGap: 28 },
    yAxis: [axis(left), ...(right ? [axis(right)] : [])],
    series: lines.map(({ name, points, right: onRight }) => ({
      name,
      type: "line",
      showSymbol: points.length < 20,
      yAxisIndex: onRight && right ? 1 : 0,
      data: points,
    })),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return { file, title, svg };
}

function axis({ name, type = "value", label }: Axis) {
  return {
    name,
    type,
    min: type === "log" ? undefined : 0,
    ...(label && { axisLabel: { formatter: label } }),
  };
}
