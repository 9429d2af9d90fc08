"use strict";
// Shows the JSON object of the element "data". Names in it are from users: they become text nodes, never HTML.
// A run: name, status, notes; config {setting: text}; environment, world_size; steps {count, curves, seconds, ...};
// validation {step, metrics}; evaluation {metrics, intents, confusion, per_intent, per_speaker}; cells (ids of a cell
// of the confusion matrix); risk {coverage, risk, area}; worst (utterances). What a run lacks is null or empty.

const RUN_COLORS = 8;
const MOST_INTENTS_IN_A_MATRIX = 150;
const PHASES = ["data", "forward", "backward", "reduction", "optimizer", "other", "checkpoint", "validation"];
let runs = [];
let drawn = [];  // charts, to be drawn again when the colors change

function element(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value !== undefined && value !== null) node.setAttribute(name, value);
  }
  for (const child of children) node.append(child);
  return node;
}

function color(name) {
  return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
}

const runColor = (index) => color("run-" + index % RUN_COLORS);

function rounded(value, digits = 4) {
  return typeof value === "number" && Number.isFinite(value) ? String(Number(value.toPrecision(digits))) : "–";
}

const share = (value) => typeof value === "number" ? value.toFixed(3) : "–";

function interval(low, high) {
  return share(low) + " to " + share(high);
}

function duration(seconds) {
  if (!(seconds >= 0)) return "–";
  if (seconds < 120) return rounded(seconds, 3) + " s";
  if (seconds < 7200) return rounded(seconds / 60, 3) + " min";
  return rounded(seconds / 3600, 3) + " h";
}

function section(title, explanation) {
  const node = element("section", {}, element("h2", {}, title));
  if (explanation) node.append(element("p", { class: "soft" }, explanation));
  document.getElementById("report").append(node);
  return node;
}

function table(head, rows) {
  const cell = (tag) => (value) => {
    const isNumber = typeof value === "object" && value !== null && "number" in value;
    return element(tag, { class: isNumber ? "number" : "text" }, isNumber ? value.number : value);
  };
  const body = element("tbody");
  for (const row of rows) {
    body.append(element("tr", { class: row.differs ? "differs" : null }, ...row.cells.map(cell("td"))));
  }
  return element("div", { class: "scroll" }, element("table", {},
    element("thead", {}, element("tr", {}, ...head.map(cell("th")))), body));
}

const number = (text) => ({ number: text });

function runKey(index) {
  const mark = element("span", { class: "key" });
  mark.style.background = "var(--run-" + index % RUN_COLORS + ")";
  return element("span", {}, mark, runs[index].name);
}

// ---- charts

// `make()` gives the configuration of the chart in the current colors.
function chart(parent, name, title, explanation, make, height) {
  const canvas = element("canvas", { role: "img", "aria-label": title });
  const box = element("div", { class: "canvas" }, canvas);
  if (height) box.style.height = height + "px";
  parent.append(element("figure", { "data-chart": name }, element("figcaption", {}, title),
    element("p", { class: "soft" }, explanation), box));
  const entry = { canvas, make, chart: null };
  drawn.push(entry);
  draw(entry);
}

function draw(entry) {
  if (entry.chart) entry.chart.destroy();
  Chart.defaults.color = color("soft");
  Chart.defaults.borderColor = color("line");
  entry.chart = new Chart(entry.canvas, entry.make());
}

function axis(title, extra) {
  return Object.assign({ title: { display: true, text: title }, grid: { color: color("line") } }, extra || {});
}

// `yAxis()` and `lines()` are in the current colors; lines: {label, color, points: [{x, y}], dashed, marked}
function lineChart(parent, name, title, explanation, xTitle, yAxis, lines) {
  const used = () => lines().filter((line) => line.points.some((point) => point.y !== null));
  if (used().length === 0) return;
  chart(parent, name, title, explanation, () => ({
    type: "line",
    data: {
      datasets: used().map((line) => ({
        label: line.label,
        data: line.points,
        borderColor: line.color,
        backgroundColor: line.color,
        borderWidth: line.dashed ? 1.5 : 2,
        borderDash: line.dashed ? [5, 3] : [],
        pointRadius: line.marked || line.points.length < 3 ? 3 : 0,
        pointHitRadius: 6,
        spanGaps: true,
      })),
    },
    options: {
      parsing: false,
      scales: { x: axis(xTitle, { type: "linear" }), y: yAxis() },
      interaction: { mode: "nearest", axis: "x", intersect: false },
      plugins: { legend: { display: used().length > 1, labels: { boxWidth: 14, boxHeight: 2 } } },
    },
  }));
}

function curve(run, name) {
  const curves = run.steps && run.steps.curves;
  return curves && curves[name] ? curves[name].map((y, i) => ({ x: run.steps.step[i], y })) : [];
}

function validationCurve(run, name) {
  const metrics = run.validation && run.validation.metrics;
  return metrics && metrics[name] ? metrics[name].map((y, i) => ({ x: run.validation.step[i], y })) : [];
}

// Of several runs a label begins with the run's name.
const labelOf = (run, what) => runs.length > 1 ? run.name + (what ? ": " + what : "") : what || run.name;

function curves() {
  if (!runs.some((run) => run.steps || run.validation)) return;
  const points = Math.max(...runs.map((run) => run.steps ? run.steps.per_point : 1));
  const node = section("Training", points > 1 ? "A point is the mean of up to " + points + " steps." : "");
  const charts = element("div", { class: "charts" });
  node.append(charts);
  lineChart(charts, "loss", "Loss", "Solid: training. Dashed: validation. Rising validation loss is overfitting.",
    "step", () => axis("cross entropy"), () => runs.flatMap((run, i) => [
      { label: labelOf(run, "training"), color: runColor(i), points: curve(run, "loss") },
      { label: labelOf(run, "validation"), color: runs.length > 1 ? runColor(i) : runColor(1), dashed: true,
        marked: true, points: validationCurve(run, "loss") }]));
  const names = [...new Set(runs.flatMap((run) => Object.keys((run.validation || { metrics: {} }).metrics)))];
  const best = runs.map((run) => run.config["train.best_metric"]).find((name) => names.includes(name) && name !== "loss");
  const shares = names.filter((name) => /^(accuracy|balanced_accuracy|f1_)/.test(name));
  const shown = runs.length > 1 ? [best || shares[0]].filter(Boolean) : shares;
  lineChart(charts, "validation", runs.length > 1 ? "Validation: " + shown[0] : "Validation",
    "Of the utterances held out for validation.", "step", () => axis("", { suggestedMax: 1 }),
    () => runs.flatMap((run, i) => shown.map((name, k) => ({
      label: labelOf(run, runs.length > 1 ? "" : name), color: runColor(runs.length > 1 ? i : k), marked: true,
      points: validationCurve(run, name) }))));
  const single = (name, title, explanation, unit, extra) => lineChart(charts, name, title, explanation, "step",
    () => axis(unit, extra), () => runs.map((run, i) => ({ label: run.name, color: runColor(i), points: curve(run, name) })));
  single("learning_rate", "Learning rate", "After warm-up and schedule.", "");
  single("grad_norm", "Gradient norm", "Before clipping. Peaks go with unstable steps.", "L2 norm");
  single("utterances_per_second", "Throughput", "Of all ranks together.", "utterances/s", { min: 0 });
  single("padding", "Padding", "Fraction of the samples of a batch that is padding.", "fraction", { min: 0 });
}

function timeOf(run) {
  const seconds = Object.assign({}, run.steps && run.steps.seconds);
  const inSteps = ["data", "forward", "backward", "reduction", "optimizer"];
  const known = inSteps.reduce((sum, phase) => sum + (seconds[phase] || 0), 0);
  seconds.other = Math.max(0, (seconds.total || 0) - known);
  seconds.validation = run.validation ? run.validation.seconds : 0;
  return seconds;
}

function time() {
  const timed = runs.filter((run) => run.steps);
  if (timed.length === 0) return;
  const node = section("Where the time went", "Of rank 0. Data: waiting for the loader. Reduction: waiting for the " +
    "gradients of other ranks. Checkpoint: training blocked while weights are copied.");
  const charts = element("div", { class: "charts" });
  node.append(charts);
  chart(charts, "time", "Seconds by phase", "Hover for seconds and percent.", () => ({
    type: "bar",
    data: {
      labels: timed.map((run) => run.name),
      datasets: PHASES.map((phase, i) => ({
        label: phase, data: timed.map((run) => timeOf(run)[phase] || 0), backgroundColor: runColor(i),
      })),
    },
    options: {
      indexAxis: "y",
      scales: { x: axis("seconds", { stacked: true }), y: { stacked: true, grid: { display: false } } },
      plugins: {
        legend: { labels: { boxWidth: 12 } },
        tooltip: { callbacks: { label: (item) => {
          const all = timeOf(timed[item.dataIndex]);
          const sum = PHASES.reduce((total, phase) => total + (all[phase] || 0), 0);
          return item.dataset.label + ": " + duration(item.raw) + ", " + (100 * item.raw / sum).toFixed(1) + "%";
        } } },
      },
    },
  }), 130 + 40 * timed.length);
}

// Bars from the low to the high end of intervals, with a mark at the value.
const valueMarks = {
  id: "valueMarks",
  afterDatasetsDraw(chart) {
    const context = chart.ctx;
    chart.data.datasets.forEach((dataset, index) => {
      if (!dataset.values || !chart.isDatasetVisible(index)) return;
      chart.getDatasetMeta(index).data.forEach((bar, i) => {
        if (typeof dataset.values[i] !== "number") return;
        context.beginPath();
        context.arc(chart.scales.x.getPixelForValue(dataset.values[i]), bar.y, 4, 0, 2 * Math.PI);
        context.fillStyle = dataset.borderColor;
        context.fill();
      });
    });
  },
};

// of(run): a list of {name, count, correct, low, high}.
function intervals(parent, name, title, explanation, of, value) {
  const tested = runs.map((run, index) => ({ run, index })).filter(({ run }) => run.evaluation);
  const names = [...new Set(tested.flatMap(({ run }) => of(run).map((entry) => entry.name)))];
  if (names.length === 0) return;
  const find = (run, key) => of(run).find((entry) => entry.name === key && entry.count > 0);
  const mean = (key) => {
    const found = tested.map(({ run }) => find(run, key)).filter(Boolean).map(value);
    return found.length ? found.reduce((a, b) => a + b, 0) / found.length : 2;
  };
  names.sort((a, b) => mean(a) - mean(b));
  chart(parent, name, title, explanation, () => ({
    type: "bar",
    data: {
      labels: names,
      datasets: tested.map(({ run, index }) => ({
        label: run.name,
        data: names.map((key) => { const e = find(run, key); return e ? [e.low, e.high] : null; }),
        values: names.map((key) => { const e = find(run, key); return e ? value(e) : null; }),
        backgroundColor: runColor(index) + "55",
        borderColor: runColor(index),
        barThickness: 6,
        borderSkipped: false,
        borderRadius: 3,
      })),
    },
    options: {
      indexAxis: "y",
      scales: { x: axis("", { min: 0, max: 1 }), y: { ticks: { autoSkip: false }, grid: { display: false } } },
      plugins: {
        legend: { display: tested.length > 1 },
        tooltip: { callbacks: { label: (item) => {
          const entry = find(tested[item.datasetIndex].run, names[item.dataIndex]);
          return item.dataset.label + ": " + share(value(entry)) + " (" + interval(entry.low, entry.high) + "), " +
            entry.correct + " of " + entry.count;
        } } },
      },
    },
    plugins: [valueMarks],
  }), 90 + names.length * Math.max(22, 12 * tested.length + 8));
}

function figures() {
  if (!runs.some((run) => run.evaluation)) return;
  const node = section("Per intent and per speaker", "Dots are shares on the test split, bars their 95% Wilson " +
    "intervals, lowest first. Two runs whose bars overlap may not differ.");
  const charts = element("div", { class: "charts" });
  node.append(charts);
  intervals(charts, "per_intent", "Recall per intent", "Share of an intent's utterances that were recognized.",
    (run) => run.evaluation.per_intent, (entry) => entry.recall);
  intervals(charts, "per_speaker", "Accuracy per speaker", "Few speakers far below the others: look for their audio.",
    (run) => run.evaluation.per_speaker, (entry) => entry.accuracy);
  runs.forEach((run, index) => {
    if (!run.evaluation) return;
    const rows = run.evaluation.per_intent.map((entry) => ({ cells: [entry.name, number(String(entry.count)),
      number(share(entry.precision)), number(share(entry.recall)), number(interval(entry.low, entry.high)),
      number(share(entry.f1))] }));
    node.append(element("details", {}, element("summary", {}, "Figures per intent: ", runKey(index)),
      table(["Intent", number("utterances"), number("precision"), number("recall"), number("95% interval"),
        number("F1")], rows)));
  });
}

function risk() {
  if (!runs.some((run) => run.risk)) return;
  const node = section("Risk against coverage", "If only the utterances that the model is surest about are answered " +
    "and the others rejected: coverage is the share answered, risk the share of these that is wrong.");
  const charts = element("div", { class: "charts" });
  node.append(charts);
  lineChart(charts, "risk", "Risk against coverage", runs.map((run) => run.risk
    ? labelOf(run, "area under the curve") + " " + rounded(run.risk.area, 3) : "").filter(Boolean).join("; "),
    "coverage", () => axis("risk", { min: 0 }), () => runs.map((run, i) => ({ label: run.name, color: runColor(i),
      points: run.risk ? run.risk.coverage.map((x, k) => ({ x, y: run.risk.risk[k] })) : [] })));
}

let data = null;

function show() {
  data = JSON.parse(document.getElementById("data").textContent);
  runs = data.runs;
  document.title = runs.length === 1 ? runs[0].name + " – report" : runs.length + " runs – report";
  Chart.defaults.animation = false;
  Chart.defaults.responsive = true;
  Chart.defaults.maintainAspectRatio = false;
  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  for (const part of [summary, curves, time, confusion, figures, risk, worst, settings, machines]) part();
}

window.addEventListener("error", (event) => {
  document.getElementById("report").prepend(element("p", { class: "failure" },
    "This page has an error and is not complete: " + event.message));
});
document.addEventListener("DOMContentLoaded", show);
const redraw = () => drawn.forEach(draw);
for (const media of ["(prefers-color-scheme: dark)", "print"]) matchMedia(media).addEventListener("change", redraw);
