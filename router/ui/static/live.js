// Fetches the moving part of a page anew: as wide as there is room, and again while somebody looks.
import { get, put } from "./asking.js";

const place = document.querySelector("[data-live]");
const pause = document.getElementById("pause");
const said = document.getElementById("said");
const everyMs = Number(place.dataset.every || 0) * 1000;
let isPaused = false;
let isAsking = false;
let askedWidth = 0;

function chartWidth() {
  const card = place.querySelector(".grid-2 > .card");
  const style = card ? getComputedStyle(card) : null;
  const inside = card ? card.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight) : place.clientWidth;
  return Math.max(260, Math.floor(inside));
}

async function refresh() {
  if (isAsking || document.hidden) return;
  isAsking = true;
  askedWidth = chartWidth();
  const at = new URL(place.dataset.live, location.href);
  at.searchParams.set("width", String(askedWidth));
  try {
    const html = await get(at);
    const open = [...place.querySelectorAll("details[open]")].map((one) => one.id);
    const focused = document.activeElement?.closest?.("details")?.id;
    put(place, html);
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    if (focused) document.getElementById(focused)?.querySelector("summary").focus();
    place.classList.remove("stale");
    if (said) said.textContent = "";
  } catch (error) {
    place.classList.add("stale");
    if (said) said.textContent = `Figures are no longer fresh: ${error.message}`;
  } finally {
    isAsking = false;
  }
}

pause?.addEventListener("click", () => {
  isPaused = !isPaused;
  pause.setAttribute("aria-pressed", String(isPaused));
  pause.lastElementChild.textContent = isPaused ? "Paused" : "Live";
  if (!isPaused) refresh();
});

let resizing = 0;
addEventListener("resize", () => {
  clearTimeout(resizing);
  resizing = setTimeout(() => chartWidth() !== askedWidth && refresh(), 150);
});
document.addEventListener("visibilitychange", () => !isPaused && everyMs && refresh());
refresh();
if (everyMs) setInterval(() => !isPaused && refresh(), everyMs);
