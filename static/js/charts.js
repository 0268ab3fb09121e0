/* <canvas data-chart="line|bar|doughnut" data-source="id"> drawn from the JSON in <script type="application/json" id="id">:
   {labels, series: [{label, tone, values, links?}], money?: "EUR", stacked?}. A click follows the point's link.
   Colors are the tokens', again when the theme changes. */

const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const toneColor = (tone) => token(tone === "accent" || !tone ? "accent" : `${tone}-line`);
const drawn = new Map();

const draw = (canvas) => {
  const source = JSON.parse(document.getElementById(canvas.dataset.source).textContent);
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
      animation: false, responsive: true, maintainAspectRatio: false, interaction: { mode: round ? "nearest" : "index", intersect: round },
      color: ink, font: { family: token("font-sans") },
      onClick: (event, hits) => { const hit = hits[0]; const link = hit && datasets[hit.datasetIndex].links?.[hit.index]; if (link) location.assign(link); },
      plugins: {
        legend: { display: round || datasets.length > 1, position: round ? "right" : "top", align: "end", labels: { boxWidth: 8, boxHeight: 8, usePointStyle: true, color: token("ink-2"), font: { size: 12 } } },
        tooltip: { callbacks: { label: (item) => ` ${item.dataset.label ?? item.label}: ${number.format(round ? item.raw : item.parsed.y)}` } },
      },
      scales: round ? {} : {
        x: { stacked: Boolean(source.stacked), grid: { display: false }, border: { color: token("line") }, ticks: { color: ink, maxRotation: 0, autoSkipPadding: 16, font: { size: 12 } } },
        y: { stacked: Boolean(source.stacked), beginAtZero: true, grid: { color: token("line") }, border: { display: false }, ticks: { color: ink, maxTicksLimit: 5, precision: 0, font: { size: 12 } } },
      },
    },
  }));
};

const drawAll = () => { if (window.Chart) for (const canvas of document.querySelectorAll("canvas[data-chart]")) draw(canvas); };
drawAll();
document.addEventListener("themechange", drawAll);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => setTimeout(drawAll));
