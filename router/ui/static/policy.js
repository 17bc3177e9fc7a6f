// The editor: problems beside their lines, what changes, what it would have cost, and putting it into service.
import { base, complaint, get, make, post, put } from "./asking.js";

const at = (id) => document.getElementById(id);
const content = at("content");
const gutter = at("gutter");
const lens = at("lens");
let served = content.value;
let problems = [];
let checking = 0;
let checkNumber = 0;
let hasEscaped = false;

function drawLines() {
  const lines = content.value.split("\n");
  const told = new Map();
  for (const one of problems) if (one.line) told.set(one.line, [...(told.get(one.line) || []), one.message]);
  gutter.replaceChildren(...lines.map((_, index) => make("div", told.has(index + 1) ? "wrong" : "", String(index + 1))));
  lens.replaceChildren(...lines.map((line, index) => {
    const messages = told.get(index + 1);
    const row = make("div", messages ? "wrong" : "");
    row.append(make("span", "ghost", line || " "));
    if (messages) row.append(make("span", "said-here", messages.join("; ")));
    return row;
  }));
  follow();
}

function follow() {
  gutter.scrollTop = content.scrollTop;
  lens.scrollTop = content.scrollTop;
  lens.scrollLeft = content.scrollLeft;
}

function goTo(line) {
  const start = content.value.split("\n").slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
  const end = content.value.indexOf("\n", start);
  content.focus();
  content.setSelectionRange(start, end < 0 ? content.value.length : end);
  content.scrollTop = (line - 4) * parseFloat(getComputedStyle(content).lineHeight);
}

function listProblems() {
  at("problems").replaceChildren(...problems.map((one) => {
    const item = make("li", one.blocks ? "" : "later");
    if (one.line) {
      const jump = make("button", "link", `Line ${one.line}`);
      jump.type = "button";
      jump.addEventListener("click", () => goTo(one.line));
      item.append(jump, " ");
    }
    if (one.key) item.append(make("code", "", one.key), " ");
    item.append(one.message);
    return item;
  }));
}

function drawDiff(place, lines) {
  if (!lines.length) return place.replaceChildren(make("p", "note", "Nothing yet."));
  const kinds = { "+": "added", "-": "removed", "@": "where" };
  const pre = make("pre", "diff");
  for (const line of lines.slice(2)) pre.append(make("span", kinds[line[0]] || "", `${line}\n`));
  const added = lines.slice(2).filter((line) => line[0] === "+").length;
  const removed = lines.slice(2).filter((line) => line[0] === "-").length;
  place.replaceChildren(make("p", "note", `${added} added, ${removed} removed`), pre);
}

function judge(said, tone) {
  at("verdict").textContent = said;
  at("verdict").className = `state ${tone}`;
}

function choose(select, names, first) {
  const chosen = select.value;
  select.replaceChildren(...first, ...names.map((name) => make("option", "", name)));
  if (names.includes(chosen)) select.value = chosen;
}

async function check() {
  const own = ++checkNumber;
  const isChanged = content.value !== served;
  at("revert").disabled = !isChanged;
  if (isChanged) judge("checking…", "");
  const answer = await post("/policy/check", { content: content.value });
  if (own !== checkNumber) return;
  if (!answer.ok) return judge(await complaint(answer), "bad");
  const told = await answer.json();
  problems = isChanged ? told.problems : [];
  const wrong = problems.filter((one) => one.blocks).length;
  const later = problems.length - wrong;
  if (!isChanged) judge("as served", "");
  else if (wrong) judge(`${wrong} problem${wrong > 1 ? "s" : ""}`, "bad");
  else if (later) judge("cannot be applied now", "warn");
  else judge("valid", "good");
  at("review").disabled = !isChanged || problems.length > 0;
  if (at("simulate")) {
    at("simulate").disabled = wrong > 0;
    if (told.policies.length) choose(at("simulate-policy"), told.policies, []);
  }
  drawLines();
  listProblems();
  drawDiff(at("diff"), told.diff);
  drawDiff(at("confirm-diff"), told.diff);
}

function changed() {
  drawLines();
  clearTimeout(checking);
  at("review").disabled = true;
  checking = setTimeout(check, 300);
}

async function simulate() {
  const place = at("simulation");
  at("simulate").disabled = true;
  place.replaceChildren(make("p", "note", "Looking at recorded traffic…"));
  try {
    const wish = { content: content.value, policy: at("simulate-policy").value, against: at("simulate-against").value };
    const answer = await post("/policy/simulate", wish);
    if (answer.ok) put(place, await answer.text());
    else place.replaceChildren(make("p", "problem", await complaint(answer)));
  } finally {
    at("simulate").disabled = false;
  }
}

async function settle(answer) {
  const told = await answer.json();
  at("etag").dataset.etag = told.etag;
  at("etag").textContent = told.etag.slice(0, 8);
  const moved = Object.entries(told.tiers).filter(([, names]) => names.length).map(([what, names]) => `${what} ${names.join(", ")}`);
  put(at("versions"), await get(`${base}/policy/versions`));
  return `served since now${moved.length ? `: ${moved.join("; ")}` : ""}`;
}

async function apply() {
  const problem = at("confirm-problem");
  problem.hidden = true;
  at("apply").disabled = true;
  try {
    const wish = { content: content.value, etag: at("etag").dataset.etag, allow_unready_tiers: at("allow-unready").checked };
    const answer = await post("/policy/apply", wish);
    if (!answer.ok) {
      problem.textContent = await complaint(answer);
      problem.hidden = false;
      return;
    }
    served = content.value;
    const said = await settle(answer);
    at("confirm").close();
    await check();
    judge(said, "good");
  } finally {
    at("apply").disabled = false;
  }
}

async function rollBack(version) {
  if (!confirm(`Serve version ${version} again?`)) return;
  const answer = await post("/policy/rollback", { version, etag: at("etag").dataset.etag });
  if (answer.ok) location.reload();
  else judge(await complaint(answer), "bad");
}

content.addEventListener("input", changed);
content.addEventListener("scroll", follow);
content.addEventListener("keydown", (event) => {
  // Tab indents; after Escape it leaves the editor, so that the keyboard is not caught in it.
  if (event.key === "Escape") hasEscaped = true;
  else if (event.key === "Tab" && !event.shiftKey && !hasEscaped) {
    event.preventDefault();
    content.setRangeText("  ", content.selectionStart, content.selectionEnd, "end");
    changed();
  } else if (event.key !== "Shift") hasEscaped = false;
});
content.addEventListener("focus", () => { hasEscaped = false; });
at("revert").addEventListener("click", () => { content.value = served; changed(); });
at("review").addEventListener("click", () => at("confirm").showModal());
at("apply").addEventListener("click", apply);
at("simulate")?.addEventListener("click", simulate);
at("versions").addEventListener("click", (event) => {
  const version = event.target.dataset?.rollback;
  if (version) rollBack(Number(version));
});
addEventListener("beforeunload", (event) => { if (content.value !== served) event.preventDefault(); });
drawLines();
