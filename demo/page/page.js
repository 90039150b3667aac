// The page: what its address says is shown; every choice is a new address, so the browser's own buttons go back.

const kinds = {
  tool: { title: "By tool", one: "tool", many: "tools", nothing: "No tool" },
  person: { title: "By person", one: "person", many: "people", nothing: "Not attributed to a person" },
  project: { title: "By project", one: "project", many: "projects", nothing: "No project" },
  group: { title: "By group", one: "group", many: "groups", nothing: "No group" },
  key: { title: "By API key", one: "API key", many: "API keys", nothing: "not through an API key" },
};
const shortList = 12;
const place = (id) => document.getElementById(id);

function start(data, specs) {
  const units = unitsOf(data);
  const inCredits = Usage(data);
  const usages = { credits: inCredits, ...(units.money ? { money: Usage(inMoney(data)) } : {}) };
  const tools = inCredits.tools();
  let [usage, unit] = [inCredits, units.credits];
  const roles = new Map(data.members.map((one) => [one.email, one]));
  const unfolded = new Set();

  const address = () => Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
  // What went through no key is a difference and has no rows of its own, so nothing can be counted for it alone.
  const canFilter = (kind, id) => kind !== "key" || (id !== "" && data.byKey !== null);
  const filtersOf = (chosen) => Object.fromEntries(Object.entries(chosen).filter(([kind, id]) => Object.hasOwn(kinds, kind) && canFilter(kind, id)));
  const hrefOf = (chosen, changes) => {
    const all = { ...chosen, ...changes };
    return `#${new URLSearchParams(Object.entries(all).filter(([, value]) => value !== undefined))}`;
  };
  const name = (kind, id) => (id === "" ? kinds[kind].nothing : (Object.hasOwn(data.names[kind] || {}, id) && data.names[kind][id]) || id);
  const badge = (kind, id) => {
    if (kind !== "person" || id === "" || !roles.size) return "";
    const role = roles.has(id) ? roles.get(id).role : "no longer a member";
    return role === "member" ? "" : role;
  };

  // Money of days without a price is unknown, and so is how it compares.
  const unpriced = (...sums) => sums.some((one) => one && one.unpriced);
  const missing = (period, filters) => !unit.since ? [] : [["these days", period.days], ["the period before", period.before], ["a year before", period.year_before]]
    .map(([what, days]) => [what, usage.sums(days, filters).unpriced]).filter(([, credits]) => credits)
    .map(([what, credits]) => `${plural(credits, "credit", "credits")} of ${what}`);

  function header(period, filters) {
    const without = missing(period, filters);
    const running = time(period.days.last) > time(data.complete);
    place("shown").textContent = `${spanInWords(period.days)}, days in UTC` +
      (running ? `; ${dayInWords(time(period.days.last))} was still going on when it was synced` : "") +
      (unit.since ? `; money is estimated by the prices given${data.invented ? ", which the demo invented" : ""}${without.length ? `. There is no price before ${dayInWords(time(unit.since))}: none for ${without.join(", ")}` : ""}` : "");
    place("filters").replaceChildren(...Object.entries(filters).map(([kind, id]) => element("a", {
      href: hrefOf(address(), { [kind]: undefined }), className: "filter", title: "Show all again",
    }, `Only ${kinds[kind].one}: ${name(kind, id)}`, element("span", { ariaHidden: "true" }, " ✕"))));
  }

  function cards(period, filters, now) {
    const finished = usage.sums(period.finished, filters);
    const against = (title, days) => {
      if (!days) return { title, figure: "–", note: period.id === "all" ? "everything is shown" : "not synced, or not over" };
      const other = usage.sums(days, filters);
      if (unpriced(finished, other)) return { title, figure: dash, note: `no price for these days: ${spanInWords(unpriced(other) ? days : period.finished)}` };
      return { title, figure: change(finished.credits, other.credits),
        note: `${unit.of(finished.credits)}, ${spanInWords(period.finished)}; ${unit.figure(other.credits)}, ${spanInWords(days)}` };
    };
    const people = [...inCredits.sums(period.days, filters).by.person].filter(([id, sum]) => id !== "" && sum.credits > 0).length;
    const active = data.members.filter((one) => one.status === "active").length;
    const nobody = now.by.person.get("") || { credits: 0, uses: 0, unpriced: 0 };
    const shown = [
      { title: unit.title, figure: figured(now, unit.figure), note: `${plural(now.uses, "use", "uses")}${figured(now, unit.figure) === dash ? ", no price for these days" : ""}` },
      against("Against the period before", period.before),
      against("Against a year before", period.year_before),
      { title: "People using credits", figure: number(people),
        note: active ? `the team has ${plural(active, "active member", "active members")}` : "the list of members is not synced" },
      { title: "Not attributed", figure: percent(nobody.credits, now.credits),
        note: `${figured(nobody, unit.of)} that Magnific counts in a tool’s total and names nobody for; they are in every total here` },
      { title: "Synced through", figure: words(time(data.through), { day: "numeric", month: "short", year: "numeric" }),
        note: data.syncedAt ? `synced ${moment(data.syncedAt)}` : "when it was synced is not recorded" },
    ];
    place("cards").replaceChildren(...shown.map((card) => element("div", { className: "card" },
      element("dt", {}, card.title), element("dd", { className: "figure" }, card.figure), element("dd", { className: "note" }, card.note))));
  }

  function timeline(period, filters, chosen, now) {
    const size = data.granularity !== "day" ? data.granularity : ["day", "week", "month"].includes(chosen.unit) ? chosen.unit : usualUnit(period.days);
    if (place("unit")) place("unit").value = size;
    const found = bars(usage, period.days, filters, size, tools, data.complete);
    const parts = [...new Set(found.rows.filter((row) => !row.whole).map((row) => row.what))];
    place("parts").textContent = [parts.length ? `Pale bars are not whole. ${parts.join("; ")}.` : "",
      unpriced(now) ? "Days without a price are not in the bars." : ""].filter(Boolean).join(" ");
    const columns = [{ title: { day: "Day", week: "Week", month: "Month", year: "Year" }[size] }, { title: unit.title, number: true }, { title: "Share", number: true }, { title: "Uses", number: true }];
    const rows = new Map();
    for (const row of found.rows) {
      const sum = rows.get(row.what) || { start: row.start, credits: 0, uses: 0, unpriced: 0 };
      sum.credits += row.value;
      sum.uses += row.uses;
      sum.unpriced += row.unpriced;
      rows.set(row.what, sum);
    }
    const cells = [...rows].map(([what, sum]) => [what, figured(sum, unit.figure), figured(sum, (credits) => percent(credits, now.credits)), number(sum.uses)]);
    place("timeline-table").replaceChildren(
      table("Usage over time, figures", columns, cells, ["Total", figured(now, unit.figure), percent(now.credits, now.credits), number(now.uses)]));
    place("timeline-download").replaceChildren(download("usage-over-time", "Usage over time", ["start", "tool", unit.column, "uses"],
      () => found.rows.map((row) => [iso(row.start), row.tool, figured({ credits: row.value, unpriced: row.unpriced }, unit.exact, ""), row.uses])));
    return draw("timeline", timelineSpec(specs.timeline, found, period.days, size, place("timeline").clientWidth));
  }

  async function month(period, filters) {
    const section = place("s-month_to_date");
    section.hidden = data.granularity !== "day" || !period.finished;
    if (section.hidden) return;
    const { month: first, newest, before } = running(usage, period.finished, filters, data.first);
    const { day, value } = newest.at(-1);
    const expected = forecast(usage, period.finished, filters, newest.at(-1));
    const told = (row, figure) => figured({ credits: row.value, unpriced: row.unpriced }, figure);
    const over = startOf(time(period.finished.last), "month", 1) - dayMs === time(period.finished.last);
    const same = before[Math.min(over ? 31 : day, before.length) - 1];
    const from = newest[0].day;
    place("h-month_to_date").textContent = `${monthInWords(first)}${over ? "" : " so far"}`;
    place("about-month_to_date").textContent = [
      `Day ${from} to ${day}: ${told(newest.at(-1), unit.of)}${same && same.value && from === 1 && !unpriced(newest.at(-1), same) ? `, ${change(value, same.value)} against ${unit.figure(same.value)} on day 1 to ${same.day} of ${same.month}` : ""}.`,
      over ? "" : expected === null ? "No forecast: there are days without a price." : `Forecast: ${unit.of(expected)}, which is so far plus the average day of the last four weeks (since the first usage, where that is less) for each day to come.`,
    ].filter(Boolean).join(" ");
    const columns = [{ title: "Month" }, { title: "Up to day", number: true }, { title: unit.title, number: true }];
    const ends = [...newest.slice(-1), ...before.slice(-1)].map((row) => [row.month, number(row.day), told(row, unit.figure)]);
    place("month_to_date-table").replaceChildren(table("The month, figures", columns, ends));
    place("budget").replaceChildren(...(Object.keys(filters).length ? [] : budgetTable(budgetLines(inCredits, data, period.finished), data.invented)));
    const spec = structuredClone(specs.month_to_date);
    spec.data = { values: [...before, ...newest].filter((row) => !row.unpriced) };
    await draw("month_to_date", spec);
  }

  function ranking(kind, period, filters, chosen, now, finished, before) {
    const section = place(`s-${kind}`);
    const { title, one, many } = kinds[kind];
    const rows = [...now.by[kind]].filter(([, sum]) => sum.credits || sum.uses).sort((a, b) =>
      (a[0] === "") - (b[0] === "") || b[1].credits - a[1].credits || (name(kind, a[0]) < name(kind, b[0]) ? -1 : 1));
    const named_ = rows.filter(([id]) => id !== "");
    section.hidden = kind === "key" ? !data.byKey : !rows.length;
    if (section.hidden) return;
    const folds = named_.length > shortList + 1 && !unfolded.has(kind);
    const shown = folds ? [...named_.slice(0, shortList), ...rows.filter(([id]) => id === "")] : rows;
    const most = Math.max(...shown.map(([, sum]) => sum.credits));
    const columns = [
      { title: title.slice(3, 4).toUpperCase() + title.slice(4) }, { title: unit.title, number: true }, { title: "Share", number: true },
      { title: "Uses", number: true, wide: true }, ...(kind === "tool" ? [{ title: "Per use", number: true, wide: true }] : []),
      ...(before ? [{ title: "Change", number: true }] : []),
    ];
    const line = (cell, sum, now_, then) => [cell, figured(sum, unit.figure), figured(sum, (credits) => percent(credits, now.credits)), number(sum.uses),
      ...(kind === "tool" ? [sum.uses && !unpriced(sum) ? unit.each(sum.credits / sum.uses) : "–"] : []), ...(before ? [change(now_, then)] : [])];
    const of = (sums, id) => ((sums && sums.by[kind].get(id)) || { credits: 0 }).credits;
    const cells = shown.map(([id, sum]) => line(named(name(kind, id), {
      href: kind in filters || !canFilter(kind, id) ? "" : hrefOf(chosen, { [kind]: id }), badge: badge(kind, id),
      share: most > 0 ? sum.credits / most : 0, pale: id === "",
    }), sum, of(finished, id), of(before, id)));
    if (folds) {
      const rest = named_.slice(shortList);
      const sum = { credits: 0, uses: 0, unpriced: 0 };
      for (const [, each] of rest) for (const what of Object.keys(sum)) sum[what] += each[what];
      const more = element("button", { type: "button", className: "more" }, `${number(rest.length)} more ${many}`);
      more.addEventListener("click", () => { unfolded.add(kind); show(); });
      cells.splice(shortList, 0, line(more, sum, rest.reduce((all, [id]) => all + of(finished, id), 0), rest.reduce((all, [id]) => all + of(before, id), 0)));
    }
    const sentences = [
      folds ? `The ${shortList} largest of ${plural(named_.length, one, many)}; all others in one line.` : `${named_.length ? plural(named_.length, one, many) : `No ${one}`}.`,
      { project: "A renamed project is one project.", group: "The group a person was in when the usage was read.",
        person: rows.some(([id]) => id === "") ? "Not attributed is what Magnific counts in a tool’s total without naming a person." : "",
        key: data.keysReadAt ? `Keys were read ${moment(data.keysReadAt)}; what they did later is not theirs yet.` : "", tool: "" }[kind],
      before ? `Change: ${spanInWords(period.finished)} against ${spanInWords(period.before)}.`
        : period.before ? "No change is told: no price for these days." : "",
    ];
    section.replaceChildren(
      element("h2", { id: `h-${kind}`, tabIndex: -1 }, title), download(`by-${kind}`, title, [one, "id", unit.column, "uses"],
        () => rows.map(([id, sum]) => [name(kind, id), id, figured(sum, unit.exact, ""), sum.uses])),
      element("p", { className: "about" }, sentences.filter(Boolean).join(" ")),
      table(`${title}, figures`, columns, cells, line("Total", now, finished.credits, before ? before.credits : 0)));
  }

  // Of the whole team: under a filter everybody else would seem to use nothing.
  function idle(period, filters) {
    if (!place("s-idle")) return;
    place("s-idle").hidden = Object.keys(filters).length > 0;
    if (place("s-idle").hidden) return;
    const used = usage.sums(period.days, {}).by.person;
    const found = data.members.filter((one) => one.status === "active" && !((used.get(one.email) || {}).uses > 0))
      .map((one) => [one.email, one.role, usage.lastUse.has(one.email) ? dayInWords(usage.lastUse.get(one.email)) : "none synced"]);
    place("idle-about").textContent = `${plural(found.length, "active member", "active members")} without a use, ${spanInWords(period.days)}.`;
    const columns = ["Member", "Role", data.granularity === "day" ? "Last use" : "Last period of use"];
    place("idle").replaceChildren(...(found.length ? [
      download("members-who-use-nothing", "Members who use nothing", columns, () => found),
      table("Members who use nothing", columns.map((title) => ({ title })), found),
    ] : []));
  }

  // What was clicked is drawn anew: the keyboard goes on at its list's heading, or beside where the filter was.
  function keepFocus(draw_) {
    const held = document.activeElement;
    const section = held.closest("section");
    draw_();
    if (held.isConnected) return;
    const next = section && !section.hidden ? section.querySelector("h2") : place("period");
    next.focus({ preventScroll: true });
  }

  async function show() {
    const chosen = address();
    const period = data.periods.find((one) => one.id === chosen.period) || data.periods[0];
    const filters = filtersOf(chosen);
    const measure = Object.hasOwn(units, chosen.in) ? chosen.in : "credits";
    [usage, unit] = [usages[measure], units[measure]];
    place("period").value = period.id;
    if (place("in")) place("in").value = measure;
    document.title = `Magnific credit usage, ${spanInWords(period.days)}`;
    const now = usage.sums(period.days, filters);
    const finished = usage.sums(period.finished, filters);
    const earlier = period.before && usage.sums(period.before, filters);
    const before = earlier && !unpriced(finished, earlier) ? earlier : null;
    cards(period, filters, now);
    keepFocus(() => {
      header(period, filters);
      for (const kind of Object.keys(kinds)) ranking(kind, period, filters, chosen, now, finished, before);
    });
    idle(period, filters);
    await Promise.all([timeline(period, filters, chosen, now), month(period, filters)]);
    document.body.dataset.drawn = location.hash || "#";
  }

  const choose = (changes) => { location.hash = hrefOf(address(), changes); };
  for (const one of data.periods) place("period").append(element("option", { value: one.id }, one.label));
  place("period").addEventListener("change", (event) => choose({ period: event.target.value, unit: undefined }));
  if (units.money) {
    for (const [id, one] of Object.entries(units)) place("in").append(element("option", { value: id }, one.title));
    place("in").addEventListener("change", (event) => choose({ in: event.target.value === "credits" ? undefined : event.target.value }));
  }
  if (place("keys")) {
    const [columns, ...rows] = [...place("keys").rows].map((row) => [...row.cells].map((cell) => cell.textContent.trim()));
    place("keys-download").append(download("api-keys", "API keys", columns, () => rows));
  }
  if (place("unit")) place("unit").addEventListener("change", (event) => choose({ unit: event.target.value }));
  window.addEventListener("hashchange", show);
  window.addEventListener("beforeprint", () => { for (const one of document.querySelectorAll("details")) one.open = true; });

  // `zoom_start` is where the chart keeps the span that is in sight, as [from, to].
  const move = (change_) => {
    const { view } = drawn.timeline;
    const [low, high] = view.scale("x").domain().map(Number);
    view.signal("zoom_start", change_(low, high)).runAsync();
  };
  place("closer").addEventListener("click", () => move((low, high) => [low + (high - low) / 4, high - (high - low) / 4]));
  place("earlier").addEventListener("click", () => move((low, high) => [low - (high - low) / 2, high - (high - low) / 2]));
  place("later").addEventListener("click", () => move((low, high) => [low + (high - low) / 2, high + (high - low) / 2]));
  place("whole").addEventListener("click", show);
  return show();
}

unpack(place("data").textContent).then((data) => start(data, JSON.parse(place("specs").textContent)));
