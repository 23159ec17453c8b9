const COLORS = ["#2f6db3", "#c2542d", "#3c8d5a", "#8b5fbf", "#b8892b", "#2a9d9d", "#c0437f",
                "#6b7a3a", "#5a6acf", "#a0522d"];
const BOUND = {dram: "#c2542d", l2: "#b8892b", l1: "#8b5fbf", latency: "#7a7f8c", tensor: "#2f6db3",
               fp32: "#3c8d5a", integer: "#2a9d9d", issue: "#5a6acf", fp64: "#6b7a3a",
               half: "#3c8d5a", sfu: "#c0437f", atomics: "#a0522d", start: "#9a9fae"};
const $ = id => document.getElementById(id);
const chips = DATA.chips, kernels = DATA.kernels, main = chips[0];

function make(tag, attributes = {}, ...children) {
  const svg = ["svg", "line", "path", "circle", "text", "g", "title"].includes(tag);
  const node = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag)
                   : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes))
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value);
  node.append(...children.filter(child => child !== null));
  return node;
}
const digits = (value, places = 3) => Number(value.toPrecision(places)).toLocaleString("en");
function scaled(value, units, places) {
  for (const [size, unit] of units) if (value >= size) return `${digits(value / size, places)} ${unit}`;
  const [size, unit] = units.at(-1);
  return value ? `${digits(value / size, places)} ${unit}` : `0 ${unit}`;
}
const time = s => scaled(s, [[1, "s"], [1e-3, "ms"], [1e-6, "µs"], [1e-9, "ns"]]);
const joules = j => scaled(j, [[1, "J"], [1e-3, "mJ"], [1e-6, "µJ"], [1e-9, "nJ"]]);
const bytes = b => scaled(b, [[1e9, "GB"], [1e6, "MB"], [1e3, "KB"], [1, "B"]]);
const rate = r => scaled(r, [[1e15, "PFLOP/s"], [1e12, "TFLOP/s"], [1e9, "GFLOP/s"], [1e6, "MFLOP/s"]]);
const percent = share => `${digits(100 * share, share < 0.1 ? 2 : 3)}%`;
const shape = sizes => sizes.slice(0, sizes[2] > 1 ? 3 : sizes[1] > 1 ? 2 : 1).join("×");
const color = index => COLORS[index % COLORS.length];
const total = (kernel, chip = 0) => kernel.times[chip].total_s * kernel.launches;
const all = main.total_s || 1;

function card(name, value, more) {
  return make("div", {class: "card"}, make("div", {class: "name"}, name),
              make("div", {class: "value"}, value), make("div", {class: "more"}, more));
}

function summary() {
  $("title").textContent = DATA.program;
  $("subtitle").textContent = `${main.title}, predicted from counts of the run` +
    (main.what_if.length ? `; what if: ${main.what_if.join(", ")}` : "");
  for (const node of document.querySelectorAll(".chip")) node.textContent = main.chip;
  const launches = kernels.reduce((sum, kernel) => sum + kernel.launches, 0);
  const bounds = {};
  for (const kernel of kernels) {
    const bound = kernel.times[0].bound;
    bounds[bound] = (bounds[bound] || 0) + total(kernel);
  }
  const most = Object.entries(bounds).sort((a, b) => b[1] - a[1])[0];
  const end = DATA.spans.end;
  const cards = [
    card("Kernel time", time(main.total_s), `${launches.toLocaleString("en")} launches of ${kernels.length} kernels and shapes`),
    card("On the chip's clock", end ? time(end * 1e-9) : "–", end ? `kernels busy ${percent(Math.min(main.total_s / (end * 1e-9), 1))} of it` : "no spans"),
    most ? card("Bound mostly by", DATA.words[most[0]], `${percent(most[1] / all)} of the kernel time`) : null,
    main.energy_j === null ? null : card("Energy, estimated", joules(main.energy_j), `${digits(main.energy_j / all)} W mean`),
    card("Ground truth", main.band === null ? "none" : `±${percent(Math.exp(main.band) - 1)}`, main.basis),
  ];
  $("cards").append(...cards.filter(one => one));
}

function cell(content, attributes = {}) { return make("td", attributes, content); }
function heads(...names) { return make("thead", {}, make("tr", {}, ...names.map(name => make("th", {scope: "col"}, name)))); }
function title(kernel) {
  return make("span", {}, make("span", {class: "kernel", title: kernel.kernel}, kernel.name),
              make("span", {class: "shape"}, `${shape(kernel.grid)} blocks of ${shape(kernel.block)}`));
}
function tag(bound) { return make("span", {class: "tag", style: `background:${BOUND[bound]}`}, DATA.words[bound]); }

function kernelTable() {
  const body = make("tbody");
  kernels.forEach((kernel, index) => {
    const first = kernel.times[0], share = total(kernel) / all;
    body.append(make("tr", {class: "pick", tabindex: 0, "data-kernel": index,
                            onclick: () => pick(index), onkeydown: event => event.key === "Enter" && pick(index)},
      cell(title(kernel)), cell(kernel.launches.toLocaleString("en")), cell(time(first.total_s)),
      cell(make("span", {}, percent(share), make("i", {}, make("b", {style: `width:${100 * share}%`}))), {class: "share"}),
      cell(tag(first.bound)), cell(percent(first.share))));
  });
  $("kernels").append(heads("kernel", "launches", "a launch", "of all time", "bound by", "of peak"), body);
}

function pick(index) {
  for (const row of document.querySelectorAll("#kernels tr.picked")) row.classList.remove("picked");
  const row = document.querySelector(`#kernels tr[data-kernel="${index}"]`);
  if (row) row.classList.add("picked");
  const kernel = kernels[index], first = kernel.times[0];
  const terms = Object.entries({start: first.start_s, ...first.terms}).filter(([, s]) => s > 0).sort((a, b) => b[1] - a[1]);
  const facts = {
    "occupancy": `${percent(first.occupancy)}, ${first.resident_blocks} blocks a core`,
    "blocks a core bounded by": first.limit, "waves": first.waves.toLocaleString("en"),
    "busiest core over the mean": digits(first.tail), "L1 hits": percent(first.l1_hit),
    "L2 hits": percent(first.l2_hit), "device memory moved": bytes(first.dram_bytes),
    "lanes idle": percent(kernel.divergence), "registers a thread": String(kernel.registers || "unknown"),
    "energy of a launch": first.energy_j === null ? "no power figure" : joules(first.energy_j),
    "counted": kernel.exact ? "every block" : `${kernel.sampled_blocks.toLocaleString("en")} blocks, scaled`,
  };
  const advice = kernel.advice;
  $("detail").replaceChildren(
    make("h3", {}, kernel.name), make("div", {class: "shape"}, `${time(first.total_s)} a launch, ${percent(total(kernel) / all)} of all`),
    make("div", {class: "advice"}, (advice.where ? `${advice.where}: ` : "") + advice.text + (advice.gain ? `, ${percent(advice.gain)} less time without it` : "")),
    ...terms.map(([name, seconds]) => make("div", {class: "term"}, make("span", {}, DATA.words[name]),
      make("span", {class: "track"}, make("i", {style: `width:${Math.min(100 * seconds / first.total_s, 100)}%;background:${BOUND[name]}`})),
      make("span", {class: "number"}, time(seconds)))),
    make("dl", {}, ...Object.entries(facts).flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)])));
}

function comparison() {
  if (chips.length < 2) return $("compare-section").remove();
  const longest = Math.max(...chips.map(chip => chip.total_s)) || 1;
  chips.forEach((chip, at) => $("bars").append(make("div", {class: "bar"},
    make("b", {}, chip.chip),
    make("span", {class: "track"}, ...kernels.map((kernel, index) => make("i", {
      title: `${kernel.name}: ${time(total(kernel, at))}`,
      style: `width:${100 * total(kernel, at) / longest}%;background:${color(kernel.color)}`}))),
    make("span", {class: "number"}, time(chip.total_s), make("small", {}, at ? `${digits(main.total_s / (chip.total_s || 1))}× as fast` : "this run")))));
  const body = make("tbody", {}, ...kernels.map(kernel => make("tr", {}, cell(title(kernel)),
    ...kernel.times.map((one, at) => {
      const ratio = kernel.times[0].total_s / one.total_s;
      const mix = at ? Math.min(Math.abs(Math.log2(ratio)) * 22, 40) : 0;
      const hue = ratio >= 1 ? "var(--good)" : "var(--bad)";
      return cell(make("span", {}, time(one.total_s), make("br"), make("span", {class: "shape"}, DATA.words[one.bound])),
                  {style: `background:color-mix(in srgb, ${hue} ${mix}%, transparent)`});
    }))));
  $("compare").append(heads("kernel", ...chips.map(chip => chip.chip)), body);
}

function roofline() {
  const roof = DATA.roofs, dots = kernels.map((kernel, index) => ({kernel, index})).filter(({kernel}) => kernel.flops > 0 && kernel.times[0].dram_bytes > 0);
  const width = 1180, height = 430, left = 84, right = 20, top = 16, bottom = 46;
  const xs = dots.map(({kernel}) => kernel.flops / kernel.times[0].dram_bytes);
  const ys = dots.map(({kernel}) => kernel.flops / kernel.times[0].total_s);
  const ridge = Math.max(...roof.peaks.map(peak => peak.rate)) / roof.bandwidth;
  const x0 = Math.floor(Math.log10(Math.min(0.1, ...xs))), x1 = Math.ceil(Math.log10(Math.max(10 * ridge, ...xs)));
  const y1 = Math.ceil(Math.log10(Math.max(...roof.peaks.map(peak => peak.rate))));
  const y0 = Math.min(y1 - 5, Math.floor(Math.log10(Math.min(1e12, ...ys))));
  const X = value => left + (Math.log10(value) - x0) / (x1 - x0) * (width - left - right);
  const Y = value => height - bottom - (Math.log10(value) - y0) / (y1 - y0) * (height - top - bottom);
  const svg = make("svg", {viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": "Roofline"});
  for (let e = x0; e <= x1; e++) svg.append(
    make("line", {class: "grid", x1: X(10 ** e), x2: X(10 ** e), y1: top, y2: height - bottom}),
    make("text", {x: X(10 ** e), y: height - bottom + 18, "text-anchor": "middle"}, digits(10 ** e)));
  for (let e = y0; e <= y1; e++) svg.append(
    make("line", {class: "grid", x1: left, x2: width - right, y1: Y(10 ** e), y2: Y(10 ** e)}),
    make("text", {x: left - 8, y: Y(10 ** e) + 4, "text-anchor": "end"}, rate(10 ** e)));
  svg.append(make("text", {x: (width + left) / 2, y: height - 8, "text-anchor": "middle"}, "operations a byte of device memory"));
  const low = Math.max(10 ** x0, 10 ** y0 / roof.bandwidth);
  svg.append(make("path", {class: "roof", stroke: BOUND.dram, d: `M${X(low)} ${Y(low * roof.bandwidth)} L${X(ridge)} ${Y(ridge * roof.bandwidth)}`}));
  roof.peaks.forEach((peak, index) => {
    const knee = peak.rate / roof.bandwidth;
    svg.append(make("path", {class: "roof", stroke: index ? BOUND.tensor : BOUND.fp32, d: `M${X(knee)} ${Y(peak.rate)} L${X(10 ** x1)} ${Y(peak.rate)}`}),
      make("text", {x: X(10 ** x1) - 6, y: Y(peak.rate) - 6, "text-anchor": "end"}, `${peak.name} ${rate(peak.rate)}`));
  });
  const middle = ridge ** 0.5 * low ** 0.5;  // of the slope, on its upper side
  svg.append(make("text", {x: X(middle) - 10, y: Y(middle * roof.bandwidth) - 10, "text-anchor": "end"}, `memory ${scaled(roof.bandwidth, [[1e12, "TB/s"], [1e9, "GB/s"]])}`));
  dots.forEach(({kernel, index}, at) => {
    const radius = 5 + 22 * Math.sqrt(total(kernel) / all);
    svg.append(make("circle", {class: "dot", cx: X(xs[at]), cy: Y(Math.max(ys[at], 10 ** y0)), r: radius, fill: color(kernel.color), onclick: () => { pick(index); $("kernels-head").scrollIntoView({behavior: "smooth"}); }},
        make("title", {}, `${kernel.name}\n${digits(xs[at])} operations a byte, ${rate(ys[at])}`)));
    if (total(kernel) / all > 0.03) svg.append(make("text", {class: "name", x: X(xs[at]) + radius + 5, y: Y(Math.max(ys[at], 10 ** y0)) + 4}, kernel.name));
  });
  $("roofline").append(svg);
  const rest = kernels.length - dots.length;
  if (rest) $("roofline").append(make("div", {class: "empty"}, `${rest} of ${kernels.length} kernels do no floating-point work or touch no device memory`));
}

function timeline() {
  const {kind, stream, start, length, end, streams, more} = DATA.spans, count = start.length;
  if (!count) return $("timeline").replaceChildren(make("div", {class: "empty"}, "nothing ran on the device"));
  const canvas = $("canvas"), tip = $("tip"), row = 30, head = 24, left = 118;
  const pen = canvas.getContext("2d");
  let from = 0, to = end * 1.001;
  const look = name => getComputedStyle(document.documentElement).getPropertyValue(name);
  function fit() {
    const ratio = devicePixelRatio || 1, height = head + row * streams.length + 6;
    canvas.width = canvas.clientWidth * ratio;
    canvas.style.height = `${height}px`;
    canvas.height = height * ratio;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    draw();
  }
  const X = ns => left + (ns - from) / (to - from) * (canvas.clientWidth - left);
  function draw() {
    const width = canvas.clientWidth, height = canvas.clientHeight;
    pen.clearRect(0, 0, width, height);
    pen.font = "12px system-ui, sans-serif";
    const step = 10 ** Math.floor(Math.log10((to - from) / 4)), nice = [1, 2, 5].map(n => n * step).find(n => (to - from) / n < 9) || 10 * step;
    for (let at = Math.ceil(from / nice) * nice; at < to; at += nice) {
      pen.fillStyle = look("--line"); pen.fillRect(X(at), head - 6, 1, height);
      pen.fillStyle = look("--soft"); pen.fillText(time(at * 1e-9), X(at) + 4, 13);
    }
    streams.forEach((name, index) => {
      pen.fillStyle = look("--soft"); pen.fillText(name, 4, head + index * row + 19);
    });
    const last = streams.map(() => -1);  // spans narrower than a pixel are drawn once a pixel
    for (let i = 0; i < count; i++) {
      if (start[i] + length[i] < from || start[i] > to) continue;
      const x = Math.max(X(start[i]), left), w = Math.min(Math.max(X(start[i] + length[i]) - x, 0.8), width - x);
      if (w < 1 && Math.floor(x) === last[stream[i]]) continue;
      last[stream[i]] = Math.floor(x);
      pen.fillStyle = kind[i] >= 0 ? color(kernels[kind[i]].color) : "#8d93a1";
      pen.fillRect(x, head + stream[i] * row + 3, w, row - 8);
      if (w > 60) { pen.fillStyle = "#fff"; pen.fillText(nameOf(i).slice(0, Math.floor(w / 7)), x + 5, head + stream[i] * row + 19); }
    }
  }
  const nameOf = i => kind[i] >= 0 ? kernels[kind[i]].name : DATA.spans.kinds[-1 - kind[i]];
  function under(event) {
    const box = canvas.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
    const at = from + (x - left) / (canvas.clientWidth - left) * (to - from), lane = Math.floor((y - head) / row);
    const slack = (to - from) / canvas.clientWidth;
    for (let i = 0; i < count; i++)
      if (stream[i] === lane && start[i] - slack <= at && at <= start[i] + length[i] + slack) return [i, x, y];
    return null;
  }
  canvas.addEventListener("wheel", event => {
    event.preventDefault();
    const at = from + (event.offsetX - left) / (canvas.clientWidth - left) * (to - from), factor = Math.exp(event.deltaY * 0.0015);
    from = Math.max(0, at - (at - from) * factor);
    to = Math.min(end * 1.001, Math.max(at + (to - at) * factor, from + 100));
    draw();
  }, {passive: false});
  let held = null;
  canvas.addEventListener("pointerdown", event => { held = [event.clientX, from, to]; canvas.setPointerCapture(event.pointerId); });
  canvas.addEventListener("pointerup", () => { held = null; });
  canvas.addEventListener("pointermove", event => {
    if (held) {
      const moved = (held[0] - event.clientX) / (canvas.clientWidth - left) * (held[2] - held[1]);
      const kept = Math.min(Math.max(moved, -held[1]), end * 1.001 - held[2]);
      from = held[1] + kept; to = held[2] + kept;
      return draw();
    }
    const found = under(event);
    tip.style.display = found ? "block" : "none";
    if (!found) return;
    const [i, x, y] = found;
    tip.textContent = `${nameOf(i)}\n${time(length[i] * 1e-9)} from ${time(start[i] * 1e-9)}`;
    tip.style.left = `${Math.min(x + 14, canvas.clientWidth - 220)}px`; tip.style.top = `${y + 16}px`;
  });
  canvas.addEventListener("pointerleave", () => { tip.style.display = "none"; });
  canvas.addEventListener("dblclick", () => { from = 0; to = end * 1.001; draw(); });
  new ResizeObserver(fit).observe(canvas);
  fit();
  if (more) $("timeline").append(make("div", {class: "empty"}, `the first ${count.toLocaleString("en")} spans; ${more.toLocaleString("en")} more are in --trace`));
}

function source() {
  if (!DATA.files.length) $("source").append(make("div", {class: "empty"}, "the program has no line table"));
  for (const file of DATA.files) {
    const code = make("div", {class: "code"});
    for (const line of file.lines) {
      if (line === null) { code.append(make("div", {class: "gap"}, "⋯")); continue; }
      const [number, text, share, note] = line, alpha = share ? 0.06 + 0.6 * Math.sqrt(share / file.most) : 0;
      code.append(make("div", {class: "row", style: `background:rgba(var(--heat), ${alpha.toFixed(3)})`},
        make("span", {class: "at"}, String(number)), make("span", {class: "heat"}, share >= 0.0005 ? percent(share) : ""),
        make("span", {}, text), make("span", {class: "note"}, note)));
    }
    $("source").append(make("div", {class: "file"}, make("h3", {}, file.name), code));
  }
}

summary(); kernelTable(); if (kernels.length) pick(0); comparison(); roofline(); timeline(); source();
$("footer").textContent = DATA.footer;
document.body.dataset.ready = "yes";
