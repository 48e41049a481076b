"""The part that measurements of students share: their command line and the protocol."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from ddcodec.evaluation.protocols import Protocol, get_protocol


def student_parser(description: str | None, seeds: int) -> argparse.ArgumentParser:
    """The arguments of every such measurement.

    Args:
        description: the module's.
        seeds: how many students of each kind to train by default.
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("artifact", type=Path)
    parser.add_argument("--test", type=Path, required=True, help="folder of test pictures")
    parser.add_argument("--student", default="convnet3")
    parser.add_argument("--protocol", default="ddz")
    parser.add_argument("--seeds", type=int, default=seeds)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--threads", type=int)
    return parser


def chosen_protocol(arguments: argparse.Namespace) -> Protocol:
    """The protocol that was asked for; sets the number of threads, too."""
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    return get_protocol(arguments.protocol).with_epochs(arguments.epochs)
