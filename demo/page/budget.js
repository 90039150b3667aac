// Credits as money, and the month against what was agreed.

// The same data with money in place of credits. A day without a price has no money: its credits count as `unpriced`.
function inMoney(data) {
  const start = time(data.first);
  const prices = data.prices.map((one) => ({ day: (time(one.valid_from) - start) / dayMs, price: one.price }));
  const priceOn = (day) => (prices.findLast((one) => one.day <= day) || { price: null }).price;
  const converted = (columns) => {
    if (!columns) return columns;
    const priced = columns.day.map(priceOn);
    return { ...columns, credits: columns.credits.map((credits, row) => (priced[row] === null ? 0 : credits * priced[row])),
      unpriced: columns.credits.map((credits, row) => (priced[row] === null ? credits : 0)) };
  };
  return { ...data, usage: converted(data.usage), byKey: converted(data.byKey) };
}

function unitsOf(data) {
  const found = { credits: { title: "Credits", column: "credits", figure: number, each: precise, exact: (value) => value,
    of: (value) => `${number(value)} credits` } };
  if (data.prices.length) {
    const { currency } = data.prices[0];
    // As many decimals as the prices have: what is beyond them is the noise of binary fractions.
    const decimals = Math.min(6, Math.max(...data.prices.map(({ price }) => (/e-/.test(price) ? 6 : (String(price).split(".")[1] || "").length))));
    const money = (digits) => (value) => value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
    found.money = { title: `${currency}, estimated`, column: `${currency.toLowerCase()}_estimated`, figure: money(2), each: money(4), exact: (value) => Number(value.toFixed(decimals)),
      of: (value) => `${currency} ${money(2)(value)}`, since: data.prices[0].valid_from };
  }
  return found;
}

// A name as allowances are matched by: dbt does the same.
const plain = (name) => name.trim().toLowerCase();

// The highest of what is reached, in whole credits so that none is by rounding; 0 for none.
const reached = (credits, allowance) => [95, 80, 50].find((percent) => credits > 0 && credits * 100 >= allowance * percent) || 0;
function verdictOf(used, expected, allowance) {
  if (used > allowance) return "over";
  const [now, later] = [reached(used, allowance), reached(expected, allowance)];
  const so_far = now ? `${now}% reached` : "within";
  return expected > allowance ? `${so_far}, will be over` : later > now ? `${so_far}, will reach ${later}%` : so_far;
}

// A line for each allowance that holds by the end of the last finished day's month, or by today while it goes on: name,
// allowance, used, forecast, verdict. A seat's allowance is the team's times its seats and a group's times its members.
// `unknown`: the group's or person's allowances whose name nobody has.
function budgetLines(usage, data, finished) {
  const month = startOf(time(finished.last), "month");
  const days = { first: iso(Math.max(month, time(data.first))), last: finished.last };
  const today = (data.syncedAt || data.through).slice(0, 10);
  const until = [iso(startOf(month, "month", 1) - dayMs), today].sort()[0];
  const held = new Map();
  for (const one of data.allowances) {
    if (one.valid_from <= until) held.set(`${one.scope} ${plain(one.name)}`, one);
  }
  const seat = held.get("seat ");
  const seats = data.members.filter((one) => one.status === "active").length;
  const team = held.get("team ") || (seat && { credits: seat.credits * seats, name: "" });
  const line = (name, credits, filters) => {
    const used = usage.sums(days, filters).credits;
    const expected = forecast(usage, finished, filters, { value: used, unpriced: 0 });
    return { name, credits, used, expected, verdict: verdictOf(used, expected, credits) };
  };
  const known = {
    group: new Set([...data.ids.group, ...data.groups.map((one) => one.name)]),
    person: new Set([...data.ids.person, ...data.members.map((one) => one.email)]),
  };
  const unknown = [];
  const own = (scope) => [...held.values()].filter((one) => one.scope === scope).flatMap((one) => {
    const names = [...known[scope]].filter((name) => plain(name) === plain(one.name));
    if (!names.length) unknown.push(`${scope} ${one.name}`);
    return names.map((name) => line(name, one.credits, { [scope]: name }));
  });
  const lines = [
    ...(team ? [line(held.get("team ") ? "The team" : `The team, ${plural(seats, "seat", "seats")}`, team.credits, {})] : []),
    ...own("group"),
    ...(seat ? data.groups.filter((one) => !held.has(`group ${plain(one.name)}`)) : [])
      .map((one) => line(`${one.name}, ${plural(one.members, "seat", "seats")}`, seat.credits * one.members, { group: one.name })),
    ...own("person"),
  ];
  return { lines, unknown, span: `day ${Number(days.first.slice(8))} to ${Number(days.last.slice(8))}` };
}

function budgetTable({ lines, unknown, span }, invented) {
  const columns = [{ title: "Allowance of" }, { title: "Credits a month", number: true }, { title: `Used, ${span}`, number: true },
    { title: "Forecast", number: true }, { title: "Verdict" }];
  const found = table("Allowances of the month, in credits", columns, lines.map((one) => [
    one.name, number(one.credits), percent(one.used, one.credits), percent(one.expected, one.credits),
    element("span", { className: /over|95%/.test(one.verdict) ? "verdict bad" : "verdict good" }, element("strong", {}, one.verdict)),
  ]));
  return [
    lines.length ? element("p", { className: "about" }, `Allowances of the month, in credits${invented ? "; the demo invented them" : ""}.`) : null,
    lines.length ? download("allowances", "Allowances of the month", ["allowance of", "credits a month", "used", "forecast", "verdict"],
      () => lines.map((one) => [one.name, one.credits, one.used, Math.round(one.expected), one.verdict])) : null,
    lines.length ? found : null,
    unknown.length ? element("p", { className: "about", id: "unknown" }, `Allowances whose name nobody has, neither in usage nor in the lists of groups and members: ${unknown.join(", ")}. Nothing is measured by them.`) : null,
  ].filter(Boolean);
}
