"""Functions of functions: their derivatives as a whole, and a forward pass that is repeated instead of remembered."""
