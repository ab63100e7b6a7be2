"""The frame and the looks of the HTML pages that commands write: one file, nothing from elsewhere, light and dark."""

from html import escape


def document(*, title: str, intro: str, body: str, footer: str, style: str = "", head: str = "") -> str:
    """A whole page.

    Args:
        title: of the window, as text.
        intro: the paragraph below the name, as text.
        body: everything between header and footer, as HTML.
        footer: as HTML.
        style: CSS of this page in addition to what all pages share.
        head: what else stands in the head of the page, as HTML.
    """
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{_STYLE}{style}</style>{head}
</head>
<body>
<header>
<h1>Shanshui <span lang="zh">山水</span></h1>
<p>{escape(intro)}</p>
</header>
<main>
{body}
</main>
<footer><p>{footer}</p></footer>
</body>
</html>
"""


_STYLE = """
:root {
  color-scheme: light dark;
  --paper: #f7f5f0;
  --card: #ffffff;
  --ink: #24282b;
  --quiet: #636a6e;
  --line: #dfdbd0;
  --seal: #a8321f;
}
@media screen and (prefers-color-scheme: dark) {
  :root { --paper: #16181a; --card: #202326; --ink: #e6e3dc; --quiet: #a09e98; --line: #34383c; --seal: #e2705b; }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 0 clamp(1rem, 4vw, 3rem) 3rem; max-width: 84rem;
  background: var(--paper); color: var(--ink);
  font: 1rem/1.6 system-ui, "Noto Sans", "Noto Sans CJK SC", sans-serif;
}
header { padding: clamp(2rem, 7vw, 5rem) 0 1rem; max-width: 44rem; }
h1 { margin: 0; font: 500 clamp(2.2rem, 6vw, 3.6rem)/1.1 Georgia, "Noto Serif CJK SC", "Songti SC", serif; }
h1 span { color: var(--seal); margin-left: .2em; }
h2 { margin: 0 0 .3rem; font: 500 1.6rem/1.3 Georgia, "Noto Serif CJK SC", serif; }
section { padding: 2rem 0; border-top: 1px solid var(--line); }
section > p { margin: 0 0 1.2rem; max-width: 44rem; color: var(--quiet); }
.cards { display: grid; gap: 1.2rem; grid-template-columns: repeat(auto-fill, minmax(min(17rem, 100%), 1fr)); }
figure { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: .5rem; overflow: hidden; }
figure a { display: block; }
img { display: block; width: 100%; height: auto; }
figcaption { padding: .7rem .9rem .9rem; }
code {
  display: block; margin-top: .4rem; color: var(--quiet); overflow-wrap: anywhere; user-select: all;
  font: .78rem/1.5 ui-monospace, "Cascadia Mono", Menlo, monospace;
}
code span { white-space: nowrap; }
figcaption code::before { content: "$ "; color: var(--seal); user-select: none; }
table { border-collapse: collapse; background: var(--card); }
th, td { padding: .5rem .9rem; border: 1px solid var(--line); text-align: left; font-variant-numeric: tabular-nums; }
footer { border-top: 1px solid var(--line); color: var(--quiet); font-size: .9rem; }
footer code { display: inline; font-size: inherit; }
"""
