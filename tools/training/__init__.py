"""The training of the tiny prior that the package contains, and what it is good for.

    python -m tools.training.train ...        train it and put it into the package
    python -m tools.training.measure ...      pictures and reconstructions, judged
    python -m tools.training.inversion ...    textual inversion of unseen classes

``config.json`` has all settings, ``card.md`` is the template of the model card.
"""
