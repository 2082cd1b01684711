"""The commands of the program `minigrad`, a file for each."""
