// Adds up usage, which is stored by column, and lists the periods to choose from. Days are ISO strings in UTC.

const dayMs = 24 * 3600 * 1000;
const time = (day) => Date.parse(day);
const iso = (at) => new Date(at).toISOString().slice(0, 10);
const later = (day, days) => iso(time(day) + days * dayMs);
const length = ({ first, last }) => Math.round((time(last) - time(first)) / dayMs) + 1;

async function unpack(text) {
  const bytes = Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
  const unzipped = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(unzipped).text());
}

const nothing = () => ({ uses: 0, credits: 0, cost: 0, unpriced: 0 });

// `unpriced`: credits on days without a price; `cost` does not include them.
function add(sum, more) {
  for (const figure in sum) sum[figure] += more[figure];
  return sum;
}

const total = (sums) => [...sums].reduce(add, nothing());

function Usage(data) {
  // Usage by API key is stored in separate rows, which have no groups or projects.
  const source = (filters, kind) => (kind === "key" || filters.key !== undefined ? data.byKey : data.usage);

  // Calls `visit(row, day)` for each row within `days` (both ends included) that matches all `filters` ({kind: id}).
  function each(columns, days, filters, visit) {
    if (!days || Object.keys(filters).some((kind) => !columns[kind])) return;
    const [low, high] = [days.first, days.last].map((day) => (time(day) - time(data.first)) / dayMs);
    const wanted = Object.entries(filters).map(([kind, id]) => [columns[kind], data.ids[kind].indexOf(id)]);
    for (let row = 0; row < columns.day.length; row += 1) {
      const day = columns.day[row];
      if (day >= low && day <= high && wanted.every(([column, code]) => column[row] === code)) visit(row, day);
    }
  }

  const place = (map, id, made) => map.get(id) || map.set(id, made()).get(id);

  // Returns a map from each ID of `kind` to its sums or, with `second`, a map of maps (by `kind`, then by `second`).
  function by(days, filters, kind, second) {
    const found = new Map();
    const columns = source(filters, kind);
    if (!columns[kind]) return found;
    each(columns, days, filters, (row) => {
      const outer = place(found, data.ids[kind][columns[kind][row]], second ? () => new Map() : nothing);
      count(second ? place(outer, data.ids[second][columns[second][row]], nothing) : outer, columns, row);
    });
    return found;
  }

  function count(sum, columns, row) {
    const [credits, cost] = [columns.credits[row], columns.cost[row]];
    add(sum, { uses: columns.uses[row], credits, cost: cost ?? 0, unpriced: cost === null ? credits : 0 });
  }

  // Returns a map from the first day of each period (a day, week or month) to sums by tool.
  function over(days, filters, unit) {
    const found = new Map();
    const columns = source(filters);
    each(columns, days, filters, (row, day) => {
      const tools = place(found, startOf(later(data.first, day), unit), () => new Map());
      count(place(tools, data.ids.tool[columns.tool[row]], nothing), columns, row);
    });
    return new Map([...found].sort());
  }

  return { by, over };
}

// Returns the first day of the `unit` (day, week, ...) that is `units` units after the one containing `day`.
function startOf(day, unit, units = 0) {
  const [year, month, date] = day.split("-").map(Number);
  if (unit === "year") return iso(Date.UTC(year + units, 0));
  if (unit === "quarter") return iso(Date.UTC(year, 3 * (Math.floor((month - 1) / 3) + units)));
  if (unit === "month") return iso(Date.UTC(year, month - 1 + units));
  if (unit === "week") return later(day, 7 * units - ((new Date(time(day)).getUTCDay() + 6) % 7));
  return iso(Date.UTC(year, month - 1, date + units));
}

// Returns the periods to choose from, grouped under headings. The newest month comes first.
function periods({ first, through, complete }) {
  const clipped = (one) => ({ ...one, first: one.first < first ? first : one.first, last: one.last > through ? through
    : one.last });
  const back = (unit, id, label) => {
    const found = [];
    for (let start = startOf(through, unit); startOf(start, unit, 1) > first; start = startOf(start, unit, -1)) {
      found.push(clipped({ id: id(start), label: label(start), unit, first: start,
        last: later(startOf(start, unit, 1), -1) }));
    }
    return found;
  };
  const quarter = (start) => Math.ceil(Number(start.slice(5, 7)) / 3);
  const days = [30, 90].map((count) => ({ id: String(count), label: `Last ${count} whole days`,
    first: later(complete, 1 - count), last: complete }));
  return [
    ["Months", back("month", (start) => start.slice(0, 7), monthInWords)],
    ["Quarters", back("quarter", (start) => `${start.slice(0, 4)}-q${quarter(start)}`,
      (start) => `Quarter ${quarter(start)} of ${start.slice(0, 4)}`)],
    ["Years", back("year", (start) => start.slice(0, 4), (start) => `Year ${start.slice(0, 4)}`)],
    ["Days", [...days.filter((one) => one.first >= first), { id: "all", label: "Everything synced", first,
      last: through }]],
  ];
}

// Returns the finished days of a period and the spans to compare them with. `before` is the previous month, quarter or
// year, or only its first days if the period is not over. For other periods, it is equally long and ends just before
// `first`. `yearBefore` spans the same days one year earlier. A span that begins before `since` lacks data and is null.
function compared({ first, last, unit }, { complete }, since) {
  const now = { first, last: last < complete ? last : complete };
  const least = unit && now.last < last ? 7 : 1;
  if (length(now) < least) return { now, why: `fewer than ${plural(least, "whole day", "whole days")}` };
  const span = (from, to) => (from < since || to >= first ? null : { first: from, last: to });
  const [start, end] = [unit ? startOf(first, unit, -1) : later(first, -length(now)), later(first, -1)];
  const sameLength = later(start, length(now) - 1);
  const yearEarlier = (day) => iso(new Date(time(day)).setUTCFullYear(Number(day.slice(0, 4)) - 1));
  return { now, why: `comparable data begins on ${dayInWords(since)}`,
    before: span(start, now.last === last || sameLength > end ? end : sameLength),
    yearBefore: span(yearEarlier(first), later(yearEarlier(later(now.last, 1)), -1)) };
}
