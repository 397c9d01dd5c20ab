// Weights of Sphinx's search, but that a guide comes before the API reference if both match alike.
var Scorer = {
  score: ([name, , , , score]) => (name.startsWith("api/") ? score - 1 : score),
  objNameMatch: 11, objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 }, objPrioDefault: 0,
  title: 15, partialTitle: 7, term: 5, partialTerm: 2,
};
