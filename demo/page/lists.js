// The lists by name: what each used, its share and change; people by tool; seats that nobody uses.

const longList = 25;
const onPaper = 8;
const told = (unit, sum, figure = unit.figure) => (unit.value(sum) === null ? dash : figure(unit.value(sum)));
const both = (unit, now, before) => unit.known(now) && unit.known(before);

// A change in two parts: more uses at what one cost before, and the rest, which is what a use costs more now.
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

  // Draws a section: heading, sentence, search where it is long, table and download.
  // `rows`: {values, cells} each, values as they are sorted.
  function list(kind, shown, { about, columns, rows, all, saved }) {
    const { title, many } = kinds[kind];
    const isLong = rows.length >= longList;
    const sort = isLong ? { id: `sort-${kind}`, ...(order[kind] || {}), choose: (by) => {
      order[kind] = { by, down: order[kind]?.by === by ? !order[kind].down : Boolean(columns[by].number) };
      show();
    } } : undefined;
    if (sort?.by < columns.length) {
      const compare = (one, other) => (typeof one === "number" || typeof other === "number"
        ? (one ?? -Infinity) - (other ?? -Infinity) : one.localeCompare(other));
      rows = rows.toSorted((one, other) => (sort.down ? -1 : 1) * compare(one.values[sort.by], other.values[sort.by]));
    }
    const late = rows.length > onPaper + 1 ? rows.length - onPaper : 0;
    const rest = late ? columns.map(({ adds, words }, n) =>
      (n === 0 ? `${whole(late)} more ${many}, on screen and in the CSV`
      : adds ? words(rows.slice(onPaper).reduce((sum, { values }) => sum + (values[n] ?? 0), 0)) : "")) : null;
    const drawn = table(title, columns, rows.map(({ cells }, n) => ({ cells, late: late && n >= onPaper })),
      { total: all, rest, sort });
    place(`s-${kind}`).replaceChildren(
      element("div", { className: "heading" }, element("h2", { id: `h-${kind}`, tabIndex: -1 }, title),
        csvButton(fileName(saved.name, shown), title, saved.rows)),
      element("p", { className: "about" }, about),
      ...(isLong ? [search(kind, rows, drawn)] : []), drawn);
  }

  function search(kind, rows, drawn) {
    const lines = [...drawn.querySelectorAll("tbody tr:not(.rest)")];
    const found = element("span", { role: "status" });
    const field = element("input", { type: "search", id: `search-${kind}`, value: searched[kind] || "" });
    const apply = () => {
      searched[kind] = field.value;
      const wanted = field.value.trim().toLowerCase();
      lines.forEach((line, n) => { line.hidden = !String(rows[n].values[0]).toLowerCase().includes(wanted); });
      found.textContent = wanted
        ? `${whole(lines.filter((line) => !line.hidden).length)} of ${whole(rows.length)} ${kinds[kind].many}; the total is of all.`
        : "";
    };
    field.addEventListener("input", apply);
    apply();
    return element("p", { className: "search" }, element("label", {}, `Search ${kinds[kind].many} `, field), " ",
      found);
  }

  // `sums`: of all days shown. `now`, `before`: of the days that are compared.
  function ranking(kind, shown, sums, now, before) {
    const { period, filters, unit, spans } = shown;
    place(`s-${kind}`).hidden = !sums.size || (kind === "team" && data.ids.team.length < 2);
    if (place(`s-${kind}`).hidden) return;
    const all = total(sums.values());
    const compares = spans.before && both(unit, total(now.values()), total(before.values()));
    const changed = new Map(driversOfAll(unit, now, before).map((one) => [one.id, one]));
    const byTool = kind === "person" ? usage.by(period, filters, "person", "tool") : new Map();
    const tools = data.ids.tool.filter((tool) => [...byTool.values()].some((found) => found.has(tool)));
    const ids = [...new Set([...sums.keys(), ...(compares ? before.keys() : [])])];
    const of = (id) => sums.get(id) || nothing();
    ids.sort((one, other) => (unit.value(of(other)) ?? 0) - (unit.value(of(one)) ?? 0) || of(other).credits - of(one)
      .credits || (nameOf(kind, one) < nameOf(kind, other) ? -1 : 1));
    const most = Math.max(...ids.map((id) => unit.value(of(id)) ?? 0));

    const number = (title, words, more = {}) => ({ title, words, number: true, ...more });
    const columns = [
      { title: { tool: "Tool", person: "Person", project: "Project", group: "Group", team: "Team" }[kind] },
        number(unit.title, unit.figure, { adds: true }),
      number("Share", (value) => `${decimals(1)(value)}%`, { adds: true }), number("Uses", whole, { adds: true }),
      ...(kind === "tool" ? [number(`${unit.title} per use`, unit.each)] : []),
      ...(compares ? [number(`Change, ${unit.title}`, (value) => signed(value, unit.figure), { adds: true }),
        number("Change, %", (value) => value, { isText: true })] : []),
      ...(compares && kind === "tool" ? ["By number of uses", "By cost of a use"]
        .map((title) => number(title, (value) => signed(value, unit.figure))) : []),
      ...tools.map((tool) => number(tool, unit.figure, { screen: true })),
    ];
    const line = (name, sum, { change = 0, now: sumNow = 0, before: then = 0, uses = 0, price = 0 }, cells) => {
      const value = unit.value(sum);
      return [name, value, value === null ? null : (100 * value) / (unit.value(all) || 1), sum.uses,
        ...(kind === "tool" ? [sum.uses && unit.known(sum) ? value / sum.uses : null] : []),
        ...(compares ? [change, then ? (100 * (sumNow - then)) / then : null] : []),
        ...(compares && kind === "tool" ? [uses, price] : []),
        ...tools.map((tool) => { const found = cells?.get(tool); return found ? unit.value(found) : null; })];
    };
    const growthColumn = columns.findIndex(({ isText }) => isText);
    const words = (values, drivers) => values.map((value, n) =>
      (n === growthColumn ? growth(drivers?.now ?? 0, drivers?.before ?? 0) : n && value === null
      ? (columns[n].screen ? "" : dash) : columns[n].words ? columns[n].words(value) : value));
    const rows = ids.map((id) => {
      const values = line(nameOf(kind, id), of(id), changed.get(id) || {}, byTool.get(id));
      const role = kind === "person" ? roles.get(id) : "";
      const cell = named(nameOf(kind, id), { href: filters[kind] === undefined ? hrefOf({ [kind]: id }) : "",
        badge: role === "member" ? "" : role,
        share: most > 0 ? (unit.value(of(id)) ?? 0) / most : 0, quiet: nameOf(kind, id).startsWith("(") });
      return { id, values, cells: [cell, ...words(values, changed.get(id)).slice(1)] };
    });
    const sumOf = (what) => [...changed.values()].reduce((found, one) => found + one[what], 0);
    const drivers = Object.fromEntries(["change", "now", "before", "uses", "price"].map((what) => [what, sumOf(what)]));
    const last = line("Total", all, drivers, usage.by(period, filters, "tool"));
    const named_ = ids.filter((id) => !nameOf(kind, id).startsWith("(")).length;
    const about = [`${plural(named_, kinds[kind].one, kinds[kind].many)}.`,
      { project: "A renamed project is one project.",
        person: "All figures by person and tool; choose a name to see one alone.",
        group: "The group that a person was in when the usage was read." }[kind],
      compares ? `Change: ${spanInWords(spans.now)} against ${spanInWords(spans.before)}.` : ""].filter(Boolean)
        .join(" ");
    const days = ({ first, last }) => `${first} to ${last}`;
    const heads = [kind, ...(kind === "project" ? ["project_reference"] : kind === "person" ? ["role"] : []),
      ...figureTitles,
      ...(compares ? [`change_${unit.column} (${days(spans.now)} against ${days(spans.before)})`] : []),
      ...(compares && kind === "tool"
        ? [`change_by_uses_${unit.column}`, `change_by_cost_of_a_use_${unit.column}`] : []),
      ...tools.map((tool) => `${tool} (${unit.title})`)];
    const change = compares ? growthColumn - 1 : -1;
    const saved = (name, extra, sum, values) => [name, ...extra, ...figures(sum), ...(compares ? [values[change]] : []),
      ...(compares && kind === "tool" ? values.slice(growthColumn + 1) : []),
        ...tools.map((_, n) => values[values.length - tools.length + n] ?? 0)];
    const extra = (id) => (kind === "project" ? [id] : kind === "person" ? [roles.get(id) || ""] : []);
    list(kind, shown, { about, columns, rows, all: words(last, drivers),
      saved: { name: kind === "person" ? "people-by-tool" : kinds[kind].many, rows: () =>
      [heads, ...rows.map(({ id, values }) => saved(nameOf(kind, id), extra(id), of(id), values)),
        saved("Total", extra("").map(() => ""), all, last)] } });
  }

  // By key there are no people, groups or projects: under such a filter the list has nothing true to say.
  function keys(shown) {
    const { period, filters, unit, now } = shown;
    place("s-key").hidden = !data.keysReadAt || Object.keys(filters).some((kind) => !["team", "tool"].includes(kind));
    if (place("s-key").hidden) return;
    const sums = [...usage.byKey(period, filters)].sort((one, other) => other[1].credits - one[1].credits);
    const rest = add(total(sums.map(([, { uses, credits, cost, unpriced }]) =>
      ({ uses: -uses, credits: -credits, cost: -cost, unpriced: -unpriced }))), now);
    sums.push(["", { ...rest, cost: Math.abs(rest.cost) < 1e-6 ? 0 : rest.cost }]);
    const columns = [{ title: "API key" }, { title: unit.title, number: true }, { title: "Share", number: true },
      { title: "Uses", number: true }];
    const cells = (name, sum) => [name, told(unit, sum), told(unit, sum, (value) => percent(value, unit.value(now))),
      whole(sum.uses)];
    const rows = sums.map(([id, sum]) => ({ values: [nameOf("key", id), unit.value(sum), unit.value(sum), sum.uses],
      cells: cells(nameOf("key", id), sum) }));
    list("key", shown,
      { about: `What went through each API key, as read on ${dayInWords(data.keysReadAt.slice(0, 10))}.`,
        columns, rows, all: cells("Total", now),
      saved: { name: "api-keys", rows: () => [["api_key", "api_key_id", ...figureTitles],
        ...sums.map(([id, sum]) => [nameOf("key", id), id, ...figures(sum)]), ["Total", "", ...figures(now)]] } });
  }

  // Of the whole team: under a filter everybody else would seem to use nothing.
  function seats(shown) {
    const { period, filters } = shown;
    const used = usage.by(period, {}, "person");
    const found = data.people.filter((one) => one.has_seat && !(used.get(one.person)?.uses > 0));
    place("s-seat").hidden = Object.keys(filters).length > 0 || !found.length;
    if (place("s-seat").hidden) return;
    const rows = found.map((one) => [one.person, one.member_role || "", one.group_name || "", one.last_day || ""]);
    list("seat", shown, { about: `${plural(found.length, "seat", "seats")} without a use, ${spanInWords(period)}.`,
      columns: ["Person", "Role", "Last group", "Last use"].map((title) => ({ title })),
      rows: rows.map((values) => ({ values, cells: values.map((value, n) =>
        (n === 3 && value ? dayInWords(value) : value || dash)) })),
      saved: { name: "seats-without-use", rows: () => [["person", "role", "last_group", "last_use"], ...rows] } });
  }

  return { ranking, keys, seats };
}
