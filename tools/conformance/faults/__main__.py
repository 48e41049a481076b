"""Put every command that writes through the faults of machines.

    python -m tools.conformance.faults [--count 20] [--seed 0] [--kinds KIND,...] [--commands N,...]

So many trials of each kind with each command: killed at random moments and run again; on full
disks (small ones of memory where the system lets this user mount them) or with a limit on the size
of files; twice at once, one of the two killed or not; with what is kept for the next run damaged;
on a machine without what is only convenient. Afterwards the result must be the same as undisturbed,
or there must be none and an error of one line; the same command must then make it, and leave
nothing else behind.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from ddcodec.cli.process import catch_stops
from tools.conformance.faults.commands import COMMANDS, Place, prepare, quicken
from tools.conformance.faults.trials import KINDS, Fault, reference


def main() -> int:
    parser = argparse.ArgumentParser(description="Faults of machines, over every command.")
    parser.add_argument("--count", type=int, default=20, help="trials of each kind and command")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", default=",".join(KINDS), help="of faults")
    parser.add_argument("--commands", default="", help="their names; all by default")
    parser.add_argument("--json", type=Path, help="write the counts there, too")
    options = parser.parse_args()
    wanted = options.commands.split(",")
    chosen = [one for one in COMMANDS if options.commands == "" or one.name in wanted]
    kinds = options.kinds.split(",")
    catch_stops()  # so that disks are unmounted and folders removed
    began, faults = time.monotonic(), list[str]()
    held: dict[str, Counter[str]] = {one.name: Counter() for one in chosen}
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        place = Place(Path(folder) / "given", Path(folder) / "trial")
        place.given.mkdir()
        place.folder.mkdir()
        os.environ["DDCODEC_CACHE"] = str(place.given / "cache")
        quicken()
        prepare(place.given, chosen)
        for one in chosen:
            known = reference(one, place)
            for kind in kinds:
                for number in range(options.count):
                    rng = random.Random(f"{options.seed} {kind} {one.name} {number}")
                    try:
                        KINDS[kind](one, place, known, rng)
                        held[one.name][kind] += 1
                    except Fault as fault:
                        faults.append(f"{one.name}, {kind}, {number}: {fault}")
                        print(faults[-1], file=sys.stderr, flush=True)
            print(f"{one.name:<32}", *(f"{held[one.name][k]:>4} {k}" for k in kinds), flush=True)
    trials = len(chosen) * len(kinds) * options.count
    seconds = time.monotonic() - began
    print(f"{trials - len(faults)} of {trials} trials held, in {seconds:.0f} s")
    if options.json is not None:
        found = {"count": options.count, "seed": options.seed, "held": held, "faults": faults}
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
