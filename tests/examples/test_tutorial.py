"""The tutorial notebook runs from its first cell to its last, and says what is true."""

from __future__ import annotations

import json
import re
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

NOTEBOOK = Path(__file__).parents[2] / "examples/tutorial.ipynb"


@pytest.mark.filterwarnings("ignore:1400 greyscale pictures")
def test_the_tutorial_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    assert not any(cell.get("outputs") for cell in cells), "outputs are not kept"
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    with redirect_stdout(StringIO()) as said:
        for cell in cells:
            if cell["cell_type"] == "code":
                exec("".join(cell["source"]), names)
    assert names["made"].file_len == (tmp_path / "digits.ddz").stat().st_size < 8_000
    assert 3_880 <= (tmp_path / "small.ddz").stat().st_size <= 4_000
    right = re.search(r"([\d.]+)% of the test pictures are recognised", said.getvalue())
    assert right is not None and float(right[1]) > 85
    assert "6 pictures in the folder three" in said.getvalue()


def test_links_of_the_tutorial_lead_somewhere() -> None:
    text = NOTEBOOK.read_text(encoding="utf-8")
    links = re.findall(r"\]\((\.\./[^)#]+)", text)
    assert len(links) >= 2 and all((NOTEBOOK.parent / link).is_file() for link in links)
