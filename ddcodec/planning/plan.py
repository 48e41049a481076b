"""A plan: for each budget of bytes, the settings that are expected to teach students most."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ddcodec.encoding.amounts import parse_bytes
from ddcodec.encoding.option_fields import LabelKind
from ddcodec.errors import RequestError
from ddcodec.evaluation.protocols import get_protocol
from ddcodec.files import write_text
from ddcodec.methods import get_method
from ddcodec.planning.model import Model
from ddcodec.planning.page import page
from ddcodec.planning.pilots import held_out_of
from ddcodec.planning.planned import Plan
from ddcodec.planning.planner import Planner
from ddcodec.planning.settings import Filling, parse_filling
from ddcodec.progress import ProgressOption, displayed
from ddcodec.reporting.check import check_writable
from ddcodec.sources.opening import AnySource, open_source

if TYPE_CHECKING:
    from ddcodec.classifiers.teacher import Teacher

__all__ = ["METHODS", "plan"]

AnyPath = str | os.PathLike[str]

METHODS = ("coreset", "random", "t2i:guidance=1,sampling_steps=4")
# So many pictures must be held out to tell what drawn ones are worth, which differs most.
_ENOUGH = 200
SHOWN = 20_000
PILOTS = 9


def plan(
    src: AnySource,
    budgets: int | str | Sequence[int | str],
    out: AnyPath = "plan.html",
    *,
    methods: Sequence[str] | None = None,
    size: int | tuple[int, int] | None = None,
    view: str = "auto",
    teacher: AnyPath | Teacher = "auto",
    student: str | None = None,
    protocol: str = "ddz",
    epochs: int | None = None,
    pilots: int = PILOTS,
    shown: int = SHOWN,
    labels: Literal["soft", "hard"] = "soft",
    seed: int = 0,
    device: str = "auto",
    work: AnyPath | None = None,
    progress: ProgressOption = None,
) -> Plan:
    """Say what budgets of bytes are expected to buy, from short pilots on the pictures themselves.

    A tenth of the pictures, at most 1,000, is held out: pilots are encoded of the rest, one
    student of each is trained briefly and tested on what was held out, and a model that knows
    what settings were worth elsewhere is fitted to that. Nothing is ever tested on test pictures.

    Args:
        src: the pictures, as :func:`ddcodec.open_source` takes them; of several splits that for
            training.
        budgets: bytes of whole files, such as ``300_000`` or ``"300KB"``; one or several.
        out: the page to write, which is replaced; the figures are beside it, as JSON.
        methods: what may fill them, as ``NAME`` or ``NAME:KEY=VALUE,...``; by default those of
            ``METHODS``, without pictures that are drawn where labels are hard or fewer than 200
            can be held out.
        size, view, teacher: as of :func:`ddcodec.encode`.
        student: architecture; by default the customary one for the size of the pictures.
        protocol, epochs: how the students are to be trained whose accuracy is forecast.
        pilots: how many.
        shown: pictures shown to the student of a pilot.
        labels: soft ones of the teacher, or hard ones.
        seed: of what is held out, of pilots and their students.
        device: torch device.
        work: folder that keeps finished pilots, for other plans too; by default the name of
            ``out`` with .work after it, removed at the end.
        progress: called with what is being done, how many are done, and of how many; or whether
            to show bars.

    Raises:
        RequestError: a budget that cannot be met, or a request that makes no sense.
        EncodeError: a file that cannot be written.
        SourceError: the pictures are not usable as they are.

    >>> made = ddcodec.plan("photos", "2KB", methods=["random"], labels="hard", pilots=1, shown=9)
    >>> 0 < made.planned[0][0].forecast.accuracy < 1
    True
    """
    chosen = get_protocol(protocol).with_epochs(epochs)
    target = Path(out)
    check_writable((target, target.with_suffix(".json")))
    if pilots < 1 or shown < 1:
        raise RequestError("a plan needs at least 1 pilot, whose student is shown pictures")
    with displayed(progress) as tell:
        options = {"size": size, "view": view, "seed": seed, "device": device, "progress": tell}
        asked_for = None if methods is None else [parse_filling(text) for text in methods]
        source = open_source(src)
        wanted = _default_methods(source.counts, labels) if asked_for is None else asked_for
        fillings = [replace(filling, labels=labels) for filling in wanted]
        planner = Planner(source, fillings, {**options, "labels": labels}, teacher)
        named = [budgets] if isinstance(budgets, int | str) else budgets
        sizes = sorted({_bytes(one) for one in named})
        # All that can be refused is refused now, before the first pilot.
        settings = {budget: planner.settings(budget) for budget in sizes}
        planner.load_teacher()
        kept = target.with_name(target.name + ".work") if work is None else Path(work)
        with planner.work(kept, chosen, shown, student) as held:
            runner = planner.pilots(chosen, student, shown, held)
            observed = []
            for number, (setting, times) in enumerate(planner.pilot_settings(sizes[-1], pilots)):
                observed.append(runner.run(setting, times))
                planner.tell("pilots", number + 1, pilots)
            held_out = len(runner.test().labels)
            model = Model(observed, planner.ceiling(runner), held_out)
            made = Plan(
                planned=tuple(planner.best(model, chosen, settings[budget]) for budget in sizes),
                pilots=tuple(observed),
                weights=model.weights(),
                student=runner.student,
                protocol=chosen.name,
                held_out=held_out,
                remarks=tuple(planner.remarks(held_out)),
            )
            # The page last: it names the other, and where it is, all is done.
            write_text(target.with_suffix(".json"), made.to_json())
            write_text(target, page(made, source.origin, target.with_suffix(".json").name))
            if work is None:
                held.remove()
        return made


def _default_methods(counts: Sequence[int], labels: LabelKind) -> list[Filling]:
    """What may fill a budget where nothing is named, of so many pictures of each class."""
    # What is drawn teaches by its soft labels, if at all.
    enough = labels == "soft" and sum(held_out_of(counts)) >= _ENOUGH
    fillings = [parse_filling(text) for text in METHODS]
    return [f for f in fillings if enough or not get_method(f.method).generates]


def _bytes(budget: int | str) -> int:
    return parse_bytes(budget) if isinstance(budget, str) else budget
