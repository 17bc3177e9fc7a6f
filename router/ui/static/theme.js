// Colours before the first paint: as the system has them, or as was chosen here.
"use strict";
(() => {
  const KEY = "upshift-theme";
  const NAMES = { auto: "Auto", light: "Light", dark: "Dark" };
  const chosen = () => {
    try { return localStorage.getItem(KEY) || "auto"; } catch { return "auto"; }
  };
  const show = (theme) => {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  };
  show(chosen());
  document.addEventListener("DOMContentLoaded", () => {
    document.querySelector('nav [aria-current="page"]')?.scrollIntoView({ inline: "center", block: "nearest" });
    const button = document.getElementById("theme");
    const tell = () => {
      document.getElementById("theme-name").textContent = NAMES[chosen()];
      button.setAttribute("aria-label", `Colours: ${NAMES[chosen()]}`);
    };
    tell();
    button.addEventListener("click", () => {
      const order = Object.keys(NAMES);
      const next = order[(order.indexOf(chosen()) + 1) % order.length];
      try { localStorage.setItem(KEY, next); } catch { /* it holds for this page only */ }
      show(next);
      tell();
    });
  });
})();
