// Shows budgets and the forecast as the models define them. This script itself computes only the running total.

function Budgets({ data, usage, only, fileName }) {
  const inUnit = (unit, row, what) => row[unit.id === "cost" ? `${what}_cost` : what] ?? null;
  const words = (value, figure) => (value === null || value === undefined ? dash : figure(value));
  const share = (value) => words(value, (found) => `${decimals(1)(found)}%`);
  const label = (row) => ({ team: data.ids.team.length > 1 ? `Team ${row.team}` : "The team" }[row.scope]
    || `${capital(row.scope)} ${row.name}`);
  const spanOf = (row) => ({ first: row.cycle_start, last: row.cycle_end });
  const cycles = (rows, { first, last }, filters) => rows.filter((row) => row.cycle_start <= last
    && first <= row.cycle_end && (!filters.team || row.team === filters.team));
  const runsOut = ({ runs_out_on: day, used_through: today }) =>
    `the budget ${day <= today ? "ran" : "runs"} out on ${dayInWords(day)}`;

  // Returns the team's cycle that contains the last day shown, or else that day's month; null for several teams.
  function ofTeam({ period: { last }, filters }) {
    const rows = cycles(data.budget, { first: last, last }, filters).filter((row) => row.scope === "team");
    const found = rows.length ? rows : cycles(data.months, { first: last, last }, filters);
    return found.length === 1 ? found[0] : null;
  }

  // Returns the cards for the team's budget. A cycle that is over has no forecast card.
  function cards(shown) {
    const { unit } = shown;
    const row = ofTeam(shown);
    if (!row) return [];
    const [used, forecast, allowance] = ["used", "forecast", "allowance"]
      .map((what) => words(inUnit(unit, row, what), unit.of));
    const isBudget = row.allowance !== null;
    return [
      ...(isBudget ? [{ title: "Budget of the team", figure: `${share(row.percent_used)} used`,
        note: `${used} of ${allowance}, ${spanInWords(spanOf(row))}`
          + (row.is_current || !row.runs_out_on ? "" : `; ${runsOut(row)}`) }] : []),
      ...(row.is_current ? [{ title: "Forecast of the team", figure: isBudget ? share(row.forecast_percent) : forecast,
        note: row.forecast === null ? "no forecast yet"
          : isBudget ? `${forecast}; ${row.runs_out_on ? runsOut(row) : "the budget is enough"}`
          : `${used} used so far, ${spanInWords(spanOf(row))}; no budget for this cycle` }] : []),
    ];
  }

  // Returns the line that shows a span's running total. The line ends before the first day without a price.
  function running(name, span, team, unit, paint) {
    const found = usage.over(span, { team }, "day");
    const sum = nothing();
    const points = Array.from({ length: length(span) }, (_, n) => {
      const day = later(span.first, n);
      add(sum, total((found.get(day) || new Map()).values()));
      return { n, day, value: unit.known(sum) ? unit.value(sum) : null };
    }).filter(({ value }) => value !== null);
    const isWhole = points.length === length(span);
    return { name: isWhole ? name : `${name}: not all days have a price`, paint, points, isWhole };
  }

  function chart(row, unit) {
    const { team, used_through: through } = row;
    const filters = data.ids.team.length > 1 ? { team } : {};
    const cycle = spanOf(row);
    const days = Array.from({ length: length(cycle) }, (_, n) => later(cycle.first, n));
    const used = running("Used", { ...cycle, last: through }, team, unit, colour("accent"));
    const lastWhole = used.points.findLast(({ day }) => day <= data.complete);
    let sum = lastWhole?.value ?? 0;
    const toCome = data.forecast.filter((one) => used.isWhole && one.team === team && days.includes(one.date)
      && inUnit(unit, one, "expected") !== null).map((one) => ({ n: days.indexOf(one.date), day: one.date,
      value: (sum += inUnit(unit, one, "expected")) }));
    const last = later(cycle.first, -1);
    const before = ofTeam({ period: { last }, filters: { team } });
    const shown = before && { first: before.cycle_start,
      last: [last, later(before.cycle_start, days.length - 1)].sort()[0] };
    const lines = [
      ...(before?.cycle_end === last && shown.first >= data.firsts[team]
        ? [running(spanInWords(shown), shown, team, unit, colour("quiet"))] : []),
      used,
      ...(toCome.length ? [{ name: "Forecast", paint: colour("accent"), dashed: "6 4",
        points: [...(lastWhole ? [lastWhole] : []), ...toCome] }] : []),
    ];
    runningTotal(place("cycle"), [`Running total, ${spanInWords(cycle)}`, ...only(filters)], unit, lines,
      inUnit(unit, row, "allowance"), days);
    const name = fileName(`budget_${unit.title}`, { period: cycle, filters });
    place("cycle-save").replaceChildren(button("Save picture", "Save picture: Budget",
      () => picture(place("cycle"), name)));
  }

  function show(shown) {
    const { period, filters, unit } = shown;
    // Budgets can be filtered only by team.
    const own = filters.team === undefined ? {} : { team: filters.team };
    const row = ofTeam(shown);
    const rows = cycles(data.budget, period, filters).filter((one) => one.allowance !== null);
    if (hide("s-budget", !row && !rows.length)) return;
    const late = [...(row ? [row] : []), ...rows].find((one) => one.cycle_start < data.firsts[one.team]);
    place("about-budget").textContent = [`Billing cycles that overlap ${spanInWords(period)}.`,
      unit.id === "cost" ? "Allowances are set in credits; their cost depends on each day's price." : "",
      row && row.is_current ? `Used through ${dayInWords(row.used_through)}, which was not over when synced.` : "",
      late && `The data begins on ${dayInWords(data.firsts[late.team])}, within a cycle; earlier usage is missing.`,
    ].filter(Boolean).join(" ");
    for (const id of ["cycle", "cycle-save"]) place(id).replaceChildren();
    if (row) chart(row, unit);
    const figure = (title, what) => ({ title, cell: (one) => words(inUnit(unit, one, what), unit.figure) });
    const isOver = !rows.some((one) => one.is_current);
    const ofCurrent = (title, cell) => ({ title, cell: (one) => (one.is_current ? cell(one) : dash) });
    const columns = [
      { title: `Budget, ${unit.title}`, cell: (one) => element("span", {}, label(one),
        element("span", { className: "note cycle" }, spanInWords(spanOf(one)))) },
      figure("Allowance", "allowance"), figure("Used", "used"),
      { title: "Used, %", cell: (one) => share(one.percent_used) }, figure("Remaining", "remaining"),
      ...(isOver ? [] : [
        ofCurrent("Forecast", (one) => words(inUnit(unit, one, "forecast"), unit.figure)),
        ofCurrent("Forecast, %", (one) => element("span", { className: one.forecast_percent > 100 ? "bad" : "good" },
          share(one.forecast_percent)))]),
      { title: "Level reached", cell: ({ level, crossed_on: day }) =>
        (level ? `${level}%${day ? ` on ${dayInWords(day)}` : ""}` : dash) },
      { title: isOver ? "Ran out on" : "Runs out on", cell: (one) => words(one.runs_out_on, dayInWords) },
    ].map((column, n) => ({ ...column, number: n > 0 }));
    const names = ["team", "scope", "name", "cycle_start", "cycle_end", "used_through", "seats", "extra_allowance",
      ...["allowance", "used", "remaining", "forecast"].flatMap((one) => (data.hasPrices ? [one, `${one}_cost`] : one)),
      "percent_used", "level", "crossed_on", "forecast_percent", "runs_out_on", ...(data.currency ? ["currency"] : [])];
    const span = { first: rows.at(-1)?.cycle_start, last: rows.map((one) => one.cycle_end).sort().at(-1) };
    const isTold = (one, name) => one.is_current || !name.startsWith("forecast");
    place("budget").replaceChildren(...(rows.length ? [
      table("Budgets", columns, rows.map((one) => columns.map(({ cell }) => cell(one))), { rest: (late) =>
        columns.map((_, n) => (n ? "" : `${whole(late)} more budgets, on screen and in the CSV`)) }),
      csvButton(fileName("budgets", { period: span, filters: own }), "Budgets", () => [names, ...rows.map((one) =>
        names.map((name) => (isTold(one, name) ? one[name] ?? "" : "")))])] : []));
  }

  return { cards, show };
}
