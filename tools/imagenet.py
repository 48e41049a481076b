"""Write the table of ImageNet-1k's classes that the package contains, from timm's copy of WordNet.

    pip install --no-deps timm==1.0.20
    python -m tools.imagenet

A class's readable name is WordNet's first word for it, but for ``CLEARER``: there the first word
means something else to most readers, and to a text encoder, or two classes share it.
"""

from __future__ import annotations

import csv
import io
from importlib.util import find_spec
from pathlib import Path

import click

from ddcodec.files import write_whole
from ddcodec.imagenet import TABLE

__all__ = ["CLEARER", "lines", "main"]

_IDS = "imagenet_synsets.txt"
_WORDS = "imagenet_synset_to_lemma.txt"

CLEARER = {
    "n01514668": "rooster",
    "n01601694": "water ouzel bird",
    "n01608432": "kite bird",
    "n01665541": "leatherback sea turtle",
    "n01664065": "loggerhead sea turtle",
    "n01755581": "diamondback rattlesnake",
    "n01756291": "sidewinder rattlesnake",
    "n01776313": "tick arachnid",
    "n01818515": "macaw parrot",
    "n01847000": "drake duck",
    "n01871265": "tusked elephant",
    "n01955084": "chiton mollusc",
    "n02012849": "crane bird",
    "n02018207": "American coot bird",
    "n02028035": "redshank bird",
    "n02086910": "papillon dog",
    "n02088632": "bluetick coonhound",
    "n02090379": "redbone coonhound",
    "n02096177": "cairn terrier",
    "n02096051": "Airedale terrier",
    "n02098413": "Lhasa apso",
    "n02101556": "clumber spaniel",
    "n02105056": "groenendael dog",
    "n02105412": "kelpie dog",
    "n02106662": "German shepherd dog",
    "n02107908": "Appenzeller dog",
    "n02108089": "boxer dog",
    "n02110341": "dalmatian dog",
    "n02111129": "Leonberger dog",
    "n02111277": "Newfoundland dog",
    "n02111500": "Great Pyrenees dog",
    "n02113023": "Pembroke Welsh corgi",
    "n02113186": "Cardigan Welsh corgi",
    "n02113978": "Mexican hairless dog",
    "n02134084": "polar bear",
    "n02190166": "fly insect",
    "n02229544": "cricket insect",
    "n02231487": "stick insect",
    "n02276258": "admiral butterfly",
    "n02277742": "ringlet butterfly",
    "n02279972": "monarch butterfly",
    "n02281787": "lycaenid butterfly",
    "n02328150": "Angora rabbit",
    "n02389026": "sorrel horse",
    "n02412080": "ram sheep",
    "n02486261": "patas monkey",
    "n02488702": "colobus monkey",
    "n02492035": "capuchin monkey",
    "n02493509": "titi monkey",
    "n02497673": "ring-tailed lemur",
    "n02500267": "indri lemur",
    "n02509815": "red panda",
    "n02606052": "rock beauty fish",
    "n02641379": "gar fish",
    "n02655020": "pufferfish",
    "n02704792": "amphibious vehicle",
    "n02747177": "trash can",
    "n02783161": "ballpoint pen",
    "n02797295": "wheelbarrow",
    "n02814533": "station wagon",
    "n02814860": "lighthouse",
    "n02817516": "bearskin hat",
    "n02835271": "tandem bicycle",
    "n02840245": "ring binder",
    "n02869837": "bonnet hat",
    "n02879718": "archery bow",
    "n02892201": "brass memorial plaque",
    "n02910353": "belt buckle",
    "n02930766": "taxi cab",
    "n02963159": "cardigan sweater",
    "n02999410": "metal chain",
    "n03014705": "storage chest",
    "n03017168": "chime bell",
    "n03047690": "clog shoe",
    "n03100240": "convertible car",
    "n03110669": "cornet horn",
    "n03126707": "construction crane",
    "n03131574": "baby crib",
    "n03337140": "file cabinet",
    "n03447447": "gondola boat",
    "n03478589": "half-track vehicle",
    "n03483316": "hair dryer",
    "n03532672": "metal hook",
    "n03584829": "clothes iron",
    "n03594734": "blue jeans",
    "n03595614": "jersey T-shirt",
    "n03673027": "ocean liner",
    "n03680355": "loafer shoe",
    "n03710637": "maillot swimsuit",
    "n03710721": "maillot tank suit",
    "n03782006": "computer monitor",
    "n03786901": "mortar bowl",
    "n03787032": "mortarboard cap",
    "n03793489": "computer mouse",
    "n03803284": "dog muzzle",
    "n03804744": "metal nail",
    "n03825788": "bottle nipple",
    "n03832673": "notebook computer",
    "n03854065": "pipe organ",
    "n03873416": "boat paddle",
    "n03929660": "guitar pick",
    "n03930630": "pickup truck",
    "n03944341": "pinwheel toy",
    "n03947888": "pirate ship",
    "n03950228": "pitcher jug",
    "n03954731": "carpenter's plane",
    "n03976657": "tall pole",
    "n03991062": "flowerpot",
    "n04019541": "hockey puck",
    "n04033901": "quill pen",
    "n04037443": "racing car",
    "n04039381": "tennis racket",
    "n04040759": "radiator heater",
    "n04067472": "fishing reel",
    "n04116512": "pencil eraser",
    "n04118776": "measuring ruler",
    "n04125021": "metal safe",
    "n04141975": "weighing scale",
    "n04152593": "CRT screen",
    "n04153751": "metal screw",
    "n04243546": "slot machine",
    "n04325704": "stole scarf",
    "n04367480": "swab mop",
    "n04371774": "playground swing",
    "n04372370": "electric switch",
    "n04389033": "army tank",
    "n04399382": "teddy bear",
    "n04417672": "thatched roof",
    "n04428191": "threshing machine",
    "n04493381": "wooden tub",
    "n04515003": "upright piano",
    "n04517823": "vacuum cleaner",
    "n04523525": "vaulted ceiling",
    "n04554684": "washing machine",
    "n04592741": "aircraft wing",
    "n04599235": "wool yarn",
    "n04606251": "shipwreck",
    "n07613480": "trifle dessert",
    "n07615774": "popsicle",
    "n07742313": "Granny Smith apple",
    "n07747607": "orange fruit",
    "n07753113": "fig fruit",
    "n07930864": "drinking cup",
    "n09193705": "alpine mountain",
    "n10148035": "bridegroom",
    "n12620546": "rose hip",
    "n12768682": "buckeye nut",
    "n13133613": "ear of corn",
}


def lines(folder: Path) -> bytes:
    """The table as CSV: id, readable name, and WordNet's words as classifiers label the class."""
    ids = (folder / _IDS).read_text().split()
    pairs = (line.split("\t") for line in (folder / _WORDS).read_text().splitlines())
    words = dict((number, text) for number, text in pairs)
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(("id", "name", "words"))
    for number in ids:
        name = CLEARER.get(number, words[number].partition(", ")[0])
        writer.writerow((number, name, words[number]))
    return stream.getvalue().encode()


@click.command()
def main() -> None:
    """Write the table into the package."""
    found = find_spec("timm")
    if found is None or found.origin is None:
        raise click.ClickException("timm is not installed: pip install --no-deps timm==1.0.20")
    write_whole(TABLE, lines(Path(found.origin).with_name("data") / "_info"))


if __name__ == "__main__":
    main()
