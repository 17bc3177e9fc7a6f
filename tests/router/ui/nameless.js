// Controls and pictures that nothing tells a screen reader about.
const named = (one) =>
  one.getAttribute("aria-label") || one.labels?.length || one.innerText?.trim() || one.title;
const controls = document.querySelectorAll("input:not([type=hidden]), select, textarea, button, a, svg[role=img]");
const isShown = (one) => !one.closest("dialog:not([open]), [hidden]");
return [...controls].filter((one) => isShown(one) && !named(one)).map((one) => one.outerHTML.slice(0, 120));
