// Texts whose contrast with the nearest colour behind them is below 4.5; pictures behind are not looked at.
const rgb = (text) => (text.match(/[\d.]+/g) || []).map(Number);
const linear = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
const light = ([r, g, b]) => 0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
const behind = (one) => {
  for (let at = one; at; at = at.parentElement) {
    const colour = rgb(getComputedStyle(at).backgroundColor);
    if (colour.length === 3 || colour[3] === 1) return colour;
  }
  return [255, 255, 255];
};
const leftOut = "[hidden], :disabled, .visually-hidden, .skip, .ghost, option, title, dialog:not([open])";
const faint = new Set();
let seenCount = 0;
for (const one of document.querySelectorAll("body *")) {
  const hasText = [...one.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent.trim());
  if (!hasText || one.closest(leftOut) || !one.checkVisibility({ visibilityProperty: true })) continue;
  const style = getComputedStyle(one);
  const front = light(rgb(one.ownerSVGElement ? style.fill : style.color));
  const back = light(behind(one));
  const contrast = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
  seenCount += 1;
  if (contrast < 4.5) {
    faint.add(`${one.tagName} ${one.getAttribute("class")} ${contrast.toFixed(2)}: ${one.textContent.trim().slice(0, 30)}`);
  }
}
return [seenCount, [...faint]];
