// Fetches the page now and then while somebody looks at it, and puts the new status in place.
"use strict";
(() => {
  const EVERY_MS = 20000;
  let etag = "";
  const look = async () => {
    if (document.hidden) return;
    try {
      const headers = etag ? { "If-None-Match": etag } : {};
      const answer = await fetch(location.pathname, { cache: "no-store", headers });
      if (answer.status === 304 || !answer.ok) return;
      etag = answer.headers.get("ETag") || "";
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("status");
      const shown = document.getElementById("status");
      if (!fresh || fresh.innerHTML === shown.innerHTML) return;
      if (page.querySelector("form") && !document.querySelector("form")) { location.reload(); return; }
      shown.replaceChildren(...fresh.childNodes);
      document.title = page.title;
    } catch {
      // No network just now: the next look tells.
    }
  };
  setInterval(look, EVERY_MS);
  document.addEventListener("visibilitychange", look);
})();
