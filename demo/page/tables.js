// Formats figures and days; creates elements, tables and downloads.

// Rounds halves away from 0, even if floating-point noise puts a sum just below a half.
const decimals = (count) => (value) => {
  const size = Math.round(Number((Math.abs(value) * 10 ** count).toFixed(4))) / 10 ** count;
  return (value < 0 && size ? "−" : "") + size.toLocaleString("en", { minimumFractionDigits: count });
};
const whole = decimals(0);
const dash = "–";
const onPaper = 8;
const percent = (part, all) => (all ? `${decimals(1)((100 * part) / all)}%` : dash);
const capital = (word) => word[0].toUpperCase() + word.slice(1);
const plural = (count, one, many) => `${whole(count)} ${count === 1 ? one : many}`;
const inWords = (day, options) => new Date(time(day)).toLocaleDateString("en-GB", { timeZone: "UTC", ...options });
const dayInWords = (day) => inWords(day, { day: "numeric", month: "long", year: "numeric" });
const monthInWords = (day) => inWords(day, { month: "long", year: "numeric" });

// Returns, for example, "1 to 16 March 2026". A month or year that contains both days appears only once.
function spanInWords({ first, last }) {
  if (first === last) return dayInWords(last);
  const options = { day: "numeric", ...(first.slice(0, 7) === last.slice(0, 7) ? {} : { month: "long" }),
    ...(first.slice(0, 4) === last.slice(0, 4) ? {} : { year: "numeric" }) };
  return `${inWords(first, options)} to ${dayInWords(last)}`;
}

// Returns `value` with its sign; `figure` formats its absolute value. A value that rounds to 0 gets no sign.
function signed(value, figure) {
  const size = figure(Math.abs(value));
  return /[1-9]/.test(size) ? `${value > 0 ? "+" : "−"}${size}` : size;
}
const growth = (now, before) => (before ? signed((100 * (now - before)) / before, (size) => `${decimals(1)(size)}%`)
  : now ? "new" : dash);

// Returns the units in which figures can be shown. `value(sum)` is null if none of the sum's days has a price.
function unitsOf({ currency, hasPrices }) {
  const credits = { id: "credits", title: "Credits", column: "credits", figure: whole, value: (sum) => sum.credits,
    known: () => true, of: (value) => plural(value, "credit", "credits"), each: decimals(1) };
  const money = { id: "cost", title: currency, column: `cost_${(currency || "").toLowerCase()}`, figure: decimals(2),
    value: (sum) => (sum.unpriced && !sum.cost ? null : sum.cost),
    known: (sum) => !sum.unpriced, of: (value) => `${currency} ${decimals(2)(value)}`, each: decimals(4) };
  return hasPrices ? { money, credits } : { credits };
}

function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [property, value] of Object.entries(properties)) {
    if (property in made) made[property] = value;
    else made.setAttribute(property, value);
  }
  made.append(...children.flat().filter((one) => one !== null && one !== undefined));
  return made;
}

// Creates a table. A row is a list of strings or nodes, and a column is {title, number, screen}. With `rest`, only the
// first rows are printed on paper, followed by the line `rest(number of other rows)`.
function table(label, columns, rows, { total: last, rest, sort } = {}) {
  const classes = ({ number, screen }) => ({ className: `${number ? "number" : ""} ${screen ? "screen" : ""}`.trim() });
  const late = rest && rows.length > onPaper + 1 ? rows.length - onPaper : 0;
  const line = (cells, className = "") => element("tr", { className },
    cells.map((cell, n) => element(n ? "td" : "th", { ...classes(columns[n]), ...(n ? {} : { scope: "row" }) }, cell)));
  const heading = (column, n) => element("th", { scope: "col", ...classes(column),
    ...(sort && sort.by === column.title ? { ariaSort: sort.down ? "descending" : "ascending" } : {}) },
    sort ? element("button", { type: "button", className: "sort", id: `${sort.id}-${n}`,
      onclick: () => sort.choose(column) }, column.title,
    element("span", { ariaHidden: "true" }, sort.by !== column.title ? " ↕" : sort.down ? " ▼" : " ▲"))
      : column.title);
  return element("div", { className: "scroll", tabIndex: 0, role: "group", ariaLabel: `${label}, figures` },
    element("table", {}, element("thead", {}, element("tr", {}, columns.map(heading))),
      element("tbody", {}, rows.map((row, n) => line(row, late && n >= onPaper ? "late" : "")),
        late ? line(rest(late), "rest") : null),
      last ? element("tfoot", {}, line(last)) : null));
}

// Returns CSV as in RFC 4180. A leading apostrophe keeps spreadsheets from evaluating text that looks like a formula.
function csv(rows) {
  const field = (value) => {
    // Costs have up to six decimals; any further digits are floating-point noise.
    if (typeof value === "number") return String(Number(value.toFixed(6)));
    const text = /^[=+\-@\t\r]/.test(value ?? "") ? `'${value}` : String(value ?? "");
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return rows.map((row) => row.map(field).join(",") + "\r\n").join("");
}

const save = (name, address) => element("a", { href: address, download: name }).click();

function button(text, label, onclick) {
  return element("button", { type: "button", className: "download", ariaLabel: label, onclick }, text);
}

// `rows` is a function that returns the heading, the rows and the total.
function csvButton(name, label, rows) {
  return button("Save CSV", `Save CSV: ${label}`, () => {
    // Without a byte order mark, Excel would not read the file as UTF-8.
    const address = URL.createObjectURL(new Blob(["\ufeff", csv(rows())], { type: "text/csv" }));
    save(`${name}.csv`, address);
    URL.revokeObjectURL(address);
  });
}

// Creates an element with a name and, below it, a bar for its share.
function named(text, { href, badge, share = 0, quiet }) {
  const bar = element("span", { className: quiet ? "bar quiet" : "bar" });
  bar.style.width = `${Math.max(0, 100 * share)}%`;
  // An email address that is too long for its column wraps before the @.
  const [before, ...after] = text.split(/(?=@)/);
  const words = [before, ...after.flatMap((one) => [element("wbr"), one])];
  return element("span", { className: "named" }, href ? element("a", { href }, words) : words,
    badge ? element("span", { className: "badge" }, badge) : null, bar);
}
