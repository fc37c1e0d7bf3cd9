/// Style and script of the report page. No fonts, images or scripts from elsewhere: the page is one file.
#pragma once

#include <string_view>

namespace assay {

constexpr std::string_view kPageStyle = R"css(
:root{color-scheme:light dark;--bg:#fff;--fg:#1b1f24;--dim:#59636e;--line:#d1d9e0;--card:#f6f8fa;--link:#0a58ca;
--pass:#1a7f37;--fail:#cf222e;--crash:#a40e26;--timeout:#9a3412;--error:#8250df;--skip:#59636e;--inconclusive:#7d5a00}
@media(prefers-color-scheme:dark){:root{--bg:#0d1117;--fg:#e6edf3;--dim:#9198a1;--line:#3d444d;--card:#151b23;
--link:#79b8ff;
--pass:#3fb950;--fail:#ff7b72;--crash:#ff9492;--timeout:#f0883e;--error:#d2a8ff;--skip:#9198a1;
--inconclusive:#e3b341}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:76rem;padding:1rem;background:var(--bg);color:var(--fg);
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
h1{font-size:1.5rem;margin:.2rem 0}h2{font-size:1.15rem;margin:2rem 0 .6rem}a{color:var(--link)}
.lead{font-size:1.15rem;font-weight:600;margin:.2rem 0 1rem}.good{color:var(--pass)}.bad{color:var(--fail)}
.tiles{display:flex;flex-wrap:wrap;gap:.5rem;padding:0;margin:0 0 1rem;list-style:none}
.tiles li{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:.4rem .8rem;
min-width:5.5rem}
.tiles b{display:block;font-size:1.3rem;font-variant-numeric:tabular-nums}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem;margin:0}dt{color:var(--dim)}
dd{margin:0;overflow-wrap:anywhere;min-width:0}
code,pre{font:.875rem/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
pre{background:var(--bg);border:1px solid var(--line);border-radius:.4rem;padding:.5rem .7rem;margin:.5rem 0 0;
white-space:pre-wrap;overflow-wrap:anywhere}
.one{background:var(--card);border:1px solid var(--line);border-left:.3rem solid var(--fail);border-radius:.4rem;
padding:.6rem .9rem;margin:.6rem 0}
.one h3{font-size:1rem;margin:0;overflow-wrap:anywhere}.one p{margin:.3rem 0;overflow-wrap:anywhere}
.dim{color:var(--dim)}
.v{font-weight:600;white-space:nowrap}
.v.pass{color:var(--pass)}.v.fail{color:var(--fail)}.v.crash{color:var(--crash)}.v.timeout{color:var(--timeout)}
.v.error{color:var(--error)}.v.skip,.v.untested{color:var(--skip)}.v.inconclusive{color:var(--inconclusive)}
.filter{display:flex;flex-wrap:wrap;gap:.6rem;margin:.4rem 0 .8rem}
input,select{font:inherit;color:inherit;background:var(--card);border:1px solid var(--line);border-radius:.4rem;
padding:.35rem .6rem}
input{flex:1 1 14rem;min-width:0}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.3rem .6rem .3rem 0;
border-bottom:1px solid var(--line);overflow-wrap:anywhere}th{color:var(--dim);font-weight:600;white-space:nowrap}
#cases td:nth-child(2){width:42%}#cases td:nth-child(3){width:18%}
.num{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
@media(max-width:700px){
thead{display:none}table,tbody,tr,td{display:block}tr{border-bottom:1px solid var(--line);
padding:.4rem 0}
#cases td:nth-child(n){width:auto}
td{border:0;padding:.05rem 0;text-align:left}td.num{text-align:left;color:var(--dim)}dl{grid-template-columns:1fr}
dd{margin-bottom:.4rem}}
tr[hidden]{display:none}
)css";

constexpr std::string_view kPageScript = R"js(
const text = document.getElementById('text'), verdict = document.getElementById('verdict');
const rows = [...document.querySelectorAll('#cases tbody tr')], shown = document.getElementById('shown');
function filter() {
  const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const row of rows) {
    const all = row.textContent.toLowerCase();
    const match = words.every(word => all.includes(word))
      && (!verdict.value || row.dataset.verdict === verdict.value);
    row.hidden = !match;
    count += match;
  }
  shown.textContent = count + ' of ' + rows.length;
}
text.addEventListener('input', filter);
verdict.addEventListener('change', filter);
filter();
)js";

}  // namespace assay
