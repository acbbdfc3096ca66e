/**
 * The one style sheet of the HTML report. It follows the light or dark setting of the reader, fits a narrow screen and
 * prints. Colours keep a contrast of at least 4.5 to 1 in both.
 */
export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #f4f5f7; --card: #ffffff; --ink: #171b21; --muted: #57606c; --line: #dde1e6; --track: #e9ecf0;
  --good: #0b6b41; --good-soft: #dff3e8; --caution: #7d4e00; --caution-soft: #fdf0d3;
  --bad: #ab1f18; --bad-soft: #fce4e2; --unsafe: #a30016; --quiet-soft: #eceff2; --link: #0a58a8;
  --bar-good: #2b9a66; --bar-bad: #d23b32;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0e1115; --card: #161a20; --ink: #e7eaee; --muted: #9ba6b3; --line: #2a313a; --track: #242a32;
    --good: #6fdba6; --good-soft: #123324; --caution: #f2c063; --caution-soft: #37290d;
    --bad: #ff9d94; --bad-soft: #421a18; --unsafe: #b8001c; --quiet-soft: #232932; --link: #84bdff;
    --bar-good: #37b77b; --bar-bad: #f2665c;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  overflow-wrap: anywhere;
}
main, .alarm p, footer { max-width: 60rem; margin: 0 auto; padding: 0 1.25rem; }
main { padding-top: 2rem; }
h1, h2, h3, p, ol, ul, dl, dd { margin: 0; }
h2 { font-size: 1.1rem; margin: 2.5rem 0 .75rem; }
code, pre { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: .875em; }
code { background: var(--quiet-soft); border-radius: 4px; padding: .1em .35em; }
pre { background: var(--quiet-soft); border-radius: 8px; padding: .75rem 1rem; overflow-x: auto; margin: 0; overflow-wrap: normal; }
a { color: var(--link); }
.muted { color: var(--muted); }
.small { font-size: .875rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 1rem 1.25rem; }
.card + .card { margin-top: .75rem; }

.alarm { position: sticky; top: 0; z-index: 1; background: var(--unsafe); color: #fff; padding: .75rem 0; }
.alarm p { font-weight: 700; font-size: 1.1rem; }
.verdict { display: flex; gap: 1rem; align-items: center; border-radius: 14px; padding: 1.25rem 1.5rem; }
.verdict svg { flex: none; width: 3rem; height: 3rem; }
.verdict h1 { font-size: 1.75rem; line-height: 1.2; letter-spacing: -.01em; }
.verdict p { margin-top: .2rem; color: var(--ink); }
.good.verdict { background: var(--good-soft); color: var(--good); }
.caution.verdict { background: var(--caution-soft); color: var(--caution); }
.bad.verdict { background: var(--bad-soft); color: var(--bad); }
.unsafe.verdict, .unsafe.verdict p { background: var(--unsafe); color: #fff; }

.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(16rem, 1fr)); gap: .75rem; margin-top: .75rem; }
.facts .card { margin: 0; }
.facts h2 { margin: 0 0 .4rem; font-size: .8125rem; font-weight: 600; color: var(--muted); }
.facts .big { font-size: 1.25rem; font-weight: 650; line-height: 1.3; }
.facts .command { display: block; margin-top: .25rem; padding: .3em .6em; }
.facts .command span { white-space: nowrap; }
.facts p + p { margin-top: .4rem; }
.facts ol { padding-left: 1.2rem; }
.facts li + li { margin-top: .4rem; }
.facts li:only-child { list-style: none; margin-left: -1.2rem; }

.steps { list-style: none; padding: 0; }
.steps li { display: grid; grid-template-columns: 1.25rem minmax(7rem, 11rem) 1fr 5.5rem; gap: 0 .75rem; align-items: center; padding: .45rem 0; }
.steps li + li { border-top: 1px solid var(--line); }
.steps .name { font-weight: 600; }
.steps .took { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.steps .told { grid-column: 2 / -1; }
.steps .bar { display: block; width: 100%; height: .625rem; }
.mark { width: 1.25rem; height: 1.25rem; display: block; }
.mark.good, .pill.good { color: var(--good); }
.mark.bad, .pill.bad { color: var(--bad); }
.mark.caution, .pill.caution { color: var(--caution); }
.mark.quiet, .pill.quiet { color: var(--muted); }
.track { fill: var(--track); }
.run-good { fill: var(--bar-good); }
.run-bad { fill: var(--bar-bad); }
.run-quiet { fill: var(--muted); }

.pill { display: inline-block; border-radius: 999px; padding: .05rem .6rem; font-size: .8125rem; font-weight: 600; white-space: nowrap; }
.pill.good { background: var(--good-soft); }
.pill.bad { background: var(--bad-soft); }
.pill.caution { background: var(--caution-soft); }
.pill.quiet { background: var(--quiet-soft); }

details.card { padding: 0; }
summary { cursor: pointer; padding: .75rem 1.25rem; display: flex; flex-wrap: wrap; gap: .4rem .6rem; align-items: center; border-radius: 12px; }
summary::-webkit-details-marker { display: none; }
summary::before { content: ""; width: .45rem; height: .45rem; border: solid var(--muted); border-width: 0 2px 2px 0; transform: rotate(-45deg); flex: none; }
details[open] > summary::before { transform: rotate(45deg); }
summary:focus-visible, a:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
summary .name { font-weight: 600; margin-right: auto; }
details .inside { padding: 0 1.25rem 1rem; }
.finding { padding: .75rem 0; border-top: 1px solid var(--line); }
.finding h3 { font-size: 1rem; display: flex; flex-wrap: wrap; gap: .3rem .6rem; align-items: center; }
.finding h3 .small { font-weight: 400; }
.finding p { margin-top: .3rem; }
.finding .do { border-left: 3px solid var(--link); padding-left: .7rem; }
.passed { padding: .4rem 0; border-top: 1px solid var(--line); }

.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9375rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: .4rem 1rem .4rem 0; overflow-wrap: break-word; }
th { font-weight: 600; color: var(--muted); font-size: .8125rem; }
tr + tr > *, tbody tr > * { border-top: 1px solid var(--line); }
tbody:first-child tr:first-child > * { border-top: 0; }
td:only-child { padding-right: 0; }
.pairs { display: grid; grid-template-columns: minmax(6rem, 11rem) 1fr; gap: .5rem 1rem; }
.pairs dt { color: var(--muted); }
footer { padding-top: 2rem; padding-bottom: 3rem; }

@media (max-width: 36rem) {
  main, .alarm p, footer { padding-left: .875rem; padding-right: .875rem; }
  main { padding-top: .875rem; }
  .verdict { padding: 1rem; align-items: flex-start; }
  .verdict svg { width: 2.25rem; height: 2.25rem; }
  .verdict h1 { font-size: 1.375rem; }
  .card { padding: .875rem 1rem; }
  summary { padding: .75rem 1rem; }
  details .inside { padding: 0 1rem .875rem; }
  .steps li { grid-template-columns: 1.25rem 1fr auto; }
  .steps .bar { grid-column: 2 / -1; grid-row: 2; margin-top: .25rem; }
  .pairs { grid-template-columns: 1fr; gap: 0; }
  .pairs dd { margin-bottom: .6rem; }
}
@media print {
  body { background: #fff; }
  .alarm { position: static; }
  .card { break-inside: avoid; }
}
`;
