// The two charts: rows of the chosen days, drawn by Vega-Lite in the page's colours.

const style = (name) => `var(--${name})`;
const drawn = {};

function theme(width) {
  const [ink, quiet, line, accent, paper] = ["ink", "quiet", "line", "accent", "paper"].map(style);
  const font = getComputedStyle(document.body).fontFamily;
  return {
    background: null, font, padding: { left: 1, right: 1, top: 4, bottom: 4 }, view: { stroke: null },
    axis: { labelColor: quiet, titleColor: quiet, gridColor: line, domainColor: line, tickColor: line, labelFontSize: 12,
      titleFontSize: 12, titleFontWeight: "normal", labelFont: font, titleFont: font, labelFlush: true, labelBound: true },
    axisY: { domain: false, ticks: false },
    legend: { orient: "top", labelColor: ink, labelFontSize: 12, labelFont: font, symbolType: "square", symbolStrokeWidth: 0,
      columns: Math.max(2, Math.floor(width / 170)), labelLimit: 140, offset: 12 },
    text: { color: ink, fontSize: 13, font },
    line: { color: accent }, point: { color: accent },
    style: { bar: { stroke: paper, strokeWidth: 0.5 } },
    numberFormat: ",d",
  };
}

async function draw(id, spec) {
  const place = document.getElementById(id);
  const made = await vegaEmbed(place, spec, {
    renderer: "svg", actions: false, config: theme(place.clientWidth), tooltip: { theme: "page" },
  });
  if (drawn[id]) drawn[id].finalize();
  drawn[id] = made;
}

const usualUnit = ({ first, last }) => {
  const days = (time(last) - time(first)) / dayMs + 1;
  return days <= 92 ? "day" : days <= 550 ? "week" : "month";
};

// Whole units; a short span gets room on both sides, so that one day is one bar and not a wall.
function reach(days, unit) {
  const [low, high] = [startOf(time(days.first), unit), startOf(time(days.last), unit, 1)];
  const least = { day: 14, week: 70, month: 365, year: 1830 }[unit] * dayMs;
  const spare = Math.max(0, least - (high - low)) / 2;
  return [low - spare, high + spare];
}

// One row for each unit of time and tool, a piece of a bar; seven tools by name, the smaller ones together. `tools`: the largest first.
function bars(usage, days, filters, unit, tools, complete) {
  const shown = tools.length > 8 ? tools.slice(0, 7) : tools;
  const place = new Map(shown.map((tool, n) => [tool, n + 1]));
  const found = new Map();
  usage.days(days, filters, (at, tool, credits, uses, unpriced) => {
    const start = startOf(at, unit);
    const name = place.has(tool) ? tool : "Other tools";
    const key = `${start} ${name}`;
    const row = found.get(key) || {
      start, end: startOf(start, unit, 1), tool: name, place: place.get(tool) || 8, value: 0, uses: 0, unpriced: 0,
      ...barInWords(start, unit, days, complete),
    };
    row.value += credits;
    row.uses += uses;
    row.unpriced += unpriced;
    found.set(key, row);
  });
  const rows = [...found.values()].sort((one, other) => one.start - other.start || one.place - other.place);
  return { rows, tools: tools.length > 8 ? [...shown, "Other tools"] : shown };
}

function timelineSpec(spec, { rows, tools }, days, unit, width) {
  const made = structuredClone(spec);
  made.data = { values: rows };
  const [low, high] = reach(days, unit);
  Object.assign(made.encoding.x.scale, { domainMin: { expr: String(low) }, domainMax: { expr: String(high) } });
  made.encoding.color.scale = { domain: tools, range: tools.map((_, n) => style(`tool-${n + 1}`)) };
  if (width < 500) made.height = 260;
  return made;
}

// Running totals of the month that holds the last of the `finished` days, and of the month before where it was synced.
function running(usage, finished, filters, first) {
  const month = startOf(time(finished.last), "month");
  const before = startOf(month, "month", -1);
  const total = (days) => {
    const used = new Map();
    usage.days(days, filters, (at, tool, credits, uses, unpriced) => {
      const day = used.get(at) || [0, 0];
      used.set(at, [day[0] + credits, day[1] + unpriced]);
    });
    const rows = [];
    let [sum, without] = [0, 0];
    for (let at = time(days.first); at <= time(days.last); at += dayMs) {
      const [credits, unpriced] = used.get(at) || [0, 0];
      sum += credits;
      without += unpriced;
      const date = new Date(at);
      rows.push({ month: monthInWords(at), newest: at >= month, day: date.getUTCDate(), last: at === time(days.last), value: sum, unpriced: without });
    }
    return rows;
  };
  const newest = total({ first: iso(Math.max(month, time(first))), last: finished.last });
  return { month, newest, before: before >= time(first) ? total({ first: iso(before), last: iso(month - dayMs) }) : [] };
}

// So far, plus the average day of the last four weeks (of all days since the first usage, where that is less) for each
// day to come: docs/queries/growth_and_forecast.sql. Null where any of these days has no price.
function forecast(usage, finished, filters, soFar) {
  const last = time(finished.last);
  const days = Math.min(28, Math.round((last - usage.firstUse) / dayMs) + 1);
  let [recent, without] = [0, soFar.unpriced];
  usage.days({ first: iso(last - 27 * dayMs), last: finished.last }, filters, (at, tool, credits, uses, unpriced) => {
    recent += credits;
    without += unpriced;
  });
  if (without) return null;
  const toCome = Math.round((startOf(last, "month", 1) - dayMs - last) / dayMs);
  return days > 0 ? soFar.value + (toCome * recent) / days : soFar.value;
}
