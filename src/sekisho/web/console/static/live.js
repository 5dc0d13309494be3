// Asks for the changing part of the page every few seconds; without it the page is as complete, and is reloaded by hand.
"use strict";
const EVERY_MS = 5000;
const part = document.getElementById("live");

async function renew() {
  if (document.hidden) return;
  try {
    const answer = await fetch(part.dataset.from, { credentials: "same-origin", redirect: "error" });
    if (!answer.ok) throw new Error(String(answer.status));
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    part.replaceChildren(...page.body.childNodes);
    part.classList.remove("stale");
  } catch {
    // The numbers on the screen are old: that is shown, not hidden.
    part.classList.add("stale");
  }
}

setInterval(renew, EVERY_MS);
document.addEventListener("visibilitychange", renew);
