"""A training's health: what each layer shows while it trains, what is wrong, since when, and what cures it."""
