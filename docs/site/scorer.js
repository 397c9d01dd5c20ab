// Weights of Sphinx's search, except for pages that match alike: one with more words of the query in
// its title comes first, and a guide comes before the API reference, the gallery and lists.
var Scorer = (() => {
  const words = () =>
    (new URLSearchParams(window.location.search).get("q") || "").toLowerCase().split(/[^a-z0-9]+/);
  const inTitle = (title) => // by the first five letters, so that "normalized" matches "normalize"
    words().filter((w) => w.length > 2 && title.toLowerCase().includes(w.slice(0, 5))).length;
  const list = /^(api|gallery)\/|^(bibliography|faq|glossary|howto|tutorials)$/;
  return {
    score: ([name, title, , , score]) => score + 2 * inTitle(title) - (list.test(name) ? 3 : 0),
    objNameMatch: 11, objPartialMatch: 6,
    objPrio: { 0: 15, 1: 5, 2: -5 }, objPrioDefault: 0,
    title: 15, partialTitle: 7, term: 5, partialTerm: 2,
  };
})();
