// Before the page is drawn, so that it does not flash; the switch is in view/theme.mjs.
try {
  const theme = localStorage.getItem("statewise.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Without storage the browser's preference holds.
}
