"""The command group, loading each command only when it is run, and the exit codes."""

from __future__ import annotations

import errno
import importlib
import keyword
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import click
from click.shell_completion import CompletionItem

from ddcodec import __version__
from ddcodec.cli.process import Stopped, catch_stops, open_streams
from ddcodec.cli.screen import say, shown_warnings
from ddcodec.errors import DdcodecError
from ddcodec.extras import needed_for
from ddcodec.files import ensure_working_folder
from ddcodec.suggestions import did_you_mean

__all__ = ["main", "run"]

# The one-line help stands here so that `ddz --help` imports no command.
COMMANDS = {
    "encode": "Make an artifact from pictures.",
    "plan": "Say what budgets of bytes would buy, and how to spend them.",
    "import": "Make an artifact of another project's distilled set.",
    "decode": "Write an artifact's images and labels as an image folder.",
    "export": "Write an artifact in the layout of another project.",
    "card": "Write the card of an artifact for the Hugging Face hub.",
    "push": "Put an artifact on the hub, with its card and a preview.",
    "inspect": "Show what is inside, byte by byte; reads only the header.",
    "show": "Look at an artifact in the browser, or as one page.",
    "verify": "Check that an artifact is what was written.",
    "subset": "Cut classes, images per class or views out of an artifact.",
    "merge": "Unite artifacts of disjoint classes.",
    "report": "Measure storage against accuracy, as HTML and JSON.",
    "bench": "Compare codecs on pictures and labels of your own.",
    "prior": "Show what a prior is, and fetch it from the hub.",
    "teacher": "Train a teacher on pictures.",
    "methods": "List the methods, or show the options of one.",
    "demo": "Run the whole path on handwritten digits; needs no download.",
    "man": "Print the manual page.",
}

INTERRUPTED = 130
USAGE = 2
_SAID = 200  # characters of a message that nobody wrote for people


class LazyGroup(click.Group):
    """A click group whose commands are modules of this package, imported on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        # A module cannot be called like a keyword of Python.
        name = f"{cmd_name}_" if keyword.iskeyword(cmd_name) else cmd_name
        module = importlib.import_module(f"ddcodec.cli.{name}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            near = did_you_mean(args[0], COMMANDS)
            ctx.fail(f"there is no command {args[0]!r}{near}")
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        found = [name for name in COMMANDS if name.startswith(incomplete)]
        items = [CompletionItem(name, help=COMMANDS[name]) for name in found]
        return [*items, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ddz")
def cli() -> None:
    """Distilled image data sets as .ddz files: encode, decode, inspect and measure them.

    Start with `ddz demo`, or with `ddz encode FOLDER --method rded -o OUT.ddz`, where FOLDER
    holds one subfolder of pictures per class.

    Exit codes: 0 ok, 1 failure, 2 usage, 3 malformed file, 4 integrity, 5 unsupported,
    130 interrupted, 143 stopped by a signal to end.
    """


def main() -> NoReturn:
    """Entry point of ``ddz``."""
    open_streams()
    catch_stops()
    ensure_working_folder()
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except OSError as error:
        # The reader (`head`) has gone, or its disk is full; without this, Python complains once
        # more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = code or (0 if error.errno == errno.EPIPE else _system_error(error))
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run one command line; errors become one line on stderr, and an exit code."""
    debug = os.environ.get("DDCODEC_DEBUG") == "1"
    try:
        with shown_warnings(), needed_for(f"ddz {' '.join(arguments[:1])}"):
            code = cli.main(list(arguments), prog_name="ddz", standalone_mode=False)
    except (click.exceptions.Abort, KeyboardInterrupt) as error:
        say("interrupted: no file was left half-written. " + _resume_hint(arguments), err=True)
        # Click says a KeyboardInterrupt in words of its own.
        why = error.__cause__ or error
        return why.exit_code if isinstance(why, Stopped) else INTERRUPTED
    except click.UsageError as error:
        error.show()
        return USAGE
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except DdcodecError as error:
        if debug:
            raise
        from ddcodec.cli.options import in_words

        say(f"error[{error.code}]: {_with_next_step(in_words(str(error)), error)}", err=True)
        return error.exit_code
    except OSError as error:
        if debug:
            raise
        return _system_error(error)
    except Exception as error:  # whatever is left: one line, and never a traceback by surprise
        if debug:
            raise
        return _other_error(error)
    return code if isinstance(code, int) else 0


def _with_next_step(message: str, error: DdcodecError) -> str:
    """A message, and the next step if a command noted one (see ``common.about``)."""
    notes = getattr(error, "__notes__", [])
    return f"{message.removesuffix('.')}. {notes[0]}" if notes else message


def _resume_hint(arguments: Sequence[str]) -> str:
    going_on = "Run the same command again to go on: finished parts are kept"
    if arguments[:1] in (["encode"], ["import"], ["demo"], ["report"], ["plan"], ["teacher"]):
        return f"{going_on}, and trainings go on from where they were about a minute ago."
    if arguments[:1] == ["decode"]:
        return f"{going_on}."
    if arguments[:1] == ["export"]:
        return "Run the same command again: pictures that a prior has made are kept."
    return "Run the same command again to start over."


def _system_error(error: OSError) -> int:
    if error.errno == errno.EPIPE:
        return 1
    hints = {
        errno.ENOSPC: "free some space, then run the same command again",
        errno.EDQUOT: "free some space, then run the same command again",
        errno.EFBIG: "raise the limit for files (ulimit -f), or choose another disk",
        errno.EMFILE: "raise the limit for open files (ulimit -n)",
        errno.ENOENT: "check the path",
        errno.EACCES: "check the permissions",
        errno.EROFS: "choose another place with -o",
    }
    where = f"{error.filename}: " if error.filename else ""
    hint = hints.get(error.errno or 0, "set DDCODEC_DEBUG=1 to see where this happened")
    say(f"error[system]: {where}{error.strerror or error}; {hint}", err=True)
    return 1


# What torch and Python say, as errors of no class of their own, where a limit is reached.
_OUT_OF_MEMORY = ("out of memory", "allocate memory")
_NO_THREADS = "can't start new thread"


def _other_error(error: Exception) -> int:
    text = " ".join(str(error).split())
    if isinstance(error, MemoryError) or any(said in text.lower() for said in _OUT_OF_MEMORY):
        hint = "try fewer classes at a time, or a smaller --size"
        say(f"error[memory]: out of memory; {hint}", err=True)
    elif text == _NO_THREADS:
        say("error[system]: no more threads may be started; raise the limit (ulimit -u)", err=True)
    else:
        say(
            f"error[internal]: {type(error).__name__}: {text[:_SAID]}; this is a fault of ddcodec: "
            "please report it with what DDCODEC_DEBUG=1 shows",
            err=True,
        )
    return 1
