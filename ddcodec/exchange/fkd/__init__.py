"""Label trees of FKD and its descendants: crops, flips, mixes and logits of every view.

``saved`` opens files of ``torch.save``, ``batch`` checks one, ``tree`` lists them and says whose
images they hold, ``order`` finds an order that is stored nowhere, ``reading`` turns epochs into
views, ``store`` keeps them on the disk, ``labels`` is the way in, and ``artifact`` writes what was
read with its pictures.
"""

from __future__ import annotations

from ddcodec.exchange.fkd.artifact import write_artifact
from ddcodec.exchange.fkd.labels import TreeLabels, read_labels

__all__ = ["TreeLabels", "read_labels", "write_artifact"]
