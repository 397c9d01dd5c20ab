// The pages that the built site's own search finds: `node search_site.js SITE` reads a JSON list of
// queries, and prints a list of documents for each, best first.
"use strict";
const fs = require("fs");
const path = require("path");
const vm = require("vm");

const site = process.argv[2];
const page = { // the parts of a browser's page that the search touches
  addEventListener: () => {}, getElementById: () => null, readyState: "loading",
  documentElement: { dataset: {} }, querySelector: () => null,
};
const context = vm.createContext({
  console, URLSearchParams, location: { search: "" }, document: page, DOCUMENTATION_OPTIONS: {}, SPHINX_HIGHLIGHT_ENABLED: false,
  _removeChildren: () => {}, _ready: () => {}, _: (text) => text,
});
context.window = context;
for (const file of ["_static/language_data.js", "_static/searchtools.js", "searchindex.js"])
  vm.runInContext(fs.readFileSync(path.join(site, file), "utf-8"), context);
context.find = (query) => {
  context.location.search = `?q=${encodeURIComponent(query)}`;
  context.query = query;
  return vm.runInContext("Search._performSearch(...Search._parseQuery(query)).reverse()", context);
};
const queries = JSON.parse(fs.readFileSync(0, "utf-8"));
const documents = queries.map((query) => context.find(query).map((one) => one[0]));
process.stdout.write(JSON.stringify(documents.map((found) => [...new Set(found)])));
