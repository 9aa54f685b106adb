/** How the figures of a steady rate of sends are told. */
import { describeGenerator } from "../measuring/generator-verdict.ts";
import { percentileChart, timeChart } from "../report/charts.ts";
import {
  type Chart,
  mebibytes,
  microseconds,
  milliseconds,
  number,
  percent,
  type Table,
  tallied,
} from "../report/outcome.ts";
import type { CheckResult, Moment, SendResult } from "./measurement.ts";

/** Cores that other programs may use before a reader is told. */
const DISTURBED = 0.1;

export function sendTables(result: SendResult, check: CheckResult): Table[] {
  return [throughputTable(result, check), latencyTable(result), costTable(result)];
}

function throughputTable(result: SendResult, check: CheckResult): Table {
  const { window, intended, sent, acked, delivered, refused, unanswered } = result;
  const perSecond = (count: number) => `${number(Math.round(count / window))}/s`;
  return {
    title: "Throughput and correctness",
    columns: ["measure", "value"],
    rows: [
      ["asked for", perSecond(intended)],
      ["sent", perSecond(sent)],
      ["acknowledged", perSecond(acked)],
      ["delivered", perSecond(delivered)],
      ["refused (whole run)", tallied(refused) || "0"],
      ["without an answer (whole run)", number(unanswered)],
      ["missing", number(check.missing)],
      ["doubled", number(check.doubled)],
      ["out of order", number(check.disordered)],
      ["checked (client, room) pairs", number(check.checked)],
    ],
  };
}

function latencyTable({ ack, delivery, lateness }: SendResult): Table {
  const row = (name: string, { p50, p90, p99, p999, max }: typeof ack) => [
    name,
    ...[p50, p90, p99, p999, max].map(milliseconds),
  ];
  return {
    title: "Latency from the intended send time",
    columns: ["of", "p50", "p90", "p99", "p99.9", "max"],
    rows: [
      row("acknowledgement", ack),
      row("delivery", delivery),
      row("of it: the generator's own lateness", lateness),
    ],
  };
}

function costTable({
  window,
  acked,
  delivered,
  server,
  database,
  generatorCpu,
  machine,
  othersCpu,
}: SendResult): Table {
  const row = (name: string, cpu: number, rss: number | null) => [
    name,
    percent(cpu / window),
    microseconds(cpu / acked),
    microseconds(cpu / delivered),
    rss === null ? "–" : mebibytes(rss),
  ];
  return {
    title: "Cost",
    columns: ["process", "CPU (of one core)", "CPU per send", "CPU per delivery", "RSS at the end"],
    rows: [
      ...(server ? [row("server", server.cpu, server.rss)] : []),
      ...(database ? [row("database", database.cpu, null)] : []),
      row("generator", generatorCpu, null),
      ...(othersCpu === null
        ? []
        : [["everything else on the machine", percent(othersCpu / window), "–", "–", "–"]]),
      ["machine (share of all cores)", percent(machine), "–", "–", "–"],
    ],
  };
}

export function sendCharts({ ack, delivery, series }: SendResult): Chart[] {
  const line = (name: string, value: (moment: Moment) => number, right = false) => ({
    name,
    points: series.map((moment): [number, number] => [
      Number(moment.at.toFixed(2)),
      Math.round(value(moment)),
    ]),
    right,
  });
  const charts = [
    percentileChart("latency", "Latency from the intended send time", { acknowledgement: ack, delivery }),
    timeChart(
      "throughput",
      "Throughput and queue",
      [
        line("sent", ({ sent }) => sent),
        line("acknowledged", ({ acked }) => acked),
        line("delivered", ({ delivered }) => delivered),
        line("sends without an answer (right)", ({ unanswered }) => unanswered, true),
      ],
      "per second",
      "sends",
    ),
  ];
  const hasMemory = series.some(({ rss }) => rss > 0);
  const memory = () =>
    timeChart("memory", "Memory of the server", [line("RSS", ({ rss }) => rss / 2 ** 20)], "MiB");
  return hasMemory ? [...charts, memory()] : charts;
}

/** What a reader has to know of how the figures came about. */
export function sendNotes({ window, othersCpu, loads }: SendResult): string[] {
  const others = (othersCpu ?? 0) / window;
  const disturbed = `other programs used ${percent(others)} of a core meanwhile: on a quiet machine the figures would be better`;
  return [describeGenerator(loads), ...(others > DISTURBED ? [disturbed] : [])];
}

/** Without pictures and curves. */
export function sendFigures(result: SendResult, check: CheckResult): Record<string, unknown> {
  const { window, acked, delivered, server, database } = result;
  const perUnit = (cpu: number | undefined, count: number) => (cpu === undefined ? null : cpu / count);
  return {
    ...result,
    check,
    ackedPerSecond: acked / window,
    deliveredPerSecond: delivered / window,
    serverCpuPerSend: perUnit(server?.cpu, acked),
    serverCpuPerDelivery: perUnit(server?.cpu, delivered),
    databaseCpuPerSend: perUnit(database?.cpu, acked),
  };
}
