// Budgets and the forecast, as the models define them. Only the running total so far is computed here.

function Budgets({ data, usage, fileName }) {
  const inUnit = (unit, row, what) => row[unit.id === "cost" ? `${what}_cost` : what] ?? null;
  const words = (value, figure) => (value === null || value === undefined ? dash : figure(value));
  const share = (value) => words(value, (found) => `${decimals(1)(found)}%`);
  const label = (row) => ({ team: data.ids.team.length > 1 ? `Team ${row.team}` : "The team" }[row.scope]
    || `${capital(row.scope)} ${row.name}`);
  const spanOf = (row) => ({ first: row.cycle_start, last: row.cycle_end });
  const cycles = (rows, day, filters) => rows.filter((row) => row.cycle_start <= day && day <= row.cycle_end
    && (!filters.team || row.team === filters.team));
  const runsOut = ({ runs_out_on: day, used_through: today }) =>
    `the budget ${day <= today ? "ran" : "runs"} out on ${dayInWords(day)}`;

  // The team's cycle or month that contains the last day shown; null if there are several teams.
  function ofTeam({ period, filters }) {
    const rows = cycles(data.budget, period.last, filters).filter((row) => row.scope === "team");
    const months = data.months.map((row) => ({ ...row, cycle_start: row.month, allowance: null,
      cycle_end: later(startOf(row.month, "month", 1), -1) }));
    const found = rows.length ? rows : cycles(months, period.last, filters);
    return found.length === 1 ? found[0] : null;
  }

  // A cycle that is over has no forecast.
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
        note: isBudget ? `${forecast}; ${row.runs_out_on ? runsOut(row) : "the budget is enough"}`
          : `${used} used so far, ${spanInWords(spanOf(row))}; no allowance is set` }] : []),
    ];
  }

  // Running totals of a span's days, each with its position as a share of the cycle's width.
  function running(span, team, unit, days) {
    const found = usage.over(span, { team }, "day");
    let value = 0;
    return Array.from({ length: Math.min(length(span), days) }, (_, n) => {
      const day = later(span.first, n);
      value += found.has(day) ? unit.value(total(found.get(day).values())) || 0 : 0;
      return { day, value, share: n / Math.max(1, days - 1) };
    });
  }

  function chart(row, unit, name) {
    const cycle = spanOf(row);
    const days = length(cycle);
    const used = running({ first: cycle.first, last: row.used_through }, row.team, unit, days);
    const lastWhole = used.findLast(({ day }) => day <= data.complete);
    let sum = lastWhole?.value ?? 0;
    const toCome = data.forecast.filter((one) => one.team === row.team && one.date >= cycle.first
      && one.date <= cycle.last).map((one) => ({ day: one.date, value: (sum += inUnit(unit, one, "expected") ?? 0),
      share: (length({ first: cycle.first, last: one.date }) - 1) / Math.max(1, days - 1) }));
    const { before } = compared(cycle, { first: data.first, complete: cycle.last });
    const lines = [
      ...(before ? [{ name: spanInWords(before), paint: colour("quiet"), dashed: "1 0",
        points: running(before, row.team, unit, days) }] : []),
      { name: "Used", paint: colour("accent"), dashed: "1 0", points: used },
      ...(toCome.length ? [{ name: "Forecast", paint: colour("accent"), dashed: "6 4",
        points: [...(lastWhole ? [lastWhole] : []), ...toCome] }] : []),
    ];
    runningTotal(place("cycle"), `Running total, ${spanInWords(cycle)}`, unit, lines, inUnit(unit, row, "allowance"),
      Array.from({ length: days }, (_, n) => later(cycle.first, n)));
    place("cycle-save").replaceChildren(button("Save picture", "Save picture: Budget",
      () => picture(place("cycle"), name)));
  }

  // The highest level that a budget has reached, in the page's unit; the models' own message is in credits.
  function alertOf(row, unit) {
    const found = data.alerts.find((one) => one.level === row.level
      && ["team", "scope", "name", "cycle_start"].every((what) => one[what] === row[what]));
    const [used, allowance] = ["used", "allowance"].map((what) => words(inUnit(unit, row, what), unit.of));
    return found ? [element("li", {}, `${label(row)} has used ${used} of ${allowance} (${share(row.percent_used)}), `
      + `and reached ${row.level}% on ${dayInWords(found.crossed_on)}.`)] : [];
  }

  function show(shown) {
    const { period, filters, unit } = shown;
    const row = ofTeam(shown);
    const rows = cycles(data.budget, period.last, filters).filter((one) => one.allowance !== null);
    place("s-budget").hidden = !row && !rows.length;
    if (place("s-budget").hidden) return;
    place("about-budget").textContent = [`Billing cycles that include ${dayInWords(period.last)}.`,
      unit.id === "cost" ? "Allowances are credits; money is what they are worth at the price of the day." : "",
      row && row.is_current ? `Used through ${dayInWords(row.used_through)}, a day that was not over.` : "",
      [row, ...rows].some((one) => one?.is_partial)
        ? `The data starts on ${dayInWords(data.first)}, after the cycle did; earlier usage is not included.` : "",
    ].filter(Boolean).join(" ");
    if (row) chart(row, unit, fileName(`budget_${unit.title}`, shown));
    else place("cycle").replaceChildren();
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
      { title: isOver ? "Ran out on" : "Runs out on", cell: (one) => words(one.runs_out_on, dayInWords) },
    ].map((column, n) => ({ ...column, number: n > 0 }));
    const names = ["team", "scope", "name", "cycle_start", "cycle_end",
      ...["allowance", "used", "remaining", "forecast"].flatMap((one) => (data.hasPrices ? [one, `${one}_cost`] : one)),
      "percent_used", "forecast_percent", "runs_out_on", ...(data.hasPrices ? ["currency"] : [])];
    const isTold = (one, name) => one.is_current || !name.startsWith("forecast");
    place("budget").replaceChildren(...(rows.length ? [
      table("Budgets", columns, rows.map((one) => columns.map(({ cell }) => cell(one))), { rest: (late) =>
        columns.map((_, n) => (n ? "" : `${whole(late)} more budgets, on screen and in the CSV`)) }),
      csvButton(fileName("budgets", shown), "Budgets", () => [names, ...rows.map((one) =>
        names.map((name) => (isTold(one, name) ? one[name] ?? "" : "")))])] : []));
    place("alerts").replaceChildren(...rows.toSorted((one, other) => other.level - one.level)
      .flatMap((one) => alertOf(one, unit)));
  }

  return { cards, show };
}
