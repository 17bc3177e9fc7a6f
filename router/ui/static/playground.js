// One prompt up the ladder: a lane an attempt, drawn while it is written.
import { base, complaint, make, post } from "./asking.js";

const at = (id) => document.getElementById(id);
const out = at("out");
const shown = at("shown");
const ladder = out.dataset.ladder.split(" ");
let running = null;
let lanes = new Map();

const words = (name) => (name || "").replaceAll("_", " ").toLowerCase();
const number = (value, digits = 2) => (value === null || value === undefined ? "–" : value.toFixed(digits));

const signal = (value) => String(Number(value.toPrecision(3)));

function usd(value) {
  if (!value) return "$0";
  if (value >= 1) return `$${value.toFixed(2)}`;
  const [whole, cents] = value.toFixed(Math.min(9, 2 - Math.floor(Math.log10(value)))).split(".");
  return `$${whole}.${cents.replace(/0+$/, "").padEnd(2, "0")}`;
}

function time(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  return seconds < 1 ? `${(seconds * 1000).toFixed(seconds < 0.0095 ? 1 : 0)} ms` : `${seconds.toFixed(1)} s`;
}

function tone(name) {
  const place = ladder.indexOf(name);
  return place < 0 ? "cx" : `c${place % 7}`;
}

function tier(name) {
  const element = make("span", `tier ${tone(name)}`);
  element.append(make("i"), name);
  return element;
}

function bar(css, share, label) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "share");
  svg.setAttribute("viewBox", "0 0 100 10");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", label);
  for (const [kind, width] of [["share-ground", 100], [css, 100 * Math.min(1, Math.max(0, share || 0))]]) {
    const rect = document.createElementNS(svg.namespaceURI, "rect");
    rect.setAttribute("class", kind);
    rect.setAttribute("width", width.toFixed(2));
    rect.setAttribute("height", "10");
    svg.append(rect);
  }
  return svg;
}

function facts(pairs, css = "across") {
  const list = make("dl", `facts ${css}`);
  for (const [name, value] of pairs) {
    const pair = make("div");
    pair.append(make("dt", "", name), make("dd", "", value));
    list.append(pair);
  }
  return list;
}

// Probability of each token as it comes: a bar a token, the height its probability.
class Pulse {
  constructor(css) {
    this.element = make("div", "pulse-line");
    this.element.hidden = true;
    this.svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    this.svg.setAttribute("class", `tokens ${css}`);
    this.svg.setAttribute("preserveAspectRatio", "none");
    this.svg.setAttribute("role", "img");
    this.mean = make("b");
    this.element.append(make("span", "", "Token probability"), this.svg, this.mean);
    this.values = [];
  }

  add(probabilities) {
    for (const value of probabilities) {
      const rect = document.createElementNS(this.svg.namespaceURI, "rect");
      const height = Math.max(0.6, 24 * value);
      rect.setAttribute("x", String(this.values.length));
      rect.setAttribute("y", (24 - height).toFixed(2));
      rect.setAttribute("width", "0.8");
      rect.setAttribute("height", height.toFixed(2));
      if (value < 0.5) rect.setAttribute("class", "low");
      this.svg.append(rect);
      this.values.push(value);
    }
    const count = this.values.length;
    const mean = this.values.reduce((sum, value) => sum + value, 0) / count;
    this.svg.setAttribute("viewBox", `0 0 ${Math.max(64, count)} 24`);
    this.svg.setAttribute("aria-label", `${count} tokens, mean probability ${mean.toFixed(2)}`);
    this.mean.textContent = mean.toFixed(2);
    this.element.hidden = false;
  }
}

class Lane {
  constructor(told) {
    this.element = make("section", "card lane running");
    this.element.setAttribute("aria-label", `Attempt ${told.number}, ${told.tier}`);
    this.state = make("span", "state", "writing");
    const head = make("div", "card-head");
    const title = make("h2");
    title.append(make("b", "step-number", String(told.number)), tier(told.tier));
    head.append(title, this.state);
    this.tone = tone(told.tier);
    this.text = make("pre", "answer");
    this.pulse = new Pulse(this.tone);
    this.meter = make("div", "confidence");
    this.more = make("div");
    this.element.append(head, make("p", "sub", `why it is asked: ${words(told.reason)}`), this.pulse.element, this.text, this.meter, this.more);
  }

  write(told) {
    this.text.append(told.text);
    if (told.probabilities?.length) this.pulse.add(told.probabilities);
  }

  sure(confidence) {
    if (confidence === null) {
      this.meter.replaceChildren(make("span", "", "Confidence"), make("span", "dim", "none: it was not written to its end"));
      return;
    }
    this.meter.replaceChildren(
      make("span", "", "Confidence"),
      bar(`fill ${this.tone}`, confidence, `confidence ${number(confidence)}`),
      make("b", "", number(confidence, 3)),
    );
  }

  reject(told) {
    this.end("rejected", "warn", words(told.reason));
    const struck = make("s", "", this.text.textContent);
    this.text.replaceChildren(struck);
    if (!struck.textContent) this.text.hidden = true;
    this.sure(told.confidence);
  }

  end(css, tone, said) {
    this.element.classList.remove("running");
    this.element.classList.add(css);
    this.state.className = `state ${tone}`;
    this.state.textContent = said;
  }

  account(report) {
    const signals = make("details");
    const names = Object.keys(report.signals).sort();
    signals.append(make("summary", "", `${names.length} signals`));
    signals.append(facts(names.map((name) => [words(name), signal(report.signals[name])]), "columns"));
    this.more.replaceChildren(
      facts([
        ["Cost", usd(report.cost_usd)],
        ["Latency", time(report.latency_s)],
        ["First token", time(report.first_token_s)],
        ["Tokens", `${report.input_token_count} in, ${report.output_token_count} out`],
        ...report.probes.map((probe) => [`Probe ${probe.name}`, `${probe.tier}, ${words(probe.outcome)}, ${usd(probe.cost_usd)}`]),
      ]),
    );
    if (names.length) this.more.append(signals);
  }
}

function showDecision(told, isAll) {
  const card = make("section", "card");
  const head = make("div", "card-head");
  head.append(make("h2", "", isAll ? "Decision" : "Before anything ran"));
  const first = make("p", "sub");
  first.append("Policy ", make("b", "", told.policy), " asks ", tier(told.tier), ` first: ${words(told.reason)}`);
  const table = make("table");
  const headRow = make("tr");
  for (const [name, css] of [["Tier", ""], ["Predicted quality", "n"], ["", "wide"], ["Predicted cost", "n"], ["May be asked", ""]]) headRow.append(make("th", css, name));
  const rows = told.estimates.map((one) => {
    const row = make("tr");
    const cells = [make("td"), make("td", "n", number(one.quality)), make("td", "wide"), make("td", "n", usd(one.cost_usd)), make("td")];
    cells[0].append(tier(one.tier));
    cells[2].append(bar(`fill ${tone(one.tier)}`, one.quality, `predicted quality ${number(one.quality)}`));
    const why = one.exclusion_reason;
    cells[4].append(make("span", `state ${why ? "warn" : "good"}`, why ? `no: ${words(why)}` : "yes"));
    row.append(...cells);
    return row;
  });
  const headGroup = make("thead");
  const body = make("tbody");
  const scroll = make("div", "scroll");
  headGroup.append(headRow);
  body.append(...rows);
  table.append(headGroup, body);
  scroll.append(table);
  card.append(head, first, scroll);
  shown.append(card);
}

function showResult(told) {
  for (const report of told.attempts) lanes.get(report.number)?.account(report);
  const lane = lanes.get(told.number);
  if (lane) {
    lane.end("accepted", "good", words(told.reason));
    lane.text.textContent = told.text;
    lane.text.hidden = false;
    lane.sure(told.confidence);
  }
  const card = make("section", "card result");
  card.append(make("h2", "", "Answer"));
  const line = make("p", "sub");
  line.append("By ", tier(told.tier), `, ${words(told.reason)}`, told.certificate_id ? `, under certificate ${told.certificate_id.slice(0, 8)}` : "");
  const link = make("a", "", "Its way, as recorded");
  link.href = `${base}/requests/${encodeURIComponent(told.request_id)}`;
  card.append(line, facts([
    ["Confidence", number(told.confidence, 3)],
    ["Cost", usd(told.cost_usd)],
    ["Latency", time(told.latency_s)],
    ["Attempts", String(told.attempts.length)],
    ...Object.entries(told.skipped).map(([name, why]) => [`${name} skipped`, words(why)]),
  ]), link);
  shown.append(card);
  tell(`Answered by ${told.tier} with confidence ${number(told.confidence)} for ${usd(told.cost_usd)}`);
}

function showProblem(said) {
  for (const lane of lanes.values()) if (lane.element.classList.contains("running")) lane.end("failed", "bad", "ended");
  const problem = make("p", "problem", said);
  problem.setAttribute("role", "alert");
  shown.append(problem);
}

function tell(said) {
  at("said").textContent = said;
}

function hear(told) {
  switch (told.event) {
    case "decided": showDecision(told, false); break;
    case "started": {
      const lane = new Lane(told);
      lanes.set(told.number, lane);
      shown.append(lane.element);
      tell(`${told.tier} is asked`);
      break;
    }
    case "text": lanes.get(told.number)?.write(told); break;
    case "rejected": lanes.get(told.number)?.reject(told); tell(`Rejected: ${words(told.reason)}`); break;
    case "result": showResult(told); break;
    case "failed": showProblem(`${told.reason}: ${told.message}`); break;
  }
}

function asked() {
  const value = (id) => { const text = at(id).value.trim(); return text === "" ? null : Number(text); };
  return {
    prompt: at("prompt").value,
    system: at("system").value,
    policy: at("policy").value,
    tenant: at("tenant").value.trim(),
    tags: at("tags").value.split(",").map((tag) => tag.trim()).filter(Boolean),
    min_confidence: value("min_confidence"),
    max_cost_usd: value("max_cost_usd"),
    max_attempt_count: value("max_attempt_count"),
    max_output_token_count: value("max_output_token_count"),
    local_only: at("local_only").checked,
  };
}

function begin() {
  running?.abort();
  running = new AbortController();
  lanes = new Map();
  at("blank").hidden = true;
  shown.replaceChildren();
  tell("");
  return running;
}

async function run() {
  const own = begin();
  at("stop").hidden = false;
  try {
    const answer = await post("/playground/run", asked(), own.signal);
    if (!answer.ok) return showProblem(await complaint(answer));
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let left = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      const lines = (left + value).split("\n");
      left = lines.pop();
      for (const line of lines) hear(JSON.parse(line));
    }
  } catch (error) {
    if (own === running) showProblem(error.name === "AbortError" ? "Stopped." : "The connection broke off.");
  } finally {
    if (own === running) at("stop").hidden = true;
  }
}

async function decide() {
  const own = begin();
  try {
    const answer = await post("/playground/decide", asked(), own.signal);
    if (!answer.ok) return showProblem(await complaint(answer));
    showDecision(await answer.json(), true);
  } catch (error) {
    if (error.name !== "AbortError") showProblem("The connection broke off.");
  }
}

at("ask").addEventListener("submit", (event) => { event.preventDefault(); run(); });
at("decide").addEventListener("click", () => at("ask").reportValidity() && decide());
at("stop").addEventListener("click", () => running?.abort());
at("prompt").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    at("ask").requestSubmit(at("run"));
  }
});
