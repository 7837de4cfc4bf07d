"""The ``profile`` commands. Everything heavy is imported inside them."""

from __future__ import annotations

from typing import Annotated

import typer

from neuroalign.command_line.completed_names import profile_names
from neuroalign.command_line.shared_options import Json

profile_app = typer.Typer(
    help="Hardware profiles: what a target can hold, and where each figure comes from.",
    short_help="Targets, every figure with its source.",
    no_args_is_help=True,
)


@profile_app.command("list", epilog="Example: neuroalign profile list")
def profile_list(json: Json = None) -> None:
    """List the built-in profiles."""
    from neuroalign.command_line.profile_terminal import print_profiles
    from neuroalign.profile import available_profiles, load_profile

    profiles = [load_profile(name) for name in available_profiles()]
    if json is not None:
        from neuroalign.command_line.listed_rows import profiles_rows, write_listed

        write_listed(json, "profile list", profiles_rows(profiles))
    print_profiles(profiles)


@profile_app.command("show", epilog="Example: neuroalign profile show loihi1")
def profile_show(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="A built-in profile or a .toml file.", autocompletion=profile_names),
    ],
    json: Json = None,
) -> None:
    """Show every figure of a profile with its source and status; what is unknown is listed as not checked."""
    from neuroalign.command_line.profile_terminal import print_profile
    from neuroalign.profile import load_profile

    profile = load_profile(name)
    if json is not None:
        from neuroalign.command_line.listed_rows import profile_rows, write_listed

        write_listed(json, "profile show", profile_rows(profile))
    print_profile(profile)
