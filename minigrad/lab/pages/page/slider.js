"use strict";
(() => {
  const byId = id => document.getElementById(id);
  const data = JSON.parse(byId("slider-data").textContent);
  const range = byId("slider-lambda"), says = byId("slider-says"), views = byId("slider-views");
  const count = data.lambdas.length, WIDE = 400, HIGH = 250, LEFT = 52, RIGHT = 10, TOP = 10, LOW = 34;
  const picks = Object.entries(data.picks);
  let now = picks.length ? picks[0][1] : count - 1, panel = 0;

  // Names come from the user's data: they are set as text, never as markup.
  function svg(name, attributes, text) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    return made;
  }
  const short = v => v === null ? "–" : v === 0 ? "0" : Math.abs(v) >= 1e5 || Math.abs(v) < 1e-3 ? v.toExponential(1)
    : String(Number(v.toPrecision(4)));
  const known = values => values.filter(v => v !== null);
  const across = i => LEFT + (WIDE - LEFT - RIGHT) * (count > 1 ? i / (count - 1) : 0.5);
  function scale(values, low = LEFT, high = WIDE - RIGHT) {
    let least = Math.min(...values), most = Math.max(...values);
    if (!(most > least)) { least -= 1; most += 1; }
    const made = v => low + (high - low) * (v - least) / (most - least);
    made.ends = [least, most];
    return made;
  }
  const upright = values => scale(values, HIGH - LOW, TOP);
  const line = (values, y) => {
    let path = "", pen = "M";
    values.forEach((v, i) => {
      if (v === null) { pen = "M"; return; }
      path += pen + across(i).toFixed(1) + " " + y(v).toFixed(1);
      pen = "L";
    });
    return path;
  };

  function view(caption, drag) {
    const figure = document.createElement("figure"), picture = svg("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img" });
    const words = document.createElement("figcaption");
    words.textContent = caption;
    picture.setAttribute("aria-label", caption);
    figure.append(words, picture);
    views.append(figure);
    if (drag) {
      picture.classList.add("drag");
      const to = event => {
        const box = picture.getBoundingClientRect(), x = (event.clientX - box.left) * WIDE / box.width;
        show(Math.round((count - 1) * (x - LEFT) / (WIDE - LEFT - RIGHT)));
      };
      picture.addEventListener("pointerdown", event => { picture.setPointerCapture(event.pointerId); to(event); });
      picture.addEventListener("pointermove", event => { if (event.buttons) to(event); });
    }
    return picture;
  }
  function frame(picture, y) {
    picture.append(svg("path", { class: "axis", d: `M${LEFT} ${TOP}V${HIGH - LOW}H${WIDE - RIGHT}` }));
    for (const v of y.ends) {
      picture.append(svg("text", { x: LEFT - 5, y: y(v) + 4, "text-anchor": "end", class: "faint-text" }, short(v)));
    }
    for (const i of [0, count - 1]) {
      picture.append(svg("text", { x: across(i), y: HIGH - LOW + 15, "text-anchor": i ? "end" : "start", class: "faint-text" },
        "λ = " + short(data.lambdas[i])));
    }
    for (const [, i] of picks) picture.append(svg("path", { class: "pick", d: `M${across(i)} ${TOP}V${HIGH - LOW}` }));
    const mark = svg("path", { class: "now" });
    picture.append(mark);
    return () => mark.setAttribute("d", `M${across(now)} ${TOP}V${HIGH - LOW}`);
  }

  // Each view draws what stands, and returns what moves.
  function paths() {
    const picture = view(`${data.what} over λ; drag here as well`, true);
    return () => {
      picture.replaceChildren();
      const w = data.panels[panel].w, y = upright([0, ...known(w.flat())]), place = frame(picture, y);
      picture.append(svg("path", { class: "grid", d: `M${LEFT} ${y(0)}H${WIDE - RIGHT}` }));
      w.forEach((values, i) => {
        const colour = `stroke: var(--series-${i % 7})` + (i < 7 ? "" : "; opacity: .45");
        picture.append(svg("path", { d: line(values, y), fill: "none", "stroke-width": i < 7 ? 1.8 : 1, style: colour }));
        if (values[now]) picture.append(svg("circle", { cx: across(now), cy: y(values[now]), r: 3, class: "at" }));
      });
      place();
    };
  }
  function bars() {
    const picture = view(`${data.what} at this λ; hollow: exactly 0`
      + (data.left ? `; ${data.left} more inputs are not shown` : ""), false);
    return () => {
      const w = data.panels[panel].w, step = Math.max(12, Math.min(22, 220 / Math.max(1, w.length)));
      const high = TOP + step * Math.max(1, w.length) + 8, x = scale([0, ...known(w.flat())], 130, WIDE - RIGHT);
      picture.setAttribute("viewBox", `0 0 ${WIDE} ${high}`);
      picture.replaceChildren(svg("path", { class: "axis", d: `M${x(0)} ${TOP - 4}V${high - 6}` }));
      w.forEach((values, i) => {
        const y = TOP + step * i, v = values[now] || 0, ends = [x(0), x(v)].sort((a, b) => a - b);
        picture.append(svg("text", { x: 122, y: y + step * 0.7, "text-anchor": "end", class: v ? "" : "faint-text" }, data.names[i]));
        picture.append(v ? svg("rect", { class: "bar", x: ends[0], y: y + 1, width: Math.max(1, ends[1] - ends[0]), height: step - 4 })
          : svg("circle", { class: "zero", cx: x(0), cy: y + step / 2 - 1, r: 3.5 }));
      });
    };
  }
  function course(c, held) {
    const picture = view(c.name + (c.error ? ", ± one standard error" : ""), true);
    const edges = c.error ? c.values.flatMap((v, i) => v === null ? [] : [v - (c.error[i] || 0), v + (c.error[i] || 0)]) : known(c.values);
    const y = upright(edges), place = frame(picture, y);
    if (c.error) {
      const there = c.values.map((v, i) => i).filter(i => c.values[i] !== null);
      const side = (sign, order) => order.map(i => `${across(i).toFixed(1)} ${y(c.values[i] + sign * (c.error[i] || 0)).toFixed(1)}`);
      picture.append(svg("path", { class: "band", d: "M" + [...side(1, there), ...side(-1, [...there].reverse())].join("L") + "Z" }));
    }
    picture.append(svg("path", { class: held ? "held" : "seen", d: line(c.values, y) }));
    const dot = svg("circle", { class: "at", r: 5 });
    picture.append(dot);
    return () => {
      place();
      const v = c.values[now];
      dot.setAttribute("visibility", v === null ? "hidden" : "visible");
      if (v !== null) { dot.setAttribute("cx", across(now)); dot.setAttribute("cy", y(v)); }
    };
  }
  function fit() {
    const numbers = data.classes === null;
    const picture = view(numbers ? `Fit: what the model says (up) of the target (across), ${data.rows}; dotted: right`
      : `Fit: the probability of the right class (up), by class, ${data.rows}`, false);
    const both = numbers ? known([...data.target, ...data.answers.flat()]) : [0, 1];
    const y = upright(both), x = numbers ? scale(both) : null, slots = numbers ? 1 : data.classes.length;
    const width = (WIDE - LEFT - RIGHT) / slots;
    picture.append(svg("path", { class: "axis", d: `M${LEFT} ${TOP}V${HIGH - LOW}H${WIDE - RIGHT}` }));
    for (const v of y.ends) picture.append(svg("text", { x: LEFT - 5, y: y(v) + 4, "text-anchor": "end", class: "faint-text" }, short(v)));
    if (numbers) {
      picture.append(svg("path", { class: "reference", d: `M${x(x.ends[0])} ${y(x.ends[0])}L${x(x.ends[1])} ${y(x.ends[1])}` }));
    } else {
      data.classes.forEach((name, k) => picture.append(svg("text",
        { x: LEFT + width * (k + 0.5), y: HIGH - LOW + 15, "text-anchor": "middle", class: "faint-text" }, name)));
    }
    const dots = data.target.map((t, i) => {
      const cx = numbers ? x(t) : LEFT + width * (t + 0.15 + 0.7 * ((i * 0.618) % 1));
      const dot = svg("circle", { class: "row", r: 2.4, cx });
      picture.append(dot);
      return dot;
    });
    return () => data.answers[now].forEach((v, i) => {
      dots[i].setAttribute("visibility", v === null ? "hidden" : "visible");
      if (v !== null) dots[i].setAttribute("cy", y(v));
    });
  }

  const buttons = picks.map(([name, i]) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = name;
    button.addEventListener("click", () => show(i));
    byId("slider-picks").append(button);
    return button;
  });
  if (data.panels.length > 1) {
    const choice = document.createElement("select");
    choice.setAttribute("aria-label", "class whose coefficients are shown");
    data.panels.forEach(({ title }, i) => {
      const option = document.createElement("option");
      option.value = i;
      option.textContent = title;
      choice.append(option);
    });
    choice.addEventListener("change", () => { panel = Number(choice.value); show(now); });
    byId("slider-picks").append(choice);
  }
  const movers = [paths(), bars(), ...data.courses.map(c => course(c, Boolean(c.error))), fit()];
  function show(i) {
    now = Math.min(count - 1, Math.max(0, i));
    range.value = now;
    const scores = data.courses.map(c => `${c.name} ${short(c.values[now])}`
      + (c.error && c.error[now] !== null ? ` ± ${short(Number(c.error[now].toPrecision(2)))}` : ""));
    says.textContent = [`λ = ${short(data.lambdas[now])}: ${data.zeros[now]}`, ...scores].join("; ") + ".";
    range.setAttribute("aria-valuetext", says.textContent);
    buttons.forEach((button, k) => button.setAttribute("aria-pressed", String(picks[k][1] === now)));
    for (const move of movers) move();
  }
  range.max = count - 1;
  range.addEventListener("input", () => show(Number(range.value)));
  const asked = /^#lambda=(\d+)$/.exec(location.hash);
  show(asked ? Number(asked[1]) : now);
})();
