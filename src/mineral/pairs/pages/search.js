"use strict";
const field = document.getElementById("search");
const count = document.getElementById("found");
const rows = [...document.querySelectorAll(".pairs tbody tr")];
const texts = rows.map((row) => row.textContent.toLowerCase());
field.addEventListener("input", () => {
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  rows.forEach((row, i) => {
    row.hidden = !words.every((word) => texts[i].includes(word));
    shown += row.hidden ? 0 : 1;
  });
  count.textContent = words.length ? `${shown} of ${rows.length} rows` : "";
});
field.closest("p").hidden = false;
