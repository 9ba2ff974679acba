// Draws loss and delay of each target with uPlot; the table beside it says the same without script.
"use strict";
(() => {
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const dashes = [[], [8, 4], [2, 3], [10, 3, 2, 3], [5, 5], [14, 4]];
  const drawn = new Map();

  function marks(data, words) {
    return {
      hooks: {
        draw: (u) => {
          const c = u.ctx;
          c.save();
          c.textAlign = "left";
          c.textBaseline = "alphabetic";
          c.font = 11 * devicePixelRatio + "px system-ui, sans-serif";
          for (const [at, word, colour] of [[data.began, words.began, css("--down")], [data.restored, words.restored, css("--ok")]]) {
            if (!at || at < u.scales.x.min || at > u.scales.x.max) continue;
            const x = Math.round(u.valToPos(at, "x", true));
            c.strokeStyle = c.fillStyle = colour;
            c.lineWidth = 1.5 * devicePixelRatio;
            c.setLineDash([4, 3]);
            c.beginPath();
            c.moveTo(x, u.bbox.top);
            c.lineTo(x, u.bbox.top + u.bbox.height);
            c.stroke();
            const room = u.bbox.left + u.bbox.width - x;
            const width = c.measureText(word).width + 6;
            c.fillText(word, room > width ? x + 5 : x - width, u.bbox.top + u.bbox.height / 2);
          }
          c.restore();
        },
      },
    };
  }

  function plot(box, data, kind, title, unit, words) {
    // Joined on time: a round that another target did not have is bridged, an unmeasured one is a gap.
    const tables = data.targets.map((target) => [target.t, target[kind]]);
    const joined = uPlot.join(tables, tables.map(() => [0, 1]));
    const text = css("--muted");
    const grid = { stroke: css("--line"), width: 1 };
    const axis = { stroke: text, grid, ticks: grid, font: "11px system-ui, sans-serif" };
    const pad = (n) => String(n).padStart(2, "0");
    const hms = (s) => { const d = new Date(s * 1000); return pad(d.getUTCHours()) + ":" + pad(d.getUTCMinutes()) + ":" + pad(d.getUTCSeconds()); };
    const local = (s) => new Date(s * 1000).toLocaleTimeString(document.documentElement.lang, { hour12: false });
    const abroad = new Date().getTimezoneOffset() !== 0;
    const said = (s) => hms(s) + " UTC" + (abroad ? " · " + local(s) + " " + document.body.dataset.local : "");
    const heading = document.createElement("p");
    heading.className = "charted";
    heading.textContent = title;
    box.append(heading);
    const options = {
      width: box.clientWidth,
      height: kind === "loss" ? 150 : 170,
      cursor: { sync: { key: "linesman" }, y: false, drag: { x: false, y: false } },
      legend: { show: true, live: true },
      scales: {
        x: { range: () => [data.from, data.to] },
        y: { range: kind === "loss" ? () => [0, 104] : (u, low, high) => [0, Math.max(1, (high ?? 1) * 1.15)] },
      },
      axes: [
        { ...axis, space: 64, values: (u, ticks, at, space, step) => ticks.map((tick) => (step < 60 ? hms(tick) : hms(tick).slice(0, 5))) },
        { ...axis, size: 60, values: (u, ticks) => ticks.map((tick) => tick + unit) },
      ],
      series: [
        { label: "UTC", value: (u, at) => (at == null ? "–" : said(at)) },
        ...data.targets.map((target, place) => ({
          label: target.name,
          stroke: css("--c" + (place + 1)),
          width: 1.75,
          dash: dashes[place],
          points: { size: 3.5 },
          value: (u, value) => (value == null ? "–" : value.toFixed(kind === "loss" ? 0 : 2) + unit),
        })),
      ],
      plugins: [marks(data, words)],
    };
    return new uPlot(options, joined, box);
  }

  async function load(chart) {
    const answer = await fetch(chart.dataset.series, { cache: "no-store" });
    if (!answer.ok) return;
    const data = await answer.json();
    for (const old of drawn.get(chart) ?? []) old.destroy();
    chart.replaceChildren();
    if (!data.targets.some((target) => target.t.length)) return;
    const words = { began: chart.dataset.began, restored: chart.dataset.restored };
    chart.setAttribute("aria-hidden", "true");
    drawn.set(chart, [
      plot(chart, data, "loss", chart.dataset.loss, " %", words),
      plot(chart, data, "delay", chart.dataset.delay, " ms", words),
    ]);
  }

  const all = () => { for (const chart of document.querySelectorAll(".chart")) load(chart).catch(() => {}); };
  let last = 0;
  addEventListener("linesman:drawn", () => {
    if (Date.now() - last < 4000 || document.querySelector(".u-over:hover")) return;
    last = Date.now();
    all();
  });
  addEventListener("linesman:swapped", all);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", all);
  let width = innerWidth;
  addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; all(); } });
  all();
})();
