// Light or dark: as the system says, unless someone says otherwise here.

const THEME_KEY = "perfdb-theme";

/** Let a button switch between light and dark; what was chosen is kept where the browser allows that. */
export function startTheme(button) {
  const root = document.documentElement;
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const shown = () => root.dataset.theme ?? (system.matches ? "dark" : "light");
  const describe = () => {
    button.textContent = shown() === "dark" ? "Light" : "Dark";
    button.setAttribute("aria-label", `${button.textContent} colours`);
  };
  const kept = keptTheme();
  if (kept === "light" || kept === "dark") root.dataset.theme = kept;
  button.addEventListener("click", () => {
    root.dataset.theme = shown() === "dark" ? "light" : "dark";
    keepTheme(root.dataset.theme);
    describe();
  });
  system.addEventListener("change", describe);
  describe();
  button.hidden = false;
}

function keptTheme() {
  try {
    return localStorage.getItem(THEME_KEY);
  } catch {
    return null; // a page may be denied any storage
  }
}

function keepTheme(theme) {
  try {
    localStorage.setItem(THEME_KEY, theme);
  } catch {
    // then it lasts as long as the page
  }
}
