"use strict";
(() => {
  const specs = JSON.parse(document.getElementById("specs").textContent);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const day = 24 * 3600 * 1000;
  const control = (id) => document.getElementById(id);
  const views = {};

  // Neighbours in the stack differ in lightness, so that the order can be read without colour as well.
  const palette = {
    light: ["#1f5a8c", "#e8a33d", "#3c7d5b", "#d98a8a", "#6a4a8c", "#a9c26b", "#2f8f9d", "#b9b4aa"],
    dark: ["#5b9bd0", "#f2c879", "#5fa583", "#efb3ae", "#a283c9", "#d0e39b", "#4fb3c1", "#77736b"],
  };

  const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  const theme = () => {
    const [ink, quiet, line, accent, paper] = ["--ink", "--quiet", "--line", "--accent", "--paper"].map(style);
    const font = getComputedStyle(document.body).fontFamily;
    return {
      background: null, font, padding: { left: 1, right: 1, top: 4, bottom: 4 }, view: { stroke: null },
      axis: { labelColor: quiet, titleColor: quiet, gridColor: line, domainColor: line, tickColor: line, labelFontSize: 12,
        titleFontSize: 12, titleFontWeight: "normal", labelFont: font, titleFont: font, labelFlush: true, labelBound: true },
      axisY: { domain: false, ticks: false },
      legend: { orient: "top", labelColor: ink, labelFontSize: 12, labelFont: font, symbolType: "square", symbolStrokeWidth: 0,
        columns: Math.max(2, Math.floor(control("timeline").clientWidth / 170)), labelLimit: 140, offset: 12 },
      text: { color: ink, fontSize: 13, font },
      bar: { color: accent }, line: { color: accent }, point: { color: accent },
      style: { bar: { stroke: paper } },
      range: { category: palette[dark.matches ? "dark" : "light"] },
      numberFormat: ",d",
    };
  };

  const set = (spec, values) => {
    for (const one of spec.params || []) if (one.name in values) one.value = values[one.name];
    return spec;
  };

  const chosen = () => {
    const option = control("period").selectedOptions[0];
    return { period: option.value, first: Date.parse(option.dataset.first), last: Date.parse(option.dataset.last) };
  };

  const usualUnit = ({ first, last }) => {
    const days = (last - first) / day + 1;
    return days <= 92 ? "day" : days <= 550 ? "week" : "month";
  };

  // The first day of the bucket that holds `time`, or of one some buckets later.
  const bucket = (time, unit, later = 0) => {
    const at = new Date(time);
    const [years, months, days] = [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate()];
    if (unit === "year") return Date.UTC(years + later, 0);
    if (unit === "month") return Date.UTC(years, months + later);
    if (unit === "week") return Date.UTC(years, months, days - ((at.getUTCDay() + 6) % 7) + 7 * later);
    return Date.UTC(years, months, days + later);
  };

  // Whole buckets; a short span gets room on both sides, so that one day is one bar and not a wall.
  const reach = (first, last, unit) => {
    const [low, high] = [bucket(first, unit), bucket(last, unit, 1)];
    const least = { day: 14, week: 70, month: 365, year: 1830 }[unit] * day;
    const spare = Math.max(0, least - (high - low)) / 2;
    return [low - spare, high + spare];
  };

  async function draw(id) {
    const { period, first, last } = chosen();
    const spec = structuredClone(specs[id]);
    if (id === "timeline") {
      const own = spec.params.find((one) => one.name === "size");
      const unit = control("unit") ? control("unit").value : own.value;
      set(spec, { from: first, to: last, size: unit, tool: control("tool").value });
      const [low, high] = reach(first, last, unit);
      Object.assign(spec.encoding.x.scale, { domainMin: { expr: String(low) }, domainMax: { expr: String(high) } });
      if (control("timeline").clientWidth < 500) spec.height = 260;
    } else {
      set(spec, { period });
      const rows = (spec.data.values || spec.datasets[spec.data.name]).filter((row) => row.period === period);
      if (id !== "month_to_date") spec.height = 38 * Math.max(1, rows.length);
    }
    const made = await vegaEmbed(control(id), spec, {
      renderer: "svg", actions: false, config: theme(), tooltip: { theme: "page" },
    });
    if (views[id]) views[id].finalize();
    views[id] = made;
  }

  const drawAll = () => Promise.all(Object.keys(specs).map(draw));

  // `zoom_start` is where the chart keeps the span that is in sight, as [from, to].
  const move = (change) => {
    const view = views.timeline.view;
    const [low, high] = view.scale("x").domain().map(Number);
    view.signal("zoom_start", change(low, high)).runAsync();
  };

  const showPeriod = () => {
    const { period } = chosen();
    for (const body of document.querySelectorAll("tbody[data-period]")) {
      body.hidden = body.dataset.period !== "" && body.dataset.period !== period;
    }
  };

  control("period").addEventListener("change", () => {
    if (control("unit")) control("unit").value = usualUnit(chosen());
    showPeriod();
    drawAll();
  });
  for (const id of ["unit", "tool"]) if (control(id)) control(id).addEventListener("change", () => draw("timeline"));
  control("closer").addEventListener("click", () => move((low, high) => [low + (high - low) / 4, high - (high - low) / 4]));
  control("earlier").addEventListener("click", () => move((low, high) => [low - (high - low) / 2, high - (high - low) / 2]));
  control("later").addEventListener("click", () => move((low, high) => [low + (high - low) / 2, high + (high - low) / 2]));
  control("whole").addEventListener("click", () => draw("timeline"));
  dark.addEventListener("change", drawAll);

  if (control("unit")) control("unit").value = usualUnit(chosen());
  showPeriod();
  drawAll().then(() => { document.body.dataset.drawn = "yes"; });
})();
