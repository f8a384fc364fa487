// Small comforts. Every page works without this file; the server renders theme and density.
(() => {
  const toast = (text, tone) => {
    const item = document.createElement("div");
    item.className = "toast";
    item.dataset.tone = tone;
    item.textContent = text;
    document.querySelector(".toasts")?.append(item);
    setTimeout(() => item.remove(), 6000);
  };

  // navigator.clipboard exists only on https and on loopback; elsewhere the old way still works.
  const copyTheOldWay = (text) => {
    const field = document.createElement("textarea");
    field.value = text;
    field.className = "sr";
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    if (!done) throw new Error("refused");
  };

  const copy = async (button) => {
    const text = button.dataset.copy;
    try {
      await (navigator.clipboard ? navigator.clipboard.writeText(text) : copyTheOldWay(text));
      toast("Copied", "ok");
    } catch {
      toast("The browser did not allow copying", "error");
    }
    button.focus();
  };

  addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (button) copy(button);
    if (event.target.closest("[data-close]")) {
      const dialog = event.target.closest("dialog");
      if (dialog) {
        event.preventDefault();
        dialog.close();
      }
    }
    for (const menu of document.querySelectorAll("details.menu[open]"))
      if (!menu.contains(event.target)) menu.open = false;
  });

  addEventListener("keydown", (event) => {
    const typing = event.target.matches("input, textarea, select, [contenteditable]");
    if (event.key === "/" && !typing) {
      event.preventDefault();
      document.getElementById("q")?.focus();
    }
    if (event.key === "Escape") {
      const menu = event.target.closest("details.menu[open]");
      if (menu) {
        menu.open = false;
        menu.querySelector("summary").focus();
      }
    }
  });

  // Fields left empty stay out of the address.
  addEventListener("formdata", ({ formData }) => {
    for (const [name, value] of [...formData]) if (value === "") formData.delete(name);
  });

  // Rows of a form: one more is a copy of the blank one, under the next free number.
  addEventListener("click", (event) => {
    const add = event.target.closest("[data-add-row]");
    const gone = event.target.closest("[data-remove-row]");
    if (add) {
      event.preventDefault();
      const rows = add.closest("fieldset").querySelector("[data-rows]");
      const blank = rows.querySelector("template");
      rows.dataset.next = Number(rows.dataset.next ?? rows.children.length - 1) + 1;
      const row = document.createElement("template");
      row.innerHTML = blank.innerHTML.replaceAll("__n__", String(rows.dataset.next - 1));
      blank.before(row.content);
      blank.previousElementSibling.querySelector("input, select")?.focus();
    }
    if (gone) {
      const next = gone.closest("fieldset").querySelector("[data-add-row]");
      gone.dispatchEvent(new Event("change", { bubbles: true }));
      gone.closest(".rows-row").remove();
      next.focus();
    }
  });

  // A link with hx-target="#dialog" opens its page's form as a dialog. The form posts from there
  // and, when it must be corrected, comes back there; without script the link is a page.
  addEventListener("htmx:afterSwap", ({ detail: { target } }) => {
    if (target.id !== "dialog") return;
    for (const form of target.querySelectorAll("form[method=post]")) {
      form.setAttribute("hx-post", form.getAttribute("action"));
      form.setAttribute("hx-target", "#dialog");
      htmx.process(form);
    }
    if (!target.open) target.showModal();
    target.querySelector("[autofocus]")?.focus();
  });

  // Rows with data-move get another place by dragging, or with Alt and the arrow keys: what is asked
  // then is the page on which one is moved, with the place filled in. Where no row follows it is "-".
  const askToMove = (row, before) => {
    if (row.dataset.slug === before) return;
    htmx.ajax("GET", `${row.dataset.move}?before=${before}`, { target: "#dialog" });
  };
  let dragged = null;
  const under = (event) => event.target.closest?.("tr[data-move]");
  addEventListener("dragstart", (event) => {
    dragged = under(event);
    event.dataTransfer?.setData("text/plain", dragged?.dataset.slug ?? "");
  });
  addEventListener("dragover", (event) => {
    if (dragged && under(event)) event.preventDefault();
  });
  addEventListener("drop", (event) => {
    const row = under(event);
    if (!dragged || !row) return;
    event.preventDefault();
    const after = row.rowIndex > dragged.rowIndex ? row.nextElementSibling : row;
    askToMove(dragged, after?.dataset.slug ?? "-");
    dragged = null;
  });
  addEventListener("keydown", (event) => {
    const row = event.altKey && under(event);
    if (!row || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
    event.preventDefault();
    const other = event.key === "ArrowUp" ? row.previousElementSibling : row.nextElementSibling;
    if (!other) return;
    const before = event.key === "ArrowUp" ? other : other.nextElementSibling;
    askToMove(row, before?.dataset.slug ?? "-");
  });

  // A region with data-poll="SECONDS" and hx-trigger="poll" is asked for anew while it is looked
  // at: not in a hidden tab, not while paused, not while somebody is inside it with the keyboard.
  const poll = () => {
    for (const region of document.querySelectorAll("[data-poll]")) {
      const now = Date.now();
      region.polledAt ??= now;
      const age = Math.round((now - region.polledAt) / 1000);
      const told = region.querySelector("[data-age]");
      if (told) told.textContent = age < 2 ? "updated just now" : `updated ${age} s ago`;
      const busy = region.contains(document.activeElement) && document.activeElement !== region;
      if (document.hidden || paused || busy || age < Number(region.dataset.poll)) continue;
      region.polledAt = now;
      htmx.trigger(region, "poll");
    }
  };
  let paused = false;
  addEventListener("click", (event) => {
    const button = event.target.closest("[data-pause]");
    if (!button) return;
    paused = !paused;
    for (const each of document.querySelectorAll("[data-pause]")) {
      each.setAttribute("aria-pressed", String(paused));
      each.textContent = paused ? "Resume" : "Pause";
    }
    button.blur();
  });
  setInterval(poll, 1000);

  // A swapped region takes the focus that its old content had.
  addEventListener("htmx:afterSettle", (event) => {
    if (document.activeElement === document.body) event.detail.target.focus({ preventScroll: true });
  });

  addEventListener("htmx:responseError", ({ detail: { xhr } }) => {
    const id = xhr.getResponseHeader("X-Request-Id");
    toast(`The page could not be updated${id ? `. Request ${id}` : ""}`, "error");
  });
  addEventListener("htmx:sendError", () => toast("The server cannot be reached", "error"));
})();
