/** The page's style, for light and dark. */
export const style = `
:root {
  color-scheme: light dark;
  --page: #fbfbf9; --card: #ffffff; --ink: #1d232b; --soft: #5d6875; --line: #e3e5e8; --base: #c5cad1;
  --own: #1f6feb; --peer: #8c96a3; --good: #1a7f4b; --bad: #b42318;
  --open: #1f6feb; --run: #0f9488; --close: #c2570c;
  --s0: #1f6feb; --s1: #0f9488; --s2: #b7791f; --s3: #c2570c; --s4: #8c96a3; --s5: #7c3aed; --s6: #be3a7a; --s7: #4d7c0f;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #12161c; --card: #1a2028; --ink: #e6eaef; --soft: #9aa6b4; --line: #2b333d; --base: #414b57;
    --own: #5b9dff; --peer: #7d8896; --good: #4cc38a; --bad: #ff7b6b;
    --open: #5b9dff; --run: #2fc4b2; --close: #f0904a;
    --s0: #5b9dff; --s1: #2fc4b2; --s2: #e0b040; --s3: #f0904a; --s4: #9aa6b4; --s5: #b794f6; --s6: #f083b4; --s7: #9ccc4a;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main { max-width: 1040px; margin: 0 auto; padding: 40px 20px 64px; }
h1 { font-size: 30px; line-height: 1.2; margin: 0 0 6px; letter-spacing: -0.01em; }
h2 { font-size: 20px; margin: 44px 0 4px; }
h3 { font-size: 14px; margin: 18px 0 6px; color: var(--soft); } h2 code { font-size: 0.9em; }
p { margin: 0 0 14px; color: var(--soft); max-width: 74ch; }
code { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: 0.92em; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 18px; margin: 18px 0 0; font-size: 14px; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 16px 18px; overflow-x: auto; }
.card svg { display: block; width: 100%; min-width: 720px; height: auto; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th { text-align: left; font-weight: 600; color: var(--soft); padding: 4px 14px 8px 0; border-bottom: 1px solid var(--line); }
td { padding: 6px 14px 6px 0; border-bottom: 1px solid var(--line); vertical-align: middle; }
tbody tr:last-child td { border-bottom: 0; }
.figure { font-variant-numeric: tabular-nums; white-space: nowrap; }
.verdict { font-weight: 600; white-space: nowrap; padding-right: 0; }
.holds .verdict { color: var(--good); } .fails .verdict { color: var(--bad); }
.gauge { position: relative; display: inline-block; width: 170px; height: 10px; border-radius: 5px; background: var(--line); vertical-align: middle; }
.fill { position: absolute; inset: 0 auto 0 0; border-radius: 5px; background: var(--good); }
.fails .fill { background: var(--bad); }
.mark { position: absolute; left: 66.67%; top: -4px; bottom: -4px; width: 2px; background: var(--ink); }
details { margin-top: 10px; } summary { cursor: pointer; color: var(--soft); font-size: 14px; }
details .figures { overflow-x: auto; } details table { margin-top: 8px; } .missing { color: var(--bad); margin: 10px 0 0; }
.key { display: flex; gap: 18px; font-size: 13px; color: var(--soft); margin: 0 0 8px; }
.key span::before { content: ""; display: inline-block; width: 10px; height: 10px; border-radius: 2px; margin-right: 6px; background: var(--swatch); }
svg text { font: 13px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; fill: var(--ink); }
svg .tick { fill: var(--soft); font-size: 12px; } svg .value { font-variant-numeric: tabular-nums; }
svg .grid { stroke: var(--line); } svg .base { stroke: var(--base); }
svg .phase-open { fill: var(--open); } svg .phase-run { fill: var(--run); } svg .phase-close { fill: var(--close); }
svg .own .area { fill: var(--own); fill-opacity: 0.55; stroke: var(--own); } svg .peer .area { fill: var(--peer); fill-opacity: 0.4; stroke: var(--peer); }
svg .median { stroke: var(--ink); stroke-width: 2; } svg .own .label, svg .own .value { font-weight: 600; }
svg .series { color: var(--colour); } svg .band { fill: currentColor; fill-opacity: 0.13; }
svg .line { fill: none; stroke: currentColor; stroke-width: 2.2; } svg circle { fill: currentColor; } svg .dashed .line { stroke-dasharray: 7 5; }
svg .legend { fill: var(--colour); font-weight: 600; }
${[0, 1, 2, 3, 4, 5, 6, 7].map((index) => `svg .series-${index} { --colour: var(--s${index}); }`).join('\n')}
`
