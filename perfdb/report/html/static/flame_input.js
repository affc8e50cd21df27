// What mouse, touch and keys mean on the graph. `actions` does it: see flame.js.

/** A press that moves further than this, in CSS pixels, is a drag. */
const DRAG_STARTS = 4;
/** How much one notch of a wheel, or one press of + or -, zooms. */
const WHEEL_ZOOM = 0.0022;
const KEY_ZOOM = 0.5;

/** Listen on the canvas until `signal` aborts. */
export function listenToPointers(canvas, actions, signal) {
  const pressed = new Map(); // pointers that are down: where they are now
  let start = null; // of the first one
  let dragged = false;
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  const listen = (type, listener, options = {}) => canvas.addEventListener(type, listener, { signal, ...options });

  listen("pointerdown", (event) => {
    if (event.button !== 0) return;
    pressed.set(event.pointerId, at(event));
    if (pressed.size === 1) {
      start = at(event);
      dragged = false;
    } else {
      dragged = true;
    }
  });

  listen("pointermove", (event) => {
    const now = at(event);
    const before = pressed.get(event.pointerId);
    if (before === undefined) {
      if (event.pointerType !== "touch") actions.hover(now.x, now.y, event.clientX, event.clientY);
      return;
    }
    if (!dragged && Math.hypot(now.x - start.x, now.y - start.y) < DRAG_STARTS) return;
    if (!dragged) {
      dragged = true;
      canvas.setPointerCapture(event.pointerId);
      canvas.classList.add("flame-dragging");
      actions.leave();
    }
    if (pressed.size === 2) {
      const [other] = [...pressed].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
      const gap = Math.abs(now.x - other.x);
      const had = Math.abs(before.x - other.x);
      if (gap > 8 && had > 8) actions.zoom(had / gap, (now.x + other.x) / 2);
    } else {
      actions.drag(before.x - now.x, event.pointerType === "touch" ? 0 : before.y - now.y);
    }
    pressed.set(event.pointerId, now);
  });

  const release = (event) => {
    if (!pressed.delete(event.pointerId) || pressed.size) return;
    canvas.classList.remove("flame-dragging");
    if (event.type !== "pointerup" || dragged) return;
    const { x, y } = at(event);
    if (event.altKey || event.ctrlKey || event.metaKey) actions.pickAt(x, y);
    else actions.click(x, y);
  };
  listen("pointerup", release);
  listen("pointercancel", release);
  listen("pointerleave", () => actions.leave());
  listen("dblclick", () => actions.reset());

  // a wheel by itself scrolls the page, as everywhere else
  listen(
    "wheel",
    (event) => {
      const lines = event.deltaMode === 1 ? 16 : 1;
      if (event.ctrlKey || event.metaKey) {
        event.preventDefault();
        actions.zoom(Math.exp(event.deltaY * lines * WHEEL_ZOOM * (Math.abs(event.deltaY) < 20 ? 4 : 1)), at(event).x);
      } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        const moved = actions.drag((event.deltaX || event.deltaY) * lines, 0);
        if (moved) event.preventDefault();
      }
    },
    { passive: false },
  );
}

/** Keys while the canvas has the focus; what is not ours is left to the browser. */
export function listenToKeys(canvas, actions, signal) {
  const meanings = {
    ArrowUp: () => actions.walk("up"),
    ArrowDown: () => actions.walk("down"),
    ArrowLeft: () => actions.walk("left"),
    ArrowRight: () => actions.walk("right"),
    Home: () => actions.walk("home"),
    Escape: () => actions.reset(),
    "+": () => actions.zoomSelected(KEY_ZOOM),
    "=": () => actions.zoomSelected(KEY_ZOOM),
    "-": () => actions.zoomSelected(1 / KEY_ZOOM),
    b: () => actions.pickSelected(),
    B: () => actions.pickSelected(),
  };
  canvas.addEventListener(
    "keydown",
    (event) => {
      if (event.altKey || event.ctrlKey || event.metaKey) return;
      const meaning =
        event.key === "Enter" ? (event.shiftKey ? actions.pickSelected : actions.enter) : meanings[event.key];
      if (meaning === undefined) return;
      event.preventDefault();
      meaning();
    },
    { signal },
  );
}
