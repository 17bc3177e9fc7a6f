"""How the report looks."""

STYLE = """
:root{color-scheme:light dark;font:15px/1.45 system-ui,sans-serif}
body{margin:0}header,section{padding:1rem 1.5rem}
h1{font-size:1.3rem;margin:0}h2{font-size:1rem;margin:0 0 .5rem}
.legend{border-collapse:collapse}.legend td,
.legend th{padding:.1rem .8rem .1rem 0;text-align:right}
.legend td:first-child,.legend th:first-child{text-align:left}
.legend i{display:inline-block;width:.8em;height:.8em;margin-right:.4em;border-radius:2px}
.key,.missing,.meta,.evidence{color:#777;font-size:.8rem;margin:.2rem 0}
.pair{display:grid;grid-template-columns:minmax(0,1fr) minmax(0,1fr);gap:1.2rem;align-items:start}
.pair>.list:only-child{grid-column:1/-1}
.sheet{position:sticky;top:1rem;border:1px solid #ccc;background:#fff}
.sheet img{width:100%;height:100%;display:block}
.box{position:absolute;border:2px solid;box-sizing:border-box;border-radius:2px}
.box.doubtful{border-style:dashed}
.box:hover{outline:3px solid #0008}.list{list-style:none;margin:0;padding:0;max-height:110vh;overflow:auto}
.list li{border-left:4px solid;padding:.3rem .7rem;margin-bottom:.5rem}.list li:target{background:#fd03}
.grid{border-collapse:collapse;font-size:.85rem}.grid td{border:1px solid #8885;padding:.1rem .5rem}
pre{margin:0;white-space:pre-wrap;font:inherit;overflow-wrap:anywhere}.meta b{color:#c30}
@media(max-width:900px){.pair{grid-template-columns:1fr}.sheet{position:relative}}
"""
