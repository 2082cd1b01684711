"""Builds and runs team.c: jobs for the team of threads, every part counted."""

from cross.selftest import HERE, ROOT, recipe, run


def build_team(compiler, folder, flags=(), link=()):
    """folder/team, made by `compiler`."""
    sources = [HERE / "team.c", ROOT / "src_c" / "team" / "team.c"]
    common = [compiler, *recipe().CFLAGS, *flags, f"-I{ROOT / 'src_c'}"]
    run(*common, *sources, "-o", folder / "team", "-pthread", *link)
    return folder / "team"


def run_team(program, jobs, *words, before=(), **environment):
    """How many parts helpers computed; a part that was left out or computed twice is an error."""
    said = run(*before, program, jobs, *words, **environment)
    return int(said.split()[-1])
