"""Speed of opening, verifying, rendering and feeding a training loop.

    python -m tools.bench.decode ARTIFACT.ddz

Medians over repetitions, on this machine, with the thread count given: quote ratios from one
run. Prints one JSON object.
"""

from __future__ import annotations

import json
from pathlib import Path

import click

from tools.bench.timing import median_seconds


@click.command()
@click.argument("path", metavar="ARTIFACT.ddz", type=click.Path(path_type=Path, exists=True))
@click.option("--threads", default=1, show_default=True, help="Threads torch may use.")
@click.option("--repeat", default=5, show_default=True, help="Counted repetitions.")
def main(path: Path, threads: int, repeat: int) -> None:
    """Time the decoding of ARTIFACT.ddz, step by step."""
    import torch

    import ddcodec

    torch.set_num_threads(threads)
    artifact = ddcodec.open(path)
    rows = [(c, s) for c in artifact.head.row_classes for s in range(artifact.recipe.ipc)]

    def pictures() -> None:
        # A fresh artifact: sections already decoded would make stored pictures look free.
        ddcodec.open(path).renderer().pictures(rows)

    data = artifact.dataset()
    data.batch(range(len(data)))  # pictures are cached from here on

    def epoch() -> None:
        data.batch(range(len(data)))  # of the next view

    result = {
        "artifact": path.name,
        "threads": threads,
        "open_ms": 1e3 * median_seconds(lambda: ddcodec.open(path), repeat),
        "verify_digest_ms": 1e3 * median_seconds(lambda: ddcodec.open(path).verify(), repeat),
        "pictures_per_second": len(rows) / median_seconds(pictures, repeat),
        "views_with_labels_per_second": len(rows) / median_seconds(epoch, repeat),
    }
    click.echo(
        json.dumps(
            {k: v if not isinstance(v, float) else round(v, 2) for k, v in result.items()}, indent=1
        )
    )


if __name__ == "__main__":
    main()
