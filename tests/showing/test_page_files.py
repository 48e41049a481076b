"""The files of the page, and how they become one script."""

from __future__ import annotations

import re

import pytest

from ddcodec.showing.page_files import one_script, page_files


def test_the_page_asks_for_nothing_elsewhere() -> None:
    for name, text in page_files().items():
        assert not re.search(r"(?:https?:)?//\w+\.\w", text), name
        assert "innerHTML" not in text and "eval(" not in text, name


def test_each_module_is_in_the_script_once_and_after_what_it_imports() -> None:
    modules = {
        "a.js": 'import { b } from "./b.js";\nimport { c } from "./c.js";\nb(c);',
        "b.js": 'import { c } from "./c.js";\nexport function b() {\n  return c;\n}',
        "c.js": "export const c = 1;\nexport class D {}",
    }
    script = one_script("a.js", modules)
    assert [script.count(f"const ${name} = (") for name in "abc"] == [1, 1, 1]
    assert script.index("const $c =") < script.index("const $b =") < script.index("const $a =")
    assert "return { c, D };" in script
    assert not re.search(r"^(import|export)", script, re.M)


@pytest.mark.parametrize(
    "text",
    ['import c from "./c.js";', 'import * as c from "./c.js";', "export default 1;"],
)
def test_another_form_of_import_is_noticed(text: str) -> None:
    with pytest.raises(ValueError, match="another form"):
        one_script("a.js", {"a.js": text, "c.js": ""})


def test_modules_in_a_circle_are_noticed() -> None:
    modules = {
        name: f'import {{ x }} from "./{other}";'
        for name, other in (("a.js", "b.js"), ("b.js", "a.js"))
    }
    with pytest.raises(ValueError, match="imports itself"):
        one_script("a.js", modules)
