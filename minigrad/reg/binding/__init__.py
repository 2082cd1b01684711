"""How a regularizer finds its parameters, and what it is worth: terms, selectors, ramps."""
