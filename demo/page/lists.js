// Draws the lists: usage, share and change for each tool, person and so on; people by tool; API keys; unused seats.

const longList = 25;
const amountOf = (unit, sum, figure = unit.figure) => (unit.value(sum) === null ? dash : figure(unit.value(sum)));
const both = (unit, now, before) => unit.known(now) && unit.known(before);

// Splits each change into a part due to the number of uses (at the old cost per use) and one due to the cost per use.
function driversOfAll(unit, now, before) {
  return [...new Set([...now.keys(), ...before.keys()])].map((id) => {
    const [sum, then] = [now.get(id) || nothing(), before.get(id) || nothing()];
    const change = unit.value(sum) - unit.value(then);
    const uses = sum.uses && then.uses ? ((sum.uses - then.uses) * unit.value(then)) / then.uses : change;
    return { id, change, before: unit.value(then), now: unit.value(sum), uses, price: change - uses };
  });
}

function Lists({ data, usage, hrefOf, nameOf, fileName, figures, figureTitles, show }) {
  const roles = new Map(data.people.map((one) => [one.person, one.member_status === "active" ? one.member_role
    : one.member_status]));
  const order = {};
  const searched = {};

  // Draws a section with a heading, a description, a table and a CSV button. A long list also has a search field. A
  // column is {title, value(row), words(value, row), cell(row), saved, ...}. Sorting and sums use `value`.
  function list(kind, shown, { about, columns, rows, last, saved }) {
    const { title, many } = kinds[kind];
    const isLong = rows.length >= longList;
    const sort = isLong ? { id: `sort-${kind}`, ...(order[kind] || {}), choose: (chosen) => {
      order[kind] = { by: chosen.title, down: sort.by === chosen.title ? !sort.down : Boolean(chosen.number) };
      show();
    } } : undefined;
    const by = columns.find(({ title: one }) => one === sort?.by);
    if (by) {
      const compare = (one, two) => (by.number ? (one ?? -Infinity) - (two ?? -Infinity) : one.localeCompare(two));
      rows = rows.toSorted((one, other) => (sort.down ? -1 : 1) * compare(by.value(one), by.value(other)));
    }
    const inWords = ({ value, words }, row) => (words ? words(value(row), row) : value(row) || dash);
    const rest = (late) => columns.map(({ adds, value, words }, n) =>
      (n === 0 ? `${whole(late)} more ${many}, on screen and in the CSV`
      : adds ? words(rows.slice(onPaper).reduce((sum, row) => sum + (value(row) ?? 0), 0)) : ""));
    const drawn = table(title, columns,
      rows.map((row) => columns.map((column) => (column.cell ? column.cell(row) : inWords(column, row)))),
      { total: last && columns.map((column) => inWords(column, last)), rest, sort });
    const columnsSaved = columns.filter((column) => column.saved);
    place(`s-${kind}`).replaceChildren(
      element("div", { className: "heading" }, element("h2", { id: `h-${kind}`, tabIndex: -1 }, title),
        csvButton(fileName(saved, shown), title, () => [columnsSaved.flatMap((column) => column.saved),
          ...[...rows, ...(last ? [last] : [])].map((row) => columnsSaved.flatMap((column) =>
            (column.save || column.value)(row) ?? ""))])),
      element("p", { className: "about" }, about),
      ...(isLong ? [search(kind, rows.map(columns[0].value), drawn)] : []), drawn);
  }

  function search(kind, names, drawn) {
    const lines = [...drawn.querySelectorAll("tbody tr:not(.rest)")];
    const named = lines.filter((_, n) => !names[n].startsWith("("));
    const found = element("span", { role: "status" });
    const field = element("input", { type: "search", id: `search-${kind}`, value: searched[kind] || "" });
    const apply = () => {
      searched[kind] = field.value;
      const wanted = onPaperNow ? "" : field.value.trim().toLowerCase();
      lines.forEach((line, n) => { line.hidden = !names[n].toLowerCase().includes(wanted); });
      found.textContent = wanted
        ? `${whole(named.filter((line) => !line.hidden).length)} of ${whole(named.length)} ${kinds[kind].many}; `
          + "the total includes all of them." : "";
    };
    field.addEventListener("input", apply);
    apply();
    return element("p", { className: "search" }, element("label", {}, `Search ${kinds[kind].many} `, field), " ",
      found);
  }

  // Returns columns for the name, amount, share and uses of rows {id, name, sum}. `all` is the sum that counts as 100%.
  function amounts(kind, { filters, unit }, rows, all) {
    const most = Math.max(...rows.map(({ sum }) => unit.value(sum) ?? 0));
    const role = (id) => (kind === "person" ? roles.get(id) || "" : "");
    const cell = ({ id, name, sum }) => named(name, {
      href: filters[kind] === undefined && (kind !== "key" || id) ? hrefOf({ [kind]: id }) : "",
      badge: role(id) === "member" ? "" : role(id), quiet: name.startsWith("("),
      share: most > 0 ? (unit.value(sum) ?? 0) / most : 0 });
    const extra = { project: ["project_reference"], key: ["api_key_id"], person: ["role"] }[kind] || [];
    const share = ({ sum }) => (unit.value(sum) === null ? null : (100 * unit.value(sum)) / (unit.value(all) || 1));
    return [
      { title: capital(kinds[kind].one), value: ({ name }) => name, cell,
        saved: [kind === "key" ? "api_key" : kind, ...extra],
        save: ({ id, name }) => [name, ...extra.map(() => (kind === "person" ? role(id) : id ?? ""))] },
      figure(unit.title, ({ sum }) => unit.value(sum), unit.figure,
        { adds: true, saved: figureTitles, save: ({ sum }) => figures(sum) }),
      figure("Share", share, (value) => `${decimals(1)(value)}%`, { adds: true }),
      figure("Uses", ({ sum }) => sum.uses, whole, { adds: true }),
    ];
  }

  const figure = (title, value, words, more = {}) => ({ title, value, number: true, ...more,
    words: (found, row) => (found === null ? (more.screen ? "" : dash) : words(found, row)) });

  // `sums`: usage on all days shown. `now` and `before`: usage in the two spans to compare.
  function ranking(kind, shown, sums, now, before) {
    const { period, filters, unit, spans } = shown;
    if (hide(`s-${kind}`, !sums.size || (kind === "team" && data.ids.team.length < 2))) return;
    const all = total(sums.values());
    const compares = spans.before && both(unit, total(now.values()), total(before.values()));
    const changed = new Map(driversOfAll(unit, now, before).map((one) => [one.id, one]));
    const none = { change: 0, now: 0, before: 0, uses: 0, price: 0 };
    const byTool = kind === "person" ? usage.by(period, filters, "person", "tool") : new Map();
    const tools = data.ids.tool.filter((tool) => [...byTool.values()].some((found) => found.has(tool)));
    const rows = [...new Set([...sums.keys(), ...(compares ? before.keys() : [])])].map((id) => ({ id,
      name: nameOf(kind, id), sum: sums.get(id) || nothing(), change: changed.get(id) || none,
      tools: byTool.get(id) || new Map() }));
    rows.sort((one, other) => (unit.value(other.sum) ?? 0) - (unit.value(one.sum) ?? 0)
      || other.sum.credits - one.sum.credits || (one.name < other.name ? -1 : 1));
    const added = [...changed.values()].reduce((sum, one) =>
      Object.fromEntries(Object.keys(none).map((what) => [what, sum[what] + one[what]])), none);
    const last = { name: "Total", sum: all, change: added, tools: usage.by(period, filters, "tool") };
    const amount = (value) => signed(value, unit.figure);
    const change = (title, what, saved) => figure(title, (row) => row.change[what], amount, { adds: true, saved });
    const columns = [
      ...amounts(kind, shown, rows, all),
      ...(kind === "tool" ? [figure(`${unit.title} per use`, ({ sum }) =>
        (sum.uses && unit.known(sum) ? unit.value(sum) / sum.uses : null), unit.each)] : []),
      ...(compares ? [
        change(`Change, ${unit.title}`, "change", `change_${unit.column} (${[spans.now, spans.before]
          .map(({ first, last }) => `${first} to ${last}`).join(" against ")})`),
        { title: "Change, %", number: true, words: (_, row) => growth(row.change.now, row.change.before),
          value: (row) => (row.change.before ? (100 * row.change.change) / row.change.before : null) }] : []),
      ...(compares && kind === "tool" ? [change("By number of uses", "uses", `change_by_uses_${unit.column}`),
        change("By cost of a use", "price", `change_by_cost_of_a_use_${unit.column}`)] : []),
      ...tools.map((tool) => figure(tool, (row) => (row.tools.has(tool) ? unit.value(row.tools.get(tool)) : null),
        unit.figure, { screen: true, saved: `${tool} (${unit.title})`,
          save: (row) => unit.value(row.tools.get(tool) || nothing()) ?? 0 })),
    ];
    const count = rows.filter(({ name }) => !name.startsWith("(")).length;
    const about = [`${plural(count, kinds[kind].one, kinds[kind].many)}.`,
      { project: "A renamed project counts as one project.",
        person: "Figures by person and tool; choose a name to see only that person.",
        group: "The group that a person was in when the usage was read." }[kind],
      compares ? `Change: ${spanInWords(spans.now)} against ${spanInWords(spans.before)}.` : ""];
    list(kind, shown, { about: about.filter(Boolean).join(" "), columns, rows, last,
      saved: kind === "person" ? "people-by-tool" : kinds[kind].many });
  }

  // Usage by key has no groups or projects, so the list is hidden while either is used as a filter.
  function keys(shown) {
    const { period, filters, unit, now } = shown;
    const rows = [...usage.by(period, filters, "key")].map(([id, sum]) => ({ id, name: nameOf("key", id), sum }))
      .sort((one, other) => other.sum.credits - one.sum.credits);
    if (hide("s-key", !rows.length)) return;
    const through = total(rows.map(({ sum }) => sum));
    if (filters.key === undefined) rows.push({ id: "", name: nameOf("key", ""),
      sum: Object.fromEntries(Object.keys(now).map((what) => [what, now[what] - through[what]])) });
    const last = dayInWords(later(data.first, data.byKey.day.at(-1)));
    list("key", shown, { about: `Usage through each API key, up to ${last}. Choose a key to see who used it.`,
      columns: amounts("key", shown, rows, now), rows, last: { name: "Total", sum: now }, saved: "api-keys" });
  }

  // Shows seats only if no filter is set, because a filter would make everyone else's seats look unused.
  function seats(shown) {
    const { period, filters } = shown;
    const used = usage.by(period, {}, "person");
    const rows = data.people.filter((one) => one.has_seat && !(used.get(one.person)?.uses > 0));
    if (hide("s-seat", Object.keys(filters).length > 0 || !rows.length)) return;
    const column = (title, name, words) => ({ title, words, value: (row) => row[name] || "",
      saved: title.toLowerCase().replace(" ", "_") });
    const columns = [column("Person", "person"), column("Role", "member_role"), column("Last group", "group_name"),
      column("Last use", "last_day", (day) => (day ? dayInWords(day) : dash))];
    list("seat", shown, { about: `${plural(rows.length, "seat", "seats")} without a use, ${spanInWords(period)}.`,
      columns, rows, saved: "seats-without-use" });
  }

  return { ranking, keys, seats };
}
