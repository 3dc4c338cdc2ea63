// htmx tells when a page's own question failed; a lost session goes to the door by HX-Redirect.
"use strict";
document.addEventListener("htmx:responseError", () => document.body.classList.add("offline"));
document.addEventListener("htmx:sendError", () => document.body.classList.add("offline"));
document.addEventListener("htmx:afterOnLoad", () => document.body.classList.remove("offline"));
document.addEventListener("keydown", (key) => {
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName || "");
  if (key.key === "/" && !typing && !key.ctrlKey && !key.metaKey && !key.altKey) {
    const find = document.getElementById("find");
    if (find) { key.preventDefault(); find.focus(); find.select(); }
  }
});
