// Runs inside the frame of one flame graph, beside the script that the graph brings along: passes on what the
// page around the frame asks for and tells it what the graph says. Messages are the only way between the two.
addEventListener("DOMContentLoaded", () => {
  const part = (name) => document.querySelector("svg.hotlap-flame .flame-" + name);
  const tell = (what) => parent.postMessage({ hotlap: "flame", ...what }, "*");
  const zoomed = () => !part("reset").classList.contains("hidden");
  addEventListener("message", ({ data }) => {
    if ("theme" in data) document.documentElement.dataset.theme = data.theme;
    if ("search" in data) {
      part("search").value = data.search;
      part("search").dispatchEvent(new Event("input"));
      tell({ matched: part("matched").textContent });
    }
    if ("unzoom" in data) {
      part("reset").dispatchEvent(new MouseEvent("click"));
      tell({ zoomed: zoomed() });
    }
  });
  addEventListener("click", () => tell({ zoomed: zoomed() }));
  addEventListener("mouseover", () => tell({ hovered: part("details").textContent }));
  tell({ ready: true });
});
