// The sections of the page that are tables; part of the script of report.js.

function summary() {
  const main = document.getElementById("report");
  const one = runs.length === 1;
  main.append(element("h1", {}, one ? runs[0].name : runs.length + " runs"));
  main.append(element("p", { class: "soft" }, "Written " + data.created + " by wavlm-s2i " + data.version));
  const rows = [];
  const add = (title, of) => {
    const cells = runs.map(of);
    if (cells.some((cell) => cell !== null)) {
      rows.push({ cells: [title, ...cells.map((cell) => cell === null ? "–" : cell)] });
    }
  };
  add("Status", (run) => run.status);
  const metrics = [...new Set(runs.flatMap((run) => run.evaluation ? run.evaluation.metrics.map((m) => m.name) : []))];
  add("Test utterances", (run) => run.evaluation ? String(run.evaluation.count) : null);
  for (const name of metrics) {
    add("Test " + name.replaceAll("_", " "), (run) => {
      const metric = run.evaluation && run.evaluation.metrics.find((m) => m.name === name);
      if (!metric) return null;
      const spans = metric.intervals.map((one) =>
        (one.kind ? one.kind.replaceAll("_", " ") : "95%") + " " + interval(one.low, one.high));
      return rounded(metric.value) + (spans.length ? " (" + spans.join("; ") + ")" : "");
    });
  }
  add("Best validation at step", (run) => run.validation && run.validation.best_step !== null
    ? String(run.validation.best_step) : null);
  add("Steps", (run) => run.steps ? String(run.steps.last) : null);
  add("Steps without an update", (run) => run.steps && run.steps.skipped ? String(run.steps.skipped) : null);
  add("Spikes of the loss", (run) => run.steps && run.steps.spikes ? String(run.steps.spikes) : null);
  add("Time in steps", (run) => run.steps ? duration(run.steps.seconds.total) : null);
  add("Utterances per second", (run) => run.steps && run.steps.seconds.total
    ? rounded(run.steps.utterances / run.steps.seconds.total, 3) : null);
  add("Ranks (world size)", (run) => run.world_size === null ? null : String(run.world_size));
  main.append(table(["", ...runs.map((_, i) => runKey(i))], rows));
  runs.forEach((run, index) => {
    if (run.notes.length === 0) return;
    const list = element("ul", { class: "notes" }, ...run.notes.map((note) => element("li", {}, note)));
    main.append(element("div", { class: "soft" }, one ? "" : runKey(index), list));
  });
}

function cellText(count, all, label, predicted, ids) {
  const right = label === predicted ? "recognized" : "taken for " + predicted;
  const missing = count - ids.length;
  return label + " " + right + ": " + count + " of " + all +
    (ids.length ? "\n" + ids.join(", ") + (missing > 0 ? " and " + missing + " more" : "") : "");
}

function confusionMatrix(run) {
  const { intents, confusion } = run.evaluation;
  const ids = new Map(run.cells.map((cell) => [JSON.stringify([cell.label, cell.predicted]), cell.ids]));
  const inspector = element("div", { class: "cell", "aria-live": "polite" },
    "Point at a cell, or tap it: the utterances in it are named here.");
  const head = element("tr", {}, element("th", {}, "label \\ prediction"),
    ...intents.map((name) => element("th", { title: name }, element("span", {}, name))));
  const body = element("tbody");
  confusion.forEach((row, i) => {
    const all = row.reduce((sum, count) => sum + count, 0);
    const cells = row.map((count, j) => {
      const cell = element("td", {}, count ? String(count) : "");
      if (count === 0) return cell;
      const part = count / all;
      cell.style.background = "rgba(var(--" + (i === j ? "right" : "wrong") + ")," + (0.15 + 0.75 * part).toFixed(2) + ")";
      if (part > 0.55) cell.style.color = "var(--paper)";
      const text = cellText(count, all, intents[i], intents[j],
        ids.get(JSON.stringify([intents[i], intents[j]])) || []);
      cell.title = text;
      cell.tabIndex = 0;
      const show = () => { inspector.textContent = text; };
      cell.addEventListener("pointerenter", show);
      cell.addEventListener("focus", show);
      return cell;
    });
    body.append(element("tr", {}, element("th", { title: intents[i] }, intents[i]), ...cells));
  });
  return [element("div", { class: "scroll" }, element("table", { class: "confusion" }, element("thead", {}, head), body)),
    inspector];
}

function frequentMistakes(run) {
  const { intents, confusion } = run.evaluation;
  const mistakes = [];
  confusion.forEach((row, i) => row.forEach((count, j) => {
    if (i !== j && count > 0) mistakes.push({ count, cells: [intents[i], intents[j], number(String(count))] });
  }));
  mistakes.sort((a, b) => b.count - a.count);
  return table(["Label", "Taken for", number("utterances")], mistakes.slice(0, 50));
}

function confusion() {
  if (!runs.some((run) => run.evaluation)) return;
  const node = section("Confusion matrix", "Rows are labels, columns predictions, on the test split. Blue: right, red: " +
    "wrong; the stronger, the larger the share of the row.");
  runs.forEach((run, index) => {
    if (!run.evaluation) return;
    if (runs.length > 1) node.append(element("h3", {}, runKey(index)));
    if (run.evaluation.intents.length > MOST_INTENTS_IN_A_MATRIX) {
      node.append(element("p", {}, "The 50 most frequent confusions: a matrix of " + run.evaluation.intents.length +
        " intents does not fit a page."), frequentMistakes(run));
    } else {
      node.append(...confusionMatrix(run));
    }
  });
}

function worst() {
  if (!runs.some((run) => run.worst.length)) return;
  const node = section("The worst utterances", "Highest loss first: confident mistakes, often wrong labels or cut audio.");
  runs.forEach((run, index) => {
    if (run.worst.length === 0) return;
    if (runs.length > 1) node.append(element("h3", {}, runKey(index)));
    const audible = run.worst.some((one) => one.audio);
    const head = ["Utterance", "Speaker", "Label", "Taken for", number("probability"), number("loss")];
    node.append(table(audible ? [...head, "Audio"] : head, run.worst.map((one) => ({
      cells: [one.id, one.speaker, one.label, one.label === one.predicted ? "recognized" : one.predicted,
        number(share(one.probability)), number(rounded(one.loss, 3)),
        ...(audible ? [one.audio ? element("audio", { controls: "", preload: "none", src: one.audio }) : ""] : [])],
    }))));
  });
}

function settings() {
  const keys = [...new Set(runs.flatMap((run) => Object.keys(run.config)))];
  if (keys.length === 0) return;
  const row = (key) => {
    const values = runs.map((run) => key in run.config ? run.config[key] : "–");
    return { cells: [key, ...values], differs: new Set(values).size > 1 };
  };
  const rows = keys.map(row);
  const differing = rows.filter((one) => one.differs);
  const head = ["Setting", ...runs.map((_, i) => runKey(i))];
  const node = section("Configuration");
  if (runs.length > 1) {
    node.append(element("h3", {}, "What differs"));
    node.append(differing.length ? table(head, differing) : element("p", {}, "Nothing."));
  }
  const all = element("details", {}, element("summary", {}, "All " + keys.length + " settings"), table(
    ["Setting", ...runs.map((_, i) => runKey(i))], rows));
  node.append(all);
}

function machines() {
  if (!runs.some((run) => run.environment)) return;
  const node = section("Hardware and versions");
  runs.forEach((run, index) => {
    const environment = run.environment;
    if (!environment) return;
    if (runs.length > 1) node.append(element("h3", {}, runKey(index)));
    const text = (name) => environment[name] === undefined ? "–" : String(environment[name]);
    node.append(element("p", {}, "wavlm-s2i " + text("version") + ", LibTorch " + text("libtorch") + "; " +
      text("world_size") + " ranks on " + text("nodes") + " nodes; " + text("processor") + "; started " + text("started")));
    node.append(element("pre", {}, text("hardware")));
  });
}
