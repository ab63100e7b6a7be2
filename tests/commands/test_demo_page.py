"""The demonstration's page stands alone and shows names as they are."""

import re
from pathlib import Path

from shanshui.commands.demo_page import Exhibit, Section, render


def page() -> str:
    exhibit = Exhibit(image=Path("a & b") / "<x>.png", width=64, height=48, caption="<ink>", command="shanshui 'a b'")
    return render([Section(title="One", text="text", exhibits=[exhibit]), Section(title="Two", text="", exhibits=[])])


def test_names_cannot_break_the_page() -> None:
    assert "<ink>" not in page() and "&lt;ink&gt;" in page()
    assert 'src="a &amp; b/&lt;x&gt;.png"' in page()


def test_the_page_needs_nothing_from_elsewhere() -> None:
    assert not re.search(r"https?:|//|url\(|@import|<script|<link", page())


def test_every_section_and_command_is_there() -> None:
    assert page().count("<section>") == 2
    assert "<code>shanshui &#x27;a b&#x27;</code>" in page()
    assert "{{" not in page()
