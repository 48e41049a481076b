"""Files and folders that appear whole, locks, the cache on disk: each once, for all."""

from __future__ import annotations

from ddcodec.files.cache import cache_folder, discard, opened_cache, private
from ddcodec.files.json_text import json_text
from ddcodec.files.locks import LOCK, locked
from ddcodec.files.reading import parse_json, read_json
from ddcodec.files.whole import (
    check_replaceable,
    is_leftover,
    remove_leftovers,
    scratch_file,
    scratch_folder,
    whole_folder,
    write_text,
    write_whole,
)
from ddcodec.files.working_folder import ensure_working_folder

__all__ = [
    "LOCK",
    "cache_folder",
    "check_replaceable",
    "discard",
    "ensure_working_folder",
    "is_leftover",
    "json_text",
    "locked",
    "opened_cache",
    "parse_json",
    "private",
    "read_json",
    "remove_leftovers",
    "scratch_file",
    "scratch_folder",
    "whole_folder",
    "write_text",
    "write_whole",
]
