"""The page that `shanshui demo` writes: pictures, each with the command that made it."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Exhibit:
    """A picture on the page.

    Attributes:
        image: where the picture lies, relative to the page.
        width: of the picture in pixels.
        height: of the picture in pixels.
        caption: what it shows.
        command: the command line that made it; empty when no command of ours did.
    """

    image: Path
    width: int
    height: int
    caption: str
    command: str = ""


@dataclass(frozen=True, kw_only=True)
class Section:
    """Exhibits under one heading; `wide` gives each the whole width of the page."""

    title: str
    text: str
    exhibits: Sequence[Exhibit]
    wide: bool = False


def render(sections: Sequence[Section]) -> str:
    """The whole page as HTML, which refers to the pictures by relative names and to nothing else."""
    return _PAGE.replace("{{style}}", _STYLE).replace("{{sections}}", "\n".join(map(_section, sections)))


def _section(section: Section) -> str:
    figures = "\n".join(map(_figure, section.exhibits))
    kind = "wide" if section.wide else "cards"
    return f"""<section>
<h2>{escape(section.title)}</h2>
<p>{escape(section.text)}</p>
<div class="{kind}">
{figures}
</div>
</section>"""


def _figure(exhibit: Exhibit) -> str:
    source = escape(exhibit.image.as_posix())
    command = f"<code>{_breakable(exhibit.command)}</code>" if exhibit.command else ""
    return f"""<figure>
<a href="{source}"><img src="{source}" width="{exhibit.width}" height="{exhibit.height}" loading="lazy"
 alt="{escape(exhibit.caption)}"></a>
<figcaption>{escape(exhibit.caption)}{command}</figcaption>
</figure>"""


def _breakable(command: str) -> str:
    """The command as HTML whose lines may break anywhere but inside the name of an option."""
    words = (escape(word) for word in command.split(" "))
    return " ".join(f"<span>{word}</span>" if word.startswith("--") else word for word in words)


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Shanshui: a demonstration</title>
<style>{{style}}</style>
</head>
<body>
<header>
<h1>Shanshui <span lang="zh">山水</span></h1>
<p>Scenes that nobody has seen and photographs as painters might have seen them, made on this computer a moment ago.
Below each picture stands the command that made it: click it, copy it, change it.</p>
</header>
<main>
{{sections}}
</main>
<footer><p>Made by <code>shanshui demo</code>. All images on this page are AI-generated or AI-edited.</p></footer>
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
@media (prefers-color-scheme: dark) {
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
footer { border-top: 1px solid var(--line); color: var(--quiet); font-size: .9rem; }
footer code { display: inline; font-size: inherit; }
"""
