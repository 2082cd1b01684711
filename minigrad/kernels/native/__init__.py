"""The compiled kernels, a module per family: checks, the struct of arguments, the loop over blocks, rows or parts."""
