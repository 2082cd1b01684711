"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const nodes = new Map(data.nodes.map(node => [node.n, node]));
const steps = data.steps, levels = data.levels;
const byId = id => document.getElementById(id);
const svg = byId("graph"), panel = byId("panel"), canvas = byId("canvas");
const HEIGHT = 44;
let level = null, now = 0, home = new Map(), drawn = new Map(), lines = new Map(), view = { x: 0, y: 0, w: 1, h: 1 };

// Values come from a user's program: text only, never markup.
function element(name, attributes, ...children) {
  const made = name.startsWith("svg:") ? document.createElementNS("http://www.w3.org/2000/svg", name.slice(4))
    : document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
  made.append(...children.filter(child => child !== null && child !== undefined));
  return made;
}

// The graph.

function draw(chosen) {
  level = chosen;
  home = new Map(); drawn = new Map(); lines = new Map();
  const places = new Map(level.boxes.map(box => [box.id, box]));
  const edges = element("svg:g"), boxes = element("svg:g");
  for (const [from, to, bends] of level.edges) {
    const a = places.get(from), b = places.get(to);
    const line = element("svg:path", { class: "edge", d: curve([[a.x, a.y + HEIGHT / 2], ...bends, [b.x, b.y - HEIGHT / 2]]) });
    lines.set(from + ">" + to, line);
    edges.append(line);
  }
  for (const box of level.boxes) {
    for (const n of box.nodes) home.set(n, box.id);
    const group = element("svg:g", { class: "box " + box.kind, transform: `translate(${box.x - box.w / 2},${box.y - HEIGHT / 2})` },
      element("svg:rect", { width: box.w, height: HEIGHT, rx: box.kind === "leaf" ? 4 : 14 }),
      element("svg:text", { x: box.w / 2, y: box.below ? 18 : 27 }, box.title),
      element("svg:text", { x: box.w / 2, y: 34, class: "below" }, box.below));
    group.addEventListener("click", () => { if (!moved) choose(box); });
    drawn.set(box.id, group);
    boxes.append(group);
  }
  const arrow = element("svg:marker", { id: "arrow", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 9, markerHeight: 9,
    markerUnits: "userSpaceOnUse", orient: "auto-start-reverse" }, element("svg:path", { d: "M0,0.8 8,4 0,7.2z" }));
  svg.replaceChildren(element("svg:defs", {}, arrow), edges, boxes);
  fit();
  paint();
}

function curve(points) {
  let path = `M${points[0][0]},${points[0][1]}`;
  for (let i = 1; i < points.length; i++) {
    const [x0, y0] = points[i - 1], [x1, y1] = points[i], middle = (y0 + y1) / 2;
    path += `C${x0},${middle} ${x1},${middle} ${x1},${y1}`;
  }
  return path;
}

function extent() {
  const boxes = level.boxes;
  const left = Math.min(...boxes.map(box => box.x - box.w / 2)), right = Math.max(...boxes.map(box => box.x + box.w / 2));
  const top = Math.min(...boxes.map(box => box.y)) - HEIGHT, bottom = Math.max(...boxes.map(box => box.y)) + HEIGHT;
  return { x: left - 20, y: top, w: right - left + 40, h: bottom - top };
}

function show() { svg.setAttribute("viewBox", `${view.x} ${view.y} ${view.w} ${view.h}`); }

function fit() {
  const all = extent(), shape = canvas.clientWidth / Math.max(1, canvas.clientHeight);
  const scale = Math.max(all.w / shape, all.h, canvas.clientHeight * 0.7);
  view = { w: scale * shape, h: scale, x: all.x + all.w / 2 - scale * shape / 2, y: all.y + all.h / 2 - scale / 2 };
  show();
}

function reveal(id) {  // move the view so that a box is inside, and large enough to be read
  const box = level.boxes.find(each => each.id === id), readable = canvas.clientHeight * (canvas.clientWidth < 600 ? 1.05 : 1.6);
  if (view.h > readable) {
    view.w *= readable / view.h;
    view.h = readable;
    view.x = box.x - view.w / 2;
    view.y = box.y - view.h / 2;
  }
  const margin = 0.12;
  const into = (at, low, size) => Math.min(Math.max(low, at - size * (1 - margin)), at - size * margin);
  view.x = into(box.x, view.x, view.w);
  view.y = into(box.y, view.y, view.h);
  show();
}

let moved = false, grip = null;
canvas.addEventListener("pointerdown", event => { grip = { x: event.clientX, y: event.clientY }; moved = false; });
addEventListener("pointermove", event => {
  if (!grip) return;
  const dx = event.clientX - grip.x, dy = event.clientY - grip.y;
  if (!moved && Math.hypot(dx, dy) < 4) return;
  moved = true;
  canvas.classList.add("dragged");
  view.x -= dx * view.w / canvas.clientWidth;
  view.y -= dy * view.h / canvas.clientHeight;
  grip = { x: event.clientX, y: event.clientY };
  show();
});
addEventListener("pointerup", () => { grip = null; canvas.classList.remove("dragged"); });
canvas.addEventListener("wheel", event => {
  event.preventDefault();
  const factor = Math.exp(event.deltaY * 0.0015), frame = canvas.getBoundingClientRect();
  const fx = (event.clientX - frame.left) / frame.width, fy = (event.clientY - frame.top) / frame.height;
  view.x += view.w * fx * (1 - factor);
  view.y += view.h * fy * (1 - factor);
  view.w *= factor;
  view.h *= factor;
  show();
}, { passive: false });

// Colours and marks.

function amount(node) {
  const by = byId("colour").value;
  if (by === "bytes") return node.bytes;
  if (by === "time") return node.seconds + (node.backward || 0);
  if (by === "norm") return node.norm || 0;
  return null;
}

function paint() {
  const step = steps[now], backward = step && step.kind !== "forward";
  const made = new Set(), visited = new Set();
  for (let i = 0; i <= now && i < steps.length; i++) (steps[i].kind === "forward" ? made : visited).add(steps[i].node);
  if (backward) for (const each of steps) if (each.kind === "forward") made.add(each.node);
  const scale = tints();
  for (const box of level.boxes) {
    const group = drawn.get(box.id), kinds = ["box", box.kind];
    const ops = box.nodes.filter(n => nodes.get(n).op);
    if (ops.length && !ops.some(n => made.has(n))) kinds.push("unmade");
    if (backward && ops.some(n => visited.has(n))) kinds.push("done");
    if (step && home.get(step.node) === box.id) kinds.push("now");
    else if (step && !backward && sources(step.node).some(n => home.get(n) === box.id)) kinds.push("from");
    else if (backward && home.get(step.to) === box.id) kinds.push("to");
    if (wanted && box.nodes.some(matches)) kinds.push("found");
    if (scale) kinds.push("tinted");
    group.setAttribute("class", kinds.join(" "));
    group.firstChild.style.fill = scale ? scale(box) : "";
  }
  for (const line of lines.values()) line.setAttribute("class", "edge");
  if (step) {
    const live = step.kind === "update" ? [] : backward ? [[step.to, step.node]] : sources(step.node).map(n => [n, step.node]);
    for (const [from, to] of live) {
      const line = lines.get(home.get(from) + ">" + home.get(to));
      if (line) line.setAttribute("class", backward ? "edge flow" : "edge live");
    }
  }
}

function tints() {  // how much of a box's colour: its share of the largest, for gradients by orders of magnitude
  byId("legend").replaceChildren();
  if (amount(data.nodes[0]) === null) return null;
  const of = box => box.nodes.reduce((sum, n) => sum + amount(nodes.get(n)), 0);
  const sums = level.boxes.map(of), most = Math.max(...sums), least = Math.min(...sums.filter(sum => sum > 0), most);
  const logs = byId("colour").value === "norm";
  const by = byId("colour").value, unit = { bytes: value => `${value.toLocaleString("en")} bytes`, time: microseconds };
  const told = value => (unit[by] || (number => number.toPrecision(3)))(value);
  byId("legend").replaceChildren(...(most > 0 ? [told(logs ? least : 0), element("i", {}), told(most)] : ["nothing to show"]));
  return box => {
    const sum = of(box);
    if (!(sum > 0)) return "var(--box)";
    const share = logs ? (most > least ? Math.log(sum / least) / Math.log(most / least) : 1) : sum / most;
    return `color-mix(in srgb, var(--grad) ${Math.round(6 + 40 * share)}%, var(--box))`;
  };
}

const sources = n => nodes.get(n).arguments.filter(pair => typeof pair[1] === "number").map(pair => pair[1]);

// The panel.

function link(n) {
  const node = nodes.get(n), made = element("a", {}, node.op ? `#${n} ${node.op}` : node.name);
  made.addEventListener("click", () => describe(n));
  return made;
}

function facts(node) {
  const list = element("dl");
  const add = (name, ...value) => list.append(element("dt", {}, name), element("dd", {}, ...value));
  add("shape", node.shape);
  add("value", node.value);
  if (node.gradient) add("gradient", node.gradient);
  if (node.module) add("module", node.module);
  if (node.place) add("line", node.place);
  add("bytes", node.bytes.toLocaleString("en"));
  if (node.op && node.seconds) add("time", microseconds(node.seconds) + (node.backward ? `, back ${microseconds(node.backward)}` : ""));
  return list;
}

const microseconds = seconds => `${(seconds * 1e6).toFixed(1)} µs`;

function call(node) {
  const list = element("dl");
  for (const [name, x] of node.arguments) {
    const value = typeof x === "number" ? [link(x), ` = ${nodes.get(x).value}`] : [x];
    list.append(element("dt", {}, name), element("dd", {}, ...value));
  }
  return list;
}

function describe(n) {
  const node = nodes.get(n);
  panel.replaceChildren(element("h2", {}, node.op ? `#${n} ${node.op}` : node.name), facts(node),
    ...(node.op ? [element("h3", {}, "made of"), call(node)] : []), element("h3", {}, "used by"), users(n));
  panel.scrollTop = 0;
}

function users(n) {
  const found = data.nodes.filter(node => node.arguments.some(pair => pair[1] === n));
  return element("p", {}, ...(found.length ? found.flatMap((node, i) => [i ? ", " : "", link(node.n)]) : ["nothing"]));
}

function choose(box) {
  if (box.nodes.length === 1) return describe(box.nodes[0]);
  panel.replaceChildren(element("h2", {}, box.title), element("p", { class: "faint" }, box.below),
    element("p", {}, ...box.nodes.filter(n => nodes.get(n).op).flatMap((n, i) => [i ? ", " : "", link(n)])));
}

function tell(step) {
  const node = nodes.get(step.node);
  if (step.kind === "forward") {
    return [element("h2", {}, `forward: #${node.n} ${node.op}`),
      element("div", { class: "math" }, `${node.op}(${node.arguments.map(pair => pair[0]).join(", ")}) = ${node.value}`),
      element("h3", {}, "its arguments"), call(node), element("h3", {}, "the result"), facts(node)];
  }
  if (step.kind === "update") {
    const list = element("dl");
    for (const [name, text] of step.rows) list.append(element("dt", {}, name), element("dd", {}, text));
    return [element("h2", {}, "update: ", link(node.n)), element("p", { class: "faint" }, `a step of ${step.by}`), list];
  }
  const uses = data.nodes.reduce((sum, each) => sum + each.arguments.filter(pair => pair[1] === node.n).length, 0);
  const why = uses ? `It comes now because it is the newest node left: ${uses === 1 ? "its one use was" : `all ${uses} of its uses were`} `
    + "visited before, so all that arrives at it has been added." : "The walk begins here.";
  const said = [element("h2", {}, "backward: ", link(node.n)), element("p", { class: "faint" }, why),
    element("h3", {}, "the gradient g that came to it, complete"),
    element("div", { class: "math" }, `g = ${step.g}`),
    element("h3", {}, `the rule of its argument ${step.argument}`), element("div", { class: "math" }, step.formula)];
  if (step.numbers) said.push(element("div", { class: "math" }, "= " + step.numbers));
  if (step.gradient !== step.formula) said.push(element("div", { class: "math" }, "= ", element("b", {}, step.gradient)));
  said.push(element("h3", {}, "goes to"), element("p", {}, link(step.to)));
  if (step.total !== undefined) {
    said.push(element("h3", {}, "where gradients meet, they are added"),
      element("div", { class: "math" }, `${step.before} + ${step.gradient} = `, element("b", {}, step.total)));
  }
  said.push(element("h3", {}, "the arguments of " + node.op), call(node));
  return said;
}

// Steps.

function go(to) {
  now = Math.max(0, Math.min(steps.length - 1, to));
  byId("at").value = now;
  byId("count").value = steps.length ? `step ${now + 1} of ${steps.length}, ${steps[now].kind}` : "no op was called";
  byId("first").disabled = byId("previous").disabled = now <= 0;
  byId("last").disabled = byId("next").disabled = now >= steps.length - 1;
  paint();
  if (steps.length) {
    panel.replaceChildren(...tell(steps[now]));
    panel.scrollTop = 0;
    reveal(home.get(steps[now].node));
  }
  if (steps.length) history.replaceState(null, "", "#" + (now + 1));
}

let wanted = "";
const matches = n => {
  const node = nodes.get(n);
  return [node.op, node.name, node.place, node.shape, node.module].some(text => text && text.toLowerCase().includes(wanted));
};

byId("find").addEventListener("input", event => {
  wanted = event.target.value.trim().toLowerCase();
  paint();
  const hit = wanted && data.nodes.find(node => matches(node.n));
  if (hit) { reveal(home.get(hit.n)); describe(hit.n); }
  else if (wanted) panel.replaceChildren(element("p", {}, `Nothing has “${event.target.value.trim()}” in its op, name, line, shape or module.`));
  else if (steps.length) panel.replaceChildren(...tell(steps[now]));
});
byId("find").addEventListener("keydown", event => {
  if (event.key !== "Enter" || !wanted) return;
  for (let i = 1; i <= steps.length; i++) {
    const at = (now + i) % steps.length;
    if (matches(steps[at].node)) return go(at);
  }
});
byId("at").max = Math.max(0, steps.length - 1);
byId("at").addEventListener("input", event => go(Number(event.target.value)));
byId("first").addEventListener("click", () => go(0));
byId("previous").addEventListener("click", () => go(now - 1));
byId("next").addEventListener("click", () => go(now + 1));
byId("last").addEventListener("click", () => go(steps.length - 1));
byId("fit").addEventListener("click", fit);
byId("colour").addEventListener("change", paint);
levels.forEach((each, i) => byId("level").append(element("option", { value: i }, `${each.name} (${each.boxes.length})`)));
byId("level").addEventListener("change", event => { draw(levels[event.target.value]); go(now); });
addEventListener("keydown", event => {
  if (["INPUT", "SELECT"].includes(event.target.tagName) && event.target.type !== "range") return;
  const moves = { ArrowRight: now + 1, ArrowLeft: now - 1, Home: 0, End: steps.length - 1 };
  if (event.key in moves) { event.preventDefault(); go(moves[event.key]); }
});
addEventListener("resize", () => { fit(); if (steps.length) reveal(home.get(steps[now].node)); });

const fullest = levels.length - 1, start = levels[fullest].boxes.length > 400 ? 0 : fullest;
byId("level").value = start;
draw(levels[start]);
go((parseInt(location.hash.slice(1), 10) || 1) - 1);
