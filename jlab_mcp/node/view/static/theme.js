// Light or dark before the first paint: as was chosen here, else as the system has it.
"use strict";
(() => {
  const KEY = "jlab-mcp-theme";
  const ORDER = ["system", "light", "dark"];
  const WORDS = { system: "as the system has them", light: "light", dark: "dark" };
  const system = matchMedia("(prefers-color-scheme: dark)");
  const read = () => {
    try {
      return localStorage.getItem(KEY) || "system";
    } catch {
      return "system";
    }
  };
  let chosen = read();
  const apply = () => {
    const dark = chosen === "dark" || (chosen === "system" && system.matches);
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    const button = document.getElementById("theme");
    if (button) {
      button.setAttribute("aria-label", `Colours: ${WORDS[chosen]}`);
      button.title = `Colours: ${WORDS[chosen]}`;
    }
    document.dispatchEvent(new Event("themechange"));
  };
  system.addEventListener("change", apply);
  document.addEventListener("DOMContentLoaded", () => {
    apply();
    document.getElementById("theme").addEventListener("click", () => {
      chosen = ORDER[(ORDER.indexOf(chosen) + 1) % ORDER.length];
      try {
        localStorage.setItem(KEY, chosen);
      } catch {
        // It holds for this visit, then.
      }
      apply();
    });
  });
  apply();
})();
