// Runs inside the frame of one flame graph, beside the script that the graph brings along. The frame has no
// address to keep its state in, and no way to the page around it but messages.
history.replaceState = () => {};
// A frame that is out of view has no width: what fits itself to the width has to wait for it.
const later = window.setTimeout;
const shown = (act) => requestAnimationFrame(() => innerWidth < 40 ? shown(act) : act());
window.setTimeout = (act, after) => after ? later(act, after) : shown(act);
addEventListener("resize", (event) => { if (innerWidth < 40) event.stopImmediatePropagation(); }, true);
window.addEventListener("DOMContentLoaded", () => {
  if (typeof total_samples === "undefined") init();
  const told = (what) => parent.postMessage({ hotlap: "flame", ...what }, "*");
  const zoomed = () => !document.getElementById("unzoom").classList.contains("hide");
  const escaped = (term) => term.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const find = (term) => {
    reset_search();
    searching = 0;
    matchedtxt.firstChild.nodeValue = "";
    if (!term) return told({ matched: null });
    try { search(term); } catch { search(escaped(term)); }
    if (!searching && escaped(term) !== term) search(escaped(term));
    told({ matched: searching ? matchedtxt.firstChild.nodeValue.replace(/[^\d.]/g, "") : "0" });
  };
  window.addEventListener("message", (event) => {
    const asked = event.data || {};
    if ("theme" in asked) document.documentElement.dataset.theme = asked.theme;
    if ("search" in asked) find(asked.search);
    if ("unzoom" in asked) { unzoom(); told({ zoomed: false }); }
  });
  document.addEventListener("click", () => setTimeout(() => told({ zoomed: zoomed() })));
  document.addEventListener("mouseover", (event) => {
    const group = find_group(event.target);
    told({ hovered: group ? g_to_text(group) : "" });
  });
  told({ ready: true });
});
