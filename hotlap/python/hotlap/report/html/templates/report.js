"use strict";
(() => {
  const root = document.documentElement;
  const dark = () => (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const text = (id) => document.getElementById(id)?.textContent;

  // What is packed in the page is gzip in base64.
  const unpack = async (id) => {
    const bytes = Uint8Array.from(atob(text(id)), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).text();
  };
  const whenSeen = (elements, act) => {
    const watcher = new IntersectionObserver((entries) => {
      for (const entry of entries) if (entry.isIntersecting) { watcher.unobserve(entry.target); act(entry.target); }
    }, { rootMargin: "400px" });
    elements.forEach((element) => watcher.observe(element));
  };
  const failed = (element, error) => {
    const note = document.createElement("p");
    note.className = "muted";
    note.textContent = "This browser cannot draw it (" + error.message + "). The tables have the figures.";
    element.replaceChildren(note);
  };

  // Charts: figures name colours as "$ink"; the page's theme says what they are.
  let charts;
  const figures = () => charts ??= unpack("charts-packed").then(JSON.parse);
  const drawn = new Set();
  let plotly;
  const library = () => plotly ??= unpack("plotly-packed").then((code) => {
    const script = document.createElement("script");
    script.textContent = code;
    document.head.append(script);
    return window.Plotly;
  });
  const themed = (value, style) => {
    if (typeof value === "string" && value[0] === "$") return style.getPropertyValue("--" + value.slice(1)).trim();
    if (Array.isArray(value)) return value.map((item) => themed(item, style));
    if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, themed(item, style)]));
    return value;
  };
  const draw = async (element) => {
    try {
      const { data, layout } = (await figures())[element.dataset.chart];
      const Plotly = await library();
      const style = getComputedStyle(root);
      await Plotly.react(element, themed(data, style), themed(layout, style), { responsive: true, displayModeBar: false });
      drawn.add(element);
    } catch (error) { failed(element, error); }
  };
  whenSeen(document.querySelectorAll(".chart"), draw);

  // Flame graphs: each in a frame of its own, so that their scripts meet neither each other nor the page.
  const frames = new Map();
  const look = `
    :root { --bg: #ffffff; --ink: #1a1e23; color-scheme: light; }
    :root[data-theme="dark"] { --bg: #171b20; --ink: #e7eaed; color-scheme: dark; }
    html, body { margin: 0; background: var(--bg); overflow: hidden; }
    svg.hotlap-flame { display: block; color: var(--ink) !important; background: var(--bg) !important; }
    .flame-frames rect { stroke: var(--bg) !important; }
    .flame-frames g:hover rect, .flame-frames.searched g.hit rect { stroke: var(--ink) !important; }
    .flame-title, .flame-reset, .flame-matched, .flame-details, .flame-search { display: none !important; }
    @media (max-width: 640px) { .flame-subtitle { display: none; } }`;
  const open = async (flame) => {
    const stage = flame.querySelector(".stage");
    try {
      const svg = await unpack(flame.dataset.flame + "-data");
      const frame = document.createElement("iframe");
      frame.setAttribute("sandbox", "allow-scripts");
      frame.title = flame.dataset.label;
      frame.style.height = flame.dataset.height + "px";
      const shim = text("flame-script");
      frame.srcdoc = `<!doctype html><html data-theme="${dark() ? "dark" : "light"}"><meta charset="utf-8"><style>${look}</style><script>${shim}<\/script><body>${svg}<script>${text("flame-graphs")}<\/script>`;
      stage.replaceChildren(frame);
      stage.scrollTop = stage.scrollHeight;
      frames.set(frame, flame);
    } catch (error) { failed(stage, error); }
  };
  const tell = (flame, what) => flame.querySelector("iframe")?.contentWindow.postMessage(what, "*");
  const flames = document.querySelectorAll(".flame");
  flames.forEach((flame) => {
    const input = flame.querySelector("input");
    let wait;
    input.addEventListener("input", () => { clearTimeout(wait); wait = setTimeout(() => tell(flame, { search: input.value }), 120); });
    flame.querySelector(".unzoom").addEventListener("click", () => tell(flame, { unzoom: true }));
  });
  document.querySelectorAll(".find").forEach((button) => button.addEventListener("click", () => {
    const flame = [...flames].find((one) => one.dataset.flame === button.dataset.in);
    const input = flame.querySelector("input");
    input.value = button.textContent.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    input.dispatchEvent(new Event("input"));
    flame.scrollIntoView({ block: "nearest" });
    input.focus({ preventScroll: true });
  }));
  addEventListener("message", ({ source, data }) => {
    for (const [frame, flame] of frames) {
      if (frame.contentWindow !== source || data?.hotlap !== "flame") continue;
      if ("ready" in data) flame.dataset.ready = "";
      if ("matched" in data) flame.querySelector(".matched").textContent = data.matched;
      if ("zoomed" in data) flame.querySelector(".unzoom").disabled = !data.zoomed;
      if ("hovered" in data) flame.querySelector(".hovered").textContent = data.hovered || "\u00a0";
    }
  });
  whenSeen(flames, open);

  // The profiles of a lane share one place: a tab for each. Without this script they stand one below the other.
  const choose = (tabs, chosen) => {
    for (const tab of tabs) {
      const isChosen = tab === chosen;
      tab.setAttribute("aria-selected", String(isChosen));
      tab.tabIndex = isChosen ? 0 : -1;
      document.getElementById(tab.getAttribute("aria-controls")).hidden = !isChosen;
    }
  };
  document.querySelectorAll(".profiles").forEach((group) => {
    const panels = [...group.children];
    if (panels.length < 2) return;
    const list = document.createElement("div");
    list.className = "tabs";
    list.setAttribute("role", "tablist");
    list.setAttribute("aria-label", group.dataset.label);
    const tabs = panels.map((panel) => {
      const tab = document.createElement("button");
      tab.type = "button";
      tab.id = panel.id + "-tab";
      tab.setAttribute("role", "tab");
      tab.setAttribute("aria-controls", panel.id);
      tab.append(panel.querySelector("h4").firstChild.textContent.trim());
      const mark = panel.querySelector("h4 .status:not(.ok) .icon");
      if (mark) tab.append(" ", mark.cloneNode(true));
      panel.setAttribute("role", "tabpanel");
      panel.setAttribute("aria-labelledby", tab.id);
      tab.addEventListener("click", () => choose(tabs, tab));
      return tab;
    });
    list.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = tabs[(tabs.indexOf(document.activeElement) + step + tabs.length) % tabs.length];
      choose(tabs, next);
      next.focus();
    });
    list.append(...tabs);
    group.prepend(list);
    choose(tabs, tabs[0]);
  });
  // What a link leads to is unfolded: what it is in, and what it has folded into itself.
  const reveal = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    const folds = [...target.querySelectorAll(":scope > details.fold")];
    for (let fold = target.closest("details"); fold; fold = fold.parentElement.closest("details")) folds.push(fold);
    const closed = folds.filter((fold) => !fold.open);
    for (const fold of closed) fold.open = true;
    const panel = target.closest("[role=tabpanel]");
    if (panel?.hidden) document.getElementById(panel.id + "-tab").click();
    else if (!closed.length) return;
    target.scrollIntoView();
  };
  addEventListener("hashchange", reveal);
  document.addEventListener("click", (event) => { if (event.target.closest?.("a[href^='#']")) setTimeout(reveal); });
  reveal();

  // The table of the lanes is sorted by its heads, and filtered by words. A lane's reasons stay below it.
  const table = document.querySelector("table.lanes");
  if (table) {
    const lanes = [...table.querySelectorAll("tr[data-lane]")].map((row) => {
      const because = row.nextElementSibling?.matches(".because") ? row.nextElementSibling : null;
      const rows = because ? [row, because] : [row];
      const words = rows.map((one) => one.textContent).join(" ").toLowerCase();
      return { rows, words, home: row.parentElement, by: JSON.parse(row.dataset.sortsBy) };
    });
    const sorted = table.createTBody();
    const tidy = () => { for (const body of table.tBodies) body.hidden = ![...body.rows].some((row) => !row.hidden); };
    const heads = [...table.querySelectorAll("th[data-key]")];
    const order = (head, direction) => {
      for (const one of heads) one.removeAttribute("aria-sort");
      if (!direction) {
        for (const lane of lanes) lane.home.append(...lane.rows);
      } else {
        head.setAttribute("aria-sort", direction);
        const key = head.dataset.key;
        const sign = direction === "ascending" ? 1 : -1;
        const compare = (one, other) => typeof one === "string" ? one.localeCompare(other, "en", { numeric: true }) : one - other;
        const known = lanes.filter((lane) => (lane.by[key] ?? null) !== null);
        known.sort((one, other) => sign * compare(one.by[key], other.by[key]));
        for (const lane of [...known, ...lanes.filter((lane) => !known.includes(lane))]) sorted.append(...lane.rows);
      }
      tidy();
    };
    for (const head of heads) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      // Figures come with the largest first, names from A to Z; then the other way round; then as they were.
      const first = head.matches(".n") ? "descending" : "ascending";
      const second = head.matches(".n") ? "ascending" : "descending";
      button.addEventListener("click", () => {
        const now = head.getAttribute("aria-sort");
        order(head, now === first ? second : now === second ? null : first);
      });
    }
    const filter = document.getElementById("lanes-filter");
    filter?.addEventListener("input", () => {
      const asked = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const lane of lanes) {
        const fits = asked.every((word) => lane.words.includes(word));
        shown += fits;
        for (const row of lane.rows) row.hidden = !fits;
      }
      tidy();
      filter.closest(".tools").querySelector("output").value = asked.length ? `${shown} of ${lanes.length} lanes` : `${lanes.length} lanes`;
    });
    if (filter) filter.closest(".tools").hidden = false;
    tidy();
  }

  // The theme follows the system until the reader chooses.
  const retheme = () => {
    drawn.forEach(draw);
    for (const flame of frames.values()) tell(flame, { theme: dark() ? "dark" : "light" });
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", retheme);
  document.getElementById("theme").addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    try { localStorage.setItem("hotlap-theme", root.dataset.theme); } catch { /* the choice is for this page only */ }
    retheme();
  });

  // The bar marks the section that is being read.
  const links = new Map([...document.querySelectorAll(".bar nav a")].map((link) => [link.hash.slice(1), link]));
  const reading = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) {
      links.forEach((link) => link.removeAttribute("aria-current"));
      links.get(entry.target.id)?.setAttribute("aria-current", "location");
    }
  }, { rootMargin: "-15% 0px -75% 0px" });
  links.forEach((_, id) => { const target = document.getElementById(id); if (target) reading.observe(target); });
})();
