"use strict";
// Puts the live figures in their places, shows them instead of the still ones, and lets keys zoom them.
(async () => {
  const items = JSON.parse(document.getElementById("live-data").textContent);
  for (const place of document.querySelectorAll("[data-live]")) {
    const item = items[place.dataset.live];
    place.hidden = false; // Bokeh measures the place
    const views = await Bokeh.embed.embed_item(item, place);
    const range = [...views][0].model.document.get_model_by_id(place.dataset.range);
    const first = [range.start, range.end];
    place.closest("figure").classList.add("alive");
    place.addEventListener("keydown", (event) => {
      if (event.target !== place) return;
      const width = range.end - range.start;
      const middle = (range.start + range.end) / 2;
      const to = {
        "+": [middle - width / 4, middle + width / 4],
        "=": [middle - width / 4, middle + width / 4],
        "-": [middle - width, middle + width],
        ArrowLeft: [range.start - width / 4, range.end - width / 4],
        ArrowRight: [range.start + width / 4, range.end + width / 4],
        0: first,
      }[event.key];
      if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      const [low, high] = range.bounds ?? [-Infinity, Infinity];
      range.setv({start: Math.max(low, to[0]), end: Math.min(high, to[1])});
    });
  }
  document.documentElement.dataset.figures = "live";
})();
