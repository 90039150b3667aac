// Figures and days in words.

const number = (value) => Math.round(value).toLocaleString("en");
const precise = (value) => value.toLocaleString("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const percent = (part, whole) => (whole ? `${precise((100 * part) / whole)}%` : "–");
// A figure of a sum; a dash where there is usage and no price for it.
const dash = "–";
const figured = (sum, figure, otherwise = dash) => (sum.unpriced && !sum.credits ? otherwise : figure(sum.credits));
const plural = (count, one, many) => `${number(count)} ${count === 1 ? one : many}`;
const words = (at, options) => new Date(at).toLocaleDateString("en-GB", { timeZone: "UTC", ...options });
const dayInWords = (at) => words(at, { day: "numeric", month: "long", year: "numeric" });
const monthInWords = (at) => words(at, { month: "long", year: "numeric" });
const iso = (at) => new Date(at).toISOString().slice(0, 10);
const moment = (text) => `${dayInWords(time(text))}, ${text.slice(11, 16)} UTC`;

// "1 to 16 March 2026", as short as the two days allow.
function spanInWords({ first, last }) {
  const [from, to] = [time(first), time(last)];
  if (first === last) return dayInWords(to);
  if (first.slice(0, 7) === last.slice(0, 7)) return `${words(from, { day: "numeric" })} to ${dayInWords(to)}`;
  if (first.slice(0, 4) === last.slice(0, 4)) return `${words(from, { day: "numeric", month: "long" })} to ${dayInWords(to)}`;
  return `${dayInWords(from)} to ${dayInWords(to)}`;
}

// "+12.3%"; "new" where there was nothing, a dash where there is nothing either.
function change(now, before) {
  if (!before) return now ? "new" : "–";
  const growth = (100 * (now - before)) / before;
  const rounded = precise(Math.abs(growth));
  return `${rounded === "0.0" ? "±" : growth > 0 ? "+" : "−"}${rounded}%`;
}

// The first day of the unit (day, week, month or year) that holds `at`, or of one some units later.
function startOf(at, unit, later = 0) {
  const date = new Date(at);
  const [years, months, days] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
  if (unit === "year") return Date.UTC(years + later, 0);
  if (unit === "month") return Date.UTC(years, months + later);
  if (unit === "week") return Date.UTC(years, months, days - ((date.getUTCDay() + 6) % 7) + 7 * later);
  return Date.UTC(years, months, days + later);
}

// What a bar of the timeline holds, in words, and whether all of its days are in `days` and were over when they were synced.
function barInWords(at, unit, days, complete) {
  const end = startOf(at, unit, 1);
  const all = Math.round((end - at) / dayMs);
  const [low, high] = [Math.max(at, time(days.first)), Math.min(end - dayMs, time(days.last))];
  const running = high > time(complete);
  const name = { day: dayInWords, week: (day) => `Week from ${dayInWords(day)}`, month: monthInWords, year: (day) => String(new Date(day).getUTCFullYear()) }[unit](at);
  const count = Math.round((high - low) / dayMs) + 1;
  const part = count < all ? `${count} of ${all} days` : "";
  return {
    whole: !part && !running,
    what: [name, [part, running ? (all > 1 ? "the last still going on" : "still going on") : ""].filter(Boolean).join(", ")].filter(Boolean).join(": "),
  };
}
