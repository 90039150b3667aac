// Elements, tables with totals and shares, and their download.

function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [property, value] of Object.entries(properties)) {
    if (property in made) made[property] = value;
    else made.setAttribute(property, value);
  }
  made.append(...children.filter((one) => one !== null && one !== undefined));
  return made;
}

// `columns`: {title, number, narrow} each; a cell is text, a number in words, or a node. `total` is the last row.
function table(label, columns, rows, total) {
  const cell = (kind) => (value, n) => element(n ? "td" : kind, {
    className: [columns[n].number ? "number" : "", columns[n].wide ? "wide" : ""].filter(Boolean).join(" "),
    ...(n ? {} : { scope: "row" }),
  }, value);
  const heading = (column) => element("th", {
    scope: "col", className: [column.number ? "number" : "", column.wide ? "wide" : ""].filter(Boolean).join(" "),
  }, column.title);
  return element("div", { className: "scroll", tabIndex: 0, role: "region", ariaLabel: label },
    element("table", {},
      element("thead", {}, element("tr", {}, ...columns.map(heading))),
      element("tbody", {}, ...rows.map((row) => element("tr", {}, ...row.map(cell("th"))))),
      total ? element("tfoot", {}, element("tr", {}, ...total.map(cell("th")))) : null));
}

// RFC 4180. A spreadsheet would run what begins like a formula: an apostrophe before it keeps it text.
function csv(columns, rows) {
  const field = (value) => {
    const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value ?? "");
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [columns, ...rows].map((row) => row.map(field).join(",") + "\r\n").join("");
}

function download(name, label, columns, rows) {
  const button = element("button", { type: "button", className: "download", ariaLabel: `${label} as CSV` }, "CSV");
  button.addEventListener("click", () => {
    const link = element("a", {
      // With a byte order mark, without which Excel would read it as something else than UTF-8.
      href: URL.createObjectURL(new Blob(["\ufeff", csv(columns, rows())], { type: "text/csv" })), download: `${name}.csv`,
    });
    link.click();
    URL.revokeObjectURL(link.href);
  });
  return button;
}

// A name with its badge over a bar of its share.
function named(text, { href = "", badge = "", share = 0, pale = false }) {
  const bar = element("span", { className: pale ? "bar pale" : "bar" });
  bar.style.width = `${Math.max(0, 100 * share)}%`;
  return element("span", { className: "named" },
    href ? element("a", { href }, text) : text, badge ? element("span", { className: "badge" }, badge) : null, bar);
}
