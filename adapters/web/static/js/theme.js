// Light or dark, before anything is painted: the person's choice, else the system's.
(() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const KEY = "imagine:theme";

  function apply() {
    const chosen = localStorage.getItem(KEY);
    if (chosen) root.dataset.theme = chosen;
    else delete root.dataset.theme;
    root.toggleAttribute("data-dark", chosen ? chosen === "dark" : system.matches);
  }

  addEventListener("imagine:switch-theme", () => {
    const wanted = root.hasAttribute("data-dark") ? "light" : "dark";
    if ((wanted === "dark") === system.matches) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, wanted);
    apply();
  });
  addEventListener("storage", apply);
  system.addEventListener("change", apply);
  apply();
})();
