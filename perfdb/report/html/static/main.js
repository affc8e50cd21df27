// The page: reads the place from the URL's fragment, shows it, and writes it back as the reader moves on.

import { createButterfly, firstItem } from "./butterfly.js";
import { createFlameView } from "./flame_view.js";
import { itemOfHash, prepare, unpack } from "./payload.js";
import { FIRST_PLACE, nameHash, readPlace, VIEWS, writePlace } from "./state.js";
import { createTable } from "./table.js";
import { startTheme } from "./theme.js";

class Explorer {
  constructor(section) {
    this.section = section;
    this.notice = section.querySelector("#notice");
    this.select = section.querySelector("#example");
    this.payloads = new Map(
      Array.from(document.querySelectorAll("script.payload"), (element) => [element.dataset.example, element]),
    );
    this.loading = new Map(); // example → promise of what is prepared
    this.views = null; // of the example that is shown
    this.place = FIRST_PLACE;
    this.asked = 0;
    this.tabs = VIEWS.map((view) => section.querySelector(`#tab-${view}`));
    this.panels = new Map(VIEWS.map((view) => [view, section.querySelector(`#view-${view}`)]));
  }

  start() {
    if (this.payloads.size === 0) return;
    this.section.hidden = false;
    this.select.addEventListener("change", () => this.go({ example: this.select.value }));
    this.tabs.forEach((tab, at) => {
      tab.addEventListener("click", () => this.go({ view: VIEWS[at] }));
      tab.addEventListener("keydown", (event) => this.walkTabs(event, at));
    });
    const moved = () => {
      const place = readPlace(location.hash);
      if (place !== null) this.show(place);
    };
    window.addEventListener("popstate", moved);
    window.addEventListener("hashchange", moved);
    const first = readPlace(location.hash);
    // A link to a place is about what is shown there, not about the head of the page.
    this.show(first ?? FIRST_PLACE).then(() => {
      if (first !== null && writePlace(first) !== writePlace(FIRST_PLACE)) this.section.scrollIntoView();
    });
  }

  walkTabs(event, at) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const next = (at + step + VIEWS.length) % VIEWS.length;
    this.tabs[next].focus();
    this.go({ view: VIEWS[next] });
  }

  /** Move on: a new entry of the browser's history, or with `stay` another form of the one that is shown. */
  go(change, stay = false) {
    const place = { ...this.place, ...change };
    const fragment = writePlace(place);
    if (fragment === writePlace(this.place)) return;
    if (stay) history.replaceState(null, "", fragment);
    else history.pushState(null, "", fragment);
    return this.show(place);
  }

  load(example) {
    if (!this.loading.has(example)) {
      this.loading.set(example, unpack(this.payloads.get(example).textContent).then(prepare));
    }
    return this.loading.get(example);
  }

  async show(place) {
    const asked = ++this.asked;
    const isKnown = this.payloads.has(place.example);
    const example = isKnown ? place.example : this.payloads.keys().next().value;
    this.place = place;
    let loaded;
    try {
      loaded = await this.load(example);
    } catch (problem) {
      this.say(`This browser cannot unpack the page’s data (${problem.message}); all else can be read below.`);
      return;
    }
    if (asked !== this.asked) return; // the reader has moved on
    if (this.views === null || this.views.example !== example) this.useExample(example, loaded);
    const view = place.view || (loaded.tree === null || loaded.tree.size === 0 ? "functions" : "flame");
    const isMeant = isKnown || place.example === "";
    this.say(isMeant ? "" : `This page has no example “${place.example}”; this is ${example}.`);
    this.turnTo(view);
    this.views.show[view](place);
  }

  useExample(example, loaded) {
    this.views?.flame?.destroy();
    const why = this.payloads.get(example).dataset.why;
    const pick = (item) => {
      const [module, name] = loaded.items[item];
      this.go({ view: "butterfly", function: nameHash(module, name) })?.then(() => this.views.butterfly.focus());
    };
    const panel = (view) => this.panels.get(view);
    const views = { example, flame: null, table: null, butterfly: null };
    const showFlame = async (item) => {
      await this.go({ view: "flame" });
      views.flame.focusItem(item);
    };
    views.show = {
      flame: (place) => {
        views.flame ??= createFlameView(panel("flame"), loaded, why, {
          pick,
          change: (change) => this.go(change, true),
        });
        views.flame.show(place);
        window.perfdb = { flame: views.flame.flame }; // for those who measure it
      },
      functions: (place) => {
        views.table ??= createTable(panel("functions"), loaded, { pick, change: (change) => this.go(change, true) });
        views.table.show(place.sort, place.filter);
      },
      butterfly: (place) => {
        views.butterfly ??= createButterfly(panel("butterfly"), loaded, why, { pick, showFlame });
        const asked = place.function === "" ? firstItem(loaded) : itemOfHash(loaded, place.function);
        const item = asked < 0 ? firstItem(loaded) : asked;
        if (asked < 0 && place.function !== "") {
          this.say("The function of this link is not in this example; here is the one that stands out most.");
        }
        if (item >= 0) views.butterfly.show(item);
      },
    };
    this.views = views;
    this.select.value = example;
    for (const each of this.panels.values()) each.replaceChildren();
  }

  turnTo(view) {
    this.tabs.forEach((tab, at) => {
      tab.setAttribute("aria-selected", String(VIEWS[at] === view));
      tab.tabIndex = VIEWS[at] === view ? 0 : -1;
    });
    for (const [name, panel] of this.panels) panel.hidden = name !== view;
  }

  say(text) {
    this.notice.textContent = text;
    this.notice.hidden = text === "";
  }
}

startTheme(document.querySelector("#theme"));
new Explorer(document.querySelector("#explore")).start();
