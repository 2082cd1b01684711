"""How a benchmark runs: cases, workers, the driver, tables and figures."""
