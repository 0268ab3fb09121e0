/* <canvas data-chart="line|bar|doughnut" data-source="id"> drawn from the JSON in <script type="application/json" id="id">:
   {labels, series: [{label, tone, values, links?}], money?: "EUR", stacked?}. Or data-table="id": from that table, whose heads
   name the series (data-tone), whose rows begin with their label, whose cells carry data-value and a link.
   A click follows the point's link. Colors are the tokens', again when the theme changes. */

const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const toneColor = (tone) => token(tone === "accent" || !tone ? "accent" : `${tone}-line`);
const drawn = new Map();

const fromTable = (canvas) => {
  const table = document.getElementById(canvas.dataset.table);
  const rows = [...table.tBodies[0].rows];
  const series = [...table.tHead.rows[0].cells].slice(1).map((head, at) => {
    const cells = rows.map((row) => row.cells[at + 1]);
    return {
      label: head.textContent, tone: head.dataset.tone, values: cells.map((cell) => Number(cell.dataset.value)),
      links: cells.map((cell) => cell.querySelector("a")?.getAttribute("href")), tones: rows.map((row) => row.cells[0].dataset.tone),
    };
  });
  return {
    labels: rows.map((row) => row.cells[0].textContent), series, money: canvas.dataset.money, stacked: "stacked" in canvas.dataset,
    lying: "lying" in canvas.dataset,
  };
};

const draw = (canvas) => {
  const source = canvas.dataset.table ? fromTable(canvas) : JSON.parse(document.getElementById(canvas.dataset.source).textContent);
  const kind = canvas.dataset.chart;
  const round = kind === "doughnut";
  const ink = token("ink-3");
  const number = new Intl.NumberFormat("en", source.money ? { style: "currency", currency: source.money } : {});
  const datasets = source.series.map((series) => {
    const color = round ? (series.tones ?? []).map(toneColor) : toneColor(series.tone);
    return {
      label: series.label, data: series.values, links: series.links, borderColor: round ? token("surface") : color,
      backgroundColor: kind === "line" ? `color-mix(in srgb, ${color} 10%, transparent)` : color,
      borderWidth: kind === "bar" ? 0 : 2, borderRadius: 3, maxBarThickness: 28, pointRadius: 0, pointHitRadius: 16, pointHoverRadius: 4, tension: 0.25,
      pointBackgroundColor: round ? undefined : color,
    };
  });
  drawn.get(canvas)?.destroy();
  drawn.set(canvas, new window.Chart(canvas, {
    type: kind,
    data: { labels: source.labels, datasets },
    options: {
      animation: false, responsive: true, maintainAspectRatio: false, indexAxis: source.lying ? "y" : "x",
      interaction: round ? { mode: "nearest", intersect: true } : { mode: "index", intersect: false, axis: source.lying ? "y" : "x" },
      onHover: (event, hits) => { canvas.style.cursor = hits.some((hit) => datasets[hit.datasetIndex].links?.[hit.index]) ? "pointer" : ""; },
      color: ink, font: { family: token("font-sans") },
      // What lies under the pointer itself; beside it the nearest of that day.
      onClick: (event, hits, chart) => {
        const under = chart.getElementsAtEventForMode(event, "nearest", { intersect: true }, true);
        const link = [...under, ...hits].map((hit) => datasets[hit.datasetIndex].links?.[hit.index]).find(Boolean);
        if (link) location.assign(link);
      },
      plugins: {
        legend: { display: round || datasets.length > 1, position: round ? "right" : "top", align: "end", labels: { boxWidth: 8, boxHeight: 8, usePointStyle: true, color: token("ink-2"), font: { size: 12 } } },
        tooltip: { callbacks: { label: (item) => ` ${item.dataset.label ?? item.label}: ${number.format(item.raw)}` } },
      },
      scales: round ? {} : {
        [source.lying ? "y" : "x"]: { stacked: Boolean(source.stacked), grid: { display: false }, border: { color: token("line") }, ticks: { color: ink, maxRotation: 0, autoSkipPadding: 16, autoSkip: !source.lying, font: { size: source.lying && canvas.clientWidth < 420 ? 10 : 12 } } },
        [source.lying ? "x" : "y"]: { stacked: Boolean(source.stacked), beginAtZero: true, grid: { color: token("line") }, border: { display: false }, ticks: { color: ink, maxTicksLimit: 5, precision: 0, font: { size: 12 } } },
      },
    },
  }));
};

const drawAll = () => { if (window.Chart) for (const canvas of document.querySelectorAll("canvas[data-chart]")) draw(canvas); };
drawAll();
document.addEventListener("contentadded", (event) => { if (event.detail.querySelector?.("canvas[data-chart]")) drawAll(); });
document.addEventListener("themechange", drawAll);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => setTimeout(drawAll));
