// SPDX-License-Identifier: Apache-2.0
#include "report/html_style.hpp"

namespace mxferry::report {

const char* const kStyle = R"css(
:root{color-scheme:light dark;--bg:#f5f6f8;--card:#fff;--ink:#1b2430;--soft:#5c6875;--line:#e2e6eb;--accent:#1f6feb;
--good:#137a43;--good-bg:#e3f5ea;--warn:#8a5a00;--warn-bg:#fff3d6;--bad:#b3261e;--bad-bg:#fde7e5;--info:#2a5b9c;
--info-bg:#e6effa;--del:#b3261e;--add:#137a43;--shadow:0 1px 2px rgba(20,30,45,.06),0 4px 16px rgba(20,30,45,.05)}
@media (prefers-color-scheme:dark){:root{--bg:#0f1419;--card:#171e26;--ink:#e4e9ef;--soft:#93a1b0;--line:#29333f;
--accent:#6ea8fe;--good:#5dd58d;--good-bg:#12301f;--warn:#f2c25b;--warn-bg:#332709;--bad:#ff8a80;--bad-bg:#3a1614;
--info:#8db8f2;--info-bg:#14263d;--del:#ff8a80;--add:#5dd58d;--shadow:none}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,
"Noto Sans","DejaVu Sans",sans-serif}
main{max-width:1080px;margin:0 auto;padding:32px 24px 64px}
h1{font-size:28px;line-height:1.2;margin:0 0 4px;letter-spacing:-.01em}
h2{font-size:17px;margin:36px 0 12px;letter-spacing:-.005em}
h2 small{font-weight:400;color:var(--soft);margin-left:8px;font-size:13px}
h3{font-size:14px;margin:0}
p{margin:0 0 8px}
code,.mono{font-family:ui-monospace,"SF Mono","Cascadia Mono","DejaVu Sans Mono",Menlo,Consolas,monospace;font-size:.87em;
overflow-wrap:anywhere}
.soft{color:var(--soft)}
.card{background:var(--card);border:1px solid var(--line);border-radius:12px;box-shadow:var(--shadow);overflow:hidden}
.pad{padding:18px 20px}
header.top{display:flex;gap:24px;justify-content:space-between;align-items:flex-start;flex-wrap:wrap;margin-bottom:20px}
header.top .who{color:var(--soft);font-size:13px;text-transform:uppercase;letter-spacing:.09em;margin-bottom:6px}
.badge{display:inline-block;border-radius:999px;padding:2px 10px;font-size:12.5px;font-weight:600;white-space:nowrap;
background:var(--info-bg);color:var(--info)}
.badge.big{font-size:15px;padding:7px 16px}
.good{background:var(--good-bg);color:var(--good)}.warn{background:var(--warn-bg);color:var(--warn)}
.bad{background:var(--bad-bg);color:var(--bad)}.info{background:var(--info-bg);color:var(--info)}
.quiet{background:transparent;color:var(--soft);border:1px solid var(--line)}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(124px,1fr));gap:12px;margin:20px 0 8px}
.tile{padding:14px}.tile b{display:block;font-size:20px;white-space:nowrap;line-height:1.25;letter-spacing:-.02em;
font-variant-numeric:tabular-nums}.tile span{color:var(--soft);font-size:13px}
dl.facts{display:grid;grid-template-columns:max-content 1fr;gap:4px 18px;margin:0}
dl.facts dt{color:var(--soft)}dl.facts dd{margin:0;overflow-wrap:anywhere}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:14px}
th{color:var(--soft);font-weight:600;font-size:12.5px;text-align:left;white-space:nowrap}
th,td{padding:8px 14px;border-bottom:1px solid var(--line);vertical-align:top}
tbody tr:last-child td{border-bottom:0}
.num{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
td.mono{min-width:28ch}
.scroll td:first-child{min-width:210px}
td .words{color:var(--soft);font-size:13px;margin-top:2px;max-width:46ch;overflow-wrap:anywhere}
.nowrap{white-space:nowrap}
.lane{display:grid;grid-template-columns:92px 1fr 96px;gap:12px;align-items:center;padding:5px 0;font-size:13px}
.lane .name{color:var(--soft)}
.lane .track{position:relative;height:14px;border-radius:7px;background:var(--bg)}
.lane .bar{position:absolute;top:0;bottom:0;min-width:4px;border-radius:7px;background:var(--accent);opacity:.85}
.lane .bar.open{background:repeating-linear-gradient(135deg,var(--accent) 0 6px,transparent 6px 10px)}
.lane .bar.failed{background:var(--bad)}
.lane .mark{position:absolute;top:-5px;bottom:-5px;width:2px;background:var(--bad)}
.lane .took{color:var(--soft);text-align:right;font-variant-numeric:tabular-nums}
.key{display:flex;gap:18px;color:var(--soft);font-size:12.5px;margin-top:8px}
.key i{display:inline-block;width:10px;height:10px;border-radius:3px;margin-right:6px;background:var(--accent)}
.key i.flip{background:var(--bad);width:2px;border-radius:0;height:12px;vertical-align:-2px}
.item{padding:14px 20px;border-bottom:1px solid var(--line)}.item:last-child{border-bottom:0}
.item .head{display:flex;gap:10px;align-items:baseline;flex-wrap:wrap}
.item .head .soft{font-size:13px}
.item .head .when{margin-left:auto;color:var(--soft);font-size:13px;white-space:nowrap}
.item p{margin:4px 0 0;overflow-wrap:anywhere}
.diff{margin:10px 0 0;font-size:13px;line-height:1.6}
.diff div{padding:1px 10px;border-left:3px solid var(--line);overflow-wrap:anywhere}
.diff .set{border-left-color:transparent;color:var(--soft);padding-left:0;margin-top:6px}
.diff .minus{border-left-color:var(--del);color:var(--del)}.diff .plus{border-left-color:var(--add);color:var(--add)}
.diff .same{color:var(--soft)}
.route{display:flex;gap:10px;align-items:center;flex-wrap:wrap}
.route .arrow{color:var(--soft)}
ul.plain{margin:0;padding-left:20px}
details summary{cursor:pointer;color:var(--soft);padding:12px 20px}
details[open] summary{border-bottom:1px solid var(--line)}
footer{margin-top:40px;color:var(--soft);font-size:13px}
@media print{body{background:#fff}.card{box-shadow:none;break-inside:avoid}main{max-width:none;padding:0}}
@media (max-width:760px){.scroll table{min-width:760px}}
@media (max-width:640px){main{padding:20px 14px 48px}.lane{grid-template-columns:70px 1fr 70px}}
)css";

}  // namespace mxferry::report
