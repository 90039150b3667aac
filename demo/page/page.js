// The page's address determines what it shows. Each choice changes the address, so the browser's back button works.

const kindOf = (one, many, title = capital(many)) => ({ one, many, title });
const kinds = { team: kindOf("team", "teams"), tool: kindOf("tool", "tools"), group: kindOf("group", "groups"),
  project: kindOf("project", "projects"), key: kindOf("API key", "API keys"), person: kindOf("person", "people"),
  seat: kindOf("seat", "seats", "Seats without use") };
const place = (id) => document.getElementById(id);
const hide = (id, isHidden) => (place(id).hidden = isHidden);

function start(data) {
  const usage = Usage(data);
  const units = unitsOf(data);
  const choices = periods(data);

  const known = choices.flatMap(([, found]) => found);
  const isKnown = ([name, value]) => ({ from: true, to: true, period: known.some(({ id }) => id === value),
    key: entries().some(([one]) => ["group", "project"].includes(one)) ? false : undefined,
    in: Object.hasOwn(units, value), unit: ["day", "week", "month"].includes(value) }[name]
    ?? Boolean(data.ids[name]?.includes?.(value)));
  const entries = () => [...new URLSearchParams(location.href.split("#")[1] ?? location.search)];
  const address = () => Object.fromEntries(entries().filter(isKnown));
  const hrefOf = (changes) =>
    `#${new URLSearchParams(Object.entries({ ...address(), ...changes }).filter(([, value]) => value !== undefined))}`;
  const choose = (changes) => { location.hash = hrefOf(changes); };
  const nameOf = (kind, id) => data.names[kind]?.[id] ?? id;
  const only = (filters) => Object.entries(filters).map(([kind, id]) => `Only ${kinds[kind].one}: ${nameOf(kind, id)}`);

  // Returns why the two days are not a valid period, or an empty string if they are.
  const wrongDates = (from, to) => ([from, to].some((day) => iso(time(day) || 0) !== day) ? "Enter two valid days."
    : from > to ? "The first day is after the last."
    : from < data.first || to > data.through
      ? `Choose days from ${spanInWords({ first: data.first, last: data.through })}.` : "");

  function view() {
    const chosen = address();
    const wrong = chosen.from || chosen.to ? wrongDates(chosen.from, chosen.to) : "";
    const unknown = entries().filter((one) => !isKnown(one)).map(([name, value]) => `${name}=${value}`
      + (data.ids[name]?.includes?.(value) ? " (API keys have no groups or projects)" : "")).join(", ");
    const period = chosen.from && !wrong ? { id: "own", first: chosen.from, last: chosen.to }
      : known.find((one) => one.id === chosen.period) || known[0];
    const filters = Object.fromEntries(Object.entries(chosen).filter(([kind]) => Object.hasOwn(data.ids, kind)));
    const unit = units[chosen.in ?? Object.keys(units)[0]];
    const since = data.firsts[filters.team] || Object.values(data.firsts).sort().at(-1);
    return { chosen, period,
      wrong: wrong || (unknown && `This part of the address is unknown, so it is ignored: ${unknown}.`),
      filters, unit, spans: compared(period, data, since), now: total(usage.by(period, filters, "tool").values()) };
  }

  // For example, "magnific_tools_2026-11-01_to_2026-11-30_group-Motion".
  const fileName = (content, { period, filters }) => ["magnific", content, `${period.first}_to_${period.last}`,
    ...Object.entries(filters).map(([kind, id]) => `${kind}-${nameOf(kind, id)}`.replace(/[^\w.@-]+/g, "-"))].join("_");
  const figures = (sum) => [sum.uses, ...Object.values(units).map((unit) => unit.value(sum) ?? "")];
  const figureTitles = ["uses", ...Object.values(units).map(({ column }) => column)];
  const page = { data, usage, hrefOf, nameOf, only, fileName, figures, figureTitles, show: () => show() };
  const [lists, budgets] = [Lists(page), Budgets(page)];

  function changes({ unit, filters, spans }) {
    if (!spans.before) return `No comparison: ${spans.why}.`;
    const [now, before] = [spans.now, spans.before].map((days) => usage.by(days, filters, "tool"));
    const [sum, then] = [total(now.values()), total(before.values())];
    if (!both(unit, sum, then)) return "No comparison: some of these days have no price.";
    const tools = driversOfAll(unit, now, before);
    const all = (what) => tools.reduce((found, one) => found + one[what], 0);
    const amount = (value) => signed(value, unit.of);
    // What all("uses") would be if all tools had grown equally. The rest of all("uses") is due to a different mix of tools.
    const number = then.uses ? ((sum.uses - then.uses) * unit.value(then)) / then.uses : all("uses");
    const [most] = tools.toSorted((one, other) => Math.abs(other.change) - Math.abs(one.change));
    return `${spanInWords(spans.now)} against ${spanInWords(spans.before)}: ${amount(all("change"))} `
      + `(${growth(unit.value(sum), unit.value(then))}). Number of uses of each tool: ${amount(all("uses"))} `
      + `(total number of uses: ${amount(number)}, choice of tools: ${amount(all("uses") - number)}); `
      + `cost of a use: ${amount(all("price"))}.`
      + (most ? ` The largest change: ${most.id}, ${amount(most.change)}.` : "");
  }

  function header({ period, filters, unit, now }) {
    place("shown").textContent = [`${spanInWords(period)}, days in UTC`,
      period.last > data.complete ? `; ${dayInWords(data.through)} had not ended when it was synced` : "",
      data.hasPrices ? ". Costs are estimates: each day's credits at that day's price."
        : ". There are no prices, so all figures are in credits.",
      now.uses || now.credits ? "" : " The data has no usage on these days.",
      now.unpriced && unit.id === "cost"
        ? ` ${units.credits.of(now.unpriced)} on these days have no price, so their cost is missing.` : ""].join("");
    place("filters").replaceChildren(...Object.entries(filters)
      .map(([kind, id]) => element("a", { href: hrefOf({ [kind]: undefined }), className: "filter" },
      only({ [kind]: id }), element("span", { className: "hidden" }, ", show all again"),
        element("span", { ariaHidden: "true" }, " ✕"))));
    document.title = `Magnific credit usage, ${spanInWords(period)}`;
  }

  function cards(shown) {
    const { period, filters, unit, spans, now } = shown;
    const against = (title, days) => {
      if (!days) return { title, figure: dash, note: spans.why };
      const [sum, then] = [spans.now, days].map((span) => total(usage.by(span, filters, "tool").values()));
      if (!both(unit, sum, then)) return { title, figure: dash, note: "some of these days have no price" };
      return { title, figure: signed(unit.value(sum) - unit.value(then), unit.of),
        note: `${growth(unit.value(sum), unit.value(then))}: ${amountOf(unit, sum)} on ${spanInWords(spans.now)}, `
          + `${amountOf(unit, then)} on ${spanInWords(days)}` };
    };
    const people = [...usage.by(period, filters, "person")].filter(([id]) => id !== data.nobody);
    const members = data.people.filter((one) => one.member_status && (!filters.team || one.team === filters.team));
    const seats = new Set(members.filter((one) => one.has_seat).map((one) => one.person));
    const seated = people.filter(([id]) => seats.has(id)).length;
    const nobody = usage.by(period, filters, "person").get(data.nobody);
    const found = [
      { title: "Spent", figure: amountOf(unit, now, unit.of),
        note: `${data.hasPrices ? `${units.credits.of(now.credits)}, ` : ""}${plural(now.uses, "use", "uses")}` },
      against("Change", spans.before),
      ...(spans.yearBefore && period.unit !== "year" ? [against("Change in a year", spans.yearBefore)] : []),
      ...budgets.cards(shown),
      { title: "People with usage", figure: whole(people.length),
        note: (seats.size ? `${whole(seated)} of ${plural(seats.size, "seat", "seats")}`
          + (seated < people.length ? ` and ${whole(people.length - seated)} without a seat` : "")
          : members.length ? "no member has a seat" : "there is no list of members")
          + (nobody ? `; ${amountOf(unit, nobody, unit.of)} (${percent(unit.value(nobody), unit.value(now))}) is not `
            + "attributed to a person" : "") },
    ];
    place("cards").replaceChildren(...found.map((card) => element("div", { className: "card" },
      element("dt", {}, card.title), element("dd", { className: "figure" }, card.figure),
        element("dd", { className: "note" }, card.note))));
  }

  function bars({ chosen, period, filters }) {
    const size = ["day", "week", "month"].includes(chosen.unit) ? chosen.unit : length(period) <= 92 ? "day"
      : length(period) <= 550 ? "week" : "month";
    place("unit").value = size;
    const found = usage.over(period, filters, size);
    const shown = data.ids.tool.slice(0, data.ids.tool.length > 8 ? 7 : 8);
    const paint = [...shown, ...(shown.length < data.ids.tool.length ? ["Other tools"] : [])]
      .map((name, n) => ({ name, paint: colour(`tool-${n + 1}`) }));
    const all = [];
    for (let start = startOf(period.first, size); start <= period.last; start = startOf(start, size, 1)) {
      const end = later(startOf(start, size, 1), -1);
      const span = { first: start < period.first ? period.first : start, last: end > period.last ? period.last : end };
      const note = [length(span) < length({ first: start, last: end }) ? spanInWords(span) : "",
        span.last > data.complete ? "not over" : ""].filter(Boolean).join(", ");
      const name = { day: dayInWords, month: monthInWords }[size]?.(start) || `Week from ${dayInWords(start)}`;
      const tools = found.get(start) || new Map();
      const pieces = new Map();
      for (const [tool, sum] of tools) {
        const piece = shown.includes(tool) ? tool : "Other tools";
        pieces.set(piece, add(pieces.get(piece) || nothing(), sum));
      }
      all.push({ start, what: note ? `${name} (${note})` : name, whole: !note, sum: total(tools.values()), tools,
        pieces: paint.map((one) => one.name).filter((one) => pieces.has(one))
          .map((tool) => ({ tool, sum: pieces.get(tool) })) });
    }
    return { size, paint, all };
  }

  function overTime(shown) {
    const { size, paint, all } = bars(shown);
    const { period, unit, now } = shown;
    timeline(place("timeline"), [`Usage by ${size} and tool, ${spanInWords(period)}`, ...only(shown.filters)], unit,
      all, paint);
    const partial = all.filter((bar) => !bar.whole).map((bar) => bar.what);
    place("parts").textContent = partial.length ? `Pale bars are incomplete: ${partial.join("; ")}.` : "";
    const columns = [{ title: capital(size) }, { title: unit.title, number: true },
      { title: "Uses", number: true }];
    place("timeline-table").replaceChildren(table("Usage over time", columns,
      all.map(({ what, sum }) => [what, amountOf(unit, sum), whole(sum.uses)]),
        { total: ["Total", amountOf(unit, now), whole(now.uses)] }));
    const name = fileName(`usage-by-${size}-and-tool`, shown);
    place("timeline-save").replaceChildren(
      csvButton(name, "Usage over time", () => [["first_day", "tool", ...figureTitles],
        ...all.flatMap(({ start: first, tools }) => [...tools].map(([tool, sum]) => [first, tool, ...figures(sum)])),
          ["Total", "", ...figures(now)]]),
      button("Save picture", "Save picture: Usage over time",
        () => picture(place("timeline"), `${name}_${unit.title}`)));
  }

  // If a click removes the clicked element, the keyboard focus moves to the heading of its list, or to the period
  // menu if the element was a filter.
  function keepFocus(draw) {
    const held = document.activeElement;
    const section = held.closest("section");
    draw();
    if (held.isConnected) return;
    const next = place(held.id) || (section && !section.hidden ? section.querySelector("h2") : place("period"));
    next.focus({ preventScroll: true });
  }

  function show() {
    const shown = view();
    const { wrong, period, filters, unit, spans } = shown;
    place("wrong").textContent = wrong;
    place("period").value = period.id;
    [place("from").value, place("to").value] = [period.first, period.last];
    place("in").value = unit.id === "cost" ? "money" : "credits";
    keepFocus(() => {
      header(shown);
      cards(shown);
      place("changes").textContent = changes(shown);
      for (const kind of ["team", "tool", "group", "project", "person"]) {
        lists.ranking(kind, shown, ...[period, spans.now, spans.before].map((days) => usage.by(days, filters, kind)));
      }
      lists.keys(shown);
      lists.seats(shown);
    });
    overTime(shown);
    budgets.show(shown);
    document.body.dataset.drawn = location.hash || "#";
  }

  const own = () => {
    const [from, to] = [place("from").value, place("to").value];
    place("wrong").textContent = wrongDates(from, to);
    if (!place("wrong").textContent) choose({ from, to, period: undefined, unit: undefined });
  };
  place("period").append(...choices.map(([label, found]) =>
    element("optgroup", { label }, found.map((one) => element("option", { value: one.id }, one.label)))),
    element("option", { value: "own" }, "Own dates"));
  place("period").addEventListener("change", ({ target: { value } }) => (value === "own" ? place("from").focus()
    : choose({ period: value, from: undefined, to: undefined, unit: undefined })));
  for (const id of ["from", "to"]) {
    Object.assign(place(id), { min: data.first, max: data.through });
    place(id).addEventListener("change", own);
  }
  place("in").append(...Object.entries(units).map(([value, { title }]) => element("option", { value }, title)));
  place("in-label").hidden = !data.hasPrices;
  for (const id of ["in", "unit"]) place(id).addEventListener("change", ({ target }) => choose({ [id]: target.value }));
  for (const event of ["hashchange", "resize"]) window.addEventListener(event, show);
  window.addEventListener("beforeprint", () => { onPaperNow = true; show(); });
  window.addEventListener("afterprint", () => { onPaperNow = false; show(); });
  show();
}

if (place("data")) unpack(place("data").textContent).then(start);
