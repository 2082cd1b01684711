"""Running the command in this process, and the options with which the table `houses` can be read."""

from minigrad import cli

READ = ["--categorical", "town", "--ignore", "c"]


def run(*arguments):
    return cli.main([str(a) for a in arguments])
