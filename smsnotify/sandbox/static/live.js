// Fetches the page again when something changed, and puts its live parts in place of the old.
"use strict";
(() => {
  const seen = document.body.dataset.version;
  let shown = seen;
  let busy = false;
  let wanted = seen;

  const bottom = (thread) => { if (thread) thread.scrollTop = thread.scrollHeight; };
  const isAtBottom = (thread) =>
    !thread || thread.scrollHeight - thread.scrollTop - thread.clientHeight < 40;

  const refresh = async () => {
    if (busy || wanted === shown) return;
    busy = true;
    const asked = wanted;
    try {
      const answer = await fetch(location.pathname + location.search, { cache: "no-store" });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const follow = isAtBottom(document.getElementById("thread"));
      for (const part of document.querySelectorAll("[data-live]")) {
        const fresh = page.getElementById(part.id);
        if (fresh && fresh.innerHTML !== part.innerHTML) part.replaceChildren(...fresh.childNodes);
      }
      if (follow) bottom(document.getElementById("thread"));
      shown = asked;
    } catch {
      // The sandbox is gone or comes back: the stream tells.
    } finally {
      busy = false;
      if (wanted !== asked) refresh();
    }
  };

  bottom(document.getElementById("thread"));
  const stream = new EventSource("/live");
  stream.onmessage = (message) => { wanted = message.data; refresh(); };
  addEventListener("pagehide", () => stream.close());
})();
