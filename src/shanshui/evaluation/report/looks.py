"""The style sheet of a report, in addition to that of every page."""

REPORT_STYLE = """
body { max-width: 96rem; }
header { padding: 2.2rem 0 1rem; max-width: 60rem; }
h1 { font-size: 1.35rem; }
header p { margin: .5rem 0 0; font: 500 clamp(1.5rem, 3.4vw, 2.3rem)/1.25 Georgia, "Noto Serif CJK SC", serif;
  overflow-wrap: anywhere; }
h3 { margin: 1.4rem 0 .6rem; font-size: 1.05rem; font-weight: 600; overflow-wrap: anywhere; }
nav { display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; padding-bottom: 1.4rem; font-size: .92rem; }
a { color: var(--seal); text-underline-offset: .2em; }
section > p { max-width: 60rem; }
ul { margin: .4rem 0 0; padding-left: 1.2rem; }
figure.plain { background: none; border: 0; border-radius: 0; overflow: visible; }
figure.plain figcaption { padding: 0 0 .4rem; font-size: .92rem; overflow-wrap: anywhere; }
figcaption code::before { content: none; }
code { margin-top: .15rem; }
.set { display: inline-flex; align-items: baseline; gap: .45rem; }
.set > span { overflow-wrap: anywhere; }
.swatch { flex: none; position: relative; top: .08em; }
.better { color: var(--quiet); font-size: .82rem; white-space: nowrap; }
.none { color: var(--quiet); font-size: .85rem; font-weight: 400; }
.key { display: flex; flex-wrap: wrap; gap: .2rem 1.4rem; margin: 0 0 .8rem; font-size: .88rem; }
.key .swatch { top: .05em; }
.ring { flex: none; width: .8rem; height: .8rem; position: relative; top: .1em; border: 1.5px solid;
  border-radius: 50%; }

.verdicts { display: grid; gap: 1rem; margin-top: .8rem;
  grid-template-columns: repeat(auto-fit, minmax(min(25rem, 100%), 1fr)); }
.verdict { padding: 1.1rem 1.3rem 1.2rem; background: var(--card); border: 1px solid var(--line);
  border-radius: .5rem; }
.verdict h3 { margin: .5rem 0 .4rem; font: 500 1.3rem/1.35 Georgia, "Noto Serif CJK SC", serif; }
.verdict > .set { color: var(--quiet); font-size: .92rem; }
.warnings { margin: 1rem 0 0; padding: .7rem 1rem .8rem; border-left: .25rem solid var(--seal);
  background: color-mix(in srgb, var(--seal) 9%, var(--card)); border-radius: 0 .4rem .4rem 0; font-size: .94rem; }
.warnings strong { color: var(--seal); }
.warnings strong::before { content: "\\26A0\\FE0E\\00A0"; }
.warnings ul { margin: .1rem 0 0; }
section > .warnings { margin: .8rem 0 1.2rem; }

.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: .5rem;
  /* A shadow on the right while there is more to scroll to. */
  background: linear-gradient(to left, var(--card) 2rem, transparent) right / 4rem 100% no-repeat local,
    linear-gradient(to left, rgb(0 0 0 / .22), transparent) right / 1rem 100% no-repeat scroll, var(--card); }
.figures { width: 100%; border: 0; background: none; }
.figures th, .figures td { border-width: 0 0 1px; vertical-align: middle; padding: .6rem .8rem; }
.figures tbody tr:last-child > * { border-bottom: 0; }
.figures thead th { font-weight: 500; font-size: .9rem; vertical-align: bottom; min-width: 7.5rem; max-width: 13rem; }
.figures tbody th { font-weight: 400; min-width: 15rem; max-width: 19rem; }
.figures th:first-child { position: sticky; left: 0; background: var(--card); z-index: 1; }
.figures summary { font-weight: 600; cursor: pointer; }
.figures details p { margin: .2rem 0 .4rem; font-size: .9rem; color: var(--quiet); }
.figures td > span, .figures td > b { display: block; }
.figures b { color: inherit; font-weight: 700; }
.figures small { color: var(--quiet); font-size: .8rem; white-space: nowrap; }
.plot svg { display: block; }
.figures td > .set { display: none; }

.charts { display: grid; gap: 1rem; margin-bottom: 1rem;
  grid-template-columns: repeat(auto-fill, minmax(min(20rem, 100%), 1fr)); }
.charts.wide { grid-template-columns: repeat(auto-fill, minmax(min(25rem, 100%), 1fr)); }
.chart { padding: .9rem 1rem .8rem; }
.chart figcaption { padding: 0 0 .6rem; }
.chart > svg { display: block; width: 100%; height: auto; }
.chart > p { margin: .5rem 0 0; font-size: .88rem; }

.beside { display: grid; gap: 1.6rem; grid-template-columns: minmax(0, 1fr); align-items: start; }
.judged { display: grid; gap: 1.6rem; grid-template-columns: minmax(0, 1fr); }
.sheet { display: grid; gap: 3px; grid-template-columns: repeat(var(--columns), minmax(0, 1fr)); }
.pair { display: grid; gap: 1rem 1.6rem; grid-template-columns: minmax(0, 1fr); align-items: start; }
.matches { display: grid; gap: .8rem; grid-template-columns: repeat(auto-fill, minmax(min(26rem, 100%), 1fr)); }
.match { display: grid; gap: 3px; grid-template-columns: minmax(0, 1fr) .3rem repeat(var(--others), minmax(0, 1fr));
  padding: .6rem; background: var(--card); border: 1px solid var(--line); border-radius: .5rem; }
.match figure.plain { margin: 0; }
.match figure:nth-child(2) { grid-column-start: 3; }
.match figure.plain figcaption { padding: .25rem 0 0; font-size: .76rem; color: var(--quiet); text-align: center; }
#copies .match { border-left: .25rem solid var(--seal); }
.notes { display: grid; gap: 1rem 2.4rem; margin: 1rem 0 0;
  grid-template-columns: repeat(auto-fill, minmax(min(24rem, 100%), 1fr)); }
.notes + .notes { margin-top: 1.6rem; }
dt { font-weight: 600; }
dd { margin: .1rem 0 0; font-size: .94rem; }

@media (min-width: 48.01rem) {
  .beside, .pair { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .reals { position: sticky; top: 1rem; }
}
@media (min-width: 64rem) {
  .beside.several { grid-template-columns: repeat(3, minmax(0, 1fr)); }
  .several .judged { grid-column: 2 / -1; grid-template-columns: repeat(2, minmax(0, 1fr)); }
}
@media (max-width: 48rem) {
  .scroll { overflow: visible; border: 0; background: none; }
  .figures, .figures tbody { display: block; background: none; }
  .figures thead { display: none; }
  .figures tr { display: block; margin-bottom: 1rem; padding: .8rem 1rem; background: var(--card);
    border: 1px solid var(--line); border-radius: .5rem; }
  .figures tbody th, .figures td { display: block; padding: .25rem 0; border: 0; max-width: none; }
  .figures th:first-child { position: static; }
  .figures td { display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: 0 .8rem; align-items: baseline; }
  .figures td.plot { display: block; }
  .figures td > .set { display: inline-flex; grid-row: span 2; align-self: start; color: var(--quiet);
    font-size: .88rem; }
  .figures td > .set ~ * { grid-column: 2; text-align: right; }
  .plot svg { width: 100%; max-width: 26rem; height: auto; }
}
@media (min-width: 30rem) and (max-width: 48rem) {
  .figures td { grid-template-columns: minmax(0, 1fr) 5rem 9rem; }
  .figures td > .set { grid-row: auto; }
  .figures td > .set ~ * { grid-column: auto; }
}
@media print {
  body { max-width: none; padding: 0; font-size: .8rem; }
  nav { display: none; }
  section { padding: 1.2rem 0; }
  .verdicts, .charts, .charts.wide, .beside, .beside.several, .pair {
    grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .several .judged { grid-column: 2; grid-template-columns: minmax(0, 1fr); }
  .reals { position: static; }
  /* Name and plot on the left, the values of all sets on the right: any number of sets fits the paper. */
  .scroll { overflow: visible; border: 0; }
  .figures tr { display: grid; grid-template-columns: 15rem minmax(0, 1fr); grid-auto-flow: dense; gap: 0 1rem; }
  .figures tbody th { grid-area: 1 / 1 / span 3; }
  .figures td { grid-column: 2; grid-template-columns: minmax(0, 1fr) auto 7rem; padding: 0; }
  .figures td.plot { grid-area: 4 / 1 / span 3; }
  /* An element in a line of text is never torn apart between two sheets of paper. */
  .matches { display: block; }
  .match { display: inline-grid; width: 48%; margin: 0 1% .5rem 0; }
  .verdict, .chart, .figures tr, .notes > div, .sheet img, section > p { break-inside: avoid; }
  h2, h3, section > p, figcaption { break-after: avoid; }
}
"""
