// Zoom and search for every flame graph of this document that has none yet.
// Nothing is looked up by id, so that one page may hold many graphs.
(function () {
  "use strict";
  const CHARACTER_PX = 7.25;

  function start(svg) {
    svg.setAttribute("data-ready", "");
    const box = svg.querySelector(".flame-frames");
    const details = svg.querySelector(".flame-details");
    const reset = svg.querySelector(".flame-reset");
    const matched = svg.querySelector(".flame-matched");
    if (!box) return;
    const total = Number(box.getAttribute("data-total"));
    const frames = Array.from(box.querySelectorAll("g"), (g) => {
      const [x, w, depth] = g.getAttribute("data-at").split(" ").map(Number);
      const title = g.querySelector("title").textContent;
      return { g, x, w, depth, title, name: title.split("\n")[0], rect: g.querySelector("rect"), text: g.querySelector("text") };
    });
    let from = 0;
    let width = total;

    // Reads the size once and then only writes, so that the browser lays out once.
    function draw() {
      const px = svg.getBoundingClientRect().width - 20;
      if (px <= 0) return;
      box.setAttribute("width", px);
      for (const frame of frames) {
        if (frame.hidden) continue;
        const left = Math.max(frame.x, from);
        const right = Math.min(frame.x + frame.w, from + width);
        const x = (left - from) / width;
        const w = Math.max(right - left, 0) / width;
        frame.rect.setAttribute("x", (x * 100).toFixed(4) + "%");
        frame.rect.setAttribute("width", (w * 100).toFixed(4) + "%");
        frame.text.setAttribute("x", (x * px + 3).toFixed(1));
        const fits = Math.floor((w * px - 6) / CHARACTER_PX);
        frame.text.textContent =
          fits < 3 ? "" : frame.name.length <= fits ? frame.name : frame.name.slice(0, fits - 1) + "…";
      }
    }

    function zoom(to) {
      from = to ? to.x : 0;
      width = to ? to.w : total;
      const depth = to ? to.depth : -1;
      for (const frame of frames) {
        const isAbove = frame.depth < depth && frame.x <= from && frame.x + frame.w >= from + width;
        const isBelow = frame.depth >= depth && frame.x >= from && frame.x + frame.w <= from + width;
        frame.hidden = !(isAbove || isBelow);
        frame.g.classList.toggle("hidden", frame.hidden);
        frame.g.classList.toggle("parent", isAbove);
      }
      reset.classList.toggle("hidden", !to || width === total);
      draw();
    }

    function search(term) {
      let wanted = null;
      try {
        wanted = term ? new RegExp(term, "i") : null;
      } catch (error) {
        matched.textContent = "no regular expression";
        return;
      }
      box.classList.toggle("searched", wanted !== null);
      // Of frames one above the other only the outermost counts: frames come outermost first.
      const hits = [];
      for (const frame of frames) {
        const isHit = wanted !== null && wanted.test(frame.title);
        frame.g.classList.toggle("hit", isHit);
        if (isHit) hits.push(frame);
      }
      hits.sort((a, b) => a.x - b.x || b.w - a.w);
      let end = 0;
      let sum = 0;
      for (const hit of hits) {
        if (hit.x >= end) {
          sum += hit.w;
          end = hit.x + hit.w;
        }
      }
      matched.textContent = wanted === null ? "" : "matched " + ((100 * sum) / total).toFixed(1) + "%";
    }

    function frameOf(target) {
      const g = target.closest ? target.closest(".flame-frames g") : null;
      return g ? frames.find((frame) => frame.g === g) : undefined;
    }

    box.addEventListener("click", (event) => {
      const frame = frameOf(event.target);
      if (frame) zoom(frame.w === total ? null : frame);
    });
    box.addEventListener("mouseover", (event) => {
      const frame = frameOf(event.target);
      details.textContent = frame ? frame.title.split("\n").filter((_, at, all) => at === 0 || at === all.length - 1).join("   ") : "";
    });
    box.addEventListener("mouseout", () => (details.textContent = ""));
    reset.addEventListener("click", () => zoom(null));

    const place = document.createElementNS("http://www.w3.org/2000/svg", "foreignObject");
    for (const [name, value] of [["x", "10"], ["y", "8"], ["width", "170"], ["height", "24"]]) place.setAttribute(name, value);
    const input = document.createElementNS("http://www.w3.org/1999/xhtml", "input");
    input.setAttribute("class", "flame-search");
    input.setAttribute("type", "search");
    input.setAttribute("placeholder", "search (regex)");
    input.setAttribute("aria-label", "Search the frames, by a regular expression");
    input.addEventListener("input", () => search(input.value));
    place.appendChild(input);
    svg.appendChild(place);
    svg.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        input.value = "";
        search("");
        zoom(null);
      }
    });

    if (typeof ResizeObserver === "function") new ResizeObserver(draw).observe(svg);
    else window.addEventListener("resize", draw);
    draw();
  }

  function startAll() {
    for (const svg of document.querySelectorAll("svg.hotlap-flame:not([data-ready])")) start(svg);
  }
  startAll();
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", startAll);
})();
