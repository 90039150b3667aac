// Budgets and the forecast: shown as the models have them. Only the line of what was used so far is added up here.

function Budgets({ data, usage, fileName }) {
  const inUnit = (unit, row, what) => (row ? row[unit.id === "cost" ? `${what}_cost` : what] ?? null : null);
  const words = (unit, value, figure = unit.figure) => (value === null || value === undefined ? dash : figure(value));
  const share = (value) => (value === null || value === undefined ? dash : `${decimals(1)(value)}%`);
  const label = (row) => ({ team: data.ids.team.length > 1 ? `Team ${row.team}` : "The team" }[row.scope]
    || `${row.scope[0].toUpperCase()}${row.scope.slice(1)} ${row.name}`);
  const isOf = (filters) => (row) => !filters.team || row.team === filters.team;
  const cycles = (rows, day, filters) => rows.filter((row) => row.cycle_start <= day && day <= row.cycle_end)
    .filter(isOf(filters));

  // The team's cycle or month that holds the last day shown, where there is one team; null where there are several.
  function ofTeam(period, filters) {
    const rows = cycles(data.budget, period.last, filters).filter((row) => row.scope === "team");
    const months = data.months.filter((row) => row.month === startOf(period.last, "month")).filter(isOf(filters))
      .map((row) => ({ ...row, cycle_start: row.month, cycle_end: later(startOf(row.month, "month", 1), -1),
        allowance: null }));
    const found = rows.length ? rows : months;
    return found.length === 1 ? found[0] : null;
  }

  function cards(period, filters, unit) {
    const row = ofTeam(period, filters);
    if (!row) return [];
    const [used, forecast, allowance] = ["used", "forecast", "allowance"].map((what) => inUnit(unit, row, what));
    const span = spanInWords({ first: row.cycle_start, last: row.cycle_end });
    if (row.allowance === null) return [{ title: "Forecast of the team", figure: words(unit, forecast, unit.of),
      note: `${words(unit, used, unit.of)} used so far, ${span}; no allowance is given` }];
    return [
      { title: "Budget of the team", figure: `${share(row.percent_used)} used`,
        note: `${words(unit, used, unit.of)} of ${words(unit, allowance, unit.of)}, ${span}` },
      { title: "Forecast of the team", figure: share(row.forecast_percent),
        note: `${words(unit, forecast, unit.of)}; `
          + (!row.runs_out_on ? "the budget is enough"
            : `the budget ${row.runs_out_on <= row.used_through ? "ran" : "runs"} out on ${dayInWords(row.runs_out_on)}`) },
    ];
  }

  // Running totals of a cycle's days by the usage that is stored.
  function running(span, team, unit, after = 0) {
    const days = usage.over(span, { team }, "day");
    let sum = after;
    return Array.from({ length: length(span) }, (_, n) => {
      const day = later(span.first, n);
      sum += days.has(day) ? unit.value(total(days.get(day).values())) || 0 : 0;
      return { day, value: sum };
    });
  }

  function chart(row, unit, name) {
    const cycle = { first: row.cycle_start, last: row.cycle_end };
    const placed = (points, from) => points.map((point) => ({ ...point,
      share: (length({ first: from, last: point.day }) - 1) / Math.max(1, length(cycle) - 1) }))
      .filter((point) => point.share <= 1);
    const through = data.through < cycle.last ? data.through : cycle.last;
    const used = placed(running({ first: cycle.first, last: through }, row.team, unit), cycle.first);
    const lastWhole = used.findLast(({ day }) => day <= data.complete);
    let sum = lastWhole?.value ?? 0;
    const toCome = data.forecast.filter((one) => one.team === row.team && one.date >= cycle.first
      && one.date <= cycle.last)
      .map((one) => ({ day: one.date, value: (sum += inUnit(unit, one, "expected") ?? 0) }));
    const { before } = compared(cycle, { first: data.first, complete: cycle.last });
    const lines = [
      ...(before ? [{ name: spanInWords(before), paint: colour("quiet"), dashed: "1 0",
        points: placed(running(before, row.team, unit), before.first) }] : []),
      { name: "Used", paint: colour("accent"), dashed: "1 0", points: used },
      ...(toCome.length ? [{ name: "Forecast", paint: colour("accent"), dashed: "6 4",
        points: [...(lastWhole ? [lastWhole] : []), ...placed(toCome, cycle.first)] }] : []),
    ];
    runningTotal(place("cycle"), `Running total, ${spanInWords(cycle)}`, unit, lines, inUnit(unit, row, "allowance"),
      Array.from({ length: length(cycle) }, (_, n) => later(cycle.first, n)));
    place("cycle-save").replaceChildren(button("Save picture", "Save picture: Budget",
      () => picture(place("cycle"), name)));
  }

  function show(shown) {
    const { period, filters, unit } = shown;
    const row = ofTeam(period, filters);
    const rows = cycles(data.budget, period.last, filters).filter((one) => one.allowance !== null);
    place("s-budget").hidden = !row && !rows.length;
    if (place("s-budget").hidden) return;
    place("about-budget").textContent = [`The cycles that hold ${dayInWords(period.last)}.`,
      unit.id === "cost" ? "Allowances are credits; money is what they are worth at the price of the day." : "",
      row ? `Used through ${dayInWords(row.used_through)}${row.is_used_through_over ? "" : ", a day that was not over"}.` : "",
    ].filter(Boolean).join(" ");
    if (row) chart(row, unit, fileName(`budget_${unit.title}`, shown));
    else place("cycle").replaceChildren();
    const titles = ["Allowance", "Used", "Used, %", "Remaining", "Forecast", "Forecast, %", "Runs out on"];
    const columns = [{ title: `Budget, ${unit.title}` }, ...titles.map((title) => ({ title, number: true }))];
    const figures = (one) => ["allowance", "used", "remaining", "forecast"]
      .map((what) => words(unit, inUnit(unit, one, what)));
    const cells = rows.map((one, n) => {
      const [allowance, used, remaining, forecast] = figures(one);
      const over = element("span", { className: one.forecast_percent > 100 ? "bad" : "good" },
        share(one.forecast_percent));
      return { late: rows.length > onPaper + 1 && n >= onPaper,
        cells: [element("span", {}, label(one), element("span", { className: "note cycle" },
        spanInWords({ first: one.cycle_start, last: one.cycle_end }))), allowance, used, share(one.percent_used),
        remaining, forecast, over, one.runs_out_on ? dayInWords(one.runs_out_on) : dash] };
    });
    const names = ["team", "scope", "name", "cycle_start", "cycle_end",
      ...["allowance", "used", "remaining", "forecast"].flatMap((one) =>
      (data.hasPrices ? [one, `${one}_cost`] : [one])),
      "percent_used", "forecast_percent", "runs_out_on", ...(data.hasPrices ? ["currency"] : [])];
    place("budget").replaceChildren(...(rows.length ? [table("Budgets", columns, cells,
      { rest: cells.at(-1).late ? columns.map((_, n) => (n ? ""
      : `${whole(cells.length - onPaper)} more budgets, on screen and in the CSV`)) : null }),
      csvButton(fileName("budgets", shown), "Budgets", () =>
      [names, ...rows.map((one) => names.map((name) => one[name] ?? ""))])] : []));
    const alerts = cycles(data.alerts, period.last, filters);
    const highest = alerts.filter((one) => !alerts.some((other) => other.team === one.team && other.scope === one.scope
      && other.name === one.name && other.level > one.level));
    place("alerts").replaceChildren(...highest.map(({ message }) => element("li", {}, message)));
  }

  return { cards, show };
}
