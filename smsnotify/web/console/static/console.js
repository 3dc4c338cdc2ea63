// What pages do beyond links and forms: all of it is comfort, nothing is needed.
"use strict";
document.addEventListener("htmx:responseError", (answer) => {
  document.body.classList.add("offline");
  const part = answer.detail.target;
  if (!part || part.id === "live") return;
  const told = document.createElement("p");
  told.className = "told bad";
  told.textContent = "That did not work. Load the page again.";
  part.replaceChildren(told);
});
document.addEventListener("htmx:sendError", () => document.body.classList.add("offline"));
document.addEventListener("htmx:afterOnLoad", () => document.body.classList.remove("offline"));
// A form is sent once, however often its button is pressed.
document.addEventListener("submit", (sending) => {
  const form = sending.target;
  if (form.method !== "post" || form.hasAttribute("hx-post")) return;
  if (form.dataset.sent) sending.preventDefault();
  form.dataset.sent = "yes";
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});
for (const thread of document.querySelectorAll(".thread")) thread.scrollTop = thread.scrollHeight;
document.addEventListener("keydown", (key) => {
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName || "");
  if (key.key === "/" && !typing && !key.ctrlKey && !key.metaKey && !key.altKey) {
    const find = document.getElementById("find");
    if (find) { key.preventDefault(); find.focus(); find.select(); }
  }
});
