"""From a source of pictures to an artifact: method, labels on decoded images, file.

The order is what makes labels honest: the method's content is written as a draft, the draft is
rendered as any reader would render it, and the teacher labels those pixels.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ddcodec.arrays import Array
from ddcodec.artifact import open_artifact
from ddcodec.container import write_container
from ddcodec.container.remote import is_url
from ddcodec.encoding.budget import Fitting, check_budget, ipc_within
from ddcodec.encoding.drafting import Drafting
from ddcodec.encoding.expected import expected_container, expected_sizes, stored_bytes
from ddcodec.encoding.forecast import expected_seconds
from ddcodec.encoding.inputs import Inputs
from ddcodec.encoding.label_sample import sampled_label_bytes
from ddcodec.encoding.options import EncodeOptions
from ddcodec.encoding.plain_sections import hard_label_sections
from ddcodec.encoding.result import EncodeResult
from ddcodec.encoding.signature import AnyPath, with_options
from ddcodec.encoding.time_limit import (
    TRIAL_SLOTS,
    fitting_ipc,
    parse_seconds,
    picture_seconds,
)
from ddcodec.errors import RequestError
from ddcodec.files import check_replaceable, locked, scratch_folder
from ddcodec.methods.base import Content
from ddcodec.methods.remote_folder import RemoteFolder
from ddcodec.methods.work import WorkFolder
from ddcodec.progress import displayed
from ddcodec.recipe.layout import Layout
from ddcodec.recipe.parts import Evaluation, LabelRecipe
from ddcodec.recipe.synthesis import Stored
from ddcodec.sources.opening import AnySource, open_source
from ddcodec.sources.source import Source
from ddcodec.workers import open_pool

__all__ = ["encode"]

# Of a trial, which nobody evaluates: real ones may need a teacher first.
_NO_STATISTICS = Evaluation((0, 0, 0), (1, 1, 1), "ddz")
# A budget is met with no more than so little left.
_FILLED = 0.97


@with_options(EncodeOptions)
def encode(src: AnySource, out: AnyPath, options: EncodeOptions) -> EncodeResult:
    """Distil pictures into one ``.ddz``.

    Args:
        src: the pictures, as :func:`ddcodec.open_source` takes them: a folder with a subfolder per
            class, an archive, a table, an address of the hub, pairs (image, class) and more; of
            several splits that for training.
        out: the artifact to write, atomically.
        options: keyword arguments, the fields of :class:`ddcodec.EncodeOptions`; ``method`` must
            be given.

    Raises:
        RequestError: an option, or two together, make no sense; nothing was done.
        SourceError: the pictures are not usable as they are.
        EncodeError: the request cannot be met; nothing half-written is left.

    >>> made = ddcodec.encode("photos", "p.ddz", method="random", ipc=2, labels="hard")
    >>> made.path.name, ddcodec.open(made.path).digest == made.digest
    ('p.ddz', True)
    """
    with displayed(options.progress) as progress:
        return Encoder(open_source(src), Path(out), replace(options, progress=progress)).run()


class Encoder:
    """One run of :func:`encode` on any source.

    Args:
        source: the pictures.
        target: the artifact to write.
        options: how.
    """

    def __init__(self, source: Source, target: Path, options: EncodeOptions) -> None:
        self.inputs, self.target, self.options = Inputs(source, options), target, options
        self.ipc = options.ipc or TRIAL_SLOTS  # until a time limit or a budget has said how many
        options.check_classes(len(source.classes), self.ipc)

    def run(self) -> EncodeResult:
        """Make the artifact, or say what would be made.

        Raises: as :func:`encode`.
        """
        return replace(
            self._dry_run() if self.options.dry_run else self._made(),
            source=self.inputs.source.place,
            classes=dict(zip(self.inputs.source.classes, self.inputs.source.counts, strict=True)),
            skipped=dict(sorted(self.inputs.report.skipped.items())),
        )

    def _made(self) -> EncodeResult:
        self.check_target()
        used = dict[str, Any]()
        if self.options.ipc is not None:
            self.inputs.method.check(self.inputs.job(self.ipc))
            if self.options.budget is not None:
                check_budget(self.inputs, self.ipc)
        if self.options.labels == "teacher":
            self._check_storable()
        inputs = self.inputs
        with open_pool(inputs.workers) as inputs.pool, self._work_folder() as work:
            self._choose_ipc(work)
            drafting = Drafting(self.inputs, self.ipc)
            if self.options.budget is None:
                content = self.inputs.method.fill(self.inputs.job(self.ipc, work))
                digest = self._write(drafting, content, work)
            else:
                fitting = Fitting(drafting, work)
                digest = self._write(drafting, fitting.content(), work, fitting)
                used |= fitting.used()
                self._check_filled()
            if self.options.work is None or is_url(self.options.work):
                work.remove()
        return EncodeResult(
            path=self.target,
            digest=digest,
            options_used={**self.inputs.used(self.ipc), **used},
            expected={},
            file_len=self.target.stat().st_size,
            warnings=self.inputs.warnings(),
            divergence=drafting.divergence,
            teacher=self.inputs.teacher().held_out if self.options.asks_teacher else None,
        )

    def _check_filled(self) -> None:
        most, size = self.options.budget_bytes, self.target.stat().st_size
        if size < _FILLED * most:
            self.inputs.remarks.append(
                f"only {size:,} of {most:,} bytes can be used: the images per class, their quality "
                "and their labels are as many and as good as they can be here; more views or more "
                "images would use the rest"
            )

    def _choose_ipc(self, work: WorkFolder) -> None:
        """With a time limit or a budget, choose the IPC; a job that goes on keeps what it chose."""
        options = self.options
        if options.ipc is not None:
            return
        limited = options.time_limit is not None
        choose = self._fitting_ipc if limited else self._ipc_within_budget
        self.ipc = int(work.piece("ipc", choose)["ipc"])
        self.inputs.method.check(self.inputs.job(self.ipc, work))
        what = options.time_limit if limited else f"{options.budget_bytes:,} bytes"
        self.inputs.tell(f"{self.ipc} images per class fit into {what}", 1, 1)

    def _ipc_within_budget(self) -> dict[str, Array]:
        return {"ipc": np.array(ipc_within(self.inputs))}

    def _fitting_ipc(self) -> dict[str, Array]:
        limit, classes = (
            parse_seconds(str(self.options.time_limit)),
            len(self.inputs.source.classes),
        )
        drafting = Drafting(self.inputs, TRIAL_SLOTS)
        content = self.inputs.method.trial(self.inputs.job(TRIAL_SLOTS))
        with scratch_folder() as folder:
            path = folder / "trial.ddz"
            head = drafting.head(content, LabelRecipe("hard"), _NO_STATISTICS)
            drafting.draft(content, head, path)
            with open_artifact(path) as draft:
                prior = drafting.prior_of(content)
                each = picture_seconds(draft, prior=prior, device=self.inputs.device)
        ipc = fitting_ipc(limit, each, head.recipe, classes)
        if ipc < 1:
            needed = each * classes * self.options.pictures_each
            raise RequestError(
                f"one generated picture per class takes about {needed:.0f} seconds here, longer "
                f"than time_limit={self.options.time_limit!r} allows; give more time, or fewer "
                "sampling steps or variations"
            )
        if self.inputs.method.stores_pictures:
            ipc = min(ipc, *self.inputs.source.counts)
        return {"ipc": np.array(ipc)}

    def check_target(self) -> None:
        """Refuse, before any work, a target that cannot be written or would be overwritten.

        Raises:
            RequestError: saying what to give in its place.
        """
        check_replaceable(self.target)
        if self.target.exists() and not self.options.force:
            raise RequestError(f"{self.target} exists; choose another name, or pass force=True")
        if not self.target.absolute().parent.is_dir():
            raise RequestError(f"the folder {self.target.parent} does not exist; make it first")

    def _check_storable(self) -> None:
        """Before hours of work: can this teacher be stored? One trained here always can."""
        if not self.options.trains_teacher:
            from ddcodec.labels.teacher.fold import check_storable

            check_storable(self.inputs.teacher(), self.inputs.size)

    @contextmanager
    def _work_folder(self) -> Iterator[WorkFolder]:
        """The work folder, held together with the target: no two encodes write one file."""
        own, key = self.target.with_name(self.target.name + ".work"), self.inputs.key()
        given = self.options.work
        remote = RemoteFolder(str(given)) if is_url(given) else None
        chosen = own if given is None or remote is not None else Path(given)
        with ExitStack() as stack:
            if chosen.absolute() == own.absolute():
                yield stack.enter_context(WorkFolder.held(own, key, remote=remote))
                return
            stack.enter_context(locked(own, remove=True))
            # A folder of the user's own choice may serve several encodes, one after another.
            wait = partial(self.inputs.tell, f"waiting for another encode in {chosen}", 0, 1)
            yield stack.enter_context(WorkFolder.held(chosen, key, wait=wait))

    def _dry_run(self) -> EncodeResult:
        inputs, to_fetch = self.inputs, self.inputs.to_fetch()
        if to_fetch and self.options.ipc is None:  # nor can its speed and sizes be known
            used = {k: v for k, v in inputs.used(self.ipc).items() if k != "ipc"}
            return EncodeResult(None, "", used, {}, 0, inputs.warnings(), to_fetch=to_fetch)
        if not to_fetch:
            self._choose_ipc(WorkFolder())
        expected = expected_sizes(inputs, self.ipc, here=not to_fetch)
        seconds = dict[str, float]()
        if not to_fetch:
            content = Content(Stored(), Layout("single", 1), [])
            if inputs.method.generates:
                content = inputs.method.trial(inputs.job(self.ipc))
            drafting, options = Drafting(inputs, self.ipc), self.options
            head = drafting.head(content, drafting.label_recipe(), _NO_STATISTICS)
            asked = options.labels == "soft" and options.given_labels is None
            if asked and options.label_bytes is None and options.budget is None:
                expected["labels"] = sampled_label_bytes(inputs, head) or expected["labels"]
            expected |= stored_bytes(head, content)
            info = drafting.info(content, "convnet3", bytes(range(32)))
            expected["container"] = expected_container(inputs, head, info, content, expected)
            if options.budget is not None:
                filled = "labels" if options.labels == "soft" else "patches"
                rest = sum(expected.values()) - expected[filled]
                expected[filled] = max(0, options.budget_bytes - rest)
            seconds = expected_seconds(inputs, head, content)
        return EncodeResult(
            None,
            "",
            inputs.used(self.ipc),
            expected,
            0,
            inputs.warnings(),
            to_fetch=to_fetch,
            expected_seconds=seconds,
            training_seconds=None if to_fetch else inputs.training_seconds(),
        )

    def _write(
        self,
        drafting: Drafting,
        content: Content,
        work: WorkFolder,
        fitting: Fitting | None = None,
    ) -> str:
        """Draft with hard labels, render it, label it, write the artifact."""
        options = self.options
        head = drafting.head(content, LabelRecipe("hard"))
        base = drafting.draft(content, head, work.draft)
        with open_artifact(work.draft) as draft:
            labelling = drafting.labelling(draft, content, work)
            sections = [*base, *labelling.pixel_sections()]
            if options.labels == "hard":
                sections += hard_label_sections(head)
            else:
                head = drafting.head(content, drafting.label_recipe())
                if options.labels == "soft" and fitting is not None:
                    sections += fitting.labels(labelling, head, content, sections)
                else:
                    sections += drafting.soft_labels(labelling, head)
        digest = write_container(
            self.target,
            head=head.to_map(),
            sections=sections,
            info=drafting.info(content, *drafting.teacher_pin()),
            overwrite=options.force,
        )
        work.draft.unlink()
        return digest.hex()
