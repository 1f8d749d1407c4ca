// Zoom and search for every flame graph of this document that has none yet.
// Nothing is looked up by id, so that one page may hold many graphs.
(function () {
  "use strict";
  const CHARACTER_PX = 7.25;
  const LINE_PX = 18;

  // Text in lines of so many characters, cut after a space or a slash where there is one.
  function lines(text, fits) {
    const found = [];
    let rest = text;
    while (rest.length > fits) {
      const cut = Math.max(rest.lastIndexOf(" ", fits - 1), rest.lastIndexOf("/", fits - 1)) + 1 || fits;
      found.push(rest.slice(0, cut).trimEnd());
      rest = rest.slice(cut);
    }
    return [...found, rest];
  }

  // The header of a graph that is a file of its own. Where title, search and legend do not fit beside one another,
  // they stand below one another, in as many lines as they need, and the frames make room.
  function header(svg, box) {
    const titles = Array.from(svg.querySelectorAll(".flame-title, .flame-subtitle"));
    const legend = svg.querySelector(".flame-legend");
    const details = svg.querySelector(".flame-details");
    const entries = Array.from(legend.querySelectorAll("text"), (text) => ({ text, rect: text.nextElementSibling })).reverse();
    const kept = [svg, box, details, legend, ...titles, ...entries.flatMap(({ text, rect }) => [text, rect])].map((one) => {
      const attributes = ["x", "y", "height", "text-anchor"].map((name) => [name, one.getAttribute(name)]);
      return { one, attributes };
    });
    const texts = titles.map((one) => one.textContent);
    const widths = titles.map((one) => one.getComputedTextLength());
    const legendPx = legend.getBBox().width;
    const top = Math.min(...Array.from(box.querySelectorAll("rect"), (rect) => Number(rect.getAttribute("y"))));
    let arranged = 0;

    return function arrange(px) {
      if (px === arranged) return;
      arranged = px;
      for (const { one, attributes } of kept) {
        for (const [name, value] of attributes) value === null ? one.removeAttribute(name) : one.setAttribute(name, value);
      }
      titles.forEach((one, at) => (one.textContent = texts[at]));
      const sides = [2 * Math.max(190, legendPx + 25), 200];
      if (widths.every((width, at) => width + sides[at] <= px)) return;
      let y = 50;
      titles.forEach((one, at) => {
        const fits = Math.max(8, Math.floor((px - 20) / (widths[at] / texts[at].length)));
        one.textContent = "";
        one.setAttribute("text-anchor", "start");
        for (const line of lines(texts[at], fits)) {
          const span = document.createElementNS("http://www.w3.org/2000/svg", "tspan");
          y += LINE_PX;
          span.setAttribute("x", "10");
          span.setAttribute("y", y);
          span.textContent = line;
          one.appendChild(span);
        }
      });
      let x = 10;
      y += LINE_PX + 4;
      legend.setAttribute("x", "0");
      for (const { text, rect } of entries) {
        const width = 15 + text.getComputedTextLength();
        if (x > 10 && x + width > px - 10) {
          x = 10;
          y += LINE_PX;
        }
        rect.setAttribute("x", x);
        rect.setAttribute("y", y - 10);
        text.setAttribute("x", x + 15);
        text.setAttribute("y", y);
        x += width + 12;
      }
      const more = Math.max(0, y + 12 - top);
      box.setAttribute("y", more);
      for (const [one, name] of [[svg, "height"], [details, "y"]]) one.setAttribute(name, Number(one.getAttribute(name)) + more);
    };
  }

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
    const isFile = svg === document.documentElement;
    const arrange = isFile ? header(svg, box) : () => {};
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

    // Not within the observer: it watches the size that this changes.
    const fit = () => arrange(svg.getBoundingClientRect().width);
    window.addEventListener("resize", fit);
    fit();
    if (typeof ResizeObserver === "function") new ResizeObserver(draw).observe(svg);
    else window.addEventListener("resize", draw);
    draw();
    // The root is at the bottom: a graph higher than the window opens there.
    if (isFile) window.scrollTo(0, svg.scrollHeight);
  }

  function startAll() {
    for (const svg of document.querySelectorAll("svg.hotlap-flame:not([data-ready])")) start(svg);
  }
  startAll();
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", startAll);
})();
