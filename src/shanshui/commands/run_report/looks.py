"""Style sheet and script of a run's page, in addition to what all reports share."""

RUN_STYLE = """
.facts { display: grid; gap: 1rem 2rem; margin: .8rem 0 0;
  grid-template-columns: repeat(auto-fit, minmax(min(15rem, 100%), 1fr)); }
.facts dt { color: var(--quiet); font-size: .88rem; font-weight: 400; }
.facts dd { margin: 0; font-size: 1.05rem; overflow-wrap: anywhere; }
.facts progress { display: block; width: 100%; height: .45rem; margin-top: .4rem; accent-color: var(--seal); }
.facts .heard { display: block; color: var(--quiet); font-size: .88rem; }
.facts code { margin: 0; }
.option { white-space: nowrap; }
.key code { display: inline; font-size: .8rem; }
.set > span > code { margin: 0; }
.chart > .key { margin: .6rem 0 0; }

.newest { max-width: 46rem; }
.pairs { max-width: 46rem; }
.newest img, .pairs img, .evidence img { border-radius: .3rem; }
.slider { display: flex; align-items: center; gap: .8rem; max-width: 46rem; margin: .8rem 0; color: var(--quiet);
  font-size: .92rem; }
.slider input { flex: 1; min-width: 0; accent-color: var(--seal); }
.strip { display: flex; gap: .6rem; overflow-x: auto; padding: .2rem .2rem .6rem; }
.strip button { flex: none; width: 7.5rem; padding: .25rem; border: 2px solid var(--line); border-radius: .4rem;
  background: var(--card); color: var(--quiet); font: inherit; font-size: .8rem; cursor: pointer; }
.strip button[aria-current] { border-color: var(--seal); color: var(--ink); }
.strip .none { margin: 0; }

.diary { list-style: none; margin: 0; padding: 0; max-width: 60rem; }
.diary li { display: grid; grid-template-columns: 13rem minmax(0, 1fr); gap: .2rem 1.4rem; padding: .6rem .9rem;
  border-left: .25rem solid var(--line); margin-bottom: .3rem; overflow-wrap: anywhere; }
.diary .when { margin: 0; color: var(--quiet); font-size: .85rem; font-variant-numeric: tabular-nums; }
.diary time { display: block; }
.diary .alarm { border-color: var(--seal); background: color-mix(in srgb, var(--seal) 9%, var(--card)); }
.diary .alarm strong { color: var(--seal); }
.diary .alarm strong::before { content: "\\26A0\\FE0E\\00A0"; }
.diary .answer { border-color: var(--ink); background: var(--card); }
.diary .border { color: var(--quiet); }
.evidence { margin-top: .6rem; max-width: 32rem; }

.settings { columns: 22rem; column-gap: 1.6rem; }
.settings table { width: 100%; margin-bottom: 1.2rem; break-inside: avoid; font-size: .88rem; background: none; }
.settings caption { text-align: left; padding: .2rem 0; color: var(--seal); font-size: .92rem; }
.settings th, .settings td { border-width: 0 0 1px; padding: .25rem .6rem .25rem 0; vertical-align: top; }
.settings th { width: 46%; font-weight: 400; color: var(--quiet); }
.settings td { overflow-wrap: anywhere; }

@media (max-width: 48rem) { .diary li { grid-template-columns: minmax(0, 1fr); } }
@media print { .slider, .strip { display: none; } }
"""

SCRIPT = """
(() => {
  const newest = document.querySelector(".newest img"), slider = document.querySelector(".slider input");
  const sheets = [...document.querySelectorAll(".strip button")], last = sheets.length - 1;
  const large = newest && newest.src;
  const show = index => {
    const small = sheets[index].querySelector("img");
    if (!small || !newest) return;
    newest.src = index === last ? large : small.src;
    newest.alt = small.alt;
    document.querySelector(".newest figcaption").textContent = sheets[index].dataset.caption;
    sheets.forEach((sheet, at) => at === index ? sheet.setAttribute("aria-current", "true")
      : sheet.removeAttribute("aria-current"));
    slider.value = index;
  };
  if (slider) {
    slider.addEventListener("input", () => show(+slider.value));
    sheets.forEach((sheet, index) => sheet.addEventListener("click", () => show(index)));
    sheets[last].parentElement.scrollLeft = 1e6;
  }
  const heard = document.querySelector(".heard"), reload = document.querySelector("meta[name=shanshui-reload]");
  const age = () => {
    const minutes = Math.floor((Date.now() / 1000 - heard.dataset.latest) / 60);
    heard.textContent = minutes < 1 ? "Last heard of within a minute."
      : minutes < 100 ? `Last heard of ${minutes} min ago.` : `Last heard of ${Math.floor(minutes / 60)} h ago.`;
  };
  if (heard) { age(); setInterval(age, 5000); }
  // Whoever looks at an earlier sheet is not torn away from it.
  if (reload) setInterval(() => {
    if (!document.hidden && (!slider || +slider.value === last)) location.reload();
  }, 1000 * reload.content);
})();
"""
"""Inline, so that the page needs nothing from elsewhere; without it everything but the slider works."""
