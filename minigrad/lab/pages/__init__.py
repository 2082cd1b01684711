"""What reports are made of: figures, tables, statistics, the machine, the page itself."""
