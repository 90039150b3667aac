// Adding up: usage by columns in, sums out. Days are numbers from the first synced day; -1 in a column is "nothing".

const dayMs = 24 * 3600 * 1000;

async function unpack(text) {
  const bytes = Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
  const unzipped = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(unzipped).text());
}

const time = (day) => Date.parse(day);

function Usage(data) {
  const start = time(data.first);
  const number = (day) => Math.round((time(day) - start) / dayMs);
  const code = (kind, id) => (id === "" ? -1 : data.ids[kind].indexOf(id));

  // Calls `visit(row, columns)` for each row of `days` (both ends included) that all `filters` ({kind: id}) let through.
  function each(columns, days, filters, visit) {
    if (!days || !columns) return;
    const [low, high] = [number(days.first), number(days.last)];
    const wanted = Object.entries(filters).map(([kind, id]) => [columns[kind], id === "" ? -1 : code(kind, id)]);
    // A name that does not occur lets nothing through.
    if (Object.entries(filters).some(([kind, id]) => id !== "" && code(kind, id) < 0)) return;
    for (let row = 0; row < columns.day.length; row += 1) {
      if (columns.day[row] < low || columns.day[row] > high) continue;
      if (wanted.every(([column, value]) => column[row] === value)) visit(row, columns);
    }
  }

  // What is read through one key is told by the rows of the keys alone.
  const source = (filters) => ("key" in filters ? data.byKey : data.usage);

  const nothing = () => ({ credits: 0, uses: 0, unpriced: 0 });
  // The row's figures added to `sum`, or taken from it. `unpriced`: the credits that have no money, where money is counted.
  const count = (sum, columns, row, sign = 1) => {
    sum.credits += sign * columns.credits[row];
    sum.uses += sign * columns.uses[row];
    if (columns.unpriced) sum.unpriced += sign * columns.unpriced[row];
  };

  // Credits and uses of `days`: all of them, and by each kind's id ("" where nothing is named).
  function sums(days, filters) {
    const kinds = ["tool", "person", "project", "group"];
    const total = nothing();
    const by = Object.fromEntries(kinds.map((kind) => [kind, new Map()]));
    const of = (map, id) => map.get(id) || map.set(id, nothing()).get(id);
    each(source(filters), days, filters, (row, columns) => {
      count(total, columns, row);
      for (const kind of kinds) count(of(by[kind], columns[kind][row]), columns, row);
    });
    const named = (kind, map) => new Map([...map].map(([one, sum]) => [one < 0 ? "" : data.ids[kind][one], sum]));
    return { ...total, by: { ...Object.fromEntries(kinds.map((kind) => [kind, named(kind, by[kind])])), key: keys(days, filters, total) } };
  }

  // The keys, and under "" what went through none: the total without them.
  function keys(days, filters, total) {
    const found = new Map();
    const rest = { ...total };
    each(data.byKey, days, filters, (row, columns) => {
      const id = data.ids.key[columns.key[row]];
      const sum = found.get(id) || nothing();
      count(sum, columns, row);
      count(rest, columns, row, -1);
      found.set(id, sum);
    });
    if (!("key" in filters)) found.set("", rest);
    return found;
  }

  // Calls `visit(day in milliseconds, tool, credits, uses, unpriced)` for each row.
  const days = (span, filters, visit) => each(source(filters), span, filters, (row, columns) =>
    visit(start + columns.day[row] * dayMs, data.ids.tool[columns.tool[row]], columns.credits[row], columns.uses[row],
      columns.unpriced ? columns.unpriced[row] : 0));

  // The tools of the whole file, the largest first: colours follow this order in every period.
  const tools = () => [...sums({ first: data.first, last: data.through }, {}).by.tool]
    .sort((one, other) => other[1].credits - one[1].credits || (one[0] < other[0] ? -1 : 1)).map(([id]) => id);

  const lastUse = new Map();
  each(data.usage, { first: data.first, last: data.through }, {}, (row, columns) => {
    if (columns.person[row] >= 0 && columns.uses[row] > 0) {
      const id = data.ids.person[columns.person[row]];
      lastUse.set(id, Math.max(lastUse.get(id) ?? 0, start + columns.day[row] * dayMs));
    }
  });
  const firstUse = start + data.usage.day.reduce((least, day) => Math.min(least, day), Infinity) * dayMs;

  return { sums, days, tools, lastUse, firstUse };
}
